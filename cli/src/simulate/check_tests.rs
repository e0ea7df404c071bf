use super::*;
use crate::simulate::truth::Acknowledged;
use axum::Router;
use axum::http::Uri;
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

/// What a server answers: the first page of records, the second, the connection, the deliveries, the body.
struct Answers {
    first: String,
    second: String,
    connection: String,
    deliveries: String,
    body: String,
}

impl Answers {
    fn right() -> Self {
        Self {
            first: format!(r#"{{"records":[{FIRST}],"cursor":"next"}}"#),
            second: format!(r#"{{"records":[{SECOND}],"cursor":null}}"#),
            connection: CONNECTION.to_owned(),
            deliveries: r#"{"deliveries":[{"delivery":"d"}],"cursor":null}"#.to_owned(),
            body: BODY.to_owned(),
        }
    }

    fn to(&self, uri: &Uri) -> String {
        match (uri.path(), uri.query().unwrap_or_default()) {
            ("/users/u/records", query) if query.contains("cursor=next") => self.second.clone(),
            ("/users/u/records", _) => self.first.clone(),
            ("/users/u", _) => self.connection.clone(),
            ("/users/u/deliveries", _) => self.deliveries.clone(),
            ("/users/u/deliveries/d", _) => self.body.clone(),
            other => panic!("nobody asks for {other:?}"),
        }
    }
}

/// What a check finds at a server that answers so.
async fn found(answers: Answers) -> Checked {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let answers = Arc::new(answers);
    let router = Router::new().fallback(move |uri: Uri| async move { answers.to(&uri) });
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut truth = Truth::default();
    let (body, delivery) = (Bytes::from(BODY), "d".to_owned());
    let delivered = Acknowledged { body, ordering_ms: Some(1_782_897_153_891), signed_at: 1_782_897_154, delivery };
    truth.take_in(&delivered).unwrap();
    let checked = check(&client, &truth, Instant::now(), &ProgressBar::hidden()).await.unwrap();
    server.abort();
    checked
}

#[tokio::test]
async fn what_is_as_it_has_to_be_has_no_difference() {
    let checked = found(Answers::right()).await;
    assert_eq!(checked.differences, []);
    let counts = (checked.records_expected, checked.records_read, checked.deliveries_listed, checked.bodies_compared);
    assert_eq!(counts, (2, 2, 1, 1));
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
    ] {
        let checked = found(answers).await;
        assert!(checked.differences.iter().any(|difference| difference.what.contains(said)), "{said}: {checked:?}");
    }
}
