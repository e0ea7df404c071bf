//! Ids, identifiers, references and trace ids of any text: each is an end of its own.

use crate::kept::log_of;
use serde_json::{Value, json};
use terrace_tests::{Delivery, Terrace};

/// Texts that mean something to somebody on the way.
pub fn hostile() -> Vec<String> {
    let short = [
        "../",
        "..",
        ".",
        "../../users/other",
        "#",
        "a#b",
        "log#1782897153891#x#84f2c8ee187fe1fa",
        "connection",
        "/",
        "//",
        "a/b",
        "\u{0}",
        "a\u{0}b",
        "😀",
        " ",
        "\t\r\n",
        "?type=daily",
        "%2F",
        "%00",
        "*",
        "-",
        "~",
        "\\",
        "\"",
        "'; DROP TABLE",
        "${jndi:x}",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "reference:r",
        "session:s",
        "delivery:d",
        "\u{feff}",
        "\u{202e}abc",
        "e\u{301}",
        "é",
        "\u{10ffff}",
    ];
    let long = ["x".repeat(1_000), "é".repeat(1_000), "😀".repeat(1_000), "a/".repeat(500), "y".repeat(100_000)];
    short.map(str::to_owned).into_iter().chain(long).collect()
}

#[tokio::test]
async fn hostile_user_ids_are_users_of_their_own() {
    let terrace = Terrace::new().await;
    let mut names = Vec::new();
    for (at, user) in hostile().iter().enumerate() {
        let marker = format!("marker-{at}-of-many");
        let record = json!({"metadata": {"start_time": "2026-07-01"}, "marker": marker});
        let body =
            json!({"type": "daily", "user": {"user_id": user, "provider": marker}, "data": [record]}).to_string();
        let answer = terrace.accept(&Delivery::new(body.clone())).await;
        assert_eq!((&answer["status"], &answer["records"]["stored"]), (&json!("stored"), &json!(1)), "{user}");
        names.push((user.clone(), marker, body, answer["delivery"].as_str().unwrap().to_owned()));
    }
    assert_eq!(terrace.items().await.len(), names.len() * 3);
    for (user, marker, body, delivery) in &names {
        let connection = terrace.get(&format!("/users/{user}"), &[]).await;
        if user.contains('/') {
            assert_eq!(connection.status, 404, "{user}: a path cannot carry it");
            continue;
        }
        let connection: Value = serde_json::from_slice(&connection.body).unwrap();
        assert_eq!((connection["user_id"].as_str(), connection["provider"].as_str()), (Some(&**user), Some(&**marker)));
        for path in [format!("/users/{user}/records"), format!("/users/{user}/records/daily/2026-07-01")] {
            let answer = String::from_utf8(terrace.get(&path, &[]).await.body.to_vec()).unwrap();
            assert!(answer.contains(marker) && answer.matches("-of-many").count() <= 2, "{path}: {answer}");
        }
        let logged = terrace.get(&format!("/users/{user}/deliveries/{delivery}"), &[]).await;
        assert_eq!((logged.status, logged.body), (200, body.clone().into()), "{user}");
    }
}

#[tokio::test]
async fn hostile_identifiers_are_records_of_their_own() {
    let terrace = Terrace::new().await;
    let ids = hostile();
    let activities: Vec<_> = ids.iter().map(|id| json!({"metadata": {"summary_id": id}, "of": id})).collect();
    let workouts: Vec<_> = ids.iter().map(|id| json!({"planned_workout_id": id, "of": id})).collect();
    let hormones: Vec<_> = ids.iter().map(|id| json!({"timestamp": id, "of": id})).collect();
    for (of_type, data) in [("activity", activities), ("planned_workout", workouts), ("hormone", hormones)] {
        let body = json!({"type": of_type, "user": {"user_id": "u"}, "data": data}).to_string();
        let answer = terrace.accept(&Delivery::new(body)).await;
        assert_eq!(answer["records"]["stored"], ids.len(), "{of_type}");
        for id in &ids {
            let answer = terrace.read("/users/u/records", &[("type", of_type), ("id", id), ("detail", "full")]).await;
            let found = answer["records"].as_array().unwrap();
            assert_eq!(
                (found.len(), &found[0]["id"], &found[0]["data"]["of"]),
                (1, &json!(id), &json!(id)),
                "{of_type}"
            );
            if !id.contains('/') {
                let one = terrace.read(&format!("/users/u/records/{of_type}/{id}"), &[]).await;
                assert_eq!((&one["id"], &one["data"]["of"]), (&json!(id), &json!(id)));
            }
        }
        let listed = terrace.read("/users/u/records", &[("type", of_type), ("limit", "1000")]).await;
        assert_eq!(listed["records"].as_array().unwrap().len(), ids.len(), "{of_type}");
    }
}

