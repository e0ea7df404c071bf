//! The worker is killed, as by `kill -9`, after each call of the store while it re-keys or erases, and another one goes
//! on: it ends as if nothing had happened, and at no point a record is in neither place.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use terrace_store::local::{Database, Fault};
use terrace_tests::erased::{only_a_tombstone, shows_nothing};
use terrace_tests::events::Time;
use terrace_tests::items::{Items, differences, text, timeless};
use terrace_tests::{Gate, Terrace};

/// The folder that a process which is to be killed works in, and how often it passes a call of the store before.
const FOLDER: &str = "TERRACE_TEST_FOLDER";
const PASSES: &str = "TERRACE_TEST_PASSES";
/// More passes than a run makes; reached when the run cannot end.
const MOST_PASSES: usize = 500;

/// The process that is killed: it works on the jobs until it has passed the gate so often.
async fn work_until_killed(folder: &Path) {
    let passes = Arc::new(AtomicUsize::new(usize::MAX));
    let left = Arc::clone(&passes);
    let last = move |_| if left.fetch_sub(1, Ordering::SeqCst) == 0 { Fault::Abort } else { Fault::None };
    let gate = Gate::new(last);
    let client = gate.client(&Database::open(folder).unwrap());
    let terrace = Terrace::gated(client, folder, &gate).await;
    passes.store(std::env::var(PASSES).unwrap().parse().unwrap(), Ordering::SeqCst);
    terrace.settle().await;
}

/// Runs that process: the test of this name, in another one. `false` if it was not killed.
fn is_killed(test: &str, folder: &Path, passes: usize) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    let output = command.env(FOLDER, folder).env(PASSES, passes.to_string()).output().unwrap();
    let by_itself = output.status.code();
    assert!(by_itself.is_none_or(|code| code == 0), "{output:?}");
    by_itself.is_none()
}

async fn open(folder: &Path) -> Terrace {
    Terrace::within(Database::open(folder).unwrap().client(), folder).await
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// What lies in the table but the counts of a job, which those who were killed took with them.
async fn end(terrace: &Terrace) -> Items {
    terrace.settle().await;
    let mut items = timeless(terrace).await;
    for ((_, record), item) in &mut items {
        if record.starts_with("job#") {
            item.retain(|name, _| name != "progress");
        }
    }
    items
}

/// Kills a worker after each call of the jobs that wait in a folder, looks at what there is, and lets another go on.
async fn killed_after_each_call(test: &str, begun: &Path, at_each: impl AsyncFn(&Terrace, &str)) -> usize {
    let place = tempfile::tempdir().unwrap();
    let undisturbed = place.path().join("undisturbed");
    copy(begun, &undisturbed);
    let undisturbed = end(&open(&undisturbed).await).await;
    let mut kills = 0;
    // A call passes twice; after it is the second time.
    for passes in (1..).step_by(2) {
        let folder = place.path().join(passes.to_string());
        copy(begun, &folder);
        let killed = is_killed(test, &folder, passes);
        let terrace = open(&folder).await;
        let what = format!("killed after {passes} passes: {killed}");
        at_each(&terrace, &what).await;
        assert_eq!(differences(&end(&terrace).await, &undisturbed), Vec::<String>::new(), "{what}");
        if !killed {
            return kills;
        }
        kills += 1;
        assert!(passes < MOST_PASSES);
    }
    kills
}

/// The names of all records, whoever has them.
async fn records(terrace: &Terrace) -> BTreeSet<String> {
    let items = terrace.items().await;
    items.iter().filter(|item| item.contains_key("version")).map(|item| text(item, "record").to_owned()).collect()
}

#[tokio::test]
async fn a_rekey_killed_after_any_call_is_done_by_the_next() {
    const TEST: &str = "a_rekey_killed_after_any_call_is_done_by_the_next";
    if let Ok(folder) = std::env::var(FOLDER) {
        return work_until_killed(Path::new(&folder)).await;
    }
    let (begun, time) = (tempfile::tempdir().unwrap(), Time::since(600));
    let all = {
        let terrace = open(begun.path()).await;
        for delivery in [
            time.large(1, "a", "l"),
            time.day(1, "a", "2026-07-01", 1),
            time.scored(2, "a", "both", &json!({"sleep_score": 5})),
            time.scored(3, "b", "both", &json!({"sleep_score": null})),
            time.day(1, "b", "2026-07-02", 1),
            time.reauth(4, "a", "b"),
            time.reauth(5, "b", "c"),
        ] {
            terrace.accept(&delivery).await;
        }
        assert_eq!(terrace.queue.len(), 2);
        records(&terrace).await
    };
    let none_in_neither = async |terrace: &Terrace, what: &str| assert_eq!(records(terrace).await, all, "{what}");
    let kills = killed_after_each_call(TEST, begun.path(), none_in_neither).await;
    // For each of two ids eleven types, a look at the connection for each that has records, and twice as many writes as
    // there are records.
    assert!(kills > 30, "{kills}");
}

#[tokio::test]
async fn an_erase_killed_after_any_call_is_done_by_the_next() {
    const TEST: &str = "an_erase_killed_after_any_call_is_done_by_the_next";
    if let Ok(folder) = std::env::var(FOLDER) {
        return work_until_killed(Path::new(&folder)).await;
    }
    let (begun, time) = (tempfile::tempdir().unwrap(), Time::since(600));
    {
        let terrace = open(begun.path()).await;
        // One that was replaced, and of which nothing says whose it is but who replaced it.
        let nameless = json!({"type": "sleep", "user": {"user_id": "a"}, "data": [{"metadata": {"summary_id": "s"}}]});
        terrace.accept(&time.event(1, &nameless)).await;
        terrace.accept(&time.large(2, "b", "l")).await;
        let unnamed = |id: &str| json!({"user_id": id});
        let reauth = json!({"type": "user_reauth", "old_user": unnamed("a"), "new_user": unnamed("b")});
        terrace.accept(&time.event(3, &reauth)).await;
        terrace.settle().await;
        terrace.accept(&time.event(4, &nameless)).await;
        let report = json!({"type": "lab_report.completed", "data": {"session_id": "l", "reference_id": "somebody"}});
        terrace.accept(&time.event(4, &report)).await;
        terrace.delete("/references/somebody").await;
    }
    let nothing_shown = async |terrace: &Terrace, what: &str| {
        // As far as it is marked.
        if terrace.read("/users/b", &[]).await["status"] == "erased" {
            shows_nothing(terrace, "b", what).await;
        }
        terrace.settle().await;
        only_a_tombstone(terrace, "a", what).await;
        only_a_tombstone(terrace, "b", what).await;
        assert_eq!(terrace.objects("log").await, Vec::<String>::new(), "{what}");
        assert_eq!(terrace.objects("erasures").await.len(), 3, "{what}");
    };
    let kills = killed_after_each_call(TEST, begun.path(), nothing_shown).await;
    assert!(kills > 25, "{kills}");
}
