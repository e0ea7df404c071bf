//! A service of AWS that answers in process: a connector for tests that keeps what it was asked.

use super::Clients;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::sync::{Arc, Mutex};

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What becomes of a request.
pub(crate) enum Answer {
    /// No answer, ever.
    Never,
    /// The beginning of a body, and then nothing.
    Stalled(&'static str),
    /// The connection breaks.
    Broken,
    /// An answer.
    Given(Box<http::Response<SdkBody>>),
}

/// An answer of this status, body and headers.
pub(crate) fn given(status: u16, body: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = headers
        .iter()
        .fold(http::Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
    Answer::Given(Box::new(answer.body(SdkBody::from(body)).unwrap()))
}

type Answers = dyn Fn(usize, &Seen) -> Answer + Send + Sync;

/// The service. The closure is told how many requests came before this one.
#[derive(Clone)]
pub(crate) struct FakeService {
    answers: Arc<Answers>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl fmt::Debug for FakeService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FakeService")
    }
}

impl FakeService {
    pub(crate) fn new(answers: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self { answers: Arc::new(answers), seen: Arc::default() }
    }

    /// What it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Clients whose calls come here, set up by keys, a region and these further variables.
    pub(crate) fn clients(&self, variables: &[(&str, &str)]) -> Clients {
        let all = [variables, &KEYS].concat();
        Clients::new(&lookup(&all), Some(SharedHttpConnector::new(self.clone()))).now_or_never().unwrap().unwrap()
    }
}

/// The variables that Lambda sets.
pub(crate) const KEYS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
    ("AWS_SECRET_ACCESS_KEY", "test-key"),
    ("AWS_SESSION_TOKEN", "test-token"),
    ("AWS_REGION", "eu-west-1"),
];

/// An environment of these variables; the first of a name counts.
pub(crate) fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + Send + Sync {
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    move |wanted| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
}

impl HttpConnector for FakeService {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.clone();
        HttpConnectorFuture::new(async move {
            let (head, body) = request.try_into_http1x().unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let (method, uri) = (head.method.to_string(), head.uri.to_string());
            let request = Seen { method, uri, headers: head.headers, body };
            let before = {
                let mut seen = service.seen.lock().unwrap();
                seen.push(request.clone());
                seen.len() - 1
            };
            let answer = match (service.answers)(before, &request) {
                Answer::Never => std::future::pending().await,
                Answer::Broken => return Err(ConnectorError::io("connection reset".into())),
                Answer::Stalled(beginning) => {
                    let body = Full::new(Bytes::from_static(beginning.as_bytes()));
                    http::Response::new(SdkBody::from_body_1_x(body.with_trailers(std::future::pending())))
                }
                Answer::Given(answer) => *answer,
            };
            Ok(answer.try_into().unwrap())
        })
    }
}
