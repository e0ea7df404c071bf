//! `terrace replay`.

use crate::connect::Connect;
use crate::error::CommandError;
use crate::jobs::{Following, Job, order};
use clap::Args;
use jiff::civil::Date;
use reqwest::Method;
use serde_json::json;
use std::process::ExitCode;

/// Apply deliveries from the log again: those in quarantine, or all.
///
/// Those in quarantine after a fix; all of them to make records anew. What is applied twice changes nothing.
///
/// Exit status: 0 done, 1 the server said no or the job failed, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Only deliveries of this user (Terra's user_id).
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Only deliveries from this day on, by UTC.
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Only deliveries up to this day, by UTC.
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// All deliveries, not only those in quarantine.
    #[arg(long)]
    pub all: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not wait for the end.
    #[arg(long)]
    pub no_wait: bool,
    /// The job as the server answers it.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

/// Replays.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn run(args: ReplayArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let mut asked = json!({"only": if args.all { "all" } else { "quarantined" }, "dry_run": args.dry_run});
    let given = [
        ("user_id", args.user.clone()),
        ("from", args.from.map(|date| date.to_string())),
        ("to", args.to.map(|date| date.to_string())),
    ];
    if let Some(members) = asked.as_object_mut() {
        members.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    let following = Following { no_wait: args.no_wait, json: args.json };
    let dry_run = args.dry_run;
    order(&client, (Method::POST, &["replays"], Some(asked.to_string())), following, |job| told(job, dry_run)).await
}

fn told(job: &Job, dry_run: bool) -> String {
    let deliveries = job.count("deliveries");
    if deliveries == 0 {
        return "Nothing to replay: no such delivery is in the log.".to_owned();
    }
    let did = if dry_run { "would be applied" } else { "applied" };
    format!(
        "{deliveries} deliveries: {} {did} ({} records changed), {} fetched again, {} with nothing to keep, {} still in \
         quarantine, {} failed.",
        job.count("applied"),
        job.count("records_stored"),
        job.count("fetching"),
        job.count("ignored"),
        job.count("quarantined"),
        job.count("failed"),
    )
}
