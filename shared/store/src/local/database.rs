//! DynamoDB in process, on SQLite.
//!
//! The SDK builds, signs and parses as it does in the cloud; only the HTTP client under it is another one, which hands
//! each request to `dynoxide` on a thread for blocking work. So the expressions, the conditions and the errors that
//! the rest of the crate relies on are taken through the same code on a laptop and in a test.
//!
//! **Durable.** The file is in WAL mode with `synchronous = FULL`: SQLite syncs the log at every commit, before the
//! call returns. `dynoxide` sets the first and leaves the second at SQLite's default, so [`Database::open`] checks it
//! and refuses to run on a SQLite that was built with another one.
//!
//! **Expiry.** `dynoxide` removes expired items only when asked, see [`Database::remove_expired`]. Until then they are
//! read like any other, as in DynamoDB, which may take days.
//!
//! **Not as in the cloud.** Indexes are up to date at once; nothing is throttled; items are written one at a time.

use super::answer::{Answerer, UNREACHABLE};
use super::durable::{create_folder, sync_folder};
use crate::error::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use dynoxide::storage::Storage;
use std::fmt;
use std::path::Path;

/// The name of the database in its folder.
const FILE: &str = "table.sqlite";

/// SQLite's number for `synchronous = FULL`; 3 is `EXTRA`, which syncs more.
const FULL: i64 = 2;

/// A DynamoDB of one's own. Cheap to clone; all clones and clients share one database.
#[derive(Clone)]
pub struct Database {
    engine: dynoxide::Database,
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").finish_non_exhaustive()
    }
}

impl Database {
    /// The database in a folder, both made where they are missing. Blocks while it opens.
    ///
    /// # Errors
    ///
    /// When the folder or the file cannot be made or read, is of a newer version, or would not be synced at a commit.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        const DOING: &str = "open the database";
        create_folder(folder).map_err(|error| StoreError::refused(DOING, error))?;
        let file = folder.join(FILE);
        let path = file.to_str().ok_or_else(|| StoreError::refused(DOING, "the folder's path is not UTF-8"))?;
        let engine = dynoxide::Database::new(path).map_err(|error| StoreError::refused(DOING, error))?;
        check_durable(path)?;
        sync_folder(folder).map_err(|error| StoreError::refused(DOING, error))?;
        Ok(Self { engine })
    }

    /// A database that is gone with its last clone.
    ///
    /// # Errors
    ///
    /// When there is not enough memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        let engine = dynoxide::Database::memory().map_err(|error| StoreError::refused("make a database", error))?;
        Ok(Self { engine })
    }

    /// What answers the SDK in place of the network.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(Answerer::new(self.engine.clone()));
        http_client_fn(move |_, _| connector.clone())
    }

    /// A client of this database, as [`client_over`] makes it.
    pub fn client(&self) -> Client {
        client_over(self.http_client())
    }

    /// The engine itself.
    pub(super) fn engine(&self) -> &dynoxide::Database {
        &self.engine
    }

    /// Removes the items whose time is over, as DynamoDB does by itself, and says how many they were.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub async fn remove_expired(&self) -> Result<usize, StoreError> {
        const DOING: &str = "remove expired items";
        let engine = self.engine.clone();
        let swept = tokio::task::spawn_blocking(move || engine.sweep_ttl()).await;
        swept
            .map_err(|error| StoreError::unavailable(DOING, error))?
            .map_err(|error| StoreError::unavailable(DOING, error))
    }
}

/// A DynamoDB client over any HTTP client: no network, no files, no environment; credentials that open nothing; the
/// SDK's standard retries (three attempts in all).
pub fn client_over(http_client: SharedHttpClient) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(UNREACHABLE)
        .credentials_provider(Credentials::new("local", "local", None, None, "terrace-local"))
        .retry_config(RetryConfig::standard())
        .http_client(http_client)
        .build();
    Client::from_conf(config)
}

/// Asks a connection that is opened as the engine opens its own, because the engine shows its connection to nobody.
fn check_durable(path: &str) -> Result<(), StoreError> {
    const DOING: &str = "check that the database is synced";
    let storage = Storage::new(path).map_err(|error| StoreError::refused(DOING, error))?;
    let synchronous: i64 = storage
        .conn()
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .map_err(|error| StoreError::refused(DOING, error))?;
    let journal: String = storage
        .conn()
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(|error| StoreError::refused(DOING, error))?;
    if synchronous < FULL || journal != "wal" {
        return Err(StoreError::refused(
            DOING,
            format!("synchronous is {synchronous} and the journal {journal}; build with the bundled SQLite"),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
