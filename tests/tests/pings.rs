//! In ping mode a delivery is a URL: what it leads to is stored exactly as if it had been the delivery, and what leads
//! nowhere is in quarantine with the reason, and counted.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use futures::future::join_all;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::Database;
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Items, differences, text, timeless};
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Gate, ObjectHost, Reply, Settled, Terrace};
use terrace_worker::Worked;
use terrace_worker::fetch::FetchLimits;
use tokio::time::Instant;

const TRACE: &str = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001";
/// Short, so that a host that says nothing is soon given up.
const LIMITS: FetchLimits = FetchLimits { max_bytes: 64 * 1_024, stall: Duration::from_millis(300) };

/// A Terrace that fetches from a host.
struct Scene {
    terrace: Terrace,
    _folder: TempDir,
}

impl Scene {
    async fn new(host: &ObjectHost) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (client, gate) = (Database::in_memory().unwrap().client(), Gate::open());
        let limits = FetchLimits { max_bytes: 4 * 1_024 * 1_024, ..LIMITS };
        let intake = IntakeSettings::default();
        let terrace = Terrace::told(client, folder.path(), &gate, intake, host.fetcher(limits)).await;
        Self { terrace, _folder: folder }
    }
}

fn ping(url: &str) -> Delivery {
    Delivery::new(json!({"type": "s3_payload", "status": "success", "url": url, "expires_in": 300}).to_string())
        .trace(TRACE)
}

fn day(date: &str, steps: u64) -> Value {
    json!({"metadata": {"start_time": date}, "steps": steps})
}

fn daily(user: &str, data: &[Value]) -> Vec<u8> {
    let user = json!({"user_id": user, "provider": "GARMIN", "reference_id": "r"});
    json!({"type": "daily", "user": user, "data": data}).to_string().into_bytes()
}

/// The item of the ping itself.
async fn of_ping(terrace: &Terrace) -> terrace_tests::items::Item {
    terrace.items().await.into_iter().find(|item| text(item, "event") == "s3_payload").unwrap()
}

/// The table without the pings themselves.
async fn led_to(terrace: &Terrace) -> Items {
    let mut items = timeless(terrace).await;
    items.retain(|_, item| item.get("event").is_none_or(|event| event.as_s().unwrap() != "s3_payload"));
    items
}

/// A body as the host has it, and how its delivery is called.
#[derive(Debug, Clone)]
struct Sent {
    body: String,
    trace: Option<&'static str>,
    ordered: Option<u64>,
    reference: Option<&'static str>,
}

impl Sent {
    fn dress(&self, mut delivery: Delivery, signed_at: u64) -> Delivery {
        delivery = delivery.signed(signed_at);
        delivery.trace_id = self.trace.map(str::to_owned);
        delivery.ordering = self.ordered.map(|back| (signed_at * 1_000 - back).to_string());
        delivery.reference = self.reference.map(str::to_owned);
        delivery
    }
}

/// Bodies of every kind: small, larger than an item takes, with many records, without any, about people and not.
fn body() -> impl Strategy<Value = String> {
    let user = json!({"user_id": "u", "provider": "GARMIN", "last_webhook_update": "2026-07-01T00:00:00Z"});
    let kinds = select(vec!["daily", "body", "sleep", "activity", "hormone"]);
    let data = (kinds, 0_u64..7, 0_usize..500, any::<u64>()).prop_map(move |(kind, records, samples, seed)| {
        let id = |number| format!("2026-07-0{}", number + 1);
        let record = |number| {
            let metadata = json!({"start_time": id(number), "summary_id": id(number)});
            let scores = json!({"sleep_score": number, "stress_score": null});
            json!({"metadata": metadata, "timestamp": id(number), "n": noise(seed, samples), "data_enrichment": scores})
        };
        let data: Vec<_> = (0..records).map(record).collect();
        json!({"type": kind, "user": user, "data": data}).to_string()
    });
    let others = select(vec![
        r#"{"type":"auth","status":"success","user":{"user_id":"u","scopes":"A,B"},"reference_id":"r"}"#,
        r#"{"type":"deauth","user":{"user_id":"u"}}"#,
        r#"{"type":"user_reauth","old_user":{"user_id":"o"},"new_user":{"user_id":"u"}}"#,
        r#"{"type":"large_request_sending","user":{"user_id":"u"},"reference":"q","expected_payloads":3}"#,
        r#"{"type":"lab_report.completed","event_id":"e","data":{"session_id":"s","reference_id":"r","results":[]}}"#,
        r#"{"type":"route","user":{"user_id":"u"},"data":[{}]}"#,
        r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{}},{"metadata":{"start_time":"2026-07-01"}}]}"#,
        r#"{"type":"healthcheck"}"#,
        "{\"type\":\"daily\"",
        "",
    ]);
    prop_oneof![3 => data, 1 => others.prop_map(str::to_owned)]
}

