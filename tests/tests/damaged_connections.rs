//! A connection of which something cannot be read: deliveries are taken all the same and set it anew, lists go on, and
//! where the mark of an erase or of a re-authentication may be what is lost, nothing is shown until it is there again.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::time::Duration;
use terrace_records::{ConnectionUpdate, Partition};
use terrace_store::{Job, Subject};
use terrace_terra::ids::UserId;
use terrace_tests::damage::{bytes, damage, text};
use terrace_tests::items::{Items, differences, timeless};
use terrace_tests::orders::replay;
use terrace_tests::support::now;
use terrace_tests::{Delivery, Terrace};
use tokio::time::Instant;

const CONNECTION: (&str, &str) = ("u", "connection");
/// Every register that a life of events sets.
const REGISTERS: [&str; 8] = ["provider", "reference_id", "scopes", "auth", "data", "revoked", "error", "last:daily"];

fn user(id: &str) -> Value {
    json!({"user_id": id, "provider": "GARMIN", "reference_id": "r", "scopes": "daily"})
}

fn event(kind: &str, id: &str) -> Delivery {
    Delivery::new(json!({"type": kind, "status": "success", "user": user(id)}).to_string())
}

fn day(id: &str, date: &str) -> Delivery {
    let data = json!([{"metadata": {"start_time": format!("{date}T00:00:00Z")}, "steps": 1}]);
    Delivery::new(json!({"type": "daily", "user": user(id), "data": data}).to_string())
}

/// Two users of one end user. To the first everything happened that can.
async fn two() -> Terrace {
    let terrace = Terrace::new().await;
    for (kind, after) in [("deauth", 1), ("connection_error", 2), ("auth", 3)] {
        terrace.accept(&event(kind, "u").ordered(now() - 60_000 + after)).await;
    }
    terrace.accept(&day("u", "2026-07-01")).await;
    terrace.accept(&day("v", "2026-07-01")).await;
    terrace.settle().await;
    terrace
}

/// What a register cannot be.
fn damages() -> [AttributeValue; 3] {
    [text("GARMIN"), bytes(b"short"), bytes(&[0xff; 12])]
}

async fn view(terrace: &Terrace) -> Items {
    let mut items = timeless(terrace).await;
    items.retain(|(_, record), _| record == "connection" || record.starts_with("daily#"));
    items
}

async fn sweep(terrace: &Terrace) {
    let due = Instant::now() + Duration::from_secs(600);
    terrace.worker.work(&Job::Sweep { after: None }, due).await.unwrap();
    terrace.settle().await;
}

/// A 503 would be for good: Terra would try again until it gives up.
#[tokio::test]
async fn deliveries_are_taken_and_set_it_anew() {
    for register in REGISTERS {
        for value in damages() {
            let terrace = two().await;
            damage(&terrace, CONNECTION, register, Some(value.clone())).await;
            let later = now() + 1_000;
            for (kind, after) in [("deauth", 1), ("connection_error", 2), ("auth", 3)] {
                terrace.accept(&event(kind, "u").ordered(later + after)).await;
            }
            terrace.accept(&day("u", "2026-07-02").ordered(later)).await;
            let connection = terrace.read("/users/u", &[]).await;
            assert_eq!(connection.get("damaged"), None, "{register} {value:?}: {connection}");
            assert_eq!((&connection["reference_id"], &connection["status"]), (&json!("r"), &json!("active")));
        }
    }
}

#[tokio::test]
async fn a_replay_sets_it_as_it_was() {
    for register in REGISTERS {
        for value in damages() {
            let terrace = two().await;
            let whole = view(&terrace).await;
            damage(&terrace, CONNECTION, register, Some(value.clone())).await;
            assert!(!differences(&view(&terrace).await, &whole).is_empty());
            let done = replay(&terrace, &json!({"user_id": "u", "only": "all"})).await;
            assert_eq!((&done["status"], &done["progress"]["failed"]), (&json!("done"), &Value::Null));
            assert_eq!(differences(&view(&terrace).await, &whole), Vec::<String>::new(), "{register} {value:?}");
        }
    }
}

#[tokio::test]
async fn what_can_be_read_is_shown_and_the_rest_is_counted() {
    for register in REGISTERS {
        let terrace = two().await;
        damage(&terrace, CONNECTION, register, Some(text("x"))).await;
        let connection = terrace.read("/users/u", &[]).await;
        assert_eq!(connection["damaged"], 1, "{register}");
        for (path, list) in [("/users", "users"), ("/references/r", "connections")] {
            let answer = terrace.read(path, &[]).await;
            let listed = answer[list].as_array().unwrap();
            // Whose name is lost is not found by it.
            let found = if list == "connections" && register == "reference_id" { 1 } else { 2 };
            assert_eq!((listed.len(), answer.get("damaged")), (found, None), "{register} {path}");
        }
        for path in ["/users/u/records", "/users/u/deliveries", "/users/u/requests", "/users/u/diagnosis"] {
            terrace.read(path, &[]).await;
        }
    }
}

/// The paths at which something of a user is read.
fn paths(terrace_delivery: &str) -> [String; 7] {
    ["", "/records", "/records/daily/2026-07-01", "/deliveries", terrace_delivery, "/requests", "/diagnosis"]
        .map(|path| format!("/users/u{path}"))
}

