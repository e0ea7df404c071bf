//! Reading the log and what it holds: a user's deliveries by time, and the whole of a record.

use crate::error::StoreError;
use crate::frames::{unpack, unpack_text};
use crate::item::{self, s};
use crate::log::{Log, LoggedDelivery, delivery_of};
use crate::reader::{Position, StoredRecord, position_of, start_of};
use crate::schema::attribute as a;
use crate::view::RecordBody;
use std::ops::Range;
use terrace_records::Partition;
use terrace_records::key::LOG;

/// A page of the log.
#[derive(Debug, Clone, Default)]
pub struct Deliveries {
    /// The deliveries of the page, oldest first.
    pub entries: Vec<LoggedDelivery>,
    /// The sort keys of those that cannot be read: they stop nobody from reading the others.
    pub damaged: Vec<String>,
    /// Where the next page begins.
    pub next: Option<Position>,
}

/// The sort keys between which deliveries of these times lie.
pub(crate) fn log_bounds(times: Range<u64>) -> (String, String) {
    let bound = |time: u64| format!("{LOG}{time:013}");
    (bound(times.start), bound(times.end))
}

impl Log {
    /// Up to `limit` deliveries whose time lies in `times` (milliseconds since 1970), oldest first, after `after`.
    pub async fn deliveries(
        &self,
        partition: &Partition,
        times: Range<u64>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Deliveries, StoreError> {
        if times.is_empty() {
            return Ok(Deliveries::default());
        }
        let (low, high) = log_bounds(times);
        let output = self
            .table()
            .client()
            .query()
            .table_name(self.table().name())
            .consistent_read(true)
            .key_condition_expression("#partition = :partition AND #record BETWEEN :low AND :high")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#record", a::SORT)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .set_exclusive_start_key(after.map(|after| start_of(partition, after)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list deliveries", error))?;
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        let mut page = Deliveries { next, ..Deliveries::default() };
        for item in output.items.unwrap_or_default() {
            match delivery_of(&item) {
                Ok(delivery) => page.entries.push(delivery),
                Err(_) => page.damaged.extend(item::text(&item, a::SORT)),
            }
        }
        Ok(page)
    }

    /// The whole of a record as Terra sent it, without its scores; `None` for a deleted one.
    pub async fn whole(&self, record: &StoredRecord) -> Result<Option<String>, StoreError> {
        match &record.body {
            RecordBody::Whole(frame) => unpack_text(frame).map(Some),
            RecordBody::Summary { source, .. } => {
                let frame = self.objects().get_range(&source.object, source.start..source.end).await?;
                let frame = frame.ok_or_else(|| StoreError::corrupt("read a record", "its object is missing"))?;
                unpack_text(&frame).map(Some)
            }
            RecordBody::Deleted => Ok(None),
        }
    }

    /// The object that holds a delivery's body, as the chain of frames that it is.
    pub async fn chain(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        let chain = self.objects().get(key).await?;
        let chain = chain.ok_or_else(|| StoreError::corrupt("read a delivery", "its object is missing"))?;
        Ok(chain.to_vec())
    }

    /// The body of a delivery, byte for byte.
    pub async fn body(&self, delivery: &LoggedDelivery) -> Result<Vec<u8>, StoreError> {
        match &delivery.body {
            crate::LogBody::Inline(frame) => unpack(frame),
            crate::LogBody::Object(key) => unpack(&self.chain(key).await?),
        }
    }
}
