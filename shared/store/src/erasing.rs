//! Taking away what an erase takes: objects first, then the items that lead to them, so that what is interrupted is
//! found again.
//!
//! What stays of a connection is its tombstone: that it was erased, when, and which ids it had to do with.

use crate::copies;
use crate::error::StoreError;
use crate::item::{self, Change, Item, s};
use crate::log::Log;
use crate::moving::as_read;
use crate::objects::FoundObject;
use crate::schema::{NO_REFERENCE, attribute as a};
use crate::table::{Bookmark, Changed, Table};
use crate::view::{Source, connection_of, stored_scores, stored_version, touch, unreadable, unreadable_registers};
use aws_sdk_dynamodb::types::ReturnValue;
use futures::stream::{StreamExt, TryStreamExt, iter};
use std::collections::HashSet;
use terrace_records::connection::register;
use terrace_records::erasure::made_ms;
use terrace_records::key::CONNECTION;
use terrace_records::request::REQUEST;
use terrace_records::{Connection, ConnectionUpdate, Erasure, LogKey, Partition, RecordKey, Register, Version};
use terrace_terra::EventType;

/// Every sort key lies between these.
const EVERYTHING: (&str, &str) = ("\u{1}", "\u{10ffff}");
/// How many items or objects are removed at once.
const CONCURRENT: usize = 16;
const DOING: &str = "erase";

/// What goes of a partition.
#[derive(Debug, Clone, Copy)]
pub struct Taking {
    /// The erase.
    pub erasure: Erasure,
    /// Its records are another's by now, and are brought there: only deliveries and what else there is goes.
    pub records_are_anothers: bool,
}

impl Taking {
    fn takes(&self, item: &Item) -> bool {
        let sort_key = item::text(item, a::SORT).unwrap_or_default();
        let stays = sort_key == CONNECTION || (self.records_are_anothers && item.contains_key(a::VERSION));
        !stays && self.erasure.takes(item_made_ms(&sort_key, item))
    }
}

/// A page of a partition's items, looked at.
#[derive(Debug)]
pub struct Looked {
    items: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<Bookmark>,
}

/// What came of taking away what goes of a page.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// How many items were removed.
    pub items: u64,
    /// A record was written anew meanwhile.
    pub changed: bool,
}

impl Looked {
    /// The objects in the partition's own folder that what goes leads to.
    pub fn objects(&self, partition: &Partition, taking: Taking) -> HashSet<String> {
        let folder = format!("{}/", folder_of(partition));
        let taken = self.items.iter().filter(|item| taking.takes(item));
        taken.filter_map(object_of).filter(|object| object.starts_with(&folder)).collect()
    }
}

