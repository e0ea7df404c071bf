//! The work that follows an answer, and where it waits.
//!
//! A job is delivered at least once and in any order, so each of them may be done twice.

use crate::error::StoreError;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::OnceLock;

/// Work that follows an answer. It holds keys of the store and nothing of a body.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Apply a delivery that is in the log.
    Apply {
        /// The partition it lies in.
        partition: String,
        /// Its sort key.
        log: String,
    },
    /// Bring what is under one user id under another.
    Rekey {
        /// The user id until now.
        old: String,
        /// The user id from now on.
        new: String,
    },
    /// Remove everything of a user.
    Erase {
        /// The user id.
        user: String,
    },
}

impl Job {
    /// What it is called in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "apply",
            Self::Rekey { .. } => "rekey",
            Self::Erase { .. } => "erase",
        }
    }
}

/// Keys of the store are identifiers of persons, so only the kind is shown.
impl fmt::Debug for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Job").field(&self.name()).finish()
    }
}

/// A place where jobs wait.
#[async_trait]
pub trait JobQueue: Send + Sync + fmt::Debug {
    /// Queues a job.
    ///
    /// # Errors
    ///
    /// When it is not known to be queued durably. It may be queued nevertheless: sending it again does no harm.
    async fn send(&self, job: &Job) -> Result<(), StoreError>;
}

/// Jobs in an SQS queue, each one message whose body is the job as JSON.
///
/// Most deliveries queue nothing, so the client is built when it is first needed.
pub struct SqsQueue {
    url: String,
    build: Box<dyn Fn() -> Client + Send + Sync>,
    built: OnceLock<Client>,
}

/// The URL names an account.
impl fmt::Debug for SqsQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqsQueue").field("built", &self.built.get().is_some()).finish_non_exhaustive()
    }
}

impl SqsQueue {
    /// The queue of this URL, through the client that `build` makes when the first job is sent.
    pub fn new(url: impl Into<String>, build: impl Fn() -> Client + Send + Sync + 'static) -> Self {
        Self { url: url.into(), build: Box::new(build), built: OnceLock::new() }
    }
}

#[async_trait]
impl JobQueue for SqsQueue {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        const DOING: &str = "queue a job";
        let body = serde_json::to_string(job).map_err(|error| StoreError::refused(DOING, error))?;
        let client = self.built.get_or_init(&self.build);
        let request = client.send_message().queue_url(&self.url).message_body(body);
        request.send().await.map_err(|error| StoreError::from_sdk(DOING, error))?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
