//! Reading the view: records by key and by date, connections, and the versions that tell what became of a delivery.

use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::schema::{BY_REFERENCE, BY_START, attribute as a};
use crate::table::Table;
use crate::view::{RecordBody, Source, connection_of, stored_scores, stored_version};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::HashMap;
use terrace_records::key::{CONNECTION, reference_text};
use terrace_records::scores::StoredScores;
use terrace_records::{Connection, Partition, RecordKey, Version};
use terrace_terra::DataType;
use terrace_terra::ids::ReferenceId;

/// The most keys one BatchGetItem takes (AWS: BatchGetItem).
const BATCH: usize = 100;
/// How often keys that DynamoDB did not get to are asked for again.
const MAX_ROUNDS: usize = 8;

/// A record as it is read from the view.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// Its key.
    pub key: RecordKey,
    /// Its identifier, whole.
    pub identifier: String,
    /// The version of the copy kept.
    pub version: Version,
    /// When it began, as sent.
    pub start_time: Option<String>,
    /// When it ended, as sent.
    pub end_time: Option<String>,
    /// Where the data came from.
    pub provider: Option<String>,
    /// When it was last written, in milliseconds since 1970.
    pub updated_at: u64,
    /// What of it is in the item.
    pub body: RecordBody,
    /// Its scores.
    pub scores: StoredScores,
    start_key: Option<String>,
}

impl StoredRecord {
    /// Where it stands in the list of its type.
    pub fn position(&self) -> Position {
        Position { record: self.key.sort_key().to_owned(), start_key: self.start_key.clone() }
    }
}

/// A connection and its id, whole.
#[derive(Debug, Clone)]
pub struct StoredConnection {
    /// Terra's `user_id`.
    pub user_id: String,
    /// What is known of it.
    pub connection: Connection,
}

/// A page of a list, and where the next one begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What there is.
    pub entries: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

/// A place in a list: the sort key, and in an index its range key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The sort key of the last entry.
    pub record: String,
    /// Its key in the index, where the list follows one.
    pub start_key: Option<String>,
}

/// Days, both inclusive, as `YYYY-MM-DD`; an open end has no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Option<String>,
    /// The last.
    pub to: Option<String>,
}

impl Days {
    /// The bounds of a key `<type>#<time>` for these days. Times begin with a digit; `:` comes after every digit and
    /// `~` after everything, which is where records without a date stand.
    fn bounds(&self, data_type: DataType) -> (String, String) {
        let from = self.from.as_deref().unwrap_or_default();
        let to = match &self.to {
            Some(to) => format!("{to}~"),
            None if self.from.is_some() => ":".to_owned(),
            None => "~~".to_owned(),
        };
        (format!("{data_type}#{from}"), format!("{data_type}#{to}"))
    }
}

impl Table {
    /// One record; `None` where there is none. A deleted one is returned as such.
    pub async fn record(&self, partition: &Partition, key: &RecordKey) -> Result<Option<StoredRecord>, StoreError> {
        let item = self.get("read a record", partition, key.sort_key()).await?;
        item.map(|item| record_of(&item)).transpose()
    }

    /// One connection; `None` where nothing is known of it.
    pub async fn connection(&self, partition: &Partition) -> Result<Option<StoredConnection>, StoreError> {
        let item = self.get("read a connection", partition, CONNECTION).await?;
        Ok(item.as_ref().map(stored_connection))
    }

