//! Mistakes that receivers of Terra's deliveries were seen to make, each with a test that it is not made here.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use futures::future::join_all;
use serde_json::{Value, json};
use terrace_runtime::settings::{SettingError, WebhookSettings};
use terrace_store::local::{Database, Fault, Watched};
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, VerifiedBody};
use terrace_tests::delivery::SECRET;
use terrace_tests::{Delivery, Terrace};

/// 2025-06-15T15:06:40Z, in milliseconds.
const THEN: u64 = 1_750_000_000_000;

fn event(of_type: &str, user: &str, data: &[Value]) -> Delivery {
    let user = json!({"user_id": user, "provider": "OURA", "reference_id": "customer"});
    Delivery::new(json!({"type": of_type, "user": user, "data": data}).to_string())
}

fn day(date: &str, steps: u64) -> Value {
    json!({"metadata": {"start_time": date}, "steps": steps})
}

fn sleep(id: &str, value: u64) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": "2026-07-01T23:00:00Z"}, "value": value})
}

async fn steps(terrace: &Terrace, user: &str, date: &str) -> Value {
    terrace.read(&format!("/users/{user}/records/daily/{date}"), &[]).await["data"]["steps"].clone()
}

async fn counted(terrace: &Terrace, user: &str, list: &str) -> usize {
    let answer = terrace.read(&format!("/users/{user}/{list}"), &[("limit", "1000")]).await;
    answer[list].as_array().unwrap().len()
}

/// Posts with Terra's reference of the request, which all chunks share.
async fn post_chunk(terrace: &Terrace, delivery: &Delivery, reference: &str) -> u16 {
    let mut request = delivery.request();
    request.headers.insert("terra-reference", reference.parse().unwrap());
    terrace.webhook.handle(&request).await.status
}

#[tokio::test]
async fn chunks_that_share_a_reference_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for (chunk, date) in ["2026-07-01", "2026-07-02", "2026-07-03"].iter().enumerate() {
        let delivery = event("daily", "u", &[day(date, 1)]).trace(&format!("t:chunk:{}", chunk + 1));
        assert_eq!(post_chunk(&terrace, &delivery, "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001").await, 200);
    }
    assert_eq!((counted(&terrace, "u", "records").await, counted(&terrace, "u", "deliveries").await), (3, 3));
}

#[tokio::test]
async fn two_bodies_under_one_trace_id_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for date in ["2026-07-01", "2026-07-02"] {
        terrace.accept(&event("daily", "u", &[day(date, 1)]).trace("same")).await;
    }
    assert_eq!((counted(&terrace, "u", "records").await, counted(&terrace, "u", "deliveries").await), (2, 2));
}

#[tokio::test]
async fn two_events_of_one_customer_within_an_hour_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for (of_type, data) in [("daily", day("2026-07-01", 1)), ("daily", day("2026-07-01", 2)), ("sleep", sleep("s", 1))]
    {
        let answer = terrace.accept(&event(of_type, "u", &[data])).await;
        assert_eq!(answer["status"], "stored");
    }
    assert_eq!(counted(&terrace, "u", "deliveries").await, 3);
}

#[tokio::test]
async fn concurrent_copies_of_one_delivery_neither_fail_nor_double() {
    let terrace = Terrace::new().await;
    let delivery = event("daily", "u", &[day("2026-07-01", 1), day("2026-07-02", 2)]).trace("t").ordered(THEN);
    let answers = join_all((0..12).map(|_| terrace.post(&delivery))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let stored: u64 = answers
        .iter()
        .map(|answer| serde_json::from_slice::<Value>(&answer.body).unwrap()["records"]["stored"].as_u64().unwrap())
        .sum();
    assert_eq!((stored, terrace.items().await.len()), (2, 4));
}

#[tokio::test]
async fn what_was_answered_is_in_the_archive_already() {
    let terrace = Terrace::new().await;
    let many: Vec<_> = (0..300).map(|at| sleep(&format!("s{at}"), at)).collect();
    for delivery in [event("daily", "u", &[day("2026-07-01", 1)]), event("sleep", "u", &many)] {
        let answer = terrace.accept(&delivery).await;
        let path = format!("/users/u/deliveries/{}", answer["delivery"].as_str().unwrap());
        assert_eq!(terrace.get(&path, &[]).await.body, delivery.body, "{}", answer["status"]);
    }
}

#[tokio::test]
async fn a_late_retry_does_not_overwrite_what_is_newer() {
    // The older copy is the fuller one and signed last: nothing but the ordering header tells.
    let fuller = json!({"metadata": {"start_time": "2026-07-01"}, "steps": 100, "distance": 1, "floors": 2});
    let now = UnixSeconds::now().0;
    let old = event("daily", "u", &[fuller]).trace("old").ordered(THEN).signed(now);
    let new = event("daily", "u", &[day("2026-07-01", 9_000)]).trace("new").ordered(THEN + 60_000).signed(now - 60);
    let terrace = Terrace::new().await;
    terrace.accept(&new).await;
    let answer = terrace.accept(&old).await;
    assert_eq!((&answer["status"], &answer["records"]["stale"]), (&json!("stored"), &json!(1)));
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 9_000);
    let terrace = Terrace::new().await;
    terrace.accept(&old).await;
    terrace.accept(&new).await;
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 9_000);
}

