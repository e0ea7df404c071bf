//! `terrace simulate`: Terra, as far as a destination sees it.

pub mod args;
mod check;
mod check_requests;
pub(crate) mod draft;
mod endings;
mod from_file;
mod growth;
mod json;
mod life;
mod notices;
mod people;
mod pings;
pub(crate) mod plan;
mod random;
mod renewal;
mod report;
mod requests;
mod retries;
mod send;
mod shapes;
mod tally;
mod truth;
mod truth_connection;
mod truth_home;
mod truth_name;
mod truth_record;
mod truth_request;
mod view;
pub(crate) mod world;

use crate::client::Client;
use crate::error::CommandError;
use crate::ping_host::PingHost;
use crate::simulate::args::SimulateArgs;
use crate::simulate::plan::{Sending, plan};
use crate::simulate::report::Report;
use crate::simulate::retries::Retries;
use crate::simulate::send::{Outcome, Sender};
use crate::simulate::tally::Tally;
use crate::simulate::truth::{Acknowledged, Called, Truth};
use crate::terminal;
use futures::stream::{StreamExt, iter};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Simulates.
///
/// # Errors
///
/// When an option is wrong, or nobody can be asked.
pub async fn run(args: SimulateArgs) -> Result<ExitCode, CommandError> {
    if !args.saved.from_file.is_empty() {
        return from_file::send(&args.saved, &Client::new(&args.url)?, &args.secret).await;
    }
    let mut world = args.world(Timestamp::now())?;
    let identity = pings::identity(&args)?;
    if identity.is_none() {
        world.pings = 0.0;
    }
    let mut sendings = plan(&world, world.events());
    if args.list {
        for sending in &sendings {
            terminal::say(&line(sending))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let client = Client::new(&args.url)?;
    let sender = Sender::new(&client, &args.secret, Retries::new(args.retries, args.speed))?;
    client.health().await?;
    let host = match identity {
        Some(identity) => Some(PingHost::start(identity).await?),
        None => None,
    };
    if let Some(host) = &host {
        pings::put_up(&mut sendings, host)?;
    }
    let repeat = repeat(&args, &world);
    terminal::complain(&format!("seed {}; repeat with: {repeat}", world.seed));
    let report = carry_out(&args, &client, &sender, sendings, world.seed, repeat).await?;
    if let (Some(host), true) = (&host, args.no_check) {
        // Nobody looks whether everything was fetched; it is fetched all the same, or was given time enough.
        drop(timeout(Duration::from_secs(args.wait), host.all_fetched()).await);
    }
    let text = if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.text() };
    terminal::say(&text)?;
    Ok(ExitCode::from(report.exit_status()))
}

/// Sends, reads back, reports.
async fn carry_out(
    args: &SimulateArgs,
    client: &Client,
    sender: &Sender<'_>,
    sendings: Vec<Sending>,
    seed: u64,
    repeat: String,
) -> Result<Report, CommandError> {
    let progress = progress("sending", sendings.len());
    let bytes: usize = sendings.iter().map(|sending| sending.body.len()).sum();
    let began = Instant::now();
    let (mut tally, mut truth, mut failures) = (Tally::default(), Truth::default(), Vec::new());
    let mut outcomes =
        iter(sendings).map(|sending| sender.send(sending, &progress)).buffer_unordered(usize::from(args.concurrency));
    while let Some(outcome) = outcomes.next().await {
        tally.count(&outcome);
        learn(outcome, &mut truth, &mut failures)?;
    }
    drop(outcomes);
    let seconds = began.elapsed().as_secs_f64().max(f64::EPSILON);
    progress.finish_and_clear();

    let check = if args.no_check {
        None
    } else {
        let progress = self::progress("reading back", truth.owners().count());
        let deadline = Instant::now() + Duration::from_secs(args.wait);
        let checked = check::check(client, &truth, deadline, &progress).await?;
        progress.finish_and_clear();
        Some(checked)
    };
    let (events, total) = tally.finish();
    Ok(Report {
        repeat,
        seed,
        deliveries_per_second: total.deliveries() as f64 / seconds,
        megabytes_per_second: bytes as f64 / 1e6 / seconds,
        events,
        total,
        seconds,
        failures,
        check,
    })
}

/// What an outcome teaches about what has to be there.
fn learn(outcome: Outcome, truth: &mut Truth, failures: &mut Vec<String>) -> Result<(), CommandError> {
    let Outcome { sending, answer, .. } = outcome;
    match answer {
        Ok(answer) => {
            let event = &sending.event;
            let taken_in = truth.take_in(&Acknowledged {
                body: event.body.clone(),
                ordering_ms: sending.ordering_ms,
                signed_at: sending.signed_at,
                trace_id: event.trace_id.clone(),
                reference: event.reference.clone(),
                delivery: if sending.ping { Called::Fetched } else { Called::Answered(answer.delivery) },
            });
            taken_in.map_err(|error| CommandError::Usage(format!("the simulation sent no JSON: {error}")))
        }
        Err(why) => {
            failures.push(format!("{}: {why}", line(&sending)));
            Ok(())
        }
    }
}

/// A delivery in a line.
fn line(sending: &Sending) -> String {
    let event = &sending.event;
    // Of a ping neither port nor path is shown: they are others every time.
    let of = if sending.ping { format!(" of={}", event.name) } else { String::new() };
    format!(
        "{} {} {} user={} trace={} ordering={} signed_at={} bytes={}{of}",
        people::webhook_time(event.emitted_ms, 0),
        sending.name(),
        sending.kind.name(),
        event.user_id.as_deref().unwrap_or("-"),
        event.trace_id.as_deref().unwrap_or("-"),
        sending.ordering_ms.map_or_else(|| "-".to_owned(), |ordering_ms| ordering_ms.to_string()),
        sending.signed_at,
        event.body.len()
    )
}

/// The command that sends the same again, as long as servers take its signatures.
fn repeat(args: &SimulateArgs, world: &world::World) -> String {
    let types = if args.types.is_empty() { String::new() } else { format!(" --types {}", args.types.join(",")) };
    // The folder counts only where something is fetched.
    let data = if world.pings > 0.0 { format!(" --data {}", quoted(&args.data)) } else { String::new() };
    format!(
        "terrace simulate --url {} --seed {} --at {} --start-date {} --users {} --days {} --duplicates {} --reorder {} \
         --late {} --without-ordering {} --large {} --requests {} --reauths {} --pings {}{data}{types}",
        args.url,
        world.seed,
        people::moment(world.at_ms),
        world.start,
        args.users,
        args.days,
        args.duplicates,
        args.reorder,
        args.late,
        args.without_ordering,
        args.large,
        args.requests,
        args.reauths,
        world.pings
    )
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-+:,@%".contains(character);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// A bar on the standard error; hidden where that is no terminal.
fn progress(doing: &'static str, number: usize) -> ProgressBar {
    let bar = ProgressBar::new(number as u64).with_message(doing);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
