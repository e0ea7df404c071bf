//! What can be asked of a list of records: several types, days and moments, and no look into the log where summaries do.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::sync::Arc;
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::http::Request;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::{Log, Objects};
use terrace_tests::{Delivery, Terrace};

fn event(of_type: &str, data: &[Value]) -> Delivery {
    Delivery::new(json!({"type": of_type, "user": {"user_id": "u", "provider": "GARMIN"}, "data": data}).to_string())
}

fn day(start_time: &str) -> Value {
    json!({"metadata": {"start_time": start_time}})
}

fn session(id: &str, start_time: &str) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": start_time}})
}

fn names(page: &Value) -> Vec<String> {
    let name = |record: &Value| format!("{}/{}", record["type"].as_str().unwrap(), record["id"].as_str().unwrap());
    page["records"].as_array().unwrap().iter().map(name).collect()
}

async fn listed(terrace: &Terrace, asked: &[(&str, &str)]) -> Vec<String> {
    names(&terrace.read("/users/u/records", asked).await)
}

/// What pages of this size list.
async fn in_pages(terrace: &Terrace, asked: &[(&str, &str)], limit: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _page in 0..200 {
        let asked: Vec<_> = asked.iter().copied().chain([("limit", limit), ("cursor", &cursor)]).collect();
        let page = terrace.read("/users/u/records", &asked).await;
        found.extend(names(&page));
        let Some(next) = page["cursor"].as_str() else { return found };
        cursor = next.to_owned();
    }
    panic!("{asked:?} has no end");
}

async fn a_life() -> Terrace {
    let terrace = Terrace::new().await;
    for of_type in ["daily", "body", "nutrition"] {
        terrace.accept(&event(of_type, &["2026-07-01", "2026-07-02", "2026-07-03"].map(day))).await;
    }
    for of_type in ["sleep", "activity"] {
        let sessions =
            [session("b", "2026-07-02T01:00:00Z"), session("a", "2026-07-03T01:00:00Z"), session("c", "2026-07-01")];
        terrace.accept(&event(of_type, &sessions)).await;
    }
    terrace
}

#[tokio::test]
async fn several_types_are_one_list() {
    let terrace = a_life().await;
    let expected = [
        "activity/c",
        "activity/b",
        "activity/a",
        "daily/2026-07-01",
        "daily/2026-07-02",
        "daily/2026-07-03",
        "sleep/c",
        "sleep/b",
        "sleep/a",
    ];
    let spellings = [
        &[("type", "sleep,daily,activity")][..],
        &[("type", "sleep"), ("type", "activity"), ("type", "daily")],
        &[("type", "activity, sleep"), ("type", "daily,daily")],
    ];
    for spelling in spellings {
        assert_eq!(listed(&terrace, spelling).await, expected, "{spelling:?}");
        for limit in ["1", "2", "3", "4", "8", "9", "10"] {
            assert_eq!(in_pages(&terrace, spelling, limit).await, expected, "{spelling:?} by {limit}");
        }
    }
    // However the types are written it is the same question, and another set of them is another one.
    let first = terrace.read("/users/u/records", &[("type", "sleep,daily"), ("limit", "1")]).await;
    let cursor = ("cursor", first["cursor"].as_str().unwrap());
    assert_eq!(listed(&terrace, &[("type", "daily"), ("type", "sleep"), cursor]).await[0], "daily/2026-07-02");
    for other in ["daily", "daily,sleep,body", ","] {
        assert_eq!(terrace.get("/users/u/records", &[("type", other), cursor]).await.status, 400, "{other}");
    }
}

