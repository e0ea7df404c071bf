//! What others rely on, as it is: the items of the table, the line of a delivery, the answers. A change here is a
//! change for everybody who reads the table or calls the API; it has to be meant.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use terrace_runtime::http::{Answer, Request};
use terrace_store::frames::unpack_text;
use terrace_store::local::{Database, Fault, Watched};
use terrace_tests::{Delivery, Terrace};

/// 2025-06-15T15:06:40Z, in milliseconds: the ordering time of the deliveries here.
const ORDERED: u64 = 1_750_000_000_000;
const TRACE: &str = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001";

/// The attributes and members that tell when, and so differ from run to run.
const WHEN: [&str; 11] = [
    "signed_at",
    "received_at",
    "expires_at",
    "updated_at",
    "quarantine_day",
    "Timestamp",
    "Duration",
    "SignatureAge",
    "log_ms",
    "apply_ms",
    "next_updated_since",
];

fn samples(count: usize) -> Vec<Value> {
    let sample = |at: usize| json!({"timestamp": format!("2026-07-01T07:{:02}:{:02}Z", at / 60 % 60, at % 60), "bpm": at * at % 97});
    (0..count).map(sample).collect()
}

fn activity(count: usize) -> String {
    let metadata = json!({"summary_id": "s-1", "start_time": "2026-07-01T07:00:00.000000+01:00", "end_time": "2026-07-01T08:00:00.000000+01:00", "name": null});
    let record = json!({
        "metadata": metadata,
        "calories_data": {"total_burned_calories": 412.5},
        "data_enrichment": {"efficiency": 71, "strain": null},
        "heart_rate_data": {"detailed": {"hr_samples": samples(count)}, "summary": {"avg_hr_bpm": 131}},
    });
    let user = json!({"user_id": "u", "provider": "GARMIN", "reference_id": "r", "scopes": "ACTIVITY,SLEEP"});
    json!({"type": "activity", "user": user, "data": [record]}).to_string()
}

fn typical() -> Delivery {
    Delivery::new(activity(4)).trace(TRACE).ordered(ORDERED)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Bytes as a reader wants to see them.
fn shown(name: &str, bytes: &[u8]) -> String {
    if let Ok(text) = unpack_text(bytes) {
        return format!("zstd of {text}");
    }
    match bytes {
        // A version is four numbers, a register a time and a value.
        version if name == "version" => {
            let (emitted, coverage, signed, digest) =
                (&version[..8], &version[8..12], &version[12..16], &version[16..]);
            format!("{} | {} | {} | {}", hex(emitted), hex(coverage), hex(signed), hex(digest))
        }
        score if name.starts_with("score:") => {
            format!("version {} … then {}", hex(&score[..8]), String::from_utf8_lossy(&score[24..]))
        }
        register => match (name, register.split_at_checked(8)) {
            (_, Some((time, value))) if time.starts_with(&[0, 0, 1]) => {
                let time = u64::from_be_bytes(time.try_into().unwrap());
                format!("at {time}: {:?}", String::from_utf8_lossy(value))
            }
            _ => format!("{} bytes", bytes.len()),
        },
    }
}

/// An object's key and a place in it are made of packed bytes, which another zstd packs otherwise.
fn without_digests(text: &str) -> String {
    let parts: Vec<_> = text.split('/').collect();
    match parts.as_slice() {
        ["log", folder, rest] if folder.len() == 64 => {
            let places = rest.split('#').count() - 1;
            format!("log/<SHA-256 of the user>/<SHA-256 of the object>{}", "#<byte>".repeat(places))
        }
        _ => text.to_owned(),
    }
}

fn item_as_json(item: &HashMap<String, AttributeValue>) -> Value {
    let mut shown_item = Map::new();
    for (name, value) in item {
        let value = match value {
            _ if WHEN.contains(&name.as_str()) => "<when>".to_owned(),
            AttributeValue::S(text) => format!("S {}", without_digests(text)),
            AttributeValue::N(number) => format!("N {number}"),
            AttributeValue::B(blob) => format!("B {}", shown(name, blob.as_ref())),
            AttributeValue::Bool(flag) => format!("BOOL {flag}"),
            other => format!("{other:?}"),
        };
        shown_item.insert(name.clone(), Value::from(value));
    }
    Value::Object(shown_item)
}

/// The item under this sort key; the one that begins with it.
async fn item(terrace: &Terrace, begins: &str) -> Value {
    let items = terrace.items().await;
    let found: Vec<_> = items.iter().filter(|item| item["record"].as_s().unwrap().starts_with(begins)).collect();
    assert_eq!(found.len(), 1, "{begins}");
    item_as_json(found[0])
}

#[tokio::test]
async fn items_of_a_small_delivery() {
    let terrace = Terrace::new().await;
    terrace.accept(&typical()).await;
    insta::assert_json_snapshot!("item_of_a_small_record", item(&terrace, "activity#").await);
    insta::assert_json_snapshot!("item_of_a_connection", item(&terrace, "connection").await);
    insta::assert_json_snapshot!("item_of_a_delivery_inline", item(&terrace, "log#").await);
    assert_eq!(terrace.items().await.len(), 3);
}

#[tokio::test]
async fn items_of_a_large_delivery() {
    let terrace = Terrace::new().await;
    terrace.accept(&Delivery::new(activity(3_000)).trace(TRACE).ordered(ORDERED)).await;
    insta::assert_json_snapshot!("item_of_a_large_record", item(&terrace, "activity#").await);
    insta::assert_json_snapshot!("item_of_a_delivery_in_an_object", item(&terrace, "log#").await);
}

#[tokio::test]
async fn item_of_a_tombstone() {
    let terrace = Terrace::new().await;
    terrace.accept(&typical()).await;
    let mark = r#"{"metadata":{"summary_id":"s-1","start_time":"2026-07-01T07:00:00Z","upload_type":4}}"#;
    let body = format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{mark}]}}"#);
    terrace.accept(&Delivery::new(body).trace(TRACE).ordered(ORDERED + 1_000)).await;
    insta::assert_json_snapshot!(item(&terrace, "activity#").await);
}

