//! Nothing unsigned gets in: what is refused leaves nothing behind but a count, and what Terra signs is let in however
//! its header is written.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::secrets::{FRESH_FOR, REFRESH_AFTER, SecretSource};
use terrace_store::{Secrets, StoreError};
use terrace_terra::signature::{SigningSecret, sign};
use terrace_terra::{UnixSeconds, headers};
use terrace_tests::delivery::SECRET;
use terrace_tests::terrace::Lines;
use terrace_tests::{Delivery, Terrace};
use terrace_webhook::Webhook;
use zeroize::Zeroizing;

const BODY: &str = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}]}"#;

fn now() -> u64 {
    UnixSeconds::now().0
}

fn header_of(secret: &str, signed_at: u64, body: &str) -> String {
    sign(&SigningSecret::new(secret).unwrap(), UnixSeconds(signed_at), body.as_bytes())
}

/// The 64 digits of a true signature of the body at this second.
fn digits(signed_at: u64, body: &str) -> String {
    header_of(SECRET, signed_at, body).split_once("v1=").unwrap().1.to_owned()
}

/// Posts under this header, which has to be refused for this reason and counted under its metric alone, and leave
/// nothing behind.
async fn refused(terrace: &Terrace, header: Option<&str>, reason: &str) -> Value {
    refused_delivery(terrace, &Delivery::new(BODY).trace("t").signature(header), reason).await
}

async fn refused_delivery(terrace: &Terrace, delivery: &Delivery, reason: &str) -> Value {
    let metric = match reason {
        "signature_missing" | "signature_malformed" => "SignatureMissing",
        "signature_too_old" | "signature_future" => "SignatureOutOfTime",
        _ => "SignatureMismatch",
    };
    let answer = terrace.post(delivery).await;
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &said["error"]), (401, &json!("invalid_signature")), "{delivery:?}");
    let line = terrace.lines.last();
    let counted: Vec<_> = line.as_object().unwrap().keys().filter(|name| name.starts_with("Signature")).collect();
    assert_eq!(counted, [metric], "{delivery:?}");
    assert_eq!((&line[metric], &line["outcome"]), (&json!(1), &json!(reason)), "{delivery:?}");
    assert!(terrace.items().await.is_empty() && terrace.queue.is_empty(), "{delivery:?}");
    said
}

#[tokio::test]
async fn a_delivery_without_a_signature_is_refused() {
    let terrace = Terrace::new().await;
    for none in [None, Some(""), Some("   ")] {
        refused(&terrace, none, "signature_missing").await;
    }
}

#[tokio::test]
async fn a_signature_that_is_none_is_refused() {
    let terrace = Terrace::new().await;
    let t = now();
    let hex = digits(t, BODY);
    let short = &hex[..62];
    for odd in [
        "nonsense".to_owned(),
        ",".to_owned(),
        "=".to_owned(),
        "t".to_owned(),
        hex.clone(),
        format!("sha256={hex}"),
        format!("v1={hex}"),
        format!("t={t}"),
        format!("t={t},v1="),
        format!("t={t},v1"),
        format!("t=,v1={hex}"),
        format!("t=now,v1={hex}"),
        format!("t=-{t},v1={hex}"),
        format!("t=+{t},v1={hex}"),
        format!("t={t}.0,v1={hex}"),
        format!("t=0x{t:x},v1={hex}"),
        format!("t={t} v1={hex}"),
        format!("t={t};v1={hex}"),
        format!("t={t},v0={hex}"),
        format!("t={t},v2={hex}"),
        format!("t={t},V1={hex}"),
        format!("t={t},v1={short}"),
        format!("t={t},v1={hex}00"),
        format!("t={t},v1={short}zz"),
        format!("t={t},v1=\"{hex}\""),
        format!("t={t},t={},v1={hex}", t + 1),
        format!("t=99999999999999999999999,v1={hex}"),
        format!("{{\"t\":{t},\"v1\":\"{hex}\"}}"),
    ] {
        refused(&terrace, Some(&odd), "signature_malformed").await;
    }
}

#[tokio::test]
async fn a_header_that_is_no_text_is_no_signature() {
    let terrace = Terrace::new().await;
    refused(&terrace, Some(&format!("t={},v1={}é", now(), digits(now(), BODY))), "signature_missing").await;
}