fn sent() -> impl Strategy<Value = Sent> {
    let trace = select(vec![None, Some(TRACE), Some("7243c4e7:chunk:12"), Some("an odd/id"), Some("sha256:odd")]);
    let ordered = select(vec![None, Some(0), Some(5_000), Some(90_000)]);
    let reference = select(vec![None, Some("q"), Some("q:chunk:3")]);
    (body(), trace, ordered, reference).prop_map(|(body, trace, ordered, reference)| Sent {
        body,
        trace,
        ordered,
        reference,
    })
}

/// The table that a body comes to when it is sent, and when a ping leads to it.
async fn both_ways(host: &ObjectHost, sent: &Sent) -> (Items, Items) {
    let signed_at = UnixSeconds::now().0;
    let inline = Scene::new(host).await;
    inline.terrace.accept(&sent.dress(Delivery::new(sent.body.clone()), signed_at)).await;
    inline.terrace.settle().await;
    let pinged = Scene::new(host).await;
    let url = host.put("object", [Reply::Body(sent.body.clone().into_bytes())]);
    let answer = pinged.terrace.accept(&sent.dress(ping(&url), signed_at)).await;
    assert_eq!((answer["status"].as_str(), answer["event"].as_str()), (Some("queued"), Some("s3_payload")));
    let settled = pinged.terrace.settle().await;
    assert_eq!((settled.of("ping"), settled.of("apply"), settled.lost.len()), (1, 0, 0), "{sent:?}");
    let item = of_ping(&pinged.terrace).await;
    assert!(!item.contains_key("quarantine") && !item.contains_key("quarantine_day"), "{item:?}");
    assert!(!text(&item, "fetched").is_empty(), "{item:?}");
    (led_to(&inline.terrace).await, led_to(&pinged.terrace).await)
}

#[test]
fn what_a_ping_leads_to_is_stored_as_if_it_had_been_sent() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let host = runtime.block_on(ObjectHost::new());
    let config = Config { cases: 100, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let judged = TestRunner::new(config).run(&sent(), |sent| {
        let (inline, pinged) = runtime.block_on(both_ways(&host, &sent));
        prop_assert_eq!(differences(&inline, &pinged), Vec::<String>::new());
        Ok::<(), TestCaseError>(())
    });
    judged.unwrap();
}

#[tokio::test]
async fn two_hundred_records_and_more_are_stored_by_the_job_itself() {
    let host = ObjectHost::new().await;
    let date = |n: u64| format!("{}-01-{:02}", 1_900 + n / 28, n % 28 + 1);
    let data: Vec<_> = (0..405).map(|n| json!({"metadata": {"start_time": date(n)}, "n": noise(n, 20)})).collect();
    let body = String::from_utf8(daily("u", &data)).unwrap();
    let sent = Sent { body, trace: Some(TRACE), ordered: Some(10), reference: None };
    let (inline, pinged) = both_ways(&host, &sent).await;
    assert_eq!(differences(&inline, &pinged), Vec::<String>::new());
    assert!(pinged.len() > 405);
}

/// What becomes of a ping, from its post on; and what its item says then.
async fn follow(host: &ObjectHost, delivery: &Delivery) -> (Settled, Scene, Value) {
    let scene = Scene::new(host).await;
    let answer = scene.terrace.accept(delivery).await;
    assert_eq!(answer["status"], "queued", "{answer}");
    let settled = scene.terrace.settle().await;
    let item = of_ping(&scene.terrace).await;
    let said = json!({"quarantine": text(&item, "quarantine"), "led_to_something": item.contains_key("fetched")});
    (settled, scene, said)
}