#[tokio::test]
async fn hostile_references_and_sessions_are_ends_of_their_own() {
    let terrace = Terrace::new().await;
    for (at, id) in hostile().iter().enumerate() {
        let user = format!("user-{at}");
        let body = json!({"type": "auth", "user": {"user_id": user, "reference_id": id}}).to_string();
        assert_eq!(terrace.accept(&Delivery::new(body)).await["status"], "stored");
        let report =
            |whom: &str| json!({"type": "lab_report.completed", "data": {whom: id, "session_id": id, "at": at}});
        let answer = terrace.accept(&Delivery::new(report("reference_id").to_string()).trace("same")).await;
        assert_eq!(answer["records"]["stored"], 1, "{id}");
        let answer = terrace.accept(&Delivery::new(report("other").to_string()).trace("same")).await;
        assert_eq!(answer["records"]["stored"], 1, "{id}");
    }
    for (at, id) in hostile().iter().enumerate().filter(|(_, id)| !id.contains('/') && id.len() <= 1_024) {
        let reference = terrace.read(&format!("/references/{id}"), &[]).await;
        let connections = reference["connections"].as_array().unwrap();
        assert_eq!((connections.len(), &connections[0]["user_id"]), (1, &json!(format!("user-{at}"))), "{id}");
        assert_eq!(connections[0]["reference_id"], json!(id));
        let records = terrace.read(&format!("/references/{id}/records"), &[("detail", "full")]).await;
        let records = records["records"].as_array().unwrap();
        assert_eq!((records.len(), &records[0]["data"]["at"], &records[0]["id"]), (1, &json!(at), &json!(id)));
    }
}

#[tokio::test]
async fn hostile_trace_ids_name_deliveries() {
    let terrace = Terrace::new().await;
    let sendable: Vec<_> =
        hostile().into_iter().filter(|id| !id.trim().is_empty() && !id.contains(['\0', '\r'])).collect();
    for (at, id) in sendable.iter().enumerate() {
        let body = json!({"type": "daily", "user": {"user_id": "u"}, "data": [], "at": at}).to_string();
        let answer = terrace.accept(&Delivery::new(body.clone()).trace(id)).await;
        let name = answer["delivery"].as_str().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)), "{id}: {name}");
        assert!(name.len() < 300);
        assert_eq!(terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await.body, body, "{id}");
        assert!(!terrace.lines.last()["delivery"].as_str().unwrap_or_default().contains(id.as_str()), "{id}");
    }
    let listed = terrace.read("/users/u/deliveries", &[("limit", "1000")]).await;
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), sendable.len());
}

/// Longer than an item of the table may be.
#[tokio::test]
async fn an_identifier_that_no_item_can_hold_is_no_reason_to_come_again() {
    let long = "x".repeat(500_000);
    let terrace = Terrace::new().await;
    for (body, mark) in [
        (
            json!({"type": "activity", "user": {"user_id": "u"}, "data": [{"metadata": {"summary_id": long}}, {"metadata": {"summary_id": "good"}}]}),
            Some("unstorable"),
        ),
        (
            json!({"type": "auth", "user": {"user_id": "u", "reference_id": long, "provider": long, "scopes": long}}),
            None,
        ),
        (
            json!({"type": "lab_report.completed", "data": {"reference_id": long, "session_id": long}}),
            Some("unstorable"),
        ),
        (
            json!({"type": "user_reauth", "old_user": {"user_id": long}, "new_user": {"user_id": "u"}}),
            Some("unstorable"),
        ),
        (
            json!({"type": "daily", "user": {"user_id": long}, "data": [{"metadata": {"start_time": "2026-07-01"}}]}),
            Some("unstorable"),
        ),
    ] {
        let answer = terrace.post(&Delivery::new(body.to_string())).await;
        assert_eq!(answer.status, 200, "{}: {}", body["type"], terrace.lines.last());
        // What is not kept in the view is not passed over in silence.
        assert_eq!(terrace.lines.last()["quarantine"].as_str(), mark, "{}", body["type"]);
        let log = log_of(&terrace).await;
        assert!(log.iter().any(|(_, logged)| *logged == body.to_string().as_bytes()), "{}", body["type"]);
    }
    assert_eq!(terrace.get("/users/u/records/activity/good", &[]).await.status, 200);
}
