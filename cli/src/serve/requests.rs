//! HTTP on this machine, in the shape that API Gateway gives it: the path decoded once, the body whole.

use crate::serve::faults::{Fault, Faults, TOO_LATE};
use crate::serve::laptop::Laptop;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header, request};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use terrace_ingest::Moment;
use terrace_runtime::http::{Answer, Request};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a body may take to come; a sender that stops half-way holds nothing for longer.
const BODY_WITHIN: Duration = Duration::from_secs(60);
/// How much of a body over the limit is read, so that the sender gets to read the answer.
const MAX_DRAINED: usize = 1_024 * 1_024 * 1_024;
/// How long the body of an order may be.
const MAX_ORDER: usize = 64 * 1_024;
/// How long requests under way may take to end once told to stop.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Who answers.
#[derive(Clone)]
pub struct Served {
    /// The handlers.
    pub laptop: Arc<Laptop>,
    /// What goes wrong with deliveries on purpose.
    pub faults: Faults,
}

/// Serves until `stop` ends, and then what is under way.
pub async fn serve(
    listener: TcpListener,
    served: Served,
    mut stopped: watch::Receiver<bool>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(served);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    let given_up = async {
        // Where the sender is gone, serving has ended by itself.
        drop(stopped.wait_for(|stopped| *stopped).await);
        tokio::time::sleep(END_WITHIN).await;
    };
    tokio::select! {
        served = async { serving.await } => served,
        () = given_up => Ok(()),
    }
}

async fn answer(State(served): State<Served>, request: axum::extract::Request) -> Response<Body> {
    let Served { laptop, faults } = served;
    let moment = Moment::now();
    let (head, body) = request.into_parts();
    let answer = match path_of(&head) {
        Ok(path) => {
            let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
            let request = Request { method: head.method, path, query, headers: head.headers, body: Bytes::new() };
            if request.path == "/webhook" {
                return delivery(&laptop, faults.next(), request, body, moment).await;
            } else if !asked_of_this_machine(&request) {
                Answer::error(
                    403,
                    "forbidden",
                    "data is read on this machine alone; ask 127.0.0.1 or localhost by name",
                )
            } else {
                question(&laptop, request, body).await
            }
        }
        Err(answer) => answer,
    };
    response(answer)
}

/// A delivery, and what goes wrong with it on purpose.
async fn delivery(
    laptop: &Laptop,
    fault: Option<Fault>,
    request: Request,
    body: Body,
    moment: Moment,
) -> Response<Body> {
    if fault == Some(Fault::Refused) {
        return response(Answer::error(503, "unavailable", "failed on purpose"));
    }
    let mut answer = response(webhook(laptop, request, body, moment).await);
    match fault {
        Some(Fault::Failed) => return response(Answer::error(500, "internal", "failed on purpose")),
        Some(Fault::Late) => tokio::time::sleep(TOO_LATE).await,
        Some(Fault::Lost) => {
            let broken = io::Error::other("failed on purpose");
            *answer.body_mut() = Body::from_stream(futures::stream::iter([Err::<Bytes, _>(broken)]));
        }
        Some(Fault::Refused) | None => {}
    }
    answer
}

