//! Taking away what an erase takes: objects first, then the items that lead to them, so that what is interrupted is
//! found again.
//!
//! What stays of a connection is its tombstone: that it was erased, when, and which ids it had to do with. What stays
//! of the erase is a line in the ledger, an object of its own in the bucket, from which erases are done again after a
//! table was restored from before them.

use crate::error::StoreError;
use crate::item::{self, Change, Item, s};
use crate::log::Log;
use crate::moving::as_read;
use crate::queue::Subject;
use crate::schema::{NO_REFERENCE, attribute as a};
use crate::table::{Changed, Table};
use crate::view::{Source, connection_of, stored_version};
use aws_sdk_dynamodb::types::ReturnValue;
use bytes::Bytes;
use futures::stream::{StreamExt, TryStreamExt, iter};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use terrace_records::connection::register;
use terrace_records::erasure::made_ms;
use terrace_records::key::CONNECTION;
use terrace_records::{Connection, ConnectionUpdate, Erasure, LogKey, Partition, RecordKey};

/// Every sort key lies between these.
const EVERYTHING: (&str, &str) = ("\u{1}", "\u{10ffff}");
/// The folder of the ledger.
const LEDGER: &str = "erasures";
/// How many items or objects are removed at once.
const CONCURRENT: usize = 16;
const DOING: &str = "erase";

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Whose data was erased.
    pub subject: Subject,
    /// As of when, in milliseconds since 1970.
    pub erased_at: u64,
}

/// What came of one look at a partition that is being erased.
#[derive(Debug, Default)]
pub struct ErasedPage {
    /// How many items were removed.
    pub items: u64,
    /// How many objects were removed.
    pub objects: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

/// Where to go on within a partition.
#[derive(Debug, Clone)]
pub struct Position(Item);

impl Table {
    /// Whether anything lies in a partition.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn is_known(&self, partition: &Partition) -> Result<bool, StoreError> {
        Ok(!self.between(DOING, partition, EVERYTHING, None, Some(1)).await?.0.is_empty())
    }

    /// Marks a connection as erased, and returns it as it is afterwards.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn mark_erased(&self, partition: &Partition, at_ms: u64) -> Result<Connection, StoreError> {
        let mut change = Change::default();
        for (name, set) in ConnectionUpdate::of_erased(at_ms).registers {
            change.raise(&name, item::b(set.as_bytes()));
        }
        match self.change(DOING, partition, CONNECTION, change, ReturnValue::AllNew).await? {
            Changed::Made(item) | Changed::Refused(item) => Ok(connection_of(&item)),
        }
    }

    /// Takes from a connection what its erase takes. An update that comes at the same time is left for the erase that
    /// it asks for.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn strip(&self, partition: &Partition) -> Result<(), StoreError> {
        let Some(item) = self.get(DOING, partition, CONNECTION).await? else { return Ok(()) };
        let connection = connection_of(&item);
        let taken = connection.erased_registers();
        let mut change = Change::default();
        for name in &taken {
            change.require_same(name, item.get(*name));
            change.remove(name);
        }
        if item.contains_key(a::REFERENCE) && taken.contains(&register::REFERENCE_ID) {
            change.set(a::REFERENCE, s(NO_REFERENCE));
        }
        if taken.is_empty() {
            return Ok(());
        }
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.change(DOING, partition, CONNECTION, change, ReturnValue::None).await?;
        Ok(())
    }

    /// The objects that what an erase leaves in a partition leads to.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn staying(&self, partition: &Partition, erasure: Erasure) -> Result<HashSet<String>, StoreError> {
        if !erasure.lifted {
            return Ok(HashSet::new());
        }
        let stays = |item: &Item| {
            let sort_key = item::text(item, a::SORT).unwrap_or_default();
            !erasure.takes(item_made_ms(&sort_key, item))
        };
        self.objects_of(partition, stays).await
    }

    /// The objects that the records of a partition lie in.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn sources(&self, partition: &Partition) -> Result<HashSet<String>, StoreError> {
        self.objects_of(partition, |item| item.contains_key(a::SOURCE)).await
    }

    async fn objects_of(
        &self,
        partition: &Partition,
        counts: impl Fn(&Item) -> bool,
    ) -> Result<HashSet<String>, StoreError> {
        let (mut objects, mut after) = (HashSet::new(), None);
        loop {
            let (items, next) = self.between(DOING, partition, EVERYTHING, after, None).await?;
            objects.extend(items.iter().filter(|item| counts(item)).filter_map(object_of));
            after = next;
            if after.is_none() {
                return Ok(objects);
            }
        }
    }
}

