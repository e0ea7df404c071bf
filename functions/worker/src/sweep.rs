//! The daily round.
//!
//! It applies deliveries that were logged and whose effect the view does not show: they were answered 503 and never sent
//! again, or their job was lost. It does erases again that a restored table has forgotten. And it removes objects that
//! nothing leads to, once two rounds in a row found them so: a record that is being moved may be met in neither place.

use crate::error::WorkError;
use crate::room::{AT_ONCE, Room, next_of};
use crate::round::{Round, Standing};
use crate::worker::{Worked, Worker};
use futures::stream::{StreamExt, TryStreamExt, iter};
use std::ops::{ControlFlow, Range};
use terrace_ingest::{IngestError, Moment};
use terrace_records::{Partition, PartitionKind};
use terrace_store::queue::{Job, Subject};
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::{Freshness, LogBody, LoggedDelivery, StoredConnection};
use terrace_terra::ids::{ReferenceId, UserId};
use tokio::time::Instant;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How far back deliveries are looked at where rounds before this one failed, or none went.
const LOOKED_AT_MS: u64 = 7 * DAY_MS;
/// A delivery that is younger than this may still be at work.
const SETTLED_MS: u64 = 15 * 60 * 1_000;

/// What a look at an item of the table came to.
struct Looked {
    /// The object that it leads to.
    object: Option<String>,
    /// Where it lies, of a delivery.
    at: Option<RoundPosition>,
    /// It could not be applied, and trying again would not have helped.
    failed: bool,
    /// An erase that should have taken it.
    erase: Option<Job>,
}

impl Looked {
    fn at_object(object: Option<String>) -> Self {
        Self { object, at: None, failed: false, erase: None }
    }
}

/// What a round looks at deliveries with.
struct Looking {
    moment: Moment,
    /// When those came that it looks at, in milliseconds since 1970.
    came: Range<u64>,
    room: Room,
}

impl Looking {
    fn of(round: &Round, moment: Moment) -> Self {
        let since = round.looks_back_to_ms().saturating_sub(SETTLED_MS);
        let longest = moment.now_ms.saturating_sub(LOOKED_AT_MS);
        let came = since.max(longest)..moment.now_ms.saturating_sub(SETTLED_MS);
        Self { moment, came, room: Room::new() }
    }
}

impl Worker {
    pub(crate) async fn sweep(&self, after: Option<&str>, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        let objects = self.log.objects();
        let mut round = match after {
            None => {
                self.erase_again().await?;
                Round::begin(objects, self.table.name(), moment.now_ms).await?
            }
            Some(id) => match Round::go_on(objects, self.table.name(), id).await? {
                Some(round) => round,
                // It came to its end, and this message is an echo; or it went through another table.
                None => return Ok(Worked::Done),
            },
        };
        if !self.go_round(&mut round, moment, due).await? || !self.remove_orphans(&mut round, moment, due).await? {
            round.keep(objects).await?;
            self.queue.send(&Job::Sweep { after: Some(round.id().to_owned()) }).await?;
            return Ok(Worked::HandedOn);
        }
        round.end(objects).await?;
        Ok(Worked::Done)
    }

