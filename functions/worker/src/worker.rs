//! One job, whatever it is.

use crate::error::WorkError;
use crate::fetch::Fetcher;
use futures::future::{BoxFuture, FutureExt};
use std::sync::Arc;
use std::time::Duration;
use terrace_ingest::{Ingest, IngestError, Moment};
use terrace_runtime::telemetry::{JobLine, JobOutcome, Telemetry};
use terrace_store::queue::{Job, JobQueue};
use terrace_store::{JobId, JobState, Log, Table};
use tokio::time::Instant;

/// What works on jobs.
#[derive(Debug)]
pub struct Worker {
    pub(crate) ingest: Ingest,
    pub(crate) table: Table,
    pub(crate) log: Log,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) fetcher: Fetcher,
    pub(crate) log_days: u64,
    pub(crate) telemetry: Arc<Telemetry>,
}

/// What the worker is made of.
#[derive(Debug)]
pub struct Parts {
    /// Applies deliveries.
    pub ingest: Ingest,
    /// The view.
    pub table: Table,
    /// The log.
    pub log: Log,
    /// Where jobs wait that follow from jobs.
    pub queue: Arc<dyn JobQueue>,
    /// Fetches what pings lead to.
    pub fetcher: Fetcher,
    /// How long a delivery stays in the log, in days.
    pub log_days: u64,
    /// Where lines go.
    pub telemetry: Arc<Telemetry>,
}

/// What came of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// It is done.
    Done,
    /// Time was over: what is left of it was queued as a job of its own.
    HandedOn,
    /// A ping did not lead to a body, and is in quarantine for this reason.
    Lost(&'static str),
}

impl Worker {
    /// A worker of these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ingest, table, log, queue, fetcher, log_days, telemetry } = parts;
        Self { ingest, table, log, queue, fetcher, log_days, telemetry }
    }

    /// Works on a job, and stops in time for `due`. One line says what came of it.
    ///
    /// # Errors
    ///
    /// When it was not done, and has to be tried again.
    pub async fn work(&self, job: &Job, due: Instant) -> Result<Worked, WorkError> {
        self.work_at(job, Moment::now(), due).await
    }

    /// The same, as of this moment.
    ///
    /// # Errors
    ///
    /// When it was not done, and has to be tried again.
    pub async fn work_at(&self, job: &Job, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        let worked = match self.begin(job, moment, due).await {
            // Applied since, expired or erased: there is nothing left to do.
            Err(WorkError::Ingest(IngestError::Gone)) => Ok(Worked::Done),
            worked => worked,
        };
        let (outcome, error) = match &worked {
            Ok(Worked::Done) => (JobOutcome::Done, None),
            Ok(Worked::HandedOn) => (JobOutcome::HandedOn, None),
            Ok(Worked::Lost(reason)) => (JobOutcome::PingLost(reason), None),
            Err(error) => (JobOutcome::Failed, Some(error.to_string())),
        };
        let line = JobLine { job: job.name(), outcome, duration: moment.came.elapsed(), error };
        self.telemetry.job(&line, moment.now_ms);
        if let (Err(error), Some(id)) = (&worked, job.id())
            && !error.is_transient()
        {
            self.give_up(id, moment.now_ms).await;
        }
        worked
    }

    /// Says that a message was no job.
    pub fn refuse(&self) -> WorkError {
        let moment = Moment::now();
        let error = Some(WorkError::Unknown.to_string());
        let line = JobLine { job: "unknown", outcome: JobOutcome::Failed, duration: Duration::ZERO, error };
        self.telemetry.job(&line, moment.now_ms);
        WorkError::Unknown
    }

    async fn begin(&self, job: &Job, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        // Boxed: one job is at work at a time, and together they would make a future of some hundred kilobytes.
        let working: BoxFuture<'_, Result<Worked, WorkError>> = match job {
            Job::Apply { partition, log } => self.apply(partition, log, moment).boxed(),
            Job::Ping { partition, log } => self.ping(partition, log, moment, due).boxed(),
            Job::Rekey { old, .. } => self.rekey(old, moment, due).boxed(),
            Job::Erase { subject, at_ms, id } => self.erase(subject, *at_ms, id.as_ref(), moment, due).boxed(),
            Job::Replay { id } => self.replay(id, moment, due).boxed(),
            Job::Sweep { after } => self.sweep(after.as_deref(), moment, due).boxed(),
        };
        working.await
    }

    async fn apply(&self, partition: &str, log: &str, moment: Moment) -> Result<Worked, WorkError> {
        self.ingest.apply_logged(partition, log, moment).await?;
        Ok(Worked::Done)
    }

    /// Says in a job's item that it will not be done. That the item cannot be written changes nothing about that.
    async fn give_up(&self, id: &JobId, now_ms: u64) {
        let given_up = async {
            if let Some(mut item) = self.table.job(id).await? {
                item.state = JobState::Failed;
                self.table.put_job(&item, now_ms).await?;
            }
            Ok::<_, WorkError>(())
        };
        if let Err(error) = given_up.await {
            self.telemetry.failure("write a job's item", &error);
        }
    }
}
