//! `terrace records`.

use crate::client::Client;
use crate::connect::Connect;
use crate::damaged;
use crate::error::CommandError;
use crate::shared_args::{day_or_moment, in_order, moment, type_name};
use crate::terminal::{self, one_line, shortened};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::process::ExitCode;

/// How many records a page has where all are wanted.
const ALL_PAGE: &str = "1000";

/// Show a user's connection and records.
///
/// By type, and within a type by date. What cannot be read there is counted at the end.
///
/// Exit status: 0 they are shown, 1 some cannot be read, or the server said no, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct RecordsArgs {
    /// Terra's user_id.
    pub user: String,
    /// Only records of these types, separated by commas.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = type_name())]
    pub types: Vec<String>,
    /// Only the record with this identifier.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub id: Option<String>,
    /// Only records from this day or moment on.
    #[arg(long, value_name = "DATE", value_parser = day_or_moment)]
    pub from: Option<String>,
    /// Only records up to this day or moment.
    #[arg(long, value_name = "DATE", value_parser = day_or_moment)]
    pub to: Option<String>,
    /// Only records that changed at this moment or later.
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "id")]
    pub updated_since: Option<String>,
    /// How much of each record: its scalars and short arrays, or all that Terra sent.
    #[arg(long, value_enum, default_value_t = Detail::Summary)]
    pub detail: Detail,
    /// How many records at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
    /// All records, page after page.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// JSON Lines in place of a table: a record as the server answers it on each line.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

/// How much of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Scalars and short arrays.
    Summary,
    /// All that Terra sent.
    Full,
}

#[derive(Deserialize)]
struct Page {
    records: Vec<Box<RawValue>>,
    #[serde(default)]
    damaged: u64,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type")]
    data_type: String,
    id: String,
    start_time: Option<String>,
    end_time: Option<String>,
    provider: Option<String>,
    updated_at: String,
    summary: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Connection {
    provider: Option<String>,
    status: String,
    reference_id: Option<String>,
}

/// Shows records.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn run(args: RecordsArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let (mut shown, mut more, mut damaged) = (Vec::new(), false, 0);
    if !args.json {
        terminal::say(&header(&client, &args.user).await?)?;
    }
    // Without a type one question is about all of them.
    let types = in_order(&args.types);
    let types: Vec<Option<&str>> = match types.as_slice() {
        [] => vec![None],
        types => types.iter().map(|name| Some(name.as_str())).collect(),
    };
    let mut left = usize::from(args.limit);
    'types: for data_type in types {
        let mut cursor = None;
        loop {
            if left == 0 {
                more = true;
                break 'types;
            }
            let page = page(&client, &args, data_type, cursor.as_deref(), left).await?;
            damaged += page.damaged;
            if !args.all {
                left = left.saturating_sub(page.records.len());
            }
            if args.json {
                page.records.iter().try_for_each(|record| terminal::say(&one_line(record.get())))?;
            } else {
                shown.extend(page.records);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    if !args.json {
        terminal::say(&table(&client, &args, &shown)?)?;
    }
    if more {
        terminal::complain("There may be more; --all shows them.");
    }
    Ok(damaged::told(damaged, "records"))
}

async fn header(client: &Client, user: &str) -> Result<String, CommandError> {
    let connection: Connection = match client.json(&["users", user], &[]).await {
        // Operational events alone make no connection, yet there may be deliveries.
        Err(CommandError::Refused { status: 404, .. }) => return Ok(format!("{user}: no connection known")),
        connection => connection?,
    };
    let provider = connection.provider.as_deref().unwrap_or("unknown provider");
    let reference = connection.reference_id.map(|reference| format!(", reference {reference}")).unwrap_or_default();
    Ok(format!("{user}: {provider}, {}{reference}", connection.status))
}

async fn page(
    client: &Client,
    args: &RecordsArgs,
    data_type: Option<&str>,
    cursor: Option<&str>,
    left: usize,
) -> Result<Page, CommandError> {
    let limit = if args.all { ALL_PAGE.to_owned() } else { left.to_string() };
    let given = [
        ("type", data_type),
        ("id", args.id.as_deref()),
        ("from", args.from.as_deref()),
        ("to", args.to.as_deref()),
        ("updated_since", args.updated_since.as_deref()),
        ("detail", (args.detail == Detail::Full).then_some("full")),
        ("limit", Some(limit.as_str())),
        ("cursor", cursor),
    ];
    let query: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    client.json(&["users", &args.user, "records"], &query).await
}

fn table(client: &Client, args: &RecordsArgs, records: &[Box<RawValue>]) -> Result<String, CommandError> {
    let last = if args.detail == Detail::Full { "data" } else { "summary" };
    let mut table = terminal::table(&["type", "id", "start", "end", "provider", "updated", last]);
    for record in records {
        let shown: Shown = serde_json::from_str(record.get()).map_err(|error| client.foreign(error))?;
        let content = shown.summary.or(shown.data).map(|raw| raw.get().to_owned()).unwrap_or_default();
        table.add_row([
            shown.data_type,
            shortened(&shown.id, 40),
            shown.start_time.unwrap_or_default(),
            shown.end_time.unwrap_or_default(),
            shown.provider.unwrap_or_default(),
            shown.updated_at,
            shortened(&content, 60),
        ]);
    }
    Ok(format!("{table}\n{} records", records.len()))
}
