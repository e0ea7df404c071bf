//! What Terra has to say about a connection and about itself.

use crate::simulate::draft::{Content, Whom};
use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::life::Life;
use crate::simulate::random::uuid;

/// What a warning says.
pub fn warning(message: &str) -> Vec<(&'static str, Json)> {
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