#[tokio::test]
async fn a_fuller_copy_is_not_ignored_as_a_duplicate() {
    let terrace = Terrace::new().await;
    for (at, value) in [1, 2, 3].into_iter().enumerate() {
        let delivery = event("daily", "u", &[day("2026-07-01", value)]).ordered(THEN + at as u64);
        assert_eq!(terrace.accept(&delivery).await["records"]["stored"], 1);
    }
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 3);
    assert_eq!(counted(&terrace, "u", "records").await, 1);
}

#[tokio::test]
async fn a_record_first_seen_without_an_ordering_header_is_not_stuck() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01", 1)])).await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01", 2)]).ordered(THEN)).await;
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 2);
}

#[tokio::test]
async fn a_redelivery_does_not_duplicate() {
    let terrace = Terrace::new().await;
    let delivery = event("sleep", "u", &[sleep("a", 1), sleep("b", 2)]).trace("t").ordered(THEN);
    terrace.accept(&delivery).await;
    let before = terrace.items().await;
    for _retry in 0..5 {
        let answer = terrace.accept(&delivery).await;
        assert_eq!(answer["records"], json!({"stored": 0, "unchanged": 2, "stale": 0, "rejected": 0}));
    }
    assert_eq!(terrace.items().await, before);
}

#[tokio::test]
async fn one_identifier_of_two_users_is_two_records() {
    let terrace = Terrace::new().await;
    for (user, value) in [("u", 1), ("v", 2)] {
        terrace.accept(&event("sleep", user, &[sleep("same", value)])).await;
    }
    for (user, value) in [("u", 1), ("v", 2)] {
        let record = terrace.read(&format!("/users/{user}/records/sleep/same"), &[]).await;
        assert_eq!(record["data"]["value"], value);
    }
}

#[tokio::test]
async fn one_identifier_of_two_types_is_two_records() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("sleep", "u", &[sleep("same", 1)])).await;
    terrace.accept(&event("activity", "u", &[sleep("same", 2)])).await;
    assert_eq!(counted(&terrace, "u", "records").await, 2);
}

#[tokio::test]
async fn the_same_identifier_twice_in_one_body_fails_nothing() {
    let terrace = Terrace::new().await;
    let fuller = json!({"metadata": {"start_time": "2026-07-01"}, "steps": 5, "distance": 7});
    let data = [day("2026-07-01", 1), fuller, day("2026-07-02", 2), day("2026-07-01", 3)];
    let answer = terrace.accept(&event("daily", "u", &data)).await;
    assert_eq!((&answer["records"]["stored"], &answer["records"]["rejected"]), (&json!(2), &json!(0)));
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 5, "the fuller one is kept");
}

#[tokio::test]
async fn every_record_of_a_batch_is_kept() {
    let terrace = Terrace::new().await;
    let all: Vec<_> = (0..150).map(|at| sleep(&format!("s{at}"), at)).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &all)).await["records"]["stored"], 150);
    let many: Vec<_> = (0..500).map(|at| sleep(&format!("m{at}"), at)).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &many)).await["status"], "queued");
    terrace.settle().await;
    assert_eq!(counted(&terrace, "u", "records").await, 650);
    assert_eq!(terrace.read("/users/u/records/sleep/m499", &[]).await["data"]["value"], 499);
}

