//! The view is a function of the set of deliveries, and a newer copy is never lost to an older one: arbitrary sets in
//! arbitrary orders, against a model that knows no order.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

#[path = "superset/arbitrary.rs"]
mod arbitrary;

use arbitrary::{Case, case};
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use terrace_ingest::plan::{Envelope, Plan};
use terrace_records::decision::{newer_scores, scores_of};
use terrace_records::scores::{StoredScores, merge};
use terrace_records::{RecordKey, Repeats, Standing, Version};
use terrace_terra::{DeliveryHeaders, UnixSeconds, VerifiedBody, headers};
use terrace_tests::items::{Items, differences, timeless};
use terrace_tests::model::{Digits, Expected, View, view};
use terrace_tests::sent::SentDelivery;
use terrace_tests::{Delivery, Terrace};

/// The moment that the deliveries of the pure layer are signed around.
const NOW: u64 = 1_782_897_153;
const PURE_CASES: u32 = 10_000;
const WHOLE_CASES: u32 = 400;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 100, ..Config::default() })
}

/// What is read of a record has to be what the model says, to the last digit.
fn same(data: &str, expected: &Expected) -> Result<(), TestCaseError> {
    if expected.as_sent {
        prop_assert_eq!(data, &expected.data);
    }
    prop_assert_eq!(Digits::of(data), Digits::of(&expected.data));
    Ok(())
}

/// A record as the table keeps it.
struct Kept {
    version: Version,
    raw: String,
    deleted: bool,
    scores: StoredScores,
}

type Table = HashMap<(String, RecordKey), Kept>;

/// What the store does with the copies of one record, by the same decisions.
fn apply(kept: &mut Table, partition: &str, copies: &Repeats<'_>) {
    let copy = &copies.greatest;
    let key = (partition.to_owned(), copy.key.clone());
    let stored = kept.get(&key).map(|kept| kept.version);
    if Standing::of(stored.as_ref(), &copy.version) == Standing::Stored {
        let mut scores = kept.remove(&key).map(|kept| kept.scores).unwrap_or_default();
        scores.extend(scores_of([copy]));
        scores.extend(newer_scores(scores_of(&copies.rest), &scores));
        let (raw, deleted) = (copy.element.raw.get().to_owned(), copy.element.deleted);
        kept.insert(key, Kept { version: copy.version, raw, deleted, scores });
    } else if let Some(kept) = kept.get_mut(&key) {
        let newer = newer_scores(scores_of(copies.all()), &kept.scores);
        kept.scores.extend(newer);
    }
}

fn receive(kept: &mut Table, delivery: &SentDelivery) {
    let body = delivery.body();
    let header = |name: &str| match name {
        headers::ORDERING => delivery.ordering.as_deref(),
        headers::TRACE_ID => Some(delivery.trace.as_str()),
        _ => None,
    };
    let body = VerifiedBody::from_log(body.as_bytes(), UnixSeconds(delivery.signed_at));
    let plan = Plan::read(Envelope::from(&DeliveryHeaders::read(header)), body);
    for copies in &plan.records {
        apply(kept, plan.partition.as_str(), copies);
    }
}

#[test]
fn the_decisions_make_what_the_model_says_whatever_the_order() {
    let judged = runner(PURE_CASES).run(&case(NOW, 8, 0), |Case { deliveries, order, .. }| {
        let mut kept = Table::new();
        for place in order {
            receive(&mut kept, &deliveries[place]);
        }
        let expected = view(&deliveries);
        prop_assert_eq!(kept.len(), expected.len());
        for ((partition, key), kept) in kept {
            let key = (partition, key.data_type().name(), key.identifier_text().to_owned());
            let Some(expected) = expected.get(&key) else {
                return Err(TestCaseError::fail(format!("{key:?} is nothing that was sent")));
            };
            prop_assert_eq!(kept.deleted, expected.deleted, "{:?}", key);
            let version = Version::new(
                terrace_records::Emission { emitted_ms: expected.place.0, signed_at: expected.place.2, discarded: 0 },
                expected.place.1,
                expected.place.3,
            );
            prop_assert_eq!(kept.version, version, "{:?}", key);
            same(&merge(&kept.raw, &kept.scores), expected)?;
        }
        Ok(())
    });
    judged.unwrap();
}

