//! What is known nearby, where what was asked for is not there: the id that goes on for one that was replaced, the other
//! way of naming somebody, another way of writing a name. Nothing that was asked is repeated, it may be anything.

use crate::error::QueryError;
use terrace_records::{Connection, Partition, Status};
use terrace_store::{StoreError, Table};
use terrace_terra::ids::{ReferenceId, UserId};

/// Whose records are asked for.
#[derive(Debug)]
pub enum Whose<'p> {
    /// A user's, by Terra's id.
    User(UserId<'p>),
    /// An end user's, by the customer's name for them.
    Reference(ReferenceId<'p>),
}

impl Whose<'_> {
    /// The partition that they lie in.
    pub fn partition(&self) -> Partition {
        match self {
            Self::User(user) => Partition::of_user(user),
            Self::Reference(reference) => Partition::of_reference(reference),
        }
    }
}

/// Where nothing at all is known nearby.
pub const NO_SUCH_USER: &str = "nothing is known of this user: no delivery named it";
const USER_IS_REFERENCE: &str =
    "nothing is known of this user: no delivery named it; but it is a reference: ask /references/{reference_id}";
const USER_WRITTEN_OTHERWISE: &str = "nothing is known of this user: no delivery named it; but one is known that is \
                                      written in lower case and without white space around it";
const NO_SUCH_REFERENCE: &str = "no connection has this reference, and no record";
const REFERENCE_IS_USER: &str =
    "no connection has this reference, and no record; but it is the id of a user: ask /users/{user_id}";
const NO_SUCH_RECORD: &str = "there is no such record, or it was deleted";

/// What is said where nothing is known of a user.
pub async fn no_such_user(table: &Table, user: &UserId<'_>) -> Result<QueryError, StoreError> {
    let tidy = user.as_str().trim().to_lowercase();
    if let Some(tidy) = UserId::new(tidy.as_str()).filter(|tidy| tidy != user)
        && table.connection(&Partition::of_user(&tidy)).await?.is_some()
    {
        return Ok(QueryError::Unknown(USER_WRITTEN_OTHERWISE));
    }
    let reference = ReferenceId::new(user.as_str());
    let is_reference = match &reference {
        Some(reference) => is_reference(table, reference).await?,
        None => false,
    };
    Ok(QueryError::Unknown(if is_reference { USER_IS_REFERENCE } else { NO_SUCH_USER }))
}

/// What is said where nothing is known of a reference.
pub async fn no_such_reference(table: &Table, reference: &ReferenceId<'_>) -> Result<QueryError, StoreError> {
    let is_user = match UserId::new(reference.as_str()) {
        Some(user) => table.connection(&Partition::of_user(&user)).await?.is_some(),
        None => false,
    };
    Ok(QueryError::Unknown(if is_user { REFERENCE_IS_USER } else { NO_SUCH_REFERENCE }))
}

/// The error that nothing is known of somebody; none of an end user whose connections are known, and who may yet get
/// records of their own.
pub async fn nobody(table: &Table, whose: &Whose<'_>) -> Result<(), QueryError> {
    match whose {
        Whose::User(user) => Err(no_such_user(table, user).await?),
        Whose::Reference(reference) if has_connections(table, reference).await? => Ok(()),
        Whose::Reference(reference) => Err(no_such_reference(table, reference).await?),
    }
}

/// What is said where somebody has no such record. `connection` is what is known of them.
pub async fn no_such_record(
    table: &Table,
    whose: &Whose<'_>,
    connection: &Connection,
) -> Result<QueryError, QueryError> {
    if connection.status() == Status::Replaced
        && let Some(by) = goes_on_under(table, whose).await?
    {
        return Ok(QueryError::Replaced { by });
    }
    if connection.registers().is_empty() && !table.is_known(&whose.partition()).await? {
        nobody(table, whose).await?;
    }
    Ok(QueryError::Unknown(NO_SUCH_RECORD))
}

/// The id that the records of a replaced one are found under.
pub async fn goes_on_under(table: &Table, whose: &Whose<'_>) -> Result<Option<String>, QueryError> {
    let Whose::User(user) = whose else { return Ok(None) };
    let successor = table.successor(user).await?;
    Ok(Some(successor.user.as_str().to_owned()).filter(|by| by != user.as_str()))
}

async fn is_reference(table: &Table, reference: &ReferenceId<'_>) -> Result<bool, StoreError> {
    Ok(has_connections(table, reference).await? || table.is_known(&Partition::of_reference(reference)).await?)
}

/// Whether a connection has this reference. The index has those without one under `-`, which is a name that somebody may
/// be given too.
async fn has_connections(table: &Table, reference: &ReferenceId<'_>) -> Result<bool, StoreError> {
    let page = table.connections_of(reference, None, 1).await?;
    Ok(page.entries.iter().any(|stored| stored.connection.reference_id() == Some(reference.as_str())))
}
