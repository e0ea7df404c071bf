//! Whatever came for an id that was replaced is read under the one that goes on, as if all of it had come for that.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::time::Duration;
use terrace_store::queue::{Job, JobQueue};
use terrace_tests::events::{Time, large};
use terrace_tests::items::text;
use terrace_tests::{Delivery, Terrace};

/// The records of a user, whole, by type and identifier.
async fn records(terrace: &Terrace, user: &str) -> Value {
    terrace.read(&format!("/users/{user}/records"), &[("detail", "full"), ("limit", "1000")]).await["records"].take()
}

async fn status(terrace: &Terrace, user: &str) -> Value {
    terrace.read(&format!("/users/{user}"), &[]).await["status"].take()
}

/// How many records lie in the table under each id, whatever is shown of them.
async fn lie(terrace: &Terrace, users: &[&str]) -> Vec<usize> {
    let items = terrace.items().await;
    let of = |user: &&str| {
        let theirs = items.iter().filter(|item| text(item, "user_id") == *user && item.contains_key("version"));
        theirs.count()
    };
    users.iter().map(of).collect()
}

/// What became of each delivery of a user.
async fn fates(terrace: &Terrace, user: &str) -> Vec<Value> {
    let listed = terrace.read(&format!("/users/{user}/deliveries"), &[]).await;
    listed["deliveries"].as_array().unwrap().iter().map(|delivery| delivery["status"].clone()).collect()
}

#[tokio::test]
async fn a_replaced_id_shows_nothing_from_the_mark_on_and_its_deliveries_all_along() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    for delivery in [time.auth(1, "old"), time.day(2, "old", "2026-07-01", 1), time.large(3, "old", "s")] {
        terrace.accept(&delivery).await;
    }
    assert_eq!(terrace.accept(&time.reauth(4, "old", "new")).await["status"], "queued");
    for settled in [false, true] {
        assert_eq!(status(&terrace, "old").await, "replaced");
        assert_eq!(records(&terrace, "old").await, json!([]), "{settled}");
        for path in ["daily/2026-07-01", "sleep/s"] {
            assert_eq!(terrace.get(&format!("/users/old/records/{path}"), &[]).await.status, 404, "{settled}");
            let there = terrace.get(&format!("/users/new/records/{path}"), &[]).await.status;
            assert_eq!(there, if settled { 200 } else { 404 });
        }
        let by_id = terrace.read("/users/old/records", &[("id", "s")]).await;
        assert_eq!(by_id["records"], json!([]));
        let of_data = if settled { "stored" } else { "queued" };
        assert_eq!(fates(&terrace, "old").await, ["stored", of_data, of_data]);
        if !settled {
            assert_eq!(terrace.settle().await.of("rekey"), 1);
        }
    }
    let connection = terrace.read("/users/old", &[]).await;
    assert_eq!((&connection["replaced_by"], &connection["replaces"]), (&json!("new"), &json!([])));
    assert_eq!(terrace.read("/users/new", &[]).await["replaces"], json!(["old"]));
    assert_eq!(lie(&terrace, &["old", "new"]).await, [0, 2]);
    let whole = terrace.read("/users/new/records/sleep/s", &[]).await;
    assert_eq!(whole["data"], large("s", 3), "it lies in an object of the old id's");
}

#[tokio::test]
async fn what_comes_late_for_the_old_id_goes_after_the_rest() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    terrace.accept(&time.day(2, "old", "2026-07-01", 1)).await;
    terrace.accept(&time.reauth(4, "old", "new")).await;
    terrace.settle().await;
    // Newer than what was moved, older than it, and of a day of its own; and a score for one that is there.
    terrace.accept(&time.scored(3, "new", "s", &json!({"sleep_score": null}))).await;
    for late in [
        time.day(3, "old", "2026-07-01", 2),
        time.day(1, "old", "2026-07-01", 0),
        time.large(1, "old", "late"),
        time.scored(2, "old", "s", &json!({"sleep_score": 81})),
    ] {
        assert_eq!(terrace.accept(&late).await["status"], "queued");
        terrace.settle().await;
        assert_eq!(records(&terrace, "old").await, json!([]));
    }
    assert_eq!(lie(&terrace, &["old", "new"]).await, [0, 3]);
    let read = |path: &'static str| {
        let terrace = &terrace;
        async move { terrace.read(&format!("/users/new/records/{path}"), &[]).await["data"].take() }
    };
    assert_eq!(read("daily/2026-07-01").await["number"], 2);
    assert_eq!(read("sleep/late").await, large("late", 1));
    assert_eq!(read("sleep/s").await["data_enrichment"]["sleep_score"], 81);
    assert_eq!(fates(&terrace, "old").await, ["stored"; 5]);
}

#[tokio::test]
async fn a_deleted_record_stays_deleted_under_the_new_id() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    let activity = |upload_type: u8| json!([{"metadata": {"summary_id": "a", "start_time": "2026-07-01T07:00:00Z", "upload_type": upload_type}}]);
    terrace.accept(&time.data(3, "old", "activity", &activity(4))).await;
    terrace.accept(&time.reauth(4, "old", "new")).await;
    terrace.settle().await;
    terrace.accept(&time.data(2, "new", "activity", &activity(1))).await;
    assert_eq!(terrace.get("/users/new/records/activity/a", &[]).await.status, 404);
    terrace.accept(&time.data(5, "old", "activity", &activity(1))).await;
    terrace.settle().await;
    assert_eq!(terrace.get("/users/new/records/activity/a", &[]).await.status, 200);
    assert_eq!(records(&terrace, "new").await[0]["start_time"], "2026-07-01T07:00:00Z", "it is listed by its time");
}

