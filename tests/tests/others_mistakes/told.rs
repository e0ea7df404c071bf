//! What is delivered here, and what is looked at afterwards.

use serde_json::{Value, json};
use terrace_tests::{Delivery, Terrace};

pub const THEN: u64 = 1_750_000_000_000;

pub fn event(of_type: &str, user: &str, data: &[Value]) -> Delivery {
    let user = json!({"user_id": user, "provider": "OURA", "reference_id": "customer"});
    Delivery::new(json!({"type": of_type, "user": user, "data": data}).to_string())
}

pub fn day(date: &str, steps: u64) -> Value {
    json!({"metadata": {"start_time": date}, "steps": steps})
}

pub fn sleep(id: &str, value: u64) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": "2026-07-01T23:00:00Z"}, "value": value})
}

pub async fn steps(terrace: &Terrace, user: &str, date: &str) -> Value {
    terrace.read(&format!("/users/{user}/records/daily/{date}"), &[]).await["data"]["steps"].clone()
}

pub async fn counted(terrace: &Terrace, user: &str, list: &str) -> usize {
    let answer = terrace.read(&format!("/users/{user}/{list}"), &[("limit", "1000")]).await;
    answer[list].as_array().unwrap().len()
}

/// Posts with Terra's reference of the request, which all chunks share.
pub async fn post_chunk(terrace: &Terrace, delivery: &Delivery, reference: &str) -> u16 {
    let mut request = delivery.request();
    request.headers.insert("terra-reference", reference.parse().unwrap());
    terrace.webhook.handle(&request).await.status
}
