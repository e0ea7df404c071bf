//! Which deliveries a daily round looks at: those that came since the round before the last, so that two see each; more where
//! rounds failed or did not go. And what it spares of the objects that nothing leads to.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use terrace_ingest::Moment;
use terrace_store::local::{Asked, Database, Fault, Meter, Watched};
use terrace_store::queue::Job;
use terrace_tests::items::text;
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Terrace};
use terrace_worker::{WorkError, Worked};
use tokio::time::Instant;

const HOUR_MS: u64 = 3_600_000;
const DAY: u64 = 24;

/// A Terrace whose rounds go at any hour, and which counts what they ask.
struct Scene {
    terrace: Terrace,
    began_ms: u64,
    meter: Meter,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let meter = Meter::default();
        Self::over(meter.client(&Database::in_memory().unwrap()), meter).await
    }

    async fn over(client: Client, meter: Meter) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let terrace = Terrace::within(client, folder.path()).await;
        Self { terrace, began_ms: Moment::now().now_ms, meter, folder }
    }

    /// Takes a delivery in for a user that was not known, as if it had come at this hour.
    async fn accept(&self, user: &str, hour: u64, samples: usize) {
        let body = json!({"type": "sleep", "user": {"user_id": user},
            "data": [{"metadata": {"summary_id": "s"}, "n": noise(hour + 1, samples)}]});
        self.terrace.accept(&Delivery::new(body.to_string())).await;
        let came = AttributeValue::N((self.began_ms + hour * HOUR_MS).to_string());
        for item in self.items(|of, record| of == user && record.starts_with("log#")).await {
            let request = self.terrace.client.update_item().table_name("terrace");
            let request = request.key("user_id", item["user_id"].clone()).key("record", item["record"].clone());
            let request = request.update_expression("SET received_at = :came");
            request.expression_attribute_values(":came", came.clone()).send().await.unwrap();
        }
    }

    /// What came of a user's deliveries is gone, as if they had never been applied.
    async fn unapply(&self, user: &str) {
        for item in self.items(|of, record| of == user && !record.starts_with("log#")).await {
            let request = self.terrace.client.delete_item().table_name("terrace");
            let request = request.key("user_id", item["user_id"].clone()).key("record", item["record"].clone());
            request.send().await.unwrap();
        }
    }

    async fn items(&self, which: impl Fn(&str, &str) -> bool) -> Vec<terrace_tests::items::Item> {
        let all = self.terrace.items().await;
        all.into_iter().filter(|item| which(text(item, "user_id"), text(item, "record"))).collect()
    }

    async fn is_applied(&self, user: &str) -> bool {
        !self.items(|of, record| of == user && record.starts_with("sleep#")).await.is_empty()
    }

    /// Goes round at this hour; says what was asked for it.
    async fn round(&self, hour: u64) -> Asked {
        self.meter.take();
        assert_eq!(self.work(&Job::Sweep { after: None }, hour).await.unwrap(), Worked::Done);
        let asked = self.meter.take();
        self.terrace.settle().await;
        asked
    }

    /// A job of a round at this hour, with all the time there is.
    async fn work(&self, job: &Job, hour: u64) -> Result<Worked, WorkError> {
        let moment = Moment { now_ms: self.began_ms + hour * HOUR_MS, came: Instant::now() };
        self.terrace.worker.work_at(job, moment, Instant::now() + Duration::from_secs(600)).await
    }

    /// Whether a round at this hour looks at a delivery: it asks for more than the one page of the table.
    async fn looks(&self, hour: u64) -> bool {
        self.round(hour).await.calls > 1
    }
}

#[tokio::test]
async fn two_rounds_look_at_each_delivery() {
    let scene = Scene::new().await;
    scene.accept("u", 0, 2).await;
    let looked = [scene.looks(1).await, scene.looks(1 + DAY).await, scene.looks(1 + 2 * DAY).await];
    assert_eq!(looked, [true, true, false]);
    // One that comes between two rounds, and one that has just come when a round goes.
    scene.accept("v", 2 + 2 * DAY, 2).await;
    scene.accept("w", 1 + 3 * DAY, 2).await;
    let asked = [scene.round(1 + 3 * DAY).await, scene.round(1 + 4 * DAY).await, scene.round(1 + 5 * DAY).await];
    let calls = asked.map(|asked| asked.calls);
    assert_eq!(calls, [1 + 2, 1 + 2 + 2, 1 + 2], "v, then both, then w: connection and record of each");
    assert!(!scene.looks(1 + 6 * DAY).await);
}