#[tokio::test]
async fn no_type_falls_through() {
    let terrace = Terrace::new().await;
    let id = "2026-07-01";
    let element = json!({
        "metadata": {"summary_id": id, "start_time": id}, "planned_workout_id": id, "timestamp": id, "session_id": id
    });
    for of_type in [
        "activity",
        "body",
        "daily",
        "health_observation",
        "hormone",
        "menstruation",
        "nutrition",
        "planned_workout",
        "sleep",
    ] {
        assert_eq!(terrace.accept(&event(of_type, "u", std::slice::from_ref(&element))).await["records"]["stored"], 1);
        assert_eq!(terrace.read(&format!("/users/u/records/{of_type}/{id}"), &[]).await["data"], element, "{of_type}");
    }
    let athlete = json!({"type": "athlete", "user": {"user_id": "u"}, "athlete": {"age": 40}});
    terrace.accept(&Delivery::new(athlete.to_string())).await;
    assert_eq!(terrace.read("/users/u/records/athlete/athlete", &[]).await["data"]["age"], 40);
    let report = json!({"type": "lab_report.completed", "data": {"session_id": id, "reference_id": "r"}});
    terrace.accept(&Delivery::new(report.to_string())).await;
    assert_eq!(terrace.get(&format!("/references/r/records/lab_report/{id}"), &[]).await.status, 200);
    let ping = Delivery::new(r#"{"type":"s3_payload","url":"https://example.com","expires_in":600}"#);
    assert_eq!(terrace.accept(&ping).await["status"], "queued", "fetched, not dropped");
}

#[tokio::test]
async fn a_sleep_without_a_summary_id_is_kept_by_its_times() {
    let terrace = Terrace::new().await;
    let (start, end) = ("2026-07-01T23:00:00+02:00", "2026-07-02T07:00:00+02:00");
    let night = json!({"metadata": {"summary_id": null, "start_time": start, "end_time": end}, "value": 1});
    let nap = json!({"metadata": {"start_time": start, "end_time": "2026-07-02T00:00:00+02:00"}, "value": 2});
    assert_eq!(terrace.accept(&event("sleep", "u", &[night.clone(), nap])).await["records"]["stored"], 2);
    assert_eq!(terrace.accept(&event("sleep", "u", &[night])).await["records"]["unchanged"], 1);
    let one = terrace.read("/users/u/records", &[("id", &format!("{start}--{end}")), ("detail", "full")]).await;
    assert_eq!(one["records"][0]["data"]["value"], 1);
}

#[tokio::test]
async fn a_change_of_permissions_is_not_ignored() {
    let terrace = Terrace::new().await;
    let scopes = |of_type: &str, scopes: &str| {
        let user = json!({"user_id": "u", "scopes": scopes});
        let event = json!({"type": of_type, "user": user, "scopes_added": "c", "scopes_removed": "a"});
        Delivery::new(event.to_string())
    };
    terrace.accept(&scopes("auth", "a,b").ordered(THEN)).await;
    terrace.accept(&scopes("permission_change", "b,c").ordered(THEN + 2)).await;
    terrace.accept(&scopes("permission_change", "a").ordered(THEN + 1)).await;
    assert_eq!(terrace.read("/users/u", &[]).await["scopes"], json!(["b", "c"]));
}

#[tokio::test]
async fn no_header_that_terra_never_sends_is_waited_for() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01", 1)])).await;
    for odd in ["0", "9999999999999", "nonsense"] {
        let mut request = event("daily", "u", &[day("2026-07-02", 1)]).request();
        request.headers.insert("x-terra-timestamp", odd.parse().unwrap());
        request.headers.insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(terrace.webhook.handle(&request).await.status, 200, "{odd}");
    }
}

#[test]
fn without_a_secret_or_with_a_placeholder_nothing_starts() {
    let settings = |secret: Option<&'static str>| {
        WebhookSettings::read(&move |name| match name {
            "TERRA_SIGNING_SECRET" => secret.map(str::to_owned),
            "TERRACE_SECRETS_PARAMETER" => None,
            name if name.starts_with("TERRACE_TOLERANCE") || name == "TERRACE_LOG_DAYS" => None,
            "TERRACE_MAX_BODY_BYTES" | "TERRACE_RETENTION" => None,
            _ => Some("there".to_owned()),
        })
    };
    for (secret, refused) in [
        (None, SettingError::NoSecret),
        (Some(""), SettingError::NoSecret),
        (Some(" "), SettingError::NoSecret),
        (Some("a,"), SettingError::EmptySecret),
        (Some("local-development-secret"), SettingError::PlaceholderSecret),
        (Some("a-true-one,local-development-secret"), SettingError::PlaceholderSecret),
    ] {
        assert_eq!(settings(secret).unwrap_err(), refused, "{secret:?}");
    }
    assert!(settings(Some("a-true-one,another")).is_ok());
}

