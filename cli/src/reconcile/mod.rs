//! `terrace reconcile`.

mod drift;
mod ours;
mod repair;
mod report;

use crate::client::Client;
use crate::connect::Connect;
use crate::error::CommandError;
use crate::{INTERRUPTED, terminal, terra};
use clap::Args;
use drift::{Drift, Kind, Missed, Theirs, compare};
use futures::stream::{StreamExt, iter};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use ours::{Listed, Ours};
use repair::Mender;
use report::{Found, NotCompared, Outcome, Report};
use std::collections::BTreeMap;
use std::process::ExitCode;
use terrace_terra_api::{TerraApi, TerraApiError};

/// Compare Terra's view of its connections with ours, and mend ours.
///
/// Asks Terra's API (TERRA_DEV_ID, TERRA_API_KEY, TERRA_API_URL) for all its users, or for some, and shows where Terrace
/// differs: connections that are unknown, revoked or erased here and active there, or the other way round, other
/// references, other scopes, and users of whom Terra has newer data.
///
/// --repair sends the event that was missed (auth, deauth, permission_change) to the webhook, signed as Terra signs, so
/// that the repair is in the log and replays like any other. Somebody who was erased comes back only if named with --user;
/// a deauth is sent only with --yes, since it erases where TERRACE_RETENTION is erase.
///
/// Exit status: 0 the views agree, 1 they differ or somebody could not be compared, 2 wrong usage or nobody answers,
/// 130 stopped.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// Only this user (Terra's user_id); may be given several times.
    #[arg(long, value_name = "USER", num_args = 1..)]
    pub user: Vec<String>,
    /// Only the connections of this end user, by your name for them; may be given several times.
    #[arg(long, value_name = "REFERENCE", num_args = 1..)]
    pub reference: Vec<String>,
    /// Send the events that were missed.
    #[arg(long)]
    pub repair: bool,
    /// Yes, send deauths too, which erase where that is the policy.
    #[arg(long, requires = "repair")]
    pub yes: bool,
    /// Compare connections alone: without the newest data, which takes a request to Terra for each user.
    #[arg(long)]
    pub connections_only: bool,
    /// What deliveries are signed with.
    #[arg(long, env = "TERRA_SIGNING_SECRET", default_value = "local-development-secret", hide_env_values = true)]
    pub secret: String,
    /// How many users are compared at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Reconciles.
///
/// # Errors
///
/// When Terra or Terrace cannot be asked at all, or an option is wrong.
pub async fn run(args: ReconcileArgs) -> Result<ExitCode, CommandError> {
    let terra = terra::from_environment()?;
    let client = args.connect.client()?;
    // Before anything is asked: what happens from now on is newer than what is found.
    let as_of = Timestamp::now();
    let mender = Mender::new(&client, &args.secret, as_of)?;
    client.health().await?;
    let mut report = Report::default();
    let everybody = gather(&terra, &client, &args, &mut report).await?;
    let each = Each { terra: &terra, client: &client, mender: &mender, args: &args, as_of };
    let stopped = tokio::select! {
        done = compare_all(&each, everybody, &mut report) => {
            done?;
            false
        }
        _ = tokio::signal::ctrl_c() => true,
    };
    report.drifts.sort_by(|one, other| one.user_id.cmp(&other.user_id));
    let text = if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.text() };
    terminal::say(&text)?;
    if stopped {
        terminal::complain("terrace: stopped; what was repaired by then stays so");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::from(report.exit_status()))
}

