//! Signed, and yet not as it should be: it is acknowledged, it is in the log byte for byte, it is marked, and its good
//! neighbours are stored.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use http::HeaderName;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use terrace_ingest::plan::{Envelope, Plan};
use terrace_records::{LogKey, Partition};
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::Secrets;
use terrace_store::frames::unpack;
use terrace_terra::ids::UserId;
use terrace_terra::{DeliveryHeaders, EventType, SigningSecret, UnixSeconds, VerifiedBody, headers};
use terrace_tests::delivery::SECRET;
use terrace_tests::{Delivery, Terrace};
use terrace_webhook::Webhook;

type Item = HashMap<String, AttributeValue>;

fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).map(|value| value.as_s().unwrap().as_str())
}

/// What the log holds: the items, and the bodies as they were sent.
async fn log_of(terrace: &Terrace) -> Vec<(Item, Vec<u8>)> {
    let mut entries = Vec::new();
    for item in terrace.items().await {
        if !text(&item, "record").unwrap().starts_with("log#") {
            continue;
        }
        let body = match (item.get("body"), text(&item, "object")) {
            (Some(frame), None) => unpack(frame.as_b().unwrap().as_ref()).unwrap(),
            (None, Some(object)) => unpack(&terrace.log.chain(object).await.unwrap()).unwrap(),
            _ => panic!("a body lies in one of two places"),
        };
        entries.push((item, body));
    }
    entries
}

/// Posts a body to a new Terrace, where it has to be acknowledged and in the log, and returns the answer and the log's
/// item.
async fn kept(terrace: &Terrace, body: &[u8]) -> (Value, Item) {
    let answer = terrace.accept(&Delivery::new(body.to_vec())).await;
    let mut log = log_of(terrace).await;
    assert_eq!(log.len(), 1, "{answer}");
    let (item, logged) = log.remove(0);
    assert!(logged == body, "the log holds something else: {answer}");
    (answer, item)
}

/// Posts a body that has to end like this: the status of the answer, and the mark.
async fn ends(body: impl AsRef<[u8]>, status: &str, mark: Option<&str>) -> (Terrace, Value) {
    let body = body.as_ref();
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let (terrace, before) = (Terrace::new().await, today());
    let (answer, item) = kept(&terrace, body).await;
    assert_eq!((answer["status"].as_str(), text(&item, "quarantine")), (Some(status), mark), "{shown}");
    let marked_on = text(&item, "quarantine_day");
    // Midnight may lie between.
    let days = [before.as_str(), &today()];
    assert!(marked_on.map_or(mark.is_none(), |day| mark.is_some() && days.contains(&day)), "{shown}");
    assert_eq!(item.contains_key("ignored"), status == "ignored", "{shown}");
    let line = terrace.lines.last();
    assert_eq!(line["DeliveriesQuarantined"].as_u64(), mark.map(|_| 1), "{shown}");
    assert_eq!((&line["outcome"], line["quarantine"].as_str()), (&json!(status), mark), "{shown}");
    (terrace, answer)
}

/// The day by UTC.
fn today() -> String {
    Timestamp::now().to_string()[..10].to_owned()
}

#[tokio::test]
async fn what_is_not_utf8_is_quarantined() {
    let cut: &[u8] = b"{\"type\":\"daily\",\"x\":\"\xf0\x9f\x98\"}";
    for body in [cut, b"\xff\xfe{\x00}\x00", b"{\"type\":\"daily\"}\xc0\x80", b"\xed\xa0\x80", &[0x80; 5_000]] {
        ends(body, "quarantined", Some("not_utf8")).await;
    }
}

#[tokio::test]
async fn what_is_not_json_is_quarantined() {
    let cut = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}"#;
    for body in [
        "",
        " ",
        "\u{0}",
        "hello",
        "<html></html>",
        "type=daily&user=u",
        "{",
        cut,
        "{\"type\":\"daily\",}",
        "{'type':'daily'}",
        "{\"type\":\"daily\",\"n\":NaN}",
        "{\"type\":\"daily\",\"n\":01}",
        "{\"type\":\"daily\",\"s\":\"a\nb\"}",
        "{\"type\":\"daily\"} {\"type\":\"daily\"}",
        "{\"type\":\"daily\",\"type\":\"sleep\"}",
        "\u{feff}{\"type\":\"daily\"}",
    ] {
        ends(body, "quarantined", Some("not_json")).await;
    }
}

