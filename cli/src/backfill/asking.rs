//! Asking Terra for history: users side by side, each one's requests in order, no more days an hour than Terra takes.

use crate::backfill::journal::Accepted;
use crate::backfill::plan::{Ask, wait};
use crate::backfill::state::{Progress, State};
use crate::error::CommandError;
use futures::stream::{StreamExt, TryStreamExt, iter};
use indicatif::ProgressBar;
use jiff::Timestamp;
use std::collections::BTreeMap;
use terrace_terra_api::{Sent, TerraApi, TerraApiError};
use tokio::time::sleep;

/// Asks for everything that was not asked for yet.
///
/// # Errors
///
/// When the key is refused, which it is for everybody, or the journal cannot be written.
pub async fn ask_all(
    terra: &TerraApi,
    progress: &Progress,
    concurrency: usize,
    bar: &ProgressBar,
) -> Result<(), CommandError> {
    let mut by_user: BTreeMap<String, Vec<(Ask, State)>> = BTreeMap::new();
    for (ask, state) in progress.states() {
        by_user.entry(ask.user_id.clone()).or_default().push((ask, state));
    }
    iter(by_user.into_values())
        .map(|asks| ask_user(terra, progress, asks, bar))
        .buffer_unordered(concurrency)
        .try_collect::<()>()
        .await
}

async fn ask_user(
    terra: &TerraApi,
    progress: &Progress,
    asks: Vec<(Ask, State)>,
    bar: &ProgressBar,
) -> Result<(), CommandError> {
    // What was asked for before a stop counts for Terra all the same.
    let before = asks.iter().filter_map(|(ask, state)| match state {
        State::Accepted { accepted, .. } => Some((accepted.at, ask.days())),
        State::Waiting | State::NotSent(_) => None,
    });
    let mut asked: Vec<_> = before.collect();
    let mut unknown = false;
    for (ask, _) in asks.iter().filter(|(_, state)| *state == State::Waiting) {
        bar.inc(1);
        if unknown {
            progress.not_sent(ask, TerraApiError::UnknownUser.to_string());
            continue;
        }
        let wait = wait(&asked, ask.days(), Timestamp::now());
        if !wait.is_zero() {
            bar.println(format!("{}: Terra takes no more days this hour, waiting {} s", ask.user_id, wait.as_secs()));
            sleep(wait).await;
        }
        match terra.send_history(&ask.user_id, ask.of, ask.from, ask.to).await {
            Ok(Sent::ToWebhook { reference, large }) => {
                let at = Timestamp::now();
                asked.push((at, ask.days()));
                progress.accepted(ask, Accepted { at, reference, large, came: false })?;
            }
            Ok(_) => progress.not_sent(ask, "Terra answered the data itself and sends nothing".to_owned()),
            Err(error @ TerraApiError::Unauthorised { .. }) => return Err(error.into()),
            Err(error) => {
                unknown = error == TerraApiError::UnknownUser;
                progress.not_sent(ask, error.to_string());
            }
        }
    }
    Ok(())
}
