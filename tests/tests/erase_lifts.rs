//! A greater `auth` lifts an erase: what was made after it stays, whole, and what was made before stays away.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::time::Duration;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::queue::{Job, JobQueue, Subject};
use terrace_tests::events::{Time, large};
use terrace_tests::{Delivery, Gate, Hold, Terrace};
use tokio::time::Instant;

async fn held() -> (Terrace, Hold) {
    let hold = Hold::default();
    (Terrace::behind(&Gate::held(&hold), IntakeSettings::default()).await, hold)
}

fn erase(user: &str, at_ms: u64) -> Job {
    Job::Erase { subject: Subject::User(user.to_owned()), at_ms, id: None }
}

/// Everything that is read of a user, whole: the connection, records, deliveries with their bodies, large requests.
async fn everything(terrace: &Terrace, user: &str) -> Value {
    let mut records = terrace.read(&format!("/users/{user}/records"), &[("detail", "full")]).await;
    for record in records["records"].as_array_mut().unwrap() {
        record["updated_at"].take();
    }
    let mut deliveries = terrace.read(&format!("/users/{user}/deliveries"), &[]).await;
    for delivery in deliveries["deliveries"].as_array_mut().unwrap() {
        let path = format!("/users/{user}/deliveries/{}", delivery["delivery"].as_str().unwrap());
        let body = terrace.get(&path, &[]).await;
        assert_eq!(body.status, 200, "{path}");
        delivery["received_at"] = json!(body.body.len());
    }
    let requests = terrace.read(&format!("/users/{user}/requests"), &[]).await;
    json!([terrace.read(&format!("/users/{user}"), &[]).await, records, deliveries, requests])
}

fn chunk(time: Time, second: u64, request: &str, number: u64) -> Delivery {
    time.day(second, "u", "2026-07-05", number).trace(&format!("{request}:chunk:{number}"))
}

/// A life from before the erase, which is as of second 5.
fn before(time: Time) -> Vec<Delivery> {
    vec![
        time.auth(1, "u"),
        time.day(2, "u", "2026-07-01", 1),
        time.large(3, "u", "s"),
        time.large(4, "u", "old"),
        time.scored(4, "u", "scored", &json!({"sleep_score": 81, "stress_score": 5})),
        chunk(time, 4, "first", 1),
        time.event(4, &json!({"type": "never_heard_of", "user": {"user_id": "u"}})),
        time.data(4, "u", "daily", &json!([{"metadata": {}}])),
        // The very same body came once more, and once more after the erase.
        time.event(3, &same()),
    ]
}

/// One from after it.
fn after(time: Time) -> Vec<Delivery> {
    vec![
        time.auth(6, "u"),
        time.day(7, "u", "2026-07-01", 2),
        time.large(8, "u", "s"),
        time.large(9, "u", "new"),
        time.scored(10, "u", "scored", &json!({"sleep_score": null, "stress_score": 7})),
        chunk(time, 11, "second", 2),
        time.event(11, &same()),
    ]
}

fn same() -> Value {
    json!({"type": "sleep", "user": {"user_id": "u"}, "data": [large("same", 1)]})
}

#[tokio::test]
async fn what_was_made_after_the_erase_stays_and_retries_of_before_harm_nothing() {
    let time = Time::since(600);
    // What is expected is what was made after it, and nothing else.
    let (fresh, _) = held().await;
    fresh.accept(&time.left(5, "u", "deauth")).await;
    for delivery in after(time) {
        fresh.accept(&delivery).await;
    }
    let mut expected = everything(&fresh, "u").await;
    // The deauth that made it known is no part of it.
    expected[2]["deliveries"].as_array_mut().unwrap().remove(0);

    let (terrace, _) = held().await;
    for delivery in before(time) {
        terrace.accept(&delivery).await;
    }
    terrace.queue.send(&erase("u", time.ms(5))).await.unwrap();
    terrace.settle().await;
    for delivery in after(time) {
        terrace.accept(&delivery).await;
    }
    assert_eq!(everything(&terrace, "u").await, expected);
    for (at, late) in before(time).iter().enumerate() {
        terrace.accept(late).await;
        terrace.settle().await;
        assert_eq!(everything(&terrace, "u").await, expected, "the late delivery {at}");
    }
    // Both lives at once, with the erase between them only then.
    let (terrace, _) = held().await;
    for delivery in before(time).iter().chain(&after(time)) {
        terrace.accept(delivery).await;
    }
    terrace.queue.send(&erase("u", time.ms(5))).await.unwrap();
    terrace.settle().await;
    assert_eq!(everything(&terrace, "u").await, expected);
    assert_eq!(terrace.objects("log").await.len(), 3, "s, new and same");
}

#[tokio::test]
async fn a_newer_copy_without_a_time_of_its_own_is_back_once_the_late_one_is_gone() {
    let (terrace, _) = held().await;
    let time = Time::since(600);
    terrace.accept(&time.day(2, "u", "2026-07-01", 1)).await;
    terrace.queue.send(&erase("u", time.ms(5))).await.unwrap();
    terrace.settle().await;
    terrace.accept(&time.auth(6, "u")).await;
    let day = json!([{"metadata": {"start_time": "2026-07-01"}, "number": 2}]);
    terrace.accept(&time.event(7, &json!({"type": "daily", "user": {"user_id": "u"}, "data": day}))).await;
    // By its ordering header it is the greater one.
    terrace.accept(&time.day(2, "u", "2026-07-01", 1)).await;
    terrace.settle().await;
    assert_eq!(terrace.read("/users/u/records/daily/2026-07-01", &[]).await["data"]["number"], 2);
}

