//! Reading back what Terrace has.

use crate::client::Client;
use crate::error::CommandError;
use crate::simulate::json::Json;
use crate::simulate::truth::Owner;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a question is asked again while the server is busy.
const ATTEMPTS: u32 = 5;

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct ReadRecord {
    /// Its type.
    pub data_type: String,
    /// Its identifier.
    pub id: String,
    /// When it began.
    pub start_time: Option<String>,
    /// When it ended.
    pub end_time: Option<String>,
    /// Where it came from.
    pub provider: Option<String>,
    /// What Terra sent of it.
    pub data: Json,
}

/// A connection as it was read.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadConnection {
    /// Where the data comes from.
    pub provider: Option<String>,
    /// Whose it is.
    pub reference_id: Option<String>,
    /// How it stands.
    pub status: String,
    /// What is granted.
    pub scopes: Vec<String>,
    /// When data last came, by type.
    pub last_delivery: BTreeMap<String, String>,
    /// The id it goes on under.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// The ids it goes on for.
    #[serde(default)]
    pub replaces: Vec<String>,
}

/// A large request as it was read.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadRequest {
    /// Its reference.
    pub reference: String,
    /// How many chunks there are.
    pub expected: Option<u32>,
    /// How many of them came.
    pub seen: usize,
    /// The numbers of those that did not.
    pub missing: Vec<u32>,
    /// Whether all came.
    pub complete: bool,
}

#[derive(Deserialize)]
struct RequestsPage {
    requests: Vec<ReadRequest>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct RecordsPage {
    records: Vec<RecordEntry>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct RecordEntry {
    #[serde(rename = "type")]
    data_type: String,
    id: String,
    start_time: Option<String>,
    end_time: Option<String>,
    provider: Option<String>,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct DeliveriesPage {
    deliveries: Vec<DeliveryEntry>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct DeliveryEntry {
    delivery: String,
}

impl Owner {
    /// The path of what belongs to an owner.
    pub fn path<'o>(&'o self, below: &'o str) -> [&'o str; 3] {
        match self {
            Self::User(id) => ["users", id, below],
            Self::Reference(id) => ["references", id, below],
        }
    }
}

impl RecordEntry {
    fn read(self, client: &Client) -> Result<ReadRecord, CommandError> {
        let data = Json::read(self.data.get()).map_err(|error| CommandError::Foreign {
            url: client.base().to_owned(),
            what: format!("the data of a record cannot be read: {error}"),
        })?;
        let Self { data_type, id, start_time, end_time, provider, .. } = self;
        Ok(ReadRecord { data_type, id, start_time, end_time, provider, data })
    }
}

/// All records of an owner, whole, page after page, in the order in which they come.
pub async fn records(client: &Client, owner: &Owner) -> Result<Vec<ReadRecord>, CommandError> {
    let mut records = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("detail", "full"), ("limit", "1000")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: RecordsPage = patiently(async || client.json(&owner.path("records"), &query).await).await?;
        for entry in page.records {
            records.push(entry.read(client)?);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(records);
        }
    }
}

/// One record, asked for by its name; `None` where the server has none.
pub async fn record(
    client: &Client,
    owner: &Owner,
    data_type: &str,
    id: &str,
) -> Result<Option<ReadRecord>, CommandError> {
    let [kind, owner, below] = owner.path("records");
    // A path carries no slash within a name.
    let asked: Result<RecordEntry, _> = if id.contains('/') {
        let query = [("type", data_type), ("id", id), ("detail", "full")];
        let page: Result<RecordsPage, _> = patiently(async || client.json(&[kind, owner, below], &query).await).await;
        match page.map(|page| page.records.into_iter().next()) {
            Ok(None) => return Ok(None),
            Ok(Some(entry)) => Ok(entry),
            Err(error) => Err(error),
        }
    } else {
        patiently(async || client.json(&[kind, owner, below, data_type, id], &[]).await).await
    };
    match asked {
        Ok(entry) => Ok(Some(entry.read(client)?)),
        Err(CommandError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A connection; `None` where the server knows none.
pub async fn connection(client: &Client, user: &str) -> Result<Option<ReadConnection>, CommandError> {
    match patiently(async || client.json(&["users", user], &[]).await).await {
        Ok(connection) => Ok(Some(connection)),
        Err(CommandError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names of a user's deliveries, in the order in which they come.
pub async fn deliveries(client: &Client, user: &str) -> Result<Vec<String>, CommandError> {
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "1000")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: DeliveriesPage =
            patiently(async || client.json(&["users", user, "deliveries"], &query).await).await?;
        names.extend(page.deliveries.into_iter().map(|entry| entry.delivery));
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(names);
        }
    }
}

/// A user's large requests, in the order in which they come; none where the server knows nothing of such.
pub async fn requests(client: &Client, user: &str) -> Result<Vec<ReadRequest>, CommandError> {
    let mut requests = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let query: Vec<_> = cursor.as_deref().map(|cursor| ("cursor", cursor)).into_iter().collect();
        let asked = patiently(async || client.json(&["users", user, "requests"], &query).await).await;
        let page: RequestsPage = match asked {
            Err(CommandError::Refused { status: 404, .. }) => return Ok(requests),
            asked => asked?,
        };
        requests.extend(page.requests);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(requests);
        }
    }
}

/// The body of a delivery.
pub async fn body(client: &Client, user: &str, delivery: &str) -> Result<bytes::Bytes, CommandError> {
    patiently(async || client.bytes(&["users", user, "deliveries", delivery], &[]).await).await
}

/// Asks again while the server is busy.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, CommandError>) -> Result<T, CommandError> {
    let mut wait = Duration::from_millis(200);
    for _ in 1..ATTEMPTS {
        match ask().await {
            Err(CommandError::Refused { status: 429 | 502..=504, .. } | CommandError::Unreachable { .. }) => {}
            answered => return answered,
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    ask().await
}