impl Log {
    /// Removes what an erase takes from a page of a partition's items: first the objects that they lead to, except the
    /// `needed` ones, then the items. The connection stays.
    ///
    /// # Errors
    ///
    /// When the store does not answer. What was removed stays so, and the rest is found again.
    pub async fn erase_some(
        &self,
        partition: &Partition,
        erasure: Erasure,
        needed: &HashSet<String>,
        after: Option<Position>,
    ) -> Result<ErasedPage, StoreError> {
        let after = after.map(|after| after.0);
        let (items, next) = self.table().between(DOING, partition, EVERYTHING, after, None).await?;
        let taken = items.into_iter().filter_map(|item| {
            let sort_key = item::text(&item, a::SORT).filter(|sort_key| sort_key != CONNECTION)?;
            erasure.takes(item_made_ms(&sort_key, &item)).then_some((sort_key, item))
        });
        let taken: Vec<_> = taken.collect();
        let objects = taken.iter().filter_map(|(_, item)| object_of(item)).filter(|object| !needed.contains(object));
        let objects = self.remove_objects(objects.collect()).await?;
        let removals = iter(taken).map(|(sort_key, item)| async move {
            // A record that was written anew meanwhile may be of after the erase: the next look tells.
            let guard = item.contains_key(a::VERSION).then(|| as_read(&item));
            self.table().remove_if(DOING, partition, &sort_key, guard).await
        });
        let removed: Vec<_> = removals.buffer_unordered(CONCURRENT).try_collect().await?;
        let items = removed.iter().filter(|removed| removed.is_ok()).count() as u64;
        Ok(ErasedPage { items, objects, next: next.map(Position) })
    }

    /// Removes the objects in a partition's folder that nobody needs and that were written before a moment: those of
    /// deliveries that got no further, and those whose delivery has expired.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer. What was removed stays so.
    pub async fn erase_folder(
        &self,
        partition: &Partition,
        needed: &HashSet<String>,
        written_before_ms: u64,
    ) -> Result<u64, StoreError> {
        let listed = self.objects().list(&format!("log/{}", partition.folder()));
        let taken = listed.try_filter_map(|found| async move {
            Ok((found.modified_ms < written_before_ms && !needed.contains(&found.key)).then_some(found.key))
        });
        self.remove_objects(taken.try_collect().await?).await
    }

    async fn remove_objects(&self, keys: HashSet<String>) -> Result<u64, StoreError> {
        let removals = iter(keys).map(|key| async move { self.objects().remove(&key).await });
        let removed: Vec<()> = removals.buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(removed.len() as u64)
    }

    /// Enters an erase into the ledger.
    ///
    /// # Errors
    ///
    /// When the bucket does not take it.
    pub async fn enter_erasure(&self, subject: &Subject, partition: &Partition, at_ms: u64) -> Result<(), StoreError> {
        let line = LedgerLine { subject: subject.clone(), erased_at: at_ms };
        let text = serde_json::to_vec(&line).map_err(|error| StoreError::refused(DOING, error))?;
        self.objects().put(&format!("{LEDGER}/{at_ms:013}-{}", partition.folder()), Bytes::from(text)).await
    }

    /// The lines of the ledger, in no order.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer.
    pub async fn erasures(&self) -> Result<Vec<LedgerLine>, StoreError> {
        let listed = self.objects().list(LEDGER);
        let lines = listed.map_ok(|found| async move {
            let bytes = self.objects().get(&found.key).await?;
            Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        });
        lines.try_buffer_unordered(CONCURRENT).try_filter_map(|line| async move { Ok(line) }).try_collect().await
    }
}

/// When what an item holds was made, in milliseconds since 1970; 0 for what cannot be dated.
fn item_made_ms(sort_key: &str, item: &Item) -> u64 {
    if let Some(version) = stored_version(item) {
        let delivery = item::text(item, a::DELIVERY).as_deref().and_then(LogKey::from_sort_key);
        let data_type = RecordKey::from_sort_key(sort_key).map(|key| key.data_type());
        return made_ms(data_type, &version, delivery.as_ref());
    }
    LogKey::from_sort_key(sort_key).map_or(0, |key| key.time_ms())
}

/// The object that an item leads to.
fn object_of(item: &Item) -> Option<String> {
    let source = item::text(item, a::SOURCE).as_deref().and_then(Source::from_text).map(|source| source.object);
    source.or_else(|| item::text(item, a::OBJECT))
}
