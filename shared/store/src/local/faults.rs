//! Failures put between the SDK and what answers it, for tests of what a crash or an outage leaves behind.
//!
//! Each attempt is a call and has a number, so a test can count the calls of a run without faults and then repeat the
//! run once for each of them: before the call, when nothing is written, and after it, when it is written and the
//! caller never learns.

use super::answer::{Answer, operation, response};
use super::database::client_over;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The service fails: 500 `InternalServerError`.
    Internal,
    /// The service has too much to do: 400 `ThrottlingException`.
    Throttled,
    /// No answer ever comes. The caller waits until its own timeout.
    NoAnswer,
    /// The connection breaks.
    Connection,
    /// The process ends at once, as by `kill -9`.
    Abort,
}

/// Chooses the fault of a call by its operation (`UpdateItem`) and its number, the first being 1.
type Plan = Arc<dyn Fn(&str, usize) -> Fault + Send + Sync>;

/// An HTTP client whose calls are counted, and fail as planned. Clones share the plan and the count.
#[derive(Clone)]
pub struct Watched {
    inner: SharedHttpClient,
    before: Plan,
    after: Plan,
    calls: Arc<AtomicUsize>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watched").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl Watched {
    /// Calls through this client, without any fault yet.
    pub fn new(inner: SharedHttpClient) -> Self {
        let none: Plan = Arc::new(|_, _| Fault::None);
        Self { inner, before: none.clone(), after: none, calls: Arc::default() }
    }

    /// Counts calls together with others, so that one sequence runs through several clients.
    #[must_use]
    pub fn counting(mut self, calls: Arc<AtomicUsize>) -> Self {
        self.calls = calls;
        self
    }

    /// Faults that come before the call is made: it has no effect.
    #[must_use]
    pub fn before(mut self, plan: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> Self {
        self.before = Arc::new(plan);
        self
    }

    /// Faults that come in place of the answer: the call had its effect, durably, and the caller does not know.
    #[must_use]
    pub fn after(mut self, plan: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> Self {
        self.after = Arc::new(plan);
        self
    }

    /// How many calls there were, attempts that were repeated counted each time.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// This as an HTTP client for any SDK.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// A DynamoDB client whose calls go through here, as [`client_over`] makes it.
    pub fn client(&self) -> Client {
        client_over(self.http_client())
    }
}

impl HttpClient for Watched {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(WatchedConnector { inner, watched: self.clone() })
    }
}

#[derive(Debug)]
struct WatchedConnector {
    inner: SharedHttpConnector,
    watched: Watched,
}

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = self.watched.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let (inner, watched) = (self.inner.clone(), self.watched.clone());
        HttpConnectorFuture::new(async move {
            let operation = operation(&request).to_owned();
            if let Some(failed) = happen((watched.before)(&operation, number)).await {
                return failed;
            }
            let answered = inner.call(request).await;
            match happen((watched.after)(&operation, number)).await {
                Some(failed) => failed,
                None => answered,
            }
        })
    }
}

/// What the caller gets in place of an answer; none without a fault.
async fn happen(fault: Fault) -> Option<Result<HttpResponse, ConnectorError>> {
    let failure = match fault {
        Fault::None => return None,
        Fault::Internal => Answer::failure(500, "InternalServerError", "a fault of the test"),
        Fault::Throttled => Answer::failure(400, "ThrottlingException", "a fault of the test"),
        Fault::NoAnswer => std::future::pending().await,
        Fault::Connection => return Some(Err(ConnectorError::io("the connection was reset".into()))),
        Fault::Abort => std::process::abort(),
    };
    Some(response(failure.status, "fault", failure.kind, failure.body))
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