    /// Up to `limit` records of one type, by date as sent, after `after`. Deleted ones are left out, so that a page may
    /// hold fewer and yet not be the last.
    pub async fn records(
        &self,
        partition: &Partition,
        data_type: DataType,
        days: &Days,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page<StoredRecord>, StoreError> {
        let (low, high) = days.bounds(data_type);
        let index = (!data_type.is_daily()).then_some(BY_START);
        let range = if index.is_some() { a::START_KEY } else { a::SORT };
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .set_index_name(index.map(str::to_owned))
            .consistent_read(index.is_none())
            .key_condition_expression("#partition = :partition AND #range BETWEEN :low AND :high")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#range", range)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .set_exclusive_start_key(after.map(|after| start_of(partition, after)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list records", error))?;
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        let mut items = output.items.unwrap_or_default();
        if index.is_some() {
            let keys: Vec<String> = items.iter().filter_map(|item| item::text(item, a::SORT)).collect();
            items = self.items("list records", partition, &keys, None).await?;
        }
        let records: Result<Vec<_>, _> =
            items.iter().filter(|item| !item::flag(item, a::DELETED)).map(record_of).collect();
        Ok(Page { entries: records?, next })
    }

    /// The versions of these records, of those that there are.
    pub async fn versions(
        &self,
        partition: &Partition,
        keys: &[RecordKey],
    ) -> Result<HashMap<RecordKey, Version>, StoreError> {
        let sort_keys: Vec<String> = keys.iter().map(|key| key.sort_key().to_owned()).collect();
        let items = self.items("read versions", partition, &sort_keys, Some(&[a::SORT, a::VERSION])).await?;
        let versions = items.iter().filter_map(|item| {
            let key = RecordKey::from_sort_key(&item::text(item, a::SORT)?)?;
            Some((key, stored_version(item)?))
        });
        Ok(versions.collect())
    }

    /// The connections of one end user, by the customer's name for them, a page at a time.
    pub async fn connections_of(
        &self,
        reference: &ReferenceId<'_>,
        after: Option<&Partition>,
        limit: usize,
    ) -> Result<Page<StoredConnection>, StoreError> {
        let reference = reference_text(reference);
        let start = after.map(|after| {
            Item::from([
                (a::REFERENCE.to_owned(), s(reference.as_str())),
                (a::PARTITION.to_owned(), s(after.as_str())),
                (a::SORT.to_owned(), s(CONNECTION)),
            ])
        });
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .index_name(BY_REFERENCE)
            .key_condition_expression("#reference = :reference")
            .expression_attribute_names("#reference", a::REFERENCE)
            .expression_attribute_values(":reference", s(reference))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list connections", error))?;
        let mut entries = Vec::new();
        for item in output.items.unwrap_or_default() {
            let Some(partition) = item::text(&item, a::PARTITION).map(Partition::from_stored) else { continue };
            entries.extend(self.connection(&partition).await?);
        }
        let next = output
            .last_evaluated_key
            .as_ref()
            .and_then(|key| Some(Position { record: item::text(key, a::PARTITION)?, start_key: None }));
        Ok(Page { entries, next })
    }

    /// The items of these sort keys, in their order, of those that there are.
    async fn items(
        &self,
        doing: &'static str,
        partition: &Partition,
        sort_keys: &[String],
        attributes: Option<&[&str]>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found: HashMap<String, Item> = HashMap::new();
        for batch in sort_keys.chunks(BATCH) {
            let keys = batch.iter().map(|key| item_key(partition, key)).collect();
            let mut wanted = Some(keys_and_attributes(keys, attributes)?);
            let mut rounds = 0;
            while let Some(request) = wanted.take() {
                rounds += 1;
                if rounds > MAX_ROUNDS {
                    return Err(StoreError::contended(doing));
                }
                let output = self.client().batch_get_item().request_items(self.name(), request).send().await;
                let output = output.map_err(|error| StoreError::from_sdk(doing, error))?;
                let items = output.responses.unwrap_or_default().remove(self.name()).unwrap_or_default();
                found.extend(items.into_iter().filter_map(|item| Some((item::text(&item, a::SORT)?, item))));
                wanted = output.unprocessed_keys.unwrap_or_default().remove(self.name());
            }
        }
        Ok(sort_keys.iter().filter_map(|key| found.remove(key)).collect())
    }
}

fn item_key(partition: &Partition, sort_key: &str) -> Item {
    Item::from([(a::PARTITION.to_owned(), s(partition.as_str())), (a::SORT.to_owned(), s(sort_key))])
}

fn keys_and_attributes(keys: Vec<Item>, attributes: Option<&[&str]>) -> Result<KeysAndAttributes, StoreError> {
    let mut request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
    if let Some(attributes) = attributes {
        let placeholders: Vec<String> = (0..attributes.len()).map(|number| format!("#{number}")).collect();
        request = request.projection_expression(placeholders.join(", "));
        for (placeholder, name) in placeholders.into_iter().zip(attributes) {
            request = request.expression_attribute_names(placeholder, *name);
        }
    }
    request.build().map_err(|error| StoreError::refused("read items", error))
}

pub(crate) fn start_of(partition: &Partition, position: &Position) -> HashMap<String, AttributeValue> {
    let mut key = item_key(partition, &position.record);
    if let Some(start_key) = &position.start_key {
        key.insert(a::START_KEY.to_owned(), s(start_key.as_str()));
    }
    key
}

pub(crate) fn position_of(key: &Item) -> Option<Position> {
    Some(Position { record: item::text(key, a::SORT)?, start_key: item::text(key, a::START_KEY) })
}

fn stored_connection(item: &Item) -> StoredConnection {
    let user_id = item::text(item, a::IDENTIFIER).or_else(|| item::text(item, a::PARTITION)).unwrap_or_default();
    StoredConnection { user_id, connection: connection_of(item) }
}

pub(crate) fn record_of(item: &Item) -> Result<StoredRecord, StoreError> {
    let damaged = || StoreError::corrupt("read a record", "an attribute is missing from its item");
    let key = item::text(item, a::SORT).as_deref().and_then(RecordKey::from_sort_key).ok_or_else(damaged)?;
    let body = if item::flag(item, a::DELETED) {
        RecordBody::Deleted
    } else if let Some(frame) = item::bytes(item, a::BODY) {
        RecordBody::Whole(frame)
    } else {
        let source = item::text(item, a::SOURCE).as_deref().and_then(Source::from_text).ok_or_else(damaged)?;
        RecordBody::Summary { summary: item::bytes(item, a::SUMMARY).ok_or_else(damaged)?, source }
    };
    Ok(StoredRecord {
        identifier: item::text(item, a::IDENTIFIER).unwrap_or_else(|| key.identifier_text().to_owned()),
        key,
        version: stored_version(item).ok_or_else(damaged)?,
        start_time: item::text(item, a::START),
        end_time: item::text(item, a::END),
        provider: item::text(item, a::PROVIDER),
        updated_at: item::number(item, a::UPDATED_AT).unwrap_or(0),
        body,
        scores: stored_scores(item),
        start_key: item::text(item, a::START_KEY),
    })
}
