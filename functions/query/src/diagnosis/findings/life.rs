//! What happened to the connection itself.

use super::Finding;
use crate::diagnosis::case::{Case, Neighbour, counted};
use crate::diagnosis::witness::Ask;
use crate::times::instant;
use terrace_records::Status;
use terrace_records::connection::register;

const AUTH_EVENTS: &str = "https://docs.tryterra.co/unified-api/user-authentication/handling-authentication-events";
const REAUTH: &str = "https://docs.tryterra.co/help-center/help-topics/no-data/auth-scopes-user-id-matching/\
                      reauth-webhook-user-id-changes";

/// The data was erased here.
pub fn erased(case: &Case) -> Option<Finding> {
    let at = case.time_of(register::ERASED).filter(|_| case.status() == Some(Status::Erased))?;
    let finding = Finding::new(
        "erased",
        format!("Everything of this connection was erased as of {}.", instant(at)),
        "Somebody ordered the erase, or the user left and the retention policy erases then. What Terra still sends for \
         this id is taken too, until the user connects again.",
        "If it was a mistake, have the user connect again: only what comes after that is kept. Terra can then be asked \
         for history.",
    );
    Some(finding)
}

/// The user connected again and has a new id.
pub fn replaced(case: &Case) -> Option<Finding> {
    let at = case.time_of(register::REPLACED).filter(|_| case.status() == Some(Status::Replaced))?;
    let new = case.successor.as_ref();
    let now = new.map_or_else(|| "another id".to_owned(), |new| new.user_id.clone());
    let shows = new.map_or_else(String::new, |new| format!(" That one is {}.", described(new)));
    let finding = Finding::new(
        "replaced",
        format!("At {} the same account connected again; {now} goes on in this id's place.{shows}", instant(at)),
        "Terra gives a new user_id when somebody connects the same account again under the same reference_id, and sends \
         user_reauth. Records have moved to the new id; the deliveries of before stay listed under this one.",
        format!("Use the new id from now on: ask for the diagnosis of {now}."),
    );
    Some(finding.with_link(REAUTH))
}

/// No event was ever about this id.
pub fn never_connected(case: &Case) -> Option<Finding> {
    // Whom Terra knows did connect.
    if case.connection.is_some() || matches!(case.terra, Ask::Known(_)) {
        return None;
    }
    let failed = case.deliveries.looked_at > 0;
    let seen = match (case.others.as_slice(), failed) {
        ([], false) => "No delivery ever named this user.".to_owned(),
        ([], true) => {
            "Deliveries name this user, but none of them is a connection that was made or brings data.".to_owned()
        }
        (others, _) => format!(
            "No connection has this user_id. It is a reference_id: {} {} it.",
            list(others),
            if others.len() == 1 { "has" } else { "have" }
        ),
    };
    let next = match case.others.first() {
        Some(other) => format!("Ask for the diagnosis of {}, or of the reference.", other.user_id),
        None => {
            "Compare the id with the user_id of the auth event. Have the user go through the connection flow to its \
                 end: a failed attempt is not tried again by itself. Users who connected before Terra was pointed here \
                 are known once data of theirs comes; ask Terra for their history."
                .to_owned()
        }
    };
    let means = "The user never finished connecting, the id is mistyped, it belongs to another environment, or the auth \
                 event never got here: the metric SignatureMismatch tells whether deliveries are refused.";
    Some(Finding::new("never_connected", seen, means, next).with_link(AUTH_EVENTS))
}

/// The user, the customer or the provider ended it.
pub fn revoked(case: &Case) -> Option<Finding> {
    let connection = case.connection.as_ref().filter(|connection| connection.status() == Status::Revoked)?;
    let set = connection.registers().get(register::REVOKED)?;
    let means = match set.value() {
        "access_revoked" => {
            "Access was taken back on the provider's side, in the settings of the user's account. Nothing more can come."
        }
        _ => {
            "The connection was removed: by the user, or by a call of yours to Terra. Some providers' own revocations \
             (Fitbit's among them) arrive the same way. Nothing more can come."
        }
    };
    let active: Vec<&Neighbour> =
        case.others.iter().filter(|other| other.connection.status() == Status::Active).collect();
    let next = match active.first() {
        Some(other) => format!(
            "The same end user has {}, which is active: use that id. After a removal a new connection has a new \
             user_id, and Terra sends no user_reauth.",
            other.user_id
        ),
        None => {
            "Have the user connect again. They get a new user_id, and no user_reauth is sent for it: find it by its \
                 reference_id."
                .to_owned()
        }
    };
    let seen = format!("{} came at {}, and no auth after it.", set.value(), instant(set.time_ms()));
    Some(Finding::new("revoked", seen, means, next).with_link(AUTH_EVENTS))
}

/// The provider refuses Terra's token.
pub fn connection_error(case: &Case) -> Option<Finding> {
    let at = case.time_of(register::ERROR).filter(|_| case.status() == Some(Status::Error))?;
    let finding = Finding::new(
        "connection_error",
        format!("connection_error came at {}, and neither auth nor data after it.", instant(at)),
        "The provider answers Terra with 401, 403 or 412: the authorisation has expired or lacks something. It may pass \
         by itself.",
        "Wait for a few hours; if it stays, have the user connect again under the same reference_id. Keep the data.",
    );
    Some(finding.with_link(AUTH_EVENTS))
}

fn described(neighbour: &Neighbour) -> String {
    let connection = &neighbour.connection;
    let status = connection.status().name();
    let last = connection.last_delivery().max_by_key(|(_, time)| *time);
    match last {
        Some((data_type, time)) => format!("{status}; its last delivery is {data_type} at {}", instant(time)),
        None => format!("{status}; no data has come for it yet"),
    }
}

fn list(neighbours: &[Neighbour]) -> String {
    neighbours.iter().map(|neighbour| neighbour.user_id.as_str()).collect::<Vec<_>>().join(", ")
}

/// No connection has a reference.
pub fn unknown_reference(failed: &[u64], user: Option<&str>) -> Finding {
    let (seen, next) = match (user, failed.first()) {
        (Some(_), _) => (
            "No connection has this reference_id. It is a user_id.".to_owned(),
            "Ask for the diagnosis of the user.".to_owned(),
        ),
        (None, Some(last)) => (
            format!(
                "No connection has this reference_id; {} to connect came to nothing, the last at {}.",
                counted(failed.len(), "attempt", "attempts"),
                instant(*last)
            ),
            "Have the user go through the connection flow to its end: a failed attempt is not tried again by itself."
                .to_owned(),
        ),
        (None, None) => (
            "No delivery ever named this reference_id.".to_owned(),
            "Compare it with the reference_id that your app passes when a user connects; users who connected without one \
             are found by their user_id."
                .to_owned(),
        ),
    };
    let means = "Nobody has connected under this reference: the user never finished, the reference is mistyped, or your \
                 app passed another one.";
    Finding::new("never_connected", seen, means, next).with_link(AUTH_EVENTS)
}
