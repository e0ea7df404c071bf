//! The worker's process: what `functions/worker/src/main.rs` does, and one thing more.
//!
//! The released worker never asks this machine for a body, by design, so this one is told to trust the bench's host. It
//! runs in a process of its own, whose memory is then the worker's alone.

use crate::error::{BenchError, Doing};
use crate::function::{Function, Program};
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

/// The subcommand that runs it.
pub const COMMAND: &str = "worker";
/// The variable with the certificate to trust, in PEM.
const AUTHORITY: &str = "TERRACE_BENCH_AUTHORITY";

/// Starts one, as a function that waits for its first job.
///
/// # Errors
///
/// When it does not start.
pub async fn start(
    mut environment: Vec<(&'static str, String)>,
    authority: Option<&str>,
) -> Result<Function, BenchError> {
    let command = std::env::current_exe().doing("find the bench itself")?;
    let program = Program { command, arguments: vec![COMMAND.into()] };
    environment.extend(authority.map(|authority| (AUTHORITY, authority.to_owned())));
    Function::start(&program, &environment).await
}

/// Is one, until it is killed.
pub fn run() -> ExitCode {
    let telemetry = Arc::new(Telemetry::stdout());
    // One thread, as the function has.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended =
        runtime.map_err(lambda::Error::from).and_then(|runtime| runtime.block_on(serve(Arc::clone(&telemetry))));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry.failure("start the worker", &error);
            ExitCode::FAILURE
        }
    }
}

async fn serve(telemetry: Arc<Telemetry>) -> Result<(), lambda::Error> {
    let settings = WorkerSettings::read(&process_environment)?;
    let clients = Clients::from_env(None).await?;
    let (table, log) = parts::view_and_log(&clients, &settings.places);
    let queue = parts::queues(&clients, &settings.queues);
    let policy = Policy { log_days: settings.log_days, retention: settings.retention };
    let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&queue), policy);
    let limits = FetchLimits { max_bytes: settings.pings.max_bytes, ..FetchLimits::default() };
    let mut fetcher = Fetcher::new(Hosts::default(), limits);
    if let Some(authority) = process_environment(AUTHORITY) {
        fetcher = fetcher.trusting_local(&authority)?;
    }
    let log_days = settings.log_days;
    let worker = Worker::new(Parts { ingest, table, log, queue, fetcher, log_days, telemetry });
    let worker = &worker;
    lambda::serve_batches(move |batch, due| worker.work_on(batch, due, None).boxed()).await
}
