//! Reading the view: records by key and by date, and the versions that tell what became of a delivery.

use crate::batch::{Freshness, item_key};
use crate::error::StoreError;
use crate::item::{self, Item, n, s};
use crate::listed::{Listed, listed};
use crate::schema::attribute as a;
use crate::table::Table;
use crate::view::{RecordBody, Source, stored_scores, stored_version};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use terrace_records::scores::StoredScores;
use terrace_records::{Partition, RecordKey, Version};
use terrace_terra::DataType;
use terrace_terra::time::date_as_sent;

/// How many items one call looks at for changes.
const STRETCH: i32 = 1_000;

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

    /// Whether a delete mark stands in its place.
    pub fn is_deleted(&self) -> bool {
        self.body == RecordBody::Deleted
    }

    /// The date it is listed under, its own as sent; `None` where it has none.
    pub fn day(&self) -> Option<&str> {
        let own = match &self.start_key {
            Some(start_key) => start_key.split_once('#').map_or("", |(_, moment)| moment),
            None if self.key.data_type().is_daily() => self.key.identifier_text(),
            None => "",
        };
        date_as_sent(own)
    }
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
    pub(crate) fn bounds(&self, data_type: DataType) -> (String, String) {
        let from = self.from.as_deref().unwrap_or_default();
        let to = match &self.to {
            Some(to) => format!("{to}~"),
            None if self.from.is_some() => ":".to_owned(),
            None => "~~".to_owned(),
        };
        (format!("{data_type}#{from}"), format!("{data_type}#{to}"))
    }

    /// The bounds of everything that has a date: what has none stands behind it.
    pub(crate) fn dated(data_type: DataType) -> (String, String) {
        (format!("{data_type}#"), format!("{data_type}#:"))
    }

    /// Whether a key `<type>#<time>` lies in these days.
    pub fn has_key(&self, data_type: DataType, key: &str) -> bool {
        let (low, high) = self.bounds(data_type);
        (low.as_str()..=high.as_str()).contains(&key)
    }
}

impl Table {
    /// One record; `None` where there is none. A deleted one is returned as such.
    pub async fn record(&self, partition: &Partition, key: &RecordKey) -> Result<Option<StoredRecord>, StoreError> {
        let item = self.get("read a record", partition, key.sort_key()).await?;
        item.map(|item| record_of(&item)).transpose()
    }

    /// The records of these keys, in their order, of those that there are. Deleted ones are returned as such.
    pub async fn records_of(&self, partition: &Partition, keys: &[RecordKey]) -> Result<Vec<Listed>, StoreError> {
        let sort_keys: Vec<String> = keys.iter().map(|key| key.sort_key().to_owned()).collect();
        let items = self.items_of("read records", partition, &sort_keys, None, Freshness::Latest).await?;
        Ok(items.iter().map(listed).collect())
    }

    /// Records of one type that were written at or after a time, in milliseconds since 1970, by their keys, after `after`.
    /// Deleted ones are among them. Reads the items of the type, however few of them are new, a stretch at a call, so that
    /// a page may be empty and yet not be the last. As the last writes left them, which no index is.
    pub async fn changed(
        &self,
        partition: &Partition,
        data_type: DataType,
        since_ms: u64,
        after: Option<&Position>,
    ) -> Result<Page<Listed>, StoreError> {
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .consistent_read(true)
            .key_condition_expression("#partition = :partition AND #sort BETWEEN :low AND :high")
            // Also what does not say when it was written, which is damaged.
            .filter_expression("NOT #updated < :since")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#sort", a::SORT)
            .expression_attribute_names("#updated", a::UPDATED_AT)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(format!("{data_type}#")))
            .expression_attribute_values(":high", s(format!("{data_type}$")))
            .expression_attribute_values(":since", n(since_ms))
            .set_exclusive_start_key(after.map(|after| item_key(partition, &after.record)))
            .limit(STRETCH)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list changes", error))?;
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        Ok(Page { entries: output.items.unwrap_or_default().iter().map(listed).collect(), next })
    }

    /// The versions of these records, of those that there are.
    pub async fn versions(
        &self,
        partition: &Partition,
        keys: &[RecordKey],
    ) -> Result<HashMap<RecordKey, Version>, StoreError> {
        let sort_keys: Vec<String> = keys.iter().map(|key| key.sort_key().to_owned()).collect();
        let items = self
            .items_of(
                "read versions",
                partition,
                &sort_keys,
                Some(&[a::PARTITION, a::SORT, a::VERSION]),
                Freshness::Latest,
            )
            .await?;
        let versions = items.iter().filter_map(|item| {
            let key = RecordKey::from_sort_key(&item::text(item, a::SORT)?)?;
            Some((key, stored_version(item)?))
        });
        Ok(versions.collect())
    }
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

/// What reading a record fails with whose item is damaged.
pub(crate) fn incomplete() -> StoreError {
    StoreError::corrupt("read a record", "an attribute is missing from its item")
}

pub(crate) fn record_of(item: &Item) -> Result<StoredRecord, StoreError> {
    let damaged = incomplete;
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
