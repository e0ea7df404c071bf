//! The handler.

use crate::connections;
use crate::deliveries;
use crate::diagnosis;
use crate::diagnosis::case::RefusalsKnown;
use crate::diagnosis::gather::Gather;
use crate::diagnosis::witness::{NotConfigured, Witness};
use crate::error::{Damage, QueryError};
use crate::large::LargeAnswers;
use crate::nearby::Whose;
use crate::openapi;
use crate::orders::Orders;
use crate::parameters::{self, ListQuestion, RecordsQuestion};
use crate::records::Records;
use crate::requests;
use crate::route::Route;
use http::Method;
use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use terrace_runtime::http::{Answer, Request};
use terrace_runtime::telemetry::Telemetry;
use terrace_store::queue::{JobQueue, Subject};
use terrace_store::{Log, Table};
use utoipa::ToSchema;

/// What answers questions.
#[derive(Debug)]
pub struct Query {
    table: Table,
    log: Log,
    queue: Arc<dyn JobQueue>,
    large: LargeAnswers,
    telemetry: Arc<Telemetry>,
    witness: Arc<dyn Witness>,
    beside_webhook: bool,
}

/// Whether this runs, and which of its versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// Of the release.
    version: &'static str,
}

impl Query {
    /// Answers from this table and this log, and hands orders to this queue.
    pub fn new(
        table: Table,
        log: Log,
        queue: Arc<dyn JobQueue>,
        large: LargeAnswers,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { table, log, queue, large, telemetry, witness: Arc::new(NotConfigured), beside_webhook: false }
    }

