//! Reads what is known of a connection. Every read is bounded; where more is there, the answer says so.

use crate::connections;
use crate::diagnosis::answer::UnknownReference;
use crate::diagnosis::case::{
    Case, Damaged, Deliveries, HOUR, MINUTE, Neighbour, RETRIES, RefusalsKnown, RequestCase, Trouble, TypeCase,
    is_measured,
};
use crate::diagnosis::witness::{Ask, Witness};
use crate::error::QueryError;
use futures::future::{join_all, try_join};
use std::collections::{BTreeMap, HashSet};
use terrace_records::erasure::made_ms;
use terrace_records::{Connection, Partition, PartitionKind, RecordKey, Request, Status};
use terrace_store::frames::unpack_text;
use terrace_store::{Listed, Log, LoggedDelivery, RecordBody, StoreError, StoredRecord, Table};
use terrace_terra::ids::{Identifier, ReferenceId, UserId};
use terrace_terra::{DataType, EventType};

/// How many deliveries are looked at, the newest.
pub const MAX_DELIVERIES: usize = 500;
/// How many connections of an end user.
const MAX_CONNECTIONS: usize = 10;
/// How many items of large requests.
const MAX_REQUESTS: usize = 200;
/// How many records are looked up to see whether deliveries were applied: what one read takes.
const MAX_VERSIONS: usize = 100;
/// A delivery that is not applied after so long was forgotten, or its job fails.
const APPLIED_WITHIN: u64 = 15 * MINUTE;
/// A delivery that comes so long after Terra made it was tried before.
const LATE: u64 = HOUR;

/// Reads what is known.
#[derive(Debug, Clone, Copy)]
pub struct Gather<'s> {
    /// The view.
    pub table: &'s Table,
    /// The log.
    pub log: &'s Log,
    /// Who can ask Terra.
    pub witness: &'s dyn Witness,
    /// What is known of signatures that did not hold.
    pub refusals: RefusalsKnown,
    /// Now, in milliseconds since 1970.
    pub now: u64,
}

/// What lies in a user's partition, before it is known what of it may be shown.
struct Found {
    deliveries: Vec<LoggedDelivery>,
    more: bool,
    latest: Vec<StoredRecord>,
    requests: Vec<(String, Request)>,
    more_requests: bool,
    damaged: Damaged,
}

