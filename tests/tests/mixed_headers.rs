//! Copies with and without the ordering header, odd and forged ones, delete marks and scores: the superset rule by
//! example.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use terrace_store::frames::unpack_text;
use terrace_terra::UnixSeconds;
use terrace_tests::items::{Item, logged, text, timeless};
use terrace_tests::{Delivery, Terrace};

const TRACE: &str = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001";

/// A minute ago, in seconds.
fn base() -> u64 {
    UnixSeconds::now().0 - 60
}

/// A body with one day's steps. With more of them it is the fuller copy.
fn daily(steps: &[u64], updated_ms: Option<u64>) -> String {
    let instant = |ms: u64| jiff::Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap().to_string();
    let data = json!({"metadata": {"start_time": "2026-07-01T00:00:00.000000+01:00"}, "steps": steps});
    let user = json!({"user_id": "u", "last_webhook_update": updated_ms.map(instant)});
    json!({"type": "daily", "user": user, "data": [data]}).to_string()
}

fn sleep(upload_type: u8, minutes: u64, enrichment: &Value) -> String {
    of_kind("sleep", upload_type, minutes, enrichment)
}

fn of_kind(kind: &str, upload_type: u8, minutes: u64, enrichment: &Value) -> String {
    let metadata = json!({"summary_id": "s", "upload_type": upload_type, "start_time": "2026-07-01T07:04:11Z"});
    let data = json!({"metadata": metadata, "minutes": minutes, "data_enrichment": enrichment});
    json!({"type": kind, "user": {"user_id": "u"}, "data": [data]}).to_string()
}

async fn steps(terrace: &Terrace) -> Value {
    terrace.read("/users/u/records/daily/2026-07-01", &[]).await["data"]["steps"].clone()
}

async fn post(terrace: &Terrace, delivery: Delivery, became: &str) -> Value {
    let answer = terrace.accept(&delivery).await;
    assert_eq!(answer["records"][became], 1, "{answer}");
    terrace.lines.last()
}

fn ordered(body: String, ms: u64) -> Delivery {
    Delivery::new(body).signed(ms / 1_000).ordered(ms)
}

#[tokio::test]
async fn two_bodies_under_one_trace_id_are_two_deliveries() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    let [one, other] = [daily(&[1], None), daily(&[2], None)].map(|body| ordered(body, ms).trace(TRACE));
    let names = [terrace.accept(&one).await, terrace.accept(&other).await].map(|answer| answer["delivery"].clone());
    assert_ne!(names[0], names[1]);
    let mut bodies = logged(&terrace).await;
    bodies.sort();
    assert_eq!(bodies, [one.body.to_vec(), other.body.to_vec()]);
    for (name, delivery) in names.iter().zip([&one, &other]) {
        let body = terrace.get(&format!("/users/u/deliveries/{}", name.as_str().unwrap()), &[]).await.body;
        assert_eq!(body, delivery.body);
    }
}

#[tokio::test]
async fn copies_with_and_without_the_header_stand_by_when_they_were_made() {
    let ms = base() * 1_000;
    // Made at 1, 2 and 3 seconds; the middle one without the header.
    let copies = [
        ordered(daily(&[1], None), ms + 1_000),
        Delivery::new(daily(&[2], Some(ms + 2_000))).signed(ms / 1_000 + 2),
        ordered(daily(&[3], Some(ms)), ms + 3_000),
    ];
    for (order, last) in [([0, 1], 2), ([1, 0], 2), ([1, 2], 3), ([2, 1], 3), ([0, 2], 3), ([2, 0], 3)] {
        let terrace = Terrace::new().await;
        for at in order {
            terrace.accept(&copies[at]).await;
        }
        assert_eq!(steps(&terrace).await, json!([last]), "{order:?}");
    }
}

#[tokio::test]
async fn a_copy_without_the_header_and_with_an_old_time_loses_and_is_counted() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    post(&terrace, ordered(daily(&[1], None), ms), "stored").await;
    // Made later, but nothing that can be believed says so.
    let newer = Delivery::new(daily(&[1, 2, 3], Some(ms - 86_400_000))).signed(ms / 1_000 + 50);
    let line = post(&terrace, newer, "stale").await;
    assert_eq!((&line["StaleWithoutHeader"], &line["RecordsStale"]), (&json!(1), &json!(1)));
    assert_eq!(steps(&terrace).await, json!([1]));

    // With the header it is an ordinary late copy.
    let line = post(&terrace, ordered(daily(&[4], None), ms - 1), "stale").await;
    assert_eq!((&line["StaleWithoutHeader"], &line["RecordsStale"]), (&Value::Null, &json!(1)));
    // And where neither has it nobody could have done better.
    let terrace = Terrace::new().await;
    post(&terrace, Delivery::new(daily(&[1, 2], None)).signed(ms / 1_000), "stored").await;
    let line = post(&terrace, Delivery::new(daily(&[1], None)).signed(ms / 1_000 + 9), "stale").await;
    assert_eq!(line["StaleWithoutHeader"], Value::Null);
}

