//! The webhook is killed, as by `kill -9`, before and after each call of the store, and Terra sends again what was not
//! acknowledged: it ends as if nothing had happened, and nothing that was acknowledged is missing.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use terrace_store::local::{Database, Fault};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Items, differences, logged, timeless};
use terrace_tests::{Delivery, Gate, Terrace};

/// The folder that a process which is to be killed works in, the second its deliveries are signed in, and how often it
/// passes a call of the store before it ends.
const FOLDER: &str = "TERRACE_TEST_FOLDER";
const SIGNED_AT: &str = "TERRACE_TEST_SIGNED_AT";
const PASSES: &str = "TERRACE_TEST_PASSES";
const ACKNOWLEDGED: &str = "acknowledged:";
/// More calls than a run makes; reached when the run cannot end.
const MOST_PASSES: usize = 500;

/// So many numbers without a pattern, which do not compress.
fn noise(seed: u64, count: usize) -> Vec<u64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).skip(1).take(count).map(|state| state >> 30).collect()
}

fn data(kind: &str, user: &str, data: &Value) -> String {
    json!({"type": kind, "user": {"user_id": user, "provider": "GARMIN", "reference_id": "r"}, "data": data})
        .to_string()
}

/// What is delivered, in this order.
fn deliveries(signed_at: u64) -> Vec<Delivery> {
    let sleep = |id: u64| json!({"metadata": {"summary_id": format!("s{id}")}, "samples": noise(id, 600)});
    let scored = |score: Value, other: Value| json!([{"metadata": {"summary_id": "scored"}, "data_enrichment": {"sleep_score": score, "stress_score": other}}]);
    let day = |n: u64| json!({"metadata": {"start_time": format!("{}-01-{:02}", 1_800 + n / 28, n % 28 + 1)}, "n": n});
    let year: Vec<_> = (0..230).map(day).collect();
    let large = json!([sleep(1), sleep(2), sleep(3)]);
    let deleted = json!([{"metadata": {"summary_id": "a1", "upload_type": 4}}]);
    let bodies = [
        data("daily", "u", &json!([day(0)])),
        data("sleep", "u", &large),
        data("sleep", "u", &scored(json!(81), json!(null))),
        data("sleep", "u", &scored(json!(null), json!(40))),
        data("activity", "u", &deleted),
        data("daily", "u", &json!([{"metadata": {}}, day(7), 3])),
        json!({"type": "user_reauth", "old_user": {"user_id": "old"}, "new_user": {"user_id": "new"}}).to_string(),
        data("daily", "old", &json!([day(3)])),
        data("daily", "new", &Value::from(year)),
        "{\"type\":".to_owned(),
    ];
    let traced = |(at, body): (usize, String)| {
        let delivery =
            Delivery::new(body).signed(signed_at).trace(&format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b0{at:02}"));
        // The second of the scored sleeps is the older one, so that its score needs a call of its own.
        let emitted = signed_at * 1_000 - if at == 3 { 5_000 } else { 0 };
        if at == 4 { delivery } else { delivery.ordered(emitted) }
    };
    bodies.into_iter().enumerate().map(traced).collect()
}

/// The process that is killed: after so many passes of the gate.
async fn post_until_killed(folder: &Path) {
    let read = |name: &str| std::env::var(name).unwrap().parse().unwrap();
    let passes = Arc::new(AtomicUsize::new(usize::MAX));
    let left = Arc::clone(&passes);
    let last = move |_| if left.fetch_sub(1, Ordering::SeqCst) == 0 { Fault::Abort } else { Fault::None };
    let gate = Gate::new(last);
    let client = gate.client(&Database::open(folder).unwrap());
    let terrace = Terrace::gated(client, folder, &gate).await;
    passes.store(read(PASSES), Ordering::SeqCst);
    for (at, delivery) in deliveries(read(SIGNED_AT) as u64).iter().enumerate() {
        terrace.accept(delivery).await;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(format!("\n{ACKNOWLEDGED}{at}\n").as_bytes()).unwrap();
        stdout.flush().unwrap();
    }
}

/// Runs that process: this very test, in another one.
fn run(folder: &Path, signed_at: u64, passes: usize) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_webhook_killed_at_any_call_loses_nothing", "--nocapture"]);
    let settings = [(PASSES, passes.to_string()), (SIGNED_AT, signed_at.to_string())];
    command.env(FOLDER, folder).envs(settings).output().unwrap()
}