#[tokio::test]
async fn what_is_about_to_go_is_not_shown_though_the_user_is_back() {
    let (terrace, _) = held().await;
    let (time, now) = (Time::since(600), 600);
    for delivery in [time.auth(1, "u"), time.day(2, "u", "2026-07-01", 1), time.large(3, "u", "s")] {
        terrace.accept(&delivery).await;
    }
    let name = terrace.read("/users/u/deliveries", &[]).await["deliveries"][2]["delivery"].clone();
    terrace.delete("/users/u").await;
    terrace.accept(&time.auth(now + 100, "u")).await;
    terrace.accept(&time.day(now + 101, "u", "2026-07-02", 1)).await;
    for settled in [false, true] {
        let connection = terrace.read("/users/u", &[]).await;
        assert_eq!((&connection["status"], &connection["provider"]), (&json!("active"), &json!("GARMIN")));
        assert_eq!(connection["last_delivery"].as_object().unwrap().len(), 1, "{settled}");
        let records = terrace.read("/users/u/records", &[]).await;
        let ids: Vec<_> = records["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
        assert_eq!(ids, ["2026-07-02"], "{settled}");
        let deliveries = terrace.read("/users/u/deliveries", &[]).await;
        assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 2, "{settled}");
        let gone = ["records/daily/2026-07-01".to_owned(), format!("deliveries/{}", name.as_str().unwrap())];
        for path in gone {
            assert_eq!(terrace.get(&format!("/users/u/{path}"), &[]).await.status, 404, "{settled}");
        }
        terrace.settle().await;
    }
}

#[tokio::test]
async fn who_comes_back_while_the_erase_runs_loses_nothing_of_the_new_life() {
    let time = Time::since(600);
    for call in 1.. {
        let (terrace, hold) = held().await;
        for delivery in before(time) {
            terrace.accept(&delivery).await;
        }
        hold.at(call);
        // All but the body that came before as well: one object is both deliveries'.
        let new: Vec<_> = after(time).into_iter().filter(|delivery| delivery.ordering.is_some()).collect();
        let back = async {
            terrace.accept(&time.auth(6, "u")).await;
            for delivery in &new {
                terrace.accept(delivery).await;
            }
        };
        let job = erase("u", time.ms(5));
        let erase = terrace.worker.work(&job, Instant::now() + Duration::from_secs(60));
        let (erased, reached) = hold.during(erase, back).await;
        erased.unwrap();
        terrace.settle().await;
        if !reached {
            assert!(call > 10, "{call}");
            break;
        }
        let read = everything(&terrace, "u").await;
        let ids: Vec<_> = read[1]["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
        assert_eq!(ids, ["2026-07-01", "2026-07-05", "new", "s", "scored"], "before call {call}");
        assert_eq!(read[1]["records"][0]["data"]["number"], 2, "before call {call}");
        assert_eq!(read[2]["deliveries"].as_array().unwrap().len(), new.len() + 1, "before call {call}");
        assert_eq!(read[0]["status"], "active", "before call {call}");
        let scores = json!({"sleep_score": null, "stress_score": 7});
        assert_eq!(read[1]["records"][4]["data"]["data_enrichment"], scores, "before call {call}");
    }
}

#[tokio::test]
async fn what_is_on_its_way_when_the_user_comes_back_is_whole_or_not_there() {
    let time = Time::since(600);
    let mut whole = 0;
    for call in 1.. {
        let (terrace, hold) = held().await;
        terrace.accept(&time.auth(1, "u")).await;
        hold.at(call);
        // The whole erase, and the return after it.
        let back = async {
            let due = Instant::now() + Duration::from_secs(60);
            terrace.worker.work(&erase("u", time.ms(5)), due).await.unwrap();
            terrace.accept(&time.auth(6, "u")).await;
        };
        let (_, reached) = hold.during(terrace.accept(&time.large(7, "u", "s")), back).await;
        terrace.settle().await;
        if !reached {
            break;
        }
        let read = everything(&terrace, "u").await;
        assert_eq!(read[0]["status"], "active");
        whole += read[1]["records"].as_array().unwrap().len();
    }
    assert!(whole >= 2, "what was not written yet when the erase ran is written: {whole}");
}

#[tokio::test]
async fn ids_that_were_replaced_lose_what_was_made_before_a_lifted_erase_and_no_more() {
    let (terrace, _) = held().await;
    let time = Time::since(600);
    terrace.accept(&time.large(1, "old", "before")).await;
    terrace.accept(&time.large(2, "new", "before-too")).await;
    terrace.queue.send(&erase("new", time.ms(5))).await.unwrap();
    terrace.settle().await;
    terrace.accept(&time.auth(6, "new")).await;
    // Only now it is known that they are one.
    terrace.accept(&time.large(7, "old", "after")).await;
    terrace.accept(&time.reauth(8, "old", "new")).await;
    terrace.settle().await;
    for late in [time.large(1, "old", "before"), time.large(2, "new", "before-too"), time.large(9, "old", "later")] {
        terrace.accept(&late).await;
        terrace.settle().await;
    }
    let read = terrace.read("/users/new/records", &[("detail", "full")]).await;
    let ids: Vec<_> = read["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
    assert_eq!(ids, ["after", "later"]);
    assert_eq!(terrace.objects("log").await.len(), 2);
    assert_eq!(terrace.read("/users/old", &[]).await["status"], "replaced");
}
