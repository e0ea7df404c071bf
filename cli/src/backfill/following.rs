//! Following what Terra accepted until it came: large requests chunk by chunk, others by the first delivery of their type.

use crate::backfill::journal::Accepted;
use crate::backfill::plan::Ask;
use crate::backfill::state::{Progress, State};
use crate::client::Client;
use crate::error::CommandError;
use futures::stream::{StreamExt, iter};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often Terrace is asked what came.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How far Terra's clock may be behind this machine's.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// A large request as Terrace answers it.
#[derive(Debug, Deserialize)]
struct Request {
    reference: String,
    expected: Option<u64>,
    seen: u64,
    complete: bool,
}

/// Follows until everything came, or nothing new did for so long.
///
/// # Errors
///
/// When the journal cannot be written.
pub async fn follow_all(
    client: &Client,
    progress: &Progress,
    patience: Duration,
    concurrency: usize,
    bar: &ProgressBar,
) -> Result<(), CommandError> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let mut pending: BTreeMap<String, Vec<(Ask, Accepted)>> = BTreeMap::new();
        for (ask, state) in progress.states() {
            if let State::Accepted { accepted, .. } = state
                && !accepted.came
            {
                pending.entry(ask.user_id.clone()).or_default().push((ask, accepted));
            }
        }
        if pending.is_empty() {
            return Ok(());
        }
        let looks = iter(&pending).map(|(user, asks)| look(client, progress, user, asks));
        let looked: Vec<_> = looks.buffer_unordered(concurrency).collect().await;
        // Terrace may be busy with what comes; who cannot be asked now is asked in the next round.
        let unwritten = looked.into_iter().filter_map(Result::err);
        if let Some(error) = unwritten.filter(|error| matches!(error, CommandError::Output(_))).last() {
            return Err(error);
        }
        let (came, expected) = counted(&progress.states());
        bar.set_length(expected);
        bar.set_position(came);
        if came > last {
            (last, since) = (came, Instant::now());
        } else if since.elapsed() >= patience {
            return Ok(());
        }
        sleep(ASK_EVERY).await;
    }
}

/// How many deliveries came, of how many, where one that is not in chunks counts one.
fn counted(states: &BTreeMap<Ask, State>) -> (u64, u64) {
    let each = states.values().filter_map(|state| match state {
        State::Accepted { accepted, chunks: Some((seen, expected)) } => {
            let expected = expected.unwrap_or(seen + 1).max(*seen).max(1);
            Some((if accepted.came { expected } else { *seen }, expected))
        }
        State::Accepted { accepted, chunks: None } => Some((u64::from(accepted.came), 1)),
        State::Waiting | State::NotSent(_) => None,
    });
    each.fold((0, 0), |(came, expected), (one, of)| (came + one, expected + of))
}

/// Looks what came of one user's.
async fn look(client: &Client, progress: &Progress, user: &str, asks: &[(Ask, Accepted)]) -> Result<(), CommandError> {
    let requests = requests(client, user).await?;
    // Whoever is not in chunks is told by the last delivery of the type.
    let alone = asks.iter().any(|(_, accepted)| !accepted.large || accepted.reference.is_none());
    let last = if alone { last_delivery(client, user).await? } else { BTreeMap::new() };
    for (ask, accepted) in asks {
        let came = match accepted.reference.as_ref().and_then(|reference| requests.get(reference)) {
            Some(request) => {
                progress.seen(ask, request.seen, request.expected);
                request.complete
            }
            None if accepted.large && accepted.reference.is_some() => false,
            None => last.get(ask.of.name()).is_some_and(|last| *last >= accepted.at - CLOCKS),
        };
        if came {
            progress.accepted(ask, Accepted { came, ..accepted.clone() })?;
        }
    }
    Ok(())
}

async fn requests(client: &Client, user: &str) -> Result<HashMap<String, Request>, CommandError> {
    #[derive(Deserialize)]
    struct Page {
        requests: Vec<Request>,
    }
    match client.json::<Page>(&["users", user, "requests"], &[]).await {
        Ok(page) => Ok(page.requests.into_iter().map(|request| (request.reference.clone(), request)).collect()),
        // Nothing of this user ever came.
        Err(CommandError::Refused { status: 404, .. }) => Ok(HashMap::new()),
        Err(error) => Err(error),
    }
}

async fn last_delivery(client: &Client, user: &str) -> Result<BTreeMap<String, Timestamp>, CommandError> {
    #[derive(Deserialize)]
    struct Connection {
        last_delivery: BTreeMap<String, String>,
    }
    match client.json::<Connection>(&["users", user], &[]).await {
        Ok(connection) => {
            let last = connection.last_delivery.into_iter();
            Ok(last.filter_map(|(name, moment)| Some((name, moment.parse().ok()?))).collect())
        }
        Err(CommandError::Refused { status: 404, .. }) => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}
