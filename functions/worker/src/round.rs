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

/// The folder of what is kept of rounds under way.
const FOLDER: &str = "sweep/rounds";
/// What the rounds that ended leave to the next.
const LAST: &str = "sweep/last";
/// How long a hash is.
const HASH: usize = 8;

/// A round under way.
pub(crate) struct Round {
    id: JobId,
    /// When it began, in milliseconds since 1970.
    pub(crate) began_ms: u64,
    /// What the rounds before it left to it.
    last: Last,
    /// Where it goes on in the table; `None` at the beginning, and once all of it was met.
    pub(crate) position: Option<RoundPosition>,
    /// All of the table was met.
    pub(crate) met_all: bool,
    /// A delivery could not be applied. Those of its days are then looked at by the next rounds too.
    pub(crate) failed: bool,
    /// The last object that was looked at.
    pub(crate) listed: Option<String>,
    /// What leads to objects.
    pub(crate) leaders: Leaders,
    /// What this one finds without a leader, and leaves to the next.
    pub(crate) orphans: Vec<String>,
}

/// What rounds that ended leave to the next.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Last {
    /// The table that they went through. To one that was restored in its place they leave nothing.
    table: String,
    /// When the last two of them began that could apply every delivery, in milliseconds since 1970; the earlier first.
    began_ms: [u64; 2],
    /// The objects that the last one found without a leader.
    orphans: Vec<String>,
}

/// What leads to objects, as far as the table was met.
pub(crate) struct Leaders {
    led_to: HashSet<u64>,
    /// What the round before this one found without a leader. That one had ended when this one began.
    before: HashSet<u64>,
}

/// What an object is to a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Something that was met leads to it.
    LedTo,
    /// Nothing does: the next round will know.
    Orphan,
    /// Nothing does, as in the round before.
    OrphanAgain,
}

/// The first line of what is kept; the hashes follow, then the orphans.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Head {
    table: String,
    began_ms: u64,
    last_began_ms: [u64; 2],
    position: Option<String>,
    met_all: bool,
    failed: bool,
    listed: Option<String>,
    led_to: usize,
    before: usize,
}

impl Round {
    /// A new one.
    pub async fn begin(objects: &Objects, table: &str, now_ms: u64) -> Result<Self, StoreError> {
        let left = objects.get(LAST).await?;
        // With nothing left to it this round looks as far back as any, and removes nothing.
        let left = left.and_then(|left| serde_json::from_slice::<Last>(&left).ok()).filter(|left| left.table == table);
        let mut last = left.unwrap_or_else(|| Last { table: table.to_owned(), ..Last::default() });
        let before = std::mem::take(&mut last.orphans).iter().map(|key| hash(key)).collect();
        Ok(Self {
            id: JobId::random(),
            began_ms: now_ms,
            last,
            position: None,
            met_all: false,
            failed: false,
            listed: None,
            leaders: Leaders { led_to: HashSet::new(), before },
            orphans: Vec::new(),
        })
    }

    /// One that was kept; `None` where there is none, or no longer, or it went through another table: that one is forgotten.
    pub async fn go_on(objects: &Objects, table: &str, id: &str) -> Result<Option<Self>, StoreError> {
        let Some(id) = JobId::new(id) else { return Ok(None) };
        let Some(kept) = objects.get(&place(&id)).await? else { return Ok(None) };
        let damaged = || StoreError::corrupt("go on with a round", "what was kept of it is damaged");
        let round = read(id, &kept).ok_or_else(damaged)?;
        if round.last.table != table {
            objects.remove(&place(&round.id)).await?;
            return Ok(None);
        }
        Ok(Some(round))
    }

    /// Keeps it for another job.
    pub async fn keep(&self, objects: &Objects) -> Result<(), StoreError> {
        let failure = |error| StoreError::refused("keep a round", error);
        let Leaders { led_to, before } = &self.leaders;
        let head = Head {
            table: self.last.table.clone(),
            began_ms: self.began_ms,
            last_began_ms: self.last.began_ms,
            position: self.position.as_ref().map(RoundPosition::to_text),
            met_all: self.met_all,
            failed: self.failed,
            listed: self.listed.clone(),
            led_to: led_to.len(),
            before: before.len(),
        };
        let mut kept = serde_json::to_vec(&head).map_err(failure)?;
        kept.push(b'\n');
        kept.extend(led_to.iter().chain(before).flat_map(|hash| hash.to_be_bytes()));
        serde_json::to_writer(&mut kept, &self.orphans).map_err(failure)?;
        objects.put(&place(&self.id), Bytes::from(kept)).await
    }

    /// Leaves to the next one what it found, and forgets what was kept of it.
    pub async fn end(self, objects: &Objects) -> Result<(), StoreError> {
        let [_, before] = self.last.began_ms;
        let began_ms = if self.failed { self.last.began_ms } else { [before, self.began_ms] };
        let last = serde_json::to_vec(&Last { table: self.last.table, began_ms, orphans: self.orphans });
        let last = last.map_err(|error| StoreError::refused("end a round", error))?;
        objects.put(LAST, Bytes::from(last)).await?;
        objects.remove(&place(&self.id)).await
    }

    /// What it is called in the message of the job that goes on.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// When the round before the last one began that could look at everything: what came since then is looked at, so that
    /// two rounds see each delivery. One that is being moved to another id may be met by the first of them in neither
    /// place. 0 where there were no two.
    pub fn looks_back_to_ms(&self) -> u64 {
        let [before_the_last, _] = self.last.began_ms;
        before_the_last
    }
}

impl Leaders {
    /// Something leads to this object.
    pub fn lead_to(&mut self, object: &str) {
        self.led_to.insert(hash(object));
    }

    /// What this object is, as far as is known.
    pub fn standing(&self, object: &str) -> Standing {
        let object = hash(object);
        match (self.led_to.contains(&object), self.before.contains(&object)) {
            (true, _) => Standing::LedTo,
            (false, false) => Standing::Orphan,
            (false, true) => Standing::OrphanAgain,
        }
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
        began_ms: head.began_ms,
        last: Last { table: head.table, began_ms: head.last_began_ms, orphans: Vec::new() },
        position: match head.position {
            Some(position) => Some(RoundPosition::from_text(&position)?),
            None => None,
        },
        met_all: head.met_all,
        failed: head.failed,
        listed: head.listed,
        leaders: Leaders { led_to: hashes(led_to), before: hashes(before) },
        orphans: serde_json::from_slice(orphans).ok()?,
    })
}

fn hash(object: &str) -> u64 {
    xxh3_64(object.as_bytes())
}

fn place(id: &JobId) -> String {
    format!("{FOLDER}/{id}")
}
