//! The daily round.
//!
//! It applies deliveries that were logged and whose effect the view does not show: they were answered 503 and never sent
//! again, or their job was lost. It does erases again that a restored table has forgotten. And it removes objects that
//! nothing leads to, once two rounds in a row found them so: a record that is being moved may be met in neither place.

use crate::error::WorkError;
use crate::round::Round;
use crate::worker::{Worked, Worker};
use futures::stream::TryStreamExt;
use terrace_ingest::{IngestError, Moment};
use terrace_records::{Partition, PartitionKind};
use terrace_store::queue::{Job, Subject};
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::{Freshness, LogBody, LoggedDelivery};
use terrace_terra::ids::{ReferenceId, UserId};
use tokio::time::Instant;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How far back deliveries are looked at: a round may fail for a day or two.
const LOOKED_AT_MS: u64 = 3 * DAY_MS;
/// A delivery that is younger than this may still be at work.
const SETTLED_MS: u64 = 15 * 60 * 1_000;

impl Worker {
    pub(crate) async fn sweep(&self, after: Option<&str>, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        let objects = self.log.objects();
        let mut round = match after {
            None => {
                self.erase_again().await?;
                Round::begin(objects).await?
            }
            Some(id) => match Round::go_on(objects, id).await? {
                Some(round) => round,
                // It came to its end, and this message is an echo.
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
        let mut asked = None;
        while !round.met_all {
            // It looks at deliveries that have settled, and takes nothing for gone that one round alone has not met.
            let (met, next) = self.table.round(round.position.as_ref(), Freshness::Recent).await?;
            for met in met {
                match met {
                    Met::Delivery(partition, logged) => {
                        if let LogBody::Object(object) = &logged.body {
                            round.leads_to(object);
                        }
                        self.mend(&partition, &logged, &mut asked, moment).await?;
                        if Instant::now() >= due {
                            round.position = Some(RoundPosition::of_delivery(&partition, &logged.key));
                            return Ok(false);
                        }
                    }
                    Met::Pointer(object) | Met::Damaged(_, Some(object)) => round.leads_to(&object),
                    Met::Damaged(_, None) | Met::Other => {}
                }
            }
            round.position = next;
            round.met_all = round.position.is_none();
            if Instant::now() >= due {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Applies a delivery that should have been, and has one erased that should have been; `asked` is who was asked to be
    /// erased last.
    async fn mend(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        asked: &mut Option<Partition>,
        moment: Moment,
    ) -> Result<(), WorkError> {
        let age = moment.now_ms.saturating_sub(logged.received_at);
        if !(SETTLED_MS..LOOKED_AT_MS).contains(&age) {
            return Ok(());
        }
        self.reflect(partition, logged, moment).await?;
        if asked.as_ref() != Some(partition)
            && let Some(erase) = self.left_by_erase(partition, logged).await?
        {
            self.queue.send(&erase).await?;
            *asked = Some(partition.clone());
        }
        Ok(())
    }

    /// Applies a delivery whose effect the view does not show. One that is damaged or gone does not stop the others.
    pub(crate) async fn reflect(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        moment: Moment,
    ) -> Result<(), WorkError> {
        let reflected = async {
            if !self.ingest.is_reflected(partition, logged).await? {
                self.ingest.replay(partition, logged, false, moment).await?;
            }
            Ok(())
        };
        match reflected.await {
            Err(error @ IngestError::Store(_)) if !error.is_transient() => {
                self.telemetry.failure("apply a delivery from the log", &error);
                Ok(())
            }
            Ok(()) | Err(IngestError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The erase that should have taken a delivery, and was never queued after it came.
    async fn left_by_erase(&self, partition: &Partition, logged: &LoggedDelivery) -> Result<Option<Job>, WorkError> {
        let Some(stored) = self.table.connection(partition).await? else { return Ok(None) };
        let erasure = stored.connection.erasure(partition.kind()).filter(|erasure| erasure.takes(logged.key.time_ms()));
        let subject = (partition.kind() == PartitionKind::User).then_some(Subject::User(stored.user_id));
        Ok(erasure.zip(subject).map(|(erasure, subject)| Job::Erase { subject, at_ms: erasure.at_ms, id: None }))
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
        let mut listed = objects.list_after("log", round.listed.as_deref());
        while let Some(found) = listed.try_next().await? {
            round.listed = Some(found.key.clone());
            if found.modified_ms < old_ms && !round.is_led_to(&found.key) {
                match round.was_orphan(&found.key) {
                    true => objects.remove(&found.key).await?,
                    false => round.is_orphan(found.key),
                }
            }
            if Instant::now() >= due {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
