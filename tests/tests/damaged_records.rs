//! A record that cannot be read hides nobody else's, is counted wherever it is met, and is put anew by a replay or by the
//! delivery that comes next.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use terrace_tests::damage::{bytes, damage, text};
use terrace_tests::items::{Items, differences, timeless};
use terrace_tests::noise::noise;
use terrace_tests::orders::replay;
use terrace_tests::{Delivery, Terrace};

const LIST: &str = "/users/u/records";
const DAY: &str = "daily#2026-07-02";
const LARGE: &str = "activity#large";

/// Whose the records are.
fn user() -> Value {
    json!({"user_id": "u", "provider": "GARMIN", "reference_id": "r"})
}

fn delivery(data_type: &str, data: &[Value]) -> Delivery {
    Delivery::new(json!({"type": data_type, "user": user(), "data": data}).to_string())
}

/// Three days, and a session that lies in an object beside a small one.
async fn a_life() -> Terrace {
    let terrace = Terrace::new().await;
    let day = |day: u64| {
        json!({"metadata": {"start_time": format!("2026-07-{day:02}T00:00:00Z")}, "steps": day,
               "data_enrichment": {"total_stress_score": day}})
    };
    for number in 1..=3 {
        terrace.accept(&delivery("daily", &[day(number)])).await;
    }
    let session = |id: &str, samples: &[u64]| {
        let times = json!({"summary_id": id, "start_time": "2026-07-01T08:00:00Z", "end_time": "2026-07-01T09:00:00Z"});
        json!({"metadata": times, "samples": samples})
    };
    terrace.accept(&delivery("activity", &[session("large", &noise(1, 5_000)), session("small", &[])])).await;
    assert_eq!(terrace.objects("log").await.len(), 1);
    terrace
}

/// Every way in which a record's item is not what was written, and which of the records it is.
fn damages() -> Vec<(&'static str, &'static str, Option<AttributeValue>)> {
    vec![
        (DAY, "version", None),
        (DAY, "version", Some(text("1"))),
        (DAY, "version", Some(bytes(b"short"))),
        (DAY, "body", None),
        (DAY, "body", Some(text("{}"))),
        (DAY, "body", Some(bytes(b"no frame"))),
        (LARGE, "version", None),
        (LARGE, "summary", None),
        (LARGE, "summary", Some(bytes(b"no frame"))),
        (LARGE, "source", None),
        (LARGE, "source", Some(text("nowhere"))),
    ]
}

