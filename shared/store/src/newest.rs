//! The newest of a user's log.

use crate::deliveries::log_bounds;
use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::log::{Log, LoggedDelivery, delivery_of};
use crate::schema::attribute as a;
use terrace_records::{LogKey, Partition};

/// The newest deliveries of a user.
#[derive(Debug, Clone)]
pub struct NewestDeliveries {
    /// Them, newest first.
    pub entries: Vec<LoggedDelivery>,
    /// When those were made that cannot be read, in milliseconds since 1970, as far as their keys tell; else 0.
    pub damaged: Vec<u64>,
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
        let (mut entries, mut damaged, mut start) = (Vec::new(), Vec::new(), None);
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
                    Err(_) => damaged.push(made_ms(&item)),
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() || entries.len() >= limit {
                return Ok(NewestDeliveries { entries, damaged, more: start.is_some() });
            }
        }
    }
}

fn made_ms(item: &Item) -> u64 {
    item::text(item, a::SORT).as_deref().and_then(LogKey::from_sort_key).map_or(0, |key| key.time_ms())
}
