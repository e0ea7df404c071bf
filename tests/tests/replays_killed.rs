//! The worker is killed at a replay of several pages, as by `kill -9`, before and after calls of the store, and another
//! goes on: it ends as if nothing had happened, and what it counts is counted once.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Items, differences, text};
use terrace_tests::killed::{Killed, works_here};
use terrace_tests::noise::noise;
use terrace_tests::orders::order_replay;
use terrace_tests::{Delivery, Terrace};

/// Two pages and a bit.
const DELIVERIES: u64 = 208;
/// Every so many of them brings a record, and others are quarantined.
const STEP: u64 = 16;

fn delivery(number: u64, now: u64) -> Delivery {
    let user = json!({"user_id": "u", "provider": "GARMIN"});
    let sleep = |samples| json!([{"metadata": {"summary_id": format!("s{number}")}, "n": noise(number, samples)}]);
    let body = match number % STEP {
        0 => json!({"type": "sleep", "user": user, "data": sleep(3)}),
        5 if number < 40 => json!({"type": "sleep", "user": user, "data": sleep(600)}),
        8 => json!({"type": "route", "user": user, "number": number}),
        _ => json!({"type": "processing", "user": user, "number": number}),
    };
    Delivery::new(body.to_string())
        .ordered(now * 1_000 + number)
        .trace(&format!("7243c4e7-0000-4a51-9f0c-{number:012}"))
}

async fn prepare(terrace: &Terrace, order: Value) {
    let now = UnixSeconds::now().0 - 60;
    for number in 0..DELIVERIES {
        terrace.accept(&delivery(number, now)).await;
    }
    for item in terrace.items().await.iter().filter(|item| !text(item, "record").starts_with("log#")) {
        let key = |name: &str| item.get(name).cloned().unwrap();
        let request = terrace.client.delete_item().table_name("terrace");
        request.key("user_id", key("user_id")).key("record", key("record")).send().await.unwrap();
    }
    order_replay(terrace, &order).await;
}

/// Takes the count of records that were stored from the job's item, and hands it out: what one that was killed has stored
/// is there already when another comes to it.
fn take_stored(items: &mut Items) -> (u64, Value) {
    let job = items.iter_mut().find(|((partition, _), _)| partition.starts_with("job:")).unwrap().1;
    let progress = job.insert("progress".into(), AttributeValue::Null(true)).unwrap();
    let mut progress: Value = serde_json::from_str(progress.as_s().unwrap()).unwrap();
    let stored = progress.as_object_mut().unwrap().remove("records_stored");
    (stored.and_then(|stored| stored.as_u64()).unwrap_or(0), progress)
}

async fn the_same(mut killed: Killed, deliveries: u64) {
    let (most, progress) = take_stored(&mut killed.undisturbed);
    assert_eq!(progress.get("deliveries"), Some(&json!(deliveries)), "{progress}");
    for at in killed.some() {
        let mut items = killed.at(at).await;
        let (stored, counted) = take_stored(&mut items);
        assert_eq!(counted, progress, "after {at} of {}", killed.passes);
        assert!(stored <= most, "after {at}: {stored} of {most}");
        assert_eq!(differences(&items, &killed.undisturbed), Vec::<String>::new(), "after {at} of {}", killed.passes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_a_replay_of_a_user_goes_on_and_counts_once() {
    if works_here().await {
        return;
    }
    let name = "a_worker_killed_at_a_replay_of_a_user_goes_on_and_counts_once";
    let order = json!({"only": "all", "user_id": "u"});
    let killed = Killed::new(name, "", async |terrace: &Terrace| prepare(terrace, order).await).await;
    assert!(killed.passes > 80, "{}", killed.passes);
    the_same(killed, DELIVERIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_a_replay_of_the_quarantine_goes_on_and_counts_once() {
    if works_here().await {
        return;
    }
    let name = "a_worker_killed_at_a_replay_of_the_quarantine_goes_on_and_counts_once";
    let order = json!({"from": "2020-01-01"});
    let killed = Killed::new(name, "", async |terrace: &Terrace| prepare(terrace, order).await).await;
    assert!(killed.passes > 80, "{}", killed.passes);
    the_same(killed, DELIVERIES / STEP).await;
}
