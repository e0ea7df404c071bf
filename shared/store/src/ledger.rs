//! The ledger of erases: a line each, an object of its own in the bucket, from which erases are done again after a table
//! was restored from before them.

use crate::error::StoreError;
use crate::log::Log;
use crate::queue::Subject;
use bytes::Bytes;
use futures::stream::TryStreamExt;
use serde::{Deserialize, Serialize};
use terrace_records::Partition;

/// The folder of the ledger.
const LEDGER: &str = "erasures";
/// How many lines are read at once.
const CONCURRENT: usize = 16;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// What was erased: a connection, or an end user's own partition.
    pub subject: Subject,
    /// As of when, in milliseconds since 1970.
    pub erased_at: u64,
}

impl Log {
    /// Enters the erase of a partition into the ledger.
    ///
    /// # Errors
    ///
    /// When the bucket does not take it.
    pub async fn enter_erasure(&self, subject: &Subject, partition: &Partition, at_ms: u64) -> Result<(), StoreError> {
        let line = LedgerLine { subject: subject.clone(), erased_at: at_ms };
        let text = serde_json::to_vec(&line).map_err(|error| StoreError::refused("enter an erase", error))?;
        self.objects().put(&format!("{LEDGER}/{at_ms:013}-{}", partition.folder()), Bytes::from(text)).await
    }

    /// The lines of the ledger, in no order.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer.
    pub async fn erasures(&self) -> Result<Vec<LedgerLine>, StoreError> {
        let listed = self.objects().list(LEDGER);
        let lines = listed.map_ok(|found| async move {
            let bytes = self.objects().get(&found.key).await?;
            Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        });
        lines.try_buffer_unordered(CONCURRENT).try_filter_map(|line| async move { Ok(line) }).try_collect().await
    }
}
