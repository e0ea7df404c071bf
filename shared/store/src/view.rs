//! The view: applying copies of records and updates of connections.
//!
//! One conditional `UpdateItem` applies a copy, with no read first: `attribute_not_exists(version) OR version <
//! :version`. Where it fails DynamoDB returns what is there, which tells *unchanged* from *stale* and which scores of
//! the copy are still newer. Every step can be repeated: a crash between any two calls is mended by the retry.

use crate::error::StoreError;
use crate::item::{self, Change, Item, b, n, s};
use crate::reader::record_of;
use crate::schema::{NO_REFERENCE, attribute as a};
use crate::table::{Changed, Table};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use terrace_records::connection::{Registers, register};
use terrace_records::decision::{coverage_fell_sharply, newer_scores, scores_of};
use terrace_records::key::{CONNECTION, reference_text};
use terrace_records::scores::{ScoreRegister, StoredScores};
use terrace_records::version::RULE;
use terrace_records::{
    Connection, ConnectionUpdate, LogKey, Partition, RecordCopy, Register, Repeats, Standing, Version,
};
use terrace_terra::ids::{ReferenceId, UserId};
use terrace_terra::time::local_moment_as_sent;

/// How often a write that others keep overtaking is tried before the delivery is given back to Terra. Each round means
/// that another delivery got its way, so more than a few happen only where many write one record at once.
const MAX_ROUNDS: usize = 16;
/// A time as sent that is longer than this is none, and not worth an attribute.
const MAX_TIME_TEXT: usize = 64;

/// What of a copy is written, and where the rest lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    /// The whole record, one zstd frame, in the item.
    Whole(Vec<u8>),
    /// The summary in the item, one zstd frame; the whole in the log.
    Summary {
        /// The packed summary.
        summary: Vec<u8>,
        /// Where the whole lies.
        source: Source,
    },
    /// A delete mark: nothing is kept of the record but its version and its scores.
    Deleted,
}

/// A record's frame within an object of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The object's key.
    pub object: String,
    /// Where the frame begins, in bytes.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
}

impl Source {
    fn to_text(&self) -> String {
        format!("{}#{}#{}", self.object, self.start, self.end)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '#');
        let (end, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let object = parts.next()?.to_owned();
        (start < end && !object.is_empty()).then_some(Self { object, start, end })
    }
}

/// Where a copy comes from.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// The delivery.
    pub delivery: &'a LogKey,
    /// The connection's provider, as the delivery says.
    pub provider: Option<&'a str>,
    /// The server's clock, in milliseconds since 1970.
    pub now_ms: u64,
}

/// What came of applying a delivery's copies of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// What became of the greatest of them.
    pub standing: Standing,
    /// It replaced a copy that was much fuller.
    pub coverage_fell: bool,
    /// It lost to a copy whose time came from the ordering header, while its own did not.
    pub stale_without_header: bool,
}

impl Table {
    /// Applies the copies of one record that a delivery has. `body` is that of the greatest.
    pub async fn apply(
        &self,
        partition: &Partition,
        copies: &Repeats<'_>,
        body: &RecordBody,
        provenance: Provenance<'_>,
    ) -> Result<Applied, StoreError> {
        let copy = &copies.greatest;
        let mut damaged = None;
        for _round in 0..MAX_ROUNDS {
            let change = record_change(copy, body, provenance, damaged.take().as_ref());
            let sort_key = copy.key.sort_key();
            match self.change("store a record", partition, sort_key, change, ReturnValue::UpdatedOld).await? {
                Changed::Made(before) => {
                    let coverage_fell =
                        stored_version(&before).is_some_and(|before| coverage_fell_sharply(&before, &copy.version));
                    if copies.rest.is_empty()
                        || self.raise_scores(partition, copy, scores_of(&copies.rest), provenance).await?
                    {
                        return Ok(Applied { standing: Standing::Stored, coverage_fell, stale_without_header: false });
                    }
                }
                Changed::Refused(stored) => {
                    let readable = |version: &Version| *version != copy.version || record_of(&stored).is_ok();
                    let Some(version) = stored_version(&stored).filter(readable) else {
                        // Nothing would ever be greater than what does not compare, and nothing but a repeat mends what
                        // lost its body.
                        damaged = Some(stored);
                        continue;
                    };
                    let newer = newer_scores(scores_of(copies.all()), &stored_scores(&stored));
                    if newer.is_empty() || self.raise_scores(partition, copy, newer, provenance).await? {
                        let standing = Standing::of(Some(&version), &copy.version);
                        let stale_without_header =
                            standing == Standing::Stale && copy.version.signed_at() != 0 && version.signed_at() == 0;
                        return Ok(Applied { standing, coverage_fell: false, stale_without_header });
                    }
                }
            }
        }
        Err(StoreError::contended("store a record"))
    }

