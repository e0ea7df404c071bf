//! What comes while records are moved is moved too, and what is asked for meanwhile is done: nothing is lost, whichever
//! two steps of the job it comes between.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::pin::pin;
use std::time::Duration;
use terrace_ingest::Moment;
use terrace_ingest::plan::Envelope;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::queue::Job;
use terrace_terra::{UnixSeconds, VerifiedBody};
use terrace_tests::erased::only_a_tombstone;
use terrace_tests::events::{Time, large};
use terrace_tests::items::text;
use terrace_tests::{Delivery, Gate, Hold, Terrace};
use tokio::time::Instant;

/// More calls than a job makes; reached when it cannot end.
const MOST_CALLS: usize = 200;

async fn held() -> (Terrace, Hold) {
    let hold = Hold::default();
    (Terrace::behind(&Gate::held(&hold), IntakeSettings::default()).await, hold)
}

async fn records(terrace: &Terrace, user: &str) -> Value {
    let mut read = terrace.read(&format!("/users/{user}/records"), &[("detail", "full")]).await;
    for record in read["records"].as_array_mut().unwrap() {
        record["updated_at"].take();
    }
    read["records"].take()
}

async fn lies_nothing(terrace: &Terrace, user: &str, what: &str) {
    let items = terrace.items().await;
    let left = items.iter().filter(|item| text(item, "user_id") == user && item.contains_key("version")).count();
    assert_eq!(left, 0, "{what}");
}

async fn work(terrace: &Terrace, job: &Job) {
    terrace.worker.work(job, Instant::now() + Duration::from_secs(60)).await.unwrap();
}

/// Works off those jobs of the queue that are wanted, and leaves the others there.
async fn work_off(terrace: &Terrace, wanted: impl Fn(&Job) -> bool) {
    let mut others = Vec::new();
    for _ in 0..terrace.queue.len() {
        let taken = terrace.queue.next().await.unwrap();
        if wanted(taken.job()) {
            work(terrace, taken.job()).await;
            terrace.queue.done(taken).await.unwrap();
        } else {
            others.push(taken);
        }
    }
}

fn rekey(old: &str, new: &str) -> Job {
    Job::Rekey { old: old.to_owned(), new: new.to_owned() }
}

/// What is there before the ids change.
fn before(time: Time, old: &str, new: &str) -> Vec<Delivery> {
    let null = json!({"sleep_score": null, "other": 3});
    vec![
        time.day(10, old, "2026-07-01", 1),
        time.scored(10, old, "s", &null),
        time.large(10, old, "l"),
        time.day(12, new, "2026-07-02", 2),
        time.day(11, old, "2026-07-02", 1),
        time.scored(9, new, "both", &json!({"sleep_score": 1, "a": 1})),
        time.scored(11, old, "both", &json!({"sleep_score": null, "b": 2})),
    ]
}

/// What may come while the job is at work: for the old id and for the new one.
fn late(time: Time, old: &str, new: &str) -> Vec<Delivery> {
    let deleted = json!([{"metadata": {"summary_id": "x", "upload_type": 4}}]);
    vec![
        time.day(15, old, "2026-07-01", 2),
        time.day(5, old, "2026-07-01", 0),
        time.scored(5, old, "s", &json!({"sleep_score": 81})),
        time.scored(8, old, "both", &json!({"sleep_score": 7, "c": 3})),
        time.data(15, old, "activity", &deleted),
        time.day(16, new, "2026-07-01", 3),
        time.scored(4, new, "s", &json!({"stress_score": 5})),
    ]
}

#[tokio::test]
async fn nothing_that_comes_while_the_job_runs_is_lost() {
    let time = Time::since(600);
    let mut calls = 0;
    for (at, (delivery, expected)) in late(time, "old", "new").iter().zip(late(time, "new", "new")).enumerate() {
        // The same, as if it all had come for one id.
        let (one, _) = held().await;
        for delivery in before(time, "new", "new").iter().chain([&expected]) {
            one.accept(delivery).await;
        }
        let expected = records(&one, "new").await;
        // Each call with some of the deliveries, and each delivery before some of the calls.
        for call in (1 + at % 3..).step_by(3) {
            let (terrace, hold) = held().await;
            for delivery in before(time, "old", "new").iter().chain([&time.reauth(13, "old", "new")]) {
                terrace.accept(delivery).await;
            }
            hold.at(call);
            let meanwhile = async { drop(terrace.accept(delivery).await) };
            let (_, reached) = hold.during(terrace.settle(), meanwhile).await;
            if !reached {
                break;
            }
            terrace.settle().await;
            let what = format!("delivery {at} before call {call}");
            assert_eq!(records(&terrace, "new").await, expected, "{what}");
            lies_nothing(&terrace, "old", &what).await;
            calls += 1;
            assert!(call < MOST_CALLS, "{what}");
        }
    }
    // At least a page for each type, and two calls a record.
    assert!(calls >= 7 * 20 / 3, "{calls}");
}

