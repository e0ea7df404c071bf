//! A batch of messages, as SQS hands it to a function that reports partial failures (AWS: "Using Lambda with Amazon
//! SQS", `ReportBatchItemFailures`).

use crate::worker::Worker;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use terrace_store::queue::Job;
use tokio::time::Instant;

/// A job is begun only while there is this much time left; others go back to the queue.
const LEAST: Duration = Duration::from_secs(5);

/// A batch.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records", default)]
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Deserialize)]
pub struct Message {
    /// Its id within the queue.
    #[serde(rename = "messageId")]
    pub id: String,
    /// The job, as JSON.
    #[serde(default)]
    pub body: String,
}

/// The body has identifiers in it.
impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Message").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The messages that were not worked off, which SQS hands out again until they have had their tries.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// Them.
    #[serde(rename = "batchItemFailures")]
    pub failed: Vec<Failure>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its id within the queue.
    #[serde(rename = "itemIdentifier")]
    pub id: String,
}

impl Worker {
    /// Works on a batch, one message after the other: a job may need much memory. One that fails does not harm the
    /// others.
    pub async fn work_on(&self, batch: Batch, due: Instant) -> Failures {
        let mut failures = Failures::default();
        for message in batch.messages {
            let in_time = Instant::now() + LEAST < due;
            let worked = match Job::from_message(&message.body).filter(|_| in_time) {
                Some(job) => self.work(&job, due).await.is_ok(),
                None => in_time && drop_error(self.refuse()),
            };
            if !worked {
                failures.failed.push(Failure { id: message.id });
            }
        }
        failures
    }
}

/// The error was said in a line; here it only counts that there was one.
fn drop_error(_: crate::WorkError) -> bool {
    false
}