/// Whether a question was addressed to this machine by a name of its own. Deliveries may come through a tunnel, and are
/// signed; questions are not, and a page in a browser can have any other name lead here.
fn asked_of_this_machine(request: &Request) -> bool {
    let Some(host) = request.header("host") else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// The path, decoded once. A name with a slash in it would read as two, perhaps another user's: it goes nowhere.
fn path_of(head: &request::Parts) -> Result<String, Answer> {
    let raw = head.uri.path();
    if raw.to_ascii_lowercase().contains("%2f") {
        return Err(Answer::error(400, "bad_request", "a path carries no slash within a name; write it as ?id="));
    }
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map(Into::into).map_err(|_| Answer::error(400, "bad_request", "the path is not UTF-8"))
}

async fn webhook(laptop: &Laptop, request: Request, body: Body, moment: Moment) -> Answer {
    match timeout(BODY_WITHIN, read(body, &request.headers, laptop.webhook.max_body_bytes())).await {
        Ok(Ok(Read::Whole(body))) => laptop.webhook.handle(&Request { body, ..request }).await,
        Ok(Ok(Read::TooLong(bytes))) => laptop.webhook.too_large(bytes, moment),
        Ok(Err(_)) => Answer::error(400, "bad_request", "the body broke off"),
        Err(_) => Answer::error(408, "timeout", "the body took too long to come"),
    }
}

/// A question, or an order, whose body says what is to be done.
async fn question(laptop: &Laptop, request: Request, body: Body) -> Answer {
    match timeout(BODY_WITHIN, read(body, &request.headers, MAX_ORDER)).await {
        Ok(Ok(Read::Whole(body))) => laptop.query.handle(&Request { body, ..request }).await,
        Ok(Ok(Read::TooLong(_))) => Answer::error(413, "too_large", "no order is as long as this body"),
        Ok(Err(_)) => Answer::error(400, "bad_request", "the body broke off"),
        Err(_) => Answer::error(408, "timeout", "the body took too long to come"),
    }
}

/// A body as it was read.
enum Read {
    /// All of it.
    Whole(Bytes),
    /// None of it was kept; so many bytes were read.
    TooLong(usize),
}

/// Reads a body to its end, and keeps it if it is not over the limit.
async fn read(mut body: Body, headers: &HeaderMap, limit: usize) -> Result<Read, axum::Error> {
    let claimed = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut kept = BytesMut::with_capacity(claimed.unwrap_or(0).min(limit));
    let mut bytes: usize = 0;
    while !body.is_end_stream() && bytes < MAX_DRAINED {
        let Some(frame) = body.frame().await else { break };
        let Ok(data) = frame?.into_data() else { continue };
        bytes += data.len();
        if bytes <= limit {
            kept.extend_from_slice(&data);
        } else {
            kept = BytesMut::new();
        }
    }
    Ok(if bytes <= limit { Read::Whole(kept.freeze()) } else { Read::TooLong(bytes) })
}

fn response(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, answer.content_type);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        let mut broken = Response::new(Body::empty());
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Method;
    use terrace_runtime::settings::IntakeSettings;
    use terrace_runtime::telemetry::Telemetry;
    use terrace_terra::SigningSecret;
    use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};

    #[test]
    fn questions_are_answered_under_this_machines_own_names_alone() {
        let asked = |host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            let path = "/users/u".to_owned();
            asked_of_this_machine(&Request {
                method: Method::GET,
                path,
                query: Vec::new(),
                headers,
                body: Bytes::new(),
            })
        };
        for own in ["127.0.0.1:8787", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8787", "[::1]"] {
            assert!(asked(own), "{own}");
        }
        for other in ["example.com", "example.com:8787", "127.0.0.1.example.com", "localhost.example.com:80", ""] {
            assert!(!asked(other), "{other}");
        }
    }

    #[tokio::test]
    async fn an_order_is_taken_with_its_body() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = vec![SigningSecret::new("secret").unwrap()];
        let fetcher = Fetcher::new(Hosts::default(), FetchLimits::default());
        let (intake, telemetry) = (IntakeSettings::default(), Telemetry::to(io::sink()));
        let laptop = Arc::new(Laptop::open(folder.path(), secrets, intake, fetcher, telemetry).await.unwrap());
        let served = Served { laptop, faults: Faults::new(0.0) };
        let order = |body: String| {
            let order = axum::extract::Request::builder().method(Method::POST).uri("/replays");
            answer(State(served.clone()), order.header(header::HOST, "localhost").body(Body::from(body)).unwrap())
        };
        let taken = order(r#"{"only":"all","dry_run":true}"#.to_owned()).await;
        assert_eq!(taken.status(), 202);
        let taken = taken.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&taken).contains(r#""asked":{"only":"all","dry_run":true}"#), "{taken:?}");
        assert_eq!(order(r#"{"only":"some"}"#.to_owned()).await.status(), 400);
        assert_eq!(order(format!("{{}}{}", " ".repeat(MAX_ORDER))).await.status(), 413);
    }
}
