//! `terrace users`.

use crate::client::Client;
use crate::connect::Connect;
use crate::damaged;
use crate::error::CommandError;
use crate::terminal::{self, one_line, shortened};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// How many users a page has where all are wanted.
const ALL_PAGE: &str = "1000";

/// List the users that data came for, or the connections of one end user.
///
/// Without --all so many as --limit says, in no order. What cannot be read there is counted at the end.
///
/// Exit status: 0 they are listed, 1 some cannot be read, or the server said no, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct UsersArgs {
    /// Only the connections of this end user, by your name for them.
    #[arg(long, value_name = "REFERENCE")]
    pub reference: Option<String>,
    /// How many users at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
    /// All users, page after page.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// JSON Lines in place of a table: a connection as the server answers it on each line.
    #[arg(long)]
    pub json: bool,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
}

/// A page of connections: `users` where all were asked for, `connections` where an end user's were.
#[derive(Deserialize)]
struct Page {
    #[serde(alias = "connections")]
    users: Vec<Box<RawValue>>,
    #[serde(default)]
    damaged: u64,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    user_id: String,
    provider: Option<String>,
    reference_id: Option<String>,
    status: String,
    #[serde(default)]
    last_delivery: BTreeMap<String, String>,
}

/// Lists users.
///
/// # Errors
///
/// When the server cannot be asked or says no.
pub async fn run(args: UsersArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let mut table = terminal::table(&["user", "provider", "status", "reference", "last delivery"]);
    let (mut number, mut damaged, mut cursor) = (0_usize, 0, None);
    loop {
        let page = page(&client, &args, cursor.as_deref()).await?;
        number += page.users.len();
        damaged += page.damaged;
        for user in &page.users {
            if args.json {
                terminal::say(&one_line(user.get()))?;
                continue;
            }
            let shown: Shown = serde_json::from_str(user.get()).map_err(|error| client.foreign(error))?;
            let last = shown.last_delivery.into_iter().max_by(|one, other| one.1.cmp(&other.1));
            table.add_row([
                shortened(&shown.user_id, 60),
                shortened(&shown.provider.unwrap_or_default(), 30),
                shown.status,
                shortened(&shown.reference_id.unwrap_or_default(), 40),
                last.map(|(data_type, time)| format!("{time} {data_type}")).unwrap_or_default(),
            ]);
        }
        cursor = page.cursor;
        if cursor.is_none() || !args.all {
            break;
        }
    }
    if !args.json {
        terminal::say(&format!("{table}\n{number} users"))?;
    }
    if cursor.is_some() {
        terminal::complain("There are more; --all shows them.");
    }
    Ok(damaged::told(damaged, "users"))
}

async fn page(client: &Client, args: &UsersArgs, cursor: Option<&str>) -> Result<Page, CommandError> {
    let limit = args.limit.to_string();
    let mut query = vec![("limit", if args.all { ALL_PAGE } else { limit.as_str() })];
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    match &args.reference {
        Some(reference) => client.json(&["references", reference], &query).await,
        None => client.json(&["users"], &query).await,
    }
}
