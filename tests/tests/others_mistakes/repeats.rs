//! Taking something for a repeat, for older, or for the same record as another.

use crate::told::{THEN, counted, day, event, post_chunk, sleep, steps};
use futures::future::join_all;
use serde_json::{Value, json};
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};

#[tokio::test]
async fn chunks_that_share_a_reference_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for (chunk, date) in ["2026-07-01", "2026-07-02", "2026-07-03"].iter().enumerate() {
        let delivery = event("daily", "u", &[day(date, 1)]).trace(&format!("t:chunk:{}", chunk + 1));
        assert_eq!(post_chunk(&terrace, &delivery, "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001").await, 200);
    }
    assert_eq!((counted(&terrace, "u", "records").await, counted(&terrace, "u", "deliveries").await), (3, 3));
}

#[tokio::test]
async fn two_bodies_under_one_trace_id_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for date in ["2026-07-01", "2026-07-02"] {
        terrace.accept(&event("daily", "u", &[day(date, 1)]).trace("same")).await;
    }
    assert_eq!((counted(&terrace, "u", "records").await, counted(&terrace, "u", "deliveries").await), (2, 2));
}

#[tokio::test]
async fn two_events_of_one_customer_within_an_hour_are_not_taken_for_repeats() {
    let terrace = Terrace::new().await;
    for (of_type, data) in [("daily", day("2026-07-01", 1)), ("daily", day("2026-07-01", 2)), ("sleep", sleep("s", 1))]
    {
        let answer = terrace.accept(&event(of_type, "u", &[data])).await;
        assert_eq!(answer["status"], "stored");
    }
    assert_eq!(counted(&terrace, "u", "deliveries").await, 3);
}

#[tokio::test]
async fn concurrent_copies_of_one_delivery_neither_fail_nor_double() {
    let terrace = Terrace::new().await;
    let delivery = event("daily", "u", &[day("2026-07-01", 1), day("2026-07-02", 2)]).trace("t").ordered(THEN);
    let answers = join_all((0..12).map(|_| terrace.post(&delivery))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let stored: u64 = answers
        .iter()
        .map(|answer| serde_json::from_slice::<Value>(&answer.body).unwrap()["records"]["stored"].as_u64().unwrap())
        .sum();
    assert_eq!((stored, terrace.items().await.len()), (2, 4));
}

#[tokio::test]
async fn what_was_answered_is_in_the_archive_already() {
    let terrace = Terrace::new().await;
    let many: Vec<_> = (0..300).map(|at| sleep(&format!("s{at}"), at)).collect();
    for delivery in [event("daily", "u", &[day("2026-07-01", 1)]), event("sleep", "u", &many)] {
        let answer = terrace.accept(&delivery).await;
        let path = format!("/users/u/deliveries/{}", answer["delivery"].as_str().unwrap());
        assert_eq!(terrace.get(&path, &[]).await.body, delivery.body, "{}", answer["status"]);
    }
}

#[tokio::test]
async fn a_late_retry_does_not_overwrite_what_is_newer() {
    // The older copy is the fuller one and signed last: nothing but the ordering header tells.
    let fuller = json!({"metadata": {"start_time": "2026-07-01"}, "steps": 100, "distance": 1, "floors": 2});
    let now = UnixSeconds::now().0;
    let old = event("daily", "u", &[fuller]).trace("old").ordered(THEN).signed(now);
    let new = event("daily", "u", &[day("2026-07-01", 9_000)]).trace("new").ordered(THEN + 60_000).signed(now - 60);
    let terrace = Terrace::new().await;
    terrace.accept(&new).await;
    let answer = terrace.accept(&old).await;
    assert_eq!((&answer["status"], &answer["records"]["stale"]), (&json!("stored"), &json!(1)));
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 9_000);
    let terrace = Terrace::new().await;
    terrace.accept(&old).await;
    terrace.accept(&new).await;
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 9_000);
}

#[tokio::test]
async fn a_fuller_copy_is_not_ignored_as_a_duplicate() {
    let terrace = Terrace::new().await;
    for (at, value) in [1, 2, 3].into_iter().enumerate() {
        let delivery = event("daily", "u", &[day("2026-07-01", value)]).ordered(THEN + at as u64);
        assert_eq!(terrace.accept(&delivery).await["records"]["stored"], 1);
    }
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 3);
    assert_eq!(counted(&terrace, "u", "records").await, 1);
}

#[tokio::test]
async fn a_record_first_seen_without_an_ordering_header_is_not_stuck() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01", 1)])).await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01", 2)]).ordered(THEN)).await;
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 2);
}

