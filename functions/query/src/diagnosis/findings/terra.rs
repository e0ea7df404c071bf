//! Where Terra says something else than what came.

use super::Finding;
use super::failing::RETRY_POLICY;
use crate::diagnosis::case::{Case, DAY, HOUR, MINUTE, RETRIES, span};
use crate::diagnosis::witness::{Ask, TerraUser};
use crate::times::instant;
use terrace_records::Status;
use terrace_records::connection::register;

/// How far clocks and moments may differ.
const SLACK: u64 = 5 * MINUTE;
/// How long Terra keeps what it sent, and can send it again.
const HISTORY: u64 = 14 * DAY;

fn said(case: &Case) -> Option<&TerraUser> {
    match &case.terra {
        Ask::Known(user) => Some(user),
        Ask::Unknown | Ask::CouldNotAsk(_) => None,
    }
}

/// Terra knows the user, and no event about them ever came.
pub fn known_to_terra_alone(case: &Case) -> Option<Finding> {
    let user = said(case).filter(|_| case.connection.is_none())?;
    let since = user.created_at.map_or_else(String::new, |at| format!(", connected since {}", instant(at)));
    Some(Finding::new(
        "known_to_terra_alone",
        format!("Terra knows this user{since}; no event about them ever came here."),
        "They connected before Terra was pointed here, or the auth event and all data since were lost on the way.",
        "See that the destination in Terra's dashboard is this one and that all event types are on. Then ask Terra for the \
         user's history: the first delivery makes the connection known here.",
    ))
}

/// Terra takes the connection for alive; here it ended.
pub fn terra_says_active(case: &Case) -> Option<Finding> {
    said(case).filter(|user| user.active == Some(true))?;
    let status = case.status().filter(|status| matches!(status, Status::Revoked | Status::Error))?;
    Some(Finding::new(
        "terra_says_active",
        format!("Terra says that the connection is active; here its status is {}.", status.name()),
        "The auth event that mended it never came, or Terra has not noticed yet that the provider refuses it: what Terra \
         says of it is not always up to date.",
        "Ask Terra for data of a day (to_webhook=true): where data comes, it is alive; where Terra says that the \
         authorisation has expired, have the user connect again.",
    ))
}

/// Terra takes the connection for dead; here it lives.
pub fn terra_says_inactive(case: &Case) -> Option<Finding> {
    case.active()?;
    said(case).filter(|user| user.active == Some(false))?;
    Some(Finding::new(
        "terra_says_inactive",
        "Terra says that the connection is not active; here it is.",
        "The provider refuses Terra, or the event that says so (connection_error, access_revoked, deauth) never came.",
        "Ask Terra for data of a day (to_webhook=false): where it says that the authorisation has expired, have the user \
         connect again.",
    ))
}

/// Terra does not know the connection; here it lives.
pub fn terra_does_not_know(case: &Case) -> Option<Finding> {
    let known = matches!(case.status(), Some(Status::Active | Status::Error));
    (known && case.terra == Ask::Unknown).then(|| {
        Finding::new(
            "terra_does_not_know",
            "Terra knows no user of this id; here the connection is not ended.",
            "The connection was removed at Terra and the deauth never came, or the developer id in use belongs to another \
             environment than the connection.",
            "See that the developer id is that of the environment. If it is, have the user connect again.",
        )
    })
}

/// Terra sent something since the newest that came.
pub fn sent_but_never_came(case: &Case) -> Option<Finding> {
    let sent = said(case)?.last_webhook_update.filter(|sent| *sent <= case.now)?;
    let newest = case.deliveries.times.first().copied().max(case.connected_at()).unwrap_or(0);
    if matches!(case.status(), Some(Status::Erased | Status::Replaced)) || sent <= newest.saturating_add(SLACK) {
        return None;
    }
    let next = match (sent.saturating_add(RETRIES), sent.saturating_add(HISTORY)) {
        (closes, _) if closes > case.now => format!(
            "Mend the cause before {} ({} from now): until then Terra tries again by itself.",
            instant(closes),
            span(closes - case.now)
        ),
        (_, kept) if kept > case.now => {
            format!(
                "Terra has given up. Resend it from Terra's dashboard before {}, or ask for the days again.",
                instant(kept)
            )
        }
        _ => "Terra has given up and no longer has it in its history: ask for the days again.".to_owned(),
    };
    let finding = Finding::new(
        "sent_but_never_came",
        format!("Terra last sent something for this user at {}; nothing of then is here.", instant(sent)),
        "It was refused or lost on the way: a wrong signing secret (metric SignatureMismatch), a body over the limit \
         (DeliveriesTooLarge, or the gateway's 413 and 500), no answer in time (DeliveriesUnavailable, the gateway's 5xx), \
         or another destination.",
        next,
    );
    Some(finding.with_link(RETRY_POLICY))
}

/// Terra holds newer data than came.
pub fn terra_has_newer_data(case: &Case) -> Option<Finding> {
    case.active()?;
    let newest = said(case)?.most_recent_data_at?;
    let last = case.last_data().unwrap_or(0);
    (newest > last.saturating_add(HOUR)).then(|| {
        Finding::new(
            "terra_has_newer_data",
            format!("Terra has data of {}; the last that came here is of {}.", instant(newest), told(case.last_data())),
            "The data is at Terra and was not delivered here.",
            "Ask Terra for the history of these days; see in Terra's payload history what became of its deliveries.",
        )
        .with_link(RETRY_POLICY)
    })
}

/// Terra has the connection under another reference.
pub fn other_reference(case: &Case) -> Option<Finding> {
    let connection = case.connection.as_ref()?;
    let theirs = said(case)?.reference_id.as_deref()?;
    (connection.reference_id() != Some(theirs)).then(|| {
        Finding::new(
            "other_reference",
            format!(
                "Terra has this connection under the reference {theirs}; here it is under {}.",
                connection.reference_id().unwrap_or("none")
            ),
            "Who looks for the end user by their reference does not find this connection.",
            "Look under Terra's reference. The next delivery brings it here.",
        )
    })
}

/// Terra knows other permissions.
pub fn other_scopes(case: &Case) -> Option<Finding> {
    let ours = case.active()?.scopes();
    case.time_of(register::SCOPES)?;
    let mut theirs = said(case)?.scopes.clone()?;
    theirs.sort_unstable();
    theirs.dedup();
    (ours != theirs).then(|| {
        Finding::new(
            "other_scopes",
            format!("Terra says that the user granted {}; here it is {}.", listed(&theirs), listed(&ours)),
            "A permission_change never came; some types may have started or stopped coming.",
            "Take Terra's list for the present one. The next delivery brings it here.",
        )
    })
}

fn listed(scopes: &[String]) -> String {
    if scopes.is_empty() { "nothing".to_owned() } else { scopes.join(", ") }
}

fn told(at: Option<u64>) -> String {
    at.map_or_else(|| "never".to_owned(), instant)
}
