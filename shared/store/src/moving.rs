//! Moving the records of one id to another: each is put under the new id before it is removed under the old, so that it
//! is never in neither place, and both steps can be repeated.
//!
//! A record goes over as its item stands, scores with their own versions included. Where the new id has the record
//! already the superset rule decides, as if both had come for one id: the greater version stays, and of each score the
//! greater one.

use crate::error::StoreError;
use crate::item::{Change, Item, n, s, text};
use crate::schema::attribute as a;
use crate::table::Table;
use crate::view::{stored_scores, stored_version};
use futures::stream::{StreamExt, TryStreamExt, iter};
use terrace_records::Partition;
use terrace_terra::DataType;

const DOING: &str = "move a record";
/// How many records are moved at once.
const CONCURRENT: usize = 16;
/// How often a record that others keep changing is tried.
const MAX_ROUNDS: usize = 16;

impl Table {
    /// Moves a page of the records of one type, and says how many they were. `None` once there are none left.
    ///
    /// # Errors
    ///
    /// When the table does not answer, or others keep changing a record. What was moved stays so.
    pub async fn move_some(
        &self,
        data_type: DataType,
        from: &Partition,
        to: &Partition,
        now_ms: u64,
    ) -> Result<Option<usize>, StoreError> {
        let bounds = (format!("{data_type}#"), format!("{data_type}$"));
        let (items, next) = self.between(DOING, from, (&bounds.0, &bounds.1), None, None).await?;
        if items.is_empty() && next.is_none() {
            return Ok(None);
        }
        let moves = iter(items).map(|item| self.move_one(item, from, to, now_ms));
        let moved: Vec<()> = moves.buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(Some(moved.len()))
    }

    async fn move_one(&self, mut item: Item, from: &Partition, to: &Partition, now_ms: u64) -> Result<(), StoreError> {
        let Some(sort_key) = text(&item, a::SORT) else { return Ok(()) };
        for _round in 0..MAX_ROUNDS {
            self.bring_over(&item, to, now_ms).await?;
            match self.remove_if(DOING, from, &sort_key, Some(as_read(&item))).await? {
                Ok(()) => return Ok(()),
                Err(gone) if gone.is_empty() => return Ok(()),
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
            let mut guard = as_read(&there);
            // A score that was not there when it was read must not be there now.
            let names = stored_scores(&merged).into_keys().map(|name| format!("{}{name}", a::SCORE));
            for name in names.filter(|name| !there.contains_key(name) && !there.is_empty()) {
                guard.require_same(&name, None);
            }
            match self.put_if(DOING, merged, guard).await? {
                Ok(()) => return Ok(()),
                Err(present) => there = present,
            }
        }
        Err(StoreError::contended(DOING))
    }
}

/// On the condition that a record is still what was read: its version, each of its scores, and when it was written,
/// which a score that was not there yet has changed.
pub(crate) fn as_read(item: &Item) -> Change {
    let mut guard = Change::default();
    guard.require_same(a::VERSION, item.get(a::VERSION));
    guard.require_same(a::UPDATED_AT, item.get(a::UPDATED_AT));
    for (name, value) in item.iter().filter(|(name, _)| name.starts_with(a::SCORE)) {
        guard.require_same(name, Some(value));
    }
    guard
}

/// The record that two copies of it come to; `None` if that is what is `there`.
fn merge(item: &Item, there: &Item) -> Option<Item> {
    let (brought, present) = (stored_scores(item), stored_scores(there));
    let wins = stored_version(item) > stored_version(there);
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
