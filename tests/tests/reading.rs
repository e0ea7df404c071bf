//! What was kept is read back: in order, in pages that miss and repeat nothing, to the last digit, and to nobody but
//! the one who was asked for by name.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use terrace_runtime::http::{Answer, Request};
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};

/// A list of parameters.
type Asked<'a> = Vec<(&'a str, &'a str)>;

fn event(of_type: &str, user: &str, data: &[Value]) -> Delivery {
    Delivery::new(json!({"type": of_type, "user": {"user_id": user, "provider": "GARMIN"}, "data": data}).to_string())
}

fn day(start_time: &str) -> Value {
    json!({"metadata": {"start_time": start_time}})
}

fn session(id: &str, start_time: &str) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": start_time}})
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

/// `type/id` of each record.
fn names(page: &Value) -> Vec<String> {
    let name = |record: &Value| format!("{}/{}", record["type"].as_str().unwrap(), record["id"].as_str().unwrap());
    page["records"].as_array().unwrap().iter().map(name).collect()
}

async fn listed(terrace: &Terrace, asked: &[(&str, &str)]) -> Vec<String> {
    let page = terrace.read("/users/u/records", asked).await;
    assert_eq!(page["cursor"], Value::Null);
    names(&page)
}

/// Follows a list to its end, each page with the next of these limits, and returns the entries under `of`.
async fn pages(terrace: &Terrace, path: &str, asked: &[(&str, &str)], of: &str, limits: &[usize]) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), None::<String>);
    for limit in limits.iter().cycle().take(1_000) {
        let limit_text = limit.to_string();
        let mut asked = asked.to_vec();
        asked.push(("limit", &limit_text));
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut page = terrace.read(path, &asked).await;
        let found = page[of].as_array_mut().unwrap();
        assert!(found.len() <= *limit, "{path} {asked:?}");
        entries.append(found);
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return entries,
        }
    }
    panic!("{path} {asked:?} has no end")
}

