//! Deliveries, and what became of them. That is not written down anywhere: it is told from the versions that a
//! delivery's copies have and the versions that stand.

use crate::connections;
use crate::cursor::Question;
use crate::error::{Damage, QueryError, is_zero};
use crate::nearby;
use crate::parameters::ListQuestion;
use crate::times::{day, instant};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use terrace_records::{LogKey, Partition, RecordKey, Status, Version};
use terrace_store::{Log, LoggedDelivery, Table};
use terrace_terra::ids::UserId;
use utoipa::ToSchema;

/// A name longer than this is none: no key holds it.
const MAX_NAME: usize = 1_000;

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveriesAnswer {
    deliveries: Vec<DeliveryAnswer>,
    /// How many of this page cannot be read: their items are damaged.
    #[serde(skip_serializing_if = "is_zero")]
    pub damaged: usize,
    /// Where to go on; null at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// What became of a delivery's copies.
#[derive(Debug, Serialize, ToSchema, Default, PartialEq, Eq)]
struct Copies {
    /// They are the record.
    current: usize,
    /// A greater one is.
    superseded: usize,
    /// They are not applied yet.
    pending: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeliveryAnswer {
    /// Its name.
    delivery: String,
    /// The event's type.
    event: String,
    /// When it came.
    #[schema(format = DateTime)]
    received_at: String,
    /// When Terra made it, where a header says so.
    #[schema(required = true, format = DateTime)]
    ordered_at: Option<String>,
    /// When it was signed.
    #[schema(format = DateTime)]
    signed_at: String,
    /// `stored`, `queued`, `ignored`, `quarantined`, or `unknown` of one with too many copies to list.
    status: &'static str,
    /// Why it is in quarantine.
    #[schema(required = true)]
    quarantine: Option<String>,
    /// The length of its body.
    bytes: u64,
    /// What became of its records.
    #[schema(required = true)]
    records: Option<Copies>,
}

/// A user's deliveries, oldest first.
pub async fn list(
    table: &Table,
    log: &Log,
    user: &UserId<'_>,
    asked: &ListQuestion<'_>,
) -> Result<DeliveriesAnswer, QueryError> {
    let partition = Partition::of_user(user);
    let (from, to) = (asked.from.map(|date| date.to_string()), asked.to.map(|date| date.to_string()));
    let question = Question::of([Some("deliveries"), Some(user.as_str()), from.as_deref(), to.as_deref()]);
    let after = asked.cursor.map(|cursor| question.position(cursor)).transpose()?;
    if after.as_ref().is_some_and(|after| LogKey::from_sort_key(&after.record).is_none()) {
        return Err(QueryError::bad("the cursor leads nowhere; take it from the last answer"));
    }
    let mut page = log.deliveries(&partition, times(asked), after.as_ref(), asked.limit).await?;
    let stored = connections::read(table, &partition).await?;
    if page.entries.is_empty() && page.damaged.is_empty() && after.is_none() && stored.is_none() {
        return Err(nearby::no_such_user(table, user).await?);
    }
    // What an erase takes is on its way to nowhere, however far the job is.
    let erasure = stored.as_ref().and_then(|stored| stored.connection.erasure(partition.kind()));
    let goes = |time_ms: u64| erasure.is_some_and(|erasure| erasure.takes(time_ms));
    page.entries.retain(|delivery| !goes(delivery.key.time_ms()));
    let home = match stored.as_ref().map(|stored| stored.connection.status()) {
        // Records go on under another id, deliveries stay where they came.
        Some(Status::Replaced) => table.successor(user).await?.partition,
        _ => partition,
    };
    let keys: HashSet<&RecordKey> = page
        .entries
        .iter()
        .filter_map(|delivery| delivery.copies.as_ref())
        .flatten()
        .map(|copy| &copy.record)
        .collect();
    let keys: Vec<RecordKey> = keys.into_iter().cloned().collect();
    let versions = table.versions(&home, &keys).await?;
    Ok(DeliveriesAnswer {
        deliveries: page.entries.iter().map(|delivery| answer(delivery, &versions)).collect(),
        damaged: page.damaged.len(),
        cursor: page.next.filter(|_| !goes(u64::MAX)).map(|next| question.cursor(next)),
    })
}

/// The body of a delivery, byte for byte.
pub async fn body(table: &Table, log: &Log, user: &UserId<'_>, name: &str) -> Result<Vec<u8>, QueryError> {
    const UNKNOWN: QueryError = QueryError::Unknown("this user has no such delivery in the log, or no longer");
    let key = LogKey::from_name(name).filter(|_| name.len() <= MAX_NAME).ok_or(UNKNOWN)?;
    let partition = Partition::of_user(user);
    let body = match log.read(&partition, &key).await {
        Ok(delivery) => log.body(&delivery.ok_or(UNKNOWN)?).await,
        Err(error) => Err(error),
    };
    // Looked at last: what an erase has taken meanwhile is no failure.
    let stored = connections::read(table, &partition).await?;
    let erasure = stored.and_then(|stored| stored.connection.erasure(partition.kind()));
    if erasure.is_some_and(|erasure| erasure.takes(key.time_ms())) {
        return Err(UNKNOWN);
    }
    body.map_err(Damage::of(Damage::DELIVERY))
}

/// The milliseconds since 1970 of the days asked for.
fn times(asked: &ListQuestion<'_>) -> Range<u64> {
    const END: u64 = 9_999_999_999_999;
    let start = asked.from.map_or(0, |from| day(from).0);
    let end = asked.to.map_or(END, |to| day(to).1);
    start..end.min(END)
}

fn answer(delivery: &LoggedDelivery, versions: &HashMap<RecordKey, Version>) -> DeliveryAnswer {
    let records = delivery.copies.as_ref().map(|copies| {
        let mut counts = Copies::default();
        for copy in copies {
            match versions.get(&copy.record).map(|stored| stored.cmp(&copy.version)) {
                Some(std::cmp::Ordering::Equal) => counts.current += 1,
                Some(std::cmp::Ordering::Greater) => counts.superseded += 1,
                Some(std::cmp::Ordering::Less) | None => counts.pending += 1,
            }
        }
        counts
    });
    DeliveryAnswer {
        delivery: delivery.key.name(),
        event: delivery.event.clone(),
        received_at: instant(delivery.received_at),
        ordered_at: delivery.ordering_ms.map(instant),
        signed_at: instant(delivery.signed_at.saturating_mul(1_000)),
        status: status(delivery, records.as_ref()),
        quarantine: delivery.quarantine.clone(),
        bytes: delivery.size,
        records,
    }
}

/// The same words as in the webhook's answer; `unknown` for a delivery with too many copies to list.
fn status(delivery: &LoggedDelivery, records: Option<&Copies>) -> &'static str {
    let Some(records) = records else { return "unknown" };
    // A record that the table does not take stays unapplied for good, and the mark says so.
    let waits = records.pending > 0 && delivery.quarantine.as_deref() != Some("unstorable");
    match &delivery.quarantine {
        _ if delivery.ignored => "ignored",
        Some(_) if *records == Copies::default() => "quarantined",
        _ if waits => "queued",
        _ => "stored",
    }
}
