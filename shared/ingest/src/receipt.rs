//! What came of a delivery.

use std::time::Duration;
use terrace_records::Standing;
use terrace_store::Applied;
use terrace_terra::EventType;

/// How a delivery was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its records were applied; also when all were unchanged or stale, or some rejected.
    Stored,
    /// A job follows.
    Queued,
    /// There is nothing to keep but the log.
    Ignored,
    /// Nothing could be made of it.
    Quarantined,
}

impl Status {
    /// The name used in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Queued => "queued",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What became of a delivery's copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// They became the record.
    pub stored: usize,
    /// They were the record already.
    pub unchanged: usize,
    /// A greater one was there.
    pub stale: usize,
    /// Elements that are no record, or one that cannot be kept.
    pub rejected: usize,
    /// Stale ones without the ordering header that lost to one that had it.
    pub stale_without_header: usize,
    /// Stored ones much thinner than the one they replaced.
    pub coverage_fell: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, applied: Applied) {
        match applied.standing {
            Standing::Stored => self.stored += 1,
            Standing::Unchanged => self.unchanged += 1,
            Standing::Stale => self.stale += 1,
        }
        self.stale_without_header += usize::from(applied.stale_without_header);
        self.coverage_fell += usize::from(applied.coverage_fell);
    }
}

/// What came of a delivery: durably in the log, and either applied or its job durably queued.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// How it is answered.
    pub status: Status,
    /// Its event type.
    pub event_type: EventType,
    /// Its name, under which the log gives it back.
    pub delivery: String,
    /// What became of its copies.
    pub counts: Counts,
    /// Claimed emission times that were not credible.
    pub discarded: u32,
    /// Why it is marked for quarantine.
    pub quarantine: Option<&'static str>,
    /// It was in the log already.
    pub repeated: bool,
    /// The length of its body as logged, in bytes.
    pub packed: usize,
    /// How long the log took.
    pub log: Duration,
    /// How long everything after it took.
    pub apply: Duration,
}
