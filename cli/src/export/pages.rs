//! Pages of one user's records, read ahead of what is written by one page.

use crate::client::Client;
use crate::error::CommandError;
use crate::export::folder::is_type;
use crate::export::manifest::{Asked, Person, Place};
use crate::records::Detail;
use crate::terminal::one_line;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::sleep;

/// How many records a page has at most; it also ends at 4 MB.
const PAGE: &str = "1000";
/// How often a question is asked while the server is busy or out of reach.
const ATTEMPTS: u32 = 7;
/// What is waited before the second attempt; then twice as long each time, 12 s in all.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// A page as it is written.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many records, and their lines, by type.
    pub lines: BTreeMap<String, (u64, Vec<u8>)>,
    /// How many records of the page cannot be read there.
    pub damaged: u64,
    /// Where the user goes on; nowhere after the last page.
    pub next: Option<Place>,
}

/// A user whose pages come.
#[derive(Debug)]
pub struct Coming {
    /// Who.
    pub person: Person,
    /// Their pages, of which one waits at most.
    pub pages: Receiver<Result<Batch, CommandError>>,
}

impl Coming {
    /// Starts to read a user from a place on.
    pub fn start(client: &Client, asked: &Arc<Asked>, person: Person, place: Place) -> Self {
        let (sender, pages) = channel(1);
        let (client, asked, who) = (client.clone(), Arc::clone(asked), person.clone());
        tokio::spawn(async move {
            let mut next = Some(place);
            while let Some(place) = next.take() {
                let read = page(&client, &asked, &who, &place).await;
                next = read.as_ref().ok().and_then(|batch| batch.next.clone());
                // Nobody waits any more: the export ends.
                if sender.send(read).await.is_err() {
                    return;
                }
            }
        });
        Self { person, pages }
    }
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(borrow)]
    records: Vec<&'p RawValue>,
    #[serde(default)]
    damaged: u64,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Typed<'p> {
    #[serde(rename = "type", borrow)]
    data_type: std::borrow::Cow<'p, str>,
}

async fn page(client: &Client, asked: &Asked, person: &Person, place: &Place) -> Result<Batch, CommandError> {
    let detail = if asked.detail == Detail::Full { "full" } else { "summary" };
    let given = [
        ("type", asked.types.get(place.type_at).map(String::as_str)),
        ("from", asked.from.as_deref()),
        ("to", asked.to.as_deref()),
        ("updated_since", asked.updated_since.as_deref()),
        ("detail", Some(detail)),
        ("limit", Some(PAGE)),
        ("cursor", place.cursor.as_deref()),
    ];
    let query: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let [collection, name] = person.home();
    let body = match patiently(client, &[collection, name, "records"], &query).await {
        // Erased meanwhile, or nothing ever came but operational events.
        Err(CommandError::Refused { status: 404, .. }) => return Ok(Batch::default()),
        body => body?,
    };
    let page: Page<'_> = serde_json::from_slice(&body).map_err(|error| client.foreign(error))?;
    if page.cursor.is_some() && page.cursor == place.cursor {
        return Err(client.foreign("its cursor leads back to the same page"));
    }
    let mut batch = Batch { lines: BTreeMap::new(), damaged: page.damaged, next: next(asked, place, page.cursor) };
    let head = head(person);
    for record in page.records {
        let typed: Typed<'_> = serde_json::from_str(record.get()).map_err(|error| client.foreign(error))?;
        if !is_type(&typed.data_type) {
            return Err(client.foreign("a record of a type that is none"));
        }
        let (number, lines) = batch.lines.entry(typed.data_type.into_owned()).or_default();
        *number += 1;
        lines.extend_from_slice(head.as_bytes());
        // The record's own opening brace is in the head.
        lines.extend_from_slice(one_line(record.get()).trim_start().trim_start_matches('{').as_bytes());
        lines.push(b'\n');
    }
    Ok(batch)
}

/// The same type goes on at its cursor; else the next type begins.
fn next(asked: &Asked, place: &Place, cursor: Option<String>) -> Option<Place> {
    match cursor {
        Some(cursor) => Some(Place { type_at: place.type_at, cursor: Some(cursor) }),
        None if place.type_at + 1 < asked.types.len() => Some(Place { type_at: place.type_at + 1, cursor: None }),
        None => None,
    }
}

/// How every line of a user begins.
fn head(person: &Person) -> String {
    let text = |text: &Option<&str>| serde_json::to_string(text).unwrap_or_default();
    let (user, reference) = (text(&person.user_id.as_deref()), text(&person.reference_id.as_deref()));
    format!("{{\"user_id\":{user},\"reference_id\":{reference},")
}

/// The answer to a question, asked again while the server is busy or out of reach: an export may take hours.
pub async fn patiently(client: &Client, path: &[&str], query: &[(&str, &str)]) -> Result<Bytes, CommandError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match client.bytes(path, query).await {
            Err(CommandError::Refused { status: 429 | 502 | 503 | 504, .. } | CommandError::Unreachable { .. }) => {}
            answered => return answered,
        }
        sleep(wait).await;
        wait *= 2;
    }
    client.bytes(path, query).await
}
