//! The document says what the handlers take and answer: each of its parameters is taken and no other, and what it says of
//! every path is what others build on.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use terrace_tests::{Delivery, Terrace};

/// Each operation: its method, its path, and what it says.
async fn operations(terrace: &Terrace) -> Vec<(String, String, Value)> {
    let document = terrace.read("/openapi.json", &[]).await;
    let paths = document["paths"].as_object().unwrap();
    let each = |(path, item): (&String, &Value)| -> Vec<(String, String, Value)> {
        item.as_object()
            .unwrap()
            .iter()
            .map(|(method, said)| (method.to_uppercase(), path.clone(), said.clone()))
            .collect()
    };
    paths.iter().flat_map(each).collect()
}

fn parameters(said: &Value, place: &str) -> Vec<String> {
    let all = said["parameters"].as_array().into_iter().flatten();
    all.filter(|one| one["in"] == place).map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// A question that its path allows.
fn filled(path: &str) -> String {
    path.replace("{type}", "daily").replace(['{', '}'], "")
}

#[tokio::test]
async fn each_parameter_of_the_document_is_taken_and_no_other() {
    let terrace = Terrace::new().await;
    let mut asked = 0;
    for (method, path, said) in operations(&terrace).await {
        if method != "GET" || path == "/health" {
            continue;
        }
        let documented: BTreeSet<String> = parameters(&said, "query").into_iter().collect();
        let answer = terrace.get(&filled(&path), &[("nonsense", "x")]).await;
        assert_eq!(answer.status, 400, "{path}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let message = body["message"].as_str().unwrap();
        let taken: BTreeSet<String> = match message.split_once("there are ") {
            Some((_, names)) => names.split(", ").map(str::to_owned).collect(),
            None => BTreeSet::new(),
        };
        assert_eq!(taken, documented, "{path}: {message}");
        let in_path: Vec<_> = path
            .split('/')
            .filter(|part| part.starts_with('{'))
            .map(|part| part[1..part.len() - 1].to_owned())
            .collect();
        assert_eq!(parameters(&said, "path"), in_path, "{path}");
        asked += 1;
    }
    assert!(asked >= 12);
}

#[tokio::test]
async fn what_the_document_says_of_each_path() {
    let terrace = Terrace::new().await;
    let mut lines = Vec::new();
    for (method, path, said) in operations(&terrace).await {
        let takes = parameters(&said, "query").join(",");
        let answers: Vec<_> = said["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let of = |answer: &Value| answer["content"].as_object().and_then(|content| content.values().next().cloned());
        let shape = ["200", "202"].iter().find_map(|status| of(&said["responses"][status]));
        let shape = shape.and_then(|shape| Some(shape["schema"]["$ref"].as_str()?.rsplit('/').next()?.to_owned()));
        lines.push(format!(
            "{method} {path}?{takes} {}: {}",
            answers.join(" "),
            shape.unwrap_or_else(|| "anything".to_owned())
        ));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    GET /health? 200: Health
    GET /jobs/{job}? 200 400 403 404 500 503: JobAnswer
    GET /openapi.json? 200 400 403 404 500 503: anything
    DELETE /references/{reference_id}? 202 400 403 404 500 503: JobAnswer
    GET /references/{reference_id}?limit,cursor 200 307 400 403 404 500 503: ReferenceAnswer
    GET /references/{reference_id}/diagnosis?type 200 400 403 404 500 503: anything
    GET /references/{reference_id}/records?type,id,from,to,updated_since,detail,limit,cursor 200 304 307 400 403 404 500 503: RecordsAnswer
    GET /references/{reference_id}/records/{type}/{id}? 200 304 307 400 403 404 500 503: RecordAnswer
    POST /replays? 202 400 403 404 500 503: JobAnswer
    GET /users?limit,cursor 200 307 400 403 404 500 503: UsersAnswer
    DELETE /users/{user_id}? 202 400 403 404 500 503: JobAnswer
    GET /users/{user_id}? 200 400 403 404 500 503: ConnectionAnswer
    GET /users/{user_id}/deliveries?from,to,limit,cursor 200 307 400 403 404 500 503: DeliveriesAnswer
    GET /users/{user_id}/deliveries/{delivery}? 200 307 400 403 404 500 503: anything
    GET /users/{user_id}/diagnosis?type 200 400 403 404 500 503: anything
    GET /users/{user_id}/records?type,id,from,to,updated_since,detail,limit,cursor 200 304 307 400 403 404 500 503: RecordsAnswer
    GET /users/{user_id}/records/{type}/{id}? 200 304 307 400 403 404 500 503: RecordAnswer
    GET /users/{user_id}/requests? 200 400 403 404 500 503: RequestsAnswer
    POST /webhook? 200 401 413 503: Acknowledged
    ");
}

/// What is answered has the members that the document says, and no other.
#[tokio::test]
async fn answers_have_the_members_that_the_document_says() {
    let terrace = Terrace::new().await;
    let data = json!([{"metadata": {"start_time": "2026-07-01"}, "steps": 1}]);
    let user = json!({"user_id": "u", "provider": "GARMIN", "reference_id": "r"});
    let daily = json!({"type": "daily", "user": user, "data": data}).to_string();
    let stored = terrace.accept(&Delivery::new(daily)).await;
    let start = json!({"type": "large_request_sending", "user": user, "expected_payloads": 2, "reference": "q"});
    terrace.accept(&Delivery::new(start.to_string()).referring("q")).await;
    let job = terrace.delete("/references/somebody-else").await;
    let schemas = terrace.read("/openapi.json", &[]).await["components"]["schemas"].clone();
    let job_path = format!("/jobs/{}", job["job"].as_str().unwrap());
    let refused = terrace.get("/users/nobody", &[]).await;
    for (name, answer) in [
        ("UsersAnswer", terrace.read("/users", &[]).await),
        ("ConnectionAnswer", terrace.read("/users/u", &[]).await),
        ("ReferenceAnswer", terrace.read("/references/r", &[]).await),
        ("RecordsAnswer", terrace.read("/users/u/records", &[]).await),
        ("RecordsAnswer", terrace.read("/users/u/records", &[("updated_since", "0")]).await),
        ("RecordAnswer", terrace.read("/users/u/records", &[]).await["records"][0].clone()),
        ("RecordAnswer", terrace.read("/users/u/records/daily/2026-07-01", &[]).await),
        ("DeliveriesAnswer", terrace.read("/users/u/deliveries", &[]).await),
        ("DeliveryAnswer", terrace.read("/users/u/deliveries", &[]).await["deliveries"][0].clone()),
        ("RequestsAnswer", terrace.read("/users/u/requests", &[]).await),
        ("RequestAnswer", terrace.read("/users/u/requests", &[]).await["requests"][0].clone()),
        ("JobAnswer", terrace.read(&job_path, &[]).await),
        ("Health", terrace.read("/health", &[]).await),
        ("Acknowledged", stored),
        ("ErrorAnswer", serde_json::from_slice(&refused.body).unwrap()),
    ] {
        let schema = &schemas[name];
        let members: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let may: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let must: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(members.is_subset(&may) && members.is_superset(&must), "{name}: {members:?}, {may:?}, {must:?}");
    }
}
