//! What lies in a table, by what it is, as large as DynamoDB charges it by the month.

use super::database::Database;
use super::item_size::bytes_of;
use crate::error::StoreError;
use crate::schema::attribute::{SORT, SOURCE};
use crate::view::Source;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::scan::ScanRequest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashSet;
use terrace_records::key::LOG;

/// What DynamoDB adds to each item and each entry of an index where it charges for storage, in bytes.
const OVERHEAD: usize = 100;

/// Items of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// How many there are.
    pub items: u64,
    /// Their bytes as they are charged.
    pub bytes: u64,
}

/// What lies in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Deliveries, which expire.
    pub log: Held,
    /// Records.
    pub records: Held,
    /// Connections.
    pub connections: Held,
    /// Large requests, jobs: what expires besides.
    pub others: Held,
    /// Entries of indexes.
    pub indexes: Held,
    /// Objects that records lie in.
    pub sources: u64,
}

impl Database {
    /// What lies in a table. Blocks.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub fn holdings(&self, table: &str) -> Result<Holdings, StoreError> {
        let mut holdings = Holdings { indexes: self.indexes(table)?, ..Holdings::default() };
        let (mut start, mut sources) = (Value::Null, HashSet::new());
        loop {
            let request: ScanRequest = asked(json!({"TableName": table, "ExclusiveStartKey": start}))?;
            let page = serde_json::to_value(self.engine().scan(request).map_err(failed)?).map_err(failed)?;
            for item in page.get("Items").and_then(Value::as_array).into_iter().flatten() {
                let held = holdings.of(item);
                held.items += 1;
                held.bytes += (bytes_of(item) + OVERHEAD) as u64;
                let source = item.get(SOURCE).and_then(|source| source.get("S")).and_then(Value::as_str);
                sources.extend(source.and_then(Source::from_text).map(|source| source.object));
            }
            start = page.get("LastEvaluatedKey").cloned().unwrap_or_default();
            if start.is_null() {
                holdings.sources = sources.len() as u64;
                return Ok(holdings);
            }
        }
    }

    fn indexes(&self, table: &str) -> Result<Held, StoreError> {
        let request: DescribeTableRequest = asked(json!({"TableName": table}))?;
        let described = serde_json::to_value(self.engine().describe_table(request).map_err(failed)?).map_err(failed)?;
        let indexes = described.pointer("/Table/GlobalSecondaryIndexes").and_then(Value::as_array);
        let sum = |name| {
            let of_each = indexes.into_iter().flatten().filter_map(|index| index.get(name).and_then(Value::as_u64));
            of_each.sum::<u64>()
        };
        Ok(Held { items: sum("ItemCount"), bytes: sum("IndexSizeBytes") })
    }
}

impl Holdings {
    fn of(&mut self, item: &Value) -> &mut Held {
        let sort = item.get(SORT).and_then(|sort| sort.get("S")).and_then(Value::as_str).unwrap_or_default();
        match sort.split_once('#') {
            _ if sort.starts_with(LOG) => &mut self.log,
            None => &mut self.connections,
            Some(("request" | "job", _)) => &mut self.others,
            Some(_) => &mut self.records,
        }
    }
}

fn asked<Request: DeserializeOwned>(request: Value) -> Result<Request, StoreError> {
    serde_json::from_value(request).map_err(failed)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::refused("look at what a table holds", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::create_table;
    use aws_sdk_dynamodb::types::AttributeValue;

    #[tokio::test]
    async fn items_are_told_apart() {
        let database = Database::in_memory().unwrap();
        let client = database.client();
        create_table(&client, "table").await.unwrap();
        for record in ["connection", "daily#2026-07-01", "log#1#a#b", "request#r"] {
            let put = client.put_item().table_name("table").item("user_id", AttributeValue::S("u".into()));
            let put = put.item("record", AttributeValue::S(record.into()));
            let put = put.item("reference", AttributeValue::S("-".into()));
            put.send().await.unwrap();
        }
        let holdings = database.holdings("table").unwrap();
        let held = |record: &str| {
            let bytes = "user_id".len() + 1 + "record".len() + record.len() + "reference".len() + 1 + OVERHEAD;
            Held { items: 1, bytes: bytes as u64 }
        };
        assert_eq!((holdings.connections, holdings.records), (held("connection"), held("daily#2026-07-01")));
        assert_eq!((holdings.log, holdings.others), (held("log#1#a#b"), held("request#r")));
        assert_eq!(holdings.indexes.items, 4);
    }
}
