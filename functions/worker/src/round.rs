//! A daily round that one job cannot end: what it has seen, kept among the objects for the job that goes on.
//!
//! The job's message names the round and nothing else. Of the objects that something leads to a hash of eight bytes is
//! kept each, so that ten million of them take 80 MB.

use bytes::Bytes;
use std::collections::HashSet;
use terrace_store::rounds::RoundPosition;
use terrace_store::{JobId, Objects, StoreError};
use xxhash_rust::xxh3::xxh3_64;

/// The folder of what is kept.
const FOLDER: &str = "sweep/rounds";
/// How long a hash is.
const HASH: usize = 8;

/// A round under way.
pub(crate) struct Round {
    id: JobId,
    /// Where it goes on; `None` at the beginning.
    pub(crate) position: Option<RoundPosition>,
    led_to: HashSet<u64>,
}

impl Round {
    /// A new one.
    pub fn begin() -> Self {
        Self { id: JobId::random(), position: None, led_to: HashSet::new() }
    }

    /// One that was kept; `None` where there is none, or no longer.
    pub async fn go_on(objects: &Objects, id: &str) -> Result<Option<Self>, StoreError> {
        let Some(id) = JobId::new(id) else { return Ok(None) };
        let Some(kept) = objects.get(&place(&id)).await? else { return Ok(None) };
        let damaged = || StoreError::corrupt("go on with a round", "what was kept of it is damaged");
        let end = kept.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let (position, hashes) = kept.split_at(end);
        let position = std::str::from_utf8(position).ok().and_then(RoundPosition::from_text).ok_or_else(damaged)?;
        let hashes = hashes.get(1..).unwrap_or_default().chunks_exact(HASH);
        let led_to = hashes.filter_map(|hash| hash.try_into().ok()).map(u64::from_be_bytes).collect();
        Ok(Some(Self { id, position: Some(position), led_to }))
    }

    /// Keeps it for another job.
    pub async fn keep(&self, objects: &Objects) -> Result<(), StoreError> {
        let mut kept = self.position.as_ref().map(RoundPosition::to_text).unwrap_or_default().into_bytes();
        kept.push(b'\n');
        kept.extend(self.led_to.iter().flat_map(|hash| hash.to_be_bytes()));
        objects.put(&place(&self.id), Bytes::from(kept)).await
    }

    /// Forgets what was kept of it.
    pub async fn end(self, objects: &Objects) -> Result<(), StoreError> {
        objects.remove(&place(&self.id)).await
    }

    /// What it is called in the message of the job that goes on.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Something leads to this object.
    pub fn leads_to(&mut self, object: &str) {
        self.led_to.insert(xxh3_64(object.as_bytes()));
    }

    /// Whether something that was met leads to this object.
    pub fn is_led_to(&self, object: &str) -> bool {
        self.led_to.contains(&xxh3_64(object.as_bytes()))
    }
}

fn place(id: &JobId) -> String {
    format!("{FOLDER}/{id}")
}
