//! DynamoDB's JSON protocol, answered in process.

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the requests would go. The name is reserved: nothing can be reached by it.
pub(super) const UNREACHABLE: &str = "http://dynamodb.invalid";

/// Names the operation: `DynamoDB_20120810.PutItem`.
const TARGET: &str = "x-amz-target";

/// The operation a request is for, empty where it names none.
pub(super) fn operation(request: &HttpRequest) -> &str {
    request.headers().get(TARGET).and_then(|target| target.rsplit('.').next()).unwrap_or_default()
}

/// Answers requests from a database.
pub(super) struct Answerer {
    database: Database,
    answered: Arc<AtomicU64>,
}

impl fmt::Debug for Answerer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answerer").finish_non_exhaustive()
    }
}

impl Answerer {
    pub(super) fn new(database: Database) -> Self {
        Self { database, answered: Arc::default() }
    }
}

impl HttpConnector for Answerer {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(body) = request.body().bytes().map(<[u8]>::to_vec) else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("a streamed body cannot be answered".into())));
        };
        let operation = operation(&request).to_owned();
        let (database, number) = (self.database.clone(), self.answered.fetch_add(1, Ordering::Relaxed));
        HttpConnectorFuture::new(async move {
            // Dropping the call does not undo it: like a request on the wire, it is carried out all the same.
            let answered = tokio::task::spawn_blocking(move || answer(&database, &operation, &body)).await;
            let Answer { status, kind, body } = answered.unwrap_or_else(|_| {
                // The engine panicked. What it said may quote the item.
                Answer::failure(500, "InternalServerError", "the engine failed")
            });
            response(status, &format!("local-{number}"), kind, body)
        })
    }
}

/// A response in DynamoDB's form. There is no `x-amz-crc32`: the SDK does not look at it.
pub(super) fn response(
    status: u16,
    request_id: &str,
    error_type: Option<String>,
    body: Vec<u8>,
) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
    let mut response = Response::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response.headers_mut().insert("x-amzn-requestid", request_id.to_owned());
    if let Some(error_type) = error_type {
        response.headers_mut().insert("x-amzn-errortype", error_type);
    }
    Ok(response)
}

/// What goes back over the wire.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The error's type, none when there is no error.
    pub(super) kind: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// An error that DynamoDB's front answers with, or that is put in its mouth.
    pub(super) fn failure(status: u16, kind: &str, message: &str) -> Self {
        let kind = format!("com.amazon.coral.service#{kind}");
        let body = serde_json::json!({ "__type": kind, "message": message }).to_string().into_bytes();
        Self { status, kind: Some(kind), body }
    }
}

fn answer(database: &Database, operation: &str, body: &[u8]) -> Answer {
    match perform(database, operation, body) {
        Some(Ok(body)) => Answer { status: 200, kind: None, body },
        Some(Err(error)) => Answer {
            status: error.status_code(),
            kind: Some(error.error_type().to_owned()),
            body: error.to_json().into_bytes(),
        },
        None => Answer::failure(400, "UnknownOperationException", "this operation is not answered locally"),
    }
}

/// The operations that anything here uses; none for others.
fn perform(database: &Database, operation: &str, body: &[u8]) -> Option<dynoxide::Result<Vec<u8>>> {
    let result = match operation {
        "GetItem" => through(body, |request| database.get_item(request)),
        "PutItem" => through(body, |request| database.put_item(request)),
        "UpdateItem" => through(body, |request| database.update_item(request)),
        "DeleteItem" => through(body, |request| database.delete_item(request)),
        "Query" => through(body, |request| database.query(request)),
        "Scan" => through(body, |request| database.scan(request)),
        "BatchGetItem" => through(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => through(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => through(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => through(body, |request| database.transact_write_items(request)),
        "CreateTable" => through(body, |request| database.create_table(request)),
        "DeleteTable" => through(body, |request| database.delete_table(request)),
        "DescribeTable" => through(body, |request| database.describe_table(request)),
        "ListTables" => through(body, |request| database.list_tables(request)),
        "UpdateTimeToLive" => through(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => through(body, |request| database.describe_time_to_live(request)),
        _ => return None,
    };
    Some(result)
}

fn through<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    call: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> dynoxide::Result<Vec<u8>> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let response = call(request)?;
    serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error for a request that is not one. The engine checks much of a request while it reads it, and marks in the
/// text which of DynamoDB's two errors is meant.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    const OF_VALUES: [&str; 5] =
        ["missing field", "unknown variant", "invalid type: null", "AttributeValue", "VALIDATION"];
    let text = error.to_string();
    if OF_VALUES.iter().any(|sign| text.contains(sign)) {
        let message = text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let marked = ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"];
        let message = marked.iter().find_map(|mark| message.strip_prefix(mark)).unwrap_or(message);
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException("the request could not be read".to_owned())
    }
}