fn acknowledged(output: &Output) -> BTreeSet<usize> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.strip_prefix(ACKNOWLEDGED)).map(|at| at.parse().unwrap()).collect()
}

/// The table after all jobs.
async fn end(terrace: &Terrace) -> Items {
    terrace.settle().await;
    timeless(terrace).await
}

fn version(item: &BTreeMap<String, AttributeValue>) -> &[u8] {
    item["version"].as_b().unwrap().as_ref()
}

/// What was acknowledged has to be in the log, and what it set in the undisturbed table in this one.
async fn not_missing(terrace: &Terrace, deliveries: &[Delivery], acknowledged: &BTreeSet<usize>, undisturbed: &Items) {
    terrace.settle().await;
    let (items, log) = (timeless(terrace).await, logged(terrace).await);
    for at in acknowledged {
        assert!(log.iter().any(|body| *body == deliveries[*at].body), "delivery {at} is not in the log");
        let trace = deliveries[*at].trace_id.as_deref().unwrap();
        let set_by_it = |item: &BTreeMap<_, AttributeValue>| {
            item.get("delivery").is_some_and(|delivery| delivery.as_s().unwrap().contains(trace))
        };
        for (key, item) in undisturbed.iter().filter(|(_, item)| set_by_it(item)) {
            // Under the old id until the re-authentication came, under the new one after it.
            let mut kept = items.iter().filter(|((_, record), _)| *record == key.1).map(|(_, item)| version(item));
            assert!(kept.any(|kept| kept >= version(item)), "delivery {at}: {key:?}");
        }
    }
}

/// A process that is killed after so many passes, and what follows. `false` if it was not killed any more.
async fn killed(signed_at: u64, passes: usize, undisturbed: &Items) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), signed_at, passes);
    let (deliveries, acknowledged) = (deliveries(signed_at), acknowledged(&output));
    let survived = output.status.success();
    assert_eq!(survived, acknowledged.len() == deliveries.len(), "after {passes}: {output:?}");
    let terrace = Terrace::within(Database::open(folder.path()).unwrap().client(), folder.path()).await;
    not_missing(&terrace, &deliveries, &acknowledged, undisturbed).await;
    for (_, delivery) in deliveries.iter().enumerate().filter(|(at, _)| !acknowledged.contains(at)) {
        terrace.accept(delivery).await;
    }
    let items = end(&terrace).await;
    assert_eq!(differences(&items, undisturbed), Vec::<String>::new(), "after {passes}");
    !survived
}

#[tokio::test]
async fn a_webhook_killed_at_any_call_loses_nothing() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return post_until_killed(Path::new(&folder)).await;
    }
    let signed_at = UnixSeconds::now().0;
    let terrace = Terrace::new().await;
    for delivery in deliveries(signed_at) {
        terrace.accept(&delivery).await;
    }
    let undisturbed = end(&terrace).await;
    let days = undisturbed.keys().filter(|(user, record)| user == "new" && record.starts_with("daily#")).count();
    assert!(days >= 230, "the re-key job and the apply job are done: {days}");
    let mut passes = 0;
    while killed(signed_at, passes, &undisturbed).await {
        passes += 1;
        assert!(passes < MOST_PASSES);
    }
    // Ten deliveries: a log entry each, two objects, sixteen records, connections, two jobs; each before and after.
    assert!(passes >= 60, "only {passes}");
}