#[tokio::test]
async fn item_of_a_quarantined_delivery() {
    let terrace = Terrace::new().await;
    terrace.accept(&Delivery::new("{\"type\":").trace("someone@example.com").ordered(ORDERED)).await;
    insta::assert_json_snapshot!(item(&terrace, "log#").await);
}

#[tokio::test]
async fn item_of_an_ignored_delivery() {
    let terrace = Terrace::new().await;
    let body = r#"{"type":"large_request_processing","user":{"user_id":"u"},"reference":"q"}"#;
    let mut request = Delivery::new(body).trace(TRACE).request();
    request.headers.insert("terra-reference", "q".parse().unwrap());
    assert_eq!(terrace.webhook.handle(&request).await.status, 200);
    let mut item = item(&terrace, "log#").await;
    // Without the ordering header the key has the signature's time.
    let key = item["record"].as_str().unwrap().to_owned();
    let (time, rest) = key.strip_prefix("S log#").unwrap().split_once('#').unwrap();
    assert_eq!(time.len(), 13);
    item["record"] = Value::from(format!("S log#<when>#{rest}"));
    insta::assert_json_snapshot!(item);
}

/// A line without what differs from run to run.
fn line(terrace: &Terrace) -> Value {
    fn redact(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    if WHEN.contains(&name.as_str()) && value.is_number() {
                        *value = Value::from("<when>");
                    }
                    if name == "packed_bytes" {
                        *value = Value::from("<bytes>");
                    }
                    redact(value);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(redact),
            _ => {}
        }
    }
    let mut line = terrace.lines.last();
    redact(&mut line);
    line
}

#[tokio::test]
async fn lines_and_metrics() {
    let terrace = Terrace::new().await;
    terrace.accept(&typical()).await;
    assert_eq!(terrace.lines.text().lines().count(), 1, "one line a delivery");
    insta::assert_json_snapshot!("line_of_a_typical_delivery", line(&terrace));
    terrace.accept(&typical()).await;
    insta::assert_json_snapshot!("line_of_a_repeated_delivery", line(&terrace));
    let odd = r#"{"type":"daily","user":{"user_id":"u"},"data":[7,{"metadata":{"start_time":"2026-07-01"}}]}"#;
    terrace.accept(&Delivery::new(odd).trace("someone@example.com").ordered(7)).await;
    insta::assert_json_snapshot!("line_of_an_odd_delivery", line(&terrace));
    terrace.post(&typical().signature(None)).await;
    insta::assert_json_snapshot!("line_of_a_refused_delivery", line(&terrace));
}

/// An answer without what differs from run to run.
fn answer(answer: &Answer) -> Value {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    redact_times(&mut body);
    // A tag is of when the record was written, too.
    let shown = |name: &str, value: &str| format!("{name}: {}", if name == "etag" { "<etag>" } else { value });
    let headers: Vec<_> = answer.headers.iter().map(|(name, value)| shown(name, value)).collect();
    json!({"status": answer.status, "content_type": answer.content_type, "headers": headers, "body": body})
}

