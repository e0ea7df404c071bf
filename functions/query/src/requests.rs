//! Large requests.

use crate::connections;
use crate::error::QueryError;
use crate::nearby;
use serde::Serialize;
use std::collections::BTreeMap;
use terrace_records::{Partition, Request, Status};
use terrace_store::Table;
use terrace_terra::ids::UserId;
use utoipa::ToSchema;

/// How many items are looked at at once.
const PAGE: usize = 1_000;
/// How many of the missing numbers are told.
const MAX_MISSING: usize = 1_000;

/// A user's large requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestsAnswer {
    requests: Vec<RequestAnswer>,
    /// Always null: all of them are in one answer.
    #[schema(required = true)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RequestAnswer {
    /// Terra's name for it.
    reference: String,
    /// How many chunks there will be, once that is known.
    #[schema(required = true)]
    expected: Option<u32>,
    /// How many came.
    seen: usize,
    /// The numbers of those that did not, the first thousand.
    missing: Vec<u32>,
    /// Whether all came.
    complete: bool,
}

/// The large requests of a user, by reference. They expire with the log, so there are never many.
pub async fn list(table: &Table, user: &UserId<'_>) -> Result<RequestsAnswer, QueryError> {
    let partition = Partition::of_user(user);
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = table.requests(&partition, after.as_ref(), PAGE).await?;
        for (reference, part) in page.entries {
            let request = requests.entry(reference).or_default();
            request.expected = part.expected.or(request.expected);
            request.seen.extend(part.seen);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Looked at afterwards: an erase that was marked before what was read came is seen.
    let status = connections::read(table, &partition).await?.map(|stored| stored.connection.status());
    if status == Some(Status::Erased) {
        requests.clear();
    } else if requests.is_empty() && status.is_none() && !table.is_known(&partition).await? {
        return Err(nearby::no_such_user(table, user).await?);
    }
    let answer = |(reference, request): (String, Request)| RequestAnswer {
        reference,
        expected: request.expected,
        seen: request.seen.len(),
        missing: request.missing().take(MAX_MISSING).collect(),
        complete: request.is_complete(),
    };
    Ok(RequestsAnswer { requests: requests.into_iter().map(answer).collect(), cursor: None })
}
