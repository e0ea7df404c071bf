//! Anything at all: made-up events, JSON, bytes, and good bodies with damage done to them.

use crate::names::hostile;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use terrace_ingest::plan::{Envelope, Plan};
use terrace_records::{LogKey, Partition};
use terrace_terra::ids::UserId;
use terrace_terra::{DeliveryHeaders, EventType, UnixSeconds, VerifiedBody};
use terrace_tests::{Delivery, Terrace};

/// Anything that JSON can say, hostile texts and numbers included.
fn anything() -> impl Strategy<Value = Value> + Clone {
    let number = prop_oneof!["-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?(e-?[0-9]{1,2})?", Just("0".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap_or(Value::Null)),
        prop_oneof![Just(String::new()), "\\PC{0,12}", "[\\x00-\\x1f#/.%\"\\\\]{1,6}"].prop_map(Value::from),
        prop::sample::select(hostile()).prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T0[0-9]:00:00(Z|\\+01:00)?)?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let names = prop_oneof!["[a-z_]{1,8}", prop::sample::select(FIELDS).prop_map(str::to_owned), "\\PC{0,3}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The names that are looked for, anywhere.
const FIELDS: &[&str] = &[
    "type",
    "user",
    "user_id",
    "data",
    "metadata",
    "summary_id",
    "start_time",
    "end_time",
    "upload_type",
    "status",
    "data_enrichment",
    "observation_data",
    "planned_workout_id",
    "timestamp",
    "session_id",
    "reference_id",
    "scopes",
    "provider",
    "athlete",
    "old_user",
    "new_user",
    "old_user_id",
    "event_id",
    "occurred_at",
    "last_webhook_update",
    "id",
];

/// Something fitting more often than not.
fn mostly(fitting: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![4 => fitting, 1 => anything()].boxed()
}

fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| prop::option::weighted(0.8, value).prop_map(move |value| (name, value)))
        .collect();
    let whole = |members: Vec<(&str, Option<Value>)>| {
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    };
    members.prop_map(move |members| Value::Object(whole(members)))
}

fn record() -> BoxedStrategy<Value> {
    let id = || mostly("[a-c]".prop_map(Value::from));
    let day = || mostly(prop::sample::select(vec!["2026-07-01", "2026-07-02T00:00:00+01:00"]).prop_map(Value::from));
    let code = || mostly((0_u64..6).prop_map(Value::from));
    let metadata =
        vec![("summary_id", id()), ("id", id()), ("start_time", day()), ("end_time", day()), ("upload_type", code())];
    let scores = vec![("sleep_score", mostly((0_u64..100).prop_map(Value::from))), ("x", anything().boxed())];
    mostly(object(vec![
        ("metadata", mostly(object(metadata))),
        ("observation_data", mostly(object(vec![("status", code())]))),
        ("data_enrichment", mostly(object(scores))),
        ("planned_workout_id", id()),
        ("timestamp", day()),
        ("session_id", id()),
        ("heart_rate", anything().boxed()),
    ]))
}

fn event() -> impl Strategy<Value = Value> {
    let names: Vec<_> = EventType::ALL.iter().map(|one| Value::from(one.name())).collect();
    let texts = |texts: &'static [&'static str]| mostly(prop::sample::select(texts).prop_map(Value::from));
    let user = || {
        mostly(object(vec![
            ("user_id", texts(&["u", "v"])),
            ("reference_id", texts(&["r"])),
            ("provider", texts(&["GARMIN"])),
            ("scopes", texts(&["a,b", ""])),
            ("last_webhook_update", texts(&["2026-07-01T00:00:00Z"])),
        ]))
    };
    object(vec![
        ("type", prop_oneof![9 => prop::sample::select(names), 1 => anything()].boxed()),
        ("user", user()),
        ("new_user", user()),
        ("old_user", user()),
        ("old_user_id", texts(&["u"])),
        ("data", mostly(prop::collection::vec(record(), 0..4).prop_map(Value::from))),
        ("athlete", record()),
        ("status", texts(&["success", "error"])),
        ("reference_id", texts(&["r"])),
        ("session_id", texts(&["s"])),
        ("event_id", texts(&["e"])),
        ("occurred_at", texts(&["2026-07-01T00:00:00Z"])),
    ])
}