/// A ping has to be lost for this reason, be told so and be counted, and the lines tell nothing else of it.
async fn is_lost(host: &ObjectHost, url: &str, reason: &str, asked: usize) {
    let began = Instant::now();
    let delivery = ping(url);
    let (settled, scene, said) = follow(host, &delivery).await;
    assert_eq!((settled.lost.as_slice(), settled.of("ping")), (&[reason][..], 1), "{url}");
    assert_eq!(said, json!({"quarantine": reason, "led_to_something": false}), "{url}");
    assert_eq!(host.asked(url), asked, "{reason}: {url}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}: {url}", began.elapsed());
    let line = scene.terrace.lines.last();
    assert_eq!((&line["PingsLost"], &line["quarantine"], &line["job"]), (&json!(1), &json!(reason), &json!("ping")));
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "PingsLost");
    let lines = scene.terrace.lines.text();
    for secret in ["127.0.0.1", "https:", "payloads", "0a1b2c3d", "example", "file:"] {
        assert!(!lines.contains(secret), "{secret}: {lines}");
    }
    assert_eq!(scene.terrace.items().await.len(), 1, "of a lost ping there is its own item alone: {reason}");
    // Terra sends it again: it is in the log already, is tried again, and ends the same.
    scene.terrace.accept(&delivery).await;
    assert_eq!(scene.terrace.settle().await.lost, [reason], "{url}");
}