#[tokio::test]
async fn a_range_counts_both_days_by_the_date_as_sent() {
    let terrace = Terrace::new().await;
    let starts = [
        "2026-06-30T23:59:59.999999-11:00",
        "2026-07-01",
        "2026-07-02T00:30:00.000000+13:00",
        "2026-07-03T23:59:59.999999-11:00",
        "2026-07-04T00:00:00Z",
    ];
    terrace.accept(&event("daily", "u", &starts.map(day))).await;
    let sessions: Vec<_> = starts.iter().map(|start| session(&start[..10], start)).collect();
    terrace.accept(&event("sleep", "u", &sessions)).await;
    terrace.accept(&event("activity", "u", &sessions)).await;
    let hormones = starts.map(|start| json!({"timestamp": start}));
    terrace.accept(&event("hormone", "u", &hormones)).await;
    for of_type in ["daily", "sleep", "activity", "hormone"] {
        for (from, to, days) in [
            (Some("2026-07-01"), Some("2026-07-03"), 1..4),
            (Some("2026-07-02"), Some("2026-07-02"), 2..3),
            (Some("2026-07-01"), None, 1..5),
            (None, Some("2026-07-01"), 0..2),
            (Some("2026-07-05"), None, 0..0),
            (None, Some("2026-06-29"), 0..0),
            (Some("2020-01-01"), Some("2030-12-31"), 0..5),
            (None, None, 0..5),
        ] {
            let asked = [Some(("type", of_type)), from.map(|from| ("from", from)), to.map(|to| ("to", to))];
            let asked: Asked<'_> = asked.into_iter().flatten().collect();
            let found = listed(&terrace, &asked).await;
            let dates: Vec<_> = found.iter().map(|name| &name[of_type.len() + 1..][..10]).collect();
            let expected: Vec<_> = starts[days].iter().map(|start| &start[..10]).collect();
            assert_eq!(dates, expected, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn records_without_a_date_are_listed_last_and_in_no_range() {
    let terrace = Terrace::new().await;
    let odd =
        [json!({"metadata": {"summary_id": "none"}}), session("odd", "noon"), session("dated", "2026-07-01T07:00:00Z")];
    terrace.accept(&event("activity", "u", &odd)).await;
    assert_eq!(listed(&terrace, &[]).await, ["activity/dated", "activity/none", "activity/odd"]);
    for range in
        [&[("from", "0001-01-01")][..], &[("to", "9999-12-31")], &[("from", "0001-01-01"), ("to", "9999-12-31")]]
    {
        assert_eq!(listed(&terrace, range).await, ["activity/dated"], "{range:?}");
    }
}

#[tokio::test]
async fn records_are_listed_by_type_and_date() {
    let terrace = Terrace::new().await;
    let at = |hour: u8| format!("2026-07-01T{hour:02}:00:00Z");
    terrace.accept(&event("sleep", "u", &[session("a", &at(9)), session("b", &at(3)), session("c", &at(5))])).await;
    terrace.accept(&event("nutrition", "u", &["2026-07-02", "2026-06-01", "2026-07-01"].map(day))).await;
    terrace.accept(&event("activity", "u", &[session("z", &at(1)), session("y", &at(2))])).await;
    terrace.accept(&event("body", "u", &[day("2027-01-01")])).await;
    let athlete = json!({"type": "athlete", "user": {"user_id": "u"}, "athlete": {"age": 40}}).to_string();
    terrace.accept(&Delivery::new(athlete)).await;
    let expected = [
        "activity/z",
        "activity/y",
        "athlete/athlete",
        "body/2027-01-01",
        "nutrition/2026-06-01",
        "nutrition/2026-07-01",
        "nutrition/2026-07-02",
        "sleep/b",
        "sleep/c",
        "sleep/a",
    ];
    assert_eq!(listed(&terrace, &[]).await, expected);
    assert_eq!(listed(&terrace, &[("type", "nutrition")]).await, expected[4..7]);
}

/// Days and sessions of several types, some of them deleted, several with the same start.
async fn a_life() -> Terrace {
    let terrace = Terrace::new().await;
    let dates: Vec<String> = (1..=12).map(|day| format!("2026-07-{day:02}")).collect();
    terrace.accept(&event("daily", "u", &dates.iter().map(|date| day(date)).collect::<Vec<_>>())).await;
    terrace.accept(&event("body", "u", &dates[3..6].iter().map(|date| day(date)).collect::<Vec<_>>())).await;
    let mut activities: Vec<_> =
        (0..24).map(|at| session(&format!("a{at:02}"), &format!("{}T0{}:00:00Z", dates[at / 4], at % 2))).collect();
    terrace.accept(&event("activity", "u", &activities).ordered(1_700_000_000_000)).await;
    let deleted: Vec<_> = (0..24).filter(|at| at % 3 == 1 || (8..14).contains(at)).collect();
    for &at in &deleted {
        activities[at]["metadata"]["upload_type"] = json!(4);
    }
    let marks: Vec<_> = deleted.iter().map(|at| activities[*at].clone()).collect();
    terrace.accept(&event("activity", "u", &marks).ordered(1_700_000_001_000)).await;
    terrace
        .accept(&event("sleep", "u", &[json!({"metadata": {"summary_id": "undated"}}), session("s", &dates[0])]))
        .await;
    terrace
}

#[tokio::test]
async fn pages_of_any_size_make_the_whole_list() {
    let terrace = a_life().await;
    let whole = listed(&terrace, &[("limit", "1000")]).await;
    assert_eq!(whole.len(), 12 + 3 + 12 + 2);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len());
    for asked in [
        &[][..],
        &[("type", "activity")],
        &[("type", "daily")],
        &[("from", "2026-07-02"), ("to", "2026-07-04")],
        &[("type", "activity"), ("from", "2026-07-03")],
        &[("detail", "full"), ("to", "2026-07-03")],
    ] {
        let whole = terrace.read("/users/u/records", asked).await;
        let whole = whole["records"].as_array().unwrap();
        for limit in 1..=whole.len() + 2 {
            assert_eq!(
                pages(&terrace, "/users/u/records", asked, "records", &[limit]).await,
                *whole,
                "{asked:?} {limit}"
            );
        }
        for limits in [&[1, 2, 3][..], &[7, 1], &[5, 1, 1, 11]] {
            assert_eq!(
                pages(&terrace, "/users/u/records", asked, "records", limits).await,
                *whole,
                "{asked:?} {limits:?}"
            );
        }
    }
}

#[tokio::test]
async fn many_deleted_records_in_a_row_hide_nothing_behind_them() {
    let terrace = Terrace::new().await;
    let mark = |at: usize| json!({"metadata": {"summary_id": format!("a{at:03}"), "start_time": format!("2026-07-01T00:{:02}:{:02}Z", at / 60, at % 60), "upload_type": 4}});
    terrace.accept(&event("activity", "u", &(0..150).map(mark).collect::<Vec<_>>())).await;
    terrace.accept(&event("activity", "u", &[session("last", "2026-07-02")])).await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01")])).await;
    for limit in [1, 2, 100, 1_000] {
        let found = pages(&terrace, "/users/u/records", &[], "records", &[limit]).await;
        assert_eq!(names(&json!({"records": found})), ["activity/last", "daily/2026-07-01"], "{limit}");
    }
}

#[tokio::test]
async fn a_page_without_a_limit_has_a_hundred() {
    let terrace = Terrace::new().await;
    let all: Vec<_> = (0..130).map(|at| session(&format!("a{at:03}"), "2026-07-01T00:00:00Z")).collect();
    terrace.accept(&event("sleep", "u", &all)).await;
    let page = terrace.read("/users/u/records", &[]).await;
    assert_eq!(names(&page).len(), 100);
    let cursor = page["cursor"].as_str().unwrap();
    assert_eq!(names(&terrace.read("/users/u/records", &[("cursor", cursor)]).await).len(), 30);
}

#[tokio::test]
async fn an_identifier_names_the_records_of_every_type() {
    let terrace = Terrace::new().await;
    for of_type in ["sleep", "activity"] {
        terrace
            .accept(&event(of_type, "u", &[session("one", "2026-07-01"), session("a/b?c=d&e #", "2026-07-01")]))
            .await;
    }
    terrace.accept(&event("planned_workout", "u", &[json!({"planned_workout_id": "one"})])).await;
    assert_eq!(listed(&terrace, &[("id", "one")]).await, ["activity/one", "planned_workout/one", "sleep/one"]);
    assert_eq!(listed(&terrace, &[("id", "a/b?c=d&e #"), ("type", "sleep")]).await, ["sleep/a/b?c=d&e #"]);
    assert_eq!(listed(&terrace, &[("id", "another")]).await, Vec::<String>::new());
    assert_eq!(terrace.get("/users/u/records/sleep/a/b?c=d&e #", &[]).await.status, 404);
    assert_eq!(terrace.read("/users/u/records/sleep/one", &[]).await["id"], "one");
}

/// Samples that do not pack: the digits of a small generator.
fn samples(count: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let samples: Vec<_> =
        (0..count).map(|_| format!(r#"{{"bpm": {}.{:02}0}}"#, next() % 1_000_000_000, next() % 100)).collect();
    format!("[{}]", samples.join(" ,"))
}

/// An activity with about so many bytes of samples, oddly spaced and with numbers that no float holds.
fn large(id: &str, bytes: usize, seed: u64) -> String {
    let samples = samples(bytes / 25, seed);
    format!(
        "{{ \"metadata\" : {{\"summary_id\":\"{id}\",\"start_time\":\"2026-07-01T07:00:00+01:00\"}},\t\"n\":12345678901234567890.12345678901234567890,\n \"exp\":1E+02, \"x\":null,\"s\":\"\\u00e9\\/é\", \"heart_rate\":{{\"avg\":61.0,\"samples\":{samples}}},\"calories\":70.10 }}"
    )
}

#[tokio::test]
async fn a_record_is_read_back_to_the_last_digit() {
    for bytes in [100, 20_000, 300_000] {
        let terrace = Terrace::new().await;
        let records = [large("a", bytes, 1), large("b", bytes * 2, 2), large("c", 100, 3)];
        let body = format!(
            "{{\"type\":\"activity\", \"data\" :[ {} ] ,\"user\":{{\"user_id\":\"u\"}}}}\n",
            records.join("\r\n,  ")
        );
        let answer = terrace.accept(&Delivery::new(body.clone())).await;
        assert_eq!(answer["records"]["stored"], 3);
        let list = terrace.get("/users/u/records", &[("detail", "full")]).await;
        for (id, record) in ["a", "b", "c"].iter().zip(&records) {
            let whole = format!(r#""data":{record}}}"#);
            assert!(text(&list).contains(&whole), "{id} of {bytes}");
            let one = terrace.get(&format!("/users/u/records/activity/{id}"), &[]).await;
            assert!(text(&one).ends_with(&whole), "{id} of {bytes}");
        }
        let delivery = terrace.get(&format!("/users/u/deliveries/{}", answer["delivery"].as_str().unwrap()), &[]).await;
        assert_eq!((delivery.content_type, delivery.body), ("application/octet-stream", Bytes::from(body)));
    }
}

#[tokio::test]
async fn a_summary_has_the_scalars_and_no_samples() {
    let terrace = Terrace::new().await;
    for (user, bytes) in [("u", 400), ("v", 200_000)] {
        let body = format!(r#"{{"type":"activity","user":{{"user_id":"{user}"}},"data":[{}]}}"#, large("a", bytes, 1));
        terrace.accept(&Delivery::new(body)).await;
        for asked in [&[][..], &[("detail", "summary")]] {
            let list = terrace.get(&format!("/users/{user}/records"), asked).await;
            let summary = r#""summary":{"metadata":{"summary_id":"a","start_time":"2026-07-01T07:00:00+01:00"},"n":12345678901234567890.12345678901234567890,"exp":1E+02,"s":"\u00e9\/é","heart_rate":{"avg":61.0},"calories":70.10}}"#;
            assert!(text(&list).contains(summary), "{}", text(&list));
            assert!(!text(&list).contains(r#""data""#));
        }
    }
}

#[tokio::test]
async fn scores_are_put_back_where_they_were() {
    let terrace = Terrace::new().await;
    let record = |scores: &str, bytes: usize| {
        let samples = samples(bytes / 25, 7);
        format!(
            r#"{{"type":"sleep","user":{{"user_id":"u"}},"data":[{{"metadata":{{"summary_id":"s"}},"data_enrichment":{scores},"x":{samples}}}]}}"#
        )
    };
    for (at, bytes) in [(0, 100), (1, 100_000)] {
        let time = 1_700_000_000_000 + at * 1_000_000;
        terrace
            .accept(&Delivery::new(record(r#"{"sleep_score":81.50,"contributors":{"rem":0.90}}"#, bytes)).ordered(time))
            .await;
        terrace
            .accept(
                &Delivery::new(record(r#"{"sleep_score":null,"contributors":null,"new":1}"#, bytes)).ordered(time + 1),
            )
            .await;
        let merged = r#""data_enrichment":{"sleep_score":81.50,"contributors":{"rem":0.90},"new":1}"#;
        let one = terrace.get("/users/u/records/sleep/s", &[]).await;
        assert!(text(&one).contains(merged), "{}", text(&one));
        let list = terrace.get("/users/u/records", &[("detail", "full")]).await;
        assert!(text(&list).contains(merged));
        let summary = terrace.read("/users/u/records", &[]).await;
        let scores = json!({"sleep_score": 81.5, "contributors": {"rem": 0.9}, "new": 1});
        assert_eq!(summary["records"][0]["summary"]["data_enrichment"], scores);
    }
}

#[tokio::test]
async fn a_page_ends_at_four_megabytes() {
    const LIMIT: usize = 4 * 1_024 * 1_024;
    let terrace = Terrace::new().await;
    for at in 0..7 {
        let bytes = if at == 4 { 4_600_000 } else { 900_000 };
        let body = format!(
            r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{}]}}"#,
            large(&format!("a{at}"), bytes, at)
        );
        terrace.accept(&Delivery::new(body)).await;
    }
    terrace.settle().await;
    let (mut found, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let asked = [("detail", "full"), ("cursor", cursor.as_str())];
        let answer = terrace.get("/users/u/records", &asked).await;
        let page: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.body.len() <= LIMIT || names(&page).len() == 1, "{}", answer.body.len());
        found.extend(names(&page));
        sizes.push(names(&page).len());
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(found, (0..7).map(|at| format!("activity/a{at}")).collect::<Vec<_>>());
    assert!(sizes[0] >= 3 && sizes.len() <= 4, "{sizes:?}");
    assert_eq!(names(&terrace.read("/users/u/records", &[]).await).len(), 7, "summaries are small");
}

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

#[tokio::test]
async fn what_became_of_a_delivery_is_told() {
    let terrace = Terrace::new().await;
    let steps = |steps: u64| json!({"metadata": {"start_time": "2026-07-01"}, "steps": steps});
    let at = |second: u64| 1_750_000_000_000 + second * 1_000;
    terrace.accept(&event("daily", "u", &[steps(1), day("2026-07-02")]).ordered(at(1))).await;
    terrace.accept(&event("daily", "u", &[steps(3)]).ordered(at(3))).await;
    terrace.accept(&event("daily", "u", &[steps(2)]).ordered(at(2))).await;
    terrace.accept(&event("daily", "u", &[day("no date"), day("2026-07-03")]).ordered(at(4))).await;
    terrace.accept(&event("daily", "u", &[day("no date")]).ordered(at(5))).await;
    terrace.accept(&event("rate_limit_hit", "u", &[]).ordered(at(6))).await;
    terrace.accept(&event("route", "u", &[]).ordered(at(7))).await;
    terrace.accept(&event("deauth", "u", &[]).ordered(at(8))).await;
    let many: Vec<_> = (0..201).map(|at| session(&format!("{at}"), "2026-07-01")).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &many).ordered(at(9))).await["status"], "queued");

    let told = |current: u64, superseded: u64, pending: u64| json!({"current": current, "superseded": superseded, "pending": pending});
    let mut expected = vec![
        ("daily", "stored", None, told(1, 1, 0)),
        ("daily", "stored", None, told(0, 1, 0)),
        ("daily", "stored", None, told(1, 0, 0)),
        ("daily", "stored", Some("unidentified"), told(1, 0, 0)),
        ("daily", "quarantined", Some("unidentified"), told(0, 0, 0)),
        ("rate_limit_hit", "ignored", None, told(0, 0, 0)),
        ("unknown", "ignored", Some("unknown_type"), told(0, 0, 0)),
        ("deauth", "stored", None, told(0, 0, 0)),
        ("sleep", "queued", None, told(0, 0, 201)),
    ];
    let all = check_deliveries(&terrace, &expected).await;
    assert_eq!(terrace.settle().await.of("apply"), 1);
    expected[8] = ("sleep", "stored", None, told(201, 0, 0));
    let settled = check_deliveries(&terrace, &expected).await;
    assert_eq!(all[8]["delivery"], settled[8]["delivery"]);
    for limit in 1..=10 {
        assert_eq!(pages(&terrace, "/users/u/deliveries", &[], "deliveries", &[limit]).await, settled);
    }
    let ordered: Vec<_> = all.iter().map(|one| one["ordered_at"].as_str().unwrap()).collect();
    assert_eq!((ordered[0], ordered[8]), ("2025-06-15T15:06:41.000Z", "2025-06-15T15:06:49.000Z"));
}

async fn check_deliveries(terrace: &Terrace, expected: &[(&str, &str, Option<&str>, Value)]) -> Vec<Value> {
    let list = terrace.read("/users/u/deliveries", &[]).await;
    let all = list["deliveries"].as_array().unwrap();
    assert_eq!(all.len(), expected.len());
    for (one, (event, status, quarantine, records)) in all.iter().zip(expected) {
        assert_eq!((one["event"].as_str(), one["status"].as_str()), (Some(*event), Some(*status)), "{one}");
        assert_eq!((one["quarantine"].as_str(), &one["records"]), (*quarantine, records), "{one}");
    }
    all.clone()
}

#[tokio::test]
async fn deliveries_are_listed_by_the_day_they_were_made() {
    let terrace = Terrace::new().await;
    // The first and the last millisecond of three days, and the one after.
    let day_ms = 86_400_000;
    let first = 1_749_945_600_000_u64;
    let times =
        [first, first + day_ms - 1, first + day_ms, first + 2 * day_ms - 1, first + 2 * day_ms, first + 3 * day_ms];
    for time in times {
        terrace.accept(&event("daily", "u", &[]).trace(&format!("t{time}")).ordered(time)).await;
    }
    for (from, to, found) in [
        ("2025-06-15", "2025-06-15", 0..2),
        ("2025-06-16", "2025-06-17", 2..5),
        ("2025-06-15", "", 0..6),
        ("", "2025-06-16", 0..4),
        ("2025-06-19", "", 0..0),
    ] {
        let asked: Vec<_> = [("from", from), ("to", to)].into_iter().filter(|(_, day)| !day.is_empty()).collect();
        let list = terrace.read("/users/u/deliveries", &asked).await;
        let list: Vec<_> = list["deliveries"].as_array().unwrap().iter().map(|one| &one["delivery"]).collect();
        assert_eq!(list.len(), found.len(), "{from} {to}");
        for (one, time) in list.iter().zip(&times[found]) {
            assert!(one.as_str().unwrap().ends_with(&format!("t{time}")), "{from} {to}");
        }
    }
}

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
