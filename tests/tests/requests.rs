//! Large requests: history that comes in many deliveries, in any order, whose chunks share one reference and are none of
//! them duplicates.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use terrace_records::{ConnectionUpdate, Partition, RequestUpdate};
use terrace_terra::UnixSeconds;
use terrace_terra::ids::UserId;
use terrace_tests::items::{Item, differences, text, timeless};
use terrace_tests::{Delivery, Terrace};

/// A reference as Terra gives them.
const REFERENCE: &str = "7243c4e7-933a-406f-8db0-4ad5500add81";

/// Something that is said of a large request, at a second of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Processing,
    Sending(u32),
    /// A chunk, its number in the trace id.
    Chunk(u32),
    /// A chunk, its number in the reference, as Terra once did.
    OldChunk(u32),
}

fn day(number: u32) -> String {
    format!("{}-01-{:02}", 1_900 + number / 28, number % 28 + 1)
}

fn delivery(user: &str, at: usize, said: Said, now: u64) -> Delivery {
    let user = json!({"user_id": user, "provider": "GARMIN"});
    let event = |kind: &str, status: &str| json!({"type": kind, "status": status, "message": "m", "user": user, "reference": REFERENCE});
    let chunk = |number| json!({"type": "daily", "user": user, "data": [{"metadata": {"start_time": day(number)}, "number": number}]});
    let body = match said {
        Said::Processing => event("large_request_processing", "processing"),
        Said::Sending(expected) => {
            let mut body = event("large_request_sending", "sending");
            body["expected_payloads"] = json!(expected);
            body
        }
        Said::Chunk(number) | Said::OldChunk(number) => chunk(number),
    };
    let own = format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b{at:03}");
    let delivery = Delivery::new(body.to_string()).ordered(now * 1_000 + at as u64);
    match said {
        Said::Chunk(number) => delivery.trace(&format!("{own}:chunk:{number}")).referring(REFERENCE),
        Said::OldChunk(number) => delivery.trace(&own).referring(&format!("{REFERENCE}:chunk:{number}")),
        Said::Processing | Said::Sending(_) => delivery.trace(&own).referring(REFERENCE),
    }
}

/// A user's one request.
async fn request(terrace: &Terrace, user: &str) -> Value {
    let mut requests = terrace.read(&format!("/users/{user}/requests"), &[]).await["requests"].take();
    assert_eq!(requests.as_array().map(Vec::len), Some(1), "{requests}");
    requests[0].take()
}

fn orders(length: usize) -> Vec<Vec<usize>> {
    let Some(last) = length.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, last);
        order
    };
    orders(last).iter().flat_map(|order| (0..length).map(move |at| insert(order, at))).collect()
}

/// What is said, and what is read then.
fn stories() -> Vec<(Vec<Said>, Value)> {
    use Said::{Chunk, OldChunk, Processing, Sending};
    let answer = |expected: Option<u32>, seen: u32, missing: &[u32]| {
        let complete = expected.is_some() && missing.is_empty();
        json!({"reference": REFERENCE, "expected": expected, "seen": seen, "missing": missing, "complete": complete})
    };
    vec![
        (vec![Processing, Sending(3), Chunk(1), Chunk(2), Chunk(3)], answer(Some(3), 3, &[])),
        (vec![Processing, Sending(3), OldChunk(1), OldChunk(2), OldChunk(3)], answer(Some(3), 3, &[])),
        (vec![Sending(2), Chunk(0), Chunk(1)], answer(Some(2), 2, &[])),
        (vec![Processing, Sending(5), Chunk(4), OldChunk(2)], answer(Some(5), 2, &[1, 3, 5])),
        (vec![Processing, Chunk(7), Chunk(200)], answer(None, 2, &[])),
        (vec![Sending(9), Sending(2), Chunk(2), Chunk(1)], answer(Some(2), 2, &[])),
        (vec![Sending(2), Sending(10), Chunk(2), Processing], answer(Some(10), 1, &[1, 3, 4, 5, 6, 7, 8, 9, 10])),
        (vec![Processing, Sending(2), Chunk(1), Chunk(1), OldChunk(1)], answer(Some(2), 1, &[2])),
        (vec![Processing], answer(None, 0, &[])),
    ]
}

