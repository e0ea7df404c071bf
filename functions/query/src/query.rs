//! The handler.

use crate::connections;
use crate::deliveries;
use crate::error::QueryError;
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
        Self { table, log, queue, large, telemetry }
    }

    fn orders(&self) -> Orders<'_> {
        Orders { table: &self.table, queue: self.queue.as_ref() }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request) -> Answer {
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
            (_, &(Method::GET | Method::HEAD)) => self.answer(route, request).await,
            _ => return Answer::method_not_allowed(route.methods()),
        };
        let answered = match answered {
            Ok(answer) => self.large.let_out(&self.log, answer).await.map_err(QueryError::from),
            Err(error) => Err(error),
        };
        private(answered.unwrap_or_else(|error| {
            if let QueryError::Store(error) = &error {
                self.telemetry.failure("answer a question", error);
            }
            error.answer()
        }))
    }

    async fn answer(&self, route: Route<'_>, request: &Request) -> Result<Answer, QueryError> {
        let query = request.query.as_slice();
        let records = Records { table: &self.table, log: &self.log, known: request.header("if-none-match") };
        match route {
            Route::Health => Ok(Answer::json(200, &Health { status: "ok", version: env!("CARGO_PKG_VERSION") })),
            Route::OpenApi => {
                parameters::none(query)?;
                Ok(Answer::json(200, &openapi::document()))
            }
            Route::Users => {
                let asked = ListQuestion::of_connections(query)?;
                Ok(Answer::json(200, &connections::all(&self.table, &asked).await?))
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
            Route::Job(id) => {
                parameters::none(query)?;
                self.orders().job(id).await
            }
            // Only posted to.
            Route::Replays => Ok(Answer::method_not_allowed(route.methods())),
            Route::Deliveries(user) => {
                let asked = ListQuestion::of_deliveries(query)?;
                Ok(Answer::json(200, &deliveries::list(&self.table, &self.log, &user, &asked).await?))
            }
            Route::Delivery(user, name) => {
                parameters::none(query)?;
                let body = deliveries::body(&self.table, &self.log, &user, name).await?;
                // What was signed may be anything; a browser must not take it for a page.
                let answer = Answer::bytes(200, "application/octet-stream", body);
                Ok(answer.with("x-content-type-options", "nosniff"))
            }
            Route::Reference(reference) => {
                let asked = ListQuestion::of_connections(query)?;
                Ok(Answer::json(200, &connections::of_reference(&self.table, &reference, &asked).await?))
            }
            Route::ReferenceRecords(reference) => {
                let asked = RecordsQuestion::read(query)?;
                records.list(&Whose::Reference(reference), &asked).await
            }
            Route::ReferenceRecord(reference, name, id) => {
                parameters::none(query)?;
                records.one(&Whose::Reference(reference), name, &id).await
            }
        }
    }
}

/// Health data is kept by nobody on the way, and by a browser only where the answer says how it is asked again.
fn private(answer: Answer) -> Answer {
    let says = answer.headers.iter().any(|(name, _)| *name == "cache-control");
    if says { answer } else { answer.with("cache-control", "private, no-store") }
}
