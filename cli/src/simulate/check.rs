//! Holding what is read against what has to be there.

use crate::client::Client;
use crate::error::CommandError;
use crate::simulate::check_requests::compare_requests;
use crate::simulate::truth::{Delivered, Known, Owner, Truth};
use crate::simulate::truth_connection::ExpectedConnection;
use crate::simulate::truth_home::Settled;
use crate::simulate::truth_record::ExpectedRecord;
use crate::simulate::view::{self, ReadConnection, ReadRecord};
use futures::stream::{StreamExt, TryStreamExt, iter};
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How many owners are read at once.
const CONCURRENT_OWNERS: usize = 4;
/// How often is looked whether the view has become what it has to be.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Something that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose.
    pub owner: String,
    /// The type of record, or `connection`, `delivery`, `request`.
    pub kind: String,
    /// The record's identifier, the delivery's name or the request's reference.
    pub id: String,
    /// What differs.
    pub what: String,
}

/// What the check came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Checked {
    /// Connections, records of connections and of end users that have to be there.
    pub connections: usize,
    /// Records that have to be read.
    pub records_expected: usize,
    /// Records read.
    pub records_read: usize,
    /// Records that differ, are missing or should not be there.
    pub records_different: usize,
    /// Deliveries that have to be listed.
    pub deliveries_expected: usize,
    /// Deliveries listed.
    pub deliveries_listed: usize,
    /// Bodies read back and compared byte for byte.
    pub bodies_compared: usize,
    /// Large requests that have to be read.
    pub requests_expected: usize,
    /// Large requests read.
    pub requests_read: usize,
    /// Users whose records are under another id.
    pub moved: usize,
    /// Everything that differs.
    pub differences: Vec<Difference>,
}

impl Checked {
    fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.records_expected += other.records_expected;
        self.records_read += other.records_read;
        self.records_different += other.records_different;
        self.deliveries_expected += other.deliveries_expected;
        self.deliveries_listed += other.deliveries_listed;
        self.bodies_compared += other.bodies_compared;
        self.requests_expected += other.requests_expected;
        self.requests_read += other.requests_read;
        self.moved += other.moved;
        self.differences.extend(other.differences);
    }

    /// Notes a difference.
    pub fn differs(&mut self, owner: &Owner, kind: &str, id: &str, what: impl Into<String>) {
        let owner = match owner {
            Owner::User(id) => format!("user {id}"),
            Owner::Reference(id) => format!("reference {id}"),
        };
        self.differences.push(Difference { owner, kind: kind.to_owned(), id: id.to_owned(), what: what.into() });
    }
}

/// Reads everything back. What differs is looked at again until `deadline`: jobs may still be at work.
///
/// # Errors
///
/// When the server cannot be asked.
pub async fn check(
    client: &Client,
    truth: &Truth,
    deadline: Instant,
    progress: &ProgressBar,
) -> Result<Checked, CommandError> {
    let settled = truth.settled();
    let owners = iter(&settled).map(|settled| async move {
        loop {
            let checked = look(client, settled).await?;
            if checked.differences.is_empty() || Instant::now() >= deadline {
                progress.inc(1);
                return Ok::<_, CommandError>(checked);
            }
            sleep(LOOK_EVERY).await;
        }
    });
    let all: Vec<Checked> = owners.buffered(CONCURRENT_OWNERS).try_collect().await?;
    Ok(all.into_iter().fold(Checked::default(), |mut sum, checked| {
        sum.add(checked);
        sum
    }))
}

async fn look(client: &Client, settled: &Settled<'_>) -> Result<Checked, CommandError> {
    let Settled { owner, known, .. } = *settled;
    let mut checked = Checked { moved: usize::from(settled.moved), ..Checked::default() };
    let unread = |error: serde_json::Error| CommandError::Usage(format!("the simulation sent no JSON: {error}"));
    let expected = settled.records().map_err(unread)?;
    let read = match view::records(client, owner).await {
        Err(CommandError::Refused { status: 404, .. }) => {
            if settled.moved {
                checked.differs(owner, "records", "-", "not found, where an empty list had to be read");
            }
            Vec::new()
        }
        read => read?,
    };
    compare_records(&mut checked, owner, &expected, &read);
    compare_one(&mut checked, client, settled, &expected).await?;
    if let Owner::User(user) = owner {
        let connection = view::connection(client, user).await?;
        compare_connections(&mut checked, owner, known.facts.connection(), connection);
        compare_deliveries(&mut checked, client, owner, user, known).await?;
        let requests = view::requests(client, user).await?;
        compare_requests(&mut checked, owner, &known.requests.expected(), &requests);
    }
    Ok(checked)
}

/// Which of so many is looked at more closely: always the same of the same owner, so that a run can be repeated.
fn turn(owner: &Owner, number: usize) -> usize {
    let (Owner::User(id) | Owner::Reference(id)) = owner;
    id.bytes().map(usize::from).sum::<usize>() % number.max(1)
}

/// One record, asked for by its name. Where everything was moved it must not be found by its old owner any more.
async fn compare_one(
    checked: &mut Checked,
    client: &Client,
    settled: &Settled<'_>,
    expected: &[ExpectedRecord],
) -> Result<(), CommandError> {
    let Settled { owner, known, moved, .. } = *settled;
    if moved {
        if let Some((data_type, id)) = known.copies.keys().nth(turn(owner, known.copies.len()))
            && view::record(client, owner, data_type, id).await?.is_some()
        {
            checked.differs(owner, data_type, id, "still found under the old id");
        }
        return Ok(());
    }
    let Some(record) = expected.get(turn(owner, expected.len())) else { return Ok(()) };
    let what = match view::record(client, owner, record.data_type, &record.id).await? {
        Some(read) => record_difference(record, &read),
        None => Some("not found by its name".to_owned()),
    };
    if let Some(what) = what {
        checked.differs(owner, record.data_type, &record.id, format!("read alone: {what}"));
    }
    Ok(())
}

