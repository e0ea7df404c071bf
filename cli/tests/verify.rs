//! `terrace verify` finds nothing where the view is what the log says, and whatever was changed behind its back.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use terrace_cli::verify::{Report, verify};
use terrace_records::Partition;
use terrace_runtime::http::Request;
use terrace_terra::ids::UserId;
use terrace_tests::Terrace;
use terrace_tests::delivery::Delivery;
use terrace_tests::items::text;
use terrace_tests::noise::noise;
use terrace_tests::older::enter_unknown;
use terrace_tests::orders::replay;
use terrace_tests::terrace::TABLE;

/// A life with everything that a view is made of.
fn deliveries() -> Vec<Delivery> {
    let user = |id: &str| json!({"user_id": id, "provider": "GARMIN", "reference_id": "r", "scopes": "A,B"});
    let day = |date: &str, steps: u64, score: Value| {
        json!({"metadata": {"start_time": format!("{date}T00:00:00Z")}, "distance_data": {"steps": steps},
            "data_enrichment": {"total_stress_score": score}})
    };
    let samples: Vec<Value> = (0..3_000).map(|at: u64| json!({"bpm": at * 7_919 % 180, "at": at * 104_729})).collect();
    let sleep = json!({"metadata": {"summary_id": "s", "start_time": "2026-07-01T22:00:00Z"}, "samples": samples});
    let bodies = [
        json!({"type": "auth", "status": "success", "user": user("old")}),
        json!({"type": "daily", "user": user("old"), "data": [day("2026-07-01", 7, json!(61)), day("2026-07-02", 8, Value::Null)]}),
        json!({"type": "daily", "user": user("old"), "data": [day("2026-07-01", 9, Value::Null)]}),
        json!({"type": "sleep", "user": user("new"), "data": [sleep]}),
        json!({"type": "user_reauth", "status": "warning", "old_user": user("old"), "new_user": user("new")}),
        json!({"type": "large_request_sending", "user": user("new"), "reference": "q", "expected_payloads": 2}),
        json!({"type": "lab_report.completed", "event_id": "e", "data": {"session_id": "l", "reference_id": "r"}}),
        json!({"type": "route", "user": user("new"), "data": [1]}),
    ];
    bodies.iter().map(|body| Delivery::new(body.to_string())).collect()
}

async fn lived() -> Terrace {
    let terrace = Terrace::new().await;
    for delivery in deliveries() {
        terrace.accept(&delivery).await;
    }
    terrace.settle().await;
    terrace
}

async fn verified(terrace: &Terrace) -> Report {
    verify(&terrace.table, &terrace.log).await.unwrap()
}

/// Changes an attribute of the one item whose sort key begins so.
async fn change(terrace: &Terrace, record: &str, name: &str, value: AttributeValue) {
    let items = terrace.items().await;
    let item = items.iter().find(|item| text(item, "record").starts_with(record)).unwrap();
    let mut changed = item.clone();
    changed.insert(name.to_owned(), value);
    terrace.client.put_item().table_name(TABLE).set_item(Some(changed)).send().await.unwrap();
}

