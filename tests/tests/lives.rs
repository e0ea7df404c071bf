//! A connection's life reads the same in whatever order its events come: every order there is of one with seven events,
//! as Terra sends them, without the ordering header.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use terrace_store::local::Database;
use terrace_store::queue::Job;
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};
use tokio::task::JoinSet;
use tokio::time::Instant;

const ORDERS: usize = 5_040;
const EVENTS: usize = 7;
/// How many orders are played at once.
const AT_ONCE: usize = 4;
/// In every so many orders the records are brought over as well: they differ in whether the data came first alone.
const SETTLED: usize = 12;

/// What happens to a connection, in this order, each at a second of its own.
fn life(number: usize, signed_at: u64) -> [Delivery; EVENTS] {
    let (old, new) = (format!("old-{number}"), format!("new-{number}"));
    let user = |id: &str, scopes: &str| json!({"user_id": id, "provider": "GARMIN", "reference_id": format!("r-{number}"), "scopes": scopes, "active": true});
    let plain = json!({"user_id": old, "provider": "GARMIN", "reference_id": format!("r-{number}")});
    let day = json!({"metadata": {"start_time": "2026-07-01T00:00:00+01:00"}, "steps": 9_214});
    let bodies = [
        json!({"type": "auth", "status": "success", "user": user(&old, "A")}),
        json!({"type": "daily", "user": plain, "data": [day]}),
        json!({"type": "connection_error", "status": "warning", "user": plain}),
        json!({"type": "permission_change", "status": "warning", "user": user(&old, "A,B"), "scopes_added": "B"}),
        json!({"type": "deauth", "status": "success", "user": plain}),
        json!({"type": "user_reauth", "status": "warning", "old_user": plain, "new_user": user(&new, "B")}),
        json!({"type": "auth", "status": "success", "user": user(&new, "B,C")}),
    ];
    let mut seconds = signed_at..;
    bodies.map(|body| Delivery::new(body.to_string()).signed(seconds.next().unwrap()))
}

fn order(mut number: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..EVENTS).collect();
    let mut order = Vec::with_capacity(EVENTS);
    for choices in (1..=EVENTS).rev() {
        order.push(left.remove(number % choices));
        number /= choices;
    }
    order
}

/// What is read of a connection, without what tells one life from another.
async fn connection(terrace: &Terrace, id: &str, number: usize) -> Value {
    let answer = terrace.read(&format!("/users/{id}-{number}"), &[]).await.to_string();
    serde_json::from_str(&answer.replace(&format!("-{number}\""), "\"")).unwrap()
}

/// A client that signs and repeats nothing: five thousand lives are a hundred thousand calls.
fn client(database: &Database) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url("http://dynamodb.invalid")
        .allow_no_auth()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .http_client(database.http_client());
    Client::from_conf(config.build())
}

/// What a life comes to, as the registers have it: each keeps what came last by the time that it was signed at.
fn expected(signed_at: u64) -> [Value; 2] {
    let daily = jiff::Timestamp::from_second(i64::try_from(signed_at + 1).unwrap()).unwrap();
    let old = json!({
        "user_id": "old", "provider": "GARMIN", "reference_id": "r", "status": "replaced", "scopes": ["A", "B"],
        "last_delivery": {"daily": format!("{daily:.3}")}, "replaced_by": "new", "replaces": []
    });
    let new = json!({
        "user_id": "new", "provider": "GARMIN", "reference_id": "r", "status": "active", "scopes": ["B", "C"],
        "last_delivery": {}, "replaced_by": null, "replaces": ["old"]
    });
    [old, new]
}

/// Plays a life in one order, and reads it.
async fn play(terrace: &Terrace, number: usize, signed_at: u64) {
    let (life, order, expected) = (life(number, signed_at), order(number), expected(signed_at));
    for at in &order {
        terrace.accept(&life[*at]).await;
    }
    for (id, expected) in ["old", "new"].into_iter().zip(&expected) {
        assert_eq!(connection(terrace, id, number).await, *expected, "{order:?}");
    }
    if number.is_multiple_of(SETTLED) {
        assert_eq!(steps(terrace, "old", number).await, Vec::<Value>::new(), "{order:?}");
        let rekey = Job::Rekey { old: format!("old-{number}"), new: format!("new-{number}") };
        terrace.worker.work(&rekey, Instant::now() + Duration::from_secs(600)).await.unwrap();
        assert_eq!(steps(terrace, "new", number).await, [json!(9_214)], "{order:?}");
        assert_eq!(steps(terrace, "old", number).await, Vec::<Value>::new(), "{order:?}");
        assert_eq!(connection(terrace, "new", number).await, expected[1], "{order:?}");
    }
}

async fn steps(terrace: &Terrace, id: &str, number: usize) -> Vec<Value> {
    let asked = [("type", "daily"), ("detail", "full")];
    let records = terrace.read(&format!("/users/{id}-{number}/records"), &asked).await;
    records["records"].as_array().unwrap().iter().map(|record| record["data"]["steps"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_orders_of_a_life_read_as_one() {
    let signed_at = UnixSeconds::now().0 - 60;
    let folder = ["/dev/shm", "/tmp"].into_iter().find_map(|at| tempfile::tempdir_in(at).ok()).unwrap();
    let terrace = Arc::new(Terrace::within(client(&Database::in_memory().unwrap()), folder.path()).await);
    let mut playing = JoinSet::new();
    for number in 0..ORDERS {
        if playing.len() == AT_ONCE {
            playing.join_next().await.unwrap().unwrap();
        }
        let terrace = Arc::clone(&terrace);
        playing.spawn(async move { play(&terrace, number, signed_at).await });
    }
    playing.join_all().await;
    assert_eq!(terrace.queue.len(), ORDERS, "one job for each life, however often it was asked for");
}

#[test]
fn the_orders_are_all_there_are() {
    let orders: BTreeSet<_> = (0..ORDERS).map(order).collect();
    assert_eq!(orders.len(), ORDERS);
    assert!(orders.iter().all(|order| order.iter().collect::<BTreeSet<_>>().len() == EVENTS));
}
