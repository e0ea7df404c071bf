//! Whose records are exported: everybody, a page at a time, or those that were named.

use crate::client::Client;
use crate::error::CommandError;
use crate::export::manifest::{Asked, Person};
use crate::export::pages::patiently;
use serde::Deserialize;
use std::collections::HashSet;

/// How many users a page has. Those of one page that are done are named in the manifest.
const PAGE: &str = "100";

/// A page of users.
#[derive(Debug, Deserialize)]
pub struct People {
    /// Who.
    pub users: Vec<Person>,
    /// How many users of the page cannot be read there.
    #[serde(default)]
    pub damaged: u64,
    /// Where the list goes on.
    pub cursor: Option<String>,
}

/// A page of the users that were asked for.
///
/// # Errors
///
/// When the server cannot be asked or says no, as it does of a user that it does not know.
pub async fn page(client: &Client, asked: &Asked, cursor: Option<&str>) -> Result<People, CommandError> {
    if asked.everybody() {
        let mut query = vec![("limit", PAGE)];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: People = read(client, &patiently(client, &["users"], &query).await?)?;
        if page.cursor.is_some() && page.cursor.as_deref() == cursor {
            return Err(client.foreign("its cursor leads back to the same page of users"));
        }
        return Ok(page);
    }
    let (mut users, mut damaged) = (Vec::new(), 0);
    for user in &asked.users {
        let body = patiently(client, &["users", user], &[]).await.map_err(|error| match error {
            CommandError::Refused { status: 404, code, message, body } => {
                CommandError::Refused { status: 404, code, message: format!("--user {user}: {message}"), body }
            }
            error => error,
        })?;
        users.push(read(client, &body)?);
    }
    for reference in &asked.references {
        let (connections, unreadable) = connections(client, reference).await?;
        users.extend(connections);
        damaged += unreadable;
        // What names no connection.
        users.push(Person { user_id: None, reference_id: Some(reference.clone()) });
    }
    // Somebody may be named twice, by an id and by a reference.
    let mut seen = HashSet::new();
    users.retain(|user: &Person| seen.insert(user.home().map(str::to_owned)));
    Ok(People { users, damaged, cursor: None })
}

/// The connections of an end user, and how many cannot be read. There may be none: a lab report needs no connection.
async fn connections(client: &Client, reference: &str) -> Result<(Vec<Person>, u64), CommandError> {
    #[derive(Deserialize)]
    struct Page {
        connections: Vec<Person>,
        #[serde(default)]
        damaged: u64,
        cursor: Option<String>,
    }
    let (mut found, mut damaged, mut cursor) = (Vec::new(), 0, None::<String>);
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let body = match patiently(client, &["references", reference], &query).await {
            Err(CommandError::Refused { status: 404, .. }) => return Ok((found, damaged)),
            body => body?,
        };
        let page: Page = read(client, &body)?;
        found.extend(page.connections);
        damaged += page.damaged;
        if page.cursor.is_none() || page.cursor == cursor {
            return Ok((found, damaged));
        }
        cursor = page.cursor;
    }
}

fn read<T: for<'d> Deserialize<'d>>(client: &Client, body: &[u8]) -> Result<T, CommandError> {
    serde_json::from_slice(body).map_err(|error| client.foreign(error))
}
