//! The order of writes.
//!
//! Log; then records, concurrently and bounded; last the connections, whose updates say whether a job has to follow.
//! A crash between any two of them leaves a delivery that was not answered, and the retry repeats every step; each of
//! them can be repeated.

use crate::error::IngestError;
use crate::plan::{Envelope, Nature, Plan, UNSTORABLE};
use crate::receipt::{Counts, Receipt, Status};
use crate::tiers::{self, Frames};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use terrace_records::{LogKey, Partition};
use terrace_store::frames::{Packer, unpack};
use terrace_store::queue::{Job, JobQueue};
use terrace_store::{Log, LogBody, LogEntry, StoreError, Table};
use terrace_terra::{UnixSeconds, VerifiedBody};
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
    log: Log,
    queue: Arc<dyn JobQueue>,
    log_days: u64,
}

impl Ingest {
    /// Takes deliveries into this table and this log, hands jobs to this queue, and keeps deliveries for so many days.
    pub fn new(table: Table, log: Log, queue: Arc<dyn JobQueue>, log_days: u64) -> Self {
        Self { table, log, queue, log_days }
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

    async fn take_in(&self, plan: Plan<'_>, body: &[u8], moment: Moment) -> Result<Receipt, IngestError> {
        let packed = tiers::pack(&mut Packer::new()?, &plan, body)?;
        let frames = match (&packed.body, &packed.object) {
            (LogBody::Object(key), Some(chain)) => Frames::of(key, chain)?,
            _ => Frames::none(),
        };
        let entered = self.enter(&plan, body.len(), &packed, moment).await?;
        let logged = Instant::now();
        let mut receipt = Receipt {
            status: Status::Stored,
            event_type: plan.event_type,
            delivery: plan.key.name(),
            counts: Counts { rejected: plan.rejected, ..Counts::default() },
            discarded: plan.discarded,
            quarantine: plan.quarantine,
            repeated: !entered,
            packed: packed.length,
            log: logged - moment.came,
            apply: Duration::ZERO,
        };
        receipt.status = match plan.nature {
            Nature::Ignored => Status::Ignored,
            Nature::Quarantined if plan.links.is_empty() => Status::Quarantined,
            nature => {
                let hand_over = moment.came + APPLY_WITHIN;
                let applying = self.apply(&plan, body, &frames, moment.now_ms);
                let applied =
                    if plan.records.len() > MAX_RECORDS { None } else { timeout_at(hand_over, applying).await.ok() };
                let queued = match applied {
                    Some(applied) => {
                        let applied = applied?;
                        receipt.counts = applied.counts;
                        receipt.quarantine = applied.quarantine;
                        applied.queued
                    }
                    None => self.hand_over(&plan).await?,
                };
                match (queued, nature) {
                    (true, _) => Status::Queued,
                    (false, Nature::Quarantined) => Status::Quarantined,
                    (false, _) => Status::Stored,
                }
            }
        };
        receipt.apply = logged.elapsed();
        Ok(receipt)
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
            expires_at: moment.seconds().0.saturating_add(self.log_days.saturating_mul(24 * 60 * 60)),
        };
        Ok(self.log.enter(entry).await?)
    }

    /// Everything after the log.
    async fn apply(
        &self,
        plan: &Plan<'_>,
        body: &[u8],
        frames: &Frames<'_>,
        now_ms: u64,
    ) -> Result<AppliedPlan, IngestError> {
        let counts = self.apply_records(plan, body, frames, now_ms).await?;
        let mut quarantine = plan.quarantine;
        let followed = self.apply_links(plan).await?;
        if counts.rejected > plan.rejected || followed.unstorable {
            quarantine = Some(UNSTORABLE);
            self.log.quarantine(&plan.partition, &plan.key, UNSTORABLE, &day(now_ms)).await?;
        }
        for job in &followed.jobs {
            self.queue.send(job).await?;
        }
        Ok(AppliedPlan { counts, quarantine, queued: !followed.jobs.is_empty() })
    }

    async fn hand_over(&self, plan: &Plan<'_>) -> Result<bool, IngestError> {
        let job = Job::Apply { partition: plan.partition.as_str().to_owned(), log: plan.key.sort_key() };
        self.queue.send(&job).await?;
        Ok(true)
    }

    /// Applies a delivery from the log: the work of an apply job.
    pub async fn apply_logged(&self, partition: &str, log_key: &str, moment: Moment) -> Result<Counts, IngestError> {
        const DOING: &str = "apply a delivery";
        let partition = Partition::from_stored(partition.to_owned());
        let key =
            LogKey::from_sort_key(log_key).ok_or_else(|| StoreError::refused(DOING, "the job names no delivery"))?;
        let logged = self.log.read(&partition, &key).await?.ok_or(IngestError::Gone)?;
        let chain = match &logged.body {
            LogBody::Object(object) => Some((object.as_str(), self.log.chain(object).await?)),
            LogBody::Inline(_) => None,
        };
        let (body, frames) = match (&chain, &logged.body) {
            (Some((object, chain)), _) => (unpack(chain)?, Frames::of(object, chain)?),
            (None, LogBody::Inline(frame)) => (unpack(frame)?, Frames::none()),
            (None, LogBody::Object(_)) => return Err(IngestError::Gone),
        };
        let envelope = Envelope { ordering_ms: logged.ordering_ms, ..Envelope::default() };
        let plan = Plan::read(envelope, VerifiedBody::from_log(&body, UnixSeconds(logged.signed_at)));
        // The id of a delivery came in a header that the log keeps in its key alone.
        let plan = Plan { partition, key, ..plan };
        self.apply(&plan, &body, &frames, moment.now_ms).await.map(|applied| applied.counts)
    }
}

/// What came of a plan's records and connections.
struct AppliedPlan {
    counts: Counts,
    quarantine: Option<&'static str>,
    queued: bool,
}

/// The headers needed to replay an object of the log.
fn metadata(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let ordering = plan.envelope.ordering_ms.map(|ordering| ("ordering-ms", ordering.to_string()));
    let named = [("delivery", plan.key.name()), ("signed-at", plan.signed_at.0.to_string())];
    named.into_iter().chain(ordering).collect()
}

/// The day of a moment by UTC, `YYYY-MM-DD`.
fn day(now_ms: u64) -> String {
    let moment = i64::try_from(now_ms).ok().and_then(|now_ms| Timestamp::from_millisecond(now_ms).ok());
    let text = moment.unwrap_or_default().to_string();
    text.get(..10).unwrap_or_default().to_owned()
}
