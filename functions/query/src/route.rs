//! Which question a path asks. The path is taken as it came, decoded once: `..` and empty parts are names like any
//! other, so that no path leads to another user's data.

use terrace_terra::ids::{Identifier, ReferenceId, UserId};

/// The paths that there are. Each leads to a [`Route`], and stands in the document.
pub const PATTERNS: [&str; 16] = [
    "/health",
    "/openapi.json",
    "/users",
    "/users/{user_id}",
    "/users/{user_id}/records",
    "/users/{user_id}/records/{type}/{id}",
    "/users/{user_id}/requests",
    "/users/{user_id}/diagnosis",
    "/users/{user_id}/deliveries",
    "/users/{user_id}/deliveries/{delivery}",
    "/references/{reference_id}",
    "/references/{reference_id}/diagnosis",
    "/references/{reference_id}/records",
    "/references/{reference_id}/records/{type}/{id}",
    "/replays",
    "/jobs/{job}",
];

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'p> {
    /// Whether this runs.
    Health,
    /// The document of all this.
    OpenApi,
    /// Every connection.
    Users,
    /// A connection.
    Connection(UserId<'p>),
    /// A user's records.
    Records(UserId<'p>),
    /// One of them: the type as written, and the identifier.
    Record(UserId<'p>, &'p str, Identifier<'p>),
    /// A user's large requests.
    Requests(UserId<'p>),
    /// Why a user's data may be missing.
    Diagnosis(UserId<'p>),
    /// A user's deliveries.
    Deliveries(UserId<'p>),
    /// The body of one of them, by its name.
    Delivery(UserId<'p>, &'p str),
    /// The connections of an end user.
    Reference(ReferenceId<'p>),
    /// The records of an end user that name no connection.
    ReferenceRecords(ReferenceId<'p>),
    /// One of them.
    ReferenceRecord(ReferenceId<'p>, &'p str, Identifier<'p>),
    /// Why an end user's data may be missing.
    ReferenceDiagnosis(ReferenceId<'p>),
    /// The order to replay deliveries.
    Replays,
    /// A job that was asked for, by its id.
    Job(&'p str),
}

impl<'p> Route<'p> {
    /// Reads a path; `None` where there is nothing.
    pub fn read(path: &'p str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        Some(match *parts.as_slice() {
            ["health"] => Self::Health,
            ["openapi.json"] => Self::OpenApi,
            ["users"] => Self::Users,
            ["users", user] => Self::Connection(UserId::new(user)?),
            ["users", user, "records"] => Self::Records(UserId::new(user)?),
            ["users", user, "records", data_type, id] => {
                Self::Record(UserId::new(user)?, data_type, Identifier::new(id)?)
            }
            ["users", user, "requests"] => Self::Requests(UserId::new(user)?),
            ["users", user, "diagnosis"] => Self::Diagnosis(UserId::new(user)?),
            ["users", user, "deliveries"] => Self::Deliveries(UserId::new(user)?),
            ["users", user, "deliveries", name] => Self::Delivery(UserId::new(user)?, name),
            ["replays"] => Self::Replays,
            ["jobs", id] => Self::Job(id),
            ["references", reference] => Self::Reference(ReferenceId::new(reference)?),
            ["references", reference, "diagnosis"] => Self::ReferenceDiagnosis(ReferenceId::new(reference)?),
            ["references", reference, "records"] => Self::ReferenceRecords(ReferenceId::new(reference)?),
            ["references", reference, "records", data_type, id] => {
                Self::ReferenceRecord(ReferenceId::new(reference)?, data_type, Identifier::new(id)?)
            }
            _ => return None,
        })
    }

    /// What may be asked of it, as the header `allow` says it.
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Replays => "POST",
            Self::Connection(_) | Self::Reference(_) => "GET, HEAD, DELETE",
            _ => "GET, HEAD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        let user = |text| UserId::new(text).unwrap();
        assert_eq!(Route::read("/users"), Some(Route::Users));
        assert_eq!(Route::read("/health"), Some(Route::Health));
        assert_eq!(Route::read("/users/u"), Some(Route::Connection(user("u"))));
        assert_eq!(Route::read("/users/u/records"), Some(Route::Records(user("u"))));
        let id = Identifier::new("2026-07-01").unwrap();
        assert_eq!(Route::read("/users/u/records/daily/2026-07-01"), Some(Route::Record(user("u"), "daily", id)));
        assert_eq!(Route::read("/users/u/deliveries/d"), Some(Route::Delivery(user("u"), "d")));
        assert_eq!(Route::read("/users/u/diagnosis"), Some(Route::Diagnosis(user("u"))));
        assert_eq!(Route::read("/references/r/records"), Some(Route::ReferenceRecords(ReferenceId::new("r").unwrap())));
    }

    #[test]
    fn nothing_is_collapsed() {
        for nowhere in [
            "",
            "/",
            "//users/u",
            "/users/",
            "/users//records",
            "/users/u/",
            "/users/a/../b",
            "users/u",
            "/Users/u",
            "/users/u/records/daily",
            "/users/u/records/daily/",
            "/users/u/records/daily/a/b",
            "/health/",
            "/users/a/../b/records",
        ] {
            assert_eq!(Route::read(nowhere), None, "{nowhere}");
        }
        assert_eq!(Route::read("/users/.."), Some(Route::Connection(UserId::new("..").unwrap())));
        assert_eq!(Route::read("/users/../records"), Some(Route::Records(UserId::new("..").unwrap())));
        let odd = "a b#c?d\u{0}%2F😀";
        assert_eq!(Route::read(&format!("/users/{odd}")), Some(Route::Connection(UserId::new(odd).unwrap())));
    }
}
