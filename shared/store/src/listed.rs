//! Lists of records, in which one that cannot be read does not hide the others.

use crate::batch::Freshness;
use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::reader::{Days, Page, Position, StoredRecord, incomplete, position_of, record_of, start_of};
use crate::schema::{BY_START, attribute as a};
use crate::table::Table;
use crate::view::stored_version;
use terrace_records::erasure::made_ms;
use terrace_records::{Partition, RecordKey};
use terrace_terra::DataType;

/// A record as a list meets it.
pub type Listed = Result<StoredRecord, DamagedRecord>;

/// A record whose item cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRecord {
    /// Where it stands in the list, as far as that can be told.
    pub position: Option<Position>,
    /// When the copy that is kept was made, in milliseconds since 1970; the end of time where that cannot be told.
    pub made_ms: u64,
}

impl DamagedRecord {
    fn of(item: &Item) -> Self {
        let sort_key = item::text(item, a::SORT);
        let key = sort_key.as_deref().and_then(RecordKey::from_sort_key);
        let data_type = key.as_ref().map(RecordKey::data_type);
        let start_key = item::text(item, a::START_KEY);
        Self {
            position: key.map(|key| Position { record: key.sort_key().to_owned(), start_key }),
            made_ms: stored_version(item).map_or(u64::MAX, |version| made_ms(data_type, &version)),
        }
    }

    /// What reading it alone fails with.
    pub fn error(&self) -> StoreError {
        incomplete()
    }
}

/// What a list says of an item.
pub(crate) fn listed(item: &Item) -> Listed {
    record_of(item).map_err(|_| DamagedRecord::of(item))
}

/// A stretch of the list of one type by date as sent.
struct Stretch<'l> {
    data_type: DataType,
    /// The first and the last key `<type>#<time>`.
    bounds: (String, String),
    after: Option<&'l Position>,
    limit: usize,
    newest_first: bool,
}

impl Table {
    /// Up to `limit` records of one type, by date as sent, after `after`. Deleted ones are left out, so that a page may
    /// hold fewer and yet not be the last. What was written within the last moment may be missing: that halves what a list
    /// costs, and the index of sessions follows the table no sooner.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn records(
        &self,
        partition: &Partition,
        data_type: DataType,
        days: &Days,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page<Listed>, StoreError> {
        let stretch = Stretch { data_type, bounds: days.bounds(data_type), after, limit, newest_first: false };
        self.stretch("list records", partition, stretch).await
    }

    /// The latest record of a type, by its date as sent; `None` where there is none with a date, or the latest day was
    /// deleted. Read as a list is.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn latest_record(
        &self,
        partition: &Partition,
        data_type: DataType,
    ) -> Result<Option<Listed>, StoreError> {
        let bounds = Days::dated(data_type);
        let stretch = Stretch { data_type, bounds, after: None, limit: 1, newest_first: true };
        Ok(self.stretch("read the latest record", partition, stretch).await?.entries.pop())
    }

    async fn stretch(
        &self,
        doing: &'static str,
        partition: &Partition,
        stretch: Stretch<'_>,
    ) -> Result<Page<Listed>, StoreError> {
        let index = (!stretch.data_type.is_daily()).then_some(BY_START);
        let range = if index.is_some() { a::START_KEY } else { a::SORT };
        let (low, high) = stretch.bounds;
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("#partition = :partition AND #range BETWEEN :low AND :high")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#range", range)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .scan_index_forward(!stretch.newest_first)
            .set_exclusive_start_key(stretch.after.map(|after| start_of(partition, after)))
            .limit(i32::try_from(stretch.limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(doing, error))?;
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        let mut items = output.items.unwrap_or_default();
        if index.is_some() {
            let keys: Vec<String> = items.iter().filter_map(|item| item::text(item, a::SORT)).collect();
            items = self.items_of(doing, partition, &keys, None, Freshness::Recent).await?;
        }
        let entries = items.iter().filter(|item| !item::flag(item, a::DELETED)).map(listed).collect();
        Ok(Page { entries, next })
    }
}