#[tokio::test]
async fn what_came_while_no_round_went_is_looked_at_for_a_week() {
    for (came, mended) in [(2, false), (3 * DAY, true), (9 * DAY, true)] {
        let scene = Scene::new().await;
        scene.round(0).await;
        scene.round(1).await;
        scene.accept("u", came, 2).await;
        scene.unapply("u").await;
        scene.round(9 * DAY + 1).await;
        assert_eq!(scene.is_applied("u").await, mended, "{came}");
    }
}

/// Trying again would not help with this one; somebody has to mend it first.
#[tokio::test]
async fn while_one_cannot_be_applied_those_of_its_days_are_looked_at() {
    let scene = Scene::new().await;
    scene.accept("whole", 0, 2).await;
    scene.accept("broken", 0, 3_000).await;
    scene.unapply("broken").await;
    let item = scene.items(|of, _| of == "broken").await.remove(0);
    let key = text(&item, "object").to_owned();
    let object = scene.terrace.log.objects().get(&key).await.unwrap().unwrap();
    scene.terrace.log.objects().remove(&key).await.unwrap();
    for day in 0..4 {
        assert!(scene.looks(1 + day * DAY).await, "{day}");
    }
    assert!(!scene.is_applied("broken").await);
    scene.terrace.log.objects().put(&key, object).await.unwrap();
    scene.round(1 + 4 * DAY).await;
    assert!(scene.is_applied("broken").await, "once it can be, it is");
    assert!(scene.looks(1 + 5 * DAY).await);
    assert!(!scene.looks(1 + 6 * DAY).await, "and is done with");
}

#[tokio::test]
async fn the_table_is_read_at_half_the_price() {
    let scene = Scene::new().await;
    for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        scene.accept(user, 0, 150).await;
    }
    use terrace_store::Freshness::{Latest, Recent};
    scene.meter.take();
    scene.terrace.table.round(None, Latest).await.unwrap();
    let latest = scene.meter.take().read_units;
    scene.terrace.table.round(None, Recent).await.unwrap();
    let recent = scene.meter.take().read_units;
    assert!(recent > 1.0 && (recent * 2.0 - latest).abs() <= 1.0, "{recent} and {latest}");
    let round = scene.round(10 * DAY).await;
    assert_eq!((round.calls, round.read_units), (1, recent));
}

/// What comes again after its first delivery has expired lies in the object of then.
#[tokio::test]
async fn an_object_that_is_put_again_is_spared() {
    let scene = Scene::new().await;
    let old = |key: &str| {
        let path = scene.folder.path().join("objects").join(Path::new(key));
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(92 * 24 * 3_600)).unwrap();
    };
    let log = &scene.terrace.log;
    let keys = ["again", "never"].map(|name| format!("log/{}/{name}", "0".repeat(64)));
    for key in &keys {
        log.put_object(key, Bytes::from_static(b"frames"), &[]).await.unwrap();
        old(key);
    }
    scene.round(1).await;
    // The round has been past whoever leads to it from now on.
    log.put_object(&keys[0], Bytes::from_static(b"frames"), &[]).await.unwrap();
    scene.round(1 + DAY).await;
    let there = [log.objects().get(&keys[0]).await.unwrap(), log.objects().get(&keys[1]).await.unwrap()];
    assert_eq!(there.map(|object| object.is_some()), [true, false]);
}

