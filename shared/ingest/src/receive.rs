//! The order of writes.
//!
//! Log; then records, concurrently and bounded; last the connections, whose updates say whether a job has to follow.
//! A crash between any two of them leaves a delivery that was not answered, and the retry repeats every step; each of
//! them can be repeated.

use crate::apply::AppliedPlan;
use crate::error::IngestError;
use crate::plan::{Envelope, Nature, Plan};
use crate::receipt::{Counts, Receipt, Status};
use crate::tiers::{self, Frames};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use terrace_records::{LogKey, Retention};
use terrace_store::frames::Packer;
use terrace_store::queue::JobQueue;
use terrace_store::{Log, LogBody, LogEntry, Table};
use terrace_terra::{EventType, UnixSeconds, VerifiedBody};
use tokio::time::{Instant, timeout_at};

/// A delivery with more records than this is applied by a job.
pub const MAX_RECORDS: usize = 200;
/// A delivery that is not applied this long after it came is handed to a job.
const APPLY_WITHIN: Duration = Duration::from_secs(4);
/// When an answer is due, whatever it is: Terra waits eight seconds, and a 503 has to reach it too.
const ANSWER_WITHIN: Duration = Duration::from_millis(5_700);

/// When a delivery came.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By the server's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// By the clock that measures spans.
    pub came: Instant,
}

impl Moment {
    /// The present.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { now_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), came: Instant::now() }
    }

    /// The second by the server's clock.
    pub fn seconds(&self) -> UnixSeconds {
        UnixSeconds(self.now_ms / 1_000)
    }
}

/// Takes deliveries in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ingest {
    pub(crate) table: Table,
    pub(crate) log: Log,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) policy: Policy,
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a delivery stays in the log, in days.
    pub log_days: u64,
    /// What becomes of the data of somebody who left.
    pub retention: Retention,
}

impl Policy {
    /// When what comes now may be removed from the log, in seconds since 1970.
    pub(crate) fn expires_at(&self, moment: Moment) -> u64 {
        moment.seconds().0.saturating_add(self.log_days.saturating_mul(24 * 60 * 60))
    }
}

impl Ingest {
    /// Takes deliveries into this table and this log, and hands jobs to this queue.
    pub fn new(table: Table, log: Log, queue: Arc<dyn JobQueue>, policy: Policy) -> Self {
        Self { table, log, queue, policy }
    }

    /// Takes a delivery in. Returns once it is durably in the log and either applied or its job durably queued, or
    /// fails before its answer is due.
    pub async fn receive(
        &self,
        envelope: Envelope<'_>,
        body: VerifiedBody<'_>,
        moment: Moment,
    ) -> Result<Receipt, IngestError> {
        let due = moment.came + ANSWER_WITHIN;
        timeout_at(due, self.take_in(Plan::read(envelope, body), body.bytes(), moment))
            .await
            .map_err(|_| IngestError::Late)?
    }

