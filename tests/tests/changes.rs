//! Who follows the changes of somebody misses none, whatever happens between two times of asking.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};

const MINUTE_MS: u64 = 60_000;

fn event(of_type: &str, user: &str, data: &[Value]) -> Delivery {
    Delivery::new(json!({"type": of_type, "user": {"user_id": user, "provider": "GARMIN"}, "data": data}).to_string())
}

fn activity(id: &str, start: &str, calories: u64) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": start}, "calories": calories})
}

fn millis(instant: &Value) -> u64 {
    let instant: jiff::Timestamp = instant.as_str().unwrap().parse().unwrap();
    u64::try_from(instant.as_millisecond()).unwrap()
}

/// All pages of the changes since a time, and what is to be asked for next.
async fn changes(
    terrace: &Terrace,
    user: &str,
    since: &str,
    asked: &[(&str, &str)],
    limit: &str,
) -> (Vec<Value>, String) {
    let (mut found, mut cursor, mut next) = (Vec::new(), String::new(), None);
    for _page in 0..300 {
        let given = [("updated_since", since), ("limit", limit), ("cursor", &cursor)];
        let asked: Vec<_> = asked.iter().copied().chain(given).collect();
        let page = terrace.read(&format!("/users/{user}/records"), &asked).await;
        found.extend(page["records"].as_array().unwrap().iter().cloned());
        let said = page["next_updated_since"].as_str().unwrap().to_owned();
        assert_eq!(*next.get_or_insert(said.clone()), said, "every page says what the first one said");
        let Some(more) = page["cursor"].as_str() else { return (found, said) };
        cursor = more.to_owned();
    }
    panic!("the changes since {since} have no end");
}

fn ids(found: &[Value]) -> Vec<&str> {
    found.iter().map(|record| record["id"].as_str().unwrap()).collect()
}

/// Has the record look as if it had been written at another time.
async fn written_at(terrace: &Terrace, record: &str, time_ms: u64) {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};
    let update = terrace.client.update_item().table_name(terrace_tests::terrace::TABLE);
    let update = update.key("user_id", S("u".to_owned())).key("record", S(record.to_owned()));
    let update =
        update.update_expression("SET updated_at = :at").expression_attribute_values(":at", N(time_ms.to_string()));
    update.send().await.unwrap();
}

#[tokio::test]
async fn what_was_written_since_is_listed_and_nothing_else() {
    let terrace = Terrace::new().await;
    let activities: Vec<_> = (0..7).map(|at| activity(&format!("a{at}"), &format!("2026-07-0{}", 9 - at), 1)).collect();
    terrace.accept(&event("activity", "u", &activities)).await;
    terrace.accept(&event("daily", "u", &[json!({"metadata": {"start_time": "2026-07-01"}})])).await;
    let since = 1_782_889_200_000;
    for (at, time) in
        [(0, since - 1), (1, since), (2, since + 1), (3, 1), (4, since + 5), (5, since - 5), (6, since + 9)]
    {
        written_at(&terrace, &format!("activity#a{at}"), time).await;
    }
    written_at(&terrace, "daily#2026-07-01", since).await;
    for since in ["1782889200000", "2026-07-01T07:00:00Z", "2026-07-01T09:00:00+02:00"] {
        for limit in ["1", "2", "3", "5", "100"] {
            let (found, _) = changes(&terrace, "u", since, &[], limit).await;
            assert_eq!(ids(&found), ["a1", "a2", "a4", "a6", "2026-07-01"], "{since} by {limit}");
        }
    }
    let (found, _) = changes(&terrace, "u", "1782889200001", &[("type", "activity")], "100").await;
    assert_eq!(ids(&found), ["a2", "a4", "a6"]);
    let (found, _) = changes(&terrace, "u", "0", &[("from", "2026-07-05"), ("to", "2026-07-08T00:00:00Z")], "2").await;
    assert_eq!(ids(&found), ["a1", "a2", "a3", "a4"], "a range holds for changes too");
}