async fn shows_nothing_and_hides_nobody(terrace: &Terrace, delivery: &str, what: &str) {
    for path in paths(delivery) {
        let answer = terrace.get(&path, &[]).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &said["error"]), (500, &json!("damaged")), "{what} {path}: {said}");
        let message = said["message"].as_str().unwrap();
        assert!(message.contains("terrace replay") && !message.contains("  "), "{message}");
    }
    for (path, list) in [("/users", "users"), ("/references/r", "connections")] {
        let answer = terrace.read(path, &[]).await;
        let listed: Vec<&Value> = answer[list].as_array().unwrap().iter().map(|one| &one["user_id"]).collect();
        assert_eq!((listed, &answer["damaged"]), (vec![&json!("v")], &json!(1)), "{what} {path}");
        let line = terrace.lines.last();
        assert_eq!((&line["level"], &line["doing"]), (&json!("error"), &json!("list connections")), "{what}");
    }
}

/// The name of a delivery of the first user, as a path has it.
async fn a_delivery(terrace: &Terrace) -> String {
    let deliveries = terrace.read("/users/u/deliveries", &[]).await;
    format!("/deliveries/{}", deliveries["deliveries"][0]["delivery"].as_str().unwrap())
}

#[tokio::test]
async fn of_one_that_may_be_erased_nothing_is_shown_until_the_round_has_erased_it_again() {
    for value in damages() {
        let terrace = two().await;
        let delivery = a_delivery(&terrace).await;
        // The mark and the ledger's line alone: all is there still.
        let (id, at_ms) = (UserId::new("u").unwrap(), now());
        let partition = Partition::of_user(&id);
        terrace.table.update_connection(&partition, &id, ConnectionUpdate::of_erased(at_ms)).await.unwrap();
        terrace.log.enter_erasure(&Subject::User("u".to_owned()), &partition, at_ms).await.unwrap();
        damage(&terrace, CONNECTION, "erased", Some(value.clone())).await;
        shows_nothing_and_hides_nobody(&terrace, &delivery, &format!("{value:?}")).await;
        sweep(&terrace).await;
        assert_eq!(terrace.read("/users/u", &[]).await["status"], "erased", "{value:?}");
        let left = terrace.items().await;
        let left: Vec<_> = left.iter().filter(|item| item["user_id"] == text("u")).collect();
        assert_eq!(left.len(), 1, "{value:?}: a tombstone alone");
        assert_eq!(terrace.read("/users", &[]).await.get("damaged"), None);
    }
}

#[tokio::test]
async fn of_one_that_may_be_replaced_nothing_is_shown_until_a_replay_says_so_again() {
    for value in damages() {
        let terrace = two().await;
        let delivery = a_delivery(&terrace).await;
        let reauth = json!({"type": "user_reauth", "old_user": user("u"), "new_user": user("v")});
        terrace.accept(&Delivery::new(reauth.to_string())).await;
        terrace.settle().await;
        let whole = view(&terrace).await;
        damage(&terrace, CONNECTION, "replaced", Some(value.clone())).await;
        shows_nothing_and_hides_nobody(&terrace, &delivery, &format!("{value:?}")).await;
        // What still comes for it is taken, and lies there until then.
        terrace.accept(&day("u", "2026-07-02")).await;
        replay(&terrace, &json!({"only": "all"})).await;
        terrace.settle().await;
        assert_eq!(terrace.read("/users/u", &[]).await["status"], "replaced");
        let days = terrace.read("/users/v/records", &[]).await;
        assert_eq!(days["records"].as_array().unwrap().len(), 2, "{value:?}: {days}");
        let other = view(&terrace).await;
        let same = |items: &Items| items.iter().filter(|((_, record), _)| record != "daily#2026-07-02").count();
        assert_eq!(same(&other), same(&whole));
    }
}

/// An erase leaves nothing of a person behind because it could not be read.
#[tokio::test]
async fn an_erase_takes_what_cannot_be_read() {
    for register in REGISTERS {
        let terrace = two().await;
        damage(&terrace, CONNECTION, register, Some(text("somebody's"))).await;
        terrace.delete("/users/u").await;
        terrace.settle().await;
        let left = terrace.items().await;
        let tombstone = left.iter().find(|item| item["user_id"] == text("u")).unwrap();
        let kept = ["user_id", "record", "reference", "auth", "revoked", "erased"];
        assert!(tombstone.keys().all(|name| kept.contains(&name.as_str())), "{register}: {tombstone:?}");
        let marked = ["auth", "revoked"].contains(&register);
        assert_eq!(tombstone.values().any(|value| *value == text("somebody's")), marked, "{register}");
    }
}

/// The daily round is stopped by none of them.
#[tokio::test]
async fn a_round_goes_on() {
    for register in REGISTERS.into_iter().chain(["erased", "replaced"]) {
        let terrace = two().await;
        damage(&terrace, CONNECTION, register, Some(text("x"))).await;
        sweep(&terrace).await;
        assert!(!terrace.lines.text().contains("\"outcome\":\"failed\""), "{register}: {}", terrace.lines.text());
    }
}
