//! Re-key: what is under an id that was replaced goes under the one that goes on.
//!
//! The mark was set before the job was queued: from then on reads of the old id show nothing, and whatever else comes
//! for it queues the job again. A chain of re-authentications is followed to its end at once.

use crate::error::WorkError;
use crate::worker::{Worked, Worker};
use terrace_ingest::Moment;
use terrace_records::{Partition, Status};
use terrace_store::Successor;
use terrace_store::queue::{Job, Subject};
use terrace_terra::DataType;
use terrace_terra::ids::UserId;
use tokio::time::Instant;

impl Worker {
    pub(crate) async fn rekey(&self, old: &str, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        let user = UserId::new(old.to_owned()).ok_or(WorkError::Nobody)?;
        let from = Partition::of_user(&user);
        let successor = self.table.successor(&user).await?;
        if successor.partition == from {
            // Named as a new one by a later event, it stands for itself again.
            return Ok(Worked::Done);
        }
        if let Some(erase) = erase_of(&successor) {
            // What it replaces is erased with it.
            self.queue.send(&erase).await?;
            return Ok(Worked::Done);
        }
        for data_type in DataType::ALL {
            while self.table.move_some(data_type, &from, &successor.partition, moment.now_ms).await?.is_some() {
                if Instant::now() >= due {
                    self.queue.send(&Job::Rekey { old: old.to_owned(), new: successor.user_id }).await?;
                    return Ok(Worked::HandedOn);
                }
            }
        }
        self.fence(&successor).await?;
        Ok(Worked::Done)
    }

    /// Where the id that goes on was itself replaced or erased meanwhile, what was just written lies behind the job
    /// that did it: it is queued again.
    async fn fence(&self, moved_to: &Successor) -> Result<(), WorkError> {
        let stored = self.table.connection(&moved_to.partition).await?;
        let connection = stored.map(|stored| stored.connection).unwrap_or_default();
        if let Some(new) = connection.replaced_by() {
            let (old, new) = (moved_to.user_id.clone(), new.to_owned());
            self.queue.send(&Job::Rekey { old, new }).await?;
        }
        if let Some(erase) = erase_of(&Successor { connection, ..moved_to.clone() }) {
            self.queue.send(&erase).await?;
        }
        Ok(())
    }
}

/// The job that erases somebody who stands erased.
fn erase_of(successor: &Successor) -> Option<Job> {
    let erasure = successor.connection.erasure().filter(|_| successor.connection.status() == Status::Erased)?;
    let subject = Subject::User(successor.user_id.clone());
    Some(Job::Erase { subject, at_ms: erasure.at_ms, id: None })
}