#[tokio::test]
async fn what_is_no_object_is_quarantined() {
    for body in ["[]", "null", "7", "true", "\"daily\"", r#"[{"type":"daily"}]"#, " \n[1]"] {
        ends(body, "quarantined", Some("not_object")).await;
    }
}

#[tokio::test]
async fn what_has_no_type_is_quarantined() {
    let user = r#""user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}]"#;
    for of_type in
        ["", r#""type":null,"#, r#""type":7,"#, r#""type":"","#, r#""type":["daily"],"#, r#""type":"\ud800","#]
    {
        let (terrace, answer) = ends(format!("{{{of_type}{user}}}"), "quarantined", Some("no_type")).await;
        assert_eq!(answer["event"], "unknown");
        let deliveries = terrace.read("/users/u/deliveries", &[]).await;
        assert_eq!(deliveries["deliveries"][0]["status"], "quarantined", "it lies with the user it names");
    }
    ends("{}", "quarantined", Some("no_type")).await;
}

#[tokio::test]
async fn an_unknown_type_is_ignored_and_marked() {
    for of_type in ["route", "Daily", "daily ", "unknown", "../daily", "😀", "daily\u{0}"] {
        let body =
            json!({"type": of_type, "user": {"user_id": "u"}, "data": [{"metadata": {"start_time": "2026-07-01"}}]});
        let (terrace, answer) = ends(body.to_string(), "ignored", Some("unknown_type")).await;
        assert_eq!(answer["event"], "unknown");
        let name = answer["delivery"].as_str().unwrap();
        assert_eq!(terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await.body, body.to_string());
        assert_eq!(terrace.get("/users/u", &[]).await.status, 404, "nothing but the log");
    }
}

#[tokio::test]
async fn operational_events_are_ignored() {
    let operational = EventType::ALL.iter().filter(|one| one.data_type().is_none());
    let lifecycle = ["auth", "deauth", "user_reauth", "access_revoked", "connection_error", "permission_change"];
    for one in operational.filter(|one| !lifecycle.contains(&one.name()) && one.name() != "s3_payload") {
        let (terrace, answer) = ends(json!({"type": one.name()}).to_string(), "ignored", None).await;
        assert_eq!((answer["event"].as_str(), terrace.items().await.len()), (Some(one.name()), 1));
    }
}

#[tokio::test]
async fn a_ping_that_leads_nowhere_is_quarantined() {
    for url in [json!({}), json!({"url": null}), json!({"url": 7})] {
        let mut body = json!({"type": "s3_payload", "expires_in": 600});
        body.as_object_mut().unwrap().extend(url.as_object().unwrap().clone());
        ends(body.to_string(), "quarantined", Some("no_url")).await;
    }
}

#[tokio::test]
async fn what_has_no_user_is_quarantined() {
    let data = EventType::ALL.iter().filter(|one| one.data_type().is_some() && !one.is_lab_report());
    let types: Vec<_> =
        data.map(|one| one.name()).chain(["auth", "deauth", "user_reauth", "permission_change"]).collect();
    for of_type in types {
        for user in ["", r#","user":null"#, r#","user":"u""#, r#","user":["u"]"#, r#","user":{}"#] {
            let body = format!(r#"{{"type":"{of_type}","data":[{{"metadata":{{"summary_id":"s"}}}}]{user}}}"#);
            ends(body, "quarantined", Some("no_user")).await;
        }
    }
    for id in ["null", "7", "\"\"", "[\"u\"]", "\"\\ud800\"", "{}"] {
        let body = format!(r#"{{"type":"sleep","user":{{"user_id":{id},"reference_id":"r"}},"data":[]}}"#);
        ends(body, "quarantined", Some("no_user")).await;
    }
}

#[tokio::test]
async fn what_has_no_data_is_quarantined_and_an_empty_list_is_not() {
    for data in ["", r#","data":null"#, r#","data":7"#, r#","data":"x""#, r#","data":false"#] {
        let body = format!(r#"{{"type":"daily","user":{{"user_id":"u"}}{data}}}"#);
        let (terrace, answer) = ends(&body, "quarantined", Some("no_data")).await;
        let name = answer["delivery"].as_str().unwrap();
        assert_eq!(terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await.body, body);
    }
    let (terrace, answer) = ends(r#"{"type":"daily","user":{"user_id":"u"},"data":[]}"#, "stored", None).await;
    assert_eq!(answer["records"], json!({"stored": 0, "unchanged": 0, "stale": 0, "rejected": 0}));
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"], json!([]));
    for body in [r#"{"type":"athlete","user":{"user_id":"u"}}"#, r#"{"type":"lab_report.completed","data":null}"#] {
        ends(body, "quarantined", Some("no_data")).await;
    }
}

#[tokio::test]
async fn the_good_neighbours_of_what_is_no_record_are_stored() {
    let bad = r#"1,"x",null,[],[[]],true,{},{"metadata":null},{"metadata":[]},{"metadata":{"summary_id":null}},
        {"metadata":{"summary_id":7}},{"metadata":{"summary_id":""}},{"metadata":{"summary_id":"\udc00"}},
        {"metadata":{"summary_id":"a"},"metadata":{"summary_id":"b"}},{"summary_id":"s"}"#;
    let body = format!(
        r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{{"metadata":{{"summary_id":"first"}}}},{bad},
           {{"metadata":{{"summary_id":" "}}}},{{"n":1.50,"metadata":{{"summary_id":"last"}}}}]}}"#
    );
    let (terrace, answer) = ends(&body, "stored", Some("unidentified")).await;
    assert_eq!(answer["records"], json!({"stored": 3, "unchanged": 0, "stale": 0, "rejected": 15}));
    assert_eq!(terrace.lines.last()["RecordsRejected"], 15);
    let record = terrace.get("/users/u/records/activity/last", &[]).await;
    assert!(String::from_utf8_lossy(&record.body).contains(r#"{"n":1.50,"metadata":{"summary_id":"last"}}"#));
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"].as_array().unwrap().len(), 3);

    let body = format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{bad}]}}"#);
    let (terrace, _) = ends(&body, "quarantined", Some("unidentified")).await;
    let listed = terrace.read("/users/u/deliveries", &[]).await;
    assert_eq!(listed["deliveries"][0]["status"], "quarantined");
}

/// Each type's element without what identifies it.
#[tokio::test]
async fn a_record_without_its_identifier_is_rejected() {
    let event =
        |of_type: &str, element: &str| format!(r#"{{"type":"{of_type}","user":{{"user_id":"u"}},"data":[{element}]}}"#);
    for of_type in ["activity", "health_observation"] {
        let element =
            r#"{"metadata":{"id":"x","start_time":"2026-07-01T00:00:00Z","end_time":"2026-07-02T00:00:00Z"}}"#;
        ends(event(of_type, element), "quarantined", Some("unidentified")).await;
    }
    for half in ["start_time", "end_time"] {
        let element = format!(r#"{{"metadata":{{"{half}":"2026-07-01T00:00:00Z"}}}}"#);
        ends(event("sleep", &element), "quarantined", Some("unidentified")).await;
    }
    for of_type in ["body", "daily", "nutrition", "menstruation"] {
        for start in ["", "2026-07-1", "2026-02-30T00:00:00Z", "01/07/2026 00:00", "yesterday, or so", "２０２６-07-01"]
        {
            let element = json!({"metadata": {"start_time": start, "summary_id": "s"}}).to_string();
            ends(event(of_type, &element), "quarantined", Some("unidentified")).await;
        }
    }
    ends(event("hormone", r#"{"metadata":{"summary_id":"s"}}"#), "quarantined", Some("unidentified")).await;
    ends(
        event("planned_workout", r#"{"metadata":{},"planned_date":"2026-07-01"}"#),
        "quarantined",
        Some("unidentified"),
    )
    .await;
    ends(r#"{"type":"lab_report.completed","data":{"x":1}}"#, "quarantined", Some("unidentified")).await;
    ends(r#"{"type":"athlete","user":{"user_id":"u"},"athlete":7}"#, "quarantined", Some("unidentified")).await;
}

/// Lists and objects within each other.
fn nest(depth: usize) -> String {
    format!("{}1{}", r#"[{"a":"#.repeat(depth / 2), "}]".repeat(depth / 2))
}

#[tokio::test]
async fn any_depth_is_kept() {
    for depth in [5_000, 100_000] {
        let deep = nest(depth);
        let record =
            format!(r#"{{"metadata":{{"summary_id":"s","start_time":"2026-07-01T00:00:00Z"}},"x":{deep},"n":1.0}}"#);
        let body = format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{record}]}}"#);
        let (terrace, _) = ends(&body, "stored", None).await;
        let answer = terrace.get("/users/u/records/activity/s", &[]).await;
        assert_eq!(answer.status, 200);
        assert!(String::from_utf8_lossy(&answer.body).contains(&record), "{depth}");
        let listed = terrace.get("/users/u/records", &[]).await;
        assert!(String::from_utf8_lossy(&listed.body).contains(r#""n":1.0"#), "{depth}");

        for (at, status, mark) in [
            (format!(r#"{{"type":"activity","user":{{"user_id":"u","x":{deep}}},"data":[]}}"#), "stored", None),
            (format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[],"x":{deep}}}"#), "stored", None),
            (format!(r#"{{"type":"activity","user":{deep},"data":[]}}"#), "quarantined", Some("no_user")),
            (format!(r#"{{"type":{deep},"user":{{"user_id":"u"}}}}"#), "quarantined", Some("no_type")),
            (
                format!(r#"{{"type":"daily","user":{{"user_id":"u"}},"data":{deep}}}"#),
                "quarantined",
                Some("unidentified"),
            ),
            (deep.clone(), "quarantined", Some("not_object")),
            ("[".repeat(depth), "quarantined", Some("not_json")),
            (r#"{"type":"#.repeat(depth), "quarantined", Some("not_json")),
        ] {
            ends(at, status, mark).await;
        }
    }
}

fn hostile() -> Vec<String> {
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

/// What a field may be instead of what it should.
const ODD: [&str; 16] = [
    "null",
    "\"\"",
    "\" \"",
    "7",
    "-1.5e300",
    "true",
    "[]",
    "[null]",
    "[\"a\",7]",
    "{}",
    "{\"a\":[]}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"#\"",
    "\"😀\"",
    "\"yesterday\"",
];

#[tokio::test]
async fn odd_fields_beside_the_identifier_never_cost_the_record() {
    let long = format!("\"{}\"", "z".repeat(5_000));
    let huge = format!("\"{}\"", "z".repeat(300_000));
    for odd in ODD.iter().copied().chain([long.as_str(), huge.as_str()]) {
        let user = format!(
            r#"{{"user_id":"u","reference_id":{odd},"provider":{odd},"scopes":{odd},"last_webhook_update":{odd},"active":{odd}}}"#
        );
        let metadata = format!(r#"{{"summary_id":"s","start_time":{odd},"end_time":{odd},"upload_type":{odd}}}"#);
        let record = format!(
            r#"{{"metadata":{metadata},"data_enrichment":{odd},"observation_data":{odd},"device_data":{odd}}}"#
        );
        for of_type in ["activity", "health_observation", "sleep"] {
            let body = format!(
                r#"{{"type":"{of_type}","user":{user},"data":[{record}],"status":{odd},"message":{odd},"reference_id":{odd},"old_user":{odd}}}"#
            );
            let (terrace, answer) = ends(&body, "stored", None).await;
            assert_eq!(answer["records"]["stored"], 1, "{body}");
            let one = terrace.get(&format!("/users/u/records/{of_type}/s"), &[]).await;
            assert!(String::from_utf8_lossy(&one.body).contains(&record), "{body}");
            assert_eq!(terrace.get("/users/u/records", &[]).await.status, 200, "{body}");
            assert_eq!(terrace.read("/users/u", &[]).await["status"], "active");
        }
        for of_type in ["auth", "deauth", "connection_error", "permission_change", "user_reauth"] {
            let body =
                format!(r#"{{"type":"{of_type}","user":{user},"status":{odd},"old_user":{odd},"old_user_id":null}}"#);
            ends(&body, "stored", None).await;
        }
    }
}

#[tokio::test]
async fn odd_ordering_headers_count_as_absent() {
    let body = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}]}"#;
    for odd in
        ["", " ", "now", "-1", "+1782897153891", "1.5", "1e12", "0x10", "99999999999999999999999", "2026-07-01", "é"]
    {
        let terrace = Terrace::new().await;
        let mut delivery = Delivery::new(body);
        delivery.ordering = Some(odd.to_owned());
        assert_eq!(terrace.accept(&delivery).await["records"]["stored"], 1, "{odd}");
        let (item, logged) = log_of(&terrace).await.remove(0);
        assert!(!item.contains_key("ordering_ms") && logged == body.as_bytes(), "{odd}");
        assert_eq!(terrace.lines.last().get("OrderingTimesDiscarded"), None, "{odd}");
    }
}

#[tokio::test]
async fn an_ordering_time_that_nobody_can_have_is_counted_and_pins_nothing() {
    let body = |steps: u64| {
        format!(
            r#"{{"type":"daily","user":{{"user_id":"u"}},"data":[{{"metadata":{{"start_time":"2026-07-01"}},"steps":{steps}}}]}}"#
        )
    };
    let now = UnixSeconds::now().0;
    for odd in [0, 1, 1_500_000_000, now, now * 1_000 + 90_000, 9_999_999_999_999, u64::MAX] {
        let terrace = Terrace::new().await;
        terrace.accept(&Delivery::new(body(1)).ordered(odd).signed(now)).await;
        assert_eq!(terrace.lines.last()["OrderingTimesDiscarded"], 1, "{odd}");
        let answer = terrace.accept(&Delivery::new(body(2)).ordered(now * 1_000).signed(now)).await;
        assert_eq!(answer["records"]["stored"], 1, "{odd}: a true time wins");
        let listed = terrace.read("/users/u/deliveries", &[]).await;
        assert_eq!(listed["deliveries"].as_array().unwrap().len(), 2, "{odd}");
    }
}

#[tokio::test]
async fn a_header_of_any_bytes_never_costs_the_delivery() {
    let terrace = Terrace::new().await;
    for name in [headers::TRACE_ID, headers::ORDERING, headers::REFERENCE, "content-type", "x-anything"] {
        for value in [&b"\xff\xfe"[..], b"\t", b"#", &[b'9'; 8_000], b"a,b;c=d", b"\"\""] {
            let mut request = Delivery::new(r#"{"type":"healthcheck"}"#).request();
            request.headers.insert(HeaderName::from_static(name), value.try_into().unwrap());
            assert_eq!(terrace.webhook.handle(&request).await.status, 200, "{name}: {value:?}");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_told_of_ping_mode() {
    let terrace = Terrace::new().await;
    let intake = IntakeSettings { max_body_bytes: 2_000, ..IntakeSettings::default() };
    let secrets = Secrets::fixed(vec![SigningSecret::new(SECRET).unwrap()]);
    let telemetry = Arc::new(Telemetry::to(terrace.lines.clone()));
    let small = Webhook::new(secrets, terrace.ingest.clone(), intake, telemetry);
    let body = |bytes: usize| format!(r#"{{"type":"healthcheck"{}}}"#, " ".repeat(bytes - 22));
    for (webhook, limit) in [(&small, 2_000), (&terrace.webhook, 10 * 1_024 * 1_024)] {
        let over = webhook.handle(&Delivery::new(body(limit + 1)).request()).await;
        let said: Value = serde_json::from_slice(&over.body).unwrap();
        assert_eq!((over.status, &said["error"]), (413, &json!("too_large")));
        let message = said["message"].as_str().unwrap();
        assert!(message.contains("ping mode") && message.contains(&limit.to_string()), "{message}");
        assert_eq!(terrace.lines.last()["DeliveriesTooLarge"], 1);
        assert!(log_of(&terrace).await.iter().all(|(_, logged)| logged.len() < limit));
        let under = webhook.handle(&Delivery::new(body(limit)).request()).await;
        assert_eq!(under.status, 200);
        assert!(log_of(&terrace).await.iter().any(|(_, logged)| logged.len() == limit));
    }
}

/// Anything that JSON can say, hostile texts and numbers included.
fn anything() -> impl Strategy<Value = Value> + Clone {
    let number = prop_oneof!["-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?(e-?[0-9]{1,2})?", Just("0".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap_or(Value::Null)),
        prop_oneof![Just(String::new()), "\\PC{0,12}", "[\\x00-\\x1f#/.%\"\\\\]{1,6}"].prop_map(Value::from),
        prop::sample::select(hostile()).prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T0[0-9]:00:00(Z|\\+01:00)?)?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let names = prop_oneof!["[a-z_]{1,8}", prop::sample::select(FIELDS).prop_map(str::to_owned), "\\PC{0,3}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The names that are looked for, anywhere.
const FIELDS: &[&str] = &[
    "type",
    "user",
    "user_id",
    "data",
    "metadata",
    "summary_id",
    "start_time",
    "end_time",
    "upload_type",
    "status",
    "data_enrichment",
    "observation_data",
    "planned_workout_id",
    "timestamp",
    "session_id",
    "reference_id",
    "scopes",
    "provider",
    "athlete",
    "old_user",
    "new_user",
    "old_user_id",
    "event_id",
    "occurred_at",
    "last_webhook_update",
    "id",
];

/// Something fitting more often than not.
fn mostly(fitting: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![4 => fitting, 1 => anything()].boxed()
}

fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| prop::option::weighted(0.8, value).prop_map(move |value| (name, value)))
        .collect();
    let whole = |members: Vec<(&str, Option<Value>)>| {
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    };
    members.prop_map(move |members| Value::Object(whole(members)))
}

fn record() -> BoxedStrategy<Value> {
    let id = || mostly("[a-c]".prop_map(Value::from));
    let day = || mostly(prop::sample::select(vec!["2026-07-01", "2026-07-02T00:00:00+01:00"]).prop_map(Value::from));
    let code = || mostly((0_u64..6).prop_map(Value::from));
    let metadata =
        vec![("summary_id", id()), ("id", id()), ("start_time", day()), ("end_time", day()), ("upload_type", code())];
    let scores = vec![("sleep_score", mostly((0_u64..100).prop_map(Value::from))), ("x", anything().boxed())];
    mostly(object(vec![
        ("metadata", mostly(object(metadata))),
        ("observation_data", mostly(object(vec![("status", code())]))),
        ("data_enrichment", mostly(object(scores))),
        ("planned_workout_id", id()),
        ("timestamp", day()),
        ("session_id", id()),
        ("heart_rate", anything().boxed()),
    ]))
}

fn event() -> impl Strategy<Value = Value> {
    let names: Vec<_> = EventType::ALL.iter().map(|one| Value::from(one.name())).collect();
    let texts = |texts: &'static [&'static str]| mostly(prop::sample::select(texts).prop_map(Value::from));
    let user = || {
        mostly(object(vec![
            ("user_id", texts(&["u", "v"])),
            ("reference_id", texts(&["r"])),
            ("provider", texts(&["GARMIN"])),
            ("scopes", texts(&["a,b", ""])),
            ("last_webhook_update", texts(&["2026-07-01T00:00:00Z"])),
        ]))
    };
    object(vec![
        ("type", prop_oneof![9 => prop::sample::select(names), 1 => anything()].boxed()),
        ("user", user()),
        ("new_user", user()),
        ("old_user", user()),
        ("old_user_id", texts(&["u"])),
        ("data", mostly(prop::collection::vec(record(), 0..4).prop_map(Value::from))),
        ("athlete", record()),
        ("status", texts(&["success", "error"])),
        ("reference_id", texts(&["r"])),
        ("session_id", texts(&["s"])),
        ("event_id", texts(&["e"])),
        ("occurred_at", texts(&["2026-07-01T00:00:00Z"])),
    ])
}

/// Posts a body twice: it is acknowledged, it is in the log under the name that was answered, what it belongs to can
/// still be read, and the second time stores nothing.
async fn survives(terrace: &Terrace, delivery: &Delivery) -> Result<(), TestCaseError> {
    let request = delivery.request();
    let answer = terrace.webhook.handle(&request).await;
    prop_assert_eq!(answer.status, 200, "{:?}", answer);
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    let name = said["delivery"].as_str().unwrap();
    let status = said["status"].as_str().unwrap();
    prop_assert!(["stored", "queued", "ignored", "quarantined"].contains(&status));
    let headers = DeliveryHeaders::read(|name| request.header(name));
    let verified = VerifiedBody::from_log(&delivery.body, UnixSeconds(delivery.signed_at));
    let partition = Plan::read(Envelope::from(&headers), verified).partition;
    let logged = terrace.log.read(&partition, &LogKey::from_name(name).unwrap()).await.unwrap();
    let logged = logged.ok_or_else(|| TestCaseError::fail("it is not in the log"))?;
    prop_assert!(terrace.log.body(&logged).await.unwrap() == delivery.body);
    prop_assert!(status != "quarantined" || logged.quarantine.is_some());
    let body = serde_json::from_slice::<Value>(&delivery.body).unwrap_or_default();
    let user = body["user"]["user_id"].as_str().unwrap_or_default();
    let is_theirs = UserId::new(user).is_some_and(|user| partition == Partition::of_user(&user));
    if is_theirs && !user.contains('/') {
        let body = terrace.get(&format!("/users/{user}/deliveries/{name}"), &[]).await;
        prop_assert_eq!(body.body, &delivery.body);
        let few = ("limit", "3");
        for (list, asked) in [("records", &[few, ("detail", "full")][..]), ("records", &[few]), ("deliveries", &[few])]
        {
            let listed = terrace.get(&format!("/users/{user}/{list}"), asked).await;
            prop_assert_eq!(listed.status, 200, "{:?}", listed);
        }
    }
    let again: Value = serde_json::from_slice(&terrace.webhook.handle(&request).await.body).unwrap();
    prop_assert_eq!(&again["records"]["stored"], &json!(0));
    // A re-authentication may bring back the very id that an earlier one replaced: what asked for a job is then lifted.
    let lifted = (&said["status"], &again["status"]) == (&json!("queued"), &json!("stored"));
    prop_assert!(again["status"] == said["status"] || lifted, "{} after {}", again["status"], said["status"]);
    prop_assert_eq!(&again["records"]["rejected"], &said["records"]["rejected"]);
    Ok(())
}

/// Runs cases over one Terrace, so that each meets what the others left.
fn run<S: Strategy>(cases: u32, strategy: &S, test: impl AsyncFn(&Terrace, S::Value) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let terrace = runtime.block_on(Terrace::new());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    TestRunner::new(config).run(strategy, |value| runtime.block_on(test(&terrace, value))).unwrap();
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let headers = (prop::option::of("\\PC{1,10}"), prop::option::of("[0-9]{1,21}|[0-9a-z.+-]{1,5}"));
    (event(), headers).prop_map(|(event, (trace_id, ordering))| Delivery {
        trace_id,
        ordering,
        ..Delivery::new(event.to_string())
    })
}

#[test]
fn any_event_is_kept() {
    run(2_500, &delivery(), async |terrace, delivery| survives(terrace, &delivery).await);
}

#[test]
fn a_repeat_of_any_event_changes_nothing() {
    run(100, &delivery(), async |_, delivery| {
        let terrace = Terrace::new().await;
        terrace.accept(&delivery).await;
        let before = terrace.items().await;
        terrace.accept(&delivery).await;
        prop_assert_eq!(terrace.items().await, before);
        Ok(())
    });
}

#[test]
fn any_json_is_kept() {
    run(400, &anything(), async |terrace, value| survives(terrace, &Delivery::new(value.to_string())).await);
}

#[test]
fn any_bytes_are_kept() {
    run(400, &prop::collection::vec(any::<u8>(), 0..300), async |terrace, bytes| {
        survives(terrace, &Delivery::new(bytes)).await
    });
}

#[test]
fn any_damage_to_a_good_body_is_kept() {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    run(800, &(event(), changes, any::<prop::sample::Index>()), async |terrace, (event, changes, end)| {
        let mut bytes = event.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() * 2) + 1);
        survives(terrace, &Delivery::new(bytes)).await
    });
}
