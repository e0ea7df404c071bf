//! Jobs that a command asked for, followed to their end; and `terrace jobs`.

use crate::client::Client;
use crate::connect::Connect;
use crate::error::CommandError;
use crate::terminal;
use clap::Args;
use indicatif::ProgressBar;
use reqwest::Method;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::sleep;

/// How often a job is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);

/// Show how far a job is, such as an erase or a replay that was given with --no-wait.
///
/// Exit status: 0 it is on its way or done, 1 it failed or there is none of this id, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct JobsArgs {
    /// Its id, as the order was answered.
    pub job: String,
    /// Wait for its end.
    #[arg(long)]
    pub wait: bool,
    /// The job as the server answers it.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

/// Shows a job.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn run(args: JobsArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let job = client.bytes(&["jobs", &args.job], &[]).await?;
    let following = Following { no_wait: !args.wait, json: args.json };
    follow(&client, &job, following, |job| format!("Job {} is done: {}.", job.job, job.told())).await
}

/// A job as the server answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// Its id.
    pub job: String,
    /// `queued`, `running`, `done` or `failed`.
    pub status: String,
    /// What it did so far.
    pub progress: BTreeMap<String, u64>,
}

impl Job {
    /// A count of what it did so far.
    pub fn count(&self, name: &str) -> u64 {
        self.progress.get(name).copied().unwrap_or(0)
    }

    fn told(&self) -> String {
        let counts = self.progress.iter().map(|(name, number)| format!("{number} {}", name.replace('_', " ")));
        let told = counts.collect::<Vec<_>>().join(", ");
        if told.is_empty() { "nothing yet".to_owned() } else { told }
    }
}

/// How an order is followed.
#[derive(Debug, Clone, Copy)]
pub struct Following {
    /// Do not wait for the end.
    pub no_wait: bool,
    /// Print the job as the server answers it.
    pub json: bool,
}

/// Gives an order, follows its job, and says what came of it; `tell` puts the end into words.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn order(
    client: &Client,
    order: (Method, &[&str], Option<String>),
    following: Following,
    tell: impl Fn(&Job) -> String,
) -> Result<ExitCode, CommandError> {
    let (method, path, body) = order;
    let given = client.send(method, path, body).await?;
    follow(client, &given, following, tell).await
}

async fn follow(
    client: &Client,
    given: &[u8],
    following: Following,
    tell: impl Fn(&Job) -> String,
) -> Result<ExitCode, CommandError> {
    let mut text = String::from_utf8_lossy(given).into_owned();
    let mut job = read(client, &text)?;
    if !following.no_wait {
        let spinner = ProgressBar::new_spinner();
        while !matches!(job.status.as_str(), "done" | "failed") {
            spinner.set_message(format!("{} {}", job.status, job.told()));
            spinner.tick();
            sleep(ASK_EVERY).await;
            text = String::from_utf8_lossy(&client.bytes(&["jobs", &job.job], &[]).await?).into_owned();
            job = read(client, &text)?;
        }
        spinner.finish_and_clear();
    }
    let said = match job.status.as_str() {
        _ if following.json => text,
        "done" => tell(&job),
        "failed" => {
            format!("Job {} failed; the server's log says why, and the message is with the dead ones.", job.job)
        }
        _ => format!(
            "Job {} is {} ({}); `terrace jobs {} --wait` waits for its end.",
            job.job,
            job.status,
            job.told(),
            job.job
        ),
    };
    terminal::say(&said)?;
    Ok(if job.status == "failed" { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(client: &Client, text: &str) -> Result<Job, CommandError> {
    serde_json::from_str(text).map_err(|error| client.foreign(error))
}