#[tokio::test]
async fn a_signature_of_something_else_is_refused() {
    let terrace = Terrace::new().await;
    let t = now();
    let spaced = serde_json::to_string_pretty(&serde_json::from_str::<Value>(BODY).unwrap()).unwrap();
    let zeroes = "0".repeat(64);
    for wrong in [
        header_of("another-secret", t, BODY),
        header_of(&SECRET.to_uppercase(), t, BODY),
        header_of(SECRET, t, ""),
        header_of(SECRET, t, &BODY[..BODY.len() - 1]),
        header_of(SECRET, t, &format!("{BODY}\n")),
        header_of(SECRET, t, &spaced),
        format!("t={t},v1={}", digits(t - 1, BODY)),
        format!("t=0{t},v1={}", digits(t, BODY)),
        format!("t={t},v1={zeroes}"),
        format!("t={t},v1={},v0={}", "ab".repeat(32), digits(t, BODY)),
    ] {
        refused(&terrace, Some(&wrong), "signature_mismatch").await;
    }
}

#[tokio::test]
async fn a_signature_outside_the_tolerance_is_refused() {
    let terrace = Terrace::new().await;
    let (past, future) = (26 * 60 * 60, 5 * 60);
    for old in [0, 1, now() - past - 5, now() - 10 * past] {
        refused_delivery(&terrace, &Delivery::new(BODY).signed(old), "signature_too_old").await;
    }
    for ahead in [now() + future + 30, now() * 1_000, u64::MAX] {
        refused_delivery(&terrace, &Delivery::new(BODY).signed(ahead), "signature_future").await;
    }
    for (at, age) in [(now() - past + 30, past - 30), (now() - 400, 400), (now() + future - 30, 0)] {
        let body = BODY.replace("\"u\"", &format!("\"u{at}\""));
        terrace.accept(&Delivery::new(body).signed(at)).await;
        let counted = terrace.lines.last()["SignatureAge"].as_u64().unwrap();
        assert!((age..=age + 20).contains(&counted), "{counted} is not {age}");
    }
}

#[tokio::test]
async fn what_is_answered_does_not_say_why() {
    let terrace = Terrace::new().await;
    let missing = refused(&terrace, None, "signature_missing").await;
    let malformed = refused(&terrace, Some("t=1"), "signature_malformed").await;
    let wrong = refused(&terrace, Some(&header_of("another", now(), BODY)), "signature_mismatch").await;
    let old = refused(&terrace, Some(&header_of(SECRET, 1, BODY)), "signature_too_old").await;
    assert!([malformed, wrong, old].iter().all(|said| *said == missing));
}

#[tokio::test]
async fn nothing_is_read_of_a_body_before_its_signature_holds() {
    let terrace = Terrace::new().await;
    for body in [b"\xff\xfe".to_vec(), vec![b'['; 200_000], BODY.into(), b"".to_vec(), b"{".to_vec()] {
        let delivery = Delivery::new(body).trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001").signature(Some("t=1"));
        refused_delivery(&terrace, &delivery, "signature_malformed").await;
        let line = terrace.lines.last();
        assert!(line.get("event").is_none() && line.get("delivery").is_none(), "{line}");
    }
    assert!(!terrace.lines.text().contains("daily"));
}

async fn post_with(terrace: &Terrace, pairs: &[(&str, String)]) -> u16 {
    let mut request = Delivery::new(BODY).signature(None).request();
    request.headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    terrace.webhook.handle(&request).await.status
}

#[tokio::test]
async fn the_header_has_two_names_in_any_casing() {
    let terrace = Terrace::new().await;
    let good = header_of(SECRET, now(), BODY);
    for name in ["X-Terra-Signature", "x-terra-signature", "X-TERRA-SIGNATURE", "terra-signature", "Terra-Signature"] {
        assert_eq!(post_with(&terrace, &[(name, good.clone())]).await, 200, "{name}");
    }
    for other in ["x-signature", "signature", "x-terra-timestamp", "authorization", "terra-reference"] {
        assert_eq!(post_with(&terrace, &[(other, good.clone())]).await, 401, "{other}");
    }
    let bad = header_of("another", now(), BODY);
    let (new, old) = (headers::SIGNATURE, headers::SIGNATURE_OLD);
    assert_eq!(post_with(&terrace, &[(old, bad.clone()), (new, good.clone())]).await, 200, "the present name counts");
    assert_eq!(post_with(&terrace, &[(old, good), (new, bad)]).await, 401);
}

