//! `terrace deliveries`.

use crate::client::Client;
use crate::connect::Connect;
use crate::damaged;
use crate::error::CommandError;
use crate::terminal::{self, one_line, shortened};
use clap::Args;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::process::ExitCode;

/// Show a user's deliveries, oldest first, or the body of one.
///
/// What became of each stands beside it: stored, queued for a job, ignored, or quarantined. What cannot be read there is
/// counted at the end.
///
/// Exit status: 0 they are shown, 1 some cannot be read, or the server said no, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct DeliveriesArgs {
    /// Terra's user_id.
    pub user: String,
    /// Only deliveries from this day on.
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Only deliveries up to this day.
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// Write the body of this delivery, byte for byte, to the standard output.
    #[arg(long, value_name = "DELIVERY", conflicts_with_all = ["from", "to", "json"])]
    pub body: Option<String>,
    /// JSON Lines in place of a table: a delivery as the server answers it on each line.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

#[derive(Deserialize)]
struct Page {
    deliveries: Vec<Box<RawValue>>,
    #[serde(default)]
    damaged: u64,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    delivery: String,
    event: String,
    received_at: String,
    status: String,
    #[serde(default)]
    bytes: Option<u64>,
}

/// Shows deliveries.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn run(args: DeliveriesArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    if let Some(delivery) = &args.body {
        terminal::write(&client.bytes(&["users", &args.user, "deliveries", delivery], &[]).await?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = terminal::table(&["received", "event", "status", "bytes", "delivery"]);
    let (mut number, mut damaged, mut cursor) = (0_usize, 0, None);
    loop {
        let page = page(&client, &args, cursor.as_deref()).await?;
        number += page.deliveries.len();
        damaged += page.damaged;
        for delivery in page.deliveries {
            if args.json {
                terminal::say(&one_line(delivery.get()))?;
                continue;
            }
            let shown: Shown = serde_json::from_str(delivery.get()).map_err(|error| client.foreign(error))?;
            let (event, status) = (shortened(&shown.event, 40), shown.status);
            let bytes = terminal::number(shown.bytes.map(|bytes| bytes.to_string()).unwrap_or_default());
            table.add_row([shown.received_at.into(), event.into(), status.into(), bytes, shown.delivery.into()]);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    if !args.json {
        terminal::say(&format!("{table}\n{number} deliveries"))?;
    }
    Ok(damaged::told(damaged, "deliveries"))
}

async fn page(client: &Client, args: &DeliveriesArgs, cursor: Option<&str>) -> Result<Page, CommandError> {
    let (from, to) = (args.from.map(|date| date.to_string()), args.to.map(|date| date.to_string()));
    let given = [("from", from.as_deref()), ("to", to.as_deref()), ("limit", Some("1000")), ("cursor", cursor)];
    let query: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    client.json(&["users", &args.user, "deliveries"], &query).await
}
