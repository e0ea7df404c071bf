//! `terrace backfill`.

mod asking;
mod following;
mod journal;
mod plan;
mod report;
mod state;

use crate::client::Client;
use crate::connect::Connect;
use crate::error::CommandError;
use crate::{INTERRUPTED, terminal, terra};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use journal::Journal;
use plan::{Ask, spans};
use report::Report;
use state::Progress;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use terrace_terra_api::{HistoryType, MAX_SPAN_DAYS, TerraApi};

/// Ask Terra to send history to the webhook, and follow it until it came.
///
/// For the days after an outage that was longer than Terra's retries, and for users who connected before Terrace was
/// there. Asks Terra's API (TERRA_DEV_ID, TERRA_API_KEY, TERRA_API_URL); the data comes to the webhook like any other, and
/// what comes twice changes nothing.
///
/// What Terra has accepted is written to a journal: the same command again, after Ctrl-C or anything else, asks only for
/// what is left and follows the rest.
///
/// Exit status: 0 everything came (with --no-wait: was accepted), 1 something did not, 2 wrong usage or nobody answers,
/// 130 stopped.
#[derive(Debug, Clone, Args)]
pub struct BackfillArgs {
    /// This user (Terra's user_id); may be given several times.
    #[arg(long, value_name = "USER", num_args = 1.., required_unless_present = "all", conflicts_with = "all")]
    pub user: Vec<String>,
    /// Every user who is active at Terra.
    #[arg(long)]
    pub all: bool,
    /// Only these types, separated by commas: activity, body, daily, menstruation, nutrition, sleep [default: all].
    #[arg(long, value_delimiter = ',', value_parser = history_type)]
    pub types: Vec<HistoryType>,
    /// The first day.
    #[arg(long, value_name = "DATE")]
    pub from: Date,
    /// The last day.
    #[arg(long, value_name = "DATE")]
    pub to: Date,
    /// How many days one request asks for at most. Terra takes no more than 1825.
    #[arg(long, default_value_t = 365, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SPAN_DAYS)))]
    pub span: u32,
    /// Ask, and do not follow.
    #[arg(long)]
    pub no_wait: bool,
    /// Say what would be asked for, and ask nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Ask again for what was asked for before.
    #[arg(long)]
    pub anew: bool,
    /// How many seconds nothing new may come before the rest is given up.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub patience: u64,
    /// How many users are asked for at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Where it is written what was asked for [default: a file for each URL in .terrace/backfill].
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

fn history_type(name: &str) -> Result<HistoryType, String> {
    let names = || HistoryType::ALL.map(HistoryType::name).join(", ");
    HistoryType::from_name(name).ok_or_else(|| format!("Terra has no history of that type; there are {}", names()))
}

/// Backfills.
///
/// # Errors
///
/// When Terra or Terrace cannot be asked at all, or an option is wrong.
pub async fn run(args: BackfillArgs) -> Result<ExitCode, CommandError> {
    if args.from > args.to {
        return Err(CommandError::Usage("--from lies after --to".to_owned()));
    }
    let terra = terra::from_environment()?;
    let client = args.connect.client()?;
    client.health().await?;
    let asks = asks(&terra, &args).await?;
    if args.dry_run {
        let days: u64 = asks.iter().map(|ask| u64::from(ask.days())).sum();
        terminal::say(&format!("{} requests for {days} days would be sent to Terra.", asks.len()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (journal, mut kept) = Journal::open(&args.journal.clone().unwrap_or_else(|| usual_journal(&client)))?;
    if args.anew {
        kept.clear();
    }
    let progress = Progress::new(asks, journal, kept);
    let stopped = tokio::select! {
        done = carry_out(&terra, &client, &progress, &args) => { done?; false }
        _ = tokio::signal::ctrl_c() => true,
    };
    let report = Report::of(&progress.states());
    let text = if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.text() };
    terminal::say(&text)?;
    if stopped {
        terminal::complain("terrace: stopped; the same command goes on from here");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::from(report.exit_status(args.no_wait)))
}

/// Asks, and follows.
async fn carry_out(
    terra: &TerraApi,
    client: &Client,
    progress: &Progress,
    args: &BackfillArgs,
) -> Result<(), CommandError> {
    let concurrency = usize::from(args.concurrency);
    let states = progress.states();
    let waiting = states.values().filter(|state| **state == state::State::Waiting).count();
    let bar = bar("asking Terra", waiting as u64);
    let asked = asking::ask_all(terra, progress, concurrency, &bar).await;
    bar.finish_and_clear();
    asked?;
    if args.no_wait {
        return Ok(());
    }
    let bar = self::bar("coming in", 0);
    let patience = Duration::from_secs(args.patience);
    let followed = following::follow_all(client, progress, patience, concurrency, &bar).await;
    bar.finish_and_clear();
    followed
}

/// Every request there is to make.
async fn asks(terra: &TerraApi, args: &BackfillArgs) -> Result<Vec<Ask>, CommandError> {
    let users: BTreeSet<String> = if args.all {
        let users = terra.users().await?;
        users.into_iter().filter(|user| user.active != Some(false)).map(|user| user.user_id).collect()
    } else {
        args.user.iter().cloned().collect()
    };
    let types = if args.types.is_empty() { HistoryType::ALL.to_vec() } else { args.types.clone() };
    let spans = spans(args.from, args.to, args.span);
    let of_user = |user_id: String| {
        let each = types.iter().flat_map(|of| spans.iter().map(move |span| (*of, *span)));
        each.map(|(of, (from, to))| Ask { user_id: user_id.clone(), of, from, to }).collect::<Vec<_>>()
    };
    Ok(users.into_iter().flat_map(of_user).collect())
}

/// A journal for each Terrace: what came to one did not come to the other.
fn usual_journal(client: &Client) -> PathBuf {
    let place = client.base().split_once("://").map_or(client.base(), |(_, place)| place);
    let name: String = place.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    PathBuf::from(".terrace/backfill").join(name).with_extension("jsonl")
}

fn bar(doing: &'static str, number: u64) -> ProgressBar {
    let bar = ProgressBar::new(number).with_message(doing);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