#[tokio::test]
async fn any_of_several_signatures_may_hold() {
    let terrace = Terrace::new().await;
    let t = now();
    let (hex, wrong) = (digits(t, BODY), "ab".repeat(32));
    for header in [
        format!("t={t},v1={hex}"),
        format!("v1={hex},t={t}"),
        format!("t={t},v1={wrong},v1={hex}"),
        format!("t={t},v1={hex},v1={wrong}"),
        format!("t={t},v1=short,v1={hex}"),
        format!("t={t},v0=abc,v1={hex},v2=def,x"),
        format!(" t = {t} , v1 = {hex} "),
        format!("t={t},v1={}", hex.to_uppercase()),
        format!("t={t},v1={wrong},t={t},v1={hex}"),
    ] {
        assert_eq!(terrace.post(&Delivery::new(BODY).signature(Some(&header))).await.status, 200, "{header}");
    }
    assert_eq!(post_with(&terrace, &[(headers::SIGNATURE_OLD, format!("t={t},v1={hex}"))]).await, 200);
}

#[tokio::test]
async fn a_body_is_verified_as_it_was_sent_whatever_its_spacing() {
    let terrace = Terrace::new().await;
    for body in [
        "  {\"type\" :\t\"daily\",\r\n \"user\":{\"user_id\":\"s\"}, \"data\":[ ] }\n\n",
        r#"{"data":[],"user":{"user_id":"\u0073"},"type":"d\u0061ily","n":1.0E+02}"#,
    ] {
        assert_eq!(terrace.accept(&Delivery::new(body)).await["status"], "stored", "{body}");
    }
}

/// One byte of the body or one digit of the header changed.
#[test]
fn no_byte_may_change() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let terrace = runtime.block_on(Terrace::new());
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let case = (any::<prop::sample::Index>(), 1_u8..=255, prop::bool::ANY, "[0-9]");
    let ran = TestRunner::new(config).run(&case, |(at, flip, of_body, digit)| {
        let mut header = header_of(SECRET, now(), BODY);
        let mut body = BODY.as_bytes().to_vec();
        if of_body {
            let at = at.index(body.len());
            body[at] ^= flip;
        } else {
            let digits = header.find(',').unwrap();
            let at = at.index(digits - 2) + 2;
            prop_assume!(header[at..=at] != digit);
            header.replace_range(at..=at, &digit);
        }
        let answer = runtime.block_on(terrace.post(&Delivery::new(body).signature(Some(&header))));
        prop_assert_eq!(answer.status, 401);
        Ok(())
    });
    ran.unwrap();
    assert!(runtime.block_on(terrace.items()).is_empty());
}

/// A parameter that can be changed and can fail.
#[derive(Debug, Clone, Default)]
struct Parameter {
    text: Arc<Mutex<Option<String>>>,
    reads: Arc<AtomicUsize>,
}

