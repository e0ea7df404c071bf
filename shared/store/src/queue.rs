//! The work that follows an answer, and where it waits.
//!
//! A job is delivered at least once and in any order, so each of them may be done twice.

use crate::error::StoreError;
use crate::jobs::JobId;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, OnceLock};

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
    /// Fetch the body that a ping in the log leads to.
    Ping {
        /// The partition the ping lies in.
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
    /// Remove everything of somebody.
    Erase {
        /// Whose.
        subject: Subject,
        /// As of when, in milliseconds since 1970.
        at_ms: u64,
        /// The item that tells how far it is, where somebody asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<JobId>,
    },
    /// Apply deliveries from the log again, as its item says.
    Replay {
        /// Its item.
        id: JobId,
    },
    /// The daily round: apply what was logged and never applied, remove what nothing leads to.
    Sweep {
        /// The round that an earlier one began and could not end; where it stands lies with the objects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
}

/// Whose data a job is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A connection's, by its user id.
    User(String),
    /// An end user's, by the customer's name for them: all their connections, and what names no connection.
    Reference(String),
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User(_) => "User",
            Self::Reference(_) => "Reference",
        })
    }
}

impl Job {
    /// What it is called in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "apply",
            Self::Ping { .. } => "ping",
            Self::Rekey { .. } => "rekey",
            Self::Erase { .. } => "erase",
            Self::Replay { .. } => "replay",
            Self::Sweep { .. } => "sweep",
        }
    }

    /// Its item, where somebody asked for it.
    pub fn id(&self) -> Option<&JobId> {
        match self {
            Self::Erase { id, .. } => id.as_ref(),
            Self::Replay { id } => Some(id),
            _ => None,
        }
    }

    /// Reads a job as it stands in a message; `None` where it is none that this version knows.
    pub fn from_message(message: &str) -> Option<Self> {
        serde_json::from_str(message).ok()
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

/// The two queues: a ping's URL dies in minutes, so pings never wait behind a long replay.
#[derive(Debug, Clone)]
pub struct Queues {
    /// Pings.
    pub pings: Arc<dyn JobQueue>,
    /// Everything else.
    pub jobs: Arc<dyn JobQueue>,
}

#[async_trait]
impl JobQueue for Queues {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        match job {
            Job::Ping { .. } => self.pings.send(job).await,
            _ => self.jobs.send(job).await,
        }
    }
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
