//! `terrace cost`: what Terrace costs, from what deliveries ask of AWS when the real handlers take them in here.

pub mod assumed;
pub mod bill;
pub mod bodies;
pub mod demand;
pub mod fixed;
pub mod histories;
pub mod kinds;
pub mod one_case;
pub mod others;
pub mod page;
pub mod place;
pub mod prices;
pub mod running;
pub mod show;
pub mod summary;

use crate::cost::bill::{Case, DAYS_OF_MONTH};
use crate::cost::kinds::{COPIES, Measured, mix, sized_days};
use crate::error::CommandError;
use crate::terminal;
use clap::Args;
use std::process::ExitCode;
use terrace_terra::EventType;

/// How long deliveries stay in the log, and how many days of them there are, unless it is said.
pub const LOG_DAYS: u32 = 90;
/// A year.
pub const DAYS: u32 = 365;

/// Say what Terrace costs in AWS, by the month.
///
/// Deliveries are taken in here, in memory, by the handlers that Lambda runs. What they ask of DynamoDB, S3 and SQS is
/// counted and multiplied by the list prices of us-east-1. Nothing is sent anywhere. Without options: the page
/// docs/COST.md, for three volumes and four kinds of deliveries; with any: the bill of that case, line by line.
///
/// Exit status: 0 reckoned, 1 a delivery was not taken, 2 wrong usage.
#[derive(Debug, Clone, Args)]
pub struct CostArgs {
    /// Deliveries a month [default: 1000000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub deliveries: Option<u64>,
    /// The length of each body, one day with its samples [default: a mix, as the simulator's users send it].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(600..=5_000_000))]
    pub body_bytes: Option<u32>,
    /// The users that deliveries come from; with --body-bytes each has one record a day [default: as many as send so much].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub users: Option<u64>,
    /// Only events of these types in the mix, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = event_name, conflicts_with = "body_bytes")]
    pub types: Vec<String>,
    /// How many days deliveries stay in the log: TERRACE_LOG_DAYS [default: 90].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub log_days: Option<u32>,
    /// How many days of deliveries there are by then; records stay for good [default: 365].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// The case as JSON.
    #[arg(long)]
    pub json: bool,
}

fn event_name(text: &str) -> Result<String, String> {
    let known = EventType::from_name(text) != EventType::Unknown;
    if known { Ok(text.to_owned()) } else { Err("no such event type".to_owned()) }
}

impl CostArgs {
    fn is_page(&self) -> bool {
        let Self { deliveries, body_bytes, users, types, log_days, days, json } = self;
        deliveries.is_none()
            && body_bytes.is_none()
            && users.is_none()
            && types.is_empty()
            && !json
            && log_days.is_none()
            && days.is_none()
    }

    fn case(&self, measured: &Measured) -> Case {
        let deliveries = self.deliveries.unwrap_or(1_000_000) as f64;
        let users = self.users.map_or_else(|| users(measured, deliveries), |users| users as f64);
        let (log_days, days) = (self.log_days.unwrap_or(LOG_DAYS), self.days.unwrap_or(DAYS));
        Case { deliveries, users, log_days: f64::from(log_days), days: f64::from(days) }
    }
}

/// The users that send so many deliveries: one record a day each, as often as it comes, where nothing else is known.
pub fn users(measured: &Measured, deliveries: f64) -> f64 {
    (deliveries / measured.of_user.unwrap_or(COPIES * DAYS_OF_MONTH)).ceil()
}

/// Says what Terrace costs.
///
/// # Errors
///
/// When an option is wrong, or a delivery is not taken.
pub async fn run(args: CostArgs) -> Result<ExitCode, CommandError> {
    if args.is_page() {
        terminal::say(page::page().await?.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut measured = match args.body_bytes {
        Some(bytes) => sized_days(&show::bytes(f64::from(bytes)), bytes as usize).await?,
        None => mix(&args.types).await?,
    };
    let case = args.case(&measured);
    if args.users.is_some() && measured.of_user.is_none() {
        // Each has one record a day.
        let new = (case.users * DAYS_OF_MONTH / case.deliveries).min(1.0);
        measured.demand.kept.new_records = Some(new);
    }
    let text = if args.json { one_case::json(&measured, &case) } else { one_case::text(&measured, &case) };
    terminal::say(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
