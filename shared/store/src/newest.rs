//! The newest of what there is: of a user's log, and of the records of each type.

use crate::deliveries::log_bounds;
use crate::error::StoreError;
use crate::item::{self, s};
use crate::log::{Log, LoggedDelivery, delivery_of};
use crate::reader::{StoredRecord, record_of};
use crate::schema::{BY_START, attribute as a};
use crate::table::Table;
use terrace_records::Partition;
use terrace_terra::DataType;

/// The newest deliveries of a user.
#[derive(Debug, Clone)]
pub struct NewestDeliveries {
    /// Them, newest first.
    pub entries: Vec<LoggedDelivery>,
    /// How many cannot be read: their items are damaged.
    pub damaged: usize,
    /// There are older ones.
    pub more: bool,
}

impl Log {
    /// The newest deliveries, `limit` at most. Read without waiting for the last writes, which halves the price.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn newest(&self, partition: &Partition, limit: usize) -> Result<NewestDeliveries, StoreError> {
        let (low, high) = log_bounds(0..9_999_999_999_999);
        let (mut entries, mut damaged, mut start) = (Vec::new(), 0, None);
        loop {
            let wanted = limit.saturating_sub(entries.len());
            let output = self
                .table()
                .client()
                .query()
                .table_name(self.table().name())
                .key_condition_expression("#partition = :partition AND #record BETWEEN :low AND :high")
                .expression_attribute_names("#partition", a::PARTITION)
                .expression_attribute_names("#record", a::SORT)
                .expression_attribute_values(":partition", s(partition.as_str()))
                .expression_attribute_values(":low", s(low.as_str()))
                .expression_attribute_values(":high", s(high.as_str()))
                .scan_index_forward(false)
                .set_exclusive_start_key(start)
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("list the newest deliveries", error))?;
            for item in output.items.unwrap_or_default() {
                match delivery_of(&item) {
                    Ok(delivery) => entries.push(delivery),
                    Err(_) => damaged += 1,
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() || entries.len() >= limit {
                return Ok(NewestDeliveries { entries, damaged, more: start.is_some() });
            }
        }
    }
}

impl Table {
    /// The latest record of a type, by its date as sent; `None` where there is none with a date, or the latest day was
    /// deleted.
    ///
    /// # Errors
    ///
    /// When the table does not answer, or the record is damaged.
    pub async fn latest_record(
        &self,
        partition: &Partition,
        data_type: DataType,
    ) -> Result<Option<StoredRecord>, StoreError> {
        const DOING: &str = "read the latest record";
        let index = (!data_type.is_daily()).then_some(BY_START);
        let range = if index.is_some() { a::START_KEY } else { a::SORT };
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("#partition = :partition AND #range BETWEEN :low AND :high")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#range", range)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(format!("{data_type}#")))
            // `:` comes after every digit, and what has no date stands behind it.
            .expression_attribute_values(":high", s(format!("{data_type}#:")))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(DOING, error))?;
        let Some(found) = output.items.unwrap_or_default().pop() else { return Ok(None) };
        let item = match (index, item::text(&found, a::SORT)) {
            (Some(_), Some(sort_key)) => self.get(DOING, partition, &sort_key).await?,
            _ => Some(found),
        };
        item.filter(|item| !item::flag(item, a::DELETED)).map(|item| record_of(&item)).transpose()
    }
}
