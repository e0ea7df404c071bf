//! The items of jobs that somebody asked for: what was asked, and how far it is.
//!
//! An item is no lock and no queue: it is written by whoever takes the order, read by whoever asks, and kept up by the
//! worker. It is gone a while after the job ended.

use crate::error::StoreError;
use crate::item::{self, Change, Item, n, s};
use crate::schema::attribute as a;
use crate::table::{Changed, Table};
use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use terrace_records::Partition;

/// What the sort key of a job's item begins with.
const JOB: &str = "job#";
/// How long an item stays after it was last written, in seconds.
const KEPT_FOR: u64 = 30 * 24 * 60 * 60;

/// What names a job that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(String);

impl JobId {
    /// A new one.
    pub fn random() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)))
    }

    /// Reads one; `None` for what is none.
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which deliveries a replay applies again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Those in quarantine.
    #[default]
    Quarantined,
    /// All of them.
    All,
}

/// What a replay is asked to do.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Of this user alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Those whose time lies on this day or later, `YYYY-MM-DD` by UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Those whose time lies on this day or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which of them.
    #[serde(default)]
    pub only: Only,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The user's id stays out of lines.
impl fmt::Debug for Replay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Replay");
        shown.field("only", &self.only).field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits.
    Queued,
    /// It is worked on.
    Running,
    /// It is done.
    Done,
    /// It was given up; its message is with the dead ones.
    Failed,
}

impl JobState {
    /// The name used in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed].into_iter().find(|state| state.name() == name)
    }
}

/// Counts of what a job did so far, by name.
pub type Progress = BTreeMap<String, u64>;

/// A job as its item tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobItem {
    /// Its id.
    pub id: JobId,
    /// What kind of job.
    pub kind: String,
    /// How it stands.
    pub state: JobState,
    /// What a replay is asked.
    pub replay: Option<Replay>,
    /// What it did so far.
    pub progress: Progress,
    /// Where it goes on, in words of its own.
    pub cursor: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    pub created_at: u64,
    /// When its item was last written.
    pub updated_at: u64,
}

impl JobItem {
    /// A job that was just asked for.
    pub fn queued(id: JobId, kind: &str, replay: Option<Replay>, now_ms: u64) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            state: JobState::Queued,
            replay,
            progress: Progress::new(),
            cursor: None,
            created_at: now_ms,
            updated_at: now_ms,
        }
    }
}

impl Table {
    /// Writes a job's item as it now stands.
    ///
    /// # Errors
    ///
    /// When the table does not take it.
    pub async fn put_job(&self, job: &JobItem, now_ms: u64) -> Result<(), StoreError> {
        const DOING: &str = "write a job's item";
        let json = |value: serde_json::Result<String>| value.map_err(|error| StoreError::refused(DOING, error));
        let mut change = Change::default();
        change.set(a::JOB, s(job.kind.as_str()));
        change.set(a::STATE, s(job.state.name()));
        change.set(a::PROGRESS, s(json(serde_json::to_string(&job.progress))?));
        change.set(a::CREATED_AT, n(job.created_at));
        change.set(a::UPDATED_AT, n(now_ms));
        change.set(a::EXPIRES_AT, n(now_ms / 1_000 + KEPT_FOR));
        match &job.replay {
            Some(replay) => change.set(a::ASKED, s(json(serde_json::to_string(replay))?)),
            None => change.remove(a::ASKED),
        }
        match &job.cursor {
            Some(cursor) => change.set(a::CURSOR, s(cursor.as_str())),
            None => change.remove(a::CURSOR),
        }
        let (partition, sort_key) = place(&job.id);
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.change(DOING, &partition, &sort_key, change, ReturnValue::None).await?;
        Ok(())
    }

    /// A job's item; `None` where there is none, or no longer.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn job(&self, id: &JobId) -> Result<Option<JobItem>, StoreError> {
        let (partition, sort_key) = place(id);
        let item = self.get("read a job's item", &partition, &sort_key).await?;
        Ok(item.as_ref().and_then(|item| job_of(id, item)))
    }
}

fn place(id: &JobId) -> (Partition, String) {
    (Partition::of_job(id.as_str()), format!("{JOB}{id}"))
}

fn job_of(id: &JobId, item: &Item) -> Option<JobItem> {
    let json = |name| item::text(item, name);
    Some(JobItem {
        id: id.clone(),
        kind: item::text(item, a::JOB)?,
        state: item::text(item, a::STATE).as_deref().and_then(JobState::from_name)?,
        replay: json(a::ASKED).and_then(|text| serde_json::from_str(&text).ok()),
        progress: json(a::PROGRESS).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        cursor: item::text(item, a::CURSOR),
        created_at: item::number(item, a::CREATED_AT)?,
        updated_at: item::number(item, a::UPDATED_AT)?,
    })
}
