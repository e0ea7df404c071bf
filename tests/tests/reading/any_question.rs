//! No question, whatever it asks, leads to somebody else.

use crate::asked::{day, event, text};
use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use terrace_runtime::http::Request;
use terrace_tests::{Delivery, Terrace};

/// What stands in everything of one user and nowhere else.
const CANARY: &str = "canary-7f3a9c";

async fn with_canary() -> Terrace {
    let terrace = Terrace::new().await;
    let user = json!({"user_id": "canary", "reference_id": "of-canary", "provider": CANARY, "scopes": CANARY});
    let data = json!([{"metadata": {"start_time": "2026-07-01", "summary_id": "x"}, "marker": CANARY}]);
    for of_type in ["daily", "sleep", "activity"] {
        let body = json!({"type": of_type, "user": user, "data": data}).to_string();
        terrace.accept(&Delivery::new(body)).await;
    }
    let report = json!({"type": "lab_report.completed", "data": {"session_id": "x", "reference_id": "of-canary", "marker": CANARY}});
    terrace.accept(&Delivery::new(report.to_string())).await;
    for user in ["other", "canary2", ".", "..", "canary/", "canary/x", "users"] {
        terrace.accept(&event("daily", user, &[day("2026-07-01")])).await;
    }
    terrace
}

/// Whether a path names the canary, and exactly that, or everybody.
fn names_canary(path: &str) -> bool {
    if path == "/users" {
        return true;
    }
    let mut parts = path.split('/').skip(1);
    matches!((parts.next(), parts.next()), (Some("users"), Some("canary")) | (Some("references"), Some("of-canary")))
}

/// Parts of paths.
const PARTS: &[&str] = &[
    "users",
    "references",
    "canary",
    "of-canary",
    "other",
    "records",
    "deliveries",
    "daily",
    "sleep",
    "lab_report",
    "2026-07-01",
    "x",
    "..",
    ".",
    "",
    "health",
    "webhook",
    "%63anary",
    "canary\u{0}",
    "canary ",
    "Canary",
    "canary%2F",
    "reference:of-canary",
    "canary?x",
    "canary#",
    "*",
    "0000000000000.0000000000000000.x",
];

/// What parameters are.
const VALUES: &[&str] = &[
    "daily",
    "sleep",
    "x",
    "2026-07-01",
    "2026-06-30",
    "2026-07-01T07:00:00Z",
    "daily,sleep",
    "full",
    "summary",
    "1",
    "1000",
    "0",
    "-1",
    "canary",
    "/users/canary",
    "../canary",
    "",
];

/// Any question: a method, a path and parameters, more often than not near the canary.
fn any_question() -> impl Strategy<Value = Request> {
    let near = prop::sample::select(vec!["canary", "of-canary", "..", "users", "references", "records"]);
    let part = prop_oneof![
        6 => near.prop_map(str::to_owned),
        6 => prop::sample::select(PARTS).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => "[\\x00-\\x7f]{0,4}",
    ];
    let fitting = (prop::sample::select(vec!["users", "references"]), prop::collection::vec(part.clone(), 1..4));
    let path = prop_oneof![
        3 => fitting.prop_map(|(first, rest)| format!("/{first}/{}", rest.join("/"))),
        2 => prop::collection::vec(part, 0..7).prop_map(|parts| format!("/{}", parts.join("/"))),
        1 => "[\\x00-\\x7f]{0,20}",
    ];
    let names = ["type", "id", "from", "to", "detail", "limit", "cursor", "updated_since", "user_id", ""];
    let value = prop_oneof![4 => prop::sample::select(VALUES).prop_map(str::to_owned), 1 => "\\PC{0,40}"];
    let pair = (prop::sample::select(names.to_vec()).prop_map(str::to_owned), value);
    let query = prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(pair, 0..4)];
    let method =
        prop::sample::select(vec![Method::GET, Method::GET, Method::GET, Method::HEAD, Method::POST, Method::PUT]);
    (method, path, query).prop_map(|(method, path, query)| {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Request { method, path, query, headers, body }
    })
}

#[test]
fn no_question_fails_or_leads_to_somebody_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let terrace = runtime.block_on(with_canary());
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&any_question(), |request| {
        let answer = runtime.block_on(terrace.query.handle(&request));
        prop_assert!(answer.status < 500, "{:?}", answer);
        let shown = text(&answer);
        prop_assert!(!shown.contains(CANARY) || names_canary(&request.path), "{}", shown);
        prop_assert!(
            answer.status == 200 || !shown.contains("canary"),
            "an error repeats what it was asked: {}",
            shown
        );
        Ok(())
    });
    ran.unwrap();
    let shown = runtime.block_on(terrace.get("/users/canary/records", &[]));
    assert!(text(&shown).contains(CANARY), "the canary is there to be seen");
}
