//! The store fails, at each of its calls and in every way: the answer is a 503 in time and never a 2xx that is not
//! kept, and once the fault is gone the retry ends as if nothing had happened.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use terrace_runtime::http::Answer;
use terrace_store::local::{Database, Fault};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Items, logged, timeless};
use terrace_tests::{Delivery, Gate, Side, Terrace};
use tokio::time::Instant;

const FAULTS: [Fault; 4] = [Fault::Internal, Fault::Throttled, Fault::Connection, Fault::NoAnswer];
/// When Terra has to have its answer.
const IN_TIME: Duration = Duration::from_secs(6);

/// What is wrong now: from which pass of the gate on, for how many passes, on which side, how.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    from: usize,
    passes: usize,
    side: Side,
    fault: Fault,
}

/// A Terrace whose store can be made to fail.
struct Shaky {
    terrace: Terrace,
    passes: Arc<AtomicUsize>,
    trouble: Arc<Mutex<Option<Trouble>>>,
    _folder: tempfile::TempDir,
}

impl Shaky {
    async fn new() -> Self {
        let (passes, trouble) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Option<Trouble>>>::default());
        let (counted, planned) = (Arc::clone(&passes), Arc::clone(&trouble));
        // A call passes twice; it has the number of its first pass on this side.
        let gate = Gate::new(move |side| {
            let pass = counted.fetch_add(1, Ordering::SeqCst);
            let planned = planned.lock().unwrap();
            let struck = planned.filter(|one| one.side == side && pass >= one.from && pass - one.from < one.passes);
            struck.map_or(Fault::None, |one| one.fault)
        });
        let folder = tempfile::tempdir().unwrap();
        let client = gate.client(&Database::in_memory().unwrap());
        let terrace = Terrace::gated(client, folder.path(), &gate).await;
        Self { terrace, passes, trouble, _folder: folder }
    }

    /// Posts while this goes wrong; everything is in order afterwards.
    async fn post(&self, delivery: &Delivery, trouble: Option<Trouble>) -> (Answer, Duration) {
        self.passes.store(0, Ordering::SeqCst);
        *self.trouble.lock().unwrap() = trouble;
        let came = Instant::now();
        let answer = self.terrace.post(delivery).await;
        let took = came.elapsed();
        *self.trouble.lock().unwrap() = None;
        (answer, took)
    }
}

fn noise(seed: u64) -> Vec<u64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).skip(1).take(700).map(|state| state >> 30).collect()
}

/// One delivery for each way through the store, after those that have to be there before it.
fn scenes() -> Vec<(&'static str, Vec<Delivery>)> {
    let signed = UnixSeconds::now().0 - 60;
    let data = |kind: &str, user: &str, data: Value| json!({"type": kind, "user": {"user_id": user}, "data": data});
    let day = |n: u64| json!({"metadata": {"start_time": format!("{}-01-{:02}", 1_800 + n / 28, n % 28 + 1)}, "n": n});
    let sleep = |n: u64| json!({"metadata": {"summary_id": format!("s{n}")}, "samples": noise(n)});
    let scored = |score: Value| json!([{"metadata": {"summary_id": "s"}, "data_enrichment": {"sleep_score": score}}]);
    let delivery = |at: u64, body: Value| {
        let trace = format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b00{at}");
        Delivery::new(body.to_string()).signed(signed).ordered(signed * 1_000 - at).trace(&trace)
    };
    let reauth = || json!({"type": "user_reauth", "old_user": {"user_id": "u"}, "new_user": {"user_id": "v"}});
    let many = || Value::from((0..205).map(day).collect::<Vec<_>>());
    vec![
        ("small", vec![delivery(1, data("daily", "u", json!([day(1)])))]),
        ("large", vec![delivery(1, data("sleep", "u", json!([sleep(1), sleep(2), sleep(3)])))]),
        (
            "late score",
            vec![
                delivery(1, data("sleep", "u", scored(Value::Null))),
                delivery(2, data("sleep", "u", scored(json!(8)))),
            ],
        ),
        ("of a job", vec![delivery(1, data("daily", "u", many()))]),
        ("reauth", vec![delivery(1, reauth())]),
        ("replaced", vec![delivery(1, reauth()), delivery(2, data("daily", "u", json!([day(2)])))]),
        ("quarantined", vec![delivery(1, json!({"type": "daily"}))]),
        ("deauth", vec![delivery(1, json!({"type": "deauth", "user": {"user_id": "u"}}))]),
    ]
}

