//! The daily round.
//!
//! It applies deliveries that were logged and whose effect the view does not show: they were answered 503 and never sent
//! again, or their job was lost. It does erases again that a restored table has forgotten. And it removes objects that
//! nothing leads to, once two rounds in a row found them so: a record that is being moved may be met in neither place.

use crate::error::WorkError;
use crate::worker::{Worked, Worker};
use bytes::Bytes;
use futures::stream::TryStreamExt;
use std::collections::HashSet;
use terrace_ingest::Moment;
use terrace_records::{Partition, PartitionKind};
use terrace_store::queue::{Job, Subject};
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::{LogBody, LoggedDelivery, StoreError};
use terrace_terra::ids::{ReferenceId, UserId};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How far back deliveries are looked at: a round may fail for a day or two.
const LOOKED_AT_MS: u64 = 3 * DAY_MS;
/// A delivery that is younger than this may still be at work.
const SETTLED_MS: u64 = 15 * 60 * 1_000;
/// Where the objects that the last round found without a leader are listed.
const ORPHANS: &str = "sweep/orphans";

impl Worker {
    pub(crate) async fn sweep(&self, after: Option<&str>, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        if after.is_none() {
            self.erase_again().await?;
        }
        let mut led_to: HashSet<u64> = HashSet::new();
        let mut position = after.and_then(RoundPosition::from_text);
        loop {
            let (met, next) = self.table.round(position.as_ref()).await?;
            for met in met {
                match met {
                    Met::Delivery(partition, logged) => {
                        if let LogBody::Object(object) = &logged.body {
                            led_to.insert(xxh3_64(object.as_bytes()));
                        }
                        self.mend(&partition, &logged, moment).await?;
                    }
                    Met::Pointer(object) => drop(led_to.insert(xxh3_64(object.as_bytes()))),
                    Met::Other => {}
                }
            }
            position = next;
            let Some(stopped_at) = &position else { break };
            if Instant::now() >= due {
                let after = Some(stopped_at.to_text());
                self.queue.send(&Job::Sweep { after }).await?;
                return Ok(Worked::HandedOn);
            }
        }
        // Only who saw everything knows what nothing leads to.
        if after.is_none() {
            self.remove_orphans(&led_to, moment).await?;
        }
        Ok(Worked::Done)
    }

    /// Applies a delivery that should have been.
    async fn mend(&self, partition: &Partition, logged: &LoggedDelivery, moment: Moment) -> Result<(), WorkError> {
        let age = moment.now_ms.saturating_sub(logged.received_at);
        if (SETTLED_MS..LOOKED_AT_MS).contains(&age) && !self.ingest.is_reflected(partition, logged).await? {
            self.ingest.replay(partition, logged, false, moment).await?;
        }
        Ok(())
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
            let marked = stored.and_then(|stored| stored.connection.erasure());
            let stands = marked.is_some_and(|erasure| erasure.at_ms >= line.erased_at);
            let known = partition.kind() == PartitionKind::Reference || self.table.is_known(&partition).await?;
            if !stands && known {
                let (subject, at_ms) = (line.subject, line.erased_at);
                self.queue.send(&Job::Erase { subject, at_ms, id: None }).await?;
            }
        }
        Ok(())
    }

    async fn remove_orphans(&self, led_to: &HashSet<u64>, moment: Moment) -> Result<(), WorkError> {
        const DOING: &str = "list orphaned objects";
        let objects = self.log.objects();
        let before: HashSet<String> = match objects.get(ORPHANS).await? {
            Some(list) => serde_json::from_slice(&list).unwrap_or_default(),
            None => HashSet::new(),
        };
        let old_ms = moment.now_ms.saturating_sub((self.log_days + 1).saturating_mul(DAY_MS));
        let mut orphans = HashSet::new();
        let mut listed = objects.list("log");
        while let Some(found) = listed.try_next().await? {
            if found.modified_ms >= old_ms || led_to.contains(&xxh3_64(found.key.as_bytes())) {
                continue;
            }
            if before.contains(&found.key) {
                objects.remove(&found.key).await?;
            } else {
                orphans.insert(found.key);
            }
        }
        let list = serde_json::to_vec(&orphans).map_err(|error| StoreError::refused(DOING, error))?;
        Ok(objects.put(ORPHANS, Bytes::from(list)).await?)
    }
}
