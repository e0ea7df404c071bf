//! The daily round applies what was logged, answered 503 and never sent again, whatever of it was done before the store
//! failed; and where the view shows everything it writes nothing.
#![expect(clippy::too_many_lines, clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use terrace_records::Retention;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::{Database, Fault, Watched};
use terrace_store::queue::{Job, Subject};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Item, Items, differences, logged, text, timeless};
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Gate, Terrace};
use terrace_worker::Worked;
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use tokio::time::Instant;

/// A Terrace whose store fails from some pass on, and which counts what is written to its table.
struct Shaky {
    terrace: Terrace,
    passes: Arc<AtomicUsize>,
    /// From which pass on everything fails.
    fails_from: Arc<AtomicUsize>,
    writes: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Shaky {
    async fn new(retention: Retention) -> Self {
        let (passes, fails_from) = (Arc::<AtomicUsize>::default(), Arc::new(AtomicUsize::new(usize::MAX)));
        let (counted, from) = (Arc::clone(&passes), Arc::clone(&fails_from));
        let pass = move || {
            let fails = counted.fetch_add(1, Ordering::SeqCst) >= from.load(Ordering::SeqCst);
            if fails { Fault::Internal } else { Fault::None }
        };
        let (before, after) = (pass.clone(), pass.clone());
        let writes = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&writes);
        let watched = Watched::new(Database::in_memory().unwrap().http_client()).before(move |operation, _| {
            if !["GetItem", "Query", "Scan", "BatchGetItem"].contains(&operation) {
                written.lock().unwrap().push(operation.to_owned());
            }
            before()
        });
        let (client, gate) = (watched.after(move |_, _| after()).client(), Gate::new(move |_| pass()));
        let (folder, intake) =
            (tempfile::tempdir().unwrap(), IntakeSettings { retention, ..IntakeSettings::default() });
        let fetcher = Fetcher::new(Hosts::default(), FetchLimits::default());
        let terrace = Terrace::told(client, folder.path(), &gate, intake, fetcher).await;
        Self { terrace, passes, fails_from, writes, _folder: folder }
    }

    /// Takes a delivery in, whole, with the jobs that follow.
    async fn take_in(&self, delivery: &Delivery) {
        self.terrace.accept(delivery).await;
        self.terrace.settle().await;
    }

    /// Posts while the store fails from a pass on; says how it was answered and how often it passed.
    async fn post(&self, delivery: &Delivery, from: usize) -> (u16, usize) {
        self.passes.store(0, Ordering::SeqCst);
        self.fails_from.store(from, Ordering::SeqCst);
        let status = self.terrace.post(delivery).await.status;
        self.fails_from.store(usize::MAX, Ordering::SeqCst);
        (status, self.passes.load(Ordering::SeqCst))
    }

    /// Lets whatever has just come to the log have come so long ago.
    async fn age(&self, span: Duration) {
        let now = UnixSeconds::now().0;
        let came = (now - span.as_secs()) * 1_000;
        let just_now = |item: &Item| {
            let received = item.get("received_at").map(|at| at.as_n().unwrap().parse::<u64>().unwrap());
            received.is_some_and(|received| received / 1_000 + 600 > now)
        };
        for item in self.terrace.items().await.iter().filter(|item| just_now(item)) {
            let request = self.terrace.client.update_item().table_name("terrace");
            let request = request.key("user_id", item["user_id"].clone()).key("record", item["record"].clone());
            let request = request.update_expression("SET received_at = :came");
            request.expression_attribute_values(":came", AttributeValue::N(came.to_string())).send().await.unwrap();
        }
    }

    /// Goes the daily round, and does what follows.
    async fn sweep(&self) {
        let sweep = Job::Sweep { after: None };
        let due = Instant::now() + Duration::from_secs(600);
        assert_eq!(self.terrace.worker.work(&sweep, due).await.unwrap(), Worked::Done);
        self.terrace.settle().await;
    }
}

/// What came whole, what came while the store failed, and what came whole after it.
struct Scene {
    name: &'static str,
    retention: Retention,
    before: Vec<Delivery>,
    broken: Delivery,
    after: Vec<Delivery>,
}

