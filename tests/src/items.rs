//! Items of the table, looked at from outside.

use crate::terrace::Terrace;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use terrace_store::frames::unpack;

/// An item.
pub type Item = HashMap<String, AttributeValue>;

/// What is set by the clock of the server that took a delivery in, or drawn by it, and by nothing in the delivery; and
/// what differs between the attempts at one delivery, of which the log keeps the first to arrive.
const OF_ARRIVAL: [&str; 7] =
    ["updated_at", "received_at", "expires_at", "quarantine_day", "signed_at", "ordering_ms", "touch"];

/// Items by their keys, their attributes by name.
pub type Items = BTreeMap<(String, String), BTreeMap<String, AttributeValue>>;

/// A text of an item; empty where there is none.
pub fn text<'i>(item: &'i Item, name: &str) -> &'i str {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).unwrap_or_default()
}

/// Every item of the table by its keys, without what depends on when it was written.
pub async fn timeless(terrace: &Terrace) -> Items {
    let timeless = |item: Item| {
        let keys = (text(&item, "user_id").to_owned(), text(&item, "record").to_owned());
        let kept = item.into_iter().filter(|(name, _)| !OF_ARRIVAL.contains(&name.as_str()));
        (keys, kept.collect())
    };
    terrace.items().await.into_iter().map(timeless).collect()
}

/// Where two tables differ: the keys, and the attributes that are not the same in both.
pub fn differences(one: &Items, other: &Items) -> Vec<String> {
    let none = BTreeMap::new();
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        let (one, other) = (one.get(key).unwrap_or(&none), other.get(key).unwrap_or(&none));
        let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
        for name in names.into_iter().filter(|name| one.get(*name) != other.get(*name)) {
            differences.push(format!("{key:?} {name}: {:?} and {:?}", one.get(name), other.get(name)));
        }
    }
    differences
}

/// The bodies in the log, as they were sent.
#[expect(clippy::unwrap_used, reason = "a test fails where the log cannot be read")]
pub async fn logged(terrace: &Terrace) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for item in terrace.items().await {
        if !text(&item, "record").starts_with("log#") {
            continue;
        }
        let chain = match item.get("body") {
            Some(frame) => frame.as_b().unwrap().as_ref().to_vec(),
            None => terrace.log.chain(text(&item, "object")).await.unwrap().to_vec(),
        };
        bodies.push(unpack(&chain).unwrap());
    }
    bodies
}