/// Plays every order of these stories.
async fn told(stories: impl Iterator<Item = (Vec<Said>, Value)>) {
    let (terrace, now) = (Terrace::new().await, UnixSeconds::now().0 - 60);
    for (story, (said, expected)) in stories.enumerate() {
        for (number, order) in orders(said.len()).iter().enumerate() {
            let user = format!("u-{story}-{number}");
            for at in order {
                let answer = terrace.accept(&delivery(&user, *at, said[*at], now)).await;
                let status = answer["status"].as_str().unwrap();
                let chunk = matches!(said[*at], Said::Chunk(_) | Said::OldChunk(_));
                assert_eq!(status, if chunk { "stored" } else { "ignored" });
            }
            assert_eq!(request(&terrace, &user).await, expected, "{said:?} in the order {order:?}");
        }
    }
}

/// Half of the stories each, so that they are told at once.
#[tokio::test]
async fn every_order_of_what_is_said_reads_the_same() {
    told(stories().into_iter().step_by(2)).await;
}

#[tokio::test]
async fn every_order_of_what_else_is_said_reads_the_same() {
    told(stories().into_iter().skip(1).step_by(2)).await;
}

#[tokio::test]
async fn chunks_that_share_a_reference_are_none_of_them_duplicates() {
    let (terrace, now) = (Terrace::new().await, UnixSeconds::now().0 - 60);
    for (user, chunk) in [("new", Said::Chunk as fn(u32) -> Said), ("old", Said::OldChunk)] {
        for number in 1..=40 {
            let at = number as usize;
            let answer = terrace.accept(&delivery(user, at, chunk(number), now)).await;
            assert_eq!(answer["records"], json!({"stored": 1, "unchanged": 0, "stale": 0, "rejected": 0}));
        }
        let records = terrace.read(&format!("/users/{user}/records"), &[("limit", "1000")]).await;
        let dates: BTreeSet<_> =
            records["records"].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
        assert_eq!(dates.len(), 40);
        let deliveries = terrace.read(&format!("/users/{user}/deliveries"), &[("limit", "1000")]).await;
        assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 40);
        assert_eq!(request(&terrace, user).await["seen"], 40);
    }
    // Again, and nothing changes.
    let before = timeless(&terrace).await;
    for number in 1..=40 {
        let answer = terrace.accept(&delivery("new", number as usize, Said::Chunk(number), now)).await;
        assert_eq!(answer["records"]["unchanged"], 1);
    }
    assert_eq!(differences(&before, &timeless(&terrace).await), Vec::<String>::new());
}

/// A chunk so large that it is applied by a job is seen as well.
#[tokio::test]
async fn a_chunk_of_a_job_is_seen() {
    let (terrace, now) = (Terrace::new().await, UnixSeconds::now().0 - 60);
    for (user, chunk) in [("new", Said::Chunk(2)), ("old", Said::OldChunk(2))] {
        let mut large = delivery(user, 1, chunk, now);
        let data: Vec<_> = (0..230).map(|number| json!({"metadata": {"start_time": day(number)}})).collect();
        large.body = json!({"type": "daily", "user": {"user_id": user}, "data": data}).to_string().into();
        assert_eq!(terrace.accept(&large).await["status"], "queued");
        assert_eq!(terrace.settle().await.of("apply"), 1);
        assert_eq!(request(&terrace, user).await["seen"], 1);
    }
}

