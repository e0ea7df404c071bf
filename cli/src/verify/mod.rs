//! `terrace verify`: makes the view anew from the log, in a scratch table, and compares.

mod compare;
mod scratch;

use crate::error::CommandError;
use crate::terminal;
use clap::Args;
use compare::{Comparison, Covered};
use scratch::Scratch;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use terrace_runtime::parts;
use terrace_runtime::settings::Places;
use terrace_store::clients::Clients;
use terrace_store::local::{Database, folder_objects};
use terrace_store::{Log, Table};

/// How many differences are told in words.
const SHOWN: usize = 50;

/// Make the view anew from the log, in a scratch table, and compare it with the one that is there.
///
/// Reads the store itself: the folder of `terrace serve`, which may be running, or a table and a bucket with the usual
/// AWS credentials. Nothing is written there. Deliveries that come meanwhile may show as differences: run it again.
///
/// Exit status: 0 both are the same in everything that is still in the log, 1 they differ or a delivery in the log is
/// damaged, 2 the store cannot be read.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The folder of `terrace serve`.
    #[arg(long, env = "DATA", default_value = ".terrace", value_name = "FOLDER")]
    pub data: PathBuf,
    /// A DynamoDB table in place of the folder.
    #[arg(long, requires = "bucket", value_name = "NAME")]
    pub table: Option<String>,
    /// The S3 bucket of its log.
    #[arg(long, requires = "table", value_name = "NAME")]
    pub bucket: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a comparison came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Deliveries that were applied to the scratch table.
    pub deliveries: u64,
    /// Items that were compared, by kind.
    pub compared: BTreeMap<&'static str, u64>,
    /// Registers that were compared: versions, bodies, scores, what is known of connections.
    pub registers: u64,
    /// What was set by a delivery that is no longer in the log.
    pub not_covered: u64,
    /// Users that were erased, of whom nothing is compared.
    pub erased: u64,
    /// Where the deliveries lie that cannot be read, as `["<user>", "log#…"]`: their items or objects are damaged.
    pub damaged: Vec<String>,
    /// What differs, in words.
    pub differences: Vec<String>,
    /// Some of what the log no longer covers.
    pub beyond_the_log: Vec<String>,
}

/// Verifies.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn run(args: VerifyArgs) -> Result<ExitCode, CommandError> {
    let (table, objects) = match (&args.table, &args.bucket) {
        (Some(table), Some(bucket)) => {
            let clients = Clients::from_env(None).await?;
            let places = Places { table: table.clone(), bucket: bucket.clone() };
            (parts::view_and_log(&clients, &places).0, parts::objects(&clients, &places))
        }
        _ => {
            if !args.data.join("table.sqlite").is_file() {
                let message = format!("there is no table in {}; name the folder with --data", args.data.display());
                return Err(CommandError::Usage(message));
            }
            let database = Database::open(&args.data)?;
            let objects = folder_objects::objects(args.data.join("objects"));
            (Table::new(database.client(), crate::serve::laptop::TABLE), objects)
        }
    };
    let log = Log::new(table.clone(), Arc::new(objects.read_only()));
    let report = verify(&table, &log).await?;
    terminal::say(&if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.text() })?;
    let good = report.differences.is_empty() && report.damaged.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the view of this log anew and compares it with the one in `table`. Writes nothing to either.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn verify(table: &Table, log: &Log) -> Result<Report, CommandError> {
    let mut covered = Covered::default();
    let scratch = Scratch::new(log).await?;
    let filled = scratch.fill(table, &mut covered).await?;
    let mut report = Report { deliveries: filled.applied, damaged: filled.damaged, ..Report::default() };
    let mut comparison = Comparison::new(&covered, &mut report);
    comparison.add_view(table).await?;
    comparison.compare_with(scratch.table()).await?;
    Ok(report)
}

impl Report {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut table = terminal::table(&["kind", "items compared"]);
        for (kind, number) in &self.compared {
            table.add_row([(*kind).into(), terminal::number(number)]);
        }
        let items: u64 = self.compared.values().sum();
        table.add_row(["all".into(), terminal::number(items)]);
        let mut lines = vec![
            table.to_string(),
            format!("{} deliveries applied anew, {} registers compared.", self.deliveries, self.registers),
        ];
        if self.erased > 0 {
            lines.push(format!("{} erased users left out.", self.erased));
        }
        if self.not_covered > 0 {
            lines.push(format!("{} registers are of deliveries that the log no longer has:", self.not_covered));
            lines.extend(self.beyond_the_log.iter().map(|line| format!("  {line}")));
        }
        if !self.damaged.is_empty() {
            lines.push(format!("{} deliveries in the log are damaged:", self.damaged.len()));
            lines.extend(self.damaged.iter().take(SHOWN).map(|line| format!("  {line}")));
        }
        if self.differences.is_empty() {
            lines.push("No difference: the view is what the log says.".to_owned());
        } else {
            lines.push(format!("{} differences:", self.differences.len()));
            lines.extend(self.differences.iter().take(SHOWN).map(|line| format!("  {line}")));
        }
        lines.join("\n")
    }
}
