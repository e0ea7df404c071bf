//! The Lambda Runtime API, for one function: hands out invocations, one at a time, and takes their answers.

use crate::endpoints;
use crate::error::BenchError;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How long a function has for one invocation, as it is told: as long as Lambda ever gives.
const DEADLINE_MS: u64 = 900_000;

/// What an invocation came to.
pub type Answered = Result<Bytes, String>;

struct Invocation {
    id: String,
    event: String,
    answer: oneshot::Sender<(Instant, Answered)>,
}

/// How far a function is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// How often it asked for an invocation.
    pub polls: u64,
    /// When it asked for the first time.
    pub first_poll: Option<Instant>,
    /// Why it could not start.
    pub failed: Option<String>,
}

type Waiting = Mutex<HashMap<String, oneshot::Sender<(Instant, Answered)>>>;

struct Shared {
    invocations: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    waiting: Waiting,
    progress: watch::Sender<Progress>,
}

/// One function's Runtime API. It ends when dropped.
pub struct RuntimeApi {
    address: SocketAddr,
    sender: mpsc::UnboundedSender<Invocation>,
    progress: watch::Receiver<Progress>,
    number: u64,
    task: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RuntimeApi {
    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// When there is no port.
    pub async fn start() -> Result<Self, BenchError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (progress, watched) = watch::channel(Progress::default());
        let invocations = tokio::sync::Mutex::new(receiver);
        let shared = Arc::new(Shared { invocations, waiting: Mutex::default(), progress });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let (address, task) = endpoints::serve(router).await?;
        Ok(Self { address, sender, progress: watched, number: 0, task })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// How far the function is, to be waited on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// How many invocations there were.
    pub fn invocations(&self) -> u64 {
        self.number
    }

    /// Hands an event over. What comes of it arrives with the instant it came.
    pub fn invoke(&mut self, event: String) -> oneshot::Receiver<(Instant, Answered)> {
        let (answer, answered) = oneshot::channel();
        self.number += 1;
        let id = format!("00000000-0000-4000-9000-{:012x}", self.number);
        // Were the server gone, the sender would be dropped here, which the receiver is told.
        drop(self.sender.send(Invocation { id, event, answer }));
        answered
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.progress.send_modify(|progress| {
        progress.polls += 1;
        progress.first_poll.get_or_insert_with(Instant::now);
    });
    let Some(invocation) = shared.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let Invocation { id, event, answer } = invocation;
    if let Ok(mut waiting) = shared.waiting.lock() {
        waiting.insert(id.clone(), answer);
    }
    let deadline = crate::event::now_ms() + DEADLINE_MS;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
    ];
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    settle(&shared, &id, Ok(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    settle(&shared, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

async fn init_error(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let kind = headers.get("lambda-runtime-function-error-type").and_then(|kind| kind.to_str().ok());
    let failed = format!("{} {}", kind.unwrap_or_default(), String::from_utf8_lossy(&body));
    shared.progress.send_modify(|progress| progress.failed = Some(failed));
    StatusCode::ACCEPTED
}

fn settle(shared: &Shared, id: &str, answered: Answered) -> StatusCode {
    let now = Instant::now();
    let waiting = shared.waiting.lock().ok().and_then(|mut waiting| waiting.remove(id));
    // Nobody may be waiting any more.
    match waiting.map(|answer| answer.send((now, answered))) {
        Some(_) => StatusCode::ACCEPTED,
        None => StatusCode::BAD_REQUEST,
    }
}