#[tokio::test]
async fn a_forged_time_pins_nothing_and_is_counted() {
    let signed = base();
    let (latest, earliest) = (signed * 1_000 + 60_000, 1_577_836_800_000_u64);
    for forged in [latest + 1, earliest - 1, 0, u64::MAX] {
        let terrace = Terrace::new().await;
        let forgery = Delivery::new(daily(&[666], None)).signed(signed).ordered(forged);
        let line = post(&terrace, forgery, "stored").await;
        assert_eq!(line["OrderingTimesDiscarded"], 1, "{forged}");
        let line = post(&terrace, Delivery::new(daily(&[1], None)).signed(signed).ordered(earliest), "stored").await;
        assert_eq!(line["OrderingTimesDiscarded"], Value::Null);
        assert_eq!(steps(&terrace).await, json!([1]), "{forged}");
    }
    // The last and the first times that can be believed.
    for (believed, loses_to) in [(latest, signed * 1_000), (earliest + 1, earliest)] {
        let terrace = Terrace::new().await;
        let line = post(&terrace, Delivery::new(daily(&[1], None)).signed(signed).ordered(believed), "stored").await;
        assert_eq!(line["OrderingTimesDiscarded"], Value::Null, "{believed}");
        post(&terrace, Delivery::new(daily(&[2], None)).signed(signed).ordered(loses_to), "stale").await;
    }
    // A forged time in the body counts as absent too.
    let terrace = Terrace::new().await;
    let line = post(&terrace, Delivery::new(daily(&[1], Some(latest + 1))).signed(signed), "stored").await;
    assert_eq!(line["OrderingTimesDiscarded"], 1);
    post(&terrace, Delivery::new(daily(&[2], None)).signed(signed).ordered(earliest), "stored").await;
}

#[tokio::test]
async fn without_any_time_the_fuller_copy_wins_and_then_the_later_signed() {
    let (signed, version) = (base(), |item: &Item| item["version"].as_b().unwrap().as_ref().to_vec());
    let copies = [
        Delivery::new(daily(&[1, 2, 3], None)).signed(signed),
        Delivery::new(daily(&[4], None)).signed(signed + 9),
        Delivery::new(daily(&[5, 6, 7], None)).signed(signed + 5),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let terrace = Terrace::new().await;
        for at in order {
            terrace.accept(&copies[at]).await;
        }
        assert_eq!(steps(&terrace).await, json!([5, 6, 7]), "{order:?}");
        let items = terrace.items().await;
        let record = items.iter().find(|item| text(item, "record").starts_with("daily#")).unwrap();
        assert_eq!(version(record)[..8], [0; 8], "the emission is not known");
    }
}

