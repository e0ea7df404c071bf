//! `terrace records`.

use crate::args::DEFAULT_URL;
use crate::client::Client;
use crate::error::CommandError;
use crate::terminal;
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::process::ExitCode;

/// How many records a page has where all are wanted.
const ALL_PAGE: &str = "1000";

/// Show a user's connection and records.
#[derive(Debug, Clone, Args)]
pub struct RecordsArgs {
    /// Terra's user_id.
    pub user: String,
    /// Only records of this type, such as daily or sleep.
    #[arg(long = "type", value_name = "TYPE")]
    pub data_type: Option<String>,
    /// Only the record with this identifier.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub id: Option<String>,
    /// Only records from this day on.
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Only records up to this day.
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// How much of each record: its scalars and short arrays, or all that Terra sent.
    #[arg(long, value_enum, default_value_t = Detail::Summary)]
    pub detail: Detail,
    /// How many records at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
    /// All records, page after page.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Where Terrace answers.
    #[arg(long, default_value = DEFAULT_URL)]
    pub url: String,
    /// JSON Lines in place of a table: a record as the server answers it on each line.
    #[arg(long)]
    pub json: bool,
}

/// How much of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Detail {
    /// Scalars and short arrays.
    Summary,
    /// All that Terra sent.
    Full,
}

#[derive(Deserialize)]
struct Page {
    records: Vec<Box<RawValue>>,
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
    let client = Client::new(&args.url)?;
    if args.json {
        let mut cursor = None;
        loop {
            let page = page(&client, &args, cursor.as_deref()).await?;
            for record in page.records {
                terminal::say(record.get())?;
            }
            cursor = page.cursor;
            if cursor.is_none() || !args.all {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    terminal::say(&header(&client, &args.user).await?)?;
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(&client, &args, cursor.as_deref()).await?;
        records.extend(page.records);
        cursor = page.cursor;
        if cursor.is_none() || !args.all {
            break;
        }
    }
    terminal::say(&shown(&client, &args, &records)?)?;
    if cursor.is_some() {
        terminal::complain("There are more; --all shows them.");
    }
    Ok(ExitCode::SUCCESS)
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

async fn page(client: &Client, args: &RecordsArgs, cursor: Option<&str>) -> Result<Page, CommandError> {
    let limit = args.limit.to_string();
    let (from, to) = (args.from.map(|date| date.to_string()), args.to.map(|date| date.to_string()));
    let given = [
        ("type", args.data_type.as_deref()),
        ("id", args.id.as_deref()),
        ("from", from.as_deref()),
        ("to", to.as_deref()),
        ("detail", (args.detail == Detail::Full).then_some("full")),
        ("limit", Some(if args.all { ALL_PAGE } else { &limit })),
        ("cursor", cursor),
    ];
    let query: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    client.json(&["users", &args.user, "records"], &query).await
}

fn shown(client: &Client, args: &RecordsArgs, records: &[Box<RawValue>]) -> Result<String, CommandError> {
    let last = if args.detail == Detail::Full { "data" } else { "summary" };
    let mut table = terminal::table(&["type", "id", "start", "end", "provider", "updated", last]);
    for record in records {
        let read = serde_json::from_str::<Shown>(record.get());
        let foreign =
            |error: serde_json::Error| CommandError::Foreign { url: client.base().to_owned(), what: error.to_string() };
        let shown = read.map_err(foreign)?;
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

/// The beginning of a text, on one line.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().count() <= longest { text } else { text.chars().take(longest - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_shortened_and_what_moves_a_terminal_is_not_shown() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!(shortened("a\u{1b}[2J\n", 9), "a [2J ");
    }
}
