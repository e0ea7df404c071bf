//! What `terrace simulate` is told.

use crate::error::CommandError;
use crate::shared_args::share;
use crate::simulate::from_file::Saved;
use crate::simulate::people::moment;
use crate::simulate::retries::Schedule;
use crate::simulate::world::World;
use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::path::PathBuf;
use terrace_terra::EventType;

/// How far back the moment of a run may lie: with the time a run stands for, its oldest signature is then 25 h 40 min
/// old, and a server takes 26 hours unless it is told otherwise.
const MAX_AGE_MS: u64 = 24 * 60 * 60 * 1_000;

/// A type that is sent to see what becomes of a type nobody knows.
const UNKNOWN_TYPE: &str = "route";

/// Send realistic Terra deliveries to a URL, then read everything back and compare.
///
/// Deliveries are signed, sent twice, late and out of order, some of them without the ordering header, some of them of
/// several megabytes, some as pings, some as chunks of a large request; users go, come back, and come back under another
/// id, as with Terra. What has to be there afterwards is computed apart from the code that stores it.
///
/// Exit status: 0 everything is as it has to be, 1 something differs or was not taken, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Where Terrace answers; deliveries go to /webhook below it.
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    pub url: String,
    /// What deliveries are signed with.
    #[arg(long, env = "TERRA_SIGNING_SECRET", default_value = "local-development-secret", hide_env_values = true)]
    pub secret: String,
    /// How many users.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub users: u32,
    /// How many days of data each has.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// Repeats a run: the same seed, moment and options send the same deliveries for the same users [default: random].
    #[arg(long)]
    pub seed: Option<u64>,
    /// The moment the run pretends to end at, within the last 24 hours, such as 2026-07-01T09:00:00Z [default: now; with
    /// --seed the last midnight, UTC].
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<Timestamp>,
    /// The first day of data [default: so many days before the moment].
    #[arg(long, value_name = "DATE")]
    pub start_date: Option<Date>,
    /// The share of deliveries sent twice.
    #[arg(long, default_value_t = 0.10, value_parser = share, value_name = "SHARE")]
    pub duplicates: f64,
    /// The share of deliveries sent out of order.
    #[arg(long, default_value_t = 0.3, value_parser = share, value_name = "SHARE")]
    pub reorder: f64,
    /// The share of deliveries sent again at the end, half of them signed anew.
    #[arg(long, default_value_t = 0.05, value_parser = share, value_name = "SHARE")]
    pub late: f64,
    /// The share of deliveries sent without X-Terra-Ordering-Timestamp.
    #[arg(long, default_value_t = 0.1, value_parser = share, value_name = "SHARE")]
    pub without_ordering: f64,
    /// How many deliveries of several megabytes.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub large: u32,
    /// How many large requests each user has, sent in chunks; some of them lack one for good.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100))]
    pub requests: u32,
    /// The share of users who connect anew and go on under another id, some of them twice.
    #[arg(long, default_value_t = 0.3, value_parser = share, value_name = "SHARE")]
    pub reauths: f64,
    /// The share of data that goes as pings, which say where to fetch it; half of what has several megabytes. Only to a
    /// server on this machine, whose folder is named by --data.
    #[arg(long, default_value_t = 0.05, value_parser = share, value_name = "SHARE")]
    pub pings: f64,
    /// The folder of the `terrace serve` that receives: the certificate that it trusts for pings lies there.
    #[arg(long, env = "DATA", default_value = ".terrace", value_name = "FOLDER")]
    pub data: PathBuf,
    /// How many deliveries are under way at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub concurrency: u16,
    /// Only events of these types, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = event_name)]
    pub types: Vec<String>,
    /// How many seconds the view may take to become what it has to be, once everything was sent.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub wait: u64,
    /// When a delivery that was not taken is sent again.
    #[arg(long, value_enum, default_value_t = Schedule::Quick, value_name = "SCHEDULE")]
    pub retries: Schedule,
    /// How many times faster than with Terra the waits of --retries current and former pass.
    #[arg(long, default_value_t = 3_600, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub speed: u32,
    /// Do not read back.
    #[arg(long)]
    pub no_check: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Print what would be sent, a line each, and send nothing.
    #[arg(long)]
    pub list: bool,
    /// Saved bodies.
    #[command(flatten)]
    pub saved: Saved,
}

fn event_name(text: &str) -> Result<String, String> {
    if text == UNKNOWN_TYPE || EventType::from_name(text) != EventType::Unknown {
        return Ok(text.to_owned());
    }
    let names: Vec<_> = EventType::ALL.iter().map(|event_type| event_type.name()).collect();
    Err(format!("no such event type; there are {}, {UNKNOWN_TYPE}", names.join(", ")))
}

impl SimulateArgs {
    /// The world to simulate, for a command given at `now`.
    ///
    /// # Errors
    ///
    /// When the moment asked for is too long ago or still to come: no server would take its signatures.
    pub fn world(&self, now: Timestamp) -> Result<World, CommandError> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        let now_ms = millis(now);
        let at_ms = match (self.at, self.seed) {
            (Some(at), _) => millis(at),
            (None, Some(_)) => now_ms - now_ms % MAX_AGE_MS,
            (None, None) => now_ms - now_ms % 1_000,
        };
        if at_ms > now_ms || at_ms + MAX_AGE_MS < now_ms {
            return Err(CommandError::Usage(
                "--at has to lie within the last 24 hours: no server takes signatures of other times".to_owned(),
            ));
        }
        let today = jiff::tz::TimeZone::UTC.to_datetime(moment(at_ms)).date();
        let before = || today.checked_sub(i64::from(self.days).days());
        let start = match self.start_date {
            Some(start) => start,
            None => before().map_err(|_| CommandError::Usage("--days reaches back too far".to_owned()))?,
        };
        Ok(World {
            seed,
            at_ms,
            users: self.users as usize,
            days: self.days,
            start,
            large: self.large as usize,
            requests: self.requests as usize,
            reauths: self.reauths,
            pings: self.pings,
            types: self.types.clone(),
            duplicates: self.duplicates,
            reorder: self.reorder,
            late: self.late,
            without_ordering: self.without_ordering,
        })
    }
}

fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond()).unwrap_or(0)
}
