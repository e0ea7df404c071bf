//! Deliveries from the log, once more: by a job that applies what could not be applied in time, by a replay, and by the
//! daily round that looks for what was logged and never applied.

use crate::apply::AppliedPlan;
use crate::error::IngestError;
use crate::plan::{Envelope, Link, Nature, Plan, UNSTORABLE};
use crate::receipt::Counts;
use crate::receive::{Ingest, Moment, day, metadata};
use crate::tiers::{self, Packed};
use bytes::Bytes;
use terrace_records::decision::{newer_scores, scores_of};
use terrace_records::{LogKey, Partition, PartitionKind, RequestUpdate, Retention, Status};
use terrace_store::frames::{Packer, unpack};
use terrace_store::log::Stated;
use terrace_store::{Log, LogBody, LoggedDelivery, StoreError, StoredConnection};
use terrace_terra::event::Owner;
use terrace_terra::ids::{DeliveryId, UserId};
use terrace_terra::{Chunk, EventType, UnixSeconds, VerifiedBody};

/// What comes of applying a delivery once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It was applied.
    Applied(Counts),
    /// There is nothing to keep of it but the log.
    Ignored,
    /// It is a ping, and fetched once more.
    Fetching,
    /// It is still not (wholly) understood.
    Quarantined,
}

/// A delivery as it was unpacked from the log.
struct Unpacked {
    body: Vec<u8>,
    packed: Packed,
}

impl Unpacked {
    async fn read(log: &Log, logged: &LoggedDelivery) -> Result<Self, IngestError> {
        let (body, object) = match &logged.body {
            LogBody::Inline(frame) => (unpack(frame)?, None),
            LogBody::Object(key) => {
                let chain = log.chain(key).await?;
                (unpack(&chain)?, Some(Bytes::from(chain)))
            }
        };
        let packed = Packed { body: logged.body.clone(), length: object.as_ref().map_or(0, Bytes::len), object };
        Ok(Self { body, packed })
    }

    /// What the delivery asks for, as the present version reads it.
    fn plan<'b>(&'b self, partition: &Partition, logged: &'b LoggedDelivery) -> Plan<'b> {
        let envelope = Envelope {
            trace_id: DeliveryId::new(logged.key.id()),
            ordering_ms: logged.ordering_ms,
            reference: logged.reference.as_deref(),
        };
        let body = VerifiedBody::from_log(&self.body, UnixSeconds(logged.signed_at));
        let plan = Plan::read(envelope, body);
        // What names nobody lies by its id, which the log keeps in keys alone; and what once named nobody may turn out
        // to name somebody. A ping stays where its job looks for it.
        let named = !matches!(plan.owner, Owner::Nobody) && partition.kind() == PartitionKind::Delivery;
        let named = named && plan.nature != Nature::Ping;
        let partition = if named { plan.partition.clone() } else { partition.clone() };
        Plan { partition, key: logged.key.clone(), ..plan }
    }

    /// The body packed anew, where a record has no frame of its own: the version that packed it knew of no record there.
    fn repacked(&self, plan: &Plan<'_>) -> Result<Option<Packed>, StoreError> {
        if self.packed.frames()?.hold(plan, &self.body) {
            return Ok(None);
        }
        tiers::pack(&mut Packer::new()?, plan, &self.body).map(Some)
    }
}

impl Ingest {
    /// Applies a delivery from the log: the work of an apply job.
    ///
    /// # Errors
    ///
    /// When it is no longer there, or the store fails.
    pub async fn apply_logged(&self, partition: &str, log_key: &str, moment: Moment) -> Result<Again, IngestError> {
        const DOING: &str = "apply a delivery";
        let partition = Partition::from_stored(partition.to_owned());
        let key =
            LogKey::from_sort_key(log_key).ok_or_else(|| StoreError::refused(DOING, "the job names no delivery"))?;
        let logged = self.log.read(&partition, &key).await?.ok_or(IngestError::Gone)?;
        self.replay(&partition, &logged, false, moment).await
    }

