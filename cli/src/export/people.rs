//! Whose records are exported: everybody, a page at a time, or those that were named.

use crate::client::Client;
use crate::error::CommandError;
use crate::export::manifest::{Asked, Person};
use crate::export::pages::patiently;
use serde::Deserialize;

/// How many users a page has. Those of one page that are done are named in the manifest.
const PAGE: &str = "100";

/// A page of users.
#[derive(Debug, Deserialize)]
pub struct People {
    /// Who.
    pub users: Vec<Person>,
    /// Where the list goes on.
    pub cursor: Option<String>,
}

/// A page of the users that were asked for.
///
/// # Errors
///
/// When the server cannot be asked or says no, as it does of a user that it does not know.
pub async fn page(client: &Client, asked: &Asked, cursor: Option<&str>) -> Result<People, CommandError> {
    if asked.users.is_empty() {
        let mut query = vec![("limit", PAGE)];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: People = read(client, &patiently(client, &["users"], &query).await?)?;
        if page.cursor.is_some() && page.cursor.as_deref() == cursor {
            return Err(client.foreign("its cursor leads back to the same page of users"));
        }
        return Ok(page);
    }
    let mut users = Vec::with_capacity(asked.users.len());
    for user in &asked.users {
        let body = patiently(client, &["users", user], &[]).await.map_err(|error| match error {
            CommandError::Refused { status: 404, code, message } => {
                CommandError::Refused { status: 404, code, message: format!("--user {user}: {message}") }
            }
            error => error,
        })?;
        users.push(read(client, &body)?);
    }
    Ok(People { users, cursor: None })
}

fn read<T: for<'d> Deserialize<'d>>(client: &Client, body: &[u8]) -> Result<T, CommandError> {
    serde_json::from_slice(body).map_err(|error| client.foreign(error))
}
