//! DynamoDB's JSON protocol, answered by an engine in memory, with every call and every unit counted.
//!
//! The units are the engine's own reckoning: each call is passed on with `ReturnConsumedCapacity` set, and what the
//! engine says was consumed, indexes included, is added up.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What was asked of the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Calls by operation.
    pub calls: BTreeMap<String, u64>,
    /// Write units, those of indexes included.
    pub write_units: f64,
    /// Read units, those of indexes included.
    pub read_units: f64,
    /// Calls that were answered with an error, failed conditions among them.
    pub errors: u64,
}

/// A table of one's own.
pub struct Dynamo {
    engine: Database,
    counts: Mutex<Counts>,
}

/// An answer in DynamoDB's form.
pub struct DynamoAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON.
    pub body: Vec<u8>,
}

impl Dynamo {
    /// An empty DynamoDB.
    ///
    /// # Errors
    ///
    /// When the engine cannot be made.
    pub fn in_memory() -> dynoxide::Result<Self> {
        Ok(Self { engine: Database::memory()?, counts: Mutex::default() })
    }

    /// What was asked since the last time this was called.
    pub fn take_counts(&self) -> Counts {
        self.counts.lock().map(|mut counts| std::mem::take(&mut *counts)).unwrap_or_default()
    }

    /// Carries one call out. Blocks.
    pub fn answer(&self, operation: &str, body: &[u8]) -> DynamoAnswer {
        let answered = self.perform(operation, body);
        if let Ok(mut counts) = self.counts.lock() {
            *counts.calls.entry(operation.to_owned()).or_default() += 1;
            match &answered {
                Ok(answer) if WRITES.contains(&operation) => counts.write_units += units_of(answer),
                Ok(answer) => counts.read_units += units_of(answer),
                Err(_) => counts.errors += 1,
            }
        }
        match answered {
            Ok(body) => DynamoAnswer { status: 200, body: body.to_string().into_bytes() },
            Err(error) => DynamoAnswer { status: error.status_code(), body: error.to_json().into_bytes() },
        }
    }

    fn perform(&self, operation: &str, body: &[u8]) -> dynoxide::Result<Value> {
        let mut request: Map<String, Value> = serde_json::from_slice(body).map_err(unreadable)?;
        let engine = &self.engine;
        if WRITES.contains(&operation) || READS.contains(&operation) {
            request.insert("ReturnConsumedCapacity".to_owned(), Value::from("TOTAL"));
        }
        match operation {
            "PutItem" => through(request, |request| engine.put_item(request)),
            "UpdateItem" => through(request, |request| engine.update_item(request)),
            "DeleteItem" => through(request, |request| engine.delete_item(request)),
            "BatchWriteItem" => through(request, |request| engine.batch_write_item(request)),
            "TransactWriteItems" => through(request, |request| engine.transact_write_items(request)),
            "GetItem" => through(request, |request| engine.get_item(request)),
            "BatchGetItem" => through(request, |request| engine.batch_get_item(request)),
            "Query" => through(request, |request| engine.query(request)),
            "CreateTable" => through(request, |request| engine.create_table(request)),
            "UpdateTimeToLive" => through(request, |request| engine.update_time_to_live(request)),
            _ => Err(DynoxideError::ValidationException(format!("{operation} is not answered here"))),
        }
    }
}

/// The operations that consume write units.
const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];

/// Those that consume read units.
const READS: [&str; 3] = ["GetItem", "BatchGetItem", "Query"];

fn through<Request: DeserializeOwned, Response: Serialize>(
    request: Map<String, Value>,
    call: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> dynoxide::Result<Value> {
    let request = serde_json::from_value(Value::Object(request)).map_err(unreadable)?;
    serde_json::to_value(call(request)?).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn unreadable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::SerializationException(error.to_string())
}

/// The units an answer says were consumed: of one table, or of a list of them.
fn units_of(answer: &Value) -> f64 {
    let of = |capacity: &Value| capacity.get("CapacityUnits").and_then(Value::as_f64).unwrap_or(0.0);
    match answer.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => tables.iter().map(of).sum(),
        Some(table) => of(table),
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_as_dynamodb_charges_them() {
        let dynamo = Dynamo::in_memory().unwrap();
        let table = r#"{"TableName":"table","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}]}"#;
        assert_eq!(dynamo.answer("CreateTable", table.as_bytes()).status, 200);
        dynamo.take_counts();
        let put = |bytes: usize| format!(r#"{{"TableName":"table","Item":{{"k":{{"S":"{}"}}}}}}"#, "x".repeat(bytes));
        assert_eq!(dynamo.answer("PutItem", put(1_000).as_bytes()).status, 200);
        assert_eq!(dynamo.answer("PutItem", put(1_500).as_bytes()).status, 200);
        assert_eq!(dynamo.answer("GetItem", br#"{"TableName":"table","Key":{"k":{"S":"x"}}}"#).status, 200);
        assert_eq!(dynamo.answer("PutItem", br#"{"TableName":"none","Item":{}}"#).status, 400);
        let counts = dynamo.take_counts();
        assert_eq!((counts.write_units, counts.read_units, counts.errors), (3.0, 0.5, 1));
        assert_eq!((counts.calls["PutItem"], counts.calls["GetItem"]), (3, 1));
        assert_eq!(dynamo.take_counts(), Counts::default());
    }
}
