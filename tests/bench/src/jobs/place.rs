//! The table and the log that a job works on, filled by Terrace's own code.

use crate::endpoints::{BUCKET, Endpoints, TABLE};
use crate::error::BenchError;
use crate::event::now_ms;
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use terrace_ingest::plan::Envelope;
use terrace_ingest::{Ingest, Moment, Policy};
use terrace_records::Retention;
use terrace_store::{Job, JobQueue, Log, Objects, StoreError, Table};
use terrace_terra::ids::DeliveryId;
use terrace_terra::{UnixSeconds, VerifiedBody};
use tokio::time::Instant;

/// Longer than anything here takes that works at all.
const PATIENCE: Duration = Duration::from_secs(180);

/// Jobs as they are queued, for the bench to hand them over.
#[derive(Debug, Default)]
struct Caught(Mutex<Vec<Job>>);

#[async_trait]
impl JobQueue for Caught {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        if let Ok(mut jobs) = self.0.lock() {
            jobs.push(job.clone());
        }
        Ok(())
    }
}

/// The stand-ins, and what fills them and looks at them.
pub struct Place {
    /// DynamoDB and S3.
    pub endpoints: Endpoints,
    /// The view.
    pub table: Table,
    /// The log.
    pub log: Log,
    ingest: Ingest,
    queued: Arc<Caught>,
}

impl Place {
    /// An empty table, and a bucket that keeps what it is given.
    ///
    /// # Errors
    ///
    /// When there is no port.
    pub async fn empty() -> Result<Self, BenchError> {
        let endpoints = Endpoints::start().await?;
        endpoints.keep_objects();
        let clients = endpoints.clients().await?;
        let table = Table::new(clients.dynamodb(), TABLE);
        let log = Log::new(table.clone(), Arc::new(Objects::new(move || clients.bucket(BUCKET))));
        let queued = Arc::new(Caught::default());
        let queue: Arc<dyn JobQueue> = Arc::<Caught>::clone(&queued);
        let policy = Policy { log_days: 90, retention: Retention::Keep };
        let ingest = Ingest::new(table.clone(), log.clone(), queue, policy);
        Ok(Self { endpoints, table, log, ingest, queued })
    }

    /// Takes a delivery in, however large it is.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub async fn fill(&self, body: &str, trace_id: &str) -> Result<(), BenchError> {
        let until = Instant::now() + PATIENCE;
        self.ingest.receive_fetched(envelope(trace_id), verified(body), Moment::now(), until).await?;
        Ok(())
    }

    /// Takes in a delivery that asks for one job, and says which.
    ///
    /// # Errors
    ///
    /// When it asks for none, or for more than one.
    pub async fn ask(&self, body: &str, trace_id: &str) -> Result<Job, BenchError> {
        self.ingest.receive(envelope(trace_id), verified(body), Moment::now()).await?;
        let jobs = self.queued.0.lock().map(|mut jobs| std::mem::take(&mut *jobs)).unwrap_or_default();
        match <[Job; 1]>::try_from(jobs) {
            Ok([job]) => Ok(job),
            Err(jobs) => Err(BenchError::NoFigure(format!("a delivery asked for {} jobs", jobs.len()))),
        }
    }
}

fn envelope(trace_id: &str) -> Envelope<'_> {
    Envelope { trace_id: DeliveryId::new(trace_id), ordering_ms: Some(now_ms()), reference: None }
}

/// Nobody signs here: what a signature costs is measured elsewhere.
fn verified(body: &str) -> VerifiedBody<'_> {
    VerifiedBody::from_log(body.as_bytes(), UnixSeconds(now_ms() / 1_000))
}