fn compare_records(checked: &mut Checked, owner: &Owner, expected: &[ExpectedRecord], read: &[ReadRecord]) {
    checked.records_expected = expected.len();
    checked.records_read = read.len();
    let mut unclaimed: BTreeMap<(&str, &str), &ReadRecord> = BTreeMap::new();
    for record in read {
        if unclaimed.insert((&record.data_type, &record.id), record).is_some() {
            checked.differs(owner, &record.data_type, &record.id, "listed twice");
        }
    }
    if !read.is_sorted_by(|one, next| one.data_type <= next.data_type) {
        checked.differs(owner, "records", "-", "not listed in order of type");
    }
    let before = checked.differences.len();
    for record in expected {
        let what = match unclaimed.remove(&(record.data_type, record.id.as_str())) {
            Some(read) => record_difference(record, read),
            None => Some("missing".to_owned()),
        };
        if let Some(what) = what {
            checked.differs(owner, record.data_type, &record.id, what);
        }
    }
    for (data_type, id) in unclaimed.into_keys() {
        checked.differs(owner, data_type, id, "should not be there: never sent, deleted, or moved");
    }
    checked.records_different = checked.differences.len() - before;
}

fn record_difference(expected: &ExpectedRecord, read: &ReadRecord) -> Option<String> {
    let member = |name: &str, expected: &Option<String>, read: &Option<String>| {
        (expected != read).then(|| format!("{name}: {expected:?} expected, {read:?} read"))
    };
    let data = || expected.data.difference(&read.data).map(|found| format!("data.{found}"));
    member("start_time", &expected.start_time, &read.start_time)
        .or_else(|| member("end_time", &expected.end_time, &read.end_time))
        .or_else(|| member("provider", &expected.provider, &read.provider))
        .or_else(data)
}

fn compare_connections(
    checked: &mut Checked,
    owner: &Owner,
    expected: Option<ExpectedConnection>,
    read: Option<ReadConnection>,
) {
    checked.connections = usize::from(expected.is_some());
    let (expected, read) = match (expected, read) {
        (None, None) => return,
        (Some(_), None) => return checked.differs(owner, "connection", "-", "missing"),
        (None, Some(_)) => return checked.differs(owner, "connection", "-", "should not be there"),
        (Some(expected), Some(read)) => (expected, read),
    };
    let millis = |time: &str| {
        let millis = time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        millis.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0)
    };
    let last: BTreeMap<String, u64> =
        read.last_delivery.iter().map(|(data_type, time)| (data_type.clone(), millis(time))).collect();
    let pairs = [
        ("provider", format!("{:?}", expected.provider), format!("{:?}", read.provider)),
        ("reference_id", format!("{:?}", expected.reference_id), format!("{:?}", read.reference_id)),
        ("status", expected.status.to_owned(), read.status),
        ("scopes", format!("{:?}", expected.scopes), format!("{:?}", read.scopes)),
        ("replaced_by", format!("{:?}", expected.replaced_by), format!("{:?}", read.replaced_by)),
        ("replaces", format!("{:?}", expected.replaces), format!("{:?}", read.replaces)),
        ("last_delivery", format!("{:?}", expected.last_delivery), format!("{:?}", last)),
    ];
    for (name, expected, read) in pairs.into_iter().filter(|(_, expected, read)| expected != read) {
        checked.differs(owner, "connection", "-", format!("{name}: {expected} expected, {read} read"));
    }
}

async fn compare_deliveries(
    checked: &mut Checked,
    client: &Client,
    owner: &Owner,
    user: &str,
    known: &Known,
) -> Result<(), CommandError> {
    let listed = match view::deliveries(client, user).await {
        Err(CommandError::Refused { status: 404, .. }) => Vec::new(),
        listed => listed?,
    };
    checked.deliveries_expected = known.deliveries.len();
    checked.deliveries_listed = listed.len();
    let names: HashSet<&str> = listed.iter().map(String::as_str).collect();
    if names.len() != listed.len() {
        checked.differs(owner, "delivery", "-", "some are listed twice");
    }
    for (name, delivered) in known.deliveries.iter().filter(|(name, _)| !names.contains(name.as_str())) {
        let what = if delivered.fetched { "its ping was acknowledged, but it is" } else { "acknowledged, but" };
        checked.differs(owner, "delivery", name, format!("{what} not listed"));
    }
    let acknowledged: BTreeSet<&str> = known.deliveries.keys().map(String::as_str).collect();
    for name in listed.iter().filter(|name| !acknowledged.contains(name.as_str())) {
        checked.differs(owner, "delivery", name, "listed, but never acknowledged");
    }
    // One of each user's, and one of those that were fetched.
    let fetched: Vec<_> = known.deliveries.iter().filter(|(_, delivered)| delivered.fetched).collect();
    let one = known.deliveries.iter().nth(turn(owner, known.deliveries.len()));
    for (name, Delivered { body, .. }) in one.into_iter().chain(fetched.get(turn(owner, fetched.len())).copied()) {
        match view::body(client, user, name).await {
            Ok(read) if read == *body => {}
            Ok(_) => checked.differs(owner, "delivery", name, "its body is not what was sent, byte for byte"),
            Err(CommandError::Refused { status: 404, .. }) => checked.differs(owner, "delivery", name, "has no body"),
            Err(error) => return Err(error),
        }
        checked.bodies_compared += 1;
    }
    Ok(())
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