    /// Takes in a delivery that nobody waits for: what a ping led to. It is applied here, however many records it has,
    /// and by a job where `until` comes first. `None` where it is a ping itself, which Terra never sends so: it is not
    /// taken in, so that pings lead nowhere else.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn receive_fetched(
        &self,
        envelope: Envelope<'_>,
        body: VerifiedBody<'_>,
        moment: Moment,
        until: Instant,
    ) -> Result<Option<Fetched>, IngestError> {
        let plan = Plan::read(envelope, body);
        if plan.event_type == EventType::S3Payload {
            return Ok(None);
        }
        let packed = tiers::pack(&mut Packer::new()?, &plan, body.bytes())?;
        let frames = packed.frames()?;
        self.enter(&plan, body.bytes().len(), &packed, moment).await?;
        let applied = match timeout_at(until, self.apply(&plan, body.bytes(), &frames, moment)).await {
            Ok(applied) => applied?,
            Err(_) => self.hand_over(&plan, &frames).await?,
        };
        let (counts, quarantine) = (applied.counts, applied.quarantine);
        Ok(Some(Fetched { event_type: plan.event_type, counts, quarantine, key: plan.key }))
    }

    async fn take_in(&self, plan: Plan<'_>, body: &[u8], moment: Moment) -> Result<Receipt, IngestError> {
        let packed = tiers::pack(&mut Packer::new()?, &plan, body)?;
        let frames = packed.frames()?;
        let entered = self.enter(&plan, body.len(), &packed, moment).await?;
        let logged = Instant::now();
        let applied = self.apply_in_time(&plan, body, &frames, moment).await?;
        let applied = match applied {
            Some(applied) => applied,
            None => self.hand_over(&plan, &frames).await?,
        };
        let status = match plan.nature {
            _ if applied.queued => Status::Queued,
            Nature::Ignored => Status::Ignored,
            Nature::Quarantined => Status::Quarantined,
            Nature::Kept | Nature::Ping => Status::Stored,
        };
        Ok(Receipt {
            status,
            event_type: plan.event_type,
            delivery: plan.key.name(),
            counts: applied.counts,
            discarded: plan.discarded,
            quarantine: applied.quarantine,
            repeated: !entered,
            packed: packed.length,
            log: logged - moment.came,
            apply: logged.elapsed(),
        })
    }

    /// Applies a delivery, if that can be done before its answer is due.
    async fn apply_in_time(
        &self,
        plan: &Plan<'_>,
        body: &[u8],
        frames: &Frames<'_>,
        moment: Moment,
    ) -> Result<Option<AppliedPlan>, IngestError> {
        if plan.records.len() > MAX_RECORDS {
            return Ok(None);
        }
        timeout_at(moment.came + APPLY_WITHIN, self.apply(plan, body, frames, moment)).await.ok().transpose()
    }

    /// Writes the log: the object first, where there is one, then the item that leads to it.
    async fn enter(
        &self,
        plan: &Plan<'_>,
        size: usize,
        packed: &tiers::Packed,
        moment: Moment,
    ) -> Result<bool, IngestError> {
        if let (LogBody::Object(key), Some(chain)) = (&packed.body, &packed.object) {
            self.log.put_object(key, chain.clone(), &metadata(plan)).await?;
        }
        let entry = LogEntry {
            partition: &plan.partition,
            key: &plan.key,
            event: plan.event_type.name(),
            signed_at: plan.signed_at.0,
            ordering_ms: plan.envelope.ordering_ms,
            reference: plan.envelope.reference,
            size,
            body: packed.body.clone(),
            copies: &plan.copies(),
            ignored: plan.nature == Nature::Ignored,
            quarantine: plan.quarantine,
            now_ms: moment.now_ms,
            today: day(moment.now_ms),
            expires_at: self.policy.expires_at(moment),
        };
        Ok(self.log.enter(entry).await?)
    }
}

/// What came of a delivery that a ping led to.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its event type.
    pub event_type: EventType,
    /// What became of its copies.
    pub counts: Counts,
    /// Why it is marked for quarantine.
    pub quarantine: Option<&'static str>,
    /// What it is called in the log.
    pub key: LogKey,
}

/// The headers needed to replay an object of the log.
pub(crate) fn metadata(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let ordering = plan.envelope.ordering_ms.map(|ordering| ("ordering-ms", ordering.to_string()));
    let named = [("delivery", plan.key.name()), ("signed-at", plan.signed_at.0.to_string())];
    named.into_iter().chain(ordering).collect()
}

/// The day of a moment by UTC, `YYYY-MM-DD`.
pub fn day(now_ms: u64) -> String {
    let moment = i64::try_from(now_ms).ok().and_then(|now_ms| Timestamp::from_millisecond(now_ms).ok());
    let text = moment.unwrap_or_default().to_string();
    text.get(..10).unwrap_or_default().to_owned()
}
