//! The records and the connections of a plan.

use crate::error::IngestError;
use crate::plan::{Link, Plan};
use crate::receipt::Counts;
use crate::receive::Ingest;
use crate::tiers::Frames;
use futures::stream::{StreamExt, TryStreamExt, iter};
use terrace_records::Status;
use terrace_store::frames::Packer;
use terrace_store::queue::Job;
use terrace_store::{Applied, Provenance};

/// How many records of a delivery are written at once.
const CONCURRENT_RECORDS: usize = 16;

impl Ingest {
    /// Applies the records of a plan, several at once. Records that the table does not take count as rejected: their
    /// neighbours are stored, and the delivery is marked.
    pub(crate) async fn apply_records(
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
    pub(crate) async fn apply_links(&self, plan: &Plan<'_>) -> Result<Followed, IngestError> {
        let mut followed = Followed { jobs: Vec::new(), unstorable: false };
        let jobs = &mut followed.jobs;
        for Link { partition, user, update } in &plan.links {
            let connection = match self.table.update_connection(partition, user, update.clone()).await {
                Ok(connection) => connection,
                Err(error) if error.is_invalid() => {
                    followed.unstorable = true;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match connection.status() {
                Status::Erased => jobs.push(Job::Erase { user: user.as_str().to_owned() }),
                Status::Replaced => jobs.extend(
                    connection
                        .replaced_by()
                        .map(|new| Job::Rekey { old: user.as_str().to_owned(), new: new.to_owned() }),
                ),
                Status::Active | Status::Error | Status::Revoked => {}
            }
        }
        Ok(followed)
    }
}

/// What came of the connections of a plan.
pub(crate) struct Followed {
    /// The jobs they ask for.
    pub(crate) jobs: Vec<Job>,
    /// One of them was not taken by the table.
    pub(crate) unstorable: bool,
}