fn redact_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if WHEN.contains(&name.as_str()) {
                    let text = value.as_str().unwrap();
                    assert!(text.len() == 24 && text.ends_with('Z'), "{name}: {text}");
                    *value = Value::from("<when>");
                }
                if name == "cursor" && value.is_string() {
                    *value = Value::from("<cursor>");
                }
                redact_times(value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(redact_times),
        _ => {}
    }
}

#[tokio::test]
async fn answers_to_deliveries() {
    let terrace = Terrace::new().await;
    insta::assert_json_snapshot!("webhook_200_stored", answer(&terrace.post(&typical()).await));
    let ignored = Delivery::new(r#"{"type":"healthcheck"}"#).trace(TRACE).ordered(ORDERED);
    insta::assert_json_snapshot!("webhook_200_ignored", answer(&terrace.post(&ignored).await));
    let quarantined = Delivery::new("[]").trace("odd id/#").ordered(ORDERED);
    insta::assert_json_snapshot!("webhook_200_quarantined", answer(&terrace.post(&quarantined).await));
    let many: Vec<_> = (0..201).map(|at| json!({"timestamp": format!("{at}")})).collect();
    let many = json!({"type": "hormone", "user": {"user_id": "u"}, "data": many}).to_string();
    let queued = Delivery::new(many).trace(TRACE).ordered(ORDERED);
    insta::assert_json_snapshot!("webhook_200_queued", answer(&terrace.post(&queued).await));
    insta::assert_json_snapshot!("webhook_401", answer(&terrace.post(&typical().signature(None)).await));
    let long = Delivery::new(vec![b' '; 10 * 1_024 * 1_024 + 1]);
    insta::assert_json_snapshot!("webhook_413", answer(&terrace.post(&long).await));
    let asked = |method, path: &str| Request { method, path: path.to_owned(), ..typical().request() };
    let nowhere = terrace.webhook.handle(&asked(Method::POST, "/webhooks")).await;
    insta::assert_json_snapshot!("webhook_404", answer(&nowhere));
    let got = terrace.webhook.handle(&asked(Method::GET, "/webhook")).await;
    insta::assert_json_snapshot!("webhook_405", answer(&got));
}

#[tokio::test(start_paused = true)]
async fn answer_where_nothing_can_be_kept() {
    let down = |operation: &str, _| if operation == "PutItem" { Fault::Internal } else { Fault::None };
    let broken = Watched::new(Database::in_memory().unwrap().http_client()).before(down);
    let terrace = Terrace::with(broken.client()).await;
    insta::assert_json_snapshot!("webhook_503", answer(&terrace.post(&typical()).await));
    insta::assert_json_snapshot!("line_of_a_delivery_that_was_given_back", line(&terrace));
}

#[tokio::test]
async fn answers_to_questions() {
    let terrace = Terrace::new().await;
    terrace.accept(&typical()).await;
    let daily = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01T00:00:00+02:00"},"steps":9000}]}"#;
    terrace.accept(&Delivery::new(daily).trace(TRACE).ordered(ORDERED + 1_000)).await;
    let mut shown = Map::new();
    for (path, asked) in [
        ("/users", &[][..]),
        ("/users/u", &[]),
        ("/users/u/records", &[]),
        ("/users/u/records", &[("type", "daily,athlete"), ("updated_since", "0")]),
        ("/users/u/records", &[("type", "daily"), ("detail", "full")]),
        ("/users/u/records", &[("limit", "1")]),
        ("/users/u/records/activity/s-1", &[]),
        ("/users/u/deliveries", &[]),
        ("/references/r", &[]),
        ("/users/nobody", &[]),
        ("/users/u/records/daily/2026-07-09", &[]),
        ("/users/u/deliveries/x", &[]),
        ("/elsewhere", &[]),
        ("/users/u/records", &[("type", "dayly")]),
        ("/users/u/records", &[("from", "yesterday")]),
        ("/users/u/records", &[("cursor", "x")]),
    ] {
        let query: Vec<_> = asked.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let question = format!("{path} {}", query.join("&"));
        shown.insert(question.trim().to_owned(), answer(&terrace.get(path, asked).await));
    }
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    let put = Request { method: Method::PUT, path: "/users/u".to_owned(), query: Vec::new(), headers, body };
    shown.insert("PUT /users/u".to_owned(), answer(&terrace.query.handle(&put).await));
    let mut health = answer(&terrace.get("/health", &[]).await);
    assert_eq!(health["body"]["version"], env!("CARGO_PKG_VERSION"));
    health["body"]["version"] = Value::from("<version>");
    shown.insert("/health".to_owned(), health);
    insta::assert_json_snapshot!("answers_to_questions", Value::Object(shown));
}
