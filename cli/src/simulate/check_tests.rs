use super::*;
use crate::simulate::truth::{Acknowledged, Called};
use axum::Router;
use axum::http::{StatusCode, Uri};
use bytes::Bytes;
use std::sync::Arc;

const BODY: &str = r#"{"type":"sleep","user":{"user_id":"u","provider":"OURA","scopes":"b,a"},"data":[
    {"metadata":{"summary_id":"a/../b","start_time":"2026-07-01T23:00:00Z","end_time":"e"},"score":1.10},
    {"metadata":{"summary_id":"c","start_time":"2026-07-02T23:00:00Z","end_time":"e"},"big":12345678901234567890123}]}"#;
const FIRST: &str = r#"{"type":"sleep","id":"a/../b","start_time":"2026-07-01T23:00:00Z","end_time":"e","provider":"OURA",
    "updated_at":"x","data":{"score":1.10,"metadata":{"summary_id":"a/../b","start_time":"2026-07-01T23:00:00Z","end_time":"e"}}}"#;
const SECOND: &str = r#"{"type":"sleep","id":"c","start_time":"2026-07-02T23:00:00Z","end_time":"e","provider":"OURA",
    "updated_at":"x","data":{"metadata":{"summary_id":"c","start_time":"2026-07-02T23:00:00Z","end_time":"e"},"big":12345678901234567890123}}"#;
const CONNECTION: &str = r#"{"user_id":"u","provider":"OURA","reference_id":null,"status":"active","scopes":["a","b"],
    "last_delivery":{"sleep":"2026-07-01T09:12:33.891Z"},"replaced_by":null,"replaces":[]}"#;

const REQUESTS: &str = r#"{"requests":[{"reference":"large","expected":null,"seen":1,"missing":[],"complete":false}],
    "cursor":null}"#;

/// What a server answers: the first page of records, the second, one of them alone, the connection, the deliveries, the
/// body, the large requests.
struct Answers {
    first: String,
    second: String,
    alone: String,
    connection: String,
    deliveries: String,
    body: String,
    requests: String,
}