#[tokio::test]
async fn a_ping_that_leads_nowhere_is_in_quarantine_with_the_reason() {
    let host = ObjectHost::new().await;
    let nested = ping("https://s3.amazonaws.com/x").body.to_vec();
    let elsewhere = host.put("elsewhere", [Reply::Body(daily("u", &[day("2026-07-01", 1)]))]);
    let large = [daily("u", &[]), vec![b' '; 4 * 1_024 * 1_024]].concat();
    let answers = [
        (Reply::Status(400), "ping_expired", 1),
        (Reply::Status(403), "ping_expired", 1),
        (Reply::Status(404), "ping_expired", 1),
        (Reply::Status(410), "ping_expired", 1),
        (Reply::Status(401), "ping_status", 1),
        (Reply::Status(204), "ping_status", 1),
        (Reply::Redirect(elsewhere.clone()), "ping_redirect", 1),
        (Reply::Body(large), "ping_too_large", 1),
        (Reply::Endless, "ping_too_large", 1),
        (Reply::Body([nested.clone(), vec![b' '; 100_000]].concat()), "ping_nested", 1),
        (Reply::Body(nested), "ping_nested", 1),
        (Reply::Body(br#"{"type":"s3_payload"}"#.to_vec()), "ping_nested", 1),
        (Reply::Status(500), "ping_status", 2),
        (Reply::Status(503), "ping_status", 2),
        (Reply::Stall, "ping_timeout", 2),
        (Reply::Close, "ping_broken_off", 2),
        (Reply::Cut(b"{\"type\":\"daily\"".to_vec()), "ping_broken_off", 2),
    ];
    let answers = answers.into_iter().enumerate().map(|(number, (reply, reason, asked))| {
        let url = host.put(&format!("object-{number}"), [reply]);
        let host = &host;
        async move { is_lost(host, &url, reason, asked).await }
    });
    join_all(answers).await;
    assert_eq!(host.asked(&elsewhere), 0, "a redirect is not followed");
}

#[tokio::test]
async fn what_may_not_be_asked_for_is_not() {
    let host = ObjectHost::new().await;
    let good = host.put("object", [Reply::Body(daily("u", &[day("2026-07-01", 1)]))]);
    let credentials = good.replacen("https://", "https://user:secret@", 1);
    let plain = good.replacen("https://", "http://", 1);
    for (url, reason) in [
        ("file:///etc/passwd", "ping_not_https"),
        (&plain, "ping_not_https"),
        (&credentials, "ping_credentials"),
        ("https://example.com/payload", "ping_host"),
        ("https://169.254.169.254/latest/meta-data/", "ping_host"),
        ("https://10.0.0.1/payload", "ping_host"),
        ("https://s3.amazonaws.com:8443/payload", "ping_port"),
        ("https://", "ping_bad_url"),
        ("payload", "ping_bad_url"),
    ] {
        is_lost(&host, url, reason, 0).await;
    }
    assert_eq!(host.asked(&good), 0);
}

#[tokio::test]
async fn a_ping_without_a_url_is_in_quarantine_at_once() {
    let host = ObjectHost::new().await;
    for body in [r#"{"type":"s3_payload"}"#, r#"{"type":"s3_payload","url":7}"#, r#"{"type":"s3_upload","url":""}"#] {
        let scene = Scene::new(&host).await;
        assert_eq!(scene.terrace.accept(&Delivery::new(body).trace(TRACE)).await["status"], "quarantined");
        assert_eq!(text(&of_ping(&scene.terrace).await, "quarantine"), "no_url");
        assert_eq!(scene.terrace.lines.last()["DeliveriesQuarantined"], 1);
        assert!(scene.terrace.queue.is_empty());
    }
}

#[tokio::test]
async fn a_second_try_brings_what_the_first_did_not_and_there_is_no_third() {
    let host = ObjectHost::new().await;
    let body = daily("u", &[day("2026-07-01", 1)]);
    let first = [Reply::Status(500), Reply::Status(429), Reply::Stall, Reply::Close, Reply::Cut(body.clone())];
    let ways = first.into_iter().enumerate().map(|(number, first)| {
        let (host, body) = (&host, body.clone());
        async move {
            let url = host.put(&format!("second-{number}"), [first.clone(), Reply::Body(body.clone())]);
            let (settled, scene, said) = follow(host, &ping(&url)).await;
            assert_eq!((settled.lost.len(), host.asked(&url)), (0, 2), "{number}");
            assert_eq!(said, json!({"quarantine": "", "led_to_something": true}));
            assert_eq!(scene.terrace.get("/users/u/records/daily/2026-07-01", &[]).await.status, 200);
            // What came third is never seen.
            let url = host.put(&format!("third-{number}"), [first.clone(), first, Reply::Body(body)]);
            let (settled, ..) = follow(host, &ping(&url)).await;
            assert_eq!((settled.lost.len(), host.asked(&url)), (1, 2), "{number}");
        }
    });
    join_all(ways).await;
}

#[tokio::test]
async fn a_ping_that_comes_twice_or_late_changes_nothing() {
    let host = ObjectHost::new().await;
    let scene = Scene::new(&host).await;
    let now = UnixSeconds::now().0 * 1_000;
    let put = |name: &str, steps| host.put(name, [Reply::Body(daily("u", &[day("2026-07-01", steps)]))]);
    let (old, new) = (put("old", 1), put("new", 2));
    let second = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b002";
    let (old, new_ping) = (ping(&old).ordered(now - 9_000), ping(&new).trace(second).ordered(now - 1_000));
    for delivery in [&new_ping, &old, &new_ping, &old] {
        assert_eq!(scene.terrace.accept(delivery).await["status"], "queued");
        scene.terrace.settle().await;
    }
    let record = scene.terrace.read("/users/u/records/daily/2026-07-01", &[]).await;
    assert_eq!(record["data"]["steps"], 2, "the ping's own time orders what it leads to");
    assert_eq!(host.asked(&new), 1, "what was fetched is not fetched again");
    let before = timeless(&scene.terrace).await;
    scene.terrace.accept(&Delivery::new(daily("u", &[day("2026-07-01", 1)])).trace(TRACE).ordered(now - 9_000)).await;
    assert_eq!(
        differences(&before, &timeless(&scene.terrace).await),
        Vec::<String>::new(),
        "also as a body of its own"
    );
}

#[tokio::test]
async fn a_life_that_cannot_be_is_no_reason_to_fall_over() {
    let host = ObjectHost::new().await;
    let url = host.put("object", [Reply::Body(daily("u", &[day("2026-07-01", 1)]))]);
    for expires_in in ["9223372036854775807", "0", "-1", "1.5", "\"300\"", "null", "[]"] {
        let body = format!(r#"{{"type":"s3_payload","url":"{url}","expires_in":{expires_in}}}"#);
        let (settled, scene, _) = follow(&host, &Delivery::new(body).trace(TRACE)).await;
        assert_eq!(settled.lost, Vec::<&str>::new(), "{expires_in}");
        assert_eq!(scene.terrace.get("/users/u/records/daily/2026-07-01", &[]).await.status, 200, "{expires_in}");
    }
    // Long dead by the clock: it is asked for all the same, since clocks are wrong.
    let hour_ago = UnixSeconds::now().0 - 3_600;
    let (settled, ..) = follow(&host, &ping(&url).signed(hour_ago)).await;
    assert_eq!(settled.lost, Vec::<&str>::new());
}

#[tokio::test]
async fn a_ping_that_another_job_has_fetched_is_not_lost() {
    let host = ObjectHost::new().await;
    let scene = Scene::new(&host).await;
    let body = daily("u", &[day("2026-07-01", 1)]);
    // The first job waits in vain, and by its second try the URL is dead.
    let url = host.put("object", [Reply::Stall, Reply::Body(body), Reply::Status(403)]);
    scene.terrace.accept(&ping(&url)).await;
    let taken = scene.terrace.queue.next().await.unwrap();
    let work = || scene.terrace.worker.work(taken.job(), Instant::now() + Duration::from_secs(600));
    let (first, second) = tokio::join!(work(), work());
    assert_eq!((first.unwrap(), second.unwrap(), host.asked(&url)), (Worked::Done, Worked::Done, 3));
    let item = of_ping(&scene.terrace).await;
    assert!(item.contains_key("fetched") && !item.contains_key("quarantine"), "{item:?}");
    assert!(!scene.terrace.lines.text().contains("PingsLost"));
}

#[tokio::test]
async fn a_ping_that_little_time_is_left_for_is_handed_on() {
    let host = ObjectHost::new().await;
    let scene = Scene::new(&host).await;
    let url = host.put("object", [Reply::Body(daily("u", &[day("2026-07-01", 1)]))]);
    scene.terrace.accept(&ping(&url)).await;
    let taken = scene.terrace.queue.next().await.unwrap();
    let worked = scene.terrace.worker.work(taken.job(), Instant::now() + Duration::from_secs(10)).await.unwrap();
    assert_eq!((worked, host.asked(&url)), (Worked::HandedOn, 0));
    scene.terrace.queue.done(taken).await.unwrap();
    assert_eq!(scene.terrace.settle().await.lost, Vec::<&str>::new());
    assert_eq!(scene.terrace.get("/users/u/records/daily/2026-07-01", &[]).await.status, 200);
    // One that is about to die is better tried now.
    let old = ping(&url).signed(UnixSeconds::now().0 - 295);
    scene.terrace.accept(&old).await;
    let taken = scene.terrace.queue.next().await.unwrap();
    let worked = scene.terrace.worker.work(taken.job(), Instant::now() + Duration::from_secs(10)).await.unwrap();
    assert_eq!((worked, host.asked(&url)), (Worked::Done, 2));
}

#[tokio::test]
async fn a_body_that_is_no_json_is_in_quarantine_itself() {
    let host = ObjectHost::new().await;
    for (body, reason) in
        [(&b"<Error/>"[..], "not_json"), (b"\xff\xfe", "not_utf8"), (b"[]", "not_object"), (b"{}", "no_type")]
    {
        let url = host.put("object", [Reply::Body(body.to_vec())]);
        let (settled, scene, said) = follow(&host, &ping(&url)).await;
        assert_eq!((settled.lost.len(), said["quarantine"].as_str()), (0, Some("")), "{reason}");
        let inner = scene.terrace.items().await.into_iter().find(|item| text(item, "event") == "unknown").unwrap();
        assert_eq!(text(&inner, "quarantine"), reason);
        assert!(!text(&inner, "quarantine_day").is_empty());
    }
}
