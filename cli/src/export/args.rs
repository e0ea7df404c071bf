//! What `terrace export` is told.

use crate::connect::Connect;
use crate::error::CommandError;
use crate::export::manifest::{Asked, Format};
use crate::records::Detail;
use crate::shared_args::{day_or_moment, in_order, moment, type_name};
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Write records to files in a folder, one file for each type.
///
/// All users or some, all types or some. JSON lines hold the whole record as Terra sent it, or its summary; CSV holds the
/// summaries, one column for each value, nested names joined by dots. Memory stays small whatever the size.
///
/// An export that was stopped goes on where it was when the same command is given again. Files are called
/// `….partial` until they are whole.
///
/// Exit status: 0 the export is whole, 1 something is left out because it is damaged there or no path carries its name, the
/// server said no, or a file cannot be written, 2 wrong usage or nobody answers, 130 stopped by Ctrl-C.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder to write to: a new one, an empty one, or that of an export to go on with.
    pub folder: PathBuf,
    /// Only this user (Terra's user_id); may be given again. Without it and --reference, all users.
    #[arg(long = "user", value_name = "USER")]
    pub users: Vec<String>,
    /// Only this end user, by your name for them: all their connections, and what names none, such as lab reports; may be
    /// given again.
    #[arg(long = "reference", value_name = "REFERENCE")]
    pub references: Vec<String>,
    /// Only records of these types, separated by commas.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = type_name())]
    pub types: Vec<String>,
    /// Only records from this day or moment on.
    #[arg(long, value_name = "DATE", value_parser = day_or_moment)]
    pub from: Option<String>,
    /// Only records up to this day or moment.
    #[arg(long, value_name = "DATE", value_parser = day_or_moment)]
    pub to: Option<String>,
    /// Only records that changed at this moment or later.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub updated_since: Option<String>,
    /// What files are written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// How much of each record; full unless CSV is written, which holds summaries alone.
    #[arg(long, value_enum)]
    pub detail: Option<Detail>,
    /// How many users are read at once. Each needs memory for two pages of at most 4 MB.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32), value_name = "NUMBER")]
    pub concurrency: u8,
    /// How often what came is put on the disk, in milliseconds.
    #[arg(long, default_value_t = 2_000, hide = true)]
    pub save_every: u64,
    /// Say what was exported as JSON.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

impl ExportArgs {
    /// What is asked of the Terrace at this URL.
    ///
    /// # Errors
    ///
    /// When the options do not go together.
    pub fn asked(&self, url: &str) -> Result<Asked, CommandError> {
        let detail = match (self.format, self.detail) {
            (Format::Csv, Some(Detail::Full)) => {
                let message = "CSV holds summaries alone; whole records go with --format jsonl";
                return Err(CommandError::Usage(message.to_owned()));
            }
            (Format::Csv, _) => Detail::Summary,
            (Format::Jsonl, detail) => detail.unwrap_or(Detail::Full),
        };
        if self.users.iter().chain(&self.references).any(String::is_empty) {
            let message = "--user or --reference is empty; leave it out to mean everybody";
            return Err(CommandError::Usage(message.to_owned()));
        }
        Ok(Asked {
            url: url.to_owned(),
            users: each_once(&self.users),
            references: each_once(&self.references),
            types: in_order(&self.types),
            from: self.from.clone(),
            to: self.to.clone(),
            updated_since: self.updated_since.clone(),
            format: self.format,
            detail,
        })
    }
}

fn each_once(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}