impl Table {
    /// Whether anything lies in a partition.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn is_known(&self, partition: &Partition) -> Result<bool, StoreError> {
        Ok(!self.between(DOING, partition, EVERYTHING, None, Some(1)).await?.0.is_empty())
    }

    /// Marks an end user's own partition as erased.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn mark_reference_erased(&self, partition: &Partition, at_ms: u64) -> Result<(), StoreError> {
        let (mark, mut there) = (ConnectionUpdate::of_erased(at_ms).registers, Item::new());
        loop {
            let mut change = Change::default();
            for (name, set) in &mark {
                change.raise_over(name, item::b(set.as_bytes()), unreadable(&there, name));
            }
            match self.change(DOING, partition, CONNECTION, change, ReturnValue::None).await? {
                // A mark that cannot be read is none.
                Changed::Refused(refused) if unreadable(&refused, register::ERASED).is_some() => there = refused,
                // Else there is a later one already.
                Changed::Made(_) | Changed::Refused(_) => return Ok(()),
            }
        }
    }

    /// Takes from a connection what its erase takes. An update that comes at the same time is left for the erase that
    /// it asks for.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn strip(&self, partition: &Partition, erasure: Erasure) -> Result<(), StoreError> {
        let Some(item) = self.get(DOING, partition, CONNECTION).await? else { return Ok(()) };
        let connection = connection_of(&item);
        let mut taken = connection.erased_registers(erasure);
        // What cannot be read cannot be dated either, and goes.
        let undated = unreadable_registers(&item).into_iter().map(|name| (name.to_owned(), Register::new(0, "")));
        let undated = Connection::new(undated.collect());
        taken.extend(undated.erased_registers(erasure));
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

    /// The objects that what stays of a partition leads to: all that lies there but what goes.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn objects_staying(&self, partition: &Partition, taking: Taking) -> Result<HashSet<String>, StoreError> {
        self.objects_of(partition, |item| !taking.takes(item)).await
    }

    /// The objects that the records of a partition lie in, except those that an erase takes.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn sources(
        &self,
        partition: &Partition,
        erasure: Option<Erasure>,
    ) -> Result<HashSet<String>, StoreError> {
        let taking = erasure.map(|erasure| Taking { erasure, records_are_anothers: false });
        let stays = |item: &Item| !taking.is_some_and(|taking| taking.takes(item));
        self.objects_of(partition, |item| item.contains_key(a::SOURCE) && stays(item)).await
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

    /// A page of what lies in a partition.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn look(&self, partition: &Partition, after: Option<Bookmark>) -> Result<Looked, StoreError> {
        let (items, next) = self.between(DOING, partition, EVERYTHING, after, None).await?;
        Ok(Looked { items, next })
    }

    /// Removes what goes of a page, and from the records that stay the scores that go: a late copy of before may have
    /// brought them to a newer record. What was written anew meanwhile may be of after the erase, and hold what is of
    /// before it: the page has to be looked at again.
    ///
    /// # Errors
    ///
    /// When the table does not answer. What was removed stays so, and the rest is found again.
    pub async fn take_away(&self, partition: &Partition, page: Looked, taking: Taking) -> Result<Taken, StoreError> {
        let removals = iter(page.items).map(|item| async move {
            let Some(sort_key) = item::text(&item, a::SORT) else { return Ok(Taken::default()) };
            if !taking.takes(&item) {
                let changed = !self.take_scores(partition, &sort_key, &item, taking.erasure).await?;
                return Ok(Taken { items: 0, changed });
            }
            let guard = item.contains_key(a::VERSION).then(|| as_read(&item));
            let removed = self.remove_if(DOING, partition, &sort_key, guard).await?;
            let changed = removed.as_ref().is_err_and(|there| !there.is_empty());
            Ok(Taken { items: u64::from(removed.is_ok()), changed })
        });
        let removed: Result<Vec<Taken>, StoreError> = removals.buffer_unordered(CONCURRENT).try_collect().await;
        let sum = |sum: Taken, one: Taken| Taken { items: sum.items + one.items, changed: sum.changed || one.changed };
        Ok(removed?.into_iter().fold(Taken::default(), sum))
    }

    /// `false` if the record was written anew meanwhile.
    async fn take_scores(
        &self,
        partition: &Partition,
        sort_key: &str,
        item: &Item,
        erasure: Erasure,
    ) -> Result<bool, StoreError> {
        let taken = scores_taken(sort_key, item, erasure);
        if taken.is_empty() {
            return Ok(true);
        }
        let mut change = as_read(item);
        for name in taken {
            change.remove(&name);
        }
        change.set(a::TOUCH, touch());
        let changed = self.change(DOING, partition, sort_key, change, ReturnValue::None).await?;
        Ok(matches!(changed, Changed::Made(_)))
    }
}

impl Log {
    /// The objects in a partition's folder.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer.
    pub async fn folder(&self, partition: &Partition) -> Result<Vec<FoundObject>, StoreError> {
        self.objects().list(&folder_of(partition)).try_collect().await
    }

    /// Removes objects, and says how many they were.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer. What was removed stays so.
    pub async fn remove_objects(&self, keys: HashSet<String>) -> Result<u64, StoreError> {
        let removals = iter(keys).map(|key| async move { self.objects().remove(&key).await });
        let removed: Vec<()> = removals.buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(removed.len() as u64)
    }
}

fn folder_of(partition: &Partition) -> String {
    format!("log/{}", partition.folder())
}

/// The attributes of a record's scores that an erase takes.
pub(crate) fn scores_taken(sort_key: &str, item: &Item, erasure: Erasure) -> Vec<String> {
    let data_type = RecordKey::from_sort_key(sort_key).map(|key| key.data_type());
    let goes = |version: Version| erasure.takes(made_ms(data_type, &version));
    let scores = stored_scores(item).into_iter().filter(|(_, score)| score.version().is_some_and(goes));
    scores.map(|(name, _)| format!("{}{name}", a::SCORE)).collect()
}

/// When what an item holds was made, in milliseconds since 1970; 0 for what cannot be dated.
fn item_made_ms(sort_key: &str, item: &Item) -> u64 {
    if let Some(version) = stored_version(item) {
        return made_ms(RecordKey::from_sort_key(sort_key).map(|key| key.data_type()), &version);
    }
    if sort_key.starts_with(REQUEST) {
        return item::number(item, a::UPDATED_AT).unwrap_or(0);
    }
    lab_report_made_ms(item).or_else(|| Some(LogKey::from_sort_key(sort_key)?.time_ms())).unwrap_or(0)
}

/// When a lab report's delivery was made, as its body says: the signature of a retry may be of after an erase.
fn lab_report_made_ms(item: &Item) -> Option<u64> {
    let event =
        item::text(item, a::EVENT).map(|name| EventType::from_name(&name)).filter(|event| event.is_lab_report())?;
    let copies = copies::decode(&item::bytes(item, a::COPIES)?).ok()?;
    copies.first().map(|copy| made_ms(event.data_type(), &copy.version))
}

/// The object that an item leads to.
fn object_of(item: &Item) -> Option<String> {
    let source = item::text(item, a::SOURCE).as_deref().and_then(Source::from_text).map(|source| source.object);
    source.or_else(|| item::text(item, a::OBJECT))
}