    /// Goes through all there is from where the round stands. `false` where time is over before the end.
    async fn go_round(&self, round: &mut Round, moment: Moment, due: Instant) -> Result<bool, WorkError> {
        let looking = Looking::of(round, moment);
        let (mut asked, mut has_looked) = (None, false);
        while !round.met_all {
            // It looks at deliveries that have settled, and takes nothing for gone that one round alone has not met.
            let (met, next) = match self.table.round(round.position.as_ref(), Freshness::Recent).await {
                Err(error) if has_looked && error.is_transient() => return Ok(false),
                page => page?,
            };
            let mut looks = iter(met).map(|met| self.look_at(met, &looking)).buffered(AT_ONCE);
            loop {
                let looked = match next_of(&mut looks, has_looked, due).await? {
                    ControlFlow::Continue(Some(looked)) => looked,
                    ControlFlow::Continue(None) => break,
                    ControlFlow::Break(()) => return Ok(false),
                };
                if let Some(object) = &looked.object {
                    round.leaders.lead_to(object);
                }
                round.failed |= looked.failed;
                // Deliveries of one user come one after the other.
                if let Some(erase) = looked.erase.filter(|erase| asked.as_ref() != Some(erase)) {
                    self.queue.send(&erase).await?;
                    asked = Some(erase);
                }
                if looked.at.is_some() {
                    round.position = looked.at;
                    has_looked = true;
                    if Instant::now() >= due {
                        return Ok(false);
                    }
                }
            }
            round.position = next;
            round.met_all = round.position.is_none();
            has_looked = true;
            if Instant::now() >= due {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks at an item: mends the delivery that it is, if it is one.
    async fn look_at(&self, met: Met, looking: &Looking) -> Result<Looked, WorkError> {
        let (partition, logged) = match met {
            Met::Delivery(partition, logged) => (partition, logged),
            Met::Pointer(object) => return Ok(Looked::at_object(Some(object))),
            Met::Damaged(_, object) => return Ok(Looked::at_object(object)),
            Met::Other => return Ok(Looked::at_object(None)),
        };
        let (failed, erase) = self.mend(&partition, &logged, looking).await?;
        let object = match &logged.body {
            LogBody::Object(object) => Some(object.clone()),
            LogBody::Inline(_) => None,
        };
        Ok(Looked { object, at: Some(RoundPosition::of_delivery(&partition, &logged.key)), failed, erase })
    }

    /// Applies a delivery that should have been. Says whether that failed for good, and which erase should have taken it.
    async fn mend(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        looking: &Looking,
    ) -> Result<(bool, Option<Job>), WorkError> {
        if !looking.came.contains(&logged.received_at) {
            return Ok((false, None));
        }
        let _room = looking.room.hold(logged).await;
        let own = self.table.connection(partition).await?;
        let applied = self.reflect(partition, logged, own.as_ref(), looking.moment).await?;
        Ok((!applied, own.and_then(|own| left_by_erase(partition, logged, own))))
    }

    /// Applies a delivery whose effect the view does not show; `own` is the connection that lies in its partition. One
    /// that is damaged or gone does not stop the others: `false` for one that was not applied and should have been.
    pub(crate) async fn reflect(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        own: Option<&StoredConnection>,
        moment: Moment,
    ) -> Result<bool, WorkError> {
        let reflected = async {
            if !self.ingest.is_reflected(partition, logged, own).await? {
                self.ingest.replay(partition, logged, false, moment).await?;
            }
            Ok(())
        };
        match reflected.await {
            Err(error @ IngestError::Store(_)) if !error.is_transient() => {
                self.telemetry.failure("apply a delivery from the log", &error);
                Ok(false)
            }
            Ok(()) | Err(IngestError::Gone) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Queues the erases of the ledger whose mark is gone although there is data.
    async fn erase_again(&self) -> Result<(), WorkError> {
        for line in self.log.erasures().await? {
            let partition = match &line.subject {
                Subject::User(user) => UserId::new(user.as_str()).as_ref().map(Partition::of_user),
                Subject::Reference(name) => ReferenceId::new(name.as_str()).as_ref().map(Partition::of_reference),
            };
            let Some(partition) = partition else { continue };
            let stored = self.table.connection(&partition).await?;
            let marked = stored.and_then(|stored| stored.connection.erasure(partition.kind()));
            let stands = marked.is_some_and(|erasure| erasure.at_ms >= line.erased_at);
            if !stands && self.table.is_known(&partition).await? {
                let (subject, at_ms) = (line.subject, line.erased_at);
                self.queue.send(&Job::Erase { subject, at_ms, id: None }).await?;
            }
        }
        Ok(())
    }

    /// Goes through the objects from where the round stands, and removes those that nothing led to in this round and in
    /// the one before. What is younger than the log is looked at by nobody: an object is written before the item that leads
    /// to it. `false` where time is over before the end; it never is before an object was looked at.
    async fn remove_orphans(&self, round: &mut Round, moment: Moment, due: Instant) -> Result<bool, WorkError> {
        let objects = self.log.objects();
        let old_ms = moment.now_ms.saturating_sub((self.log_days + 1).saturating_mul(DAY_MS));
        let Round { leaders, listed, orphans, .. } = round;
        let mut looks = objects
            .list_after("log", listed.as_deref())
            .map_ok(|found| {
                let standing = if found.modified_ms < old_ms { leaders.standing(&found.key) } else { Standing::LedTo };
                async move {
                    // What was put again since it was listed has a leader now, or will have one.
                    if standing == Standing::OrphanAgain {
                        objects.remove_older(&found.key, old_ms).await?;
                    }
                    Ok((found.key, standing))
                }
            })
            .try_buffered(AT_ONCE)
            .map_err(WorkError::from);
        let mut has_looked = false;
        loop {
            let (key, standing) = match next_of(&mut looks, has_looked, due).await? {
                ControlFlow::Continue(Some(looked)) => looked,
                ControlFlow::Continue(None) => return Ok(true),
                ControlFlow::Break(()) => return Ok(false),
            };
            has_looked = true;
            *listed = Some(key.clone());
            if standing == Standing::Orphan {
                orphans.push(key);
            }
            if Instant::now() >= due {
                return Ok(false);
            }
        }
    }
}

/// The erase that should have taken a delivery, and was never queued after it came.
fn left_by_erase(partition: &Partition, logged: &LoggedDelivery, own: StoredConnection) -> Option<Job> {
    let erasure = own.connection.erasure(partition.kind()).filter(|erasure| erasure.takes(logged.key.time_ms()))?;
    let subject = (partition.kind() == PartitionKind::User).then_some(Subject::User(own.user_id))?;
    Some(Job::Erase { subject, at_ms: erasure.at_ms, id: None })
}