impl Gather<'_> {
    /// What is known of a user.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn user(
        &self,
        user: &UserId<'_>,
        asked: Option<DataType>,
        deliveries: usize,
    ) -> Result<Case, QueryError> {
        let partition = Partition::of_user(user);
        let mut found = self.find(&partition, deliveries).await?;
        // Looked at afterwards: an erase that was marked before what was read came is seen.
        let stored = connections::read(self.table, &partition).await?;
        found.damaged.marks = stored.as_ref().map_or(0, |stored| stored.unreadable.len());
        let stored = stored.map(|stored| stored.connection);
        let erasure = stored.as_ref().and_then(|connection| connection.erasure(PartitionKind::User));
        let goes = |ms: u64| erasure.is_some_and(|erasure| erasure.takes(ms));
        found.deliveries.retain(|delivery| !goes(delivery.key.time_ms()));
        found.damaged.deliveries.retain(|made_ms| !goes(*made_ms));
        let connection = stored.map(|connection| connection.shown(PartitionKind::User));
        let status = connection.as_ref().map(Connection::status);
        if matches!(status, Some(Status::Erased | Status::Replaced)) {
            found.latest.clear();
            found.damaged.records = 0;
        }
        if status == Some(Status::Erased) {
            found.requests.clear();
            found.damaged = Damaged::default();
        }
        found.latest.retain(|record| !goes(made_ms(Some(record.key.data_type()), &record.version)));
        let successor = match status {
            Some(Status::Replaced) => Some(self.table.successor(user).await?),
            _ => None,
        };
        let home = successor.as_ref().map_or(&partition, |successor| &successor.partition);
        // Of one that was replaced and stands for itself again, records may lie under the other id.
        let moved = connection.as_ref().is_some_and(|connection| connection.goes_on_under().next().is_some());
        let unapplied = match (moved, &successor) {
            (true, None) => Vec::new(),
            _ => self.unapplied(home, &found.deliveries).await?,
        };
        let (others, terra) = try_join(self.others(user, connection.as_ref()), self.ask(user)).await?;
        let types = types(&found, connection.as_ref());
        let of_terra = match &terra {
            Ask::Known(known) => known.provider_user_id.clone(),
            Ask::Unknown | Ask::CouldNotAsk(_) => None,
        };
        Ok(Case {
            now: self.now,
            asked,
            user_id: user.as_str().to_owned(),
            types,
            provider_user_id: of_terra.or_else(|| found.latest.iter().find_map(provider_user_id)),
            deliveries: self.deliveries(&found, unapplied),
            requests: requests(found.requests),
            requests_cut_off: found.more_requests,
            successor: successor.map(|next| neighbour(next.user.as_str(), &next.connection)),
            others,
            connection,
            damaged: found.damaged,
            refusals: self.refusals,
            terra,
        })
    }

    /// The users of a reference, and whether there are more.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn users_of(&self, reference: &ReferenceId<'_>) -> Result<(Vec<UserId<'static>>, bool), QueryError> {
        let (neighbours, more) = self.neighbours(reference).await?;
        Ok((neighbours.into_iter().filter_map(|neighbour| UserId::new(neighbour.user_id)).collect(), more))
    }

    /// What is known where no connection has a reference: attempts to connect that failed name it, and it may be the id
    /// of a user.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn unknown_reference(&self, reference: &ReferenceId<'_>) -> Result<UnknownReference, QueryError> {
        let found = self.log.newest(&Partition::of_reference(reference), MAX_VERSIONS).await?;
        let of = |event: &str| [EventType::AuthCancelled, EventType::Auth].iter().any(|auth| auth.name() == event);
        let failed: Vec<u64> =
            found.entries.iter().filter(|entry| of(&entry.event)).map(|entry| entry.received_at).collect();
        let user = UserId::new(reference.as_str().to_owned());
        let user = match &user {
            Some(user) => self.table.connection(&Partition::of_user(user)).await?,
            None => None,
        };
        Ok(UnknownReference::new(reference.as_str(), self.now, &failed, user.map(|user| user.user_id)))
    }

    async fn find(&self, partition: &Partition, deliveries: usize) -> Result<Found, QueryError> {
        let newest = self.log.newest(partition, deliveries).await?;
        let latest = DataType::ALL.map(|data_type| self.latest(partition, data_type));
        let latest: Result<Vec<_>, _> = join_all(latest).await.into_iter().collect();
        let (latest, damaged): (Vec<_>, Vec<_>) = latest?.into_iter().flatten().partition(Result::is_ok);
        let requests = self.table.requests(partition, None, MAX_REQUESTS).await?;
        Ok(Found {
            deliveries: newest.entries,
            more: newest.more,
            latest: latest.into_iter().flatten().collect(),
            requests: requests.entries,
            more_requests: requests.next.is_some(),
            damaged: Damaged { deliveries: newest.damaged, records: damaged.len(), marks: 0 },
        })
    }

    /// The latest record of a type. There is one athlete, which has no date.
    async fn latest(&self, partition: &Partition, data_type: DataType) -> Result<Option<Listed>, StoreError> {
        if data_type != DataType::Athlete {
            return self.table.latest_record(partition, data_type).await;
        }
        let Some(id) = Identifier::new("athlete") else { return Ok(None) };
        let mut athlete = self.table.records_of(partition, &[RecordKey::new(data_type, &id)]).await?;
        athlete.retain(|athlete| !athlete.as_ref().is_ok_and(StoredRecord::is_deleted));
        Ok(athlete.pop())
    }

    async fn ask(&self, user: &UserId<'_>) -> Result<Ask, QueryError> {
        Ok(self.witness.user(user).await)
    }

    /// Other connections of the same end user. Where nothing is known of the id, it may be that of an end user.
    async fn others(&self, user: &UserId<'_>, connection: Option<&Connection>) -> Result<Vec<Neighbour>, QueryError> {
        let reference = match connection {
            Some(connection) => connection.reference_id(),
            None => Some(user.as_str()),
        };
        let Some(reference) = reference.and_then(ReferenceId::new) else { return Ok(Vec::new()) };
        let (mut others, _) = self.neighbours(&reference).await?;
        others.retain(|other| other.user_id != user.as_str());
        Ok(others)
    }

    async fn neighbours(&self, reference: &ReferenceId<'_>) -> Result<(Vec<Neighbour>, bool), QueryError> {
        let page = self.table.connections_of(reference, None, MAX_CONNECTIONS).await?;
        let sure = page.entries.iter().filter(|stored| !stored.is_unsure());
        let all = sure.map(|stored| neighbour(&stored.user_id, &stored.connection));
        // The index has connections without a reference under `-`, which is a name that somebody may be given too.
        let own = all.filter(|other| other.connection.reference_id() == Some(reference.as_str()));
        Ok((own.collect(), page.next.is_some()))
    }

    /// The deliveries whose copies are not in the view though they came a while ago; as many of the newest as one read
    /// can tell.
    async fn unapplied(&self, home: &Partition, found: &[LoggedDelivery]) -> Result<Vec<Trouble>, QueryError> {
        let mut keys: HashSet<&RecordKey> = HashSet::new();
        let mut judged = Vec::new();
        let due = |delivery: &&LoggedDelivery| delivery.received_at.saturating_add(APPLIED_WITHIN) <= self.now;
        for delivery in found.iter().filter(due) {
            let Some(copies) = delivery.copies.as_ref().filter(|copies| !copies.is_empty()) else { continue };
            // A large delivery is judged by its first copies.
            let room = MAX_VERSIONS - keys.len();
            keys.extend(copies.iter().map(|copy| &copy.record).take(room));
            judged.push((delivery, copies));
            if keys.len() >= MAX_VERSIONS {
                break;
            }
        }
        let wanted: Vec<RecordKey> = keys.iter().map(|key| (*key).clone()).collect();
        let versions = self.table.versions(home, &wanted).await?;
        let waits = judged.into_iter().filter(|(delivery, copies)| {
            let behind = copies
                .iter()
                .filter(|copy| keys.contains(&copy.record))
                .any(|copy| versions.get(&copy.record).is_none_or(|stored| *stored < copy.version));
            // What the table does not take stays unapplied for good, and its mark says so.
            behind && delivery.quarantine.as_deref() != Some("unstorable")
        });
        Ok(waits.map(|(delivery, _)| trouble(delivery, "not applied")).collect())
    }

    fn deliveries(&self, found: &Found, unapplied: Vec<Trouble>) -> Deliveries {
        let entries = &found.deliveries;
        let late = entries.iter().filter_map(|delivery| Some((delivery.ordering_ms?, delivery.received_at)));
        let late = late.filter(|(made, came)| {
            let after = came.saturating_sub(*made);
            (LATE..=RETRIES).contains(&after) && made.saturating_add(RETRIES) > self.now
        });
        let quarantined =
            entries.iter().filter_map(|delivery| Some(trouble(delivery, delivery.quarantine.as_deref()?)));
        let of_data = entries.iter().filter(|delivery| data_type(delivery).is_some_and(is_measured));
        let happened = entries.iter().filter(|delivery| is_of_a_life(&delivery.event));
        Deliveries {
            looked_at: entries.len(),
            cut_off: found.more,
            since: entries.last().map(|delivery| delivery.key.time_ms()),
            newest_received: entries.iter().map(|delivery| delivery.received_at).max(),
            quarantined: quarantined.collect(),
            unapplied,
            late: late.min(),
            times: of_data.map(|delivery| delivery.key.time_ms()).collect(),
            happened: happened.map(|delivery| (delivery.key.time_ms(), delivery.event.clone())).collect(),
        }
    }
}