/// A table that takes so many of these calls and refuses every later one, until it is told of more.
async fn overloaded(by: &'static str) -> (Scene, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let counted = Arc::clone(&left);
    let watched = Watched::new(Database::in_memory().unwrap().http_client()).before(move |operation, _| {
        let takes = |left: usize| left.checked_sub(1);
        let refuses = operation == by && counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes).is_err();
        if refuses { Fault::Throttled } else { Fault::None }
    });
    let scene = Scene::over(watched.client(), Meter::default()).await;
    for user in 0..40 {
        scene.accept(&format!("u{user}"), 0, 3_000).await;
        scene.unapply(&format!("u{user}")).await;
    }
    (scene, left)
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_at_before_the_table_refused_is_not_looked_at_again() {
    let (scene, left) = overloaded("GetItem").await;
    left.store(0, Ordering::SeqCst);
    let failed = scene.work(&Job::Sweep { after: None }, 1).await.unwrap_err();
    assert!(failed.is_transient(), "nothing was done: the message comes back by and by");
    // Enough for some of them, each time.
    let (mut job, mut jobs) = (Job::Sweep { after: None }, 0);
    loop {
        left.store(18, Ordering::SeqCst);
        let worked = scene.work(&job, 1).await.unwrap();
        jobs += 1;
        if worked == Worked::Done {
            break;
        }
        assert!(jobs < 40, "it comes to no end");
        let taken = scene.terrace.queue.next().await.unwrap();
        job = taken.job().clone();
        scene.terrace.queue.done(taken).await.unwrap();
    }
    assert!(jobs > 2, "{jobs}");
    left.store(usize::MAX, Ordering::SeqCst);
    for user in 0..40 {
        assert!(scene.is_applied(&format!("u{user}")).await, "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_on_behind_what_it_did_before_the_table_refused() {
    let (scene, left) = overloaded("BatchGetItem").await;
    let ordered = terrace_tests::orders::order_replay(&scene.terrace, &json!({"only": "all"})).await;
    let taken = scene.terrace.queue.next().await.unwrap();
    let job = taken.job().clone();
    let mut jobs = 0;
    loop {
        left.store(24, Ordering::SeqCst);
        let worked = scene.work(&job, 1).await.unwrap();
        jobs += 1;
        if worked == Worked::Done {
            break;
        }
        assert!(jobs < 40, "it comes to no end");
    }
    assert!(jobs > 1, "{jobs}");
    left.store(usize::MAX, Ordering::SeqCst);
    scene.terrace.queue.done(taken).await.unwrap();
    let done = scene.terrace.read(&format!("/jobs/{ordered}"), &[]).await;
    let progress = json!({"deliveries": 40, "applied": 40, "records_stored": 40});
    assert_eq!((&done["status"], &done["progress"]), (&json!("done"), &progress), "each is counted once");
}

/// As of a moment that the rounds of the table before it know nothing of.
#[tokio::test]
async fn to_a_restored_table_rounds_of_the_one_before_leave_nothing() {
    let scene = Scene::new().await;
    scene.accept("u", 0, 2).await;
    scene.round(3 * DAY).await;
    scene.round(4 * DAY).await;
    assert!(!scene.looks(5 * DAY).await);
    let objects = scene.terrace.log.objects();
    let rename = async |key: &str| {
        let kept = objects.get(key).await.unwrap().unwrap();
        let kept = String::from_utf8(kept.to_vec()).unwrap();
        assert!(kept.contains(r#""table":"terrace""#), "{kept}");
        objects.put(key, kept.replace(r#""table":"terrace""#, r#""table":"before""#).into()).await.unwrap();
    };
    rename("sweep/last").await;
    assert!(scene.looks(5 * DAY).await, "as where no round went");

    // One under way is given up.
    let moment = Moment { now_ms: scene.began_ms + 5 * DAY * HOUR_MS, came: Instant::now() };
    let worked = scene.terrace.worker.work_at(&Job::Sweep { after: None }, moment, Instant::now()).await.unwrap();
    assert_eq!(worked, Worked::HandedOn);
    let [_, kept] = scene.terrace.objects("sweep").await.try_into().unwrap();
    rename(&kept).await;
    let left = objects.get("sweep/last").await.unwrap();
    scene.terrace.settle().await;
    assert_eq!(scene.terrace.objects("sweep").await, ["sweep/last"]);
    assert_eq!(objects.get("sweep/last").await.unwrap(), left, "and leaves nothing to the next");
}