    /// Sets those of `scores` that are newer than what is there, in one guarded call where nobody interferes. `false`
    /// if the record is gone, and has to be applied anew.
    async fn raise_scores(
        &self,
        partition: &Partition,
        copy: &RecordCopy<'_>,
        mut scores: StoredScores,
        provenance: Provenance<'_>,
    ) -> Result<bool, StoreError> {
        let mut there = Item::new();
        for _round in 0..MAX_ROUNDS {
            if scores.is_empty() {
                return Ok(true);
            }
            let mut change = Change::default();
            change.require_presence(a::VERSION);
            for (name, register) in &scores {
                let attribute = score_attribute(name);
                let unreadable = there.get(&attribute).filter(|_| stored_score(&there, &attribute).is_none());
                change.raise_over(&attribute, b(register.as_bytes()), unreadable);
            }
            change.set(a::UPDATED_AT, n(provenance.now_ms));
            change.set(a::TOUCH, touch());
            let sort_key = copy.key.sort_key();
            match self.change("store scores", partition, sort_key, change, ReturnValue::None).await? {
                Changed::Made(_) => return Ok(true),
                Changed::Refused(stored) if stored_version(&stored).is_none() => return Ok(false),
                Changed::Refused(stored) => {
                    scores = newer_scores(scores, &stored_scores(&stored));
                    there = stored;
                }
            }
        }
        Err(StoreError::contended("store scores"))
    }

    /// Updates a connection and returns it as it is afterwards. `user` is its id, kept beside the key where the key
    /// holds only a hash. A register that cannot be read is set anew: it must not stand in the way for good.
    pub async fn update_connection(
        &self,
        partition: &Partition,
        user: &UserId<'_>,
        mut update: ConnectionUpdate,
    ) -> Result<Connection, StoreError> {
        let mut there = Item::new();
        for _round in 0..MAX_ROUNDS {
            let change = connection_change(partition, user, &update, &there);
            match self.change("store a connection", partition, CONNECTION, change, ReturnValue::AllNew).await? {
                Changed::Made(item) => return Ok(connection_of(&item)),
                Changed::Refused(item) => {
                    let stored = connection_of(&item);
                    update = update.newer_than(stored.registers());
                    if update.registers.is_empty() {
                        return Ok(stored);
                    }
                    there = item;
                }
            }
        }
        Err(StoreError::contended("store a connection"))
    }
}

/// A value that tells one write of a record from another of the same version: two deliveries may come within one
/// millisecond.
pub(crate) fn touch() -> AttributeValue {
    n(fastrand::u32(..))
}

fn score_attribute(name: &str) -> String {
    format!("{}{name}", a::SCORE)
}