#[derive(Deserialize)]
struct ReadRecord {
    #[serde(rename = "type")]
    data_type: String,
    id: String,
    provider: String,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct ReadRecords {
    records: Vec<ReadRecord>,
}

/// Everything that can be read has to be what the model says, and nothing else.
async fn judge(terrace: &Terrace, expected: &View) -> Result<(), TestCaseError> {
    let mut users: BTreeMap<&str, HashMap<_, _>> = BTreeMap::new();
    for ((user, data_type, id), record) in expected {
        users.entry(user).or_default().insert((*data_type, id.as_str()), record);
    }
    for (user, records) in users {
        let answer = terrace.get(&format!("/users/{user}/records"), &[("detail", "full"), ("limit", "1000")]).await;
        prop_assert_eq!(answer.status, 200);
        let read: ReadRecords = serde_json::from_slice(&answer.body).unwrap();
        prop_assert_eq!(read.records.len(), records.values().filter(|record| !record.deleted).count());
        for record in &read.records {
            let Some(expected) = records.get(&(record.data_type.as_str(), record.id.as_str())) else {
                return Err(TestCaseError::fail(format!(
                    "{} {} is nothing that was sent",
                    record.data_type, record.id
                )));
            };
            prop_assert!(!expected.deleted, "{} {} was deleted", record.data_type, record.id);
            same(record.data.get(), expected)?;
            prop_assert!(expected.providers.contains(&record.provider.as_str()));
        }
        for (data_type, id) in records.iter().filter(|(_, record)| record.deleted).map(|(key, _)| key) {
            let answer = terrace.get(&format!("/users/{user}/records/{data_type}/{id}"), &[]).await;
            prop_assert_eq!(answer.status, 404);
        }
    }
    Ok(())
}

/// Items without what says which of several deliveries of one copy a record was taken from.
fn untied(mut items: Items, expected: &View) -> Items {
    for ((user, data_type, id), _) in expected.iter().filter(|(_, record)| record.tied) {
        if let Some(item) = items.get_mut(&(user.clone(), format!("{data_type}#{id}"))) {
            item.retain(|name, _| !["delivery", "provider", "body", "summary", "source"].contains(&name.as_str()));
        }
    }
    items
}

/// Posts deliveries in this order, the last `together` of them at once.
async fn post(terrace: &Terrace, deliveries: &[Delivery], order: &[usize], together: usize) {
    let (one_by_one, at_once) = order.split_at(order.len() - together);
    for place in one_by_one {
        terrace.accept(&deliveries[*place]).await;
    }
    join_all(at_once.iter().map(|place| terrace.accept(&deliveries[*place]))).await;
}

#[test]
fn a_whole_terrace_ends_as_the_model_says_whatever_the_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let now = UnixSeconds::now().0 - 10;
    let judged = runner(WHOLE_CASES).run(&case(now, 6, 2), |case| {
        runtime.block_on(async {
            let deliveries: Vec<_> = case.deliveries.iter().map(SentDelivery::delivery).collect();
            let (one, other) = (Terrace::new().await, Terrace::new().await);
            post(&one, &deliveries, &case.order, 0).await;
            post(&other, &deliveries, &case.other_order, case.together).await;
            let expected = view(&case.deliveries);
            judge(&one, &expected).await?;
            judge(&other, &expected).await?;
            let (one, other) = (timeless(&one).await, timeless(&other).await);
            prop_assert_eq!(differences(&untied(one, &expected), &untied(other, &expected)), Vec::<String>::new());
            Ok(())
        })
    });
    judged.unwrap();
}
