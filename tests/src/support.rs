//! What the tests of the diagnosis share: lives told at fixed times, which every clock has behind it, and what a support
//! person reads.

use crate::{Delivery, Terrace};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// When the lives begin: 2025-07-01T00:00:00Z, in milliseconds since 1970.
pub const BEGIN: u64 = 1_751_328_000_000;
/// An hour, in milliseconds.
pub const HOUR: u64 = 3_600_000;
/// A day.
pub const DAY: u64 = 24 * HOUR;

/// The present, in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A connection as Terra describes it.
#[must_use]
pub fn whose(user: &str, provider: &str) -> Value {
    json!({"user_id": user, "provider": provider, "reference_id": "somebody"})
}

/// The same with these permissions.
#[must_use]
pub fn allowed(user: &str, provider: &str, scopes: &str) -> Value {
    json!({"user_id": user, "provider": provider, "reference_id": "somebody", "scopes": scopes})
}

/// An event that is about a connection, made so long after the beginning.
#[must_use]
pub fn event(after: u64, kind: &str, user: &Value) -> Delivery {
    Delivery::new(json!({"type": kind, "user": user}).to_string()).ordered(BEGIN + after)
}

/// A connection that is made.
#[must_use]
pub fn auth(after: u64, user: &Value) -> Delivery {
    let body = json!({"type": "auth", "status": "success", "user": user});
    Delivery::new(body.to_string()).ordered(BEGIN + after)
}

/// Data.
#[must_use]
pub fn data(after: u64, kind: &str, user: &Value, data: &Value) -> Delivery {
    Delivery::new(json!({"type": kind, "user": user, "data": data}).to_string()).ordered(BEGIN + after)
}

/// The data of the day on which it is sent.
#[must_use]
pub fn day(after: u64, user: &Value) -> Delivery {
    let date = 1 + after / DAY;
    data(after, "daily", user, &json!([{"metadata": {"start_time": format!("2025-07-{date:02}T00:00:00Z")}}]))
}

/// The profile of an account.
#[must_use]
pub fn athlete(after: u64, user: &Value, provider_user_id: &str) -> Delivery {
    let body = json!({"type": "athlete", "user": user, "athlete": {"provider_user_id": provider_user_id}});
    Delivery::new(body.to_string()).ordered(BEGIN + after)
}

/// A Terrace to which this was delivered, and whose jobs are done.
pub async fn told(deliveries: &[Delivery]) -> Terrace {
    let terrace = Terrace::new().await;
    for delivery in deliveries {
        terrace.accept(delivery).await;
    }
    terrace.settle().await;
    terrace
}

/// The diagnosis at a path, so long after the beginning.
pub async fn diagnosis(terrace: &Terrace, path: &str, after: u64) -> Value {
    let (path, query) = path.split_once("?type=").map_or((path, None), |(path, missed)| (path, Some(("type", missed))));
    let answer = terrace.get_at(path, query.as_slice(), BEGIN + after).await;
    assert!([200, 404].contains(&answer.status), "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The codes of what a diagnosis found, most likely first.
#[must_use]
pub fn codes(diagnosis: &Value) -> Vec<&str> {
    let found = diagnosis.get("findings").and_then(Value::as_array);
    found.into_iter().flatten().filter_map(|finding| finding.get("code")?.as_str()).collect()
}

/// Asserts that a diagnosis names this first, and that it says everything that a finding says.
pub fn names_first(diagnosis: &Value, code: &str) {
    assert_eq!(codes(diagnosis).first(), Some(&code), "{diagnosis:#}");
    for part in ["seen", "means", "next_step"] {
        let text = diagnosis.pointer(&format!("/findings/0/{part}")).and_then(Value::as_str).unwrap_or_default();
        assert!(text.len() > 20 && text.ends_with(['.', ')']), "{code}: {part}: {text}");
        assert!(!text.contains("  "), "{code}: {part}: {text}");
    }
}

/// Asserts that a diagnosis does not name this.
pub fn does_not_name(diagnosis: &Value, code: &str) {
    assert!(diagnosis.get("findings").is_some_and(Value::is_array), "{diagnosis:#}");
    assert!(!codes(diagnosis).contains(&code), "{diagnosis:#}");
}

/// The part of the first finding of this name.
#[must_use]
pub fn said<'d>(diagnosis: &'d Value, code: &str, part: &str) -> &'d str {
    let found = diagnosis.get("findings").and_then(Value::as_array).into_iter().flatten();
    let mut found = found.filter(|finding| finding.get("code").and_then(Value::as_str) == Some(code));
    found.next().and_then(|finding| finding.get(part)?.as_str()).unwrap_or_default()
}
