//! Deliveries that came, or tried to, and did not get through.

use super::Finding;
use crate::diagnosis::case::{Case, DAY, Damaged, RETRIES, RefusalsKnown, Trouble, counted, span};
use crate::times::instant;
use std::collections::BTreeMap;

const SIGNATURES: &str = "https://docs.tryterra.co/help-center/help-topics/webhook/\
                          security-signatures-and-network-access/signature-verification-secret-mismatch";
/// Terra's page of its retries.
pub const RETRY_POLICY: &str = "https://docs.tryterra.co/help-center/help-topics/webhook/failures-errors-and-retries/\
                                retry-policy-and-redelivery";

/// What is older is not why something is missing now.
const LATELY: u64 = 3 * DAY;

/// Signatures do not hold, of whoever it is.
pub fn signature_failures(case: &Case) -> Option<Finding> {
    let RefusalsKnown::Here(refusals) = case.refusals else { return None };
    let since = case.deliveries.newest_received.unwrap_or(0);
    if refusals.count == 0 || refusals.last_ms < since {
        return None;
    }
    let finding = Finding::new(
        "signature_failures",
        format!(
            "{} refused for a signature that matches no secret, the last at {}, and nothing of this user came after it. \
             What is not signed is not read, so nobody can say whose it was.",
            counted(usize::try_from(refusals.count).unwrap_or(usize::MAX), "delivery was", "deliveries were"),
            instant(refusals.last_ms)
        ),
        "A signing secret is missing or wrong: each environment and each destination of Terra's has its own, and a \
         destination that was made anew has a new one.",
        "Compare the secrets with those of the destination in Terra's dashboard and add the missing one. Terra tries \
         again for about 8 hours; what came before that has to be asked for again. In the cloud, look at the metric \
         SignatureMismatch.",
    );
    Some(finding.with_link(SIGNATURES))
}

/// Deliveries come late, which is Terra trying again: what still fails is lost when it gives up.
pub fn retry_window_closing(case: &Case) -> Option<Finding> {
    let (made, came) = case.deliveries.late?;
    let closes = made.saturating_add(RETRIES);
    let left = closes.checked_sub(case.now).filter(|left| *left > 0)?;
    let finding = Finding::new(
        "retry_window_closing",
        format!(
            "What Terra sent at {} only came at {}, {} later.",
            instant(made),
            instant(came),
            span(came.saturating_sub(made))
        ),
        format!(
            "Deliveries failed and Terra tries them again: ten times within about {}. What was first sent when this one \
             was, and has not come by {} ({} from now), will not come by itself.",
            span(RETRIES),
            instant(closes),
            span(left)
        ),
        "Look at the metrics DeliveriesUnavailable and SignatureMismatch and at the gateway's 5xx, and mend the cause \
         before then. Afterwards resend from Terra's dashboard, within 14 days, or ask for the history of those days.",
    );
    Some(finding.with_link(RETRY_POLICY))
}

/// Deliveries that were taken and are still not applied.
pub fn job_failed(case: &Case) -> Option<Finding> {
    let unapplied = &case.deliveries.unapplied;
    let newest = unapplied.first()?;
    Some(Finding::new(
        "job_failed",
        format!(
            "{} in the log but not applied, the newest ({}) since {}.",
            counted(unapplied.len(), "delivery is", "deliveries are"),
            newest.event,
            instant(newest.received_at)
        ),
        "The job that applies them waits, fails, or was given up and lies with the dead letters. Nothing is lost: the \
         deliveries are in the log.",
        "Look at the metric JobsFailed, the line with \"outcome\":\"failed\", and the queue of dead letters; mend the \
         cause and send the messages back. The daily round applies what was forgotten; `terrace replay --all` does it at \
         once.",
    ))
}

/// What lies in the table and cannot be read, where it is of late.
pub fn damaged(case: &Case) -> Option<Finding> {
    unreadable(case).filter(|_| is_damaged_lately(case))
}

/// The same of deliveries of a while ago: what is missing now has another cause.
pub fn damaged_before(case: &Case) -> Option<Finding> {
    unreadable(case).filter(|_| !is_damaged_lately(case))
}

/// Of what is known of the connection and of the latest records it matters whenever it was.
fn is_damaged_lately(case: &Case) -> bool {
    let Damaged { deliveries, records, marks } = &case.damaged;
    *records + *marks > 0 || deliveries.iter().any(|made_at| case.now.saturating_sub(*made_at) <= LATELY)
}