#[tokio::test]
async fn a_follower_ends_up_with_what_there_is() {
    let terrace = Terrace::new().await;
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    let mut since = "0".to_owned();
    let at = |second: u64| UnixSeconds::now().0 * 1_000 + second;
    let mark = json!({"metadata": {"summary_id": "a", "start_time": "2026-07-01", "upload_type": 4}});
    let score = json!({"metadata": {"summary_id": "c", "start_time": "2026-07-03"}, "data_enrichment": {"strain": 5}, "calories": 1});
    let steps = [
        event("activity", "u", &[activity("a", "2026-07-01", 1), activity("b", "2026-07-02", 1)]).ordered(at(1)),
        event("activity", "u", &[activity("b", "2026-07-02", 2)]).ordered(at(2)),
        event("activity", "u", &[mark]).ordered(at(3)),
        event("activity", "u", &[activity("c", "2026-07-03", 1)]).ordered(at(5)),
        // Loses, but for its score.
        event("activity", "u", &[score]).ordered(at(4)),
    ];
    for step in &steps {
        terrace.accept(step).await;
        let (found, next) = changes(&terrace, "u", &since, &[], "1").await;
        assert!(!found.is_empty());
        for record in found {
            let id = record["id"].as_str().unwrap().to_owned();
            match record["deleted"] == true {
                true => {
                    assert!(record.get("summary").is_none() && record.get("data").is_none());
                    held.remove(&id);
                }
                false => drop(held.insert(id, record)),
            }
        }
        since = next;
        let there = terrace.read("/users/u/records", &[]).await;
        let there = there["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].as_str().unwrap().to_owned(), one.clone()));
        assert_eq!(held, there.collect(), "after each step");
    }
    assert_eq!(held["c"]["summary"]["data_enrichment"]["strain"], 5);
    assert!(!held.contains_key("a"));
}

#[tokio::test]
async fn what_comes_over_from_another_id_is_a_change() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("activity", "old", &[activity("a", "2026-07-01", 1)])).await;
    terrace.accept(&event("activity", "new", &[activity("b", "2026-07-01", 1)])).await;
    // Both were written long ago.
    let reauth = json!({"type": "user_reauth", "old_user": {"user_id": "old"}, "new_user": {"user_id": "new"}});
    let (_, since) = changes(&terrace, "new", "0", &[], "100").await;
    terrace.accept(&Delivery::new(reauth.to_string())).await;
    terrace.settle().await;
    let (found, _) = changes(&terrace, "new", &since, &[("type", "activity")], "100").await;
    assert!(ids(&found).contains(&"a"));
    let gone = terrace.read("/users/old/records", &[("updated_since", "0")]).await;
    assert_eq!((&gone["records"], &gone["replaced_by"]), (&json!([]), &json!("new")));
}

#[tokio::test]
async fn the_next_time_is_early_enough_for_what_is_under_way() {
    let terrace = Terrace::new().await;
    terrace.accept(&event("activity", "u", &[activity("a", "2026-07-01", 1)])).await;
    let before = UnixSeconds::now().0 * 1_000;
    let page = terrace.read("/users/u/records", &[("updated_since", "0")]).await;
    let next = millis(&page["next_updated_since"]);
    // A function may have taken its time a quarter of an hour ago and write only now.
    assert!(next + 15 * MINUTE_MS + MINUTE_MS <= before + 2_000, "{next} {before}");
    assert!(next + 20 * MINUTE_MS > before, "and not much earlier");
    let later = (before + 90 * MINUTE_MS).to_string();
    let page = terrace.read("/users/u/records", &[("updated_since", &later)]).await;
    assert_eq!(millis(&page["next_updated_since"]), before + 90 * MINUTE_MS, "it never goes back");
    assert!(terrace.read("/users/u/records", &[]).await.get("next_updated_since").is_none());
}
