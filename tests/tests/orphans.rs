//! The daily round removes objects that nothing leads to, once two rounds found them so and they are older than the log;
//! whatever a delivery or a record leads to stays. Rounds go on where others had to stop, and stop at nothing.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use futures::stream::TryStreamExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use terrace_store::local::{Database, Fault};
use terrace_store::queue::{Job, JobQueue};
use terrace_terra::UnixSeconds;
use terrace_tests::items::{differences, text, timeless};
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Gate, Terrace};
use terrace_worker::Worked;
use tokio::sync::Notify;
use tokio::time::Instant;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Older than the log, and a day.
const OLD: Duration = Duration::from_secs(92 * 24 * 3_600);

struct Scene {
    terrace: Terrace,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = Database::in_memory().unwrap().client();
        Self { terrace: Terrace::within(client, folder.path()).await, folder }
    }

    /// Puts an object that nothing leads to.
    async fn stray(&self, name: &str, age: Duration) -> String {
        let key = format!("log/{}/{name}", "0".repeat(64));
        self.terrace.log.put_object(&key, Bytes::from_static(b"stray"), &[]).await.unwrap();
        self.age(&key, age);
        key
    }

    /// Lets an object have been written so long ago.
    fn age(&self, key: &str, age: Duration) {
        let file = File::options().write(true).open(self.folder.path().join("objects").join(key)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    async fn objects(&self) -> BTreeSet<String> {
        let listed: Vec<_> = self.terrace.log.objects().list("log").try_collect().await.unwrap();
        listed.into_iter().map(|found| found.key).collect()
    }

    /// Everything there is was written so long ago.
    async fn age_all(&self, age: Duration) {
        for key in self.objects().await {
            self.age(&key, age);
        }
    }

    async fn sweep(&self) {
        let due = Instant::now() + Duration::from_secs(600);
        let worked = self.terrace.worker.work(&Job::Sweep { after: None }, due).await.unwrap();
        assert_eq!(worked, Worked::Done);
        self.terrace.settle().await;
    }

    async fn remove(&self, which: impl Fn(&str) -> bool) {
        for item in self.terrace.items().await.iter().filter(|item| which(text(item, "record"))) {
            let key = |name| item[name].clone();
            let request = self.terrace.client.delete_item().table_name("terrace");
            request.key("user_id", key("user_id")).key("record", key("record")).send().await.unwrap();
        }
    }
}

fn sleeps(user: &str, from: u64, second: u64) -> Delivery {
    let sleep = |id: u64| json!({"metadata": {"summary_id": format!("s{id}")}, "n": noise(id + second, 600)});
    let data: Vec<_> = (from..from + 2).map(sleep).collect();
    let body = json!({"type": "sleep", "user": {"user_id": user}, "data": data});
    let now = UnixSeconds::now().0 - 60;
    Delivery::new(body.to_string()).ordered(now * 1_000 + second).trace(&format!("7243c4e7-{second}"))
}

#[tokio::test]
async fn an_object_that_nothing_leads_to_is_removed_by_the_second_round_once_it_is_old() {
    let scene = Scene::new().await;
    let (old, young) = (scene.stray("old", OLD).await, scene.stray("young", 90 * DAY).await);
    scene.sweep().await;
    assert_eq!(scene.objects().await, BTreeSet::from([old.clone(), young.clone()]), "one round is not enough");
    scene.sweep().await;
    assert_eq!(scene.objects().await, BTreeSet::from([young.clone()]));
    scene.sweep().await;
    assert_eq!(scene.objects().await, BTreeSet::from([young.clone()]));
    scene.age(&young, OLD);
    scene.sweep().await;
    assert_eq!(scene.objects().await, BTreeSet::from([young]), "it was young when it was last looked at");
    scene.sweep().await;
    assert!(scene.objects().await.is_empty());
}

#[tokio::test]
async fn what_a_delivery_or_a_record_leads_to_stays() {
    let scene = Scene::new().await;
    scene.terrace.accept(&sleeps("u", 1, 1)).await;
    scene.terrace.accept(&sleeps("u", 1, 2)).await;
    scene.terrace.accept(&sleeps("v", 1, 3)).await;
    scene.age_all(OLD).await;
    let all = scene.objects().await;
    assert_eq!(all.len(), 3);
    for _ in 0..3 {
        scene.sweep().await;
    }
    assert_eq!(scene.objects().await, all, "deliveries lead to all of them");
    // The log expires: records lead to two of them, and a stale copy was in the third.
    scene.remove(|record| record.starts_with("log#")).await;
    scene.sweep().await;
    assert_eq!(scene.objects().await, all);
    scene.sweep().await;
    let left = scene.objects().await;
    assert_eq!(left.len(), 2);
    for (user, samples) in [("u", noise(1 + 2, 600)), ("v", noise(1 + 3, 600))] {
        let record = scene.terrace.read(&format!("/users/{user}/records/sleep/s1"), &[]).await;
        assert_eq!(record["data"]["n"], json!(samples));
    }
    // One of two records in an object is enough.
    scene.remove(|record| record == "sleep#s2").await;
    scene.sweep().await;
    scene.sweep().await;
    assert_eq!(scene.objects().await, left);
}

#[tokio::test]
async fn an_orphan_that_something_leads_to_again_is_none() {
    let scene = Scene::new().await;
    scene.terrace.accept(&sleeps("u", 1, 1)).await;
    scene.age_all(OLD).await;
    let items = scene.terrace.items().await;
    scene.remove(|_| true).await;
    scene.sweep().await;
    for item in items {
        scene.terrace.client.put_item().table_name("terrace").set_item(Some(item)).send().await.unwrap();
    }
    scene.sweep().await;
    assert_eq!(scene.objects().await.len(), 1);
    scene.remove(|_| true).await;
    scene.sweep().await;
    assert_eq!(scene.objects().await.len(), 1, "two rounds in a row, not any two");
    scene.sweep().await;
    assert!(scene.objects().await.is_empty());
}

/// A round that has no time goes on after each delivery, removes what it has to in the end, and its messages name neither
/// a record nor a user.
#[tokio::test]
async fn a_round_without_time_is_handed_on_and_comes_to_its_end() {
    let scene = Scene::new().await;
    for number in 1..=6 {
        scene.terrace.accept(&sleeps(&format!("somebody-{number}"), number * 10, number)).await;
    }
    let led_to = scene.objects().await;
    scene.stray("old", OLD).await;
    scene.age_all(OLD).await;
    for round in 1..=2 {
        scene.terrace.queue.send(&Job::Sweep { after: None }).await.unwrap();
        let mut steps = 0;
        while !scene.terrace.queue.is_empty() {
            let taken = scene.terrace.queue.next().await.unwrap();
            let message = serde_json::to_string(taken.job()).unwrap();
            for secret in ["somebody", "sleep", "s1", "7243c4e7", "log#"] {
                assert!(!message.contains(secret), "{message}");
            }
            let worked = scene.terrace.worker.work(taken.job(), Instant::now()).await.unwrap();
            if steps < 3 {
                assert_eq!(worked, Worked::HandedOn);
            }
            scene.terrace.queue.done(taken).await.unwrap();
            steps += 1;
            assert!(steps < 30);
        }
        assert!(steps > 6, "{steps}");
        assert_eq!(scene.objects().await.len(), led_to.len() + usize::from(round == 1), "round {round}");
    }
    assert_eq!(scene.objects().await, led_to);
    let kept: Vec<_> = scene.terrace.log.objects().list("sweep").try_collect().await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|found| found.key).collect();
    assert_eq!(kept, ["sweep/last"], "nothing is kept of a round that ended");
}

