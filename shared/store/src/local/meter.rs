//! What is asked of AWS, counted as AWS charges it, while code runs against the store on one machine.
//!
//! The units are the engine's own reckoning: each call is passed on with `ReturnConsumedCapacity` set, and what the
//! engine says was consumed, indexes included, is added up. A write whose condition fails is charged too, by the
//! larger of the item that is there and the one that would have been; the engine does not say how much, so it is
//! reckoned here from the item that came back, or else from the one that was sent.

use super::answer::operation;
use super::database::{Database, client_over};
use super::item_size::{bytes_of, units_of_write};
use super::metered_objects::MeteredObjects;
use crate::objects::{Backend, Objects};
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use object_store::memory::InMemory;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// What was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Asked {
    /// Calls to the table.
    pub calls: u64,
    /// Write units, those of indexes and of refused writes included.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
    /// Objects put.
    pub puts: u64,
    /// Their bytes.
    pub put_bytes: u64,
    /// Objects read, wholly or in part.
    pub gets: u64,
}

/// Counts. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Asked>>);

impl Meter {
    /// What was asked since the last time this was called.
    pub fn take(&self) -> Asked {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A client of this database whose calls are counted.
    pub fn client(&self, database: &Database) -> Client {
        client_over(self.http_client(database.http_client()))
    }

    /// Objects in memory, which are counted.
    pub fn objects(&self) -> Objects {
        let store = Arc::new(MeteredObjects::new(InMemory::new(), self.clone()));
        Objects::new(move || {
            Ok(Backend { store: store.clone(), signer: None, keeps_metadata: true, lists_in_order: true })
        })
    }

    pub(super) fn count(&self, what: impl FnOnce(&mut Asked)) {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn http_client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let meter = self.clone();
        http_client_fn(move |settings: &HttpConnectorSettings, components: &RuntimeComponents| {
            use aws_smithy_runtime_api::client::http::HttpClient;
            let inner = inner.http_connector(settings, components);
            SharedHttpConnector::new(MeteredConnector { inner, meter: meter.clone() })
        })
    }
}

#[derive(Debug)]
struct MeteredConnector {
    inner: SharedHttpConnector,
    meter: Meter,
}

impl HttpConnector for MeteredConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let writes = match operation(&request) {
            "PutItem" | "UpdateItem" | "DeleteItem" => true,
            "GetItem" | "BatchGetItem" | "Query" | "Scan" => false,
            // The table is made and described for nothing.
            _ => return self.inner.call(request),
        };
        let sent = request.body().bytes().and_then(|body| serde_json::from_slice::<Map<String, Value>>(body).ok());
        let sent_item = sent.as_ref().and_then(|sent| sent.get("Item")).map_or(0, bytes_of);
        if let Some(mut asking) = sent {
            asking.insert("ReturnConsumedCapacity".to_owned(), Value::from("TOTAL"));
            *request.body_mut() = SdkBody::from(Value::Object(asking).to_string());
        }
        let (inner, meter) = (self.inner.clone(), self.meter.clone());
        HttpConnectorFuture::new(async move {
            let answered = inner.call(request).await?;
            let body = answered.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
            let body = body.unwrap_or_default();
            let units = match answered.status().is_success() {
                true => consumed(&body),
                false => units_of_write(body.get("Item").map_or(0, bytes_of).max(sent_item)),
            };
            meter.count(|asked| {
                asked.calls += 1;
                *(if writes { &mut asked.write_units } else { &mut asked.read_units }) += units;
            });
            Ok(answered)
        })
    }
}

/// The units an answer says were consumed: of one table, or of a list of them.
fn consumed(answer: &Value) -> f64 {
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
    use crate::schema::create_table;
    use aws_sdk_dynamodb::types::AttributeValue;
    use bytes::Bytes;

    #[tokio::test]
    async fn calls_are_counted_as_dynamodb_charges_them() {
        let meter = Meter::default();
        let client = meter.client(&Database::in_memory().unwrap());
        create_table(&client, "table").await.unwrap();
        assert_eq!(meter.take(), Asked::default());

        let put = |bytes: usize, condition: Option<&str>| {
            client
                .put_item()
                .table_name("table")
                .item("user_id", AttributeValue::S("u".into()))
                .item("record", AttributeValue::S("r".into()))
                .item("body", AttributeValue::S("x".repeat(bytes)))
                .set_condition_expression(condition.map(str::to_owned))
                .send()
        };
        put(900, None).await.unwrap();
        put(1_900, None).await.unwrap();
        let asked = meter.take();
        assert_eq!((asked.calls, asked.write_units, asked.read_units), (2, 3.0, 0.0));

        // A refused write is charged by the larger of the two items.
        put(2_900, Some("attribute_not_exists(user_id)")).await.unwrap_err();
        assert_eq!(meter.take().write_units, 3.0);

        let key = |value: &str| AttributeValue::S(value.to_owned());
        client.get_item().table_name("table").key("user_id", key("u")).key("record", key("r")).send().await.unwrap();
        assert_eq!(meter.take().read_units, 0.5);
    }

    #[tokio::test]
    async fn objects_are_counted() {
        let meter = Meter::default();
        let objects = meter.objects();
        objects.put_content("log/a/b", Bytes::from_static(b"0123456789"), &[]).await.unwrap();
        objects.get_range("log/a/b", 2..4).await.unwrap().unwrap();
        objects.get("log/a/b").await.unwrap().unwrap();
        let asked = meter.take();
        assert_eq!((asked.puts, asked.gets, asked.calls), (1, 2, 0));
    }
}
