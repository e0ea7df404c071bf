//! `terrace diagnose` against a Terrace behind real HTTP: what people read, what programs do, and what is said where
//! nothing is known.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::Arc;
use terrace_tests::Terrace;
use terrace_tests::support::{athlete, auth, told, whose};
use tokio::net::TcpListener;

/// Answers with the query function, a path decoded once as everywhere.
async fn answer(State(terrace): State<Arc<Terrace>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8().unwrap().into_owned();
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let body = to_bytes(body, 1_000_000).await.unwrap();
    let request = terrace_runtime::http::Request { method: parts.method, path, query, headers: parts.headers, body };
    let answer = terrace.query.handle(&request).await;
    let response = Response::builder().status(answer.status).header("content-type", answer.content_type);
    response.body(Body::from(answer.body)).unwrap()
}

/// What `terrace diagnose` does with these options, after the life of a user who typed their email at MyFitnessPal.
async fn diagnose(options: &[&str]) -> (Output, String, String) {
    let user = whose("u", "MYFITNESSPAL");
    let terrace = told(&[auth(0, &user), athlete(60_000, &user, "jo@example.com")]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(Arc::new(terrace));
    let served = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.arg("diagnose").args(options).args(["--url", &url]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    served.abort();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    (output, out, error)
}

#[tokio::test]
async fn people_read_the_most_likely_cause_first() {
    let (output, text, _) = diagnose(&["u"]).await;
    assert!(output.status.success(), "{text}");
    let first = "u: MYFITNESSPAL, active, reference somebody\n\n1. wrong_account\n   seen  The user connected at";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains("   link  https://www.myfitnesspal.com/food/diary/jo@example.com\n"), "{text}");
    assert!(text.contains("Terra was not asked: no developer id"), "{text}");

    let (output, of_reference, _) = diagnose(&["--reference", "somebody"]).await;
    assert!(output.status.success() && of_reference.starts_with(first), "{of_reference}");
}

#[tokio::test]
async fn programs_read_the_answer_as_it_is() {
    let (output, text, _) = diagnose(&["u", "--type", "sleep", "--json"]).await;
    assert!(output.status.success(), "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let codes: Vec<_> =
        answer.pointer("/findings").unwrap().as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes.first(), Some(&&json!("type_not_delivered")), "{text}");
}

#[tokio::test]
async fn where_nothing_is_known_it_says_what_is_known_nearby() {
    let (output, text, error) = diagnose(&["somebody"]).await;
    assert_eq!((output.status.code(), text.as_str()), (Some(1), ""));
    assert!(error.contains("404 not_found") && error.contains("It is a reference_id: u has it."), "{error}");
    // Programs read the whole of it, and nothing else.
    for (asked, code) in
        [(&["somebody", "--json"][..], "never_connected"), (&["--reference", "u", "--json"], "never_connected")]
    {
        let (output, text, error) = diagnose(asked).await;
        assert_eq!((output.status.code(), error.as_str()), (Some(1), ""), "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&answer["error"], &answer["findings"][0]["code"]),
            (&json!("not_found"), &json!(code)),
            "{answer:#}"
        );
        assert!(answer.to_string().contains("\"user_id\":\"u\""), "what is known nearby: {answer:#}");
    }
    let (output, text, error) = diagnose(&["u", "--type", "dayly", "--json"]).await;
    assert_eq!((output.status.code(), text.as_str()), (Some(1), ""), "{error}");
    let (output, _, error) = diagnose(&["u", "--type", "dayly"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("there is no such type, did you mean daily?; there are activity"), "{error}");
}
