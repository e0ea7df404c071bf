//! What Terra has to say about a connection and about itself.

use crate::simulate::draft::{Content, Whom};
use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::life::Life;
use crate::simulate::people::Person;
use crate::simulate::random::uuid;

/// The scope that a change of permissions adds.
pub const ADDED_SCOPE: &str = "BODY_EXPORT";

/// How the connections of a run end, one after the other by a person's index.
const ENDINGS: usize = 10;

fn warning(message: &str) -> Vec<(&'static str, Json)> {
    vec![("status", text("warning")), ("message", text(message))]
}

/// A connection is made.
pub fn auth(life: &mut Life<'_>, minute: u32) {
    let members = vec![
        ("status", text("success")),
        ("message", text("User has successfully authenticated")),
        ("widget_session_id", text(uuid(life.rng))),
    ];
    life.add(minute, "auth", Content::Notice(members, Whom::User));
}

/// A large request is being prepared, and on its way.
pub fn large_request(life: &mut Life<'_>, reference: &str, payloads: usize) {
    let members = vec![
        ("status", text("processing")),
        ("reference", text(reference)),
        ("message", text("Large request is being processed; payloads will be delivered when ready")),
    ];
    life.add(5, "large_request_processing", Content::Notice(members, Whom::User));
    let members = vec![
        ("reference", text(reference)),
        ("message", text("Large request payloads are being sent")),
        ("expected_payloads", whole(payloads)),
    ];
    life.add(6, "large_request_sending", Content::Notice(members, Whom::User));
}

/// What happens to a connection, different from person to person, until `ends`.
pub fn connection(life: &mut Life<'_>, new: &Person, ends: u32) {
    let ending = life.person.index % ENDINGS;
    // One person's data comes before the event that announces the connection.
    auth(life, if ending == 8 { ends / 4 } else { 0 });
    let error = warning("Connection degraded: the provider rejected Terra's access token");
    let last = ends + 3_000;
    match ending {
        0 | 7 => {
            let mut members = warning("User permissions have been modified");
            members.push(("scopes_added", text(ADDED_SCOPE)));
            members.push(("scopes_removed", text("")));
            life.add(ends / 2, "permission_change", Content::Notice(members, Whom::User));
        }
        1 => life.add(ends / 2, "connection_error", Content::Notice(error, Whom::User)),
        2 => life.add(last, "connection_error", Content::Notice(error, Whom::User)),
        3 => {
            let members = vec![("status", text("success")), ("message", text("User has deauthenticated"))];
            life.add(last, "deauth", Content::Notice(members, Whom::FormerUser));
        }
        4 | 5 => {
            let members = warning("User revoked access");
            life.add(last, "access_revoked", Content::Notice(members, Whom::FormerUser));
            if ending == 4 {
                auth(life, last + 100);
            }
        }
        6 => {
            let members = warning("User has reauthenticated and old ID has been deleted");
            life.add(last, "user_reauth", Content::Notice(members, Whom::Renewed(Box::new(new.clone()))));
        }
        _ => {}
    }
}

/// Whether the person of this index ends up under another id.
pub fn is_replaced(index: usize) -> bool {
    index % ENDINGS == 6
}

/// Notices that change nothing, each to some of the people.
pub fn operational(life: &mut Life<'_>, ends: u32) {
    let message = |name: &str| vec![("status", text("warning")), ("message", text(format!("{name}, nothing to do")))];
    let failed = vec![
        ("status", text("error")),
        ("reason", text("access_denied")),
        ("flow_id", text(uuid(life.rng))),
        ("reference_id", life.person.reference_id.as_ref().map_or(Json::Null, text)),
    ];
    let trend = vec![
        ("status", text("normal")),
        ("creation_timestamp", text("2026-07-01 09:12:33.891000+00:00")),
        ("trend_percentage", Json::Number("-3.250".to_owned())),
        ("sent_webhooks_last_hour", whole(81_452)),
    ];
    let (name, members, whom) = match life.person.index % 12 {
        0 => ("healthcheck", trend, Whom::Nobody),
        1 => ("auth_cancelled", failed, Whom::Nobody),
        2 => ("auth_failed", failed, Whom::Nobody),
        3 => ("auth", vec![("status", text("error")), ("reason", text("access_denied"))], Whom::User),
        4 => ("google_no_datasource", message("no data source"), Whom::User),
        5 => ("rate_limit_hit", message("rate limit"), Whom::User),
        6 => ("processing", message("processing"), Whom::User),
        7 => ("request_processing", message("request"), Whom::User),
        8 => ("request_completed", message("request"), Whom::User),
        9 => ("internal_server_error", message("internal"), Whom::User),
        // A type that nobody has published a shape of: it has to be kept all the same.
        10 => ("route", vec![("data", Json::List(vec![object([("points", whole(3))])]))], Whom::User),
        _ => ("healthcheck", Vec::new(), Whom::Nobody),
    };
    life.add(ends / 2 + 7, name, Content::Notice(members, whom));
}
