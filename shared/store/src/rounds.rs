//! Going through all there is: every item of the table once, and a day's quarantine.

use crate::batch::Freshness;
use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::log::{Log, LoggedDelivery, delivery_of};
use crate::schema::{BY_QUARANTINE, attribute as a};
use crate::table::Table;
use crate::view::Source;
use terrace_records::key::LOG;
use terrace_records::{LogKey, Partition};
use terrace_terra::DataType;

/// What one item is, as far as a round goes.
#[derive(Debug)]
pub enum Met {
    /// A delivery in the log.
    Delivery(Partition, Box<LoggedDelivery>),
    /// A delivery that cannot be read, where it lies, and the object that it leads to, if any.
    Damaged(RoundPosition, Option<String>),
    /// A record that lies in an object.
    Pointer(String),
    /// Anything else.
    Other,
}

/// Where a round goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundPosition {
    partition: String,
    record: String,
}

impl RoundPosition {
    /// The position in words, as a job's item keeps it.
    pub fn to_text(&self) -> String {
        serde_json::json!([self.partition, self.record]).to_string()
    }

    pub(crate) fn start(&self) -> Item {
        Item::from([
            (a::PARTITION.to_owned(), s(self.partition.as_str())),
            (a::SORT.to_owned(), s(self.record.as_str())),
        ])
    }

    /// Right after a delivery.
    pub fn of_delivery(partition: &Partition, key: &LogKey) -> Self {
        Self { partition: partition.as_str().to_owned(), record: key.sort_key() }
    }

    /// Reads a position; `None` if it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let (partition, record) = serde_json::from_str(text).ok()?;
        Some(Self { partition, record })
    }
}

impl Table {
    /// A page of everything, in no order.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn round(
        &self,
        after: Option<&RoundPosition>,
        freshness: Freshness,
    ) -> Result<(Vec<Met>, Option<RoundPosition>), StoreError> {
        let start = after.map(RoundPosition::start);
        let request = self.client().scan().table_name(self.name()).set_exclusive_start_key(start);
        let request = request.consistent_read(freshness == Freshness::Latest);
        let output = request.send().await.map_err(|error| StoreError::from_sdk("go through the table", error))?;
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        Ok((output.items.unwrap_or_default().iter().map(met).collect(), next))
    }
}

impl Table {
    /// Whether a record lies in a partition.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn has_records(&self, partition: &Partition) -> Result<bool, StoreError> {
        for data_type in DataType::ALL {
            let bounds = (format!("{data_type}#"), format!("{data_type}$"));
            let (items, _) = self.between("look for records", partition, (&bounds.0, &bounds.1), None, Some(1)).await?;
            if !items.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Log {
    /// The deliveries that were quarantined on a day (`YYYY-MM-DD`), from a page of the index after `after`.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn quarantined_on(
        &self,
        day: &str,
        after: Option<&RoundPosition>,
    ) -> Result<(Vec<(Partition, LogKey)>, Option<RoundPosition>), StoreError> {
        let start = after.map(|after| {
            let mut start = after.start();
            start.insert(a::QUARANTINE_DAY.to_owned(), s(day));
            start
        });
        let output = self
            .table()
            .client()
            .query()
            .table_name(self.table().name())
            .index_name(BY_QUARANTINE)
            .key_condition_expression("#day = :day")
            .expression_attribute_names("#day", a::QUARANTINE_DAY)
            .expression_attribute_values(":day", s(day))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list quarantined deliveries", error))?;
        let found = output.items.unwrap_or_default();
        let keys = found.iter().filter_map(|item| {
            let key = item::text(item, a::SORT).as_deref().and_then(LogKey::from_sort_key)?;
            Some((Partition::from_stored(item::text(item, a::PARTITION)?), key))
        });
        Ok((keys.collect(), output.last_evaluated_key.as_ref().and_then(position_of)))
    }
}

pub(crate) fn position_of(key: &Item) -> Option<RoundPosition> {
    Some(RoundPosition { partition: item::text(key, a::PARTITION)?, record: item::text(key, a::SORT)? })
}

fn met(item: &Item) -> Met {
    let sort_key = item::text(item, a::SORT).unwrap_or_default();
    if sort_key.starts_with(LOG) {
        let partition = Partition::from_stored(item::text(item, a::PARTITION).unwrap_or_default());
        return match delivery_of(item) {
            Ok(delivery) => Met::Delivery(partition, Box::new(delivery)),
            Err(_) => {
                let at = RoundPosition { partition: partition.as_str().to_owned(), record: sort_key };
                Met::Damaged(at, item::text(item, a::OBJECT))
            }
        };
    }
    let source = item::text(item, a::SOURCE).as_deref().and_then(Source::from_text);
    source.map_or(Met::Other, |source| Met::Pointer(source.object))
}
