//! What is known of a connection is the same in whatever order its events came, and what the promises say it is.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Items, text, timeless};
use terrace_tests::{Delivery, Terrace};

const CASES: u32 = 80;

/// Something that happens to the connection `me`, or to another one that it is mixed up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happens {
    Auth,
    Deauth,
    AccessRevoked,
    ConnectionError,
    Data(&'static str),
    PermissionChange(&'static str),
    /// `me` goes on as another.
    ReplacedBy(&'static str),
    /// `me` takes another's place.
    Replaces(&'static str),
}

/// When it happens: by the ordering header, or only by the signature.
#[derive(Debug, Clone, Copy)]
struct When {
    second: u64,
    by_header: bool,
}

type Happening = (Happens, When);

/// A minute ago, so that every time is one that can be believed.
fn base() -> u64 {
    UnixSeconds::now().0 - 60
}

fn delivery(base: u64, number: usize, (happens, when): Happening) -> Delivery {
    let me = json!({"user_id": "me", "provider": "GARMIN", "reference_id": "r", "active": true});
    let scoped = |scopes: &str| json!({"user_id": "me", "scopes": scopes});
    let body = match happens {
        Happens::Auth => json!({"type": "auth", "status": "success", "user": me}),
        Happens::Deauth => json!({"type": "deauth", "user": me}),
        Happens::AccessRevoked => json!({"type": "access_revoked", "user": me}),
        Happens::ConnectionError => json!({"type": "connection_error", "user": me}),
        Happens::Data(kind) => json!({"type": kind, "user": me, "data": []}),
        Happens::PermissionChange(scopes) => json!({"type": "permission_change", "user": scoped(scopes)}),
        Happens::ReplacedBy(new) => json!({"type": "user_reauth", "old_user": me, "new_user": {"user_id": new}}),
        Happens::Replaces(old) => json!({"type": "user_reauth", "old_user": {"user_id": old}, "new_user": me}),
    };
    let seconds = base + when.second;
    let delivery = Delivery::new(body.to_string()).trace(&format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b00{number}"));
    // The header says; what is signed later changes nothing.
    if when.by_header { delivery.ordered(seconds * 1_000).signed(base + 30) } else { delivery.signed(seconds) }
}

/// The connection `me` as the promises have it.
fn model(happened: &[Happening]) -> Value {
    let last = |is: &dyn Fn(Happens) -> bool| {
        happened.iter().filter(|(happens, _)| is(*happens)).map(|(_, when)| when.second).max()
    };
    let stands = |mark: Option<u64>, lifted: &[Option<u64>]| mark.is_some() && lifted.iter().all(|by| *by <= mark);
    let auth = last(&|happens| happens == Happens::Auth);
    let data = last(&|happens| matches!(happens, Happens::Data(_)));
    let replaced = last(&|happens| matches!(happens, Happens::ReplacedBy(_)));
    let renewed = last(&|happens| matches!(happens, Happens::Replaces(_)));
    let revoked = last(&|happens| matches!(happens, Happens::Deauth | Happens::AccessRevoked));
    let error = last(&|happens| happens == Happens::ConnectionError);
    let status = if stands(replaced, &[renewed]) {
        "replaced"
    } else if stands(revoked, &[auth]) {
        "revoked"
    } else if stands(error, &[auth, data]) {
        "error"
    } else {
        "active"
    };
    let newest = |of: &dyn Fn(Happens) -> Option<&'static str>| {
        happened.iter().filter_map(|(happens, when)| Some((when.second, of(*happens)?))).max().map(|(_, value)| value)
    };
    let replaced_by = newest(&|happens| if let Happens::ReplacedBy(new) = happens { Some(new) } else { None });
    // Of lists that are as new as each other any may be kept, if only it is the same: the one whose JSON is greater.
    let lists = happened.iter().filter_map(|(happens, when)| {
        let Happens::PermissionChange(scopes) = happens else { return None };
        let scopes: Vec<_> = scopes.split(',').filter(|one| !one.is_empty()).collect();
        Some((when.second, json!(scopes).to_string(), scopes))
    });
    let scopes = lists.max().map_or(Vec::new(), |(_, _, scopes)| scopes);
    let mut replaces: Vec<_> = happened
        .iter()
        .filter_map(|(happens, _)| if let Happens::Replaces(old) = happens { Some(*old) } else { None })
        .collect();
    replaces.sort_unstable();
    replaces.dedup();
    let last = ["daily", "sleep"].map(|kind| last(&|happens| happens == Happens::Data(kind)));
    json!({
        "status": status,
        "replaced_by": replaced_by.filter(|_| status == "replaced"),
        "scopes": scopes,
        "replaces": replaces,
        "last": last,
    })
}

/// The same of what is read.
async fn read(terrace: &Terrace, base: u64) -> Value {
    let answer = terrace.get("/users/me", &[]).await;
    assert_eq!(StatusCode::from_u16(answer.status).unwrap(), StatusCode::OK);
    let connection: Value = serde_json::from_slice(&answer.body).unwrap();
    let last = ["daily", "sleep"].map(|kind| {
        let instant = connection["last_delivery"][kind].as_str()?.parse::<jiff::Timestamp>().unwrap();
        Some(u64::try_from(instant.as_second()).unwrap() - base)
    });
    let of = |name: &str| connection[name].clone();
    json!({
        "status": of("status"), "replaced_by": of("replaced_by"), "scopes": of("scopes"), "replaces": of("replaces"),
        "last": last,
    })
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(length - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, length - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..length).map(move |at| insert(order, at))).collect()
}

/// The connections alone.
fn connections(items: Items) -> Items {
    items.into_iter().filter(|((_, record), _)| record == "connection").collect()
}

async fn in_order(base: u64, happened: &[Happening], order: &[usize]) -> (Value, Items) {
    let terrace = Terrace::new().await;
    for at in order {
        let answer = terrace.accept(&delivery(base, *at, happened[*at])).await;
        assert!(["stored", "queued"].contains(&answer["status"].as_str().unwrap()), "{answer}");
    }
    (read(&terrace, base).await, connections(timeless(&terrace).await))
}

fn happening() -> impl Strategy<Value = Happening> {
    let happens = select(vec![
        Happens::Auth,
        Happens::Deauth,
        Happens::AccessRevoked,
        Happens::ConnectionError,
        Happens::Data("daily"),
        Happens::Data("sleep"),
        Happens::PermissionChange("A,B"),
        Happens::PermissionChange(""),
        Happens::ReplacedBy("new-1"),
        Happens::ReplacedBy("new-2"),
        Happens::Replaces("old-1"),
    ]);
    (happens, (0_u64..4, any::<bool>()).prop_map(|(second, by_header)| When { second, by_header }))
}

#[test]
fn a_connection_ends_the_same_in_every_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 50, ..Config::default() };
    let base = base();
    let judged = TestRunner::new(config).run(&vec(happening(), 1..=4), |happened| {
        runtime.block_on(async {
            let expected = model(&happened);
            let mut first: Option<Items> = None;
            for order in permutations(happened.len()) {
                let (connection, items) = in_order(base, &happened, &order).await;
                prop_assert_eq!(&connection, &expected, "{:?} in the order {:?}", happened, order);
                let first = first.get_or_insert_with(|| items.clone());
                prop_assert_eq!(&items, &*first, "{:?} in the order {:?}", happened, order);
            }
            Ok::<(), TestCaseError>(())
        })
    });
    judged.unwrap();
}