/// Compares everybody, and mends where that was asked for.
async fn compare_all(
    each: &Each<'_>,
    everybody: BTreeMap<String, Theirs>,
    report: &mut Report,
) -> Result<(), CommandError> {
    let bar = ProgressBar::new(everybody.len() as u64).with_message("comparing");
    let bar = match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    let mut compared = iter(everybody.into_values())
        .map(|theirs| async {
            let name = theirs.user_id.clone();
            let found = each.reconcile(theirs).await;
            bar.inc(1);
            (name, found)
        })
        .buffer_unordered(usize::from(each.args.concurrency));
    while let Some((name, found)) = compared.next().await {
        match found {
            Ok(mut drifts) => {
                report.compared += 1;
                report.drifts.append(&mut drifts);
            }
            // A signature that is refused is refused for everybody.
            Err(error @ CommandError::Refused { status: 401, .. }) => {
                bar.finish_and_clear();
                return Err(error);
            }
            Err(error) => report.not_compared.push(NotCompared { name, why: error.to_string() }),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Whoever is to be compared, by id. Somebody whom Terra cannot be asked about is noted, and the others go on.
async fn gather(
    terra: &TerraApi,
    client: &Client,
    args: &ReconcileArgs,
    report: &mut Report,
) -> Result<BTreeMap<String, Theirs>, CommandError> {
    let mut everybody = BTreeMap::new();
    let mut add = |theirs: Theirs| {
        // Whoever was named first stays named.
        everybody.entry(theirs.user_id.clone()).or_insert(theirs);
    };
    if args.user.is_empty() && args.reference.is_empty() {
        for user in terra.users().await? {
            add(Theirs { user_id: user.user_id.clone(), user: Some(user), named: false });
        }
        // Whoever left while nobody listened is not in Terra's list any more, and is live here still.
        let listed = ours::everybody(client).await?;
        report.not_compared.extend(left_out(&listed));
        for ours in listed.connections {
            if ours.is_live() && !everybody.contains_key(&ours.user_id) {
                match asked(terra, &ours.user_id, false).await {
                    Ok(theirs) => drop(everybody.insert(theirs.user_id.clone(), theirs)),
                    Err(error) => report.not_compared.push(cannot(&ours.user_id, error)?),
                }
            }
        }
        return Ok(everybody);
    }
    for user_id in &args.user {
        match asked(terra, user_id, true).await {
            Ok(theirs) => add(theirs),
            Err(error) => report.not_compared.push(cannot(user_id, error)?),
        }
    }
    for reference in &args.reference {
        let theirs = match terra.users_of_reference(reference).await {
            Ok(users) => users,
            Err(TerraApiError::UnknownUser) => Vec::new(),
            Err(error) => {
                report.not_compared.push(cannot(reference, error)?);
                continue;
            }
        };
        // Those that only Terrace has may have gone at Terra, or have another reference there.
        let listed = ours::of_reference(client, reference).await?;
        report.not_compared.extend(left_out(&listed));
        for ours in listed.connections {
            if !theirs.iter().any(|user| user.user_id == ours.user_id) {
                match asked(terra, &ours.user_id, false).await {
                    Ok(theirs) => add(theirs),
                    Err(error) => report.not_compared.push(cannot(&ours.user_id, error)?),
                }
            }
        }
        for user in theirs {
            add(Theirs { user_id: user.user_id.clone(), user: Some(user), named: false });
        }
    }
    Ok(everybody)
}

async fn asked(terra: &TerraApi, user_id: &str, named: bool) -> Result<Theirs, TerraApiError> {
    let user = match terra.user(user_id).await {
        Ok(user) => Some(user),
        Err(TerraApiError::UnknownUser) => None,
        Err(error) => return Err(error),
    };
    Ok(Theirs { user_id: user_id.to_owned(), user, named })
}

/// Those that a list leaves out. Whoever of them Terra has as well is asked about alone, and told by name then.
fn left_out(listed: &Listed) -> Option<NotCompared> {
    let why = "what is stored of them cannot be read; `terrace replay --all` makes it anew from the log".to_owned();
    (listed.damaged > 0).then(|| NotCompared { name: format!("{} connections", listed.damaged), why })
}

/// Who could not be asked about. A key that is refused is refused for everybody.
fn cannot(name: &str, error: TerraApiError) -> Result<NotCompared, CommandError> {
    match error {
        TerraApiError::Unauthorised { .. } => Err(error.into()),
        error => Ok(NotCompared { name: name.to_owned(), why: error.to_string() }),
    }
}

/// What it takes to compare somebody and to mend it.
struct Each<'a> {
    terra: &'a TerraApi,
    client: &'a Client,
    mender: &'a Mender<'a>,
    args: &'a ReconcileArgs,
    as_of: Timestamp,
}

impl Each<'_> {
    async fn reconcile(&self, mut theirs: Theirs) -> Result<Vec<Found>, CommandError> {
        let ours = ours::connection(self.client, &theirs.user_id).await?;
        let live = ours.as_ref().is_some_and(Ours::is_live);
        let lists_no_data = theirs.user.as_ref().is_some_and(|user| user.most_recent_data_at.is_none());
        if live && lists_no_data && !theirs.named && !self.args.connections_only {
            match self.terra.user(&theirs.user_id).await {
                Ok(user) => theirs.user = Some(user),
                // It went while we looked: the next round will tell.
                Err(TerraApiError::UnknownUser) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let drifts = compare(&theirs, ours.as_ref(), self.as_of);
        let outcomes = self.mend(&theirs, ours.as_ref(), &drifts).await?;
        let provider = theirs.user.as_ref().and_then(|user| user.provider.clone());
        let provider = provider.or_else(|| ours.and_then(|ours| ours.provider));
        let found = |(drift, outcome): (Drift, Outcome)| Found {
            user_id: theirs.user_id.clone(),
            provider: provider.clone(),
            missed: drift.missed(),
            drift,
            outcome,
        };
        Ok(drifts.into_iter().zip(outcomes).map(found).collect())
    }

    /// What becomes of each drift. One event mends all of a user's.
    async fn mend(&self, theirs: &Theirs, ours: Option<&Ours>, drifts: &[Drift]) -> Result<Vec<Outcome>, CommandError> {
        let Some(missed) = drifts.iter().filter_map(Drift::missed).max().filter(|_| self.args.repair) else {
            return Ok(vec![Outcome::Found; drifts.len()]);
        };
        let erased = drifts.iter().any(|drift| drift.kind == Kind::ErasedHere);
        let outcome = if erased && !theirs.named {
            Outcome::HeldBack(format!("erased on purpose? --user {} brings it back", theirs.user_id))
        } else if missed == Missed::Deauth && !self.args.yes {
            Outcome::HeldBack("a deauth erases where that is the policy; --yes sends it".to_owned())
        } else {
            match self.mender.send(missed, theirs, ours).await {
                Ok(()) => Outcome::Repaired,
                Err(error @ CommandError::Refused { status: 401, .. }) => return Err(error),
                Err(error) => Outcome::Failed(error.to_string()),
            }
        };
        let left = match outcome {
            Outcome::Repaired => {
                let ours = ours::connection(self.client, &theirs.user_id).await?;
                compare(theirs, ours.as_ref(), self.as_of)
            }
            _ => Vec::new(),
        };
        let became = |drift: &Drift| match (drift.missed(), &outcome) {
            (None, _) => Outcome::Found,
            (Some(_), Outcome::Repaired) if left.iter().any(|left| left.kind == drift.kind) => Outcome::Sent,
            (Some(_), outcome) => outcome.clone(),
        };
        Ok(drifts.iter().map(became).collect())
    }
}
