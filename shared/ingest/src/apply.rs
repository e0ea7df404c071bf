//! The records and the connections of a plan.

use crate::error::IngestError;
use crate::plan::{Link, Nature, Plan, UNSTORABLE};
use crate::receipt::Counts;
use crate::receive::{Ingest, Moment, day, metadata};
use crate::tiers::Frames;
use bytes::Bytes;
use futures::stream::{StreamExt, TryStreamExt, iter};
use terrace_records::{Connection, Erasure, Partition, Retention};
use terrace_store::frames::Packer;
use terrace_store::queue::{Job, Subject};
use terrace_store::{Applied, Provenance};
use terrace_terra::event::Owner;

/// How many records of a delivery are written at once.
const CONCURRENT_RECORDS: usize = 16;

/// What came of a plan's records and connections.
pub(crate) struct AppliedPlan {
    pub(crate) counts: Counts,
    pub(crate) quarantine: Option<&'static str>,
    pub(crate) queued: bool,
}

impl Ingest {
    /// Everything after the log.
    pub(crate) async fn apply(
        &self,
        plan: &Plan<'_>,
        body: &[u8],
        frames: &Frames<'_>,
        moment: Moment,
    ) -> Result<AppliedPlan, IngestError> {
        let counts = self.apply_records(plan, body, frames, moment.now_ms).await?;
        if let Some(request) = &plan.request {
            self.table.note_request(&plan.partition, request, plan.made_ms, self.policy.expires_at(moment)).await?;
        }
        let mut quarantine = plan.quarantine;
        let mut followed = self.apply_links(plan).await?;
        self.fence(plan, &mut followed).await?;
        if let (true, Some((key, chain))) = (followed.was_erased, frames.object()) {
            // An erase that saw the object before it saw the delivery took it for one that nobody needs.
            self.log.put_object(key, Bytes::copy_from_slice(chain), &metadata(plan)).await?;
        }
        if counts.rejected > plan.rejected || followed.unstorable {
            quarantine = Some(UNSTORABLE);
            self.log.quarantine(&plan.partition, &plan.key, UNSTORABLE, &day(moment.now_ms)).await?;
        }
        if plan.nature == Nature::Ping {
            let (partition, log) = (plan.partition.as_str().to_owned(), plan.key.sort_key());
            followed.jobs.push(Job::Ping { partition, log });
        }
        for job in &followed.jobs {
            self.queue.send(job).await?;
        }
        Ok(AppliedPlan { counts, quarantine, queued: !followed.jobs.is_empty() })
    }

    /// Applies the records of a plan, several at once. Records that the table does not take count as rejected: their
    /// neighbours are stored, and the delivery is marked.
    async fn apply_records(
        &self,
        plan: &Plan<'_>,
        body: &[u8],
        frames: &Frames<'_>,
        now_ms: u64,
    ) -> Result<Counts, IngestError> {
        let provenance = Provenance { delivery: &plan.key, provider: plan.provider.as_deref(), now_ms };
        let mut packer = Packer::new()?;
        let mut writes = Vec::with_capacity(plan.records.len());
        for repeats in &plan.records {
            let packed = frames.record_body(&mut packer, body, &repeats.greatest);
            writes.push(async move {
                let packed = packed?;
                match self.table.apply(&plan.partition, repeats, &packed, provenance).await {
                    Ok(applied) => Ok(Some(applied)),
                    Err(error) if error.is_invalid() => Ok(None),
                    Err(error) => Err(IngestError::from(error)),
                }
            });
        }
        let mut counts = Counts { rejected: plan.rejected, ..Counts::default() };
        let mut writes = iter(writes).buffer_unordered(CONCURRENT_RECORDS);
        while let Some(applied) = writes.try_next().await? {
            match applied {
                Some(applied) => counts.add(Applied { ..applied }),
                None => counts.rejected += 1,
            }
        }
        Ok(counts)
    }

