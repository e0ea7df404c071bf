//! The kinds of deliveries that are measured.

use crate::cost::bodies::{BodySize, LARGE, MEDIUM, SMALL, daily};
use crate::cost::demand::{Demand, measure};
use crate::cost::histories::{Kind, sized};
use crate::cost::place::Incoming;
use crate::error::CommandError;
use crate::simulate::plan::plan;
use crate::simulate::world::World;
use bytes::Bytes;
use jiff::civil::date;
use serde_json::json;

/// The moment that everything is measured as of, 2026-07-01T10:00:00Z: the same every time, so that figures are too.
const NOW_MS: u64 = 1_782_900_000_000;
/// How many users deliveries of one size come from, taking turns, as in the bench.
const USERS: u64 = 20;
/// How often a record comes as it grows, where nothing else is known: Terra sends a day anew whenever a watch syncs.
pub const COPIES: f64 = 10.0;
/// Days of a history that comes at once.
const HISTORY_DAYS: u64 = 365;

/// The mix: how many users, and how many days of each.
pub const MIX_USERS: u32 = 10;
/// Days of the mix.
pub const MIX_DAYS: u32 = 10;

/// Deliveries of one kind.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What they are called.
    pub name: String,
    /// What they ask for.
    pub demand: Demand,
    /// Deliveries of a user in a month, where the measured ones say it.
    pub of_user: Option<f64>,
}

/// Deliveries of a day of this size, newer copies of days that are there.
///
/// # Errors
///
/// When one is not taken.
pub async fn sized_days(name: &str, bytes: usize) -> Result<Measured, CommandError> {
    let users = if bytes > 1_000_000 { USERS / 5 } else { USERS };
    let size = BodySize { name: "", bytes };
    // The same users twice.
    let days =
        |round: u64| (0..users).map(move |user| incoming(daily(size, round * USERS + user), round * USERS + user));
    let (before, counted): (Vec<_>, Vec<_>) = (days(0).collect(), days(1).collect());
    let demand = measure(&before, &counted, NOW_MS).await?;
    Ok(Measured { name: name.to_owned(), demand, of_user: None })
}

/// The three sizes of the budgets.
///
/// # Errors
///
/// When a delivery is not taken.
pub async fn sizes() -> Result<[Measured; 3], CommandError> {
    let of = |size: BodySize| sized_days(size.name, size.bytes);
    Ok([of(SMALL).await?, of(MEDIUM).await?, of(LARGE).await?])
}

/// A year of days in one body, as when somebody connects: more records than an answer waits for, so a job follows.
///
/// # Errors
///
/// When one is not taken.
pub async fn history() -> Result<Measured, CommandError> {
    let body =
        |user: u64| sized(Kind::Days, &format!("0c3f2b1e-89e2-43ac-a5b8-{user:012x}"), HISTORY_DAYS, LARGE.bytes);
    let before = [incoming(daily(SMALL, 1), 1), incoming(daily(SMALL, 2), 2)];
    let counted: Vec<_> = (1..=2).map(|user| incoming(body(user), 100 + user)).collect();
    let demand = measure(&before, &counted, NOW_MS).await?;
    Ok(Measured { name: format!("{}, {HISTORY_DAYS} days", LARGE.name), demand, of_user: None })
}

/// Pings, without what they lead to.
///
/// # Errors
///
/// When one is not taken.
pub async fn pings() -> Result<Measured, CommandError> {
    let ping = |number: u64| {
        let signature = "0123456789abcdef".repeat(16);
        let body = json!({
            "type": "s3_payload",
            "status": "success",
            "url": format!("https://payloads.s3.us-west-2.amazonaws.com/{number:032x}?X-Amz-Signature={signature}"),
            "expires_in": 300,
        });
        incoming(body.to_string(), number)
    };
    let counted: Vec<_> = (0..USERS).map(ping).collect();
    let demand = measure(&[incoming(daily(SMALL, 1), 500)], &counted, NOW_MS).await?;
    Ok(Measured { name: "a ping itself".to_owned(), demand, of_user: None })
}

/// What the simulator's users send: everything, or these types.
///
/// # Errors
///
/// When a delivery is not taken.
pub async fn mix(types: &[String]) -> Result<Measured, CommandError> {
    let world = World {
        seed: 1,
        at_ms: NOW_MS,
        users: MIX_USERS as usize,
        days: MIX_DAYS,
        start: date(2026, 6, 21),
        large: 0,
        requests: 0,
        reauths: 0.0,
        pings: 0.0,
        types: types.to_vec(),
        duplicates: 0.05,
        reorder: 0.1,
        late: 0.02,
        without_ordering: 0.1,
    };
    let sendings = plan(&world, world.events());
    let all = sendings.into_iter().map(|sending| Incoming {
        body: sending.body,
        ordering_ms: sending.ordering_ms,
        trace_id: sending.event.trace_id.clone(),
        reference: sending.event.reference.clone(),
        signed_at: sending.signed_at,
    });
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return Err(CommandError::Usage("the simulator's users send nothing of these types".to_owned()));
    }
    let demand = measure(&[], &all, NOW_MS).await?;
    let of_user = all.len() as f64 / f64::from(MIX_USERS) / f64::from(MIX_DAYS) * crate::cost::bill::DAYS_OF_MONTH;
    let name = if types.is_empty() { "mix".to_owned() } else { types.join(", ") };
    Ok(Measured { name, demand, of_user: Some(of_user) })
}

fn incoming(body: String, number: u64) -> Incoming {
    Incoming {
        body: Bytes::from(body),
        ordering_ms: Some(NOW_MS - 1_000_000 + number),
        trace_id: Some(format!("{number:08x}-89e2-43ac-a5b8-000000000000")),
        reference: format!("{number:08x}-1111-43ac-a5b8-000000000000"),
        signed_at: NOW_MS / 1_000,
    }
}