fn unreadable(case: &Case) -> Option<Finding> {
    let Damaged { deliveries, records, marks } = &case.damaged;
    let parts = [
        (deliveries.len(), "delivery in the log", "deliveries in the log"),
        (*records, "latest record of a type", "latest records of types"),
        (*marks, "mark of the connection", "marks of the connection"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| counted(number, one, many))
        .collect();
    if parts.is_empty() {
        return None;
    }
    Some(Finding::new(
        "damaged",
        format!("Something is stored that cannot be read: {}.", parts.join(", ")),
        "Items of the table were changed or cut short by something that is not Terrace, or were restored in part. What they \
         said is not counted in anything else here.",
        "Look at who writes to the table besides Terrace. `terrace replay --user USER --all` makes records and marks anew \
         from the deliveries that are whole; `terrace verify` names those that are not, and Terra has to be asked for \
         their days again (`terrace backfill`).",
    ))
}

/// Pings that led nowhere, of late.
pub fn ping_lost(case: &Case) -> Option<Finding> {
    pings(case).filter(|_| lately(case, is_ping))
}

/// The same, a while ago: what is missing now has another cause.
pub fn ping_lost_before(case: &Case) -> Option<Finding> {
    pings(case).filter(|_| !lately(case, is_ping))
}

/// Deliveries that could not be (wholly) understood, of late.
pub fn quarantined(case: &Case) -> Option<Finding> {
    kept_aside(case).filter(|_| lately(case, |trouble| !is_ping(trouble) && !is_of_no_known_type(trouble)))
}

/// The same, a while ago, or of types that nobody knows yet: what is missing now has another cause.
pub fn quarantined_before(case: &Case) -> Option<Finding> {
    kept_aside(case).filter(|_| !lately(case, |trouble| !is_ping(trouble) && !is_of_no_known_type(trouble)))
}

/// Whether such a delivery is one of the last few days'.
fn lately(case: &Case, such: impl Fn(&Trouble) -> bool) -> bool {
    let quarantined = &case.deliveries.quarantined;
    quarantined.iter().any(|trouble| such(trouble) && case.now.saturating_sub(trouble.made_at) <= LATELY)
}

fn pings(case: &Case) -> Option<Finding> {
    let lost: Vec<&Trouble> = case.deliveries.quarantined.iter().filter(|trouble| is_ping(trouble)).collect();
    let newest = lost.first()?;
    Some(Finding::new(
        "ping_lost",
        format!(
            "{} not lead to a body; the newest came at {} ({}).",
            counted(lost.len(), "ping did", "pings did"),
            instant(newest.received_at),
            newest.reason
        ),
        "In ping mode a delivery is a URL that lives for minutes. It had died, or led where none should.",
        "The data is not here: ask Terra for the history of that day. Where pings are lost often, look at the metric \
         PingsLost and at how long the queue of pings is.",
    ))
}

fn kept_aside(case: &Case) -> Option<Finding> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let kept = case.deliveries.quarantined.iter().filter(|trouble| !is_ping(trouble));
    let newest = kept.clone().map(|trouble| trouble.received_at).max()?;
    for trouble in kept {
        *reasons.entry(trouble.reason.as_str()).or_default() += 1;
    }
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    Some(Finding::new(
        "quarantined",
        format!(
            "Deliveries came and could not be wholly understood: {}; the newest at {}.",
            reasons.join(", "),
            instant(newest)
        ),
        "They are in the log, byte for byte. `unknown_type` and `unstorable` wait for a version that knows better; \
         `unidentified` means records without the identifier that Terra documents; `not_json` and the like are Terra's \
         to explain.",
        "Read one with `terrace deliveries USER --body DELIVERY`. After deploying a version that understands it: \
         `terrace replay --dry-run`, then `terrace replay`. Else show Terra's support the delivery's id.",
    ))
}

/// History that was asked for and has not all come.
pub fn large_request_unfinished(case: &Case) -> Option<Finding> {
    let open: Vec<_> = case.requests.iter().filter(|request| !request.complete).collect();
    let first = open.first()?;
    let of = first.expected.map_or_else(|| "an unknown number".to_owned(), |expected| expected.to_string());
    let finding = Finding::new(
        "large_request_unfinished",
        format!(
            "{} unfinished; of {} {} of {of} chunks came.",
            counted(open.len(), "large request is", "large requests are"),
            first.reference,
            first.seen
        ),
        "History over more than a month comes in chunks of at most 10 MB. Some are still on their way, or failed at \
         Terra's or here.",
        "If it was asked for within the last hours, wait. Else see which numbers are missing with GET \
         /users/{user_id}/requests, look for them in Terra's delivery history, and resend them or ask again.",
    );
    Some(finding.with_link(RETRY_POLICY))
}

fn is_of_no_known_type(trouble: &Trouble) -> bool {
    trouble.reason == "unknown_type"
}

fn is_ping(trouble: &Trouble) -> bool {
    trouble.reason.starts_with("ping_")
}