/// Posts a body twice: it is acknowledged, it is in the log under the name that was answered, what it belongs to can
/// still be read, and the second time stores nothing.
async fn survives(terrace: &Terrace, delivery: &Delivery) -> Result<(), TestCaseError> {
    let request = delivery.request();
    let answer = terrace.webhook.handle(&request).await;
    prop_assert_eq!(answer.status, 200, "{:?}", answer);
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    let name = said["delivery"].as_str().unwrap();
    let status = said["status"].as_str().unwrap();
    prop_assert!(["stored", "queued", "ignored", "quarantined"].contains(&status));
    let headers = DeliveryHeaders::read(|name| request.header(name));
    let verified = VerifiedBody::from_log(&delivery.body, UnixSeconds(delivery.signed_at));
    let partition = Plan::read(Envelope::from(&headers), verified).partition;
    let logged = terrace.log.read(&partition, &LogKey::from_name(name).unwrap()).await.unwrap();
    let logged = logged.ok_or_else(|| TestCaseError::fail("it is not in the log"))?;
    prop_assert!(terrace.log.body(&logged).await.unwrap() == delivery.body);
    prop_assert!(status != "quarantined" || logged.quarantine.is_some());
    let body = serde_json::from_slice::<Value>(&delivery.body).unwrap_or_default();
    let user = body["user"]["user_id"].as_str().unwrap_or_default();
    let is_theirs = UserId::new(user).is_some_and(|user| partition == Partition::of_user(&user));
    if is_theirs && !user.contains('/') {
        let body = terrace.get(&format!("/users/{user}/deliveries/{name}"), &[]).await;
        prop_assert_eq!(body.body, &delivery.body);
        let few = ("limit", "3");
        for (list, asked) in [("records", &[few, ("detail", "full")][..]), ("records", &[few]), ("deliveries", &[few])]
        {
            let listed = terrace.get(&format!("/users/{user}/{list}"), asked).await;
            prop_assert_eq!(listed.status, 200, "{:?}", listed);
        }
    }
    let again: Value = serde_json::from_slice(&terrace.webhook.handle(&request).await.body).unwrap();
    prop_assert_eq!(&again["records"]["stored"], &json!(0));
    // A re-authentication may bring back the very id that an earlier one replaced: what asked for a job is then lifted.
    let lifted = (&said["status"], &again["status"]) == (&json!("queued"), &json!("stored"));
    prop_assert!(again["status"] == said["status"] || lifted, "{} after {}", again["status"], said["status"]);
    prop_assert_eq!(&again["records"]["rejected"], &said["records"]["rejected"]);
    Ok(())
}

/// Runs cases over one Terrace, so that each meets what the others left.
fn run<S: Strategy>(cases: u32, strategy: &S, test: impl AsyncFn(&Terrace, S::Value) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let terrace = runtime.block_on(Terrace::new());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    TestRunner::new(config).run(strategy, |value| runtime.block_on(test(&terrace, value))).unwrap();
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let headers = (prop::option::of("\\PC{1,10}"), prop::option::of("[0-9]{1,21}|[0-9a-z.+-]{1,5}"));
    (event(), headers).prop_map(|(event, (trace_id, ordering))| Delivery {
        trace_id,
        ordering,
        ..Delivery::new(event.to_string())
    })
}

#[test]
fn any_event_is_kept() {
    run(2_500, &delivery(), async |terrace, delivery| survives(terrace, &delivery).await);
}

#[test]
fn a_repeat_of_any_event_changes_nothing() {
    run(100, &delivery(), async |_, delivery| {
        let terrace = Terrace::new().await;
        terrace.accept(&delivery).await;
        let before = terrace.items().await;
        terrace.accept(&delivery).await;
        prop_assert_eq!(terrace.items().await, before);
        Ok(())
    });
}

#[test]
fn any_json_is_kept() {
    run(400, &anything(), async |terrace, value| survives(terrace, &Delivery::new(value.to_string())).await);
}

#[test]
fn any_bytes_are_kept() {
    run(400, &prop::collection::vec(any::<u8>(), 0..300), async |terrace, bytes| {
        survives(terrace, &Delivery::new(bytes)).await
    });
}

#[test]
fn any_damage_to_a_good_body_is_kept() {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    run(800, &(event(), changes, any::<prop::sample::Index>()), async |terrace, (event, changes, end)| {
        let mut bytes = event.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() * 2) + 1);
        survives(terrace, &Delivery::new(bytes)).await
    });
}
