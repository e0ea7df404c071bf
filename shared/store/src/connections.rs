//! Reading connections: one by its id, an end user's, and all of them.

use crate::batch::{Freshness, item_key};
use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::reader::{Page, Position};
use crate::schema::{BY_REFERENCE, attribute as a};
use crate::table::Table;
use crate::view::{connection_of, unreadable_registers};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use terrace_records::connection::register;
use terrace_records::key::{CONNECTION, reference_text};
use terrace_records::{Connection, Partition, PartitionKind};
use terrace_terra::ids::ReferenceId;

/// A connection and its id, whole.
#[derive(Debug, Clone)]
pub struct StoredConnection {
    /// Terra's `user_id`.
    pub user_id: String,
    /// What is known of it.
    pub connection: Connection,
    /// The names of those of its registers that cannot be read: what they said is not in it. The next event that sets one
    /// mends it, and so does a replay.
    pub unreadable: Vec<String>,
}

impl StoredConnection {
    /// Whether it cannot be said if its data is shown at all: it may be erased, or another's by now.
    pub fn is_unsure(&self) -> bool {
        self.unreadable.iter().any(|name| [register::ERASED, register::REPLACED].contains(&name.as_str()))
    }
}

impl Table {
    /// One connection; `None` where nothing is known of it.
    pub async fn connection(&self, partition: &Partition) -> Result<Option<StoredConnection>, StoreError> {
        let item = self.get("read a connection", partition, CONNECTION).await?;
        Ok(item.as_ref().map(stored_connection))
    }

    /// The connections of one end user, by the customer's name for them, a page at a time.
    pub async fn connections_of(
        &self,
        reference: &ReferenceId<'_>,
        after: Option<&Partition>,
        limit: usize,
    ) -> Result<Page<StoredConnection>, StoreError> {
        let reference = reference_text(reference);
        let output = self
            .client()
            .query()
            .table_name(self.name())
            .index_name(BY_REFERENCE)
            .key_condition_expression("#reference = :reference")
            .expression_attribute_names("#reference", a::REFERENCE)
            .expression_attribute_values(":reference", s(reference.as_str()))
            .set_exclusive_start_key(after.map(|after| place(&reference, after.as_str())))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list connections", error))?;
        let entries = self.found(output.items.unwrap_or_default()).await?;
        let next = output
            .last_evaluated_key
            .as_ref()
            .and_then(|key| Some(Position { record: item::text(key, a::PARTITION)?, start_key: None }));
        Ok(Page { entries, next })
    }

    /// Every connection of a user, a page at a time, in the index's own order. The index follows the table within a
    /// moment: a connection made just now may be missing. A page may hold fewer than `limit` and yet not be the last.
    pub async fn connections(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page<StoredConnection>, StoreError> {
        let start = after.map(|after| place(after.start_key.as_deref().unwrap_or_default(), &after.record));
        let output = self
            .client()
            .scan()
            .table_name(self.name())
            .index_name(BY_REFERENCE)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("list connections", error))?;
        let mut keys = output.items.unwrap_or_default();
        // The other partitions have no place in this index; should one get there it is still no user.
        keys.retain(|key| {
            let partition = item::text(key, a::PARTITION).map(Partition::from_stored);
            partition.is_some_and(|partition| partition.kind() == PartitionKind::User)
        });
        let next = output.last_evaluated_key.as_ref().and_then(|key| {
            Some(Position { record: item::text(key, a::PARTITION)?, start_key: item::text(key, a::REFERENCE) })
        });
        Ok(Page { entries: self.found(keys).await?, next })
    }

    /// The connections that these entries of the index lead to.
    async fn found(&self, entries: Vec<Item>) -> Result<Vec<StoredConnection>, StoreError> {
        let partitions = entries.iter().filter_map(|entry| item::text(entry, a::PARTITION));
        let keys: Vec<Item> =
            partitions.map(|partition| item_key(&Partition::from_stored(partition), CONNECTION)).collect();
        let items = self.items("list connections", &keys, None, Freshness::Latest).await?;
        Ok(items.iter().map(stored_connection).collect())
    }
}

/// A place in the index of references.
fn place(reference: &str, partition: &str) -> HashMap<String, AttributeValue> {
    let mut place = item_key(&Partition::from_stored(partition.to_owned()), CONNECTION);
    place.insert(a::REFERENCE.to_owned(), s(reference));
    place
}

fn stored_connection(item: &Item) -> StoredConnection {
    let user_id = item::text(item, a::IDENTIFIER).or_else(|| item::text(item, a::PARTITION)).unwrap_or_default();
    let unreadable = unreadable_registers(item).into_iter().map(str::to_owned).collect();
    StoredConnection { user_id, connection: connection_of(item), unreadable }
}
