//! The function that works on jobs.

use futures::FutureExt;
use std::process::ExitCode;
use std::sync::Arc;
use terrace_ingest::{Ingest, Policy};
use terrace_runtime::settings::{WorkerSettings, process_environment};
use terrace_runtime::telemetry::Telemetry;
use terrace_runtime::{lambda, parts};
use terrace_store::clients::Clients;
use terrace_worker::Worker;
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use terrace_worker::worker::Parts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let telemetry = Arc::new(Telemetry::stdout());
    match run(Arc::clone(&telemetry)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry.failure("start the worker", &error);
            ExitCode::FAILURE
        }
    }
}

async fn run(telemetry: Arc<Telemetry>) -> Result<(), lambda::Error> {
    let settings = WorkerSettings::read(&process_environment)?;
    telemetry.count_in(settings.metrics_namespace);
    let clients = Clients::from_env(None).await?;
    let (table, log) = parts::view_and_log(&clients, &settings.places);
    let queue = parts::queues(&clients, &settings.queues);
    let receipts = parts::receipts(&clients, settings.queues);
    let policy = Policy { log_days: settings.log_days, retention: settings.retention };
    let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&queue), policy);
    let limits = FetchLimits { max_bytes: settings.pings.max_bytes, ..FetchLimits::default() };
    let hosts = settings.pings.hosts.as_deref().map_or_else(|| Ok(Hosts::default()), Hosts::parse)?;
    let fetcher = Fetcher::new(hosts, limits);
    let log_days = settings.log_days;
    let worker = Worker::new(Parts { ingest, table, log, queue, fetcher, log_days, telemetry });
    let (worker, receipts) = (&worker, &receipts);
    // Boxed: the future of every kind of job is too deep a type for the compiler otherwise.
    lambda::serve_batches(move |batch, due| worker.work_on(batch, due, Some(receipts)).boxed()).await
}
