//! Arbitrary deliveries for an id and for the one that goes on, in arbitrary orders, with the re-authentication and the
//! work of its jobs anywhere between them, read as the model says of the same deliveries all for one id.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

#[path = "superset/arbitrary.rs"]
mod arbitrary;

use arbitrary::{Case, case};
use futures::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use terrace_terra::UnixSeconds;
use terrace_tests::events::Time;
use terrace_tests::items::{Items, differences, text, timeless};
use terrace_tests::model::{Digits, Expected, view};
use terrace_tests::sent::SentDelivery;
use terrace_tests::{Delivery, Terrace};

const CASES: u32 = 40;
const IDS: [&str; 2] = ["u-0", "u-1"];

#[derive(Deserialize)]
struct ReadRecord {
    #[serde(rename = "type")]
    data_type: String,
    id: String,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct ReadRecords {
    records: Vec<ReadRecord>,
}

/// What is read of the new id, by type and identifier.
async fn read(terrace: &Terrace) -> BTreeMap<(String, String), String> {
    let answer = terrace.get("/users/u-1/records", &[("detail", "full"), ("limit", "1000")]).await;
    let read: ReadRecords = serde_json::from_slice(&answer.body).unwrap();
    read.records.into_iter().map(|one| ((one.data_type, one.id), one.data.get().to_owned())).collect()
}

fn judge(read: &BTreeMap<(String, String), String>, expected: &[(&str, &str, &Expected)]) -> Result<(), TestCaseError> {
    let there: Vec<_> = expected.iter().filter(|(_, _, record)| !record.deleted).collect();
    prop_assert_eq!(read.len(), there.len());
    for (data_type, id, expected) in there {
        let Some(data) = read.get(&((*data_type).to_owned(), (*id).to_owned())) else {
            return Err(TestCaseError::fail(format!("{data_type} {id} is not there")));
        };
        if expected.as_sent {
            prop_assert_eq!(data, &expected.data);
        }
        prop_assert_eq!(Digits::of(data), Digits::of(&expected.data));
    }
    Ok(())
}

/// The records of the new id as they lie in the table, without what says which of several deliveries of one copy it was
/// taken from, and whose object it lies in.
fn kept(items: Items) -> Items {
    let records = items.into_iter().filter(|((user, _), item)| user == "u-1" && item.contains_key("version"));
    let named = ["delivery", "provider", "body", "summary", "source"];
    let without = |(keys, mut item): (_, BTreeMap<String, _>)| {
        item.retain(|name, _| !named.contains(&name.as_str()));
        (keys, item)
    };
    records.map(without).collect()
}

/// What is posted in which order: the re-authentication before the delivery of some step, jobs worked on after some,
/// and the last few deliveries at once.
struct Posting<'d> {
    order: &'d [usize],
    reauth: (usize, &'d Delivery),
    works: &'d [usize],
    together: usize,
}

async fn posted(deliveries: &[Delivery], posting: Posting<'_>) -> Terrace {
    let Posting { order, reauth, works, together } = posting;
    let terrace = Terrace::new().await;
    let (one_by_one, at_once) = order.split_at(order.len() - together);
    for (step, place) in one_by_one.iter().enumerate() {
        if step == reauth.0 {
            terrace.accept(reauth.1).await;
        }
        terrace.accept(&deliveries[*place]).await;
        if works.contains(&step) {
            terrace.settle().await;
        }
    }
    join_all(at_once.iter().map(|place| terrace.accept(&deliveries[*place]))).await;
    // Once more, where it comes last.
    terrace.accept(reauth.1).await;
    terrace.settle().await;
    terrace
}

#[test]
fn what_came_for_both_ids_reads_as_if_it_had_come_for_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let now = UnixSeconds::now().0 - 10;
    let reauth = Time::since(30).reauth(0, IDS[0], IDS[1]);
    let cases = (case(now, 6, 2), any::<Index>(), vec(any::<Index>(), 0..3));
    let judged = TestRunner::new(config).run(&cases, |(case, at, works)| {
        runtime.block_on(async {
            let Case { deliveries, order, other_order, together } = case;
            let all_new = |delivery: &SentDelivery| SentDelivery { user: IDS[1].to_owned(), ..delivery.clone() };
            let new: Vec<_> = deliveries.iter().map(all_new).collect();
            let expected = view(&new);
            let expected: Vec<_> =
                expected.iter().map(|((_, kind, id), record)| (*kind, id.as_str(), record)).collect();
            let sent: Vec<_> = deliveries.iter().map(SentDelivery::delivery).collect();
            let works: Vec<_> = works.iter().map(|at| at.index(order.len())).collect();
            let reauth_at = (at.index(order.len() + 1), &reauth);
            let moved = posted(&sent, Posting { order: &order, reauth: reauth_at, works: &works, together }).await;
            judge(&read(&moved).await, &expected)?;
            let left = moved.items().await;
            let left = left.iter().filter(|item| text(item, "user_id") == IDS[0] && item.contains_key("version"));
            prop_assert_eq!(left.count(), 0);
            // And register by register as where all of it came for one id.
            let one: Vec<_> = new.iter().map(SentDelivery::delivery).collect();
            let once = Posting { order: &other_order, reauth: (0, &reauth), works: &[], together: 0 };
            let one = posted(&one, once).await;
            let (moved, one) = (kept(timeless(&moved).await), kept(timeless(&one).await));
            prop_assert_eq!(differences(&moved, &one), Vec::<String>::new());
            Ok(())
        })
    });
    judged.unwrap();
}
