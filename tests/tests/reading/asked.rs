//! What is delivered here and how lists are asked for.

use serde_json::{Value, json};
use terrace_runtime::http::Answer;
use terrace_tests::{Delivery, Terrace};

/// A list of parameters.
pub type Asked<'a> = Vec<(&'a str, &'a str)>;

pub fn event(of_type: &str, user: &str, data: &[Value]) -> Delivery {
    Delivery::new(json!({"type": of_type, "user": {"user_id": user, "provider": "GARMIN"}, "data": data}).to_string())
}

pub fn day(start_time: &str) -> Value {
    json!({"metadata": {"start_time": start_time}})
}

pub fn session(id: &str, start_time: &str) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": start_time}})
}

pub fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

/// `type/id` of each record.
pub fn names(page: &Value) -> Vec<String> {
    let name = |record: &Value| format!("{}/{}", record["type"].as_str().unwrap(), record["id"].as_str().unwrap());
    page["records"].as_array().unwrap().iter().map(name).collect()
}

pub async fn listed(terrace: &Terrace, asked: &[(&str, &str)]) -> Vec<String> {
    let page = terrace.read("/users/u/records", asked).await;
    assert_eq!(page["cursor"], Value::Null);
    names(&page)
}

/// Follows a list to its end, each page with the next of these limits, and returns the entries under `of`.
pub async fn pages(terrace: &Terrace, path: &str, asked: &[(&str, &str)], of: &str, limits: &[usize]) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), None::<String>);
    for limit in limits.iter().cycle().take(1_000) {
        let limit_text = limit.to_string();
        let mut asked = asked.to_vec();
        asked.push(("limit", &limit_text));
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut page = terrace.read(path, &asked).await;
        let found = page[of].as_array_mut().unwrap();
        assert!(found.len() <= *limit, "{path} {asked:?}");
        entries.append(found);
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return entries,
        }
    }
    panic!("{path} {asked:?} has no end")
}

/// Days and sessions of several types, some of them deleted, several with the same start.
pub async fn a_life() -> Terrace {
    let terrace = Terrace::new().await;
    let dates: Vec<String> = (1..=12).map(|day| format!("2026-07-{day:02}")).collect();
    terrace.accept(&event("daily", "u", &dates.iter().map(|date| day(date)).collect::<Vec<_>>())).await;
    terrace.accept(&event("body", "u", &dates[3..6].iter().map(|date| day(date)).collect::<Vec<_>>())).await;
    let mut activities: Vec<_> =
        (0..24).map(|at| session(&format!("a{at:02}"), &format!("{}T0{}:00:00Z", dates[at / 4], at % 2))).collect();
    terrace.accept(&event("activity", "u", &activities).ordered(1_700_000_000_000)).await;
    let deleted: Vec<_> = (0..24).filter(|at| at % 3 == 1 || (8..14).contains(at)).collect();
    for &at in &deleted {
        activities[at]["metadata"]["upload_type"] = json!(4);
    }
    let marks: Vec<_> = deleted.iter().map(|at| activities[*at].clone()).collect();
    terrace.accept(&event("activity", "u", &marks).ordered(1_700_000_001_000)).await;
    terrace
        .accept(&event("sleep", "u", &[json!({"metadata": {"summary_id": "undated"}}), session("s", &dates[0])]))
        .await;
    terrace
}
