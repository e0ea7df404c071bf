//! Moving the records of one id to another: each is put under the new id before it is removed under the old, so that it
//! is never in neither place, and both steps can be repeated.
//!
//! A record goes over as its item stands, scores with their own versions included. Where the new id has the record
//! already the superset rule decides, as if both had come for one id: the greater version stays, and of each score the
//! greater one.

use crate::erasing::scores_taken;
use crate::error::StoreError;
use crate::item::{Change, Item, n, s, text};
use crate::reader::record_of;
use crate::schema::attribute as a;
use crate::table::{Bookmark, Table};
use crate::view::{stored_scores, stored_version, touch};
use futures::stream::{StreamExt, TryStreamExt, iter};
use terrace_records::erasure::made_ms;
use terrace_records::{Erasure, Partition, RecordKey, Status};
use terrace_terra::DataType;

const DOING: &str = "move a record";
/// How many records are moved at once.
const CONCURRENT: usize = 16;
/// How often a record that others keep changing is tried.
const MAX_ROUNDS: usize = 16;

/// What came of moving a page of records.
#[derive(Debug)]
pub enum Moved {
    /// So many were moved; where to go on, if there are more.
    Page(usize, Option<Bookmark>),
    /// They are not to be moved any more: the connection stands otherwise now.
    Stopped,
}

/// Whose records are moved, and while what.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The id that they lie under.
    pub from: &'a Partition,
    /// The one that they go under.
    pub to: &'a Partition,
    /// How the old connection stands as long as they are to be moved. Only who brings them over before an erase moves
    /// those of an erased one: what others brought over meanwhile would lie in objects that are about to go.
    pub while_it_is: Status,
}

impl Table {
    /// Moves a page of the records of one type. Those that an erase of before the id was replaced takes are left to it.
    ///
    /// # Errors
    ///
    /// When the table does not answer, or others keep changing a record. What was moved stays so.
    pub async fn move_some(
        &self,
        data_type: DataType,
        moved: Move<'_>,
        after: Option<Bookmark>,
        now_ms: u64,
    ) -> Result<Moved, StoreError> {
        let Move { from, to, while_it_is } = moved;
        let bounds = (format!("{data_type}#"), format!("{data_type}$"));
        let (items, next) = self.between(DOING, from, (&bounds.0, &bounds.1), after, None).await?;
        if items.is_empty() {
            return Ok(Moved::Page(0, next));
        }
        // Looked at after the records, so that none of those moved came after a mark that is not seen here.
        let connection = self.connection(from).await?.map(|stored| stored.connection).unwrap_or_default();
        if connection.status() != while_it_is || connection.passes_on_to().is_none() {
            return Ok(Moved::Stopped);
        }
        let erasure = connection.erasure_of_records(from.kind());
        let moves = iter(items).map(|item| self.move_one(item, (from, to), erasure, now_ms));
        let moved: Vec<bool> = moves.buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(Moved::Page(moved.into_iter().filter(|moved| *moved).count(), next))
    }

    /// `false` for one that is left to an erase.
    async fn move_one(
        &self,
        mut item: Item,
        (from, to): (&Partition, &Partition),
        erasure: Option<Erasure>,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let Some(sort_key) = text(&item, a::SORT) else { return Ok(false) };
        for _round in 0..MAX_ROUNDS {
            let guard = as_read(&item);
            let Some(goes) = what_goes_on(item, &sort_key, erasure) else { return Ok(false) };
            self.bring_over(&goes, to, now_ms).await?;
            match self.remove_if(DOING, from, &sort_key, Some(guard)).await? {
                Ok(()) => return Ok(true),
                Err(gone) if gone.is_empty() => return Ok(true),
                // A delivery for the old id changed it meanwhile: that goes over as well.
                Err(changed) => item = changed,
            }
        }
        Err(StoreError::contended(DOING))
    }

    /// Puts a record under another id, where it is not there already as great as it is here.
    async fn bring_over(&self, item: &Item, to: &Partition, now_ms: u64) -> Result<(), StoreError> {
        let mut there = Item::new();
        for _round in 0..MAX_ROUNDS {
            let Some(mut merged) = merge(item, &there) else { return Ok(()) };
            merged.insert(a::PARTITION.to_owned(), s(to.as_str()));
            merged.insert(a::UPDATED_AT.to_owned(), n(now_ms));
            merged.insert(a::TOUCH.to_owned(), touch());
            match self.put_if(DOING, merged, as_read(&there)).await? {
                Ok(()) => return Ok(()),
                Err(present) => there = present,
            }
        }
        Err(StoreError::contended(DOING))
    }
}

/// What of a record goes on where an erase of before takes some of it; `None` where it takes the record.
fn what_goes_on(mut item: Item, sort_key: &str, erasure: Option<Erasure>) -> Option<Item> {
    let Some(erasure) = erasure else { return Some(item) };
    let data_type = RecordKey::from_sort_key(sort_key).map(|key| key.data_type());
    if erasure.takes(made_ms(data_type, &stored_version(&item)?)) {
        return None;
    }
    for name in scores_taken(sort_key, &item, erasure) {
        item.remove(&name);
    }
    Some(item)
}

/// On the condition that a record is still what was read: its version, and whether a score was set since.
pub(crate) fn as_read(item: &Item) -> Change {
    let mut guard = Change::default();
    for name in [a::VERSION, a::UPDATED_AT, a::TOUCH] {
        guard.require_same(name, item.get(name));
    }
    guard
}

/// The record that two copies of it come to; `None` if that is what is `there`.
fn merge(item: &Item, there: &Item) -> Option<Item> {
    let (brought, present) = (stored_scores(item), stored_scores(there));
    // What cannot be read yields to what can, and goes over where there is nothing.
    let rank = |item: &Item| Some((stored_version(item)?, record_of(item).is_ok()));
    let wins = there.is_empty() || rank(item) > rank(there);
    let mut merged = if wins { item.clone() } else { there.clone() };
    let mut changed = wins;
    for (name, register) in brought.iter().chain(&present) {
        // Registers compare by the version that set them.
        let other = if brought.get(name) == Some(register) { present.get(name) } else { brought.get(name) };
        let greatest = other.filter(|other| other.version() > register.version()).unwrap_or(register);
        changed |= present.get(name) != Some(greatest);
        merged.insert(format!("{}{name}", a::SCORE), crate::item::b(greatest.as_bytes()));
    }
    changed.then_some(merged)
}
