//! A daily round that one job cannot end: what it has seen, kept among the objects for the job that goes on.
//!
//! It goes through the table first, then through the objects by their keys. The job's message names the round and nothing
//! else. Of the objects that something leads to a hash of eight bytes is kept each, so that ten million of them take 80 MB.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use terrace_store::rounds::RoundPosition;
use terrace_store::{JobId, Objects, StoreError};
use xxhash_rust::xxh3::xxh3_64;

/// The folder of what is kept.
const FOLDER: &str = "sweep/rounds";
/// Where the objects that the last round found without a leader are listed.
const ORPHANS: &str = "sweep/orphans";
/// How long a hash is.
const HASH: usize = 8;

/// A round under way.
pub(crate) struct Round {
    id: JobId,
    /// Where it goes on in the table; `None` at the beginning, and once all of it was met.
    pub(crate) position: Option<RoundPosition>,
    /// All of the table was met.
    pub(crate) met_all: bool,
    /// The last object that was looked at.
    pub(crate) listed: Option<String>,
    led_to: HashSet<u64>,
    /// What the round before this one found without a leader. That one had ended when this one began.
    before: HashSet<u64>,
    /// What this one finds so, and leaves to the next.
    orphans: Vec<String>,
}

/// The first line of what is kept; the hashes follow, then the orphans.
#[derive(Serialize, Deserialize)]
struct Head {
    position: Option<String>,
    met_all: bool,
    listed: Option<String>,
    led_to: usize,
    before: usize,
}

impl Round {
    /// A new one.
    pub async fn begin(objects: &Objects) -> Result<Self, StoreError> {
        let orphans: Vec<String> = match objects.get(ORPHANS).await? {
            Some(list) => serde_json::from_slice(&list).unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(Self {
            id: JobId::random(),
            position: None,
            met_all: false,
            listed: None,
            led_to: HashSet::new(),
            before: orphans.iter().map(|key| hash(key)).collect(),
            orphans: Vec::new(),
        })
    }

    /// One that was kept; `None` where there is none, or no longer.
    pub async fn go_on(objects: &Objects, id: &str) -> Result<Option<Self>, StoreError> {
        let Some(id) = JobId::new(id) else { return Ok(None) };
        let Some(kept) = objects.get(&place(&id)).await? else { return Ok(None) };
        read(id, &kept)
            .map(Some)
            .ok_or_else(|| StoreError::corrupt("go on with a round", "what was kept of it is damaged"))
    }

    /// Keeps it for another job.
    pub async fn keep(&self, objects: &Objects) -> Result<(), StoreError> {
        let failure = |error| StoreError::refused("keep a round", error);
        let head = Head {
            position: self.position.as_ref().map(RoundPosition::to_text),
            met_all: self.met_all,
            listed: self.listed.clone(),
            led_to: self.led_to.len(),
            before: self.before.len(),
        };
        let mut kept = serde_json::to_vec(&head).map_err(failure)?;
        kept.push(b'\n');
        kept.extend(self.led_to.iter().chain(&self.before).flat_map(|hash| hash.to_be_bytes()));
        serde_json::to_writer(&mut kept, &self.orphans).map_err(failure)?;
        objects.put(&place(&self.id), Bytes::from(kept)).await
    }

    /// Leaves what it found without a leader to the next one, and forgets what was kept of it.
    pub async fn end(self, objects: &Objects) -> Result<(), StoreError> {
        let list = serde_json::to_vec(&self.orphans);
        let list = list.map_err(|error| StoreError::refused("list orphaned objects", error))?;
        objects.put(ORPHANS, Bytes::from(list)).await?;
        objects.remove(&place(&self.id)).await
    }

    /// What it is called in the message of the job that goes on.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Something leads to this object.
    pub fn leads_to(&mut self, object: &str) {
        self.led_to.insert(hash(object));
    }

    /// Whether something that was met leads to this object.
    pub fn is_led_to(&self, object: &str) -> bool {
        self.led_to.contains(&hash(object))
    }

    /// Whether the round before found this object without a leader too.
    pub fn was_orphan(&self, object: &str) -> bool {
        self.before.contains(&hash(object))
    }

    /// Nothing that was met leads to this object: the next round will know.
    pub fn is_orphan(&mut self, object: String) {
        self.orphans.push(object);
    }
}

fn read(id: JobId, kept: &[u8]) -> Option<Round> {
    let end = kept.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(kept.get(..end)?).ok()?;
    let rest = kept.get(end + 1..)?;
    let (led_to, rest) = rest.split_at_checked(head.led_to.checked_mul(HASH)?)?;
    let (before, orphans) = rest.split_at_checked(head.before.checked_mul(HASH)?)?;
    let hashes = |bytes: &[u8]| {
        bytes.chunks_exact(HASH).filter_map(|hash| hash.try_into().ok()).map(u64::from_be_bytes).collect()
    };
    Some(Round {
        id,
        position: match head.position {
            Some(position) => Some(RoundPosition::from_text(&position)?),
            None => None,
        },
        met_all: head.met_all,
        listed: head.listed,
        led_to: hashes(led_to),
        before: hashes(before),
        orphans: serde_json::from_slice(orphans).ok()?,
    })
}

fn hash(object: &str) -> u64 {
    xxh3_64(object.as_bytes())
}

fn place(id: &JobId) -> String {
    format!("{FOLDER}/{id}")
}