    /// The same, with somebody who can ask Terra.
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = witness;
        self
    }

    /// The same, where the webhook runs in this process and writes its lines to the same telemetry, which then knows
    /// what was refused.
    #[must_use]
    pub fn beside_webhook(mut self) -> Self {
        self.beside_webhook = true;
        self
    }

    fn gather(&self, now: u64) -> Gather<'_> {
        let refusals = match self.beside_webhook {
            true => RefusalsKnown::Here(self.telemetry.refusals()),
            false => RefusalsKnown::ByMetric,
        };
        Gather { table: &self.table, log: &self.log, witness: self.witness.as_ref(), refusals, now }
    }

    fn orders(&self) -> Orders<'_> {
        Orders { table: &self.table, queue: self.queue.as_ref() }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request) -> Answer {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.handle_at(request, u64::try_from(since.as_millis()).unwrap_or(u64::MAX)).await
    }

    /// Answers one request as of a moment, in milliseconds since 1970.
    pub async fn handle_at(&self, request: &Request, now_ms: u64) -> Answer {
        let Some(route) = Route::read(&request.path) else { return Answer::no_such_path() };
        let answered = match (&route, &request.method) {
            (Route::Replays, &Method::POST) => self.orders().replay(&request.body, &request.query).await,
            (Route::Connection(user), &Method::DELETE) => {
                self.orders().erase(Subject::User(user.as_str().to_owned()), &request.query).await
            }
            (Route::Reference(reference), &Method::DELETE) => {
                self.orders().erase(Subject::Reference(reference.as_str().to_owned()), &request.query).await
            }
            (Route::Replays, _) => return Answer::method_not_allowed(route.methods()),
            (_, &(Method::GET | Method::HEAD)) => self.answer(route, request, now_ms).await,
            _ => return Answer::method_not_allowed(route.methods()),
        };
        let answered = match answered {
            Ok(answer) => self.large.let_out(&self.log, answer).await.map_err(QueryError::from),
            Err(error) => Err(error),
        };
        private(answered.unwrap_or_else(|error| {
            if let QueryError::Store(error) | QueryError::Damaged(Damage { error, .. }) = &error {
                self.telemetry.failure("answer a question", error);
            }
            error.answer()
        }))
    }

    fn records<'a>(&'a self, request: &'a Request) -> Records<'a> {
        let known = request.header("if-none-match");
        Records { table: &self.table, log: &self.log, known, telemetry: &self.telemetry }
    }

    /// The answer that is a list; that some of its entries cannot be read is said in a line.
    fn list<T: Serialize>(&self, doing: &'static str, list: &T, damaged: usize) -> Answer {
        if damaged > 0 {
            self.telemetry.failure(doing, &format_args!("{damaged} of a page cannot be read"));
        }
        Answer::json(200, list)
    }

    async fn answer(&self, route: Route<'_>, request: &Request, now_ms: u64) -> Result<Answer, QueryError> {
        let query = request.query.as_slice();
        let records = self.records(request);
        match route {
            Route::Health => Ok(Answer::json(200, &Health { status: "ok", version: env!("CARGO_PKG_VERSION") })),
            Route::OpenApi => {
                parameters::none(query)?;
                Ok(Answer::json(200, &openapi::document()))
            }
            Route::Users => {
                let asked = ListQuestion::of_connections(query)?;
                let users = connections::all(&self.table, &asked).await?;
                Ok(self.list("list connections", &users, users.damaged))
            }
            Route::Connection(user) => {
                parameters::none(query)?;
                Ok(Answer::json(200, &connections::connection(&self.table, &user).await?))
            }
            Route::Records(user) => {
                let asked = RecordsQuestion::read(query)?;
                records.list(&Whose::User(user), &asked).await
            }
            Route::Record(user, name, id) => {
                parameters::none(query)?;
                records.one(&Whose::User(user), name, &id).await
            }
            Route::Requests(user) => {
                parameters::none(query)?;
                Ok(Answer::json(200, &requests::list(&self.table, &user).await?))
            }
            Route::Diagnosis(user) => diagnosis::of_user(&self.gather(now_ms), &user, parameters::missed(query)?).await,
            Route::Job(id) => {
                parameters::none(query)?;
                self.orders().job(id).await
            }
            // Only posted to.
            Route::Replays => Ok(Answer::method_not_allowed(route.methods())),
            Route::Deliveries(user) => {
                let asked = ListQuestion::of_deliveries(query)?;
                let deliveries = deliveries::list(&self.table, &self.log, &user, &asked).await?;
                Ok(self.list("list deliveries", &deliveries, deliveries.damaged))
            }
            Route::Delivery(user, name) => {
                parameters::none(query)?;
                let body = deliveries::body(&self.table, &self.log, &user, name).await?;
                // What was signed may be anything; a browser must not take it for a page.
                let answer = Answer::bytes(200, "application/octet-stream", body);
                Ok(answer.with("x-content-type-options", "nosniff"))
            }
            Route::Reference(_)
            | Route::ReferenceDiagnosis(_)
            | Route::ReferenceRecords(_)
            | Route::ReferenceRecord(..) => self.answer_of_reference(route, request, now_ms).await,
        }
    }

    /// Answers what is asked of an end user, by the customer's name for them.
    async fn answer_of_reference(
        &self,
        route: Route<'_>,
        request: &Request,
        now_ms: u64,
    ) -> Result<Answer, QueryError> {
        let query = request.query.as_slice();
        let records = self.records(request);
        match route {
            Route::Reference(reference) => {
                let asked = ListQuestion::of_connections(query)?;
                let connections = connections::of_reference(&self.table, &reference, &asked).await?;
                Ok(self.list("list connections", &connections, connections.damaged))
            }
            Route::ReferenceRecords(reference) => {
                let asked = RecordsQuestion::read(query)?;
                records.list(&Whose::Reference(reference), &asked).await
            }
            Route::ReferenceRecord(reference, name, id) => {
                parameters::none(query)?;
                records.one(&Whose::Reference(reference), name, &id).await
            }
            Route::ReferenceDiagnosis(reference) => {
                diagnosis::of_reference(&self.gather(now_ms), &reference, parameters::missed(query)?).await
            }
            other => Ok(Answer::method_not_allowed(other.methods())),
        }
    }
}

/// Health data is kept by nobody on the way, and by a browser only where the answer says how it is asked again.
fn private(answer: Answer) -> Answer {
    let says = answer.headers.iter().any(|(name, _)| *name == "cache-control");
    if says { answer } else { answer.with("cache-control", "private, no-store") }
}