/// How many bytes an item has, as DynamoDB counts them (AWS: "Item sizes and formats"): a number takes a byte for two
/// digits and one more.
fn size(item: &Item) -> usize {
    let of_value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::Ns(numbers) => 3 + numbers.iter().map(|number| number.len().div_ceil(2) + 1).sum::<usize>(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    };
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

#[tokio::test]
async fn the_two_thousandth_chunk_costs_what_the_first_did() {
    let terrace = Terrace::new().await;
    let partition = Partition::of_user(&UserId::new("u").unwrap());
    let sending = RequestUpdate::of_event(REFERENCE, Some(2_000), 1).unwrap();
    terrace.table.note_request(&partition, &sending, 1_800_000_000_000, 2_000_000_000).await.unwrap();
    for number in 1..=2_000 {
        let chunk = RequestUpdate::of_chunk(REFERENCE, number).unwrap();
        terrace.table.note_request(&partition, &chunk, 1_800_000_000_000, 2_000_000_000).await.unwrap();
    }
    let items: Vec<_> = terrace.items().await;
    let largest = items.iter().map(size).max().unwrap();
    assert!(largest <= 1_024, "a chunk is one write unit: {largest}");
    assert!(items.iter().all(|item| text(item, "record").starts_with("request#")), "nothing else is written");
    let answer = request(&terrace, "u").await;
    assert_eq!(
        answer,
        json!({"reference": REFERENCE, "expected": 2_000, "seen": 2_000, "missing": [], "complete": true})
    );
    // The greatest numbers there are take no more.
    for number in 999_999_872..=999_999_999 {
        let chunk = RequestUpdate::of_chunk(REFERENCE, number).unwrap();
        terrace.table.note_request(&partition, &chunk, 1_800_000_000_000, 2_000_000_000).await.unwrap();
    }
    let largest = terrace.items().await.iter().map(size).max().unwrap();
    assert!(largest <= 1_024, "a chunk is one write unit: {largest}");
}

#[tokio::test]
async fn an_odd_number_of_payloads_is_none_and_spoils_nothing() {
    let terrace = Terrace::new().await;
    let cases = [
        ("0", json!(0), true),
        ("1", json!(1), false),
        ("4294967295", json!(4_294_967_295_u32), false),
        ("4294967296", Value::Null, false),
        ("-1", Value::Null, false),
        ("2.5", Value::Null, false),
        ("2.0", Value::Null, false),
        ("1e3", Value::Null, false),
        ("\"3\"", Value::Null, false),
        ("null", Value::Null, false),
        ("[3]", Value::Null, false),
        ("{}", Value::Null, false),
        ("99999999999999999999999", Value::Null, false),
    ];
    for (number, (odd, expected, complete)) in cases.iter().enumerate() {
        let body = format!(
            r#"{{"type":"large_request_sending","user":{{"user_id":"u-{number}"}},"reference":"r","expected_payloads":{odd}}}"#
        );
        assert_eq!(terrace.accept(&Delivery::new(body)).await["status"], "ignored", "{odd}");
        let request = request(&terrace, &format!("u-{number}")).await;
        assert_eq!((&request["expected"], &request["complete"]), (expected, &json!(complete)), "{odd}");
        assert!(request["missing"].as_array().unwrap().len() <= 1_000, "{odd}");
    }
    // Without a reference nothing can be told apart, and nothing is noted.
    for reference in ["", r#","reference":"""#, r#","reference":7"#, r#","reference":null"#] {
        let body =
            format!(r#"{{"type":"large_request_sending","user":{{"user_id":"v"}},"expected_payloads":3{reference}}}"#);
        assert_eq!(terrace.accept(&Delivery::new(body)).await["status"], "ignored", "{reference}");
    }
    assert!(terrace.items().await.iter().all(|item| !text(item, "record").starts_with("request#r#")));
    assert_eq!(terrace.read("/users/v/requests", &[]).await["requests"], json!([]));
}

/// References may be anything, and are told apart whatever they are.
#[tokio::test]
async fn no_reference_is_taken_for_another() {
    let terrace = Terrace::new().await;
    let references = ["r", "r#00000000", "r#", "#", "r:chunk:1", "sha256:0", "é", &"x".repeat(901), &"x".repeat(1_024)];
    let partition = Partition::of_user(&UserId::new("u").unwrap());
    for (at, reference) in references.iter().enumerate() {
        let expected = u32::try_from(at).unwrap() + 10;
        for update in [RequestUpdate::of_event(reference, Some(expected), 1), RequestUpdate::of_chunk(reference, 5)] {
            terrace.table.note_request(&partition, &update.unwrap(), 1_800_000_000_000, 2_000_000_000).await.unwrap();
        }
    }
    let answer = terrace.read("/users/u/requests", &[]).await;
    let requests = answer["requests"].as_array().unwrap();
    for (at, reference) in references.iter().enumerate() {
        let found: Vec<_> = requests.iter().filter(|request| request["reference"] == *reference).collect();
        assert_eq!(found.len(), 1, "{reference}");
        assert_eq!((&found[0]["expected"], &found[0]["seen"]), (&json!(at + 10), &json!(1)), "{reference}");
    }
    assert_eq!(requests.len(), references.len());
}

#[tokio::test]
async fn of_an_erased_or_unknown_user_no_request_is_told() {
    let (terrace, now) = (Terrace::new().await, UnixSeconds::now().0 - 60);
    terrace.accept(&delivery("u", 1, Said::Chunk(1), now)).await;
    assert_eq!(request(&terrace, "u").await["seen"], 1);
    let (user, mark) = (UserId::new("u").unwrap(), ConnectionUpdate::of_erased((now + 60) * 1_000));
    terrace.table.update_connection(&Partition::of_user(&user), &user, mark).await.unwrap();
    assert_eq!(terrace.read("/users/u/requests", &[]).await["requests"], json!([]), "its job is on the way");
    assert_eq!(terrace.get("/users/nobody/requests", &[]).await.status, 404);
    assert_eq!(terrace.get("/users/u/requests", &[("odd", "1")]).await.status, 400);
}