fn types(found: &Found, connection: Option<&Connection>) -> BTreeMap<DataType, TypeCase> {
    let mut types: BTreeMap<DataType, TypeCase> = BTreeMap::new();
    for record in &found.latest {
        let known = types.entry(record.key.data_type()).or_default();
        known.latest_start.clone_from(&record.start_time);
        known.latest_updated_at = Some(record.updated_at);
        known.brought = true;
    }
    for delivery in &found.deliveries {
        let Some(data_type) = data_type(delivery) else { continue };
        let known = types.entry(data_type).or_default();
        known.times.push(delivery.key.time_ms());
        let empty = delivery.copies.as_ref().is_some_and(Vec::is_empty) && delivery.quarantine.is_none();
        known.brought |= !empty;
        known.last_delivery = known.last_delivery.max(Some(delivery.key.time_ms()));
    }
    for (data_type, time) in connection.into_iter().flat_map(Connection::last_delivery) {
        let known = types.entry(data_type).or_default();
        // Of what was not looked at the best is thought.
        known.brought |= !known.times.contains(&time);
        known.last_delivery = known.last_delivery.max(Some(time));
    }
    types
}

fn requests(found: Vec<(String, Request)>) -> Vec<RequestCase> {
    let case = |(reference, request): (String, Request)| RequestCase {
        reference,
        expected: request.expected,
        seen: request.seen.len(),
        complete: request.is_complete(),
    };
    found.into_iter().map(case).collect()
}

fn data_type(delivery: &LoggedDelivery) -> Option<DataType> {
    EventType::from_name(&delivery.event).data_type()
}

/// Whether an event tells of the life of a connection.
fn is_of_a_life(event: &str) -> bool {
    use EventType::{AccessRevoked, Auth, AuthCancelled, ConnectionError, Deauth, PermissionChange, UserReauth};
    let of_a_life = [AccessRevoked, Auth, AuthCancelled, ConnectionError, Deauth, PermissionChange, UserReauth];
    of_a_life.contains(&EventType::from_name(event))
}

fn trouble(delivery: &LoggedDelivery, reason: &str) -> Trouble {
    Trouble {
        delivery: delivery.key.name(),
        event: delivery.event.clone(),
        made_at: delivery.key.time_ms(),
        received_at: delivery.received_at,
        reason: reason.to_owned(),
    }
}

fn neighbour(user_id: &str, connection: &Connection) -> Neighbour {
    Neighbour { user_id: user_id.to_owned(), connection: connection.shown(PartitionKind::User) }
}

/// What the provider calls the account, from what is in the athlete's item.
fn provider_user_id(record: &StoredRecord) -> Option<String> {
    if record.key.data_type() != DataType::Athlete {
        return None;
    }
    let (RecordBody::Whole(frame) | RecordBody::Summary { summary: frame, .. }) = &record.body else { return None };
    let athlete: serde_json::Value = serde_json::from_str(&unpack_text(frame).ok()?).ok()?;
    match athlete.get("provider_user_id")? {
        serde_json::Value::String(id) if !id.is_empty() => Some(id.clone()),
        serde_json::Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
