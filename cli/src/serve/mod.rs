//! `terrace serve`: production on one machine.
//!
//! The handlers that Lambda runs, behind a port that only this machine reaches; DynamoDB in process, a folder for
//! objects and one for jobs, everything on the disk before an answer.

mod faults;
mod jobs;
pub mod laptop;
mod requests;

use crate::ping_host::PingHostError;
use crate::shared_args::share;
use clap::Args;
use faults::Faults;
use laptop::Laptop;
use requests::Served;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use terrace_query::diagnosis::terra::Terra;
use terrace_runtime::settings::{
    Environment, IntakeSettings, LOCAL_SECRET, PingSettings, Placeholders, SettingError, given_secrets,
    process_environment,
};
use terrace_runtime::telemetry::Telemetry;
use terrace_store::StoreError;
use terrace_worker::fetch::{FetchLimits, FetchSetupError, Fetcher, Hosts, HostsError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Run Terrace on this machine, everything in one folder.
///
/// The same handlers as in the cloud: POST /webhook takes deliveries, the rest is for this machine alone. What was
/// acknowledged is on the disk, and survives a kill. Ctrl-C stops it in good order.
///
/// Exit status: 0 it was stopped, 1 it could not start: a port in use, a folder that cannot be used, a setting that is
/// wrong; 2 wrong usage.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The port to listen on, on 127.0.0.1 alone; 0 takes a free one.
    #[arg(long, env = "PORT", default_value_t = 8787)]
    pub port: u16,
    /// The folder that everything lies in. Delete it to begin anew.
    #[arg(long, env = "DATA", default_value = ".terrace", value_name = "FOLDER")]
    pub data: PathBuf,
    /// What deliveries are signed with; several, separated by commas, are all accepted.
    #[arg(long, env = "TERRA_SIGNING_SECRET", default_value = LOCAL_SECRET, hide_env_values = true, hide_default_value = true)]
    pub secret: String,
    /// Fail this share of the deliveries on purpose, from 0 to 1: with 503 and 500, by an answer that breaks off or comes
    /// too late. For trying out senders; what was acknowledged is kept all the same.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub fail: f64,
}

/// Why serving did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// What Terra's API is to be asked with is wrong.
    #[error(transparent)]
    Terra(#[from] terrace_terra_api::SettingError),
    /// What lies in the folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of hosts that pings may lead to is none.
    #[error("TERRACE_PING_HOSTS: {0}")]
    Hosts(#[from] HostsError),
    /// The certificate of the simulator's host cannot be made or read.
    #[error(transparent)]
    PingHost(#[from] PingHostError),
    /// The certificate of the simulator's host is none.
    #[error("{0}; remove the folder ping-host in the data folder, it is made anew")]
    Certificate(#[from] FetchSetupError),
    /// The folder cannot be used.
    #[error("cannot use the folder {}: {cause}; choose another with --data", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Another `serve` uses the folder.
    #[error("the folder {} is in use by another `terrace serve`; stop it, or choose another with --data", .0.display())]
    InUse(PathBuf),
    /// The port cannot be used.
    #[error("cannot listen on 127.0.0.1:{port}: {cause}; choose another with --port")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Serving broke off.
    #[error("stopped serving: {0}")]
    Broken(#[source] io::Error),
}

/// Serves until told to stop, by Ctrl-C or SIGTERM.
///
/// # Errors
///
/// When the folder, the port or a setting cannot be used.
pub async fn run(args: ServeArgs) -> Result<(), ServeError> {
    let secrets = given_secrets(&args.secret, Placeholders::Accepted)?;
    let intake = IntakeSettings::read(&process_environment)?;
    let fetcher = fetcher(&process_environment)?;
    let laptop = Laptop::open(&args.data, secrets, intake, fetcher, Telemetry::stdout()).await?;
    let laptop = Arc::new(laptop.with_witness(Terra::configured(&process_environment)?));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port));
    let listener = listener.await.map_err(|cause| ServeError::Port { port: args.port, cause })?;
    let port = listener.local_addr().map_err(ServeError::Broken)?.port();
    announce(&args, port);
    let (stop, stopped) = watch::channel(false);
    let mut beside = JoinSet::new();
    for queue in [laptop.jobs.clone(), laptop.pings.clone()] {
        beside.spawn(jobs::run(Arc::clone(&laptop), queue, stopped.clone()));
    }
    beside.spawn(jobs::keep_hours(Arc::clone(&laptop), stopped.clone()));
    let served = requests::serve(listener, Served { laptop, faults: Faults::new(args.fail) }, stopped, async move {
        until_told().await;
        stop.send_replace(true);
    });
    let served = served.await.map_err(ServeError::Broken);
    while let Some(ended) = beside.join_next().await {
        ended.map_err(|error| ServeError::Broken(io::Error::other(error)))?;
    }
    served
}

/// What pings are fetched with, as in the cloud.
fn fetcher(environment: Environment<'_>) -> Result<Fetcher, ServeError> {
    let pings = PingSettings::read(environment)?;
    let hosts = pings.hosts.as_deref().map_or_else(|| Ok(Hosts::default()), Hosts::parse)?;
    Ok(Fetcher::new(hosts, FetchLimits { max_bytes: pings.max_bytes, ..FetchLimits::default() }))
}

#[expect(clippy::print_stderr, reason = "a command talks to people; the lines on the standard output are for programs")]
fn announce(args: &ServeArgs, port: u16) {
    let secret = if args.secret == LOCAL_SECRET { LOCAL_SECRET } else { "the one that was given" };
    eprintln!("Terrace receives on http://127.0.0.1:{port}/webhook and answers on http://127.0.0.1:{port}/users/…");
    eprintln!("Everything lies in {}. Signing secret: {secret}.", args.data.display());
    if args.fail > 0.0 {
        eprintln!("A share of {} of the deliveries fails on purpose (--fail).", args.fail);
    }
    eprintln!("Set another secret with --secret or TERRA_SIGNING_SECRET. Ctrl-C stops.");
}

async fn until_told() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! {
                    _ = interrupted => {}
                    _ = terminated.recv() => {}
                }
            }
            Err(_) => drop(interrupted.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupted.await);
}
