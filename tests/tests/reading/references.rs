//! An end user, by the customer's name for them.

use crate::asked::{names, pages, text};
use serde_json::{Value, json};
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};

#[tokio::test]
async fn a_reference_leads_to_its_connections() {
    let terrace = Terrace::new().await;
    let auth = |user: &str, reference: Value| {
        Delivery::new(json!({"type": "auth", "user": {"user_id": user, "reference_id": reference}}).to_string())
    };
    for user in ["a", "b", "c", "d", "e"] {
        terrace.accept(&auth(user, json!("r"))).await;
    }
    terrace.accept(&auth("other", json!("s"))).await;
    terrace.accept(&auth("nobody", Value::Null)).await;
    terrace.accept(&auth("e", json!("s")).ordered(UnixSeconds::now().0 * 1_000 + 5_000)).await;
    let users = |found: &[Value]| -> Vec<String> {
        found.iter().map(|one| one["user_id"].as_str().unwrap().to_owned()).collect()
    };
    for limit in 1..=6 {
        let found = pages(&terrace, "/references/r", &[], "connections", &[limit]).await;
        assert_eq!(users(&found), ["a", "b", "c", "d"], "{limit}");
        let found = pages(&terrace, "/references/s", &[], "connections", &[limit]).await;
        assert_eq!(users(&found), ["e", "other"], "{limit}");
    }
    assert_eq!(terrace.read("/references/r", &[]).await["reference_id"], "r");
    assert_eq!(terrace.get("/references/-", &[]).await.status, 404, "those without a reference are nobody's");
    let dashed = terrace.accept(&auth("dashed", json!("-"))).await;
    assert_eq!(dashed["status"], "stored");
    assert_eq!(users(&pages(&terrace, "/references/-", &[], "connections", &[1]).await), ["dashed"]);
}

#[tokio::test]
async fn lab_reports_are_read_under_their_reference() {
    let terrace = Terrace::new().await;
    let report = |of_type: &str, session: &str, value: &str| {
        Delivery::new(format!(
            r#"{{"type":"{of_type}","event_id":"e-{session}-{value}","occurred_at":"2026-07-01T00:00:00Z","data":{{"session_id":"{session}","reference_id":"r","report_date":"2026-06-0{}","v":{value}}}}}"#,
            session.len()
        ))
    };
    terrace.accept(&report("lab_report.completed", "s", "1.10")).await;
    terrace.accept(&report("lab_report.completed", "ss", "2.20")).await;
    terrace.accept(&report("lab_report.failed", "s", "3")).await;
    let list = terrace.read("/references/r/records", &[]).await;
    assert_eq!(names(&list), ["lab_report/s", "lab_report/ss", "lab_report_failure/s"]);
    let list = terrace.read("/references/r/records", &[("from", "2026-06-02"), ("type", "lab_report")]).await;
    assert_eq!(names(&list), ["lab_report/ss"]);
    let one = terrace.get("/references/r/records/lab_report/ss", &[]).await;
    assert!(text(&one).contains(r#""report_date":"2026-06-02","v":2.20}"#), "{}", text(&one));
    let found = pages(&terrace, "/references/r/records", &[("detail", "full")], "records", &[1]).await;
    assert_eq!(found.len(), 3);
    for elsewhere in ["/users/r/records", "/users/reference:r/records", "/users/r"] {
        assert_eq!(terrace.get(elsewhere, &[]).await.status, 404, "{elsewhere}");
    }
}