#[tokio::test]
async fn a_redelivery_does_not_duplicate() {
    let terrace = Terrace::new().await;
    let delivery = event("sleep", "u", &[sleep("a", 1), sleep("b", 2)]).trace("t").ordered(THEN);
    terrace.accept(&delivery).await;
    let before = terrace.items().await;
    for _retry in 0..5 {
        let answer = terrace.accept(&delivery).await;
        assert_eq!(answer["records"], json!({"stored": 0, "unchanged": 2, "stale": 0, "rejected": 0}));
    }
    assert_eq!(terrace.items().await, before);
}

#[tokio::test]
async fn one_identifier_of_two_users_is_two_records() {
    let terrace = Terrace::new().await;
    for (user, value) in [("u", 1), ("v", 2)] {
        terrace.accept(&event("sleep", user, &[sleep("same", value)])).await;
    }
    for (user, value) in [("u", 1), ("v", 2)] {
        let record = terrace.read(&format!("/users/{user}/records/sleep/same"), &[]).await;
        assert_eq!(record["data"]["value"], value);
    }
}

#[tokio::test]
async fn one_identifier_of_two_types_is_two_records() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("sleep", "u", &[sleep("same", 1)])).await;
    terrace.accept(&event("activity", "u", &[sleep("same", 2)])).await;
    assert_eq!(counted(&terrace, "u", "records").await, 2);
}

#[tokio::test]
async fn the_same_identifier_twice_in_one_body_fails_nothing() {
    let terrace = Terrace::new().await;
    let fuller = json!({"metadata": {"start_time": "2026-07-01"}, "steps": 5, "distance": 7});
    let data = [day("2026-07-01", 1), fuller, day("2026-07-02", 2), day("2026-07-01", 3)];
    let answer = terrace.accept(&event("daily", "u", &data)).await;
    assert_eq!((&answer["records"]["stored"], &answer["records"]["rejected"]), (&json!(2), &json!(0)));
    assert_eq!(steps(&terrace, "u", "2026-07-01").await, 5, "the fuller one is kept");
}

#[tokio::test]
async fn every_record_of_a_batch_is_kept() {
    let terrace = Terrace::new().await;
    let all: Vec<_> = (0..150).map(|at| sleep(&format!("s{at}"), at)).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &all)).await["records"]["stored"], 150);
    let many: Vec<_> = (0..500).map(|at| sleep(&format!("m{at}"), at)).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &many)).await["status"], "queued");
    terrace.settle().await;
    assert_eq!(counted(&terrace, "u", "records").await, 650);
    assert_eq!(terrace.read("/users/u/records/sleep/m499", &[]).await["data"]["value"], 499);
}

#[tokio::test]
async fn no_type_falls_through() {
    let terrace = Terrace::new().await;
    let id = "2026-07-01";
    let element = json!({
        "metadata": {"summary_id": id, "start_time": id}, "planned_workout_id": id, "timestamp": id, "session_id": id
    });
    for of_type in [
        "activity",
        "body",
        "daily",
        "health_observation",
        "hormone",
        "menstruation",
        "nutrition",
        "planned_workout",
        "sleep",
    ] {
        assert_eq!(terrace.accept(&event(of_type, "u", std::slice::from_ref(&element))).await["records"]["stored"], 1);
        assert_eq!(terrace.read(&format!("/users/u/records/{of_type}/{id}"), &[]).await["data"], element, "{of_type}");
    }
    let athlete = json!({"type": "athlete", "user": {"user_id": "u"}, "athlete": {"age": 40}});
    terrace.accept(&Delivery::new(athlete.to_string())).await;
    assert_eq!(terrace.read("/users/u/records/athlete/athlete", &[]).await["data"]["age"], 40);
    let report = json!({"type": "lab_report.completed", "data": {"session_id": id, "reference_id": "r"}});
    terrace.accept(&Delivery::new(report.to_string())).await;
    assert_eq!(terrace.get(&format!("/references/r/records/lab_report/{id}"), &[]).await.status, 200);
    let ping = Delivery::new(r#"{"type":"s3_payload","url":"https://example.com","expires_in":600}"#);
    assert_eq!(terrace.accept(&ping).await["status"], "queued", "fetched, not dropped");
}

#[tokio::test]
async fn a_sleep_without_a_summary_id_is_kept_by_its_times() {
    let terrace = Terrace::new().await;
    let (start, end) = ("2026-07-01T23:00:00+02:00", "2026-07-02T07:00:00+02:00");
    let night = json!({"metadata": {"summary_id": null, "start_time": start, "end_time": end}, "value": 1});
    let nap = json!({"metadata": {"start_time": start, "end_time": "2026-07-02T00:00:00+02:00"}, "value": 2});
    assert_eq!(terrace.accept(&event("sleep", "u", &[night.clone(), nap])).await["records"]["stored"], 2);
    assert_eq!(terrace.accept(&event("sleep", "u", &[night])).await["records"]["unchanged"], 1);
    let one = terrace.read("/users/u/records", &[("id", &format!("{start}--{end}")), ("detail", "full")]).await;
    assert_eq!(one["records"][0]["data"]["value"], 1);
}