/// Every pair of what can happen, so that no rule depends on luck.
#[tokio::test]
async fn a_later_event_lifts_what_the_rules_say_and_nothing_else() {
    let marks = [Happens::Deauth, Happens::AccessRevoked, Happens::ConnectionError, Happens::ReplacedBy("new-1")];
    let events =
        [Happens::Auth, Happens::Data("daily"), Happens::PermissionChange("A"), Happens::Replaces("old-1"), marks[2]];
    let (base, at) = (base(), |second| When { second, by_header: true });
    for mark in marks {
        for event in events {
            for (earlier, later) in [((mark, at(1)), (event, at(2))), ((event, at(1)), (mark, at(2)))] {
                let happened = [earlier, later];
                for order in [[0, 1], [1, 0]] {
                    let (connection, _) = in_order(base, &happened, &order).await;
                    assert_eq!(connection, model(&happened), "{happened:?}, {order:?}");
                }
            }
        }
    }
    let lifted = [(Happens::Deauth, at(1)), (Happens::Auth, at(2))];
    assert_eq!(in_order(base, &lifted, &[1, 0]).await.0["status"], "active");
    let kept = [(Happens::Deauth, at(1)), (Happens::Data("daily"), at(2))];
    assert_eq!(in_order(base, &kept, &[0, 1]).await.0["status"], "revoked");
}

#[tokio::test]
async fn what_comes_for_a_replaced_user_is_carried_over_by_a_job() {
    let (terrace, base) = (Terrace::new().await, base());
    let at = |second| When { second, by_header: true };
    let answer = terrace.accept(&delivery(base, 0, (Happens::ReplacedBy("new-1"), at(2)))).await;
    assert_eq!(answer["status"], "queued");
    assert_eq!((terrace.queue.len(), terrace.settle().await.of("rekey")), (1, 1));

    // Of before the replacement, and after it: either lies behind what the job has moved.
    for (number, second) in [(1, 1), (2, 3)] {
        let answer = terrace.accept(&delivery(base, number, (Happens::Data("daily"), at(second)))).await;
        assert_eq!(answer["status"], "queued");
        assert_eq!((terrace.queue.len(), terrace.settle().await.of("rekey")), (1, 1));
    }
    let new = terrace.accept(&Delivery::new(r#"{"type":"daily","user":{"user_id":"new-1"},"data":[]}"#)).await;
    assert_eq!((new["status"].as_str(), terrace.queue.len()), (Some("stored"), 0));
    assert_eq!(terrace.read("/users/me", &[]).await["replaced_by"], "new-1");
    assert_eq!(terrace.read("/users/new-1", &[]).await["replaces"], json!(["me"]));

    // Named as the new one by a later event, it stands for itself again.
    assert_eq!(terrace.accept(&delivery(base, 3, (Happens::Replaces("new-1"), at(9)))).await["status"], "queued");
    assert_eq!(terrace.read("/users/me", &[]).await["status"], "active");
}

#[tokio::test]
async fn times_in_the_body_set_no_register() {
    let (terrace, base) = (Terrace::new().await, base());
    terrace.accept(&delivery(base, 0, (Happens::Deauth, When { second: 5, by_header: true }))).await;
    let late = json!({"type": "auth", "user": {"user_id": "me", "last_webhook_update": "2036-07-01T00:00:00Z"}});
    terrace.accept(&Delivery::new(late.to_string()).signed(base)).await;
    assert_eq!(terrace.read("/users/me", &[]).await["status"], "revoked");
    let items = terrace.items().await;
    assert!(items.iter().any(|item| text(item, "record") == "connection" && item.contains_key("auth")));
}
