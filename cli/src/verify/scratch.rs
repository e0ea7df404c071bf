//! The scratch table: what the log comes to when it is applied to nothing.

use crate::error::CommandError;
use crate::verify::compare::Covered;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use terrace_ingest::{Ingest, Moment, Policy};
use terrace_records::Retention;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::local::Database;
use terrace_store::queue::{Job, JobQueue};
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::schema::create_table;
use terrace_store::{Freshness, Log, StoreError, Table};
use terrace_worker::Worker;
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use terrace_worker::worker::Parts;
use tokio::time::Instant;

/// How long the work of one job may take at a time.
const WORK_WITHIN: Duration = Duration::from_secs(3_600);

/// Jobs in memory. Pings and erases are left out: what a ping led to is in the log itself, and of who was erased
/// nothing is compared.
#[derive(Debug, Default)]
struct MemoryQueue(Mutex<Vec<Job>>);

#[async_trait]
impl JobQueue for MemoryQueue {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        if matches!(job, Job::Rekey { .. } | Job::Apply { .. }) {
            let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !jobs.contains(job) {
                jobs.push(job.clone());
            }
        }
        Ok(())
    }
}

/// What filling came to.
#[derive(Debug, Default)]
pub struct Filled {
    /// How many deliveries were applied.
    pub applied: u64,
    /// Where the deliveries lie that cannot be read.
    pub damaged: Vec<String>,
}

/// A scratch table under construction.
pub struct Scratch {
    table: Table,
    ingest: Ingest,
    worker: Worker,
    queue: Arc<MemoryQueue>,
}

impl Scratch {
    /// An empty one, in memory, that reads bodies from the objects of `log`.
    pub async fn new(log: &Log) -> Result<Self, StoreError> {
        let client = Database::in_memory()?.client();
        create_table(&client, "scratch").await?;
        let table = Table::new(client, "scratch");
        let queue = Arc::new(MemoryQueue::default());
        let log = log.over(&table);
        let jobs: Arc<dyn JobQueue> = queue.clone();
        let policy = Policy { log_days: 1, retention: Retention::Keep };
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&jobs), policy);
        let worker = Worker::new(Parts {
            ingest: ingest.clone(),
            table: table.clone(),
            log,
            queue: jobs,
            fetcher: Fetcher::new(Hosts::default(), FetchLimits::default()),
            log_days: 1,
            telemetry: Arc::new(Telemetry::to(std::io::sink())),
        });
        Ok(Self { table, ingest, worker, queue })
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Applies every delivery of `source`. One that is damaged does not stop the others.
    pub async fn fill(&self, source: &Table, covered: &mut Covered) -> Result<Filled, CommandError> {
        let (mut filled, mut position) = (Filled::default(), None);
        loop {
            let (met, next) = source.round(position.as_ref(), Freshness::Latest).await?;
            for met in met {
                let (partition, logged) = match met {
                    Met::Delivery(partition, logged) => (partition, logged),
                    Met::Damaged(at, _) => {
                        filled.damaged.push(at.to_text());
                        continue;
                    }
                    Met::Pointer(_) | Met::Other => continue,
                };
                match self.ingest.replay(&partition, &logged, false, Moment::now()).await {
                    Ok(_) => {
                        covered.add(&logged);
                        filled.applied += 1;
                    }
                    Err(error) if error.is_transient() => return Err(error.into()),
                    Err(_) => filled.damaged.push(RoundPosition::of_delivery(&partition, &logged.key).to_text()),
                }
            }
            position = next;
            if position.is_none() {
                break;
            }
        }
        self.settle().await?;
        Ok(filled)
    }

    async fn settle(&self) -> Result<(), CommandError> {
        loop {
            let job = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(job) = job else { return Ok(()) };
            self.worker.work(&job, Instant::now() + WORK_WITHIN).await?;
        }
    }
}
