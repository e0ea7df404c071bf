//! `terrace erase`.

use crate::connect::Connect;
use crate::error::CommandError;
use crate::jobs::{Following, Job, order};
use clap::Args;
use reqwest::Method;
use std::process::ExitCode;

/// Erase everything that is kept of somebody.
///
/// Records, deliveries, objects, and what came under ids that theirs replaced. It cannot be undone.
///
/// Exit status: 0 done, 1 the server said no or the job failed, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct EraseArgs {
    /// Terra's user_id.
    #[arg(required_unless_present = "reference", conflicts_with = "reference")]
    pub user: Option<String>,
    /// An end user by your name for them: all their connections and lab reports.
    #[arg(long, value_name = "REFERENCE")]
    pub reference: Option<String>,
    /// Yes, erase. Without it nothing is done.
    #[arg(long)]
    pub yes: bool,
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

/// Erases.
///
/// # Errors
///
/// When it was not confirmed, or the server cannot be asked or says no.
pub async fn run(args: EraseArgs) -> Result<ExitCode, CommandError> {
    if !args.yes {
        return Err(CommandError::Usage("an erase cannot be undone; say --yes to go on".to_owned()));
    }
    let client = args.connect.client()?;
    let path = match (&args.user, &args.reference) {
        (Some(user), _) => ["users", user.as_str()],
        (None, reference) => ["references", reference.as_deref().unwrap_or_default()],
    };
    let following = Following { no_wait: args.no_wait, json: args.json };
    order(&client, (Method::DELETE, &path, None), following, told).await
}

fn told(job: &Job) -> String {
    match (job.count("items"), job.count("objects")) {
        (0, 0) => "Nothing was kept of them.".to_owned(),
        (items, objects) => format!("Erased: {items} items and {objects} objects."),
    }
}
