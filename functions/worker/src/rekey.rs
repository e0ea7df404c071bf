//! Re-key: what is under an id that was replaced goes under the one that goes on.
//!
//! The mark was set before the job was queued: from then on reads of the old id show nothing, and whatever else comes
//! for it queues the job again. A chain of re-authentications is followed to its end at once.

use crate::error::WorkError;
use crate::worker::{Worked, Worker};
use terrace_ingest::Moment;
use terrace_records::{PartitionKind, Status};
use terrace_store::Successor;
use terrace_store::moving::{Move, Moved};
use terrace_store::queue::{Job, Subject};
use terrace_terra::DataType;
use terrace_terra::ids::UserId;
use tokio::time::Instant;

impl Worker {
    pub(crate) async fn rekey(&self, old: &str, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        let user = UserId::new(old.to_owned()).ok_or(WorkError::Nobody)?;
        // Also those on the way: an earlier try may have brought records under an id that was replaced or erased just
        // then, and may have ended before it could say so.
        for met in self.table.way(&user).await? {
            match met.connection.status() {
                Status::Replaced => {
                    if !self.carry_over(&met, moment, due).await? {
                        let new = met.connection.replaced_by().unwrap_or(old).to_owned();
                        self.queue.send(&Job::Rekey { old: old.to_owned(), new }).await?;
                        return Ok(Worked::HandedOn);
                    }
                }
                Status::Erased => self.ask_for_erase(&met).await?,
                Status::Active | Status::Error | Status::Revoked => {}
            }
        }
        Ok(Worked::Done)
    }

    /// Carries the records of one that stands replaced over to who goes on. `false` where time was over.
    async fn carry_over(&self, old: &Successor, moment: Moment, due: Instant) -> Result<bool, WorkError> {
        let successor = self.table.successor(&old.user).await?;
        if successor.partition == old.partition {
            // Named as a new one by a later event, or by the settlement of a ring, it stands for itself.
            return Ok(true);
        }
        if successor.connection.status() == Status::Erased {
            // What it replaces is erased with it.
            self.ask_for_erase(&successor).await?;
            return Ok(true);
        }
        let moved = Move { from: &old.partition, to: &successor.partition, while_it_is: Status::Replaced };
        let all = self.bring_over(moved, moment, due).await?;
        self.fence(&successor).await?;
        Ok(all)
    }

    /// Brings the records of one id under another, page by page. `false` where time was over, but never before anything
    /// was brought.
    pub(crate) async fn bring_over(&self, moved: Move<'_>, moment: Moment, due: Instant) -> Result<bool, WorkError> {
        for data_type in DataType::ALL {
            let mut after = None;
            loop {
                let (count, next) = match self.table.move_some(data_type, moved, after, moment.now_ms).await? {
                    Moved::Page(count, next) => (count, next),
                    Moved::Stopped => return Ok(true),
                };
                if count > 0 && Instant::now() >= due {
                    return Ok(false);
                }
                if next.is_none() {
                    break;
                }
                after = next;
            }
        }
        Ok(true)
    }

    /// Where the id that goes on was itself replaced or erased meanwhile, what was just written lies behind the job
    /// that did it: it is queued again. So it is where an erase was lifted, for what was brought may be of before it.
    pub(crate) async fn fence(&self, moved_to: &Successor) -> Result<(), WorkError> {
        let now = self.table.somebody(&moved_to.user).await?;
        if let Some(new) = now.connection.replaced_by() {
            let (old, new) = (now.user.as_str().to_owned(), new.to_owned());
            self.queue.send(&Job::Rekey { old, new }).await?;
        }
        self.ask_for_erase(&now).await
    }

    /// Queues the erase of somebody who bears its mark.
    async fn ask_for_erase(&self, erased: &Successor) -> Result<(), WorkError> {
        if let Some(erasure) = erased.connection.erasure(PartitionKind::User) {
            let subject = Subject::User(erased.user.as_str().to_owned());
            self.queue.send(&Job::Erase { subject, at_ms: erasure.at_ms, id: None }).await?;
        }
        Ok(())
    }
}