    /// Applies a delivery from the log as the present version reads it, and states in the log what it turns out to be.
    /// With `dry_run` it only says what would come of it.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn replay(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        dry_run: bool,
        moment: Moment,
    ) -> Result<Again, IngestError> {
        let unpacked = Unpacked::read(&self.log, logged).await?;
        let plan = unpacked.plan(partition, logged);
        let mut quarantine = plan.quarantine;
        let mut counts = Counts { rejected: plan.rejected, ..Counts::default() };
        let fetched = plan.nature == Nature::Ping && logged.fetched.is_some();
        if !dry_run && !fetched {
            let repacked = unpacked.repacked(&plan)?;
            let packed = repacked.as_ref().unwrap_or(&unpacked.packed);
            if let (true, LogBody::Object(key), Some(chain)) = (repacked.is_some(), &packed.body, &packed.object) {
                self.log.put_object(key, chain.clone(), &metadata(&plan)).await?;
            }
            let applied = self.apply(&plan, &unpacked.body, &packed.frames()?, moment).await?;
            AppliedPlan { counts, quarantine, .. } = applied;
            self.state(partition, logged, &plan, quarantine, repacked.as_ref(), moment).await?;
        }
        Ok(match plan.nature {
            Nature::Ping if !fetched => Again::Fetching,
            _ if quarantine.is_some() => Again::Quarantined,
            Nature::Ignored | Nature::Ping => Again::Ignored,
            Nature::Kept | Nature::Quarantined => Again::Applied(counts),
        })
    }

    /// States in the log what a delivery turned out to be, where that is another thing than what it says.
    async fn state(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        plan: &Plan<'_>,
        quarantine: Option<&'static str>,
        repacked: Option<&Packed>,
        moment: Moment,
    ) -> Result<(), IngestError> {
        let known = (logged.event.as_str(), logged.ignored, logged.quarantine.as_deref());
        let ignored = plan.nature == Nature::Ignored;
        let same = known == (plan.event_type.name(), ignored, quarantine) && plan.partition == *partition;
        // Why a ping was given up is not in the ping.
        if plan.nature == Nature::Ping || (same && repacked.is_none()) {
            return Ok(());
        }
        let (copies, today) = (plan.copies(), day(moment.now_ms));
        let body = repacked.map(|packed| &packed.body);
        let stated =
            Stated { event: plan.event_type.name(), copies: &copies, ignored, quarantine, body, today: &today };
        self.log.restate(partition, &logged.key, &plan.partition, stated).await?;
        Ok(())
    }

    /// Whether the view reflects a delivery: whether applying it would change nothing, and no job that it asked for is
    /// missing. Records are looked for where re-authentications have brought them. What an erase takes is the erase's.
    /// `own` is the connection that lies in its partition, as it was just read.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn is_reflected(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        own: Option<&StoredConnection>,
    ) -> Result<bool, IngestError> {
        let erasure = own.and_then(|own| own.connection.erasure(partition.kind()));
        let taken = erasure.is_some_and(|erasure| erasure.takes(logged.key.time_ms()));
        // A record that the table does not take stays unapplied for good.
        if taken || logged.quarantine.as_deref() == Some(UNSTORABLE) {
            return Ok(true);
        }
        let home = match own.map(|own| (own.connection.status(), UserId::new(own.user_id.as_str()))) {
            Some((Status::Replaced, Some(user))) => self.table.successor(&user).await?.partition,
            _ => partition.clone(),
        };
        if home == *partition
            && let Some(reflected) = self.is_reflected_by_list(partition, logged, own).await?
        {
            return Ok(reflected);
        }
        let unpacked = Unpacked::read(&self.log, logged).await?;
        let plan = unpacked.plan(partition, logged);
        // A lab report says itself when it was made: applied again it would only ask for the erase again.
        if erasure.is_some_and(|erasure| erasure.takes(plan.made_ms)) {
            return Ok(true);
        }
        if plan.nature == Nature::Ping {
            return Ok(logged.fetched.is_some() || logged.quarantine.is_some());
        }
        let requests = match &plan.request {
            Some(request) => self.table.is_noted(&plan.partition, request).await?,
            None => true,
        };
        let moved = plan.partition != *partition;
        Ok(!moved
            && requests
            && self.shows_records(&plan, &home).await?
            && self.shows_links(&plan, (partition, own)).await?)
    }

    /// The same from the list of copies that the log keeps beside a body in an object. `None` where there is no list, or
    /// only the body tells: of a copy that a greater one replaced the scores may still count.
    async fn is_reflected_by_list(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        own: Option<&StoredConnection>,
    ) -> Result<Option<bool>, IngestError> {
        let (LogBody::Object(_), Some(copies)) = (&logged.body, &logged.copies) else { return Ok(None) };
        let Some(data_type) = EventType::from_name(&logged.event).data_type().filter(|_| !copies.is_empty()) else {
            return Ok(None);
        };
        let keys: Vec<_> = copies.iter().map(|copy| copy.record.clone()).collect();
        let versions = self.table.versions(partition, &keys).await?;
        let told = own.is_some_and(|own| {
            let mut last = own.connection.last_delivery();
            last.any(|(known, last)| known == data_type && last >= logged.key.time_ms())
        });
        let missing = copies.iter().any(|copy| versions.get(&copy.record) < Some(&copy.version));
        if missing || (partition.kind() == PartitionKind::User && !told) {
            return Ok(Some(false));
        }
        if copies.iter().any(|copy| versions.get(&copy.record) > Some(&copy.version)) {
            return Ok(None);
        }
        let chunk = Chunk::of(Some(logged.key.id()), logged.reference.as_deref());
        let chunk = chunk.filter(|_| partition.kind() == PartitionKind::User);
        match chunk.and_then(|chunk| RequestUpdate::of_chunk(chunk.reference, chunk.number)) {
            Some(request) => Ok(Some(self.table.is_noted(partition, &request).await?)),
            None => Ok(Some(true)),
        }
    }

    async fn shows_records(&self, plan: &Plan<'_>, home: &Partition) -> Result<bool, IngestError> {
        for repeats in &plan.records {
            let stored = match self.table.record(home, &repeats.greatest.key).await {
                // One that cannot be read is put anew.
                Err(error) if error.is_corrupt() => return Ok(false),
                stored => stored?,
            };
            let Some(stored) = stored else { return Ok(false) };
            let scores = newer_scores(scores_of(repeats.all()), &stored.scores);
            if stored.version < repeats.greatest.version || !scores.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether connections are as a plan has them, and what follows from that was done: nothing lies under an id that
    /// was replaced, and who left was erased where that is the policy. Of one partition the connection is known already.
    async fn shows_links(
        &self,
        plan: &Plan<'_>,
        (known, own): (&Partition, Option<&StoredConnection>),
    ) -> Result<bool, IngestError> {
        for Link { partition, update, .. } in &plan.links {
            let read = if partition == known { None } else { self.table.connection(partition).await? };
            let stored = if partition == known { own } else { read.as_ref() };
            let Some(StoredConnection { connection, .. }) = stored else { return Ok(false) };
            if !update.clone().newer_than(connection.registers()).registers.is_empty() {
                return Ok(false);
            }
            if connection.replaced_by().is_some() && self.table.has_records(partition).await? {
                return Ok(false);
            }
            let left = plan.ends.as_ref().is_some_and(|user| Partition::of_user(user) == *partition);
            let erased =
                connection.erasure(PartitionKind::User).is_some_and(|erasure| erasure.at_ms >= plan.key.time_ms());
            if left && self.policy.retention == Retention::Erase && !erased {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