#[tokio::test]
async fn a_score_that_comes_within_the_same_millisecond_is_noticed() {
    let (terrace, hold) = held().await;
    let time = Time::since(600);
    // Both deliveries came in at the very same time, by the server's clock.
    let now_ms = time.ms(100);
    let receive = async |second: u64, score: Value| {
        let sleep = json!({"metadata": {"summary_id": "s"}, "data_enrichment": score});
        let body = json!({"type": "sleep", "user": {"user_id": "old"}, "data": [sleep]}).to_string();
        let body = VerifiedBody::from_log(body.as_bytes(), UnixSeconds(time.ms(second) / 1_000));
        let envelope = Envelope { ordering_ms: Some(time.ms(second)), ..Envelope::default() };
        terrace.ingest.receive(envelope, body, Moment { now_ms, came: Instant::now() }).await.unwrap();
    };
    receive(20, json!({"sleep_score": null})).await;
    terrace.accept(&time.reauth(30, "old", "new")).await;
    hold.on("DeleteItem", 1);
    let (_, reached) = hold.during(terrace.settle(), receive(10, json!({"sleep_score": 81}))).await;
    assert!(reached);
    terrace.settle().await;
    let sleep = terrace.read("/users/new/records/sleep/s", &[]).await;
    assert_eq!(sleep["data"]["data_enrichment"]["sleep_score"], 81);
}

/// The job is killed right after it put a record under an id that was replaced, or erased, just before.
async fn killed_past_the_end_of(meanwhile: impl AsyncFnOnce(&Terrace), time: Time) -> Terrace {
    let (terrace, hold) = held().await;
    terrace.accept(&time.large(1, "a", "s")).await;
    terrace.accept(&time.reauth(2, "a", "b")).await;
    let job = rekey("a", "b");
    let due = Instant::now() + Duration::from_secs(60);
    {
        let mut mover = pin!(terrace.worker.work(&job, due));
        hold.on("PutItem", 1);
        assert!(hold.until(mover.as_mut()).await.is_none());
        meanwhile(&terrace).await;
        hold.on("SendMessage", 1);
        hold.let_go();
        assert!(hold.until(mover.as_mut()).await.is_none(), "it finds out, and is killed before it can say so");
    }
    terrace.settle().await;
    terrace
}

#[tokio::test]
async fn a_job_killed_before_it_can_say_that_the_chain_went_on_finds_out_again() {
    let time = Time::since(600);
    let goes_on = async |terrace: &Terrace| {
        terrace.accept(&time.reauth(3, "b", "c")).await;
        work_off(terrace, |job| *job == rekey("b", "c")).await;
    };
    let terrace = killed_past_the_end_of(goes_on, time).await;
    assert_eq!(terrace.read("/users/c/records/sleep/s", &[]).await["data"], large("s", 1));
    for user in ["a", "b"] {
        lies_nothing(&terrace, user, user).await;
    }
}

#[tokio::test]
async fn a_job_killed_before_it_can_say_that_the_new_id_was_erased_finds_out_again() {
    let time = Time::since(600);
    let erased = async |terrace: &Terrace| {
        terrace.delete("/users/b").await;
        work_off(terrace, |job| matches!(job, Job::Erase { .. })).await;
    };
    let terrace = killed_past_the_end_of(erased, time).await;
    for user in ["a", "b"] {
        only_a_tombstone(&terrace, user, user).await;
    }
}

#[tokio::test]
async fn an_erase_that_comes_while_the_job_runs_takes_what_it_names_and_no_more() {
    let time = Time::since(600);
    for erased in ["old", "new"] {
        for call in 1.. {
            let (terrace, hold) = held().await;
            for delivery in [time.large(1, "old", "l"), time.day(1, "old", "2026-07-01", 1), time.large(1, "new", "n")]
            {
                terrace.accept(&delivery).await;
            }
            terrace.accept(&time.reauth(2, "old", "new")).await;
            let job = rekey("old", "new");
            hold.at(call);
            let mover = terrace.worker.work(&job, Instant::now() + Duration::from_secs(60));
            let meanwhile = async {
                terrace.delete(&format!("/users/{erased}")).await;
                work_off(&terrace, |job| matches!(job, Job::Erase { .. })).await;
            };
            let (moved, reached) = hold.during(mover, meanwhile).await;
            moved.unwrap();
            if !reached {
                assert!(call > 15, "{call}");
                break;
            }
            terrace.settle().await;
            let what = format!("{erased} before call {call}");
            if erased == "new" {
                only_a_tombstone(&terrace, "old", &what).await;
                only_a_tombstone(&terrace, "new", &what).await;
                continue;
            }
            lies_nothing(&terrace, "old", &what).await;
            assert_eq!(terrace.read("/users/new/records/sleep/l", &[]).await["data"], large("l", 1), "{what}");
            assert_eq!(records(&terrace, "new").await.as_array().unwrap().len(), 3, "{what}");
            assert_eq!(terrace.read("/users/old/deliveries", &[]).await["deliveries"], json!([]), "{what}");
        }
    }
}
