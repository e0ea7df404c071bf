//! What is said of a body that was posted, and what the log then holds.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use terrace_store::frames::unpack;
use terrace_tests::{Delivery, Terrace};

pub type Item = HashMap<String, AttributeValue>;

pub fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).map(|value| value.as_s().unwrap().as_str())
}

/// What the log holds: the items, and the bodies as they were sent.
pub async fn log_of(terrace: &Terrace) -> Vec<(Item, Vec<u8>)> {
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
pub async fn kept(terrace: &Terrace, body: &[u8]) -> (Value, Item) {
    let answer = terrace.accept(&Delivery::new(body.to_vec())).await;
    let mut log = log_of(terrace).await;
    assert_eq!(log.len(), 1, "{answer}");
    let (item, logged) = log.remove(0);
    assert!(logged == body, "the log holds something else: {answer}");
    (answer, item)
}

/// Posts a body that has to end like this: the status of the answer, and the mark.
pub async fn ends(body: impl AsRef<[u8]>, status: &str, mark: Option<&str>) -> (Terrace, Value) {
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
pub fn today() -> String {
    Timestamp::now().to_string()[..10].to_owned()
}