impl Answers {
    fn right() -> Self {
        Self {
            first: format!(r#"{{"records":[{FIRST}],"cursor":"next"}}"#),
            second: format!(r#"{{"records":[{SECOND}],"cursor":null}}"#),
            alone: SECOND.to_owned(),
            connection: CONNECTION.to_owned(),
            deliveries: r#"{"deliveries":[{"delivery":"d"}],"cursor":null}"#.to_owned(),
            body: BODY.to_owned(),
            requests: REQUESTS.to_owned(),
        }
    }

    fn to(&self, uri: &Uri) -> String {
        match (uri.path(), uri.query().unwrap_or_default()) {
            ("/users/u/records", query) if query.contains("cursor=next") => self.second.clone(),
            ("/users/u/records", _) => self.first.clone(),
            ("/users/u/records/sleep/c", _) => self.alone.clone(),
            ("/users/u/requests", _) => self.requests.clone(),
            ("/users/u", _) => self.connection.clone(),
            ("/users/u/deliveries", _) => self.deliveries.clone(),
            ("/users/u/deliveries/d", _) => self.body.clone(),
            other => panic!("nobody asks for {other:?}"),
        }
    }
}

/// What a check finds at a server that answers so: a status and a body.
async fn checked(truth: &Truth, answer: impl Fn(&Uri) -> (u16, String) + Clone + Send + Sync + 'static) -> Checked {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let answer = move |uri: Uri| async move {
        let (status, body) = answer(&uri);
        (StatusCode::from_u16(status).unwrap(), body)
    };
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let checked = check(&client, truth, Instant::now(), &ProgressBar::hidden()).await.unwrap();
    server.abort();
    checked
}

/// A delivery as it was acknowledged: the first chunk of a large request.
fn acknowledged(body: &'static str, after_ms: u64, delivery: Called) -> Acknowledged {
    Acknowledged {
        body: Bytes::from(body),
        ordering_ms: Some(1_782_897_153_891 + after_ms),
        signed_at: 1_782_897_154,
        trace_id: Some("t:chunk:1".to_owned()),
        reference: "large".to_owned(),
        delivery,
    }
}

async fn found(answers: Answers) -> Checked {
    let mut truth = Truth::default();
    truth.take_in(&acknowledged(BODY, 0, Called::Answered("d".to_owned()))).unwrap();
    let answers = Arc::new(answers);
    checked(&truth, move |uri| (200, answers.to(uri))).await
}

#[tokio::test]
async fn what_is_as_it_has_to_be_has_no_difference() {
    let checked = found(Answers::right()).await;
    assert_eq!(checked.differences, []);
    let counts = (checked.records_expected, checked.records_read, checked.deliveries_listed, checked.bodies_compared);
    assert_eq!(counts, (2, 2, 1, 1));
    assert_eq!((checked.connections, checked.moved, checked.requests_expected, checked.requests_read), (1, 0, 1, 1));
}

#[tokio::test]
async fn whatever_differs_is_told() {
    let right = Answers::right;
    let replaced = |text: &str, what: &str, with: &str| {
        assert!(text.contains(what));
        text.replace(what, with)
    };
    for (answers, said) in [
        (Answers { first: replaced(&right().first, "1.10", "1.1"), ..right() }, "data.score: 1.10 expected, 1.1 read"),
        (Answers { second: replaced(&right().second, "90123}", "90000}"), ..right() }, "data.big: "),
        (Answers { second: right().first.replace("\"next\"", "null"), ..right() }, "listed twice"),
        (Answers { first: r#"{"records":[],"cursor":"next"}"#.to_owned(), ..right() }, "missing"),
        (Answers { first: right().first.replace(r#""id":"a/../b""#, r#""id":"b""#), ..right() }, "should not be there"),
        (
            Answers {
                first: right().first.replace(r#""end_time":"e","provider""#, r#""end_time":null,"provider""#),
                ..right()
            },
            "end_time: ",
        ),
        (
            Answers { connection: CONNECTION.replace("active", "error"), ..right() },
            "status: active expected, error read",
        ),
        (Answers { connection: CONNECTION.replace("33.891", "33.892"), ..right() }, "last_delivery: "),
        (Answers { connection: CONNECTION.replace(r#""b""#, r#""c""#), ..right() }, "scopes: "),
        (
            Answers { deliveries: r#"{"deliveries":[],"cursor":null}"#.to_owned(), ..right() },
            "acknowledged, but not listed",
        ),
        (
            Answers { deliveries: right().deliveries.replace("[", r#"[{"delivery":"e"},"#), ..right() },
            "listed, but never",
        ),
        (Answers { body: BODY.replace("\n", ""), ..right() }, "byte for byte"),
        (Answers { alone: replaced(SECOND, "90123}", "90000}"), ..right() }, "read alone: data.big: "),
        (
            Answers { requests: REQUESTS.replace("null,\"seen", "1,\"seen"), ..right() },
            "expected: None expected, Some(1)",
        ),
        (Answers { requests: REQUESTS.replace("\"seen\":1", "\"seen\":2"), ..right() }, "seen: 1 expected, 2 read"),
        (Answers { requests: REQUESTS.replace("[]", "[2]"), ..right() }, "missing: [] expected, [2] read"),
        (Answers { requests: REQUESTS.replace("false", "true"), ..right() }, "complete: false expected, true read"),
        (Answers { requests: r#"{"requests":[],"cursor":null}"#.to_owned(), ..right() }, "missing"),
        (Answers { requests: REQUESTS.replace("large", "other"), ..right() }, "not of this user"),
    ] {
        let checked = found(answers).await;
        assert!(checked.differences.iter().any(|difference| difference.what.contains(said)), "{said}: {checked:?}");
    }
}

const REAUTH: &str = r#"{"type":"user_reauth","new_user":{"user_id":"v"},"old_user":{"user_id":"u"}}"#;

/// What a server answers once the records of `u` are under `v`; `None` is a 404.
fn moved(uri: &Uri) -> Option<String> {
    let connection = |status: &str, by: &str, replaces: &str| {
        let data = if by == "null" { "" } else { r#""sleep":"2026-07-01T09:12:33.891Z""# };
        let (provider, scopes) = if by == "null" { ("null", "") } else { (r#""OURA""#, r#""a","b""#) };
        format!(
            r#"{{"provider":{provider},"reference_id":null,"status":"{status}","scopes":[{scopes}],"last_delivery":{{{data}}},
            "replaced_by":{by},"replaces":[{replaces}]}}"#
        )
    };
    let name = format!("1782897153891.{:016x}.t:chunk:1", xxhash_rust::xxh3::xxh3_64(BODY.as_bytes()));
    let deliveries = |name: &str| format!(r#"{{"deliveries":[{{"delivery":"{name}"}}],"cursor":null}}"#);
    Some(match uri.path() {
        "/users/u" => connection("replaced", r#""v""#, ""),
        "/users/v" => connection("active", "null", r#""u""#),
        "/users/u/records" => r#"{"records":[],"cursor":null}"#.to_owned(),
        "/users/v/records" if uri.query().is_some_and(|query| query.contains("id=")) => {
            format!(r#"{{"records":[{FIRST}],"cursor":null}}"#)
        }
        "/users/v/records" => format!(r#"{{"records":[{FIRST},{SECOND}],"cursor":null}}"#),
        "/users/u/deliveries" => deliveries(&name),
        "/users/v/deliveries" => deliveries("r"),
        "/users/u/requests" => REQUESTS.to_owned(),
        "/users/v/requests" => r#"{"requests":[],"cursor":null}"#.to_owned(),
        "/users/v/deliveries/r" => REAUTH.to_owned(),
        path if path.replace("%3A", ":") == format!("/users/u/deliveries/{name}") => BODY.to_owned(),
        _ => return None,
    })
}

/// What a check finds where all is moved, but for what `wrong` answers otherwise.
async fn found_moved(wrong: impl Fn(&Uri) -> Option<(u16, String)> + Clone + Send + Sync + 'static) -> Checked {
    let mut truth = Truth::default();
    truth.take_in(&acknowledged(BODY, 0, Called::Fetched)).unwrap();
    let mut reauth = acknowledged(REAUTH, 5, Called::Answered("r".to_owned()));
    reauth.trace_id = None;
    truth.take_in(&reauth).unwrap();
    let answer = move |uri: &Uri| {
        let right = || moved(uri).map_or((404, r#"{"error":"not_found"}"#.to_owned()), |body| (200, body));
        wrong(uri).unwrap_or_else(right)
    };
    checked(&truth, answer).await
}

#[tokio::test]
async fn records_are_looked_for_under_the_id_that_they_end_under() {
    let right = found_moved(|_| None).await;
    assert_eq!(right.differences, []);
    // Of the old id one body as any, and the same as one that was fetched.
    let counts = (right.moved, right.connections, right.records_read, right.deliveries_listed, right.bodies_compared);
    assert_eq!(counts, (1, 2, 2, 2, 3));
    let at = |wanted: &'static str, status: u16, body: String| {
        move |uri: &Uri| (uri.path() == wanted).then(|| (status, body.clone()))
    };
    let one = format!(r#"{{"records":[{SECOND}],"cursor":null}}"#);
    for (path, status, body, said) in [
        ("/users/u/records", 200, one.clone(), "moved"),
        ("/users/u/records", 404, String::new(), "an empty list had to be read"),
        ("/users/u/records/sleep/c", 200, SECOND.to_owned(), "still found under the old id"),
        ("/users/v/records", 200, one, "missing"),
        ("/users/u/deliveries", 200, r#"{"deliveries":[],"cursor":null}"#.to_owned(), "its ping was acknowledged"),
        ("/users/v/requests", 200, REQUESTS.to_owned(), "not of this user"),
        ("/users/u/requests", 404, String::new(), "missing"),
    ] {
        let checked = found_moved(at(path, status, body)).await;
        assert!(checked.differences.iter().any(|difference| difference.what.contains(said)), "{said}: {checked:?}");
    }
}
