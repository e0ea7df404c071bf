//! A late retry after an erase does not bring data back for good: a webhook is held before each of its calls while the
//! whole erase runs, and once the jobs that it asks for are done nothing is left but the tombstone.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::{Value, json};
use terrace_runtime::settings::IntakeSettings;
use terrace_store::queue::{Job, JobQueue, Subject};
use terrace_tests::erased::{folder, only_a_tombstone, shows_nothing};
use terrace_tests::events::{Time, large};
use terrace_tests::items::text;
use terrace_tests::noise::noise;
use terrace_tests::{Delivery, Gate, Hold, Terrace};

/// More calls than a webhook makes; reached when it cannot end.
const MOST_CALLS: usize = 100;

async fn held() -> (Terrace, Hold) {
    let hold = Hold::default();
    (Terrace::behind(&Gate::held(&hold), IntakeSettings::default()).await, hold)
}

/// One late delivery for each way through the webhook.
fn late(time: Time) -> Vec<(&'static str, Delivery)> {
    let named = json!({"user_id": "u", "reference_id": "somebody", "provider": "GARMIN"});
    let event = |body: Value| time.event(5, &body);
    let year =
        (0..210).map(|n| json!({"metadata": {"start_time": format!("{}-01-{:02}", 1_800 + n / 28, n % 28 + 1)}}));
    let year = Value::from(year.collect::<Vec<_>>());
    let mut of_job = time.data(5, "u", "daily", &year);
    of_job.body = String::from_utf8(of_job.body.to_vec()).unwrap().replace("GARMIN", "OURA").into();
    let night = |n: u64| json!({"metadata": {"summary_id": format!("s{n}")}, "samples": noise(n, 20)});
    let long: Vec<_> = (0..210).map(night).collect();
    vec![
        ("inline", time.day(5, "u", "2026-07-01", 1)),
        ("in an object", time.large(5, "u", "s")),
        ("of a job, in an object", time.data(5, "u", "sleep", &Value::from(long))),
        ("of a job", of_job),
        ("a score", time.scored(5, "u", "scored", &json!({"sleep_score": 81}))),
        ("a chunk", time.day(5, "u", "2026-07-02", 1).trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001:chunk:2")),
        ("quarantined", time.data(5, "u", "daily", &json!([{"metadata": {}}, 3]))),
        ("operational", event(json!({"type": "processing", "user": named}))),
        ("unknown", event(json!({"type": "never_heard_of", "user": named}))),
        ("unknown, in an object", event(json!({"type": "never_heard_of", "user": named, "more": large("x", 1)}))),
        ("large request", event(json!({"type": "large_request_processing", "user": named, "reference": "r"}))),
        ("permissions", event(json!({"type": "permission_change", "user": {"user_id": "u", "scopes": "a,b"}}))),
        ("deauth", time.left(5, "u", "deauth")),
        ("reauth to it", time.reauth(5, "older", "u")),
    ]
}

async fn erase(terrace: &Terrace, path: &str) {
    terrace.delete(path).await;
    terrace.settle().await;
}

#[tokio::test]
async fn a_late_retry_brings_nothing_back() {
    let time = Time::since(600);
    for (what, delivery) in late(time) {
        for known in [true, false] {
            for call in 1.. {
                let what = format!("{what} before call {call}, sent before: {known}");
                let (terrace, hold) = held().await;
                terrace.accept(&time.auth(1, "u")).await;
                if known {
                    terrace.accept(&delivery).await;
                    terrace.settle().await;
                }
                hold.at(call);
                let (answer, reached) = hold.during(terrace.accept(&delivery), erase(&terrace, "/users/u")).await;
                if !reached {
                    assert!(call > 2, "{what}: {answer}");
                    break;
                }
                shows_nothing(&terrace, "u", &what).await;
                terrace.settle().await;
                only_a_tombstone(&terrace, "u", &what).await;
                assert!(call < MOST_CALLS, "{what}");
                if call > 4 && !known {
                    // One of the many records that are written at once is like another.
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_applies_a_delivery_brings_nothing_back() {
    let time = Time::since(600);
    let (_, delivery) = late(time).into_iter().find(|(what, _)| *what == "of a job, in an object").unwrap();
    for call in [1, 2, 3, 4, 30, 212, 213] {
        let what = format!("before call {call}");
        let (terrace, hold) = held().await;
        terrace.accept(&time.auth(1, "u")).await;
        assert_eq!(terrace.accept(&delivery).await["status"], "queued");
        let taken = terrace.queue.next().await.unwrap();
        hold.at(call);
        let due = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        let erase = async {
            terrace.delete("/users/u").await;
            let subject = Subject::User("u".to_owned());
            terrace.worker.work(&Job::Erase { subject, at_ms: time.ms(500), id: None }, due).await.unwrap();
        };
        let (worked, reached) = hold.during(terrace.worker.work(taken.job(), due), erase).await;
        assert!(reached, "{what}");
        // Where it finds its object gone it is tried again, and finds its delivery gone.
        if worked.is_err() {
            terrace.worker.work(taken.job(), due).await.unwrap();
        }
        terrace.queue.done(taken).await.unwrap();
        terrace.settle().await;
        only_a_tombstone(&terrace, "u", &what).await;
    }
}

#[tokio::test]
async fn a_late_lab_report_brings_nothing_back() {
    let time = Time::since(600);
    let report = |more: Value| {
        let data = json!({"session_id": "l", "reference_id": "somebody", "results": more});
        let occurred = "2026-01-01T00:00:00Z";
        json!({"type": "lab_report.completed", "event_id": "e", "occurred_at": occurred, "data": data})
    };
    let undated = json!({"type": "lab_report", "reference_id": "somebody", "session_id": "l", "results": []});
    let cancelled = json!({"type": "auth_cancelled", "reference_id": "somebody"});
    let without_session = json!({"type": "lab_report.completed", "data": {"reference_id": "somebody"}});
    // The retry of one that says itself when it happened may be signed after the erase.
    for (what, body, second) in [
        ("inline", report(json!([])), 5),
        ("inline, signed anew", report(json!([])), 700),
        ("in an object", report(large("l", 4)), 5),
        ("in an object, signed anew", report(large("l", 4)), 700),
        ("undated", undated, 5),
        ("quarantined", without_session, 5),
        ("operational", cancelled, 5),
    ] {
        for known in [true, false] {
            for call in 1.. {
                let what = format!("{what} before call {call}, sent before: {known}");
                let (terrace, hold) = held().await;
                terrace.accept(&time.auth(1, "u")).await;
                if known {
                    terrace.accept(&time.event(5, &body)).await;
                }
                hold.at(call);
                let late = time.event(second, &body);
                let erase = erase(&terrace, "/references/somebody");
                let (_, reached) = hold.during(terrace.accept(&late), erase).await;
                if !reached {
                    assert!(call > 2, "{what}");
                    break;
                }
                terrace.settle().await;
                let items = terrace.items().await;
                let own = items.iter().filter(|item| text(item, "user_id").starts_with("reference:"));
                assert_eq!(own.map(|item| text(item, "record")).collect::<Vec<_>>(), ["connection"], "{what}");
                assert_eq!(terrace.objects("log").await, Vec::<String>::new(), "{what}");
                assert!(call < MOST_CALLS, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn what_comes_for_an_id_that_was_erased_with_another_goes_too() {
    let time = Time::since(600);
    let (terrace, _) = held().await;
    terrace.accept(&time.large(1, "a", "s")).await;
    terrace.accept(&time.reauth(2, "a", "b")).await;
    erase(&terrace, "/users/b").await;
    for late in [time.large(1, "a", "s"), time.large(9, "a", "t"), time.reauth(2, "a", "b"), time.reauth(1, "z", "a")] {
        terrace.accept(&late).await;
        terrace.settle().await;
        for user in ["a", "b"] {
            only_a_tombstone(&terrace, user, user).await;
        }
    }
}

#[tokio::test]
async fn a_reauth_of_an_erased_id_carries_over_what_came_before_the_erase_as_little_as_after_it() {
    let time = Time::since(600);
    let (terrace, _) = held().await;
    terrace.accept(&time.large(1, "old", "s")).await;
    let job = Job::Erase { subject: Subject::User("old".to_owned()), at_ms: time.ms(5), id: None };
    terrace.queue.send(&job).await.unwrap();
    terrace.settle().await;
    terrace.accept(&time.reauth(6, "old", "new")).await;
    terrace.accept(&time.large(1, "old", "s")).await;
    terrace.accept(&time.large(7, "old", "t")).await;
    terrace.settle().await;
    only_a_tombstone(&terrace, "old", "old").await;
    assert_eq!(terrace.read("/users/new/records", &[]).await["records"], json!([]));
    assert_eq!(terrace.objects(&folder("new")).await, Vec::<String>::new());
}
