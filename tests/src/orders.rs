//! Orders given over HTTP: replays and erases, and how far their jobs are.

use crate::terrace::Terrace;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use terrace_runtime::http::{Answer, Request};

/// Posts an order for a replay.
pub async fn post_replay(terrace: &Terrace, body: impl Into<Bytes>) -> Answer {
    let (path, headers) = ("/replays".to_owned(), HeaderMap::new());
    let request = Request { method: Method::POST, path, query: Vec::new(), headers, body: body.into() };
    terrace.query.handle(&request).await
}

/// Orders a replay that has to be taken, and names its job.
#[expect(clippy::unwrap_used, reason = "a test fails where its order is not taken")]
pub async fn order_replay(terrace: &Terrace, order: &Value) -> String {
    let answer = post_replay(terrace, order.to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    said.get("job").and_then(Value::as_str).unwrap().to_owned()
}

/// How far a job is.
pub async fn job(terrace: &Terrace, id: &str) -> Value {
    terrace.read(&format!("/jobs/{id}"), &[]).await
}

/// Orders a replay, lets it be done, and says how its job ended.
pub async fn replay(terrace: &Terrace, order: &Value) -> Value {
    let id = order_replay(terrace, order).await;
    terrace.settle().await;
    job(terrace, &id).await
}
