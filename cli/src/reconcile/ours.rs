//! A connection as Terrace has it.

use crate::client::Client;
use crate::error::CommandError;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A connection as Terrace answers it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Ours {
    /// Names it.
    pub user_id: String,
    /// `active`, `error`, `revoked`, `replaced` or `erased`.
    pub status: String,
    /// Where the data comes from.
    pub provider: Option<String>,
    /// The customer's name for the end user.
    pub reference_id: Option<String>,
    /// The permissions granted, sorted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When each type was last delivered.
    #[serde(default)]
    pub last_delivery: BTreeMap<String, String>,
}

impl Ours {
    /// Whether data is expected to come.
    pub fn is_live(&self) -> bool {
        matches!(self.status.as_str(), "active" | "error")
    }

    /// When anything was last delivered.
    pub fn last(&self) -> Option<Timestamp> {
        self.last_delivery.values().filter_map(|moment| moment.parse().ok()).max()
    }
}

/// Connections of a list.
#[derive(Debug, Default)]
pub struct Listed {
    /// Them.
    pub connections: Vec<Ours>,
    /// How many the list leaves out, because what is stored of them cannot be read.
    pub damaged: u64,
}

/// A connection, if Terrace knows it.
///
/// # Errors
///
/// When Terrace cannot be asked.
pub async fn connection(client: &Client, user_id: &str) -> Result<Option<Ours>, CommandError> {
    known(client.json(&["users", user_id], &[]).await)
}

/// The connections of an end user that Terrace knows.
///
/// # Errors
///
/// When Terrace cannot be asked.
pub async fn of_reference(client: &Client, reference: &str) -> Result<Listed, CommandError> {
    #[derive(Deserialize)]
    struct Page {
        connections: Vec<Ours>,
        #[serde(default)]
        damaged: u64,
        cursor: Option<String>,
    }
    let (mut all, mut cursor) = (Listed::default(), None::<String>);
    loop {
        let query: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor.as_str())).collect();
        let Some(mut page) = known::<Page>(client.json(&["references", reference], &query).await)? else { break };
        all.connections.append(&mut page.connections);
        all.damaged += page.damaged;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Every connection that Terrace knows.
///
/// # Errors
///
/// When Terrace cannot be asked.
pub async fn everybody(client: &Client) -> Result<Listed, CommandError> {
    #[derive(Deserialize)]
    struct Page {
        users: Vec<Ours>,
        #[serde(default)]
        damaged: u64,
        cursor: Option<String>,
    }
    let (mut all, mut cursor) = (Listed::default(), None::<String>);
    loop {
        let cursor_given = cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
        let query: Vec<_> = cursor_given.chain([("limit", "1000")]).collect();
        let mut page: Page = client.json(&["users"], &query).await?;
        all.connections.append(&mut page.users);
        all.damaged += page.damaged;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn known<T>(answer: Result<T, CommandError>) -> Result<Option<T>, CommandError> {
    match answer {
        Ok(known) => Ok(Some(known)),
        Err(CommandError::Refused { status: 404, code, .. }) if code == "not_found" => Ok(None),
        Err(error) => Err(error),
    }
}