    /// Updates the connections of a plan, and says which jobs they ask for: a connection that turns out to be erased
    /// or replaced has its job queued again, since what was just written lies behind the sweep. A connection that the
    /// table does not take, by an id that no item holds, is none.
    async fn apply_links(&self, plan: &Plan<'_>) -> Result<Followed, IngestError> {
        let mut followed = Followed::default();
        for Link { partition, user, update } in &plan.links {
            match self.table.update_connection(partition, user, update.clone()).await {
                Ok(connection) => {
                    let asks = Asks::of(&connection, partition, Subject::User(user.as_str().to_owned()), plan.made_ms);
                    followed.was_erased |= asks.stays_after_erase && *partition == plan.partition;
                    followed.jobs.extend(asks.job);
                }
                Err(error) if error.is_invalid() => followed.unstorable = true,
                Err(error) => return Err(error.into()),
            }
        }
        if let (Some(user), Retention::Erase) = (&plan.ends, self.policy.retention) {
            let subject = Subject::User(user.as_str().to_owned());
            followed.jobs.push(Job::Erase { subject, at_ms: plan.key.time_ms(), id: None });
        }
        Ok(followed)
    }

    /// Looks whether somebody was erased, where the plan updates no connection that would say so. The mark is set before
    /// an erase looks: either it is seen here, or the erase sees what was written.
    async fn fence(&self, plan: &Plan<'_>, followed: &mut Followed) -> Result<(), IngestError> {
        if plan.links.iter().any(|link| link.partition == plan.partition) {
            return Ok(());
        }
        let asks = self.asks(plan).await?;
        followed.was_erased |= asks.stays_after_erase;
        // Only records go on under another id, and there are none without a connection.
        followed.jobs.extend(asks.job.filter(|job| matches!(job, Job::Erase { .. })));
        Ok(())
    }

    /// What the connection of a plan asks for as it stands.
    async fn asks(&self, plan: &Plan<'_>) -> Result<Asks, IngestError> {
        let subject = match &plan.owner {
            Owner::User(user) => Subject::User(user.as_str().to_owned()),
            Owner::Reference(reference) => Subject::Reference(reference.as_str().to_owned()),
            Owner::Session(_) | Owner::Nobody => return Ok(Asks::default()),
        };
        let Some(stored) = self.table.connection(&plan.partition).await? else { return Ok(Asks::default()) };
        Ok(Asks::of(&stored.connection, &plan.partition, subject, plan.made_ms))
    }

    /// Leaves to a job what does not get applied before the answer. Of somebody who was erased nothing is applied; it is
    /// erased.
    pub(crate) async fn hand_over(&self, plan: &Plan<'_>, frames: &Frames<'_>) -> Result<AppliedPlan, IngestError> {
        let apply = Job::Apply { partition: plan.partition.as_str().to_owned(), log: plan.key.sort_key() };
        let asks = self.asks(plan).await?;
        let erase = asks.job.filter(|job| matches!(job, Job::Erase { .. }));
        if let (true, Some((key, chain))) = (asks.stays_after_erase, frames.object()) {
            self.log.put_object(key, Bytes::copy_from_slice(chain), &metadata(plan)).await?;
        }
        let job = erase.filter(|_| !asks.stays_after_erase).unwrap_or(apply);
        self.queue.send(&job).await?;
        let counts = Counts { rejected: plan.rejected, ..Counts::default() };
        Ok(AppliedPlan { counts, quarantine: plan.quarantine, queued: true })
    }
}

/// What a connection asks for once something of its was written.
#[derive(Debug, Default)]
struct Asks {
    /// A job.
    job: Option<Job>,
    /// It bears the mark of an erase, and what was written stays, or its records go on under another id.
    stays_after_erase: bool,
}

impl Asks {
    /// Where the connection is that of `subject`, and what was written was made at `made_ms`.
    fn of(connection: &Connection, partition: &Partition, subject: Subject, made_ms: u64) -> Self {
        let erasure = connection.erasure(partition.kind());
        if let Some(Erasure { at_ms, .. }) = erasure.filter(|erasure| erasure.takes(made_ms)) {
            let stays_after_erase = connection.passes_on_to().is_some();
            return Self { job: Some(Job::Erase { subject, at_ms, id: None }), stays_after_erase };
        }
        let job = match (subject, connection.replaced_by()) {
            (Subject::User(old), Some(new)) => Some(Job::Rekey { old, new: new.to_owned() }),
            _ => None,
        };
        Self { job, stays_after_erase: erasure.is_some() }
    }
}

/// What came of the connections of a plan.
#[derive(Debug, Default)]
struct Followed {
    /// The jobs they ask for.
    jobs: Vec<Job>,
    /// One of them was not taken by the table.
    unstorable: bool,
    /// The plan's own was erased once, and what was written stays.
    was_erased: bool,
}