#[tokio::test]
async fn moments_are_compared_with_the_records_own_instants() {
    let terrace = Terrace::new().await;
    // In the order of their own clocks, which is not that of their instants.
    let starts = [
        ("early", "2026-06-30T23:30:00-11:00"), // 2026-07-01T10:30Z
        ("utc", "2026-07-01T09:00:00Z"),
        ("local", "2026-07-01T12:00:00"),       // no offset: 12:00Z
        ("ahead", "2026-07-01T23:30:00+14:00"), // 09:30Z
        ("day", "2026-07-02"),                  // 2026-07-02T00:00Z
    ];
    let sessions: Vec<_> = starts.iter().map(|(id, start)| session(id, start)).collect();
    terrace.accept(&event("activity", &sessions)).await;
    terrace.accept(&event("activity", &[json!({"metadata": {"summary_id": "undated"}}), session("odd", "noon")])).await;
    terrace.accept(&event("daily", &[day("2026-07-01T00:00:00+13:00"), day("2026-07-02T00:00:00-12:00")])).await;
    for (from, to, found) in [
        ("2026-07-01T09:30:00Z", "2026-07-01T10:30:00Z", &["activity/early", "activity/ahead"][..]),
        ("2026-07-01T09:30:00.001Z", "2026-07-01T10:29:59Z", &[]),
        (
            "2026-07-01T23:30:00+14:00",
            "2026-07-01T12:00:00+00:00",
            &["activity/early", "activity/local", "activity/ahead"],
        ),
        ("", "2026-07-01T09:00:00Z", &["activity/utc", "daily/2026-07-01"]),
        ("2026-07-01T12:00:00.001Z", "", &["activity/day", "daily/2026-07-02"]),
        ("2026-07-02T12:00:00Z", "", &["daily/2026-07-02"]),
        // A day and a moment: each end is what it is.
        ("2026-07-02", "2026-07-02T00:00:00Z", &["activity/day"]),
        ("2026-07-01T09:30:00Z", "2026-07-01", &["activity/early", "activity/local", "activity/ahead"]),
    ] {
        let asked: Vec<_> = [("from", from), ("to", to)].into_iter().filter(|(_, end)| !end.is_empty()).collect();
        assert_eq!(listed(&terrace, &asked).await, found, "{asked:?}");
        for limit in ["1", "2", "3"] {
            assert_eq!(in_pages(&terrace, &asked, limit).await, found, "{asked:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_cursor_made_up_leads_nowhere_and_fails_nothing() {
    let terrace = a_life().await;
    let held = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let asked = [("type", "sleep"), ("from", "2026-07-02"), ("limit", "1")];
    let page = terrace.read("/users/u/records", &asked).await;
    let real = data_encoding::BASE64URL_NOPAD.decode(page["cursor"].as_str().unwrap().as_bytes()).unwrap();
    let real: Value = serde_json::from_slice(&real).unwrap();
    let made_up = |change: &dyn Fn(&mut Value)| {
        let mut held_by = real.clone();
        change(&mut held_by);
        held(&held_by.to_string())
    };
    for (what, cursor) in [
        ("outside the range", made_up(&|cursor| cursor["s"] = json!("sleep#2026-07-01"))),
        ("another type", made_up(&|cursor| cursor["r"] = json!("activity#b"))),
        ("no place in the index", made_up(&|cursor| cursor["s"] = Value::Null)),
        ("no record", made_up(&|cursor| cursor["r"] = json!("connection"))),
        ("another question", made_up(&|cursor| cursor["q"] = json!(1))),
        ("not ours", held("[]")),
    ] {
        let asked = [("type", "sleep"), ("from", "2026-07-02"), ("limit", "1"), ("cursor", cursor.as_str())];
        assert_eq!(terrace.get("/users/u/records", &asked).await.status, 400, "{what}");
    }
}

#[tokio::test]
async fn summaries_never_touch_the_bucket() {
    let terrace = a_life().await;
    let samples: Vec<f64> = (0..40_000).map(|at| f64::from(at * at % 9_973) / 7.0).collect();
    let large =
        json!({"metadata": {"summary_id": "large", "start_time": "2026-07-04"}, "samples": samples, "calories": 7});
    terrace.accept(&event("activity", &[large])).await;
    terrace.settle().await;
    assert_eq!(terrace.objects("log/").await.len(), 1, "one record lies in the bucket");
    let objects = Objects::new(|| panic!("the bucket was touched"));
    let log = Log::new(terrace.table.clone(), Arc::new(objects));
    let telemetry = Arc::new(Telemetry::to(Vec::new()));
    let queue = Arc::new(terrace.queue.clone());
    let query = Query::new(terrace.table.clone(), log, queue, LargeAnswers::Redirected, telemetry);
    for asked in [
        &[][..],
        &[("detail", "summary"), ("type", "activity,sleep")],
        &[("id", "large")],
        &[("from", "2026-07-04T00:00:00Z")],
        &[("updated_since", "0")],
    ] {
        let asked = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { path: "/users/u/records".to_owned(), query: asked, ..event("daily", &[]).request() };
        let request = Request { method: http::Method::GET, ..request };
        let answer = query.handle(&request).await;
        let page: Value = serde_json::from_slice(&answer.body).unwrap();
        let large = page["records"].as_array().unwrap().iter().find(|record| record["id"] == "large").unwrap();
        assert_eq!(large["summary"]["calories"], 7);
    }
}
