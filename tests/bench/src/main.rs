//! The table of `make bench`: every budget, what was measured, and the same of two plain receivers.
//!
//! It fails when it cannot measure, and not when a budget is missed.

mod budgets;
mod bundle;
mod cost;
mod dynamo;
mod endpoints;
mod error;
mod event;
mod export;
mod function;
mod jobs;
mod machine;
mod measure;
mod objects;
mod process;
mod reading;
mod rivals;
mod runtime_api;
mod table;

use clap::{Parser, Subcommand};
use error::BenchError;
use export::ExportFigures;
use function::Program;
use machine::Watch;
use measure::{Candidate, Effort, Figures, measure};
use rivals::Rival;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Compared;
use terrace_cli::cost::{bodies, histories};

/// Into how many batches the warm deliveries of one size are cut.
const BATCHES: usize = 5;

/// Measures the webhook against its budgets.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The webhook, built for release.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The query function, built for release.
    #[arg(long)]
    query: Option<PathBuf>,
    /// The command line, built for release.
    #[arg(long, global = true)]
    terrace: Option<PathBuf>,
    /// How often each receiver is started.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Without the receivers in Node and Python.
    #[arg(long)]
    skip_rivals: bool,
    /// JSON in place of the table.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What is not the whole bench.
#[derive(Debug, Subcommand)]
enum Part {
    /// The worker, in a process of its own.
    #[command(name = jobs::worker::COMMAND, hide = true)]
    Worker,
    /// The memory of an export, alone.
    Export,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Worker) => jobs::worker::run(),
        Some(Part::Export) => export_alone(&arguments),
        None => bench(&arguments),
    }
}

#[tokio::main]
async fn bench(arguments: &Arguments) -> ExitCode {
    match run(arguments).await {
        Ok(report) => match std::io::stdout().write_all(report.text.as_bytes()) {
            Ok(()) if report.complete => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
        Err(error) => {
            progress(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A function's binary: the one that was named, else the one that cargo built for release.
fn beside(named: Option<&PathBuf>, target: &Path, function: &str) -> Result<PathBuf, BenchError> {
    let binary = named.cloned().unwrap_or_else(|| target.join("release").join(function));
    if binary.is_file() {
        return Ok(binary);
    }
    let missing = format!("{} is not there; cargo build --release -p terrace-{function}", binary.display());
    Err(BenchError::NoFigure(missing))
}

#[tokio::main]
async fn export_alone(arguments: &Arguments) -> ExitCode {
    match export(arguments).await {
        Ok(figures) => {
            progress(&format!("{figures:?} for {} records", export::RECORDS));
            ExitCode::SUCCESS
        }
        Err(error) => {
            progress(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn export(arguments: &Arguments) -> Result<ExportFigures, BenchError> {
    let target = target();
    let terrace = arguments.terrace.clone().unwrap_or_else(|| target.join("release/terrace"));
    if !terrace.is_file() {
        let missing = format!("{} is not there; cargo build --release -p terrace-cli", terrace.display());
        return Err(BenchError::NoFigure(missing));
    }
    export::measure(&terrace, &target).await
}

/// What is printed.
struct Report {
    text: String,
    /// Whether all was measured that can be on this machine.
    complete: bool,
}

async fn run(arguments: &Arguments) -> Result<Report, BenchError> {
    let target = target();
    let effort = Effort { starts: usize::from(arguments.runs), batches: BATCHES };
    let binary = beside(arguments.binary.as_ref(), &target, "webhook")?;
    let bundle = bundle::zipped(&[(&binary, "bootstrap")])?;
    let program = Program { command: binary, arguments: Vec::new() };
    let candidate = Candidate { name: "terrace", program, bundle, trouble: true };
    let watch = Watch::begin()?;
    let terrace = told(&candidate, effort).await?;
    progress("terrace: measuring the worker");
    let terrace = Figures { jobs: Some(jobs::measure().await?), ..terrace };
    progress("terrace: measuring the query function");
    let query = beside(arguments.query.as_ref(), &target, "query")?;
    let terrace = Figures { reading: Some(reading::measure(query).await?), ..terrace };
    progress("terrace: measuring an export");
    let terrace = Figures { export: Some(export(arguments).await?), ..terrace };
    let (mut rivals, mut complete): (Vec<Compared>, bool) = (Vec::new(), true);
    if !arguments.skip_rivals {
        for rival in Rival::ALL {
            let figures = compare(rival, &target.join("bench"), effort).await;
            // A language that is not here is no fault; a receiver that is here and fails is one.
            complete &= matches!(&figures, Ok(_) | Err(BenchError::NoRival(_)));
            rivals.push((rival.name(), figures.map_err(|error| error.to_string())));
        }
    }
    let machine = watch.end()?;
    let text = match arguments.json {
        true => format!("{:#}\n", table::json(&machine, &terrace, &rivals)),
        false => table::text(&machine, &terrace, &rivals),
    };
    Ok(Report { text, complete })
}

async fn compare(rival: Rival, folder: &Path, effort: Effort) -> Result<Figures, BenchError> {
    progress(&format!("{}: installing what it needs", rival.name()));
    told(&rival.install(folder)?, effort).await
}

async fn told(candidate: &Candidate, effort: Effort) -> Result<Figures, BenchError> {
    progress(&format!("{}: measuring", candidate.name));
    measure(candidate, effort).await
}

/// Says what goes on, where it does not mix with the table.
fn progress(what: &str) {
    // Nobody may be listening.
    drop(writeln!(std::io::stderr(), "{what}"));
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from)
}