#[tokio::test]
async fn the_echo_of_a_round_that_ended_does_nothing() {
    let scene = Scene::new().await;
    let stray = scene.stray("old", OLD).await;
    scene.sweep().await;
    let ids = ["0".repeat(32), String::new(), "../log".to_owned(), json!(["u", "daily#2026-07-01"]).to_string()];
    for id in ids {
        let due = Instant::now() + Duration::from_secs(600);
        let worked = scene.terrace.worker.work(&Job::Sweep { after: Some(id) }, due).await.unwrap();
        assert_eq!(worked, Worked::Done);
    }
    assert_eq!(scene.objects().await, BTreeSet::from([stray]));
}

/// A delivery that cannot be read, and one whose object is gone, stop neither the others nor the round.
#[tokio::test]
async fn a_damaged_delivery_does_not_stop_the_round() {
    let scene = Scene::new().await;
    for (user, second) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        scene.terrace.accept(&sleeps(user, 1, second)).await;
    }
    let whole = timeless(&scene.terrace).await;
    let hour_ago = ((UnixSeconds::now().0 - 3_600) * 1_000).to_string();
    for item in scene.terrace.items().await.iter().filter(|item| text(item, "record").starts_with("log#")) {
        let request = scene.terrace.client.update_item().table_name("terrace");
        let request = request.key("user_id", item["user_id"].clone()).key("record", item["record"].clone());
        let damage = if text(item, "user_id") == "b" { " REMOVE signed_at" } else { "" };
        let request = request.update_expression(format!("SET received_at = :came{damage}"));
        let request = request.expression_attribute_values(":came", AttributeValue::N(hour_ago.clone()));
        request.send().await.unwrap();
        if text(item, "user_id") == "c" {
            scene.terrace.log.objects().remove(text(item, "object")).await.unwrap();
        }
    }
    scene.remove(|record| !record.starts_with("log#")).await;
    scene.age_all(OLD).await;
    let objects = scene.objects().await;
    scene.sweep().await;
    scene.sweep().await;
    assert_eq!(scene.objects().await, objects, "of a damaged one the object stays as well");
    let mended = timeless(&scene.terrace).await;
    let of = |user: &str| mended.keys().filter(|(partition, _)| partition == user).count();
    assert_eq!(["a", "b", "c", "d"].map(of), [4, 1, 1, 4]);
    let same = |(partition, _): &(String, String)| partition == "a" || partition == "d";
    let only = |items: &terrace_tests::items::Items| {
        items.iter().filter(|(key, _)| same(key)).map(|(key, item)| (key.clone(), item.clone())).collect()
    };
    assert_eq!(differences(&only(&mended), &only(&whole)), Vec::<String>::new());
    let lines = scene.terrace.lines.text();
    let failures: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failures = failures.iter().filter(|line| line["level"] == "error").count();
    assert_eq!(failures, 2, "one for each round: {lines}");
    // A replay counts them, and goes on as well.
    let done = terrace_tests::orders::replay(&scene.terrace, &json!({"only": "all"})).await;
    let progress = &done["progress"];
    assert_eq!((&progress["deliveries"], &progress["failed"], &done["status"]), (&json!(4), &json!(2), &json!("done")));
}

