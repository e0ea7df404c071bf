//! Trusting, printing, inventing, refusing or dropping what should not be.

use crate::told::{THEN, counted, day, event, steps};
use serde_json::{Value, json};
use terrace_runtime::settings::{SettingError, WebhookSettings};
use terrace_store::local::{Database, Fault, Watched};
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, VerifiedBody};
use terrace_tests::delivery::SECRET;
use terrace_tests::{Delivery, Terrace};

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
