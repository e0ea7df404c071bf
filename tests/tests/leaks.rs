//! No byte of a body, no identifier of a person, no secret and no signature gets into the lines, whatever happens to a
//! delivery; and each delivery has one line.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::{Database, client_over};
use terrace_terra::UnixSeconds;
use terrace_tests::delivery::SECRET;
use terrace_tests::{Delivery, Terrace};

/// How much of a marker is not there by chance: of letters eight, of digits more than a timestamp has, of hexadecimal
/// digits more than of a shortened hash.
const OF_TEXT: usize = 8;
const OF_NUMBER: usize = 14;
const OF_HEX: usize = 18;

/// Texts that occur nowhere else, from a counter that is stirred; each with how much of it may not be seen.
#[derive(Debug, Default)]
struct Markers {
    made: Vec<(String, usize)>,
}

impl Markers {
    fn stirred(&mut self) -> u64 {
        let mut state = (self.made.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for shift in [30, 27, 31] {
            state = (state ^ (state >> shift)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        state
    }

    /// A text.
    fn text(&mut self) -> String {
        const LETTERS: &[u8] = b"QWXZKJVYGHPMNRTLqwxzkjvyghpmnrtl";
        let state = self.stirred();
        let letter = |at: u32| char::from(LETTERS[usize::try_from(state >> (at * 5) & 31).unwrap()]);
        self.add((0..12).map(letter).collect(), OF_TEXT)
    }

    /// A number as JSON.
    fn number(&mut self) -> String {
        let number = format!("{}7", 1_000_000_000_000_000_000 + self.stirred() % 8_000_000_000_000_000_000);
        self.add(number, OF_NUMBER)
    }

    fn add(&mut self, marker: String, window: usize) -> String {
        self.made.push((marker.clone(), window));
        marker
    }

    /// What of them occurs in a text.
    fn found_in(&self, text: &str) -> Vec<&str> {
        let seen = |window| text.as_bytes().windows(window).collect::<HashSet<_>>();
        let seen: HashMap<_, _> =
            [OF_TEXT, OF_NUMBER, OF_HEX].into_iter().map(|window| (window, seen(window))).collect();
        let parts = |(marker, window): &'_ (String, usize)| {
            let (length, window) = (marker.len(), *window);
            (0..=length - window).map(move |from| (window, from..from + window))
        };
        let all = self.made.iter().flat_map(|made| parts(made).map(|(window, range)| (window, &made.0[range])));
        all.filter(|(window, part)| seen[window].contains(part.as_bytes())).map(|(_, part)| part).collect()
    }
}

/// Bodies of every kind that nothing is known of but their markers. `{T}` stands for a text, `{N}` for a number, each
/// time another one.
const BODIES: [&str; 21] = [
    r#"{"type":"daily","user":{"user_id":"{T}","provider":"{T}","reference_id":"{T}","scopes":"{T},{T}"},
        "data":[{"metadata":{"start_time":"2026-07-01T{T}"},"{T}":{N},"{T}":["{T}",{"{T}":{N}}]}]}"#,
    r#"{"type":"sleep","user":{"user_id":"{T}","last_webhook_update":"{T}"},
        "data":[{"metadata":{"summary_id":"{T}","start_time":"{T}"},"data_enrichment":{"{T}":{N},"{T}":{"{T}":{N}}}}]}"#,
    r#"{"type":"activity","user":{"user_id":"{T}"},"data":[{"metadata":{"summary_id":"{T}","upload_type":4}}]}"#,
    r#"{"type":"body","user":{"user_id":"{T}"},"data":[{"metadata":{"start_time":"{T}"}},"{T}",{N}]}"#,
    r#"{"type":"athlete","user":{"user_id":"{T}"},"athlete":{"first_name":"{T}","email":"{T}@{T}"}}"#,
    r#"{"type":"hormone","user":{"user_id":"{T}"},"data":[{"timestamp":"{T}","{T}":{N}}]}"#,
    r#"{"type":"{T}","user":{"user_id":"{T}"},"data":[{"{T}":{N}}]}"#,
    r#"{"type":"{T}{T}"#,
    r#"{"{T}":"{T}","user":{"user_id":"{T}"}}"#,
    r#"["{T}",{N}]"#,
    r#"{T}"#,
    r#"{"type":"nutrition","user":{"reference_id":"{T}"},"data":[{"{T}":{N}}]}"#,
    r#"{"type":"nutrition","user":{"user_id":"{T}"},"data":"{T}"}"#,
    r#"{"type":"auth","status":"success","user":{"user_id":"{T}","provider":"{T}"},"reference_id":"{T}","{T}":"{T}"}"#,
    r#"{"type":"auth","status":"error","message":"{T}","reason":"{T}","user":{"user_id":"{T}"}}"#,
    r#"{"type":"user_reauth","old_user":{"user_id":"{T}"},"new_user":{"user_id":"{T}","reference_id":"{T}"}}"#,
    r#"{"type":"permission_change","user":{"user_id":"{T}","scopes":["{T}","{T}"]}}"#,
    r#"{"type":"lab_report.completed","event_id":"{T}","occurred_at":"{T}","data":{"session_id":"{T}","reference_id":"{T}","{T}":{N}}}"#,
    r#"{"type":"s3_payload","url":"https://{T}.invalid/{T}?X-Amz-Signature={T}","user":{"user_id":"{T}"}}"#,
    r#"{"type":"large_request_processing","user":{"user_id":"{T}"},"reference":"{T}"}"#,
    r#"{"type":"healthcheck","{T}":"{T}"}"#,
];