#[tokio::test]
async fn hashed_ids_and_identifiers_are_moved_like_any_other() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    let (old, new, id) = ("o".repeat(1_500), "reference:new", "i".repeat(1_200));
    terrace.accept(&time.scored(1, &old, &id, &json!({"sleep_score": 7}))).await;
    terrace.accept(&time.reauth(2, &old, new)).await;
    terrace.settle().await;
    let moved = records(&terrace, new).await;
    assert_eq!((&moved[0]["id"], &moved[0]["data"]["data_enrichment"]["sleep_score"]), (&json!(id), &json!(7)));
    assert_eq!(records(&terrace, &old).await, json!([]));
    assert_eq!(terrace.read(&format!("/users/{old}"), &[]).await["replaced_by"], new);
}

#[tokio::test]
async fn without_an_old_id_or_with_the_same_one_nothing_is_moved() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    terrace.accept(&time.day(1, "u", "2026-07-01", 1)).await;
    let user = json!({"user_id": "u"});
    for (second, old) in [(2, json!({})), (3, json!({"old_user": null})), (4, json!({"old_user": user}))] {
        let mut body = json!({"type": "user_reauth", "new_user": user});
        body.as_object_mut().unwrap().extend(old.as_object().unwrap().clone());
        assert_eq!(terrace.accept(&time.event(second, &body)).await["status"], "stored");
    }
    assert!(terrace.queue.is_empty());
    // Such a job does no harm either.
    terrace.queue.send(&Job::Rekey { old: "u".to_owned(), new: "u".to_owned() }).await.unwrap();
    terrace.settle().await;
    assert_eq!((status(&terrace, "u").await, lie(&terrace, &["u"]).await), (json!("active"), vec![1]));
    let connection = terrace.read("/users/u", &[]).await;
    assert_eq!((&connection["replaced_by"], &connection["replaces"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_job_that_has_no_time_hands_on_the_rest_until_there_is_none() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    for kind in ["daily", "body", "nutrition", "menstruation"] {
        let days: Vec<_> = (1..=9).map(|day| json!({"metadata": {"start_time": format!("2026-07-0{day}")}})).collect();
        terrace.accept(&time.data(1, "old", kind, &Value::from(days))).await;
    }
    terrace.accept(&time.reauth(2, "old", "new")).await;
    let settled = terrace.settle_within(Duration::ZERO).await;
    assert!(settled.handed_on >= 3, "{settled:?}");
    assert_eq!(lie(&terrace, &["old", "new"]).await, [0, 36]);
}

#[tokio::test]
async fn a_job_may_come_twice_and_long_after() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    let job = Job::Rekey { old: "old".to_owned(), new: "new".to_owned() };
    // Before anything is known of them.
    terrace.queue.send(&job).await.unwrap();
    terrace.settle().await;
    assert!(terrace.items().await.is_empty());
    terrace.accept(&time.day(1, "old", "2026-07-01", 1)).await;
    terrace.accept(&time.reauth(2, "old", "new")).await;
    terrace.accept(&time.reauth(3, "new", "newest")).await;
    for _ in 0..2 {
        terrace.settle().await;
        assert_eq!(lie(&terrace, &["old", "new", "newest"]).await, [0, 0, 1]);
        terrace.queue.send(&job).await.unwrap();
    }
    // The old id stands for itself again: what comes for it now is not taken away.
    terrace.accept(&time.reauth(5, "other", "old")).await;
    terrace.accept(&time.day(6, "old", "2026-07-02", 1)).await;
    terrace.settle().await;
    assert_eq!(lie(&terrace, &["old", "newest"]).await, [1, 1]);
    assert_eq!(status(&terrace, "old").await, "active");
}

#[tokio::test]
async fn the_lines_of_jobs_name_nobody() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    let (old, new) = ("someone-who-was", "someone-who-is");
    terrace.accept(&time.large(1, old, "slept-badly")).await;
    terrace.accept(&time.reauth(2, old, new)).await;
    terrace.queue.send(&Job::Rekey { old: String::new(), new: new.to_owned() }).await.unwrap();
    while !terrace.queue.is_empty() {
        let taken = terrace.queue.next().await.unwrap();
        let due = tokio::time::Instant::now() + Duration::from_secs(60);
        drop(terrace.worker.work(taken.job(), due).await);
        terrace.queue.done(taken).await.unwrap();
    }
    terrace.delete(&format!("/users/{new}")).await;
    terrace.delete("/references/somebody").await;
    terrace.settle().await;
    let lines = terrace.lines.text();
    assert!(lines.contains(r#""job":"rekey""#) && lines.contains(r#""job":"erase""#), "{lines}");
    assert!(lines.contains(r#""outcome":"failed""#), "{lines}");
    for named in [old, new, "somebody", "slept-badly", "someone"] {
        assert!(!lines.contains(named), "{named}: {lines}");
    }
}

#[tokio::test]
async fn a_delivery_that_is_handed_to_a_job_is_moved_too() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    terrace.accept(&time.reauth(2, "old", "new")).await;
    let date = |n: u64| format!("{}-01-{:02}", 1_800 + n / 28, n % 28 + 1);
    let year: Vec<_> = (0..230).map(|n| json!({"metadata": {"start_time": date(n)}})).collect();
    let delivery: Delivery = time.data(1, "old", "daily", &Value::from(year));
    assert_eq!(terrace.accept(&delivery).await["status"], "queued");
    let settled = terrace.settle().await;
    assert_eq!((settled.of("apply"), settled.of("rekey")), (1, 2), "{settled:?}");
    assert_eq!(lie(&terrace, &["old", "new"]).await, [0, 230]);
}