/// The whole of an item after a copy won: what it does not have is removed, so that nothing of an older copy lingers.
/// A record's version is never below its scores', so its own need no guard. In the place of what is damaged it comes
/// whatever that was.
fn record_change(
    copy: &RecordCopy<'_>,
    body: &RecordBody,
    provenance: Provenance<'_>,
    damaged: Option<&Item>,
) -> Change {
    let mut change = Change::default();
    change.raise_over(a::VERSION, b(copy.version.as_bytes()), damaged.and_then(|damaged| damaged.get(a::VERSION)));
    change.set(a::RULE, n(RULE));
    change.set(a::DELIVERY, s(provenance.delivery.sort_key()));
    change.set(a::UPDATED_AT, n(provenance.now_ms));
    let deleted = matches!(body, RecordBody::Deleted);
    let element = &copy.element;
    let time = |text: Option<&str>| text.filter(|text| text.len() <= MAX_TIME_TEXT && !deleted).map(s);
    let identifier = copy.key.is_hashed().then(|| s(element.identifier.as_str()));
    let (whole, summary, source) = match body {
        RecordBody::Whole(frame) => (Some(b(frame.as_slice())), None, None),
        RecordBody::Summary { summary, source } => (None, Some(b(summary.as_slice())), Some(s(source.to_text()))),
        RecordBody::Deleted => (None, None, None),
    };
    let attributes: [(&str, Option<AttributeValue>); 9] = [
        (a::START, time(element.start_time.as_deref())),
        (a::END, time(element.end_time.as_deref())),
        (a::START_KEY, (!deleted).then(|| start_key(copy)).flatten().map(s)),
        (a::PROVIDER, provenance.provider.filter(|text| text.len() <= 256).map(s)),
        (a::IDENTIFIER, identifier),
        (a::BODY, whole),
        (a::SUMMARY, summary),
        (a::SOURCE, source),
        (a::DELETED, deleted.then_some(AttributeValue::Bool(true))),
    ];
    for (name, value) in attributes {
        match value {
            Some(value) => change.set(name, value),
            None => change.remove(name),
        }
    }
    let scores = scores_of([copy]);
    let scores = match damaged {
        Some(damaged) => newer_scores(scores, &stored_scores(damaged)),
        None => scores,
    };
    for (name, register) in scores {
        change.set(&score_attribute(&name), b(register.as_bytes()));
    }
    change
}

/// Where a record stands in `by_start`. Days need no place there: their keys are dates. A record without a date comes
/// after the dated ones.
fn start_key(copy: &RecordCopy<'_>) -> Option<String> {
    let data_type = copy.key.data_type();
    let moment = copy.element.start_time.as_deref().and_then(local_moment_as_sent).unwrap_or("~");
    (!data_type.is_daily()).then(|| format!("{data_type}#{moment}"))
}

fn connection_change(partition: &Partition, user: &UserId<'_>, update: &ConnectionUpdate, there: &Item) -> Change {
    let mut change = Change::default();
    for (name, register) in &update.registers {
        change.raise_over(name, b(register.as_bytes()), unreadable(there, name));
    }
    let reference = update.registers.get(register::REFERENCE_ID).map(Register::value).and_then(ReferenceId::new);
    match reference {
        Some(reference) => change.set(a::REFERENCE, s(reference_text(&reference))),
        None => change.set_if_absent(a::REFERENCE, s(NO_REFERENCE)),
    }
    if partition.as_str() != user.as_str() {
        change.set(a::IDENTIFIER, s(user.as_str()));
    }
    change
}

pub(crate) fn stored_version(item: &Item) -> Option<Version> {
    item::bytes(item, a::VERSION).as_deref().and_then(Version::from_bytes)
}

pub(crate) fn stored_scores(item: &Item) -> StoredScores {
    item.keys()
        .filter_map(|attribute| {
            let name = attribute.strip_prefix(a::SCORE)?;
            Some((name.to_owned(), stored_score(item, attribute)?))
        })
        .collect()
}

fn stored_score(item: &Item, attribute: &str) -> Option<ScoreRegister> {
    ScoreRegister::from_bytes(item::bytes(item, attribute)?)
}

pub(crate) fn connection_of(item: &Item) -> Connection {
    let registers: Registers = item.keys().filter_map(|name| Some((name.clone(), register_of(item, name)?))).collect();
    Connection::new(registers)
}

fn register_of(item: &Item, name: &str) -> Option<Register> {
    Register::from_bytes(item::bytes(item, name)?)
}

/// What is in the place of a register and is none.
pub(crate) fn unreadable<'i>(item: &'i Item, name: &str) -> Option<&'i AttributeValue> {
    item.get(name).filter(|_| register_of(item, name).is_none())
}

/// The names of the registers of a connection that cannot be read.
pub(crate) fn unreadable_registers(item: &Item) -> Vec<&str> {
    const NO_REGISTERS: [&str; 4] = [a::PARTITION, a::SORT, a::REFERENCE, a::IDENTIFIER];
    let names = item.keys().map(String::as_str).filter(|name| !NO_REGISTERS.contains(name));
    names.filter(|name| unreadable(item, name).is_some()).collect()
}