/// A body with fresh markers in its places.
fn fill(body: &str, markers: &mut Markers) -> String {
    let mut filled = String::new();
    let mut rest = body;
    while let Some(at) = rest.find("{T}").into_iter().chain(rest.find("{N}")).min() {
        filled.push_str(&rest[..at]);
        let marker = if rest[at..].starts_with("{T}") { markers.text() } else { markers.number() };
        filled.push_str(&marker);
        rest = &rest[at + 3..];
    }
    filled + rest
}

fn bodies(markers: &mut Markers) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = BODIES.iter().map(|body| fill(body, markers).into_bytes()).collect();
    let samples: Vec<_> = (0..400).map(|_| markers.number()).collect();
    let large = fill(
        r#"{"type":"sleep","user":{"user_id":"{T}"},"data":[{"metadata":{"summary_id":"{T}"},"samples":["#,
        markers,
    );
    bodies.push(format!("{large}{}]}}]}}", samples.join(",")).into_bytes());
    let days: Vec<_> =
        (0..210).map(|day| format!(r#"{{"metadata":{{"summary_id":"{}{day}"}}}}"#, markers.text())).collect();
    let many = fill(r#"{"type":"sleep","user":{"user_id":"{T}"},"data":["#, markers);
    bodies.push(format!("{many}{}]}}", days.join(",")).into_bytes());
    bodies.push([b"\xff\xfe", markers.text().as_bytes()].concat());
    bodies.push(fill(r#"{"type":"daily","user":{"user_id":"{T}"},"data":["#, markers).repeat(50).into_bytes());
    let long = markers.text().repeat(100);
    let long = json!({"type": "sleep", "user": {"user_id": long}, "data": [{"metadata": {"summary_id": long}}]});
    bodies.push(long.to_string().into_bytes());
    bodies
}

/// Ways to send a body: each header as it should be or a marker.
fn deliveries(markers: &mut Markers) -> Vec<Delivery> {
    let now = UnixSeconds::now().0;
    let mut deliveries = Vec::new();
    for body in bodies(markers) {
        let delivery = Delivery::new(body.clone()).signed(now).ordered(now * 1_000);
        let signature = delivery.request().header("x-terra-signature").unwrap().to_owned();
        markers.add(signature.split_once("v1=").unwrap().1.to_owned(), OF_HEX);
        let wrong = HEXLOWER.encode(format!("{}{}01234567", markers.text(), markers.text()).as_bytes());
        markers.add(wrong.clone(), OF_HEX);
        let mut odd = delivery.clone().trace(&markers.text());
        odd.ordering = Some(markers.text());
        deliveries.extend([
            delivery.clone(),
            delivery.clone(),
            odd,
            delivery.clone().trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001"),
            delivery.clone().trace(&markers.text()).signature(None),
            delivery.clone().trace(&markers.text()).signature(Some(&markers.text())),
            delivery.clone().trace(&markers.text()).signature(Some(&format!("t={now},v1={wrong}"))),
            Delivery::new(body.clone()).signed(now - 200_000).trace(&markers.text()),
            Delivery::new(body).signed(now + 4_000).trace(&markers.text()),
        ]);
    }
    markers.add(SECRET.to_owned(), OF_TEXT);
    deliveries
}

/// Posts everything; every delivery has to have its one line, which is JSON, and no line a marker.
async fn post_all(terrace: &Terrace, deliveries: &[Delivery], markers: &Markers) -> Vec<Value> {
    for (posted, delivery) in deliveries.iter().enumerate() {
        let answer = terrace.post(delivery).await;
        assert_eq!(terrace.lines.text().lines().count(), posted + 1, "{delivery:?}: {answer:?}");
    }
    let text = terrace.lines.text();
    let found = markers.found_in(&text);
    assert!(found.is_empty(), "{found:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn outcomes(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_tell_nothing_of_what_came() {
    let (terrace, mut markers) = (Terrace::new().await, Markers::default());
    let mut deliveries = deliveries(&mut markers);
    let long = markers.text().repeat(IntakeSettings::default().max_body_bytes / 10);
    deliveries.push(Delivery::new(long));
    let lines = post_all(&terrace, &deliveries, &markers).await;
    let expected = [
        "ignored",
        "quarantined",
        "queued",
        "signature_future",
        "signature_malformed",
        "signature_mismatch",
        "signature_missing",
        "signature_too_old",
        "stored",
        "too_large",
    ];
    assert_eq!(outcomes(&lines), expected.into(), "each of them has to be seen");
    for line in lines.iter().filter_map(|line| line["delivery"].as_str()) {
        assert!(
            line == "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001" || line.starts_with("sha256:") && line.len() == 23,
            "{line}"
        );
    }
    // What jobs do, and what is asked, is told as little of.
    terrace.settle().await;
    for (marker, _) in markers.made.iter().take(60) {
        for path in [format!("/users/{marker}"), format!("/users/{marker}/records"), format!("/references/{marker}")] {
            terrace.get(&path, &[]).await;
            terrace.get(&path, &[("id", marker), ("cursor", marker), ("type", marker)]).await;
        }
    }
    assert_eq!(markers.found_in(&terrace.lines.text()), [""; 0]);
}

/// A DynamoDB that quotes every request in its error, as the real one does with some.
#[derive(Debug, Clone)]
struct Quoting {
    status: Arc<AtomicU16>,
    inner: SharedHttpConnector,
}

impl HttpConnector for Quoting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let status = self.status.load(Ordering::SeqCst);
        if status == 200 {
            return self.inner.call(request);
        }
        let kinds =
            ["ValidationException", "AccessDeniedException", "ThrottlingException", "ResourceNotFoundException"];
        let kind = if status < 500 { kinds[usize::from(status - 400)] } else { "InternalServerError" };
        let quoted = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let body = json!({"__type": format!("com.amazon.coral.service#{kind}"), "message": quoted}).to_string();
        let status = StatusCode::try_from(if status < 500 { 400 } else { 500 }).unwrap();
        let mut response = Response::new(status, SdkBody::from(body));
        response.headers_mut().insert("x-amzn-errortype", kind);
        HttpConnectorFuture::ready(Ok(response))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_quotes_what_it_was_sent_is_not_quoted() {
    for status in [400, 401, 402, 403, 500] {
        let database = Database::in_memory().unwrap();
        let failing = Arc::new(AtomicU16::new(200));
        let client = client_over(http_client_fn({
            let (database, failing) = (database.http_client(), Arc::clone(&failing));
            move |settings, components| {
                use aws_smithy_runtime_api::client::http::HttpClient;
                let inner = database.http_connector(settings, components);
                SharedHttpConnector::new(Quoting { status: Arc::clone(&failing), inner })
            }
        }));
        let (terrace, mut markers) = (Terrace::with(client).await, Markers::default());
        let deliveries = deliveries(&mut markers);
        failing.store(status, Ordering::SeqCst);
        let lines = post_all(&terrace, &deliveries, &markers).await;
        assert!(outcomes(&lines).contains("unavailable"), "{status}");
        let said = lines.iter().filter_map(|line| line["error"].as_str());
        assert!(said.clone().count() > 50 && said.clone().all(|error| error.contains("could not")), "{status}");
        for (marker, _) in markers.made.iter().take(20) {
            assert_ne!(terrace.get(&format!("/users/{marker}/records"), &[]).await.status, 200);
        }
        assert_eq!(markers.found_in(&terrace.lines.text()), [""; 0], "{status}");
    }
}