/// Compiles only while the type has no `==`: with one, `Probe` could be either, and inference fails.
macro_rules! assert_incomparable {
    ($type:ty) => {{
        trait Probe<Which> {
            fn found() {}
        }
        impl<T: ?Sized> Probe<()> for T {}
        struct Comparable;
        impl<T: ?Sized + PartialEq> Probe<Comparable> for T {}
        <$type as Probe<_>>::found();
    }};
}

#[test]
fn what_was_signed_is_not_compared_with_an_ordinary_equals() {
    assert_incomparable!(SigningSecret);
    assert_incomparable!(VerifiedBody<'static>);
    let shown =
        format!("{:?} {:?}", SigningSecret::new(SECRET), VerifiedBody::from_log(b"{\"bpm\":61}", UnixSeconds(0)));
    assert!(!shown.contains(SECRET) && !shown.contains("bpm"), "{shown}");
}

#[tokio::test]
async fn nothing_of_a_body_a_person_or_a_secret_is_printed() {
    let terrace = Terrace::new().await;
    let user = json!({"user_id": "person-1234", "reference_id": "someone@example.com", "provider": "PROVIDERX", "scopes": "SCOPEX"});
    let data = json!([{"metadata": {"summary_id": "identifier-77", "start_time": "2026-07-01"}, "glucose_mgdl": 98.7654}, "oddword"]);
    let body = json!({"type": "activity", "user": user, "data": data}).to_string();
    let good = Delivery::new(body.clone()).trace("trace-of-person-1234");
    terrace.accept(&good).await;
    terrace.post(&good.clone().signature(Some("t=1,v1=signature-value"))).await;
    terrace.post(&good.clone().signature(None)).await;
    terrace.post(&good.clone().signed(1)).await;
    terrace.accept(&Delivery::new(body.replace("activity", "unheard-of"))).await;
    terrace.accept(&Delivery::new(body.as_bytes()[..200].to_vec())).await;
    let down = Watched::new(Database::in_memory().unwrap().http_client());
    let down = Terrace::with(
        down.before(|name, _| if name == "UpdateItem" { Fault::Connection } else { Fault::None }).client(),
    )
    .await;
    assert_eq!(down.post(&good).await.status, 503);
    terrace.get("/users/person-1234/records/activity/identifier-77", &[]).await;
    terrace.get("/users/person-1234/deliveries/nothing", &[("limit", "oddword")]).await;
    let printed = format!("{}{}", terrace.lines.text(), down.lines.text());
    assert!(printed.lines().count() >= 7);
    let signature = good.request();
    let signature = signature.header("x-terra-signature").unwrap().split("v1=").nth(1).unwrap().to_owned();
    for secret in [
        "person-1234",
        "someone",
        "PROVIDERX",
        "SCOPEX",
        "identifier-77",
        "2026-07-01",
        "glucose",
        "98.76",
        "oddword",
        "unheard-of",
        "signature-value",
        &signature[..16],
        SECRET,
    ] {
        assert!(!printed.contains(secret), "{secret} is printed");
    }
}

#[tokio::test]
async fn no_value_is_invented() {
    let terrace = Terrace::new().await;
    let bare = r#"{"metadata":{"summary_id":"s"},"sleep_durations_data":{"asleep":{}},"efficiency":null}"#;
    terrace.accept(&Delivery::new(format!(r#"{{"type":"sleep","user":{{"user_id":"u"}},"data":[{bare}]}}"#))).await;
    let whole = terrace.read("/users/u/records/sleep/s", &[]).await;
    assert_eq!(whole["data"], serde_json::from_str::<Value>(bare).unwrap());
    assert_eq!((&whole["start_time"], &whole["provider"]), (&Value::Null, &Value::Null));
    let summary = terrace.read("/users/u/records", &[]).await;
    assert_eq!(summary["records"][0]["summary"], json!({"metadata": {"summary_id": "s"}}));
    let connection = terrace.read("/users/u", &[]).await;
    assert_eq!((&connection["provider"], &connection["scopes"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn data_of_a_user_nobody_announced_is_kept() {
    let terrace = Terrace::new().await;
    assert_eq!(terrace.accept(&event("daily", "stranger", &[day("2026-07-01", 1)])).await["status"], "stored");
    assert_eq!(steps(&terrace, "stranger", "2026-07-01").await, 1);
    let auth = json!({"type": "auth", "status": "success", "user": {"user_id": "stranger", "reference_id": "r"}});
    terrace.accept(&Delivery::new(auth.to_string())).await;
    assert_eq!(terrace.read("/users/stranger", &[]).await["reference_id"], "r");
    assert_eq!(counted(&terrace, "stranger", "records").await, 1);
}

/// Which status what goes wrong has: 401 is for signatures alone, and no failure hides behind a 200.
#[tokio::test(start_paused = true)]
async fn a_failure_within_is_neither_a_401_nor_a_200() {
    for operation in ["PutItem", "UpdateItem"] {
        for fault in [Fault::Internal, Fault::Throttled, Fault::Connection, Fault::NoAnswer] {
            let watched = Watched::new(Database::in_memory().unwrap().http_client());
            let faults = watched.before(move |name, _| if name == operation { fault } else { Fault::None });
            let terrace = Terrace::with(faults.client()).await;
            let delivery = event("daily", "u", &[day("2026-07-01", 1)]).trace("t").ordered(THEN);
            let answer = terrace.post(&delivery).await;
            let queued = operation == "UpdateItem" && fault == Fault::NoAnswer;
            if queued {
                let body: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!((answer.status, &body["status"]), (200, &json!("queued")), "a job follows");
                assert!(!terrace.queue.is_empty());
            } else {
                assert_eq!(answer.status, 503, "{operation} {fault:?}");
                assert!(answer.headers.iter().any(|(name, _)| *name == "retry-after"));
            }
            let wrong = terrace.post(&delivery.signature(Some("t=1"))).await;
            assert_eq!(wrong.status, 401, "{operation} {fault:?}");
        }
    }
}

#[tokio::test]
async fn no_size_of_a_day_is_too_large_before_the_limit_that_is_documented() {
    let terrace = Terrace::new().await;
    let mut state = 1_u64;
    let mut digits = |bytes: usize| -> String {
        let mut text = String::with_capacity(bytes + 20);
        while text.len() < bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{},", state >> 20));
        }
        text.pop();
        text
    };
    for (at, bytes) in [700, 40_000, 300_000, 1_000_000, 4_600_000, 6_500_000, 10_000_000].into_iter().enumerate() {
        let date = format!("2026-07-{:02}", at + 1);
        let record = format!(r#"{{"metadata":{{"start_time":"{date}"}},"samples":[{}]}}"#, digits(bytes));
        let body = format!(r#"{{"type":"daily","user":{{"user_id":"u"}},"data":[{record}]}}"#);
        let answer = terrace.accept(&Delivery::new(body.clone())).await;
        terrace.settle().await;
        let logged = terrace.get(&format!("/users/u/deliveries/{}", answer["delivery"].as_str().unwrap()), &[]).await;
        assert!(logged.body == body, "{bytes}");
        let whole = terrace.get(&format!("/users/u/records/daily/{date}"), &[]).await;
        assert!(String::from_utf8_lossy(&whole.body).contains(&record), "{bytes}");
    }
}

#[tokio::test]
async fn a_null_score_does_not_erase_one_that_was_there() {
    let terrace = Terrace::new().await;
    for (at, score) in [json!(81), Value::Null].into_iter().enumerate() {
        let record = json!({"metadata": {"summary_id": "s"}, "data_enrichment": {"sleep_score": score}, "copy": at});
        terrace.accept(&event("sleep", "u", &[record]).ordered(THEN + at as u64)).await;
    }
    let record = terrace.read("/users/u/records/sleep/s", &[]).await;
    assert_eq!((&record["data"]["copy"], &record["data"]["data_enrichment"]["sleep_score"]), (&json!(1), &json!(81)));
}