fn names(list: &Value) -> Vec<&str> {
    list["records"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}

/// All pages of a list, of so many at once: the names of the records, and how many were damaged.
async fn paged(terrace: &Terrace, asked: &[(&str, &str)], limit: &str) -> (Vec<String>, u64) {
    let (mut all, mut damaged, mut cursor) = (Vec::new(), 0, None::<String>);
    loop {
        let mut asked = [asked, &[("limit", limit)]].concat();
        if let Some(cursor) = &cursor {
            asked.push(("cursor", cursor));
        }
        let page = terrace.read(LIST, &asked).await;
        all.extend(names(&page).into_iter().map(str::to_owned));
        damaged += page.get("damaged").map_or(0, |damaged| damaged.as_u64().unwrap());
        let Some(next) = page["cursor"].as_str() else { return (all, damaged) };
        cursor = Some(next.to_owned());
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_hides_no_other() {
    let all = ["large", "small", "2026-07-01", "2026-07-02", "2026-07-03"];
    for (record, attribute, value) in damages() {
        let terrace = a_life().await;
        let what = format!("{record} {attribute} {value:?}");
        damage(&terrace, ("u", record), attribute, value.clone()).await;
        let lost = record.split_once('#').unwrap().1;
        let left: Vec<&str> = all.into_iter().filter(|name| *name != lost).collect();
        for asked in [&[][..], &[("detail", "full")], &[("updated_since", "0")]] {
            // Of a summary that does not unpack the whole is still there.
            let whole = asked == [("detail", "full")] && attribute == "summary" && value.is_some();
            let (expected, damaged) = if whole { (all.to_vec(), 0) } else { (left.clone(), 1) };
            for limit in ["1", "2", "100"] {
                let (found, counted) = paged(&terrace, asked, limit).await;
                assert_eq!(
                    (&found, counted),
                    (&expected.iter().map(ToString::to_string).collect(), damaged),
                    "{what} {asked:?} {limit}"
                );
            }
        }
        let line = terrace.lines.last();
        assert_eq!((&line["level"], &line["doing"]), (&json!("error"), &json!("list records")), "{what}");
        let by_id = terrace.get(LIST, &[("id", lost)]).await;
        let listed: Value = serde_json::from_slice(&by_id.body).unwrap();
        assert_eq!((names(&listed), &listed["damaged"]), (Vec::new(), &json!(1)), "{what}");
        assert!(by_id.headers.iter().all(|(name, _)| *name != "etag"), "{what}: it will be mended");
    }
}

#[tokio::test]
async fn a_single_one_says_what_to_do() {
    for (record, attribute, value) in damages() {
        let terrace = a_life().await;
        if attribute == "summary" && value.is_some() {
            continue;
        }
        damage(&terrace, ("u", record), attribute, value.clone()).await;
        let (data_type, id) = record.split_once('#').unwrap();
        let answer = terrace.get(&format!("{LIST}/{data_type}/{id}"), &[]).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &said["error"]), (500, &json!("damaged")), "{record} {attribute} {value:?}");
        let message = said["message"].as_str().unwrap();
        assert!(
            message.contains("terrace replay --user USER --all") && message.contains("terrace backfill"),
            "{message}"
        );
        assert!(!message.contains("  "), "{message}");
        assert_eq!(terrace.lines.last()["doing"], "answer a question");
    }
}

/// What of the view can be compared: without when it was written.
async fn view(terrace: &Terrace) -> Items {
    let mut items = timeless(terrace).await;
    items.retain(|(_, record), _| !record.starts_with("job#"));
    items
}

#[tokio::test]
async fn a_replay_makes_it_anew() {
    for (record, attribute, value) in damages() {
        let terrace = a_life().await;
        let whole = view(&terrace).await;
        damage(&terrace, ("u", record), attribute, value.clone()).await;
        let what = format!("{record} {attribute} {value:?}");
        let dry = replay(&terrace, &json!({"user_id": "u", "only": "all", "dry_run": true})).await;
        assert_eq!(dry["status"], "done");
        assert!(!differences(&view(&terrace).await, &whole).is_empty(), "{what}: nothing is done");
        let done = replay(&terrace, &json!({"user_id": "u", "only": "all"})).await;
        assert_eq!((&done["status"], &done["progress"]["failed"]), (&json!("done"), &Value::Null), "{what}");
        assert_eq!(done["progress"]["records_stored"], 1, "{what}: nothing else is written");
        assert_eq!(differences(&view(&terrace).await, &whole), Vec::<String>::new(), "{what}");
    }
}

/// No repeat is refused for it, or Terra would send it again and again and then give up.
#[tokio::test]
async fn the_delivery_that_comes_next_is_taken() {
    for (record, attribute, value) in damages() {
        let terrace = a_life().await;
        let what = format!("{record} {attribute} {value:?}");
        let newer = match record {
            DAY => delivery(
                "daily",
                &[json!({"metadata": {"start_time": "2026-07-02T00:00:00Z"}, "steps": 9, "more": 1, "a": 1})],
            ),
            _ => {
                let times =
                    json!({"summary_id": "large", "start_time": "2026-07-01T08:00:00Z", "more": [1, 2, 3], "a": 1});
                delivery("activity", &[json!({"metadata": times, "samples": []})])
            }
        };
        damage(&terrace, ("u", record), attribute, value).await;
        // Later than any signature of now.
        let at = terrace_tests::support::now() + 30_000;
        let answer = terrace.accept(&newer.ordered(at)).await;
        assert_eq!(answer["records"]["stored"], 1, "{what}: {answer}");
        let list = terrace.read(LIST, &[]).await;
        assert_eq!((names(&list).len(), list.get("damaged")), (5, None), "{what}");
    }
}

/// A score that is no register stands in nobody's way, nor does it cost the record.
#[tokio::test]
async fn a_damaged_score_is_set_anew() {
    let terrace = Terrace::new().await;
    let day = |score: u64, at: u64| {
        let day = json!({"metadata": {"start_time": "2026-07-02T00:00:00Z"}, "steps": 1,
                         "data_enrichment": {"total_stress_score": score}});
        delivery("daily", &[day]).ordered(at)
    };
    const AT: u64 = 1_782_950_400_000;
    let unscored = delivery("daily", &[json!({"metadata": {"start_time": "2026-07-02T00:00:00Z"}, "steps": 2})]);
    terrace.accept(&unscored.ordered(AT + 2)).await;
    terrace.accept(&day(7, AT)).await;
    let scored = terrace.read(LIST, &[]).await;
    assert_eq!(scored["records"][0]["summary"]["data_enrichment"]["total_stress_score"], 7);
    for value in [text("seven"), bytes(b"short")] {
        damage(&terrace, ("u", DAY), "score:total_stress_score", Some(value)).await;
        let listed = terrace.read(LIST, &[]).await;
        assert_eq!(listed["records"][0]["summary"].get("data_enrichment"), None);
        terrace.accept(&day(8, AT + 1)).await;
        let listed = terrace.read(LIST, &[]).await;
        assert_eq!(listed["records"][0]["summary"]["data_enrichment"]["total_stress_score"], 8, "{listed}");
    }
}

/// Of a large record whose object is gone, or is cut off or another, the summary remains.
#[tokio::test]
async fn one_whose_object_is_damaged_hides_no_other() {
    for object in [None, Some(&b""[..]), Some(b"short"), Some(&[7; 40_000])] {
        let terrace = a_life().await;
        let key = &terrace.objects("log").await[0];
        terrace.log.objects().remove(key).await.unwrap();
        if let Some(object) = object {
            terrace.log.objects().put(key, object.to_vec().into()).await.unwrap();
        }
        let what = format!("{:?}", object.map(<[u8]>::len));
        let summaries = terrace.read(LIST, &[]).await;
        assert_eq!((names(&summaries).len(), summaries.get("damaged")), (5, None), "{what}");
        let full = terrace.read(LIST, &[("detail", "full")]).await;
        assert_eq!(
            (names(&full), &full["damaged"]),
            (vec!["small", "2026-07-01", "2026-07-02", "2026-07-03"], &json!(1)),
            "{what}"
        );
        let by_id = terrace.get(LIST, &[("detail", "full"), ("id", "large")]).await;
        assert_eq!(serde_json::from_slice::<Value>(&by_id.body).unwrap()["damaged"], 1, "{what}");
        for path in ["/users/u/records/activity/large".to_owned(), delivery_path(&terrace).await] {
            let answer = terrace.get(&path, &[]).await;
            let said: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((answer.status, &said["error"]), (500, &json!("damaged")), "{what} {path}");
        }
        // Nobody is told to try again in a moment.
        assert!(!terrace.lines.text().contains("unavailable"), "{}", terrace.lines.text());
    }
}

/// Where the body of the delivery is read that lies in an object.
async fn delivery_path(terrace: &Terrace) -> String {
    let deliveries = terrace.read("/users/u/deliveries", &[]).await;
    let deliveries = deliveries["deliveries"].as_array().unwrap();
    let large = deliveries.iter().find(|one| one["event"] == "activity").unwrap();
    format!("/users/u/deliveries/{}", large["delivery"].as_str().unwrap())
}

#[tokio::test]
async fn what_is_damaged_goes_with_a_rekey_and_with_an_erase() {
    for (record, attribute, value) in damages() {
        let what = format!("{record} {attribute} {value:?}");
        let terrace = a_life().await;
        damage(&terrace, ("u", record), attribute, value.clone()).await;
        let (old, new) = (user(), json!({"user_id": "v", "provider": "GARMIN", "reference_id": "r"}));
        terrace
            .accept(&Delivery::new(json!({"type": "user_reauth", "old_user": old, "new_user": new}).to_string()))
            .await;
        // Nothing of it is shown, damaged or not, before and after it went.
        for _ in 0..2 {
            assert_eq!(terrace.read(LIST, &[]).await.get("damaged"), None, "{what}");
            let (data_type, id) = record.split_once('#').unwrap();
            assert_eq!(terrace.get(&format!("{LIST}/{data_type}/{id}"), &[]).await.status, 404, "{what}");
            terrace.settle().await;
        }
        let list = terrace.read("/users/v/records", &[]).await;
        assert_eq!((names(&list).len(), &list["damaged"]), (4, &json!(1)), "{what}");
        let done = replay(&terrace, &json!({"user_id": "u", "only": "all"})).await;
        assert_eq!(done["status"], "done");
        let list = terrace.read("/users/v/records", &[]).await;
        let rotten = matches!(&value, Some(AttributeValue::B(frame)) if frame.as_ref() == b"no frame");
        assert_eq!(names(&list).len(), if rotten { 4 } else { 5 }, "{what}: {list}");
        terrace.delete("/users/v").await;
        terrace.settle().await;
        let left = terrace.items().await;
        assert!(left.iter().all(|item| !item.contains_key("body") && !item.contains_key("source")), "{what}");
        assert_eq!(terrace.objects("log").await, Vec::<String>::new(), "{what}");
    }
}

/// The daily round puts anew what of the last days cannot be read.
#[tokio::test]
async fn the_diagnosis_is_not_stopped_by_it() {
    for (record, attribute, value) in damages() {
        let terrace = a_life().await;
        damage(&terrace, ("u", record), attribute, value.clone()).await;
        let found = terrace.read("/users/u/diagnosis", &[]).await;
        assert_eq!(found["connection"]["status"], "active", "{record} {attribute} {value:?}");
    }
}
