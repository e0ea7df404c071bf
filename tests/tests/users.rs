//! Every connection is listed, a page at a time, and nothing that is no user.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use terrace_tests::{Delivery, Terrace};

fn event(of_type: &str, user: &Value) -> Delivery {
    Delivery::new(json!({"type": of_type, "user": user, "data": []}).to_string())
}

/// Everybody by their id, as pages of this size list them.
async fn listed(terrace: &Terrace, limit: usize) -> BTreeMap<String, Value> {
    let limit_text = limit.to_string();
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    for _page in 0..1_000 {
        let page = terrace.read("/users", &[("limit", &limit_text), ("cursor", &cursor)]).await;
        let users = page["users"].as_array().unwrap();
        assert!(users.len() <= limit);
        for user in users {
            let before = found.insert(user["user_id"].as_str().unwrap().to_owned(), user.clone());
            assert_eq!(before, None, "nobody is listed twice");
        }
        let Some(next) = page["cursor"].as_str() else { return found };
        cursor = next.to_owned();
    }
    panic!("the list of pages of {limit} has no end");
}

#[tokio::test]
async fn everybody_is_listed_once_in_pages_of_any_size_and_as_they_are_read_alone() {
    let terrace = Terrace::new().await;
    assert_eq!(terrace.read("/users", &[]).await, json!({"users": [], "cursor": null}));
    let long = "x".repeat(2_000);
    let ids = ["a", "b", "c", "-", "..", "reference:r", "job:1", "with space", "sha256:x", long.as_str()];
    for (at, id) in ids.iter().enumerate() {
        let reference = if at % 2 == 0 { Value::Null } else { json!(format!("r{}", at % 4)) };
        terrace.accept(&event("daily", &json!({"user_id": id, "provider": "GARMIN", "reference_id": reference}))).await;
    }
    terrace.accept(&event("deauth", &json!({"user_id": "b", "provider": "GARMIN"}))).await;
    terrace.delete("/users/c").await;
    // What is of no user: a lab report of an end user who is then erased, one of nobody, a body that names nobody, jobs.
    let report = |data: Value| Delivery::new(json!({"type": "lab_report.completed", "data": data}).to_string());
    terrace.accept(&report(json!({"session_id": "s", "reference_id": "only-a-reference"}))).await;
    terrace.accept(&report(json!({"session_id": "s"}))).await;
    terrace.accept(&Delivery::new(r#"{"type":"daily","data":[]}"#)).await;
    terrace.delete("/references/only-a-reference").await;
    terrace.settle().await;
    // Nothing of ours puts such a one into the index.
    use aws_sdk_dynamodb::types::AttributeValue::S;
    let stray =
        terrace.client.put_item().table_name(terrace_tests::terrace::TABLE).item("reference", S("-".to_owned()));
    let stray = stray.item("user_id", S("reference:r".to_owned())).item("record", S("connection".to_owned()));
    stray.send().await.unwrap();

    let mut expected = BTreeMap::new();
    for id in ids {
        let alone = terrace.read(&format!("/users/{id}"), &[]).await;
        expected.insert(alone["user_id"].as_str().unwrap().to_owned(), alone);
    }
    assert_eq!(expected.len(), ids.len());
    assert_eq!((&expected["b"]["status"], &expected["c"]["status"]), (&json!("revoked"), &json!("erased")));
    for limit in [1, 2, 3, 7, 10, 1_000] {
        assert_eq!(listed(&terrace, limit).await, expected, "{limit}");
    }
}

#[tokio::test]
async fn more_than_one_call_of_the_table_reads() {
    let terrace = Terrace::new().await;
    for at in 0..130 {
        terrace.accept(&event("auth", &json!({"user_id": format!("u{at}"), "reference_id": "r"}))).await;
    }
    for limit in [99, 100, 130, 131] {
        assert_eq!(listed(&terrace, limit).await.len(), 130, "{limit}");
    }
    let of_one = terrace.read("/references/r", &[("limit", "1000")]).await;
    assert_eq!(of_one["connections"].as_array().unwrap().len(), 130);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let terrace = Terrace::new().await;
    for user in ["a", "b"] {
        terrace.accept(&event("auth", &json!({"user_id": user, "reference_id": "r"}))).await;
    }
    let of_reference = terrace.read("/references/r", &[("limit", "1")]).await;
    for cursor in [of_reference["cursor"].as_str().unwrap(), "nonsense"] {
        let answer = terrace.get("/users", &[("cursor", cursor)]).await;
        assert_eq!(answer.status, 400, "{cursor}");
    }
    for asked in [("limit", "0"), ("limit", "1001"), ("type", "daily")] {
        assert_eq!(terrace.get("/users", &[asked]).await.status, 400, "{asked:?}");
    }
}