impl Parameter {
    fn set(&self, text: Option<&str>) {
        *self.text.lock().unwrap() = text.map(str::to_owned);
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SecretSource for Parameter {
    async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let text = self.text.lock().unwrap().clone();
        text.map(Zeroizing::new).ok_or_else(|| StoreError::unavailable("read the signing secrets", "down"))
    }
}

/// A webhook beside the one of this Terrace, with secrets of its own.
fn webhook(terrace: &Terrace, secrets: Secrets) -> (Webhook, Lines) {
    let lines = Lines::default();
    let telemetry = Arc::new(Telemetry::to(lines.clone()));
    (Webhook::new(secrets, terrace.ingest.clone(), IntakeSettings::default(), telemetry), lines)
}

async fn with_parameter(terrace: &Terrace, text: &str) -> (Parameter, Webhook, Lines) {
    let parameter = Parameter::default();
    parameter.set(Some(text));
    let secrets = Secrets::read_from(Box::new(parameter.clone())).await.unwrap();
    let (webhook, lines) = webhook(terrace, secrets);
    (parameter, webhook, lines)
}

async fn post_signed_with(webhook: &Webhook, secret: &str) -> u16 {
    let header = header_of(secret, now(), BODY);
    webhook.handle(&Delivery::new(BODY).signature(Some(&header)).request()).await.status
}

#[tokio::test]
async fn every_configured_secret_lets_in_and_no_other() {
    let terrace = Terrace::new().await;
    let secrets = ["one", "two", " three "].map(|text| SigningSecret::new(text).unwrap()).to_vec();
    let (webhook, _) = webhook(&terrace, Secrets::fixed(secrets));
    for (secret, status) in
        [("one", 200), ("two", 200), ("three", 200), ("four", 401), ("onetwo", 401), ("one,two", 401)]
    {
        assert_eq!(post_signed_with(&webhook, secret).await, status, "{secret}");
    }
}

#[tokio::test]
async fn with_no_secret_nothing_gets_in() {
    let terrace = Terrace::new().await;
    let (webhook, lines) = webhook(&terrace, Secrets::fixed(Vec::new()));
    assert_eq!(post_signed_with(&webhook, SECRET).await, 401);
    assert_eq!(lines.last()["SignatureMismatch"], 1);
    let parameter = Parameter::default();
    for none in ["[]", "", "null", r#"[""]"#, r#"[" "]"#] {
        parameter.set(Some(none));
        let refused = Secrets::read_from(Box::new(parameter.clone())).await.unwrap_err();
        assert!(!refused.is_transient(), "{none}: no retry brings a secret");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_counts_from_its_first_delivery() {
    let terrace = Terrace::new().await;
    let (parameter, webhook, _) = with_parameter(&terrace, r#"["old"]"#).await;
    tokio::time::advance(FRESH_FOR).await;
    parameter.set(Some(r#"["old","new"]"#));
    assert_eq!((post_signed_with(&webhook, "old").await, parameter.reads()), (200, 1), "a match needs no second look");
    assert_eq!((post_signed_with(&webhook, "new").await, parameter.reads()), (200, 2));
    tokio::time::advance(REFRESH_AFTER).await;
    parameter.set(Some(r#"["new"]"#));
    assert_eq!((post_signed_with(&webhook, "old").await, parameter.reads()), (401, 3), "a secret that was taken away");
    assert_eq!(post_signed_with(&webhook, "new").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_is_a_503_while_the_secrets_cannot_be_read() {
    let terrace = Terrace::new().await;
    let (parameter, webhook, lines) = with_parameter(&terrace, r#"["old"]"#).await;
    assert_eq!(post_signed_with(&webhook, "new").await, 401, "the secrets were read a moment ago");
    tokio::time::advance(FRESH_FOR).await;
    parameter.set(None);
    let header = header_of("new", now(), BODY);
    for _again in 0..3 {
        let answer = webhook.handle(&Delivery::new(BODY).trace("t").signature(Some(&header)).request()).await;
        assert_eq!((answer.status, &answer.headers[0]), (503, &("retry-after", "5".to_owned())));
        let line = lines.last();
        assert_eq!((&line["outcome"], &line["DeliveriesUnavailable"]), (&json!("unavailable"), &json!(1)));
        assert!(line.get("SignatureMismatch").is_none(), "nobody knows that it is one");
    }
    assert_eq!(parameter.reads(), 2, "one look a second");
    assert!(terrace.items().await.is_empty());
    tokio::time::advance(REFRESH_AFTER * 3 + Duration::from_secs(1)).await;
    assert_eq!(post_signed_with(&webhook, "old").await, 200, "the last good list serves on");
    tokio::time::advance(FRESH_FOR).await;
    parameter.set(Some(r#"["new"]"#));
    assert_eq!(post_signed_with(&webhook, "new").await, 200, "Terra's retry gets in");
}

#[tokio::test(start_paused = true)]
async fn only_a_mismatch_looks_the_secrets_up() {
    let terrace = Terrace::new().await;
    let (parameter, webhook, _) = with_parameter(&terrace, r#"["old"]"#).await;
    tokio::time::advance(FRESH_FOR).await;
    parameter.set(None);
    let (old, ahead) = (header_of("new", 1, BODY), header_of("new", now() + 1_000, BODY));
    for header in [None, Some("nonsense"), Some(old.as_str()), Some(ahead.as_str())] {
        let delivery = Delivery::new(BODY).signature(header);
        assert_eq!(webhook.handle(&delivery.request()).await.status, 401, "{header:?}");
    }
    assert_eq!(parameter.reads(), 1);
}
