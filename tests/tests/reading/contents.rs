//! What stands in a record, to the last digit, and how much of it a page holds.

use crate::asked::{names, text};
use bytes::Bytes;
use serde_json::{Value, json};
use terrace_tests::{Delivery, Terrace};

/// Samples that do not pack: the digits of a small generator.
fn samples(count: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let samples: Vec<_> =
        (0..count).map(|_| format!(r#"{{"bpm": {}.{:02}0}}"#, next() % 1_000_000_000, next() % 100)).collect();
    format!("[{}]", samples.join(" ,"))
}

/// An activity with about so many bytes of samples, oddly spaced and with numbers that no float holds.
fn large(id: &str, bytes: usize, seed: u64) -> String {
    let samples = samples(bytes / 25, seed);
    format!(
        "{{ \"metadata\" : {{\"summary_id\":\"{id}\",\"start_time\":\"2026-07-01T07:00:00+01:00\"}},\t\"n\":12345678901234567890.12345678901234567890,\n \"exp\":1E+02, \"x\":null,\"s\":\"\\u00e9\\/é\", \"heart_rate\":{{\"avg\":61.0,\"samples\":{samples}}},\"calories\":70.10 }}"
    )
}

#[tokio::test]
async fn a_record_is_read_back_to_the_last_digit() {
    for bytes in [100, 20_000, 300_000] {
        let terrace = Terrace::new().await;
        let records = [large("a", bytes, 1), large("b", bytes * 2, 2), large("c", 100, 3)];
        let body = format!(
            "{{\"type\":\"activity\", \"data\" :[ {} ] ,\"user\":{{\"user_id\":\"u\"}}}}\n",
            records.join("\r\n,  ")
        );
        let answer = terrace.accept(&Delivery::new(body.clone())).await;
        assert_eq!(answer["records"]["stored"], 3);
        let list = terrace.get("/users/u/records", &[("detail", "full")]).await;
        for (id, record) in ["a", "b", "c"].iter().zip(&records) {
            let whole = format!(r#""data":{record}}}"#);
            assert!(text(&list).contains(&whole), "{id} of {bytes}");
            let one = terrace.get(&format!("/users/u/records/activity/{id}"), &[]).await;
            assert!(text(&one).ends_with(&whole), "{id} of {bytes}");
        }
        let delivery = terrace.get(&format!("/users/u/deliveries/{}", answer["delivery"].as_str().unwrap()), &[]).await;
        assert_eq!((delivery.content_type, delivery.body), ("application/octet-stream", Bytes::from(body)));
    }
}

#[tokio::test]
async fn a_summary_has_the_scalars_and_no_samples() {
    let terrace = Terrace::new().await;
    for (user, bytes) in [("u", 400), ("v", 200_000)] {
        let body = format!(r#"{{"type":"activity","user":{{"user_id":"{user}"}},"data":[{}]}}"#, large("a", bytes, 1));
        terrace.accept(&Delivery::new(body)).await;
        for asked in [&[][..], &[("detail", "summary")]] {
            let list = terrace.get(&format!("/users/{user}/records"), asked).await;
            let summary = r#""summary":{"metadata":{"summary_id":"a","start_time":"2026-07-01T07:00:00+01:00"},"n":12345678901234567890.12345678901234567890,"exp":1E+02,"s":"\u00e9\/é","heart_rate":{"avg":61.0},"calories":70.10}}"#;
            assert!(text(&list).contains(summary), "{}", text(&list));
            assert!(!text(&list).contains(r#""data""#));
        }
    }
}

#[tokio::test]
async fn scores_are_put_back_where_they_were() {
    let terrace = Terrace::new().await;
    let record = |scores: &str, bytes: usize| {
        let samples = samples(bytes / 25, 7);
        format!(
            r#"{{"type":"sleep","user":{{"user_id":"u"}},"data":[{{"metadata":{{"summary_id":"s"}},"data_enrichment":{scores},"x":{samples}}}]}}"#
        )
    };
    for (at, bytes) in [(0, 100), (1, 100_000)] {
        let time = 1_700_000_000_000 + at * 1_000_000;
        terrace
            .accept(&Delivery::new(record(r#"{"sleep_score":81.50,"contributors":{"rem":0.90}}"#, bytes)).ordered(time))
            .await;
        terrace
            .accept(
                &Delivery::new(record(r#"{"sleep_score":null,"contributors":null,"new":1}"#, bytes)).ordered(time + 1),
            )
            .await;
        let merged = r#""data_enrichment":{"sleep_score":81.50,"contributors":{"rem":0.90},"new":1}"#;
        let one = terrace.get("/users/u/records/sleep/s", &[]).await;
        assert!(text(&one).contains(merged), "{}", text(&one));
        let list = terrace.get("/users/u/records", &[("detail", "full")]).await;
        assert!(text(&list).contains(merged));
        let summary = terrace.read("/users/u/records", &[]).await;
        let scores = json!({"sleep_score": 81.5, "contributors": {"rem": 0.9}, "new": 1});
        assert_eq!(summary["records"][0]["summary"]["data_enrichment"], scores);
    }
}

#[tokio::test]
async fn a_page_ends_at_four_megabytes() {
    const LIMIT: usize = 4 * 1_024 * 1_024;
    let terrace = Terrace::new().await;
    for at in 0..7 {
        let bytes = if at == 4 { 4_600_000 } else { 900_000 };
        let body = format!(
            r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{}]}}"#,
            large(&format!("a{at}"), bytes, at)
        );
        terrace.accept(&Delivery::new(body)).await;
    }
    terrace.settle().await;
    let (mut found, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let asked = [("detail", "full"), ("cursor", cursor.as_str())];
        let answer = terrace.get("/users/u/records", &asked).await;
        let page: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.body.len() <= LIMIT || names(&page).len() == 1, "{}", answer.body.len());
        found.extend(names(&page));
        sizes.push(names(&page).len());
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(found, (0..7).map(|at| format!("activity/a{at}")).collect::<Vec<_>>());
    assert!(sizes[0] >= 3 && sizes.len() <= 4, "{sizes:?}");
    assert_eq!(names(&terrace.read("/users/u/records", &[]).await).len(), 7, "summaries are small");
}
