//! Odd fields, odd headers, and too much.

use crate::kept::{ends, log_of};
use http::HeaderName;
use serde_json::{Value, json};
use std::sync::Arc;
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::Secrets;
use terrace_terra::{SigningSecret, UnixSeconds, headers};
use terrace_tests::delivery::SECRET;
use terrace_tests::{Delivery, Terrace};
use terrace_webhook::Webhook;

/// What a field may be instead of what it should.
const ODD: [&str; 16] = [
    "null",
    "\"\"",
    "\" \"",
    "7",
    "-1.5e300",
    "true",
    "[]",
    "[null]",
    "[\"a\",7]",
    "{}",
    "{\"a\":[]}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"#\"",
    "\"😀\"",
    "\"yesterday\"",
];

#[tokio::test]
async fn odd_fields_beside_the_identifier_never_cost_the_record() {
    let long = format!("\"{}\"", "z".repeat(5_000));
    let huge = format!("\"{}\"", "z".repeat(300_000));
    for odd in ODD.iter().copied().chain([long.as_str(), huge.as_str()]) {
        let user = format!(
            r#"{{"user_id":"u","reference_id":{odd},"provider":{odd},"scopes":{odd},"last_webhook_update":{odd},"active":{odd}}}"#
        );
        let metadata = format!(r#"{{"summary_id":"s","start_time":{odd},"end_time":{odd},"upload_type":{odd}}}"#);
        let record = format!(
            r#"{{"metadata":{metadata},"data_enrichment":{odd},"observation_data":{odd},"device_data":{odd}}}"#
        );
        for of_type in ["activity", "health_observation", "sleep"] {
            let body = format!(
                r#"{{"type":"{of_type}","user":{user},"data":[{record}],"status":{odd},"message":{odd},"reference_id":{odd},"old_user":{odd}}}"#
            );
            let (terrace, answer) = ends(&body, "stored", None).await;
            assert_eq!(answer["records"]["stored"], 1, "{body}");
            let one = terrace.get(&format!("/users/u/records/{of_type}/s"), &[]).await;
            assert!(String::from_utf8_lossy(&one.body).contains(&record), "{body}");
            assert_eq!(terrace.get("/users/u/records", &[]).await.status, 200, "{body}");
            assert_eq!(terrace.read("/users/u", &[]).await["status"], "active");
        }
        for of_type in ["auth", "deauth", "connection_error", "permission_change", "user_reauth"] {
            let body =
                format!(r#"{{"type":"{of_type}","user":{user},"status":{odd},"old_user":{odd},"old_user_id":null}}"#);
            ends(&body, "stored", None).await;
        }
    }
}

#[tokio::test]
async fn odd_ordering_headers_count_as_absent() {
    let body = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}]}"#;
    for odd in
        ["", " ", "now", "-1", "+1782897153891", "1.5", "1e12", "0x10", "99999999999999999999999", "2026-07-01", "é"]
    {
        let terrace = Terrace::new().await;
        let mut delivery = Delivery::new(body);
        delivery.ordering = Some(odd.to_owned());
        assert_eq!(terrace.accept(&delivery).await["records"]["stored"], 1, "{odd}");
        let (item, logged) = log_of(&terrace).await.remove(0);
        assert!(!item.contains_key("ordering_ms") && logged == body.as_bytes(), "{odd}");
        assert_eq!(terrace.lines.last().get("OrderingTimesDiscarded"), None, "{odd}");
    }
}

#[tokio::test]
async fn an_ordering_time_that_nobody_can_have_is_counted_and_pins_nothing() {
    let body = |steps: u64| {
        format!(
            r#"{{"type":"daily","user":{{"user_id":"u"}},"data":[{{"metadata":{{"start_time":"2026-07-01"}},"steps":{steps}}}]}}"#
        )
    };
    let now = UnixSeconds::now().0;
    for odd in [0, 1, 1_500_000_000, now, now * 1_000 + 90_000, 9_999_999_999_999, u64::MAX] {
        let terrace = Terrace::new().await;
        terrace.accept(&Delivery::new(body(1)).ordered(odd).signed(now)).await;
        assert_eq!(terrace.lines.last()["OrderingTimesDiscarded"], 1, "{odd}");
        let answer = terrace.accept(&Delivery::new(body(2)).ordered(now * 1_000).signed(now)).await;
        assert_eq!(answer["records"]["stored"], 1, "{odd}: a true time wins");
        let listed = terrace.read("/users/u/deliveries", &[]).await;
        assert_eq!(listed["deliveries"].as_array().unwrap().len(), 2, "{odd}");
    }
}

#[tokio::test]
async fn a_header_of_any_bytes_never_costs_the_delivery() {
    let terrace = Terrace::new().await;
    for name in [headers::TRACE_ID, headers::ORDERING, headers::REFERENCE, "content-type", "x-anything"] {
        for value in [&b"\xff\xfe"[..], b"\t", b"#", &[b'9'; 8_000], b"a,b;c=d", b"\"\""] {
            let mut request = Delivery::new(r#"{"type":"healthcheck"}"#).request();
            request.headers.insert(HeaderName::from_static(name), value.try_into().unwrap());
            assert_eq!(terrace.webhook.handle(&request).await.status, 200, "{name}: {value:?}");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_told_of_ping_mode() {
    let terrace = Terrace::new().await;
    let intake = IntakeSettings { max_body_bytes: 2_000, ..IntakeSettings::default() };
    let secrets = Secrets::fixed(vec![SigningSecret::new(SECRET).unwrap()]);
    let telemetry = Arc::new(Telemetry::to(terrace.lines.clone()));
    let small = Webhook::new(secrets, terrace.ingest.clone(), intake, telemetry);
    let body = |bytes: usize| format!(r#"{{"type":"healthcheck"{}}}"#, " ".repeat(bytes - 22));
    for (webhook, limit) in [(&small, 2_000), (&terrace.webhook, 10 * 1_024 * 1_024)] {
        let over = webhook.handle(&Delivery::new(body(limit + 1)).request()).await;
        let said: Value = serde_json::from_slice(&over.body).unwrap();
        assert_eq!((over.status, &said["error"]), (413, &json!("too_large")));
        let message = said["message"].as_str().unwrap();
        assert!(message.contains("ping mode") && message.contains(&limit.to_string()), "{message}");
        assert_eq!(terrace.lines.last()["DeliveriesTooLarge"], 1);
        assert!(log_of(&terrace).await.iter().all(|(_, logged)| logged.len() < limit));
        let under = webhook.handle(&Delivery::new(body(limit)).request()).await;
        assert_eq!(under.status, 200);
        assert!(log_of(&terrace).await.iter().any(|(_, logged)| logged.len() == limit));
    }
}
