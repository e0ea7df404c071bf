//! One delivery, from the post to the record.

use serde_json::json;
use terrace_tests::{Delivery, Terrace};

const BODY: &str = r#"{"type":"daily","user":{"user_id":"u","provider":"GARMIN","reference_id":"r","scopes":"daily"},
    "data":[{"metadata":{"start_time":"2026-07-01T00:00:00.000000+01:00"},"steps":12345678901234567890.10,"x":null}]}"#;

#[tokio::test]
async fn a_delivery_ends_as_a_record() {
    let terrace = Terrace::new().await;
    let answer = terrace.accept(&Delivery::new(BODY).trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001")).await;
    assert_eq!((&answer["status"], &answer["event"]), (&json!("stored"), &json!("daily")));
    assert_eq!(answer["records"], json!({"stored": 1, "unchanged": 0, "stale": 0, "rejected": 0}));

    let record = terrace.get("/users/u/records/daily/2026-07-01", &[]).await;
    assert!(String::from_utf8_lossy(&record.body).contains(r#""steps":12345678901234567890.10,"x":null"#));
    let connection = terrace.read("/users/u", &[]).await;
    assert_eq!((&connection["status"], &connection["reference_id"]), (&json!("active"), &json!("r")));

    let delivery = answer["delivery"].as_str().unwrap();
    let body = terrace.get(&format!("/users/u/deliveries/{delivery}"), &[]).await;
    assert_eq!(body.body, BODY);
}