impl Scene {
    /// One with objects that something leads to, and among them some that nothing does, all old.
    async fn with_orphans(gate: &Gate, led_to: u64, orphans: u64) -> (Self, BTreeSet<String>) {
        let folder = tempfile::tempdir().unwrap();
        let client = gate.client(&Database::in_memory().unwrap());
        let scene = Self { terrace: Terrace::gated(client, folder.path(), gate).await, folder };
        for number in 1..=led_to {
            scene.terrace.accept(&sleeps(&format!("u{number}"), number * 10, number)).await;
        }
        let led_to = scene.objects().await;
        for number in 1..=orphans {
            scene.stray(&number.to_string(), OLD).await;
        }
        scene.age_all(OLD).await;
        (scene, led_to)
    }

    /// A round each of whose jobs is out of time from the beginning. `work` does a job, again until it is done.
    async fn round(&self, mut work: impl AsyncFnMut(&Self, &Job)) -> usize {
        self.terrace.queue.send(&Job::Sweep { after: None }).await.unwrap();
        let mut jobs = 0;
        while !self.terrace.queue.is_empty() {
            let taken = self.terrace.queue.next().await.unwrap();
            work(self, taken.job()).await;
            self.terrace.queue.done(taken).await.unwrap();
            jobs += 1;
            assert!(jobs < 200, "it comes to no end");
        }
        jobs
    }
}

