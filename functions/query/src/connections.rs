//! Connections.

use crate::cursor::Question;
use crate::error::{Damage, QueryError, is_zero};
use crate::nearby;
use crate::parameters::ListQuestion;
use crate::times::instant;
use serde::Serialize;
use std::collections::BTreeMap;
use terrace_records::{Connection, Partition, PartitionKind};
use terrace_store::{Position, StoreError, StoredConnection, Table};
use terrace_terra::ids::{ReferenceId, UserId};
use utoipa::ToSchema;

/// A connection as it is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionAnswer {
    /// Terra's id.
    user_id: String,
    /// Where the data comes from.
    #[schema(required = true)]
    provider: Option<String>,
    /// Your name for the end user.
    #[schema(required = true)]
    reference_id: Option<String>,
    /// `active`, `error`, `revoked`, `replaced` or `erased`.
    status: &'static str,
    /// The permissions, as the newest list has them.
    scopes: Vec<String>,
    /// When each type was last delivered.
    #[schema(value_type = BTreeMap<String, String>)]
    last_delivery: BTreeMap<&'static str, String>,
    /// The id that goes on in its place.
    #[schema(required = true)]
    replaced_by: Option<String>,
    /// The ids whose place it took.
    replaces: Vec<String>,
    /// How much of what is known of it cannot be read, and is missing here; its status may be another.
    #[serde(skip_serializing_if = "is_zero")]
    damaged: usize,
}

impl From<&StoredConnection> for ConnectionAnswer {
    fn from(stored: &StoredConnection) -> Self {
        let connection = &shown(stored);
        let last = connection.last_delivery().map(|(data_type, time)| (data_type.name(), instant(time)));
        Self {
            user_id: stored.user_id.clone(),
            provider: connection.provider().map(str::to_owned),
            reference_id: connection.reference_id().map(str::to_owned),
            status: connection.status().name(),
            scopes: connection.scopes(),
            last_delivery: last.collect(),
            replaced_by: connection.replaced_by().map(str::to_owned),
            replaces: connection.replaces().map(str::to_owned).collect(),
            damaged: stored.unreadable.len(),
        }
    }
}

/// What is shown of a connection: of an erased one its mark, however far the erase is.
fn shown(stored: &StoredConnection) -> Connection {
    stored.connection.shown(PartitionKind::User)
}

/// One connection.
pub async fn connection(table: &Table, user: &UserId<'_>) -> Result<ConnectionAnswer, QueryError> {
    let stored = read(table, &Partition::of_user(user)).await?;
    match &stored {
        Some(stored) => Ok(ConnectionAnswer::from(stored)),
        None => Err(nearby::no_such_user(table, user).await?),
    }
}

/// What is known of a partition's connection, where it can be said whether anything of it may be shown.
pub async fn read(table: &Table, partition: &Partition) -> Result<Option<StoredConnection>, QueryError> {
    const DOING: &str = "read a connection";
    let stored = table.connection(partition).await?;
    match stored.as_ref().is_some_and(StoredConnection::is_unsure) {
        true => Err(Damage::of(Damage::CONNECTION)(StoreError::corrupt(DOING, "a mark is no register"))),
        false => Ok(stored),
    }
}

/// Leaves out those of which it cannot be said whether anything of them may be shown, and says how many they were.
fn leave_out_unsure(connections: &mut Vec<StoredConnection>) -> usize {
    let all = connections.len();
    connections.retain(|stored| !stored.is_unsure());
    all - connections.len()
}

/// How many pages of the index make one page of an answer at most: what is no user fills pages too.
const MAX_PAGES: usize = 10;

/// A page of all connections.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsersAnswer {
    users: Vec<ConnectionAnswer>,
    /// How many of this page are left out: their marks are damaged, so that they may be erased.
    #[serde(skip_serializing_if = "is_zero")]
    pub damaged: usize,
    /// Where to go on; null at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// Every connection, whatever its status, in no order that means anything.
pub async fn all(table: &Table, list: &ListQuestion<'_>) -> Result<UsersAnswer, QueryError> {
    let question = Question::of([Some("users")]);
    let mut after = list.cursor.map(|cursor| question.position(cursor)).transpose()?;
    if after.as_ref().is_some_and(|after| after.start_key.is_none()) {
        return Err(QueryError::bad("the cursor leads nowhere; take it from the last answer"));
    }
    let (mut users, mut damaged) = (Vec::new(), 0);
    for _page in 0..MAX_PAGES {
        let mut page = table.connections(after.as_ref(), list.limit - users.len()).await?;
        damaged += leave_out_unsure(&mut page.entries);
        users.extend(page.entries.iter().map(ConnectionAnswer::from));
        after = page.next;
        if after.is_none() || users.len() >= list.limit {
            break;
        }
    }
    Ok(UsersAnswer { users, damaged, cursor: after.map(|next| question.cursor(next)) })
}

/// The connections of an end user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferenceAnswer {
    reference_id: String,
    connections: Vec<ConnectionAnswer>,
    /// How many of this page are left out: their marks are damaged, so that they may be erased.
    #[serde(skip_serializing_if = "is_zero")]
    pub damaged: usize,
    /// Where to go on; null at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// The connections of an end user, by the customer's name for them.
pub async fn of_reference(
    table: &Table,
    reference: &ReferenceId<'_>,
    list: &ListQuestion<'_>,
) -> Result<ReferenceAnswer, QueryError> {
    let question = Question::of([Some("references"), Some(reference.as_str())]);
    let after = list.cursor.map(|cursor| question.position(cursor)).transpose()?;
    let after = after.map(|position| Partition::from_stored(position.record));
    let mut page = table.connections_of(reference, after.as_ref(), list.limit).await?;
    let damaged = leave_out_unsure(&mut page.entries);
    // The index has connections without a reference under `-`, which is a name that somebody may be given too.
    page.entries.retain(|stored| shown(stored).reference_id() == Some(reference.as_str()));
    if page.entries.is_empty() && damaged == 0 && page.next.is_none() && after.is_none() {
        return Err(nearby::no_such_reference(table, reference).await?);
    }
    Ok(ReferenceAnswer {
        reference_id: reference.as_str().to_owned(),
        connections: page.entries.iter().map(ConnectionAnswer::from).collect(),
        damaged,
        cursor: page.next.map(|next: Position| question.cursor(next)),
    })
}