fn scenes() -> Vec<Scene> {
    let now = UnixSeconds::now().0 - 60;
    let at = |second: u64, body: &Value| {
        let trace = format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b0{second:02}");
        Delivery::new(body.to_string()).signed(now).ordered(now * 1_000 + second).trace(&trace)
    };
    let event =
        |kind: &str, user: &str| json!({"type": kind, "user": {"user_id": user, "reference_id": "r", "scopes": "A"}});
    let data = |kind: &str, user: &str, data: Value| json!({"type": kind, "user": {"user_id": user}, "data": data});
    let sleep = |id: u64, samples, score: Value| {
        let scores = json!({"sleep_score": score});
        json!({"metadata": {"summary_id": format!("s{id}")}, "n": noise(id, samples), "data_enrichment": scores})
    };
    let small = data("sleep", "u", json!([sleep(1, 2, json!(81)), sleep(2, 2, Value::Null)]));
    let large = data("sleep", "u", json!([sleep(1, 600, json!(81)), sleep(2, 600, Value::Null)]));
    let newest = data("sleep", "u", json!([sleep(1, 700, Value::Null), sleep(2, 700, json!(9))]));
    let many: Vec<_> = (0..205).map(|n| json!({"metadata": {"start_time": format!("{}-01-01", 1_700 + n)}})).collect();
    let reauth = json!({"type": "user_reauth", "old_user": {"user_id": "u"}, "new_user": {"user_id": "v"}});
    let request =
        json!({"type": "large_request_sending", "user": {"user_id": "u"}, "reference": "q", "expected_payloads": 2});
    let lab = |of: &str| json!({"type": "lab_report.completed", "event_id": "e", "data": {"session_id": "s", of: "r"}});
    let chunk = |second: u64, body: &Value| {
        let delivery = at(second, body).referring("q");
        let trace = format!("{}:chunk:{second}", delivery.trace_id.clone().unwrap());
        delivery.trace(&trace)
    };
    let deauth = at(2, &event("deauth", "u"));
    let scene = |name, before: &[&Delivery], broken: &Delivery, after: &[&Delivery]| {
        let owned = |deliveries: &[&Delivery]| deliveries.iter().map(|one| (*one).clone()).collect();
        let (before, broken, after) = (owned(before), broken.clone(), owned(after));
        Scene { name, retention: Retention::Keep, before, broken, after }
    };
    vec![
        scene("small", &[], &at(1, &small), &[]),
        scene("in an object", &[], &at(1, &large), &[]),
        scene("scores only", &[&at(2, &newest)], &at(1, &small), &[]),
        scene("scores only, in an object", &[&at(2, &newest)], &at(1, &large), &[]),
        scene("scores of one that was superseded since", &[], &at(1, &large), &[&at(2, &newest)]),
        scene("of a job", &[], &at(1, &data("daily", "u", json!(many))), &[]),
        scene("auth", &[], &at(1, &event("auth", "u")), &[]),
        scene("permissions", &[&at(1, &event("auth", "u"))], &at(2, &event("permission_change", "u")), &[]),
        scene("error", &[&at(1, &small)], &at(2, &event("connection_error", "u")), &[]),
        scene("deauth", &[&at(1, &large)], &deauth, &[]),
        Scene { retention: Retention::Erase, ..scene("deauth that erases", &[&at(1, &large)], &deauth, &[]) },
        scene("reauth", &[&at(1, &large), &at(2, &small)], &at(3, &reauth), &[]),
        scene("replaced", &[&at(1, &reauth)], &at(2, &small), &[]),
        scene("replaced, in an object", &[&at(1, &reauth)], &at(2, &large), &[&at(3, &small)]),
        scene(
            "a chain",
            &[&at(1, &small)],
            &at(2, &reauth),
            &[&at(3, &data("sleep", "u", json!([sleep(1, 3, json!(1))])))],
        ),
        scene("a request", &[], &at(1, &request), &[]),
        scene("a chunk", &[&at(1, &request)], &chunk(2, &small), &[&chunk(3, &newest)]),
        scene(
            "a chunk in an object",
            &[&at(1, &request)],
            &chunk(2, &large),
            &[&chunk(3, &data("sleep", "u", json!([])))],
        ),
        scene("a type's last delivery", &[], &at(1, &large), &[&at(2, &data("daily", "u", json!([])))]),
        scene("of a reference", &[], &at(1, &lab("reference_id")), &[]),
        scene("of a session", &[], &at(1, &lab("odd")), &[]),
    ]
}

async fn undisturbed(scene: &Scene) -> (usize, Items) {
    let shaky = Shaky::new(scene.retention).await;
    for delivery in &scene.before {
        shaky.take_in(delivery).await;
    }
    let (status, passes) = shaky.post(&scene.broken, usize::MAX).await;
    assert_eq!(status, 200, "{}", scene.name);
    shaky.terrace.settle().await;
    for delivery in &scene.after {
        shaky.take_in(delivery).await;
    }
    (passes, timeless(&shaky.terrace).await)
}

/// The scene where the store fails from this pass on. `false` where the delivery did not get as far as the log.
async fn mended(scene: &Scene, from: usize, ended: &Items) -> bool {
    let what = format!("{}, from {from}", scene.name);
    let shaky = Shaky::new(scene.retention).await;
    for delivery in &scene.before {
        shaky.take_in(delivery).await;
    }
    // The round does not look at these any more.
    shaky.age(Duration::from_secs(10 * 24 * 3_600)).await;
    assert_eq!(shaky.post(&scene.broken, from).await.0, 503, "{what}");
    if !logged(&shaky.terrace).await.iter().any(|body| *body == scene.broken.body) {
        return false;
    }
    for delivery in &scene.after {
        shaky.take_in(delivery).await;
    }
    shaky.age(Duration::from_secs(3_600)).await;
    shaky.sweep().await;
    assert_eq!(differences(&timeless(&shaky.terrace).await, ended), Vec::<String>::new(), "{what}");
    shaky.writes.lock().unwrap().clear();
    shaky.sweep().await;
    assert_eq!(*shaky.writes.lock().unwrap(), Vec::<String>::new(), "nothing is left to write: {what}");
    true
}