async fn remove(terrace: &Terrace, record: &str) {
    for item in terrace.items().await {
        if text(&item, "record").starts_with(record) {
            let key = ["user_id", "record"].map(|name| (name.to_owned(), item[name].clone()));
            let request = terrace.client.delete_item().table_name(TABLE).set_key(Some(key.into()));
            request.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_view_that_is_what_the_log_says_shows_no_difference() {
    let terrace = lived().await;
    let before = terrace.items().await;
    let report = verified(&terrace).await;
    assert_eq!(report.differences, Vec::<String>::new());
    assert_eq!((report.deliveries, report.not_covered), (8, 0));
    let compared = |kind| report.compared.get(kind).copied().unwrap_or(0);
    assert_eq!(["daily", "sleep", "connection", "lab_report", "request"].map(compared), [2, 1, 2, 1, 1]);
    assert!(report.registers > 30, "{}", report.registers);
    assert!(report.text().contains("No difference"), "{}", report.text());
    assert_eq!(terrace.items().await, before, "it only reads");
}

#[tokio::test]
async fn whatever_was_changed_behind_its_back_shows() {
    let bytes = |bytes: &[u8]| AttributeValue::B(bytes.to_vec().into());
    for (record, name, value) in [
        ("daily#2026-07-01", "version", bytes(&[255; 24])),
        ("daily#2026-07-01", "body", bytes(b"else")),
        ("daily#2026-07-01", "score:total_stress_score", bytes(&[9; 30])),
        ("sleep#s", "summary", bytes(b"else")),
        ("sleep#s", "start_time", AttributeValue::S("2026-07-09T00:00:00Z".to_owned())),
        ("lab_report#l", "deleted", AttributeValue::Bool(true)),
    ] {
        let terrace = lived().await;
        change(&terrace, record, name, value).await;
        let report = verified(&terrace).await;
        let noticed = report.differences.len() as u64 + report.not_covered;
        assert!(noticed > 0, "{record} {name}");
    }
    for record in ["daily#2026-07-01", "sleep#s", "connection", "request#q", "lab_report#l"] {
        let terrace = lived().await;
        remove(&terrace, record).await;
        let report = verified(&terrace).await;
        assert!(!report.differences.is_empty(), "{record}");
        assert!(report.text().contains("differences"), "{}", report.text());
    }
}

#[tokio::test]
async fn what_the_log_no_longer_has_is_told_apart() {
    let terrace = lived().await;
    remove(&terrace, "log#").await;
    let report = verified(&terrace).await;
    assert_eq!((report.deliveries, report.differences), (0, Vec::new()));
    assert!(report.not_covered > 20 && !report.beyond_the_log.is_empty());
}

#[tokio::test]
async fn somebody_who_was_erased_is_left_out() {
    let terrace = lived().await;
    let path = "/users/new".to_owned();
    let (method, query, headers, body) = (Method::DELETE, Vec::new(), HeaderMap::new(), Bytes::new());
    assert_eq!(terrace.query.handle(&Request { method, path, query, headers, body }).await.status, 202);
    terrace.settle().await;
    let report = verified(&terrace).await;
    assert_eq!(report.differences, Vec::<String>::new());
    assert_eq!(report.erased, 2, "both ids");
}

#[tokio::test]
async fn a_damaged_delivery_is_told_and_stops_nobody() {
    for (name, value) in
        [("body", AttributeValue::B(b"else".to_vec().into())), ("size", AttributeValue::S("many".to_owned()))]
    {
        let terrace = lived().await;
        change(&terrace, "log#", name, value).await;
        let report = verified(&terrace).await;
        assert_eq!((report.deliveries, report.damaged.len()), (7, 1), "{name}");
        assert!(report.text().contains("1 deliveries in the log are damaged"), "{}", report.text());
    }
}

#[tokio::test]
async fn a_large_delivery_that_only_this_version_understands_shows_until_it_is_replayed() {
    let terrace = lived().await;
    let sleep = |id: u64| json!({"metadata": {"summary_id": format!("late{id}")}, "n": noise(id, 600)});
    let user = json!({"user_id": "new", "provider": "GARMIN", "reference_id": "r", "scopes": "A,B"});
    let body = json!({"type": "sleep", "user": user, "data": [sleep(1), sleep(2)]}).to_string();
    let partition = Partition::of_user(&UserId::new("new").unwrap());
    let today = jiff::Timestamp::now().strftime("%F").to_string();
    enter_unknown(&terrace, &partition, "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001", body.as_bytes(), &today).await;
    let before = terrace.items().await;
    let report = verified(&terrace).await;
    assert!(!report.differences.is_empty() && report.damaged.is_empty(), "{}", report.text());
    assert_eq!(terrace.items().await, before, "it only reads");
    replay(&terrace, &json!({})).await;
    let report = verified(&terrace).await;
    assert_eq!((report.differences, report.damaged), (Vec::new(), Vec::new()));
}
