//! Wrong questions, cursors of others, what is not there.

use crate::asked::{Asked, a_life, day, event, names, text};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use terrace_runtime::http::Request;
use terrace_tests::Terrace;

#[tokio::test]
async fn a_wrong_question_is_told_what_to_write_before_anybody_is_looked_up() {
    let terrace = Terrace::new().await;
    let ranges: [(Asked<'_>, &str); 9] = [
        (vec![("from", "2026-02-30")], "YYYY-MM-DD"),
        (vec![("to", "2026-07-01T00:00:00")], "YYYY-MM-DD"),
        (vec![("from", "20260701")], "YYYY-MM-DD"),
        (vec![("to", "yesterday")], "YYYY-MM-DD"),
        (vec![("from", "2026-07-02"), ("to", "2026-07-01")], "from lies after to"),
        (vec![("limit", "0")], "1 to 1000"),
        (vec![("limit", "1001")], "1 to 1000"),
        (vec![("limit", "1.5")], "1 to 1000"),
        (vec![("limit", "1"), ("limit", "1")], "give it once"),
    ];
    let records: [(Asked<'_>, &str); 6] = [
        (vec![("type", "dayly")], "activity, athlete, body, daily"),
        (vec![("type", "Daily")], "activity, athlete, body, daily"),
        (vec![("detail", "all")], "summary nor full"),
        (vec![("id", "x"), ("from", "2026-07-01")], "leave out from"),
        (vec![("cursor", "nonsense")], "take it from the last answer"),
        (vec![("user", "u")], "type, id, from, to, detail, limit, cursor"),
    ];
    let cases = ranges.iter().chain(&records).map(|case| ("/users/nobody/records", case));
    let cases = cases.chain(ranges.iter().map(|case| ("/users/nobody/deliveries", case)));
    let cases = cases.chain(ranges.iter().chain(&records).map(|case| ("/references/nobody/records", case)));
    let cases = cases.chain(ranges[5..].iter().chain(&records[4..5]).map(|case| ("/references/nobody", case)));
    for (path, (asked, said)) in cases {
        let answer = terrace.get(path, asked).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &body["error"]), (400, &json!("bad_request")), "{path} {asked:?}");
        assert!(body["message"].as_str().unwrap().contains(said), "{path} {asked:?}: {body}");
    }
    for path in ["/users/nobody", "/users/nobody/records/daily/2026-07-01", "/users/nobody/deliveries/x"] {
        let answer = terrace.get(path, &[("detail", "full")]).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(text(&answer).contains("takes no parameters"), "{path}");
    }
    for path in ["/users/nobody/records/dayly/x", "/references/nobody/records/DAILY/x"] {
        let answer = terrace.get(path, &[]).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(text(&answer).contains("activity, athlete, body, daily"), "{path}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_question_alone() {
    let terrace = a_life().await;
    terrace.accept(&event("daily", "v", &[day("2026-07-01"), day("2026-07-02")])).await;
    let first = terrace.read("/users/u/records", &[("type", "activity"), ("limit", "2")]).await;
    let cursor = first["cursor"].as_str().unwrap();
    let deliveries = terrace.read("/users/u/deliveries", &[("limit", "1")]).await;
    let of_deliveries = deliveries["cursor"].as_str().unwrap();
    let changed = format!("{}A", &cursor[..cursor.len() - 1]);
    let questions: [(&str, Asked<'_>); 10] = [
        ("/users/v/records", vec![("type", "activity"), ("cursor", cursor)]),
        ("/users/u/records", vec![("type", "daily"), ("cursor", cursor)]),
        ("/users/u/records", vec![("cursor", cursor)]),
        ("/users/u/records", vec![("type", "activity"), ("from", "2026-07-01"), ("cursor", cursor)]),
        ("/users/u/records", vec![("type", "activity"), ("to", "2026-07-09"), ("cursor", cursor)]),
        ("/references/u/records", vec![("type", "activity"), ("cursor", cursor)]),
        ("/users/u/deliveries", vec![("cursor", cursor)]),
        ("/users/u/records", vec![("cursor", of_deliveries)]),
        ("/references/u", vec![("cursor", of_deliveries)]),
        ("/users/u/records", vec![("type", "activity"), ("cursor", &changed[1..])]),
    ];
    for (path, asked) in &questions {
        let answer = terrace.get(path, asked).await;
        assert_eq!(answer.status, 400, "{path} {asked:?}");
        assert!(text(&answer).contains("take it from the last answer"), "{path} {asked:?}");
    }
    let same = [("type", "activity"), ("cursor", cursor), ("detail", "full"), ("limit", "7")];
    assert_eq!(names(&terrace.read("/users/u/records", &same).await).len(), 7, "detail and limit may change");
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let terrace = a_life().await;
    let of_v =
        terrace.accept(&event("daily", "v", &[day("2026-07-01")])).await["delivery"].as_str().unwrap().to_owned();
    for path in [
        "/users/nobody".to_owned(),
        "/users/nobody/records".to_owned(),
        "/users/nobody/deliveries".to_owned(),
        "/users/u/records/daily/2030-01-01".to_owned(),
        "/users/u/records/activity/a01".to_owned(),
        "/users/nobody/records/daily/2026-07-01".to_owned(),
        format!("/users/u/deliveries/{of_v}"),
        "/users/u/deliveries/nonsense".to_owned(),
        format!("/users/u/deliveries/0000000000000.0000000000000000.{}", "x".repeat(5_000)),
        "/references/nobody".to_owned(),
        "/references/nobody/records/lab_report/x".to_owned(),
        "/".to_owned(),
        "/users/".to_owned(),
        "/users//records".to_owned(),
        "/users/u/".to_owned(),
        "/users/u/record".to_owned(),
        "/users/v/../u".to_owned(),
        "/users/../u".to_owned(),
        "/webhook/".to_owned(),
    ] {
        let answer = terrace.get(&path, &[]).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &body["error"]), (404, &json!("not_found")), "{path}");
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
    let nowhere = Request { path: "/webhook/x".to_owned(), ..event("daily", "u", &[]).request() };
    assert_eq!(terrace.webhook.handle(&nowhere).await.status, 404);
}

#[tokio::test]
async fn other_methods_are_told_the_right_one() {
    let terrace = Terrace::new().await;
    let asked = |method: Method, path: &str| {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Request { method, path: path.to_owned(), query: Vec::new(), headers, body }
    };
    for (path, taken) in [
        ("/health", "GET, HEAD"),
        ("/users/u", "GET, HEAD, DELETE"),
        ("/users/u/records", "GET, HEAD"),
        ("/users/u/deliveries/x", "GET, HEAD"),
        ("/references/r", "GET, HEAD, DELETE"),
        ("/references/r/records", "GET, HEAD"),
        ("/jobs/x", "GET, HEAD"),
        ("/replays", "POST"),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::GET, Method::DELETE] {
            if !taken.split(", ").any(|one| one == method.as_str()) {
                let answer = terrace.query.handle(&asked(method, path)).await;
                assert_eq!((answer.status, answer.headers), (405, vec![("allow", taken.to_owned())]), "{path}");
            }
        }
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        let answer = terrace.webhook.handle(&asked(method, "/webhook")).await;
        assert_eq!((answer.status, answer.headers), (405, vec![("allow", "POST".to_owned())]));
    }
    assert_eq!(terrace.query.handle(&asked(Method::HEAD, "/health")).await.status, 200);
    let health = terrace.read("/health", &[("anything", "x")]).await;
    assert_eq!(health["status"], "ok");
}
