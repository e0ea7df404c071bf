//! Chains, cycles and rings of re-authentications end under one id, whatever the order in which they came and in which
//! the jobs were worked on.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use terrace_tests::events::{Time, orders};
use terrace_tests::items::text;
use terrace_tests::{Delivery, Terrace};
use tokio::time::Instant;

/// When jobs are worked on.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Once everything came.
    Last,
    /// After each delivery.
    Each,
    /// Once everything came, the last first.
    Backwards,
}

async fn settle(terrace: &Terrace, work: Work) {
    let mut taken = Vec::new();
    while matches!(work, Work::Backwards) && !terrace.queue.is_empty() {
        let waiting = terrace.queue.len() - taken.len();
        if waiting == 0 {
            break;
        }
        taken.push(terrace.queue.next().await.unwrap());
    }
    for taken in taken.into_iter().rev() {
        terrace.worker.work(taken.job(), Instant::now() + Duration::from_secs(60)).await.unwrap();
        terrace.queue.done(taken).await.unwrap();
    }
    terrace.settle().await;
}

/// How the connections stand and how many records each has, once all this came and all jobs are done.
async fn ends(deliveries: &[Delivery], order: &[usize], work: Work, ids: &[&str]) -> BTreeMap<String, (String, usize)> {
    let terrace = Terrace::new().await;
    for at in order {
        terrace.accept(&deliveries[*at]).await;
        if matches!(work, Work::Each) {
            terrace.settle().await;
        }
    }
    settle(&terrace, work).await;
    let items = terrace.items().await;
    let mut ends = BTreeMap::new();
    for id in ids {
        let status = terrace.read(&format!("/users/{id}"), &[]).await["status"].as_str().unwrap().to_owned();
        let lie = items.iter().filter(|item| text(item, "user_id") == *id && item.contains_key("version")).count();
        let read = terrace.read(&format!("/users/{id}/records"), &[("detail", "full")]).await;
        let read = read["records"].as_array().unwrap().len();
        assert_eq!(lie, read, "{id} is {status}: {order:?}, {work:?}");
        ends.insert((*id).to_owned(), (status, read));
    }
    ends
}

/// Whatever the order, it ends under `last`, with all records.
async fn always_end_under(last: &str, ids: &[&str], deliveries: &[Delivery], records: usize) {
    let stand = |id: &&str| {
        let (status, count) = if *id == last { ("active", records) } else { ("replaced", 0) };
        ((*id).to_owned(), (status.to_owned(), count))
    };
    let expected: BTreeMap<_, _> = ids.iter().map(stand).collect();
    let works = [Work::Last, Work::Each, Work::Backwards];
    for (at, order) in orders(deliveries.len()).into_iter().enumerate() {
        let work = works[at % works.len()];
        assert_eq!(ends(deliveries, &order, work, ids).await, expected, "{order:?}, {work:?}");
    }
}

#[tokio::test]
async fn a_chain_of_three_ends_under_the_last() {
    let time = Time::since(600);
    let deliveries = [
        time.reauth(2, "a", "b"),
        time.reauth(3, "b", "c"),
        time.day(1, "a", "2026-07-01", 1),
        time.scored(2, "b", "s", &json!({"sleep_score": 5})),
    ];
    always_end_under("c", &["a", "b", "c"], &deliveries, 2).await;
}

#[tokio::test]
async fn a_cycle_ends_under_the_one_that_was_renewed_last() {
    let time = Time::since(600);
    let deliveries = [
        time.reauth(2, "a", "b"),
        time.reauth(3, "b", "a"),
        time.day(1, "a", "2026-07-01", 1),
        time.large(4, "b", "s"),
    ];
    always_end_under("a", &["a", "b"], &deliveries, 2).await;
}

#[tokio::test]
async fn a_cycle_of_three_ends_under_the_one_that_was_renewed_last() {
    let time = Time::since(600);
    let deliveries = [
        time.reauth(2, "a", "b"),
        time.reauth(3, "b", "c"),
        time.reauth(4, "c", "a"),
        time.day(1, "b", "2026-07-01", 1),
    ];
    always_end_under("a", &["a", "b", "c"], &deliveries, 1).await;
}

#[tokio::test]
async fn a_ring_of_one_second_ends_in_one_id() {
    let time = Time::since(600);
    let two = [
        time.reauth(2, "a", "b"),
        time.reauth(2, "b", "a"),
        time.day(1, "a", "2026-07-01", 1),
        time.day(1, "b", "2026-07-02", 1),
    ];
    always_end_under("b", &["a", "b"], &two, 2).await;
    let three = [
        time.reauth(2, "a", "b"),
        time.reauth(2, "b", "c"),
        time.reauth(2, "c", "a"),
        time.day(1, "a", "2026-07-01", 1),
    ];
    always_end_under("c", &["a", "b", "c"], &three, 1).await;
}

#[tokio::test]
async fn who_leads_into_a_ring_comes_out_of_it_too() {
    let time = Time::since(600);
    let deliveries = [
        time.reauth(1, "before", "a"),
        time.reauth(2, "a", "b"),
        time.reauth(2, "b", "a"),
        time.day(1, "before", "2026-07-01", 1),
    ];
    always_end_under("b", &["before", "a", "b"], &deliveries, 1).await;
}