#[tokio::test]
async fn a_delete_mark_yields_only_to_a_newer_copy() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    let activity = |upload_type, minutes| of_kind("activity", upload_type, minutes, &json!({"stress_score": 7.10}));
    let get = async || terrace.get("/users/u/records/activity/s", &[]).await;
    post(&terrace, ordered(activity(1, 30), ms + 1_000), "stored").await;
    post(&terrace, ordered(activity(4, 30), ms + 3_000), "stored").await;
    assert_eq!(get().await.status, 404);
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"], json!([]));
    post(&terrace, ordered(activity(1, 31), ms + 2_000), "stale").await;
    assert_eq!(get().await.status, 404, "an older copy does not bring it back");
    post(&terrace, ordered(activity(1, 32), ms + 4_000), "stored").await;
    assert!(String::from_utf8_lossy(&get().await.body).contains(r#""minutes":32"#), "a newer one does");

    let observation = |status: u8| {
        let data = json!({"metadata": {"summary_id": "o"}, "observation_data": {"status": status}});
        json!({"type": "health_observation", "user": {"user_id": "u"}, "data": [data]}).to_string()
    };
    for (status, offset, answer) in [(1, 1_000, 200), (3, 2_000, 404), (1, 1_500, 404), (2, 3_000, 200)] {
        terrace.accept(&ordered(observation(status), ms + offset)).await;
        let read = terrace.get("/users/u/records/health_observation/o", &[]).await;
        assert_eq!(read.status, answer, "{status} at {offset}");
    }
    post(&terrace, ordered(sleep(4, 30, &Value::Null), ms), "stored").await;
    assert_eq!(terrace.get("/users/u/records/sleep/s", &[]).await.status, 200, "a sleep's 4 deletes nothing");
}

#[tokio::test]
async fn a_tombstone_holds_nothing_but_hides_scores() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    let activity = |upload_type, enrichment: Value| of_kind("activity", upload_type, 30, &enrichment);
    post(&terrace, ordered(activity(1, json!({"stress_score": 7.10})), ms + 1_000), "stored").await;
    post(&terrace, ordered(activity(4, Value::Null), ms + 2_000), "stored").await;
    let items = terrace.items().await;
    let tombstone = items.iter().find(|item| text(item, "record") == "activity#s").unwrap();
    for gone in ["body", "summary", "source", "start_time", "end_time", "start_key"] {
        assert!(!tombstone.contains_key(gone), "{gone}");
    }
    // A late copy of before the mark still has its say on a score.
    post(&terrace, ordered(activity(1, json!({"stress_score": null, "other": [1]})), ms + 1_500), "stale").await;
    post(&terrace, ordered(activity(1, Value::Null), ms + 3_000), "stored").await;
    let read = terrace.get("/users/u/records/activity/s", &[]).await;
    let read = String::from_utf8_lossy(&read.body).into_owned();
    assert!(read.contains(r#""data_enrichment":{"other":[1],"stress_score":7.1}"#), "{read}");
}

#[tokio::test]
async fn null_never_takes_a_score_away() {
    let ms = base() * 1_000;
    let copies = [
        ordered(sleep(1, 1, &json!({"sleep_score": 81, "stress_score": 10})), ms),
        ordered(sleep(1, 2, &json!({"sleep_score": null, "contributors": {"hrv": 3}})), ms + 1_000),
        ordered(sleep(1, 3, &json!({"sleep_score": 70, "contributors": null})), ms + 2_000),
        ordered(sleep(1, 4, &Value::Null), ms + 3_000),
    ];
    let mut ended = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let terrace = Terrace::new().await;
        for at in order {
            terrace.accept(&copies[at]).await;
        }
        let read = terrace.read("/users/u/records/sleep/s", &[]).await;
        let scores = json!({"sleep_score": 70, "stress_score": 10, "contributors": {"hrv": 3}});
        assert_eq!((&read["data"]["minutes"], &read["data"]["data_enrichment"]), (&json!(4), &scores), "{order:?}");
        ended.push(timeless(&terrace).await);
    }
    assert!(ended.iter().all(|items| *items == ended[0]));
}

#[tokio::test]
async fn a_sharp_fall_of_coverage_is_stored_and_counted() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    let full: Vec<u64> = (0..39).collect();
    post(&terrace, ordered(daily(&full, None), ms), "stored").await;
    let line = post(&terrace, ordered(daily(&full[..19], None), ms + 1), "stored").await;
    assert_eq!(line["CoverageFellSharply"], Value::Null, "half of it is no fall");
    let line = post(&terrace, ordered(daily(&[1], None), ms + 2), "stored").await;
    assert_eq!(line["CoverageFellSharply"], 1);
    assert_eq!(steps(&terrace).await, json!([1]), "the newer copy wins all the same");
    let line = post(&terrace, ordered(daily(&full, None), ms + 1), "stale").await;
    assert_eq!(line["CoverageFellSharply"], Value::Null);
}

#[tokio::test]
async fn a_retry_changes_nothing() {
    let (terrace, ms) = (Terrace::new().await, base() * 1_000);
    let first = ordered(sleep(1, 1, &json!({"sleep_score": 81})), ms).trace(TRACE);
    post(&terrace, first.clone(), "stored").await;
    let items = terrace.items().await;
    // As it was, and signed anew.
    for retry in [first.clone(), first.clone(), first.signed(ms / 1_000 + 40)] {
        let line = post(&terrace, retry, "unchanged").await;
        assert_eq!((&line["repeated"], &line["RecordsUnchanged"]), (&json!(true), &json!(1)));
        assert_eq!(terrace.items().await, items, "nothing is written");
    }
    let record = items.iter().find(|item| text(item, "record") == "sleep#s").unwrap();
    let body = unpack_text(record["body"].as_b().unwrap().as_ref()).unwrap();
    assert!(body.starts_with('{') && body.contains(r#""minutes":1"#));
}
