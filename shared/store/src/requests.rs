//! Large requests in the table: one item for what Terra said of a request, and small ones for the chunks that came.

use crate::error::StoreError;
use crate::item::{self, Change, Item, n, s};
use crate::reader::{Page, Position, position_of, start_of};
use crate::schema::attribute as a;
use crate::table::{Changed, Table};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use std::collections::BTreeMap;
use terrace_records::request::REQUEST;
use terrace_records::{Partition, Register, Request, RequestUpdate};

impl Table {
    /// Notes what a delivery made at `made_ms` says of a large request, with one write of at most one unit.
    ///
    /// # Errors
    ///
    /// When the table does not take it.
    pub async fn note_request(
        &self,
        partition: &Partition,
        update: &RequestUpdate,
        made_ms: u64,
        expires_at: u64,
    ) -> Result<(), StoreError> {
        let mut change = Change::default();
        if let Some(expected) = &update.expected {
            change.raise(a::EXPECTED, b(expected));
        }
        if let Some(number) = update.chunk {
            change.add_number(a::CHUNKS, number);
        }
        change.set(a::REQUEST, s(update.reference()));
        change.set(a::UPDATED_AT, n(made_ms));
        change.set(a::EXPIRES_AT, n(expires_at));
        // Refused is an expectation that a later one has replaced.
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.change("note a large request", partition, &update.sort_key(), change, ReturnValue::None).await?;
        Ok(())
    }

    /// Whether what a delivery says of a large request was noted.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn is_noted(&self, partition: &Partition, update: &RequestUpdate) -> Result<bool, StoreError> {
        let Some(item) = self.get("read a large request", partition, &update.sort_key()).await? else {
            return Ok(false);
        };
        let expected = item::bytes(&item, a::EXPECTED).and_then(Register::from_bytes);
        Ok(update.expected <= expected && update.chunk.is_none_or(|number| chunks_of(&item).any(|one| one == number)))
    }

    /// A user's large requests by reference, from up to `limit` items after `after`.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn requests(
        &self,
        partition: &Partition,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page<(String, Request)>, StoreError> {
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .consistent_read(true)
            .key_condition_expression("#partition = :partition AND begins_with(#record, :request)")
            .expression_attribute_names("#partition", a::PARTITION)
            .expression_attribute_names("#record", a::SORT)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":request", s(REQUEST))
            .set_exclusive_start_key(after.map(|after| start_of(partition, after)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list large requests", error))?;
        let mut requests: BTreeMap<String, Request> = BTreeMap::new();
        for item in output.items.unwrap_or_default() {
            let Some(reference) = item::text(&item, a::REQUEST) else { continue };
            let request = requests.entry(reference).or_default();
            if let Some(expected) = expected_of(&item) {
                request.expected = Some(expected);
            }
            request.seen.extend(chunks_of(&item));
        }
        let next = output.last_evaluated_key.as_ref().and_then(position_of);
        Ok(Page { entries: requests.into_iter().collect(), next })
    }
}

fn b(register: &Register) -> AttributeValue {
    item::b(register.as_bytes())
}

fn expected_of(item: &Item) -> Option<u32> {
    Register::from_bytes(item::bytes(item, a::EXPECTED)?)?.value().parse().ok()
}

fn chunks_of(item: &Item) -> impl Iterator<Item = u32> {
    let numbers = item.get(a::CHUNKS).and_then(|value| value.as_ns().ok());
    numbers.into_iter().flatten().filter_map(|number| number.parse().ok())
}
