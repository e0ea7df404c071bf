//! The worker is killed at a ping, as by `kill -9`, before and after each call of the store, and what is left of the job
//! is done by another: it ends as if nothing had happened. And what a ping leads to lies where its user is by then.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::Database;
use terrace_terra::UnixSeconds;
use terrace_tests::items::{differences, text};
use terrace_tests::killed::{Killed, works_here};
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Gate, ObjectHost, Reply, Terrace};
use terrace_worker::fetch::FetchLimits;

const TRACE: &str = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001";

fn ping(url: &str) -> Delivery {
    let body = json!({"type": "s3_payload", "status": "success", "url": url, "expires_in": 600});
    Delivery::new(body.to_string()).trace(TRACE).ordered((UnixSeconds::now().0 - 5) * 1_000)
}

fn sleeps(user: &str, number: u64, samples: usize) -> Vec<u8> {
    let sleep = |id: u64| {
        let scores = json!({"sleep_score": id, "stress_score": null});
        json!({"metadata": {"summary_id": format!("s{id}")}, "n": noise(id, samples), "data_enrichment": scores})
    };
    let user = json!({"user_id": user, "provider": "OURA", "reference_id": "r"});
    json!({"type": "sleep", "user": user, "data": (0..number).map(sleep).collect::<Vec<_>>()}).to_string().into_bytes()
}

/// The table after a kill at each of these passes is the undisturbed one.
async fn the_same(killed: &Killed, passes: Vec<usize>) {
    for at in passes {
        let items = killed.at(at).await;
        assert_eq!(differences(&items, &killed.undisturbed), Vec::<String>::new(), "after {at} of {}", killed.passes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_a_small_ping_loses_nothing() {
    if works_here().await {
        return;
    }
    let host = ObjectHost::new().await;
    let url = host.put("small", [Reply::Body(sleeps("u", 1, 5))]);
    let prepare = async |terrace: &Terrace| {
        terrace.accept(&ping(&url)).await;
    };
    let killed = Killed::new("a_worker_killed_at_a_small_ping_loses_nothing", host.authority(), prepare).await;
    // The ping is read, what it leads to logged, its record and its connection written, and the ping noted.
    assert!(killed.passes >= 10, "{}", killed.passes);
    the_same(&killed, (0..=killed.passes).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_a_large_ping_loses_nothing() {
    if works_here().await {
        return;
    }
    let host = ObjectHost::new().await;
    let body = sleeps("u", 203, 300);
    let url = host.put("large", [Reply::Body(body)]);
    let prepare = async |terrace: &Terrace| {
        terrace.accept(&ping(&url)).await;
    };
    let killed = Killed::new("a_worker_killed_at_a_large_ping_loses_nothing", host.authority(), prepare).await;
    assert!(killed.passes >= 400, "{}", killed.passes);
    let records = killed.undisturbed.values().filter(|item| item.contains_key("source")).count();
    assert_eq!(records, 203, "each of them lies in the object");
    the_same(&killed, killed.some()).await;
}

/// A Terrace that fetches from this host.
async fn fetching(host: &ObjectHost) -> (Terrace, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (client, intake) = (Database::in_memory().unwrap().client(), IntakeSettings::default());
    let fetcher = host.fetcher(FetchLimits::default());
    (Terrace::told(client, folder.path(), &Gate::open(), intake, fetcher).await, folder)
}

#[tokio::test]
async fn what_a_ping_leads_to_goes_on_where_its_user_does() {
    let host = ObjectHost::new().await;
    let url = host.put("old", [Reply::Body(sleeps("old", 3, 300))]);
    let reauth = json!({"type": "user_reauth", "old_user": {"user_id": "old"}, "new_user": {"user_id": "new"}});
    let reauth = Delivery::new(reauth.to_string());
    let ping = ping(&url);
    for order in [[&reauth, &ping], [&ping, &reauth]] {
        let (terrace, _folder) = fetching(&host).await;
        for delivery in order {
            terrace.accept(delivery).await;
        }
        terrace.settle().await;
        let records = terrace.read("/users/new/records", &[("detail", "full")]).await;
        assert_eq!(records["records"].as_array().map(Vec::len), Some(3));
        assert_eq!(terrace.read("/users/old/records", &[]).await["records"], json!([]));
    }
}

#[tokio::test]
async fn what_a_ping_leads_to_does_not_come_back_after_an_erase() {
    let host = ObjectHost::new().await;
    for (samples, name) in [(5, "small"), (300, "large")] {
        let url = host.put(name, [Reply::Body(sleeps("gone", 3, samples))]);
        let (terrace, folder) = fetching(&host).await;
        let erase = terrace_store::queue::Job::Erase {
            subject: terrace_store::queue::Subject::User("gone".into()),
            at_ms: UnixSeconds::now().0 * 1_000,
            id: None,
        };
        terrace.accept(&Delivery::new(sleeps("gone", 1, 5))).await;
        terrace.worker.work(&erase, tokio::time::Instant::now() + std::time::Duration::from_secs(600)).await.unwrap();
        assert_eq!(terrace.accept(&ping(&url)).await["status"], "queued");
        let settled = terrace.settle().await;
        assert_eq!((settled.of("ping"), settled.of("erase")), (1, 1), "{name}");
        let of_user: Vec<_> =
            terrace.items().await.into_iter().filter(|item| text(item, "user_id") == "gone").collect();
        let left: BTreeSet<_> = of_user.iter().map(|item| text(item, "record")).collect();
        assert_eq!(left, BTreeSet::from(["connection"]), "{name}");
        let status: Value = terrace.read("/users/gone", &[]).await;
        assert_eq!(status["status"], "erased");
        let objects = folder.path().join("objects/log");
        let files = std::fs::read_dir(objects)
            .map(|folders| folders.map(|one| std::fs::read_dir(one.unwrap().path()).unwrap().count()).sum::<usize>());
        assert_eq!(files.unwrap_or(0), 0, "{name}");
    }
}

/// A ping may say whose it is, and be wrong: what counts is what it leads to.
#[tokio::test]
async fn a_ping_that_names_another_user_is_taken_by_its_body() {
    let host = ObjectHost::new().await;
    let url = host.put("small", [Reply::Body(sleeps("u", 1, 5))]);
    let (terrace, _folder) = fetching(&host).await;
    let named =
        json!({"type": "s3_payload", "url": url, "user_id": "x", "reference_id": "x", "user": {"user_id": "x"}});
    assert_eq!(terrace.accept(&Delivery::new(named.to_string()).trace(TRACE)).await["status"], "queued");
    assert_eq!(terrace.settle().await.lost, Vec::<&str>::new());
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(terrace.read("/users/x/records", &[]).await["records"], json!([]));
    let deliveries = terrace.read("/users/x/deliveries", &[]).await;
    assert_eq!(deliveries["deliveries"][0]["event"], "s3_payload");
}
