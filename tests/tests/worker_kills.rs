//! The worker is killed, as by `kill -9`, after each call of the store while it re-keys or erases, and another one goes
//! on: it ends as if nothing had happened, and at no point a record is in neither place.

use serde_json::json;
use std::collections::BTreeSet;
use terrace_tests::Terrace;
use terrace_tests::erased::{only_a_tombstone, shows_nothing};
use terrace_tests::events::Time;
use terrace_tests::items::{Items, differences, text};
use terrace_tests::killed::{Killed, works_here};

/// The items without the counts of a job, which those who were killed took with them.
fn uncounted(mut items: Items) -> Items {
    for ((_, record), item) in &mut items {
        if record.starts_with("job#") {
            item.retain(|name, _| name != "progress");
        }
    }
    items
}

/// Kills a worker after each call, looks at what there is, and lets another go on.
async fn killed_after_each_call(killed: &Killed, look: impl AsyncFn(&Terrace, &str)) {
    let undisturbed = uncounted(killed.undisturbed.clone());
    // A call passes twice; after it is the second time.
    for passes in (1..=killed.passes).step_by(2) {
        let what = format!("killed after {passes} passes of {}", killed.passes);
        let items = killed.at_looking(passes, async |terrace| look(terrace, &what).await).await;
        assert_eq!(differences(&uncounted(items), &undisturbed), Vec::<String>::new(), "{what}");
    }
}

/// The names of all records, whoever has them.
async fn records(terrace: &Terrace) -> BTreeSet<String> {
    let items = terrace.items().await;
    items.iter().filter(|item| item.contains_key("version")).map(|item| text(item, "record").to_owned()).collect()
}

#[tokio::test]
async fn a_rekey_killed_after_any_call_is_done_by_the_next() {
    if works_here().await {
        return;
    }
    let (time, mut all) = (Time::since(600), BTreeSet::new());
    let prepare = async |terrace: &Terrace| {
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
        all = records(terrace).await;
    };
    let killed = Killed::new("a_rekey_killed_after_any_call_is_done_by_the_next", "", prepare).await;
    assert!(killed.undisturbed.iter().all(|((user, _), item)| user == "c" || !item.contains_key("version")));
    // For each of two ids eleven types, a look at the connection for each that has records, and twice as many writes as
    // there are records; each passed twice.
    assert!(killed.passes > 70, "{}", killed.passes);
    killed_after_each_call(&killed, async |terrace, what| assert_eq!(records(terrace).await, all, "{what}")).await;
}

#[tokio::test]
async fn an_erase_killed_after_any_call_is_done_by_the_next() {
    if works_here().await {
        return;
    }
    let time = Time::since(600);
    let prepare = async |terrace: &Terrace| {
        // One that was replaced, and of which nothing says whose it is but who replaced it.
        let nameless = json!({"type": "sleep", "user": {"user_id": "a"}, "data": [{"metadata": {"summary_id": "s"}}]});
        terrace.accept(&time.event(1, &nameless)).await;
        terrace.accept(&time.large(2, "b", "l")).await;
        let unnamed = |id: &str| json!({"user_id": id});
        let reauth = json!({"type": "user_reauth", "old_user": unnamed("a"), "new_user": unnamed("b")});
        terrace.accept(&time.event(3, &reauth)).await;
        // So that no job but the erase looks at it.
        terrace.settle().await;
        let report = json!({"type": "lab_report.completed", "data": {"session_id": "l", "reference_id": "somebody"}});
        terrace.accept(&time.event(4, &report)).await;
        terrace.delete("/references/somebody").await;
    };
    let killed = Killed::new("an_erase_killed_after_any_call_is_done_by_the_next", "", prepare).await;
    assert!(killed.passes > 60, "{}", killed.passes);
    let nothing_is_left = async |terrace: &Terrace, what: &str| {
        // Shown it is no more as soon as it is marked.
        if terrace.read("/users/b", &[]).await.get("status") == Some(&json!("erased")) {
            shows_nothing(terrace, "b", what).await;
        }
        terrace.settle().await;
        only_a_tombstone(terrace, "a", what).await;
        only_a_tombstone(terrace, "b", what).await;
        assert_eq!(terrace.objects("log").await, Vec::<String>::new(), "{what}");
        assert_eq!(terrace.objects("erasures").await.len(), 3, "{what}");
    };
    killed_after_each_call(&killed, nothing_is_left).await;
}
