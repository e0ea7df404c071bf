//! `terrace export`: records as files, whatever their number.
//!
//! First everything is read into `….partial` files (`reading`), then these are made whole (`finishing`). The manifest
//! says how far it is; `folder` has what makes that safe.

pub mod args;
mod columns;
mod error;
mod finishing;
mod folder;
mod manifest;
mod pages;
mod people;
mod reading;

pub use error::ExportError;

use crate::INTERRUPTED;
use crate::damaged;
use crate::error::CommandError;
use crate::export::args::ExportArgs;
use crate::export::folder::Folder;
use crate::export::manifest::{Progress, State};
use crate::export::reading::Pace;
use crate::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is said where an export ends before it is whole.
const GOES_ON: &str = "what came so far is kept; the same command goes on where it was";

/// Exports.
///
/// # Errors
///
/// When the server cannot be asked or says no, or the folder cannot be written to.
pub async fn run(args: ExportArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let mut folder = Folder::open(&args.folder, args.asked(client.base())?)?;
    if folder.manifest.state == State::Whole {
        terminal::complain(&format!("{} is whole already; a new export goes to a new folder", args.folder.display()));
        return told(&args, &folder);
    }
    if folder.manifest.state == State::Reading {
        let bar = progress(&folder);
        let save_every = Duration::from_millis(args.save_every);
        let pace = Pace { concurrency: usize::from(args.concurrency), save_every };
        let read = tokio::select! {
            read = reading::read(&client, &mut folder, pace, &bar) => Some(read),
            _ = tokio::signal::ctrl_c() => None,
        };
        bar.finish_and_clear();
        match read {
            Some(Ok(())) => folder.enter(State::Read)?,
            Some(Err(error)) => {
                // A disk that is full says so once; what the last manifest says still holds.
                let saved = !matches!(error, CommandError::Export(_)) && folder.save().is_ok();
                if saved && folder.manifest.progress != Progress::default() {
                    terminal::complain(&format!("terrace: {GOES_ON}"));
                }
                return Err(error);
            }
            None => {
                folder.save()?;
                return Ok(stopped());
            }
        }
    }
    let Some(folder) = make_whole(folder).await? else { return Ok(stopped()) };
    told(&args, &folder)
}

/// Makes the files whole, beside everything else: rows are made of lines without a pause.
async fn make_whole(mut folder: Folder) -> Result<Option<Folder>, CommandError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked_to = Arc::clone(&stop);
    let mut work = tokio::task::spawn_blocking(move || {
        let whole = finishing::finish(&folder, &asked_to)?;
        if whole {
            folder.enter(State::Whole)?;
        }
        Ok::<_, ExportError>(whole.then_some(folder))
    });
    let done = tokio::select! {
        done = &mut work => done,
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, Ordering::Relaxed);
            work.await
        }
    };
    Ok(done.map_err(std::io::Error::other)??)
}

fn stopped() -> ExitCode {
    terminal::complain(&format!("terrace: stopped; {GOES_ON}"));
    ExitCode::from(INTERRUPTED)
}

/// Says what was exported.
fn told(args: &ExportArgs, folder: &Folder) -> Result<ExitCode, CommandError> {
    let progress = &folder.manifest.progress;
    damaged::told(progress.damaged_records, "records");
    damaged::told(progress.damaged_users, "users");
    let whole = progress.left_out + progress.damaged_records + progress.damaged_users == 0;
    let code = if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if progress.left_out > 0 {
        let number = progress.left_out;
        terminal::complain(&format!(
            "terrace: {number} users are left out: their ids hold a slash, which no path carries"
        ));
    }
    if args.json {
        let types: BTreeMap<&str, u64> =
            progress.files.iter().map(|(name, written)| (name.as_str(), written.records)).collect();
        let report = json!({"folder": args.folder, "users": progress.users, "records": progress.records(),
                            "left_out": progress.left_out, "damaged_records": progress.damaged_records,
                            "damaged_users": progress.damaged_users, "types": types});
        terminal::say(&report.to_string())?;
        return Ok(code);
    }
    let mut table = terminal::table(&["file", "records"]);
    for (data_type, written) in &progress.files {
        table.add_row([folder.whole(data_type).display().to_string().into(), terminal::number(written.records)]);
    }
    terminal::say(&format!("{table}\n{} records of {} users", progress.records(), progress.users))?;
    Ok(code)
}

/// A bar on the standard error; hidden where that is no terminal.
fn progress(folder: &Folder) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_position(folder.manifest.progress.records());
    bar.enable_steady_tick(Duration::from_millis(200));
    match ProgressStyle::with_template("{spinner} {pos} records, {msg}  {per_sec}, {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
