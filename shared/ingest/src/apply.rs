//! The records and the connections of a plan.

use crate::error::IngestError;
use crate::plan::{Link, Nature, Plan, UNSTORABLE};
use crate::receipt::Counts;
use crate::receive::{Ingest, Moment, day};
use crate::tiers::Frames;
use futures::stream::{StreamExt, TryStreamExt, iter};
use terrace_records::{Connection, Retention};
use terrace_store::frames::Packer;
use terrace_store::queue::{Job, Subject};
use terrace_store::{Applied, Provenance};
use terrace_terra::event::Owner;
use terrace_terra::ids::UserId;

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
            self.table.note_request(&plan.partition, request, self.policy.expires_at(moment)).await?;
        }
        let mut quarantine = plan.quarantine;
        let mut followed = self.apply_links(plan).await?;
        followed.jobs.extend(self.fence(plan).await?);
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
        let mut followed = Followed { jobs: Vec::new(), unstorable: false };
        for Link { partition, user, update } in &plan.links {
            match self.table.update_connection(partition, user, update.clone()).await {
                Ok(connection) => followed.jobs.extend(asked_by(&connection, user, plan.made_ms)),
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

    /// The job that is asked for by somebody who was erased, where the plan updates no connection that would say so.
    /// The mark is set before an erase looks: either it is seen here, or the erase sees what was written.
    async fn fence(&self, plan: &Plan<'_>) -> Result<Option<Job>, IngestError> {
        let subject = match &plan.owner {
            Owner::User(user) if plan.links.iter().all(|link| link.partition != plan.partition) => {
                Subject::User(user.as_str().to_owned())
            }
            Owner::Reference(reference) => Subject::Reference(reference.as_str().to_owned()),
            Owner::User(_) | Owner::Session(_) | Owner::Nobody => return Ok(None),
        };
        let stored = self.table.connection(&plan.partition).await?;
        let erasure = stored.and_then(|stored| stored.connection.erasure());
        let taken = erasure.filter(|erasure| erasure.takes(plan.made_ms));
        Ok(taken.map(|erasure| Job::Erase { subject, at_ms: erasure.at_ms, id: None }))
    }
}

/// The job that a connection asks for once something made at `made_ms` was written under it.
fn asked_by(connection: &Connection, user: &UserId<'_>, made_ms: u64) -> Option<Job> {
    if let Some(erasure) = connection.erasure().filter(|erasure| erasure.takes(made_ms)) {
        let subject = Subject::User(user.as_str().to_owned());
        return Some(Job::Erase { subject, at_ms: erasure.at_ms, id: None });
    }
    let new = connection.replaced_by()?;
    Some(Job::Rekey { old: user.as_str().to_owned(), new: new.to_owned() })
}

/// What came of the connections of a plan.
struct Followed {
    /// The jobs they ask for.
    jobs: Vec<Job>,
    /// One of them was not taken by the table.
    unstorable: bool,
}