/// The table after all jobs.
async fn end(terrace: &Terrace) -> Items {
    terrace.settle().await;
    timeless(terrace).await
}

/// A 2xx has to be kept: in the log, and applied or with a job that will do it.
async fn kept(shaky: &Shaky, delivery: &Delivery, undisturbed: &Items, what: &str) {
    assert!(logged(&shaky.terrace).await.iter().any(|body| *body == delivery.body), "not in the log: {what}");
    assert_eq!(end(&shaky.terrace).await, *undisturbed, "not applied: {what}");
}

/// The scene with this trouble in its last delivery. `true` if it was given back.
async fn play(deliveries: &[Delivery], trouble: Trouble, undisturbed: &Items, what: &str) -> bool {
    let what = format!("{what}, {trouble:?}");
    let shaky = Shaky::new().await;
    let (last, before) = deliveries.split_last().unwrap();
    for delivery in before {
        shaky.terrace.accept(delivery).await;
    }
    let (answer, took) = shaky.post(last, Some(trouble)).await;
    assert!(took < IN_TIME, "{took:?}: {what}");
    let given_back = answer.status != 200;
    if given_back {
        assert_eq!(answer.status, 503, "{what}");
        assert!(answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("retry-after")), "{what}");
        assert_eq!(shaky.terrace.lines.last()["DeliveriesUnavailable"], 1, "{what}");
        let (retry, _) = shaky.post(last, None).await;
        assert_eq!(retry.status, 200, "{what}");
    }
    kept(&shaky, last, undisturbed, &what).await;
    given_back
}

/// How many passes the last delivery makes, and how the scene ends, when nothing goes wrong.
async fn undisturbed(deliveries: &[Delivery]) -> (usize, Items) {
    let shaky = Shaky::new().await;
    for delivery in deliveries {
        assert_eq!(shaky.post(delivery, None).await.0.status, 200);
    }
    let passes = shaky.passes.load(Ordering::SeqCst);
    (passes, end(&shaky.terrace).await)
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_gives_back_in_time_and_the_retry_completes() {
    for (what, deliveries) in scenes() {
        let (passes, ended) = undisturbed(&deliveries).await;
        assert!(passes >= 2, "{what}");
        for from in 0..passes {
            let side = if from % 2 == 0 { Side::Before } else { Side::After };
            for fault in FAULTS {
                let trouble = Trouble { from, passes: usize::MAX, side, fault };
                assert!(play(&deliveries, trouble, &ended, what).await, "{what}, {trouble:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_costs_nothing_but_time() {
    for (what, deliveries) in scenes() {
        let (passes, ended) = undisturbed(&deliveries).await;
        for from in 0..passes {
            let side = if from % 2 == 0 { Side::Before } else { Side::After };
            for fault in FAULTS {
                play(&deliveries, Trouble { from, passes: 1, side, fault }, &ended, what).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_is_handed_over_or_given_back() {
    let day = json!({"metadata": {"start_time": "2026-07-01"}});
    let body = json!({"type": "daily", "user": {"user_id": "u"}, "data": [day]}).to_string();
    let delivery = Delivery::new(body);
    // The log is kept, and then there is no answer for a while: a job takes over.
    let shaky = Shaky::new().await;
    let trouble = Trouble { from: 2, passes: 1, side: Side::Before, fault: Fault::NoAnswer };
    let (answer, took) = shaky.post(&delivery, Some(trouble)).await;
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &said["status"]), (200, &json!("queued")));
    assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(shaky.terrace.get("/users/u/records/daily/2026-07-01", &[]).await.status, 404);
    assert_eq!(shaky.terrace.settle().await.of("apply"), 1);
    assert_eq!(shaky.terrace.get("/users/u/records/daily/2026-07-01", &[]).await.status, 200);
    // The log itself has no answer.
    let shaky = Shaky::new().await;
    let trouble = Trouble { from: 0, ..trouble };
    let (answer, took) = shaky.post(&delivery, Some(trouble)).await;
    assert_eq!(answer.status, 503);
    assert!(took >= Duration::from_secs(5) && took < IN_TIME, "{took:?}");
    assert_eq!(shaky.terrace.queue.len(), 0);
}
