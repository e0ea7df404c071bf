//! The AWS of the benchmark: one HTTP server on the loopback that answers for DynamoDB, S3 and SQS.
//!
//! It runs on threads of the bench itself. That takes nothing from the figures of a receiver, whose CPU and memory are
//! read from its own process.

use crate::dynamo::{Counts, Dynamo};
use crate::error::{BenchError, Doing};
use crate::objects::Objects;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::serve::ListenerExt;
use bytes::Bytes;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrace_store::clients::Clients;
use terrace_store::schema;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The table's name.
pub const TABLE: &str = "terrace";
/// The bucket's name.
pub const BUCKET: &str = "terrace-log";

/// Serves a router on a free port of the loopback until the task is aborted.
///
/// # Errors
///
/// When there is no port.
pub async fn serve(router: Router) -> Result<(SocketAddr, JoinHandle<()>), BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing("listen on the loopback")?;
    let address = listener.local_addr().doing("listen on the loopback")?;
    // Without this a small answer waits for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let task = tokio::spawn(async move {
        // `serve` ends only with its task.
        drop(axum::serve(listener, router).await);
    });
    Ok((address, task))
}

/// How quickly calls are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    #[default]
    AtOnce,
    /// So long after they came.
    Late(Duration),
    /// Not at all.
    Never,
}

/// The endpoints, and what was asked of them.
pub struct Endpoints {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    dynamo: Dynamo,
    objects: Objects,
    pace: Mutex<Pace>,
}

impl Endpoints {
    /// Starts the server and makes the table, as Terrace's own code makes it.
    ///
    /// # Errors
    ///
    /// When there is no port or the table is refused.
    pub async fn start() -> Result<Self, BenchError> {
        let dynamo = Dynamo::in_memory().map_err(|error| BenchError::NoFigure(format!("no DynamoDB: {error}")))?;
        let shared = Arc::new(Shared { dynamo, objects: Objects::default(), pace: Mutex::default() });
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&shared));
        let (address, _task) = serve(router).await?;
        let endpoints = Self { address, shared };
        schema::create_table(&endpoints.clients().await?.dynamodb(), TABLE).await?;
        endpoints.take();
        Ok(endpoints)
    }

    /// Clients that are led here.
    ///
    /// # Errors
    ///
    /// None that can happen: the environment names a region.
    pub async fn clients(&self) -> Result<Clients, BenchError> {
        let environment = self.environment();
        let find =
            move |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        Ok(Clients::new(&find, None).await?)
    }

    /// The variables that lead a receiver here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let url = format!("http://{}", self.address);
        vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDBENCH".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "opens-nothing".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", url.clone()),
            ("AWS_ENDPOINT_URL_S3", url.clone()),
            ("AWS_ENDPOINT_URL_SQS", url.clone()),
            ("TERRACE_TABLE", TABLE.to_owned()),
            ("TERRACE_BUCKET", BUCKET.to_owned()),
            ("TERRACE_QUEUE_URL", format!("{url}/123456789012/terrace-jobs")),
            ("TERRACE_PING_QUEUE_URL", format!("{url}/123456789012/terrace-pings")),
        ]
    }

    /// What was asked since the last time: of the table, and how many objects were put.
    pub fn take(&self) -> (Counts, u64) {
        (self.shared.dynamo.take_counts(), self.shared.objects.take_puts())
    }

    /// Keeps the objects that are put from now on.
    pub fn keep_objects(&self) {
        self.shared.objects.keep();
    }

    /// The object of this key, where it was kept.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.shared.objects.get(&format!("/{BUCKET}/{key}"))
    }

    /// How quickly calls are answered from now on.
    pub fn set_pace(&self, pace: Pace) {
        if let Ok(mut now) = self.shared.pace.lock() {
            *now = pace;
        }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let pace = shared.pace.lock().map(|pace| *pace).unwrap_or_default();
    match pace {
        Pace::AtOnce => {}
        Pace::Late(by) => tokio::time::sleep(by).await,
        Pace::Never => return pending().await,
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match (method, target.split_once('.')) {
        (Method::POST, Some((service, operation))) if service.starts_with("DynamoDB") => {
            let operation = operation.to_owned();
            let answered = tokio::task::spawn_blocking(move || shared.dynamo.answer(&operation, &body)).await;
            let Ok(answer) = answered else { return plain(StatusCode::INTERNAL_SERVER_ERROR) };
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = plain(status);
            *response.body_mut() = Body::from(answer.body);
            response.headers_mut().insert("content-type", CONTENT_TYPE);
            response
        }
        (Method::PUT, None) => {
            let mut response = plain(StatusCode::OK);
            if let Ok(tag) = shared.objects.put(uri.path(), body).parse() {
                response.headers_mut().insert("etag", tag);
            }
            response
        }
        // No delivery of the benchmark needs a job, so a call to the queue is a fault to be seen.
        (_, Some(_)) => plain(StatusCode::INTERNAL_SERVER_ERROR),
        _ => plain(StatusCode::NOT_FOUND),
    }
}

const CONTENT_TYPE: axum::http::HeaderValue = axum::http::HeaderValue::from_static("application/x-amz-json-1.0");

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