/// However many objects there are: each job looks at one at least, and the next goes on behind it.
#[tokio::test]
async fn a_bucket_too_large_for_one_job_is_gone_through_by_several() {
    let (scene, led_to) = Scene::with_orphans(&Gate::open(), 3, 4).await;
    let work = async |scene: &Scene, job: &Job| {
        scene.terrace.worker.work(job, Instant::now()).await.unwrap();
    };
    let jobs = scene.round(work).await;
    assert!(jobs > led_to.len() + 4, "{jobs}");
    assert_eq!(scene.objects().await.len(), led_to.len() + 4);
    scene.round(work).await;
    assert_eq!(scene.objects().await, led_to);
    assert_eq!(scene.terrace.objects("sweep").await, ["sweep/last"], "nothing is kept of a round that ended");
}

/// A round that was under way when this one began is not one before it: both may have missed the same move of a record.
#[tokio::test]
async fn a_round_that_had_not_ended_does_not_count() {
    let (scene, led_to) = Scene::with_orphans(&Gate::open(), 3, 4).await;
    let mut first = true;
    let jobs = async |scene: &Scene, job: &Job| {
        if std::mem::take(&mut first) {
            scene.terrace.worker.work(job, Instant::now()).await.unwrap();
            scene.terrace.worker.work(&Job::Sweep { after: None }, Instant::now() + DAY).await.unwrap();
        } else {
            scene.terrace.worker.work(job, Instant::now() + DAY).await.unwrap();
        }
    };
    scene.round(jobs).await;
    assert_eq!(scene.objects().await.len(), led_to.len() + 4, "two rounds that overlap are one");
    scene.sweep().await;
    assert_eq!(scene.objects().await, led_to);
}

/// Wherever a job ends, before a call has its effect or after, the next try comes to the same end.
#[tokio::test]
async fn a_round_that_is_stopped_at_any_call_is_done_by_the_next_try() {
    let mut passes = 0;
    loop {
        // Counts down once it is set; at nought the call never answers, and whoever waits for it is gone.
        let (left, stopped) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(Notify::new()));
        let (counted, told) = (Arc::clone(&left), Arc::clone(&stopped));
        let gate = Gate::new(move |_| match counted.fetch_sub(1, Ordering::SeqCst) {
            0 => {
                told.notify_one();
                Fault::NoAnswer
            }
            _ => Fault::None,
        });
        let (scene, led_to) = Scene::with_orphans(&gate, 1, 2).await;
        scene.sweep().await;
        left.store(passes, Ordering::SeqCst);
        let mut was_stopped = false;
        let work = async |scene: &Scene, job: &Job| loop {
            tokio::select! {
                worked = scene.terrace.worker.work(job, Instant::now()) => {
                    worked.unwrap();
                    return;
                }
                () = stopped.notified() => was_stopped = true,
            }
        };
        scene.round(work).await;
        left.store(usize::MAX, Ordering::SeqCst);
        // What was queued twice is worked on twice.
        scene.terrace.settle().await;
        assert_eq!(scene.objects().await, led_to, "stopped after {passes} passes");
        if !was_stopped {
            break;
        }
        passes += 1;
    }
    assert!(passes > 40, "{passes}");
}
