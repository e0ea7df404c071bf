//! The items of the view as they stand, attribute by attribute, for who compares two views.

use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::rounds::{RoundPosition, position_of};
use crate::schema::attribute as a;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};
use terrace_records::key::LOG;
use terrace_records::{Connection, Partition, PartitionKind, RecordKey, Register, Version};

/// What is set by a server's clock or drawn by it, and by nothing in a delivery.
const OF_SERVERS: [&str; 3] = [a::UPDATED_AT, a::EXPIRES_AT, a::TOUCH];

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Bytes: a version, a register, a frame.
    Bytes(Vec<u8>),
    /// Text or a number.
    Text(String),
    /// A mark.
    Flag(bool),
    /// A set of numbers.
    Numbers(BTreeSet<String>),
}

/// An item of the view, without what servers' clocks set.
#[derive(Clone, PartialEq, Eq)]
pub struct ViewItem {
    /// Whose it is.
    pub partition: Partition,
    /// What it is called there.
    pub sort_key: String,
    /// Its attributes, by name.
    pub values: BTreeMap<String, Value>,
}

impl std::fmt::Debug for ViewItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewItem").field("attributes", &self.values.len()).finish_non_exhaustive()
    }
}

impl ViewItem {
    /// The record's key, where it is one.
    pub fn record(&self) -> Option<RecordKey> {
        RecordKey::from_sort_key(&self.sort_key)
    }

    /// The version that an attribute begins with: the record's own, or that of a score.
    pub fn version(&self, name: &str) -> Option<Version> {
        if name != a::VERSION && !name.starts_with(a::SCORE) {
            return None;
        }
        let Some(Value::Bytes(bytes)) = self.values.get(name) else { return None };
        bytes.get(..Version::BYTES).and_then(Version::from_bytes)
    }

    /// The version of the copy that is kept, where it is a record.
    pub fn kept(&self) -> Option<Version> {
        self.version(a::VERSION)
    }

    /// The register that an attribute is, where the item is a connection or a request.
    pub fn register(&self, name: &str) -> Option<Register> {
        match self.values.get(name) {
            Some(Value::Bytes(bytes)) if self.record().is_none() => Register::from_bytes(bytes.clone()),
            _ => None,
        }
    }

    /// The connection, where it is one.
    pub fn connection(&self) -> Connection {
        let registers = self.values.keys().filter_map(|name| Some((name.clone(), self.register(name)?)));
        Connection::new(registers.collect())
    }
}

impl Table {
    /// A page of the view's items, in no order.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn view_items(
        &self,
        after: Option<&RoundPosition>,
    ) -> Result<(Vec<ViewItem>, Option<RoundPosition>), StoreError> {
        let output = self
            .client()
            .scan()
            .table_name(self.name())
            .consistent_read(true)
            .filter_expression("NOT begins_with(#record, :log)")
            .expression_attribute_names("#record", a::SORT)
            .expression_attribute_values(":log", s(LOG))
            .set_exclusive_start_key(after.map(RoundPosition::start))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("go through the view", error))?;
        let items = output.items.unwrap_or_default();
        let items = items.iter().filter_map(view_item).filter(|item| item.partition.kind() != PartitionKind::Job);
        Ok((items.collect(), output.last_evaluated_key.as_ref().and_then(position_of)))
    }
}

fn view_item(item: &Item) -> Option<ViewItem> {
    let keys = [a::PARTITION, a::SORT];
    let values = item.iter().filter(|(name, _)| !keys.contains(&name.as_str()) && !OF_SERVERS.contains(&name.as_str()));
    Some(ViewItem {
        partition: Partition::from_stored(item::text(item, a::PARTITION)?),
        sort_key: item::text(item, a::SORT)?,
        values: values.filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect(),
    })
}

fn value(attribute: &AttributeValue) -> Option<Value> {
    Some(match attribute {
        AttributeValue::B(blob) => Value::Bytes(blob.as_ref().to_vec()),
        AttributeValue::S(text) | AttributeValue::N(text) => Value::Text(text.clone()),
        AttributeValue::Bool(flag) => Value::Flag(*flag),
        AttributeValue::Ns(numbers) => Value::Numbers(numbers.iter().cloned().collect()),
        _ => return None,
    })
}