async fn all_mended(scenes: impl Iterator<Item = Scene>) {
    for scene in scenes {
        let (passes, ended) = undisturbed(&scene).await;
        let mut logged = 0;
        for from in 0..passes {
            logged += usize::from(mended(&scene, from, &ended).await);
        }
        assert!(logged >= 2, "{}", scene.name);
    }
}

/// Half of the scenes each, so that they are played at once.
#[tokio::test(start_paused = true)]
async fn whatever_was_not_done_when_the_store_failed_is_done_by_the_round() {
    all_mended(scenes().into_iter().step_by(2)).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_else_was_not_done_when_the_store_failed_is_done_by_the_round() {
    all_mended(scenes().into_iter().skip(1).step_by(2)).await;
}

/// Of an erased user not even what was logged after it stays.
#[tokio::test(start_paused = true)]
async fn what_an_erase_should_have_taken_is_taken_by_the_round() {
    let body = json!({"type": "daily", "user": {"user_id": "u"}, "data": [{"metadata": {"start_time": "2026-07-01"}}]});
    let delivery = Delivery::new(body.to_string());
    let mut logged_once = 0;
    for from in 0..12 {
        let shaky = Shaky::new(Retention::Keep).await;
        shaky.take_in(&Delivery::new(json!({"type": "auth", "user": {"user_id": "u"}}).to_string())).await;
        let erase = Job::Erase { subject: Subject::User("u".into()), at_ms: UnixSeconds::now().0 * 1_000, id: None };
        shaky.terrace.worker.work(&erase, Instant::now() + Duration::from_secs(600)).await.unwrap();
        shaky.post(&delivery, from).await;
        shaky.terrace.settle().await;
        logged_once += usize::from(!logged(&shaky.terrace).await.is_empty());
        shaky.age(Duration::from_secs(3_600)).await;
        shaky.sweep().await;
        let items = shaky.terrace.items().await;
        let left: Vec<_> = items.iter().map(|item| text(item, "record")).collect();
        assert_eq!(left, ["connection"], "from {from}");
    }
    assert!(logged_once > 2, "{logged_once}");
}

#[tokio::test(start_paused = true)]
async fn what_is_still_at_work_or_long_past_is_left_alone() {
    let scene = scenes().remove(0);
    for (age, mended) in [(0, false), (14 * 60, false), (16 * 60, true), (167 * 3_600, true), (169 * 3_600, false)] {
        let shaky = Shaky::new(Retention::Keep).await;
        assert_eq!(shaky.post(&scene.broken, 2).await.0, 503);
        shaky.age(Duration::from_secs(age)).await;
        shaky.sweep().await;
        let records = shaky.terrace.items().await.iter().filter(|item| item.contains_key("version")).count();
        assert_eq!(records, if mended { 2 } else { 0 }, "{age}");
    }
}

/// What nothing can be made of, or no table takes, is not tried anew each day.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_applied_does_not_churn() {
    let long = "x".repeat(500_000);
    for body in [
        "{\"type\":".to_owned(),
        json!({"type": "route", "user": {"user_id": "u"}}).to_string(),
        json!({"type": "healthcheck"}).to_string(),
        json!({"type": "s3_payload"}).to_string(),
        json!({"type": "s3_payload", "url": "https://example.com/x"}).to_string(),
        json!({"type": "daily", "user": {"user_id": "u"}, "data": [{}, 7, {"metadata": {"start_time": "2026-07-01"}}]})
            .to_string(),
        json!({"type": "user_reauth", "new_user": {"user_id": "u"}, "old_user": {"user_id": long}}).to_string(),
    ] {
        let shaky = Shaky::new(Retention::Keep).await;
        shaky.take_in(&Delivery::new(body.clone())).await;
        shaky.age(Duration::from_secs(3_600)).await;
        shaky.writes.lock().unwrap().clear();
        shaky.sweep().await;
        assert_eq!(*shaky.writes.lock().unwrap(), Vec::<String>::new(), "{body:.60}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_whose_job_was_lost_is_looked_for_and_ends_in_quarantine() {
    let shaky = Shaky::new(Retention::Keep).await;
    let ping = Delivery::new(json!({"type": "s3_payload", "url": "https://example.com/x"}).to_string());
    assert_eq!(shaky.post(&ping, 2).await.0, 503);
    shaky.age(Duration::from_secs(3_600)).await;
    shaky.sweep().await;
    let items = shaky.terrace.items().await;
    assert_eq!((items.len(), text(&items[0], "quarantine")), (1, "ping_host"));
    assert!(shaky.terrace.lines.text().contains("PingsLost"));
}
