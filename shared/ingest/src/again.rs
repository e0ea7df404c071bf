//! Deliveries from the log, once more: by a job that applies what could not be applied in time, by a replay, and by the
//! daily round that looks for what was logged and never applied.

use crate::apply::AppliedPlan;
use crate::error::IngestError;
use crate::plan::{Envelope, Nature, Plan};
use crate::receipt::Counts;
use crate::receive::{Ingest, Moment, day};
use crate::tiers::Frames;
use terrace_records::decision::{newer_scores, scores_of};
use terrace_records::{LogKey, Partition, PartitionKind, Status};
use terrace_store::frames::unpack;
use terrace_store::log::Stated;
use terrace_store::{Log, LogBody, LoggedDelivery, StoreError};
use terrace_terra::event::Owner;
use terrace_terra::ids::{DeliveryId, UserId};
use terrace_terra::{UnixSeconds, VerifiedBody};

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
    chain: Option<(String, Vec<u8>)>,
}

impl Unpacked {
    async fn read(log: &Log, logged: &LoggedDelivery) -> Result<Self, IngestError> {
        Ok(match &logged.body {
            LogBody::Inline(frame) => Self { body: unpack(frame)?, chain: None },
            LogBody::Object(key) => {
                let chain = log.chain(key).await?;
                Self { body: unpack(&chain)?, chain: Some((key.clone(), chain)) }
            }
        })
    }

    fn frames(&self) -> Result<Frames<'_>, StoreError> {
        self.chain.as_ref().map_or_else(|| Ok(Frames::none()), |(key, chain)| Frames::of(key, chain))
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
        // to name somebody.
        let named = !matches!(plan.owner, Owner::Nobody) && partition.kind() == PartitionKind::Delivery;
        let partition = if named { plan.partition.clone() } else { partition.clone() };
        Plan { partition, key: logged.key.clone(), ..plan }
    }
}

impl Ingest {
    /// Applies a delivery from the log: the work of an apply job.
    ///
    /// # Errors
    ///
    /// When it is no longer there, or the store fails.
    pub async fn apply_logged(&self, partition: &str, log_key: &str, moment: Moment) -> Result<Counts, IngestError> {
        const DOING: &str = "apply a delivery";
        let partition = Partition::from_stored(partition.to_owned());
        let key =
            LogKey::from_sort_key(log_key).ok_or_else(|| StoreError::refused(DOING, "the job names no delivery"))?;
        let logged = self.log.read(&partition, &key).await?.ok_or(IngestError::Gone)?;
        let unpacked = Unpacked::read(&self.log, &logged).await?;
        let plan = unpacked.plan(&partition, &logged);
        Ok(self.apply(&plan, &unpacked.body, &unpacked.frames()?, moment).await?.counts)
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
            let applied = self.apply(&plan, &unpacked.body, &unpacked.frames()?, moment).await?;
            AppliedPlan { counts, quarantine, .. } = applied;
        }
        let known = (logged.event.as_str(), logged.ignored, logged.quarantine.as_deref());
        let ignored = plan.nature == Nature::Ignored;
        // Why a ping was given up is not in the ping.
        if !dry_run && plan.nature != Nature::Ping && known != (plan.event_type.name(), ignored, quarantine) {
            let (event, copies, today) = (plan.event_type.name(), plan.copies(), day(moment.now_ms));
            let stated = Stated { event, copies: &copies, ignored, quarantine, today: &today };
            self.log.restate(partition, &logged.key, stated).await?;
        }
        Ok(match plan.nature {
            Nature::Ping if !fetched => Again::Fetching,
            _ if quarantine.is_some() => Again::Quarantined,
            Nature::Ignored | Nature::Ping => Again::Ignored,
            Nature::Kept | Nature::Quarantined => Again::Applied(counts),
        })
    }

    /// Whether the view reflects a delivery: whether applying it would change nothing. Records are looked for where
    /// re-authentications have brought them. Of a delivery that lies in an object only the log's own list of copies is
    /// looked at, and not its scores.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn is_reflected(&self, partition: &Partition, logged: &LoggedDelivery) -> Result<bool, IngestError> {
        let own = self.table.connection(partition).await?;
        let home = match own.as_ref().map(|own| (own.connection.status(), UserId::new(own.user_id.as_str()))) {
            Some((Status::Erased, _)) => return Ok(true),
            Some((Status::Replaced, Some(user))) => self.table.successor(&user).await?.partition,
            _ => partition.clone(),
        };
        if let (LogBody::Object(_), Some(copies)) = (&logged.body, &logged.copies)
            && !copies.is_empty()
        {
            let keys: Vec<_> = copies.iter().map(|copy| copy.record.clone()).collect();
            let versions = self.table.versions(&home, &keys).await?;
            let applied = copies.iter().all(|copy| versions.get(&copy.record) >= Some(&copy.version));
            let told = partition.kind() != PartitionKind::User
                || own.is_some_and(|own| own.connection.last_delivery().any(|(_, last)| last >= logged.key.time_ms()));
            return Ok(applied && told);
        }
        let unpacked = Unpacked::read(&self.log, logged).await?;
        let plan = unpacked.plan(partition, logged);
        if plan.nature == Nature::Ping {
            return Ok(logged.fetched.is_some() || logged.quarantine.is_some());
        }
        for repeats in &plan.records {
            let Some(stored) = self.table.record(&home, &repeats.greatest.key).await? else { return Ok(false) };
            let scores = newer_scores(scores_of(repeats.all()), &stored.scores);
            if stored.version < repeats.greatest.version || !scores.is_empty() {
                return Ok(false);
            }
        }
        for link in plan.links {
            let Some(stored) = self.table.connection(&link.partition).await? else { return Ok(false) };
            if !link.update.newer_than(stored.connection.registers()).registers.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
