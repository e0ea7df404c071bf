//! A whole Terrace in memory, whose every request to AWS is counted.

use crate::error::CommandError;
use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terrace_ingest::{Ingest, Moment, Policy};
use terrace_runtime::http::Request;
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::local::{Asked, Database, Holdings, Meter};
use terrace_store::queue::{Job, JobQueue};
use terrace_store::schema::create_table;
use terrace_store::{Log, Secrets, StoreError, Table};
use terrace_terra::headers::{ORDERING, REFERENCE, SIGNATURE, TRACE_ID};
use terrace_terra::signature::sign;
use terrace_terra::{SigningSecret, UnixSeconds};
use terrace_webhook::Webhook;
use terrace_worker::Worker;
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use terrace_worker::worker::Parts;
use tokio::time::Instant;

const TABLE: &str = "terrace";
const SECRET: &str = "opens-nothing";
/// So far off that nothing is late here, however slow this machine is: durations are not measured.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// A delivery to come.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The body.
    pub body: Bytes,
    /// The ordering header.
    pub ordering_ms: Option<u64>,
    /// The trace id.
    pub trace_id: Option<String>,
    /// The reference header.
    pub reference: String,
    /// The signature's `t`, in seconds since 1970.
    pub signed_at: u64,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct Received {
    /// What the webhook asked of AWS.
    pub webhook: Asked,
    /// What the worker did, a job each.
    pub worker: Asked,
    /// How many jobs followed.
    pub jobs: u64,
    /// The bytes of the answer.
    pub answer_bytes: usize,
    /// The bytes of the lines that it left.
    pub line_bytes: usize,
}

/// Jobs that wait.
#[derive(Debug, Default)]
struct Waiting(Mutex<Vec<Job>>);

#[async_trait]
impl JobQueue for Waiting {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        held(&self.0).push(job.clone());
        Ok(())
    }
}

/// Lines as they were written.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        held(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The bytes of the lines since the last time this was called, with all durations as long as most are.
    fn take(&self) -> usize {
        let text = std::mem::take(&mut *held(&self.0));
        String::from_utf8_lossy(&text).lines().map(usual_length).sum()
    }
}

fn usual_length(line: &str) -> usize {
    let Ok(mut line) = serde_json::from_str::<Value>(line) else { return line.len() };
    for name in ["Duration", "log_ms", "apply_ms", "duration_ms"] {
        if let Some(value) = line.get_mut(name) {
            *value = Value::from(12.34);
        }
    }
    line.to_string().len() + 1
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A whole Terrace.
pub struct Place {
    webhook: Webhook,
    worker: Worker,
    queue: Arc<Waiting>,
    meter: Meter,
    database: Database,
    lines: Lines,
    secret: SigningSecret,
}

impl Place {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// When there is not enough memory.
    pub async fn new() -> Result<Self, CommandError> {
        let (database, meter, lines) = (Database::in_memory()?, Meter::default(), Lines::default());
        let client = meter.client(&database);
        create_table(&client, TABLE).await?;
        let table = Table::new(client, TABLE);
        let log = Log::new(table.clone(), Arc::new(meter.objects()));
        let intake = IntakeSettings::default();
        let queue = Arc::new(Waiting::default());
        let jobs: Arc<dyn JobQueue> = queue.clone();
        let policy = Policy { log_days: intake.log_days, retention: intake.retention };
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&jobs), policy);
        let telemetry = Arc::new(Telemetry::to(lines.clone()));
        let worker = Worker::new(Parts {
            ingest: ingest.clone(),
            table,
            log,
            queue: jobs,
            fetcher: Fetcher::new(Hosts::default(), FetchLimits::default()),
            log_days: intake.log_days,
            telemetry: Arc::clone(&telemetry),
        });
        let secrets = Secrets::fixed(vec![SigningSecret::new(SECRET)?]);
        let webhook = Webhook::new(secrets, ingest, intake, telemetry);
        Ok(Self { webhook, worker, queue, meter, database, lines, secret: SigningSecret::new(SECRET)? })
    }

    /// Takes a delivery in, as of a moment in milliseconds since 1970, and works on the jobs that follow.
    ///
    /// # Errors
    ///
    /// When it is not acknowledged, or a job fails.
    pub async fn receive(&self, incoming: &Incoming, now_ms: u64) -> Result<Received, CommandError> {
        let moment = Moment { now_ms, came: Instant::now() + FAR };
        let answer = self.webhook.handle_at(&self.request(incoming)?, moment).await;
        if answer.status != 200 {
            return Err(CommandError::Usage(format!("a simulated delivery was answered {}", answer.status)));
        }
        let webhook = self.meter.take();
        let mut jobs = 0;
        while let Some(job) = self.next() {
            // What a ping leads to is not fetched here: it comes as a delivery of its own.
            if !matches!(job, Job::Ping { .. }) {
                self.worker.work_at(&job, moment, Instant::now() + FAR).await?;
            }
            jobs += 1;
        }
        let (worker, line_bytes) = (self.meter.take(), self.lines.take());
        Ok(Received { webhook, worker, jobs, answer_bytes: answer.body.len(), line_bytes })
    }

    /// The daily round as of a moment: what it asks of AWS.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub async fn round(&self, now_ms: u64) -> Result<Asked, CommandError> {
        let moment = Moment { now_ms, came: Instant::now() + FAR };
        self.worker.work_at(&Job::Sweep { after: None }, moment, Instant::now() + FAR).await?;
        Ok(self.meter.take())
    }

    /// What lies in the table.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn holdings(&self) -> Result<Holdings, CommandError> {
        Ok(self.database.holdings(TABLE)?)
    }

    fn next(&self) -> Option<Job> {
        held(&self.queue.0).pop()
    }

    fn request(&self, incoming: &Incoming) -> Result<Request, CommandError> {
        let headers = [
            (SIGNATURE, Some(sign(&self.secret, UnixSeconds(incoming.signed_at), &incoming.body))),
            (TRACE_ID, incoming.trace_id.clone()),
            (ORDERING, incoming.ordering_ms.map(|ordering| ordering.to_string())),
            (REFERENCE, Some(incoming.reference.clone())),
        ];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let Some(value) = value else { continue };
            let value = HeaderValue::from_str(&value).map_err(|error| CommandError::Usage(error.to_string()))?;
            map.insert(HeaderName::from_static(name), value);
        }
        let (path, body) = ("/webhook".to_owned(), incoming.body.clone());
        Ok(Request { method: Method::POST, path, query: Vec::new(), headers: map, body })
    }
}
