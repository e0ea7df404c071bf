//! Terra's users, in both spellings of both hosts.

use crate::client::TerraApi;
use crate::error::{TerraApiError, Unreadable};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use terrace_terra::user::Scopes;

/// The longest answer about one user or one reference, in bytes.
const MAX_ONE: usize = 4 * 1_024 * 1_024;
/// The longest answer about all users: the old host has no pages.
const MAX_ALL: usize = 256 * 1_024 * 1_024;
/// How many users a page has.
const PER_PAGE: &str = "500";

/// A connection as Terra's API describes it. What is missing, null or of an odd type is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TerraUser {
    /// Names the connection.
    pub user_id: String,
    /// Where the data comes from: `GARMIN`, `FITBIT` …
    pub provider: Option<String>,
    /// The customer's own name for the end user.
    pub reference_id: Option<String>,
    /// Whether the provider still authorises Terra.
    pub active: Option<bool>,
    /// The permissions granted, where Terra knows them.
    pub scopes: Option<Scopes>,
    /// When the connection was made.
    pub created_at: Option<Timestamp>,
    /// When Terra last sent a webhook for it.
    pub last_webhook_update: Option<Timestamp>,
    /// When Terra last polled the provider. Only where one user is asked for.
    pub last_polled_at: Option<Timestamp>,
    /// Of when the most recent data is that Terra holds. Only where one user is asked for.
    pub most_recent_data_at: Option<Timestamp>,
    /// What the provider calls the user, where it is told.
    pub provider_user_id: Option<String>,
}

impl TerraUser {
    /// Reads a user; `None` without an id.
    pub fn from_json(value: &Value) -> Option<Self> {
        let moment = |name| text(value, name).and_then(moment);
        Some(Self {
            user_id: text(value, "user_id")?.to_owned(),
            provider: text(value, "provider").map(str::to_owned),
            reference_id: text(value, "reference_id").map(str::to_owned),
            active: value.get("active").and_then(truth),
            scopes: value.get("scopes").and_then(scopes),
            created_at: moment("created_at"),
            last_webhook_update: moment("last_webhook_update"),
            last_polled_at: moment("last_polled_at"),
            most_recent_data_at: moment("most_recent_data_at"),
            provider_user_id: text(value, "provider_user_id").map(str::to_owned),
        })
    }
}

/// A page of all users.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsersPage {
    /// The users.
    pub users: Vec<TerraUser>,
    /// The next page, where there is one.
    pub next: Option<u64>,
    /// How many had no id.
    pub unreadable: usize,
}

impl TerraApi {
    /// One user.
    ///
    /// # Errors
    ///
    /// [`TerraApiError::UnknownUser`] where there is none, and why Terra could not be asked.
    pub async fn user(&self, user_id: &str) -> Result<TerraUser, TerraApiError> {
        let answer = self.ask("userInfo", &[("user_id", user_id)], MAX_ONE).await?.body;
        match answer.get("user") {
            Some(user @ Value::Object(_)) => TerraUser::from_json(user).ok_or(shape()),
            // The document allows a list, which may be of anybody.
            None if answer.is_array() => {
                let mut users = answer.as_array().into_iter().flatten().filter_map(TerraUser::from_json);
                users.find(|user| user.user_id == user_id).ok_or(shape())
            }
            // The old host's way to say that there is none.
            _ if answer.get("is_authenticated") == Some(&Value::Bool(false)) => Err(TerraApiError::UnknownUser),
            _ => Err(said_error(&answer).unwrap_or(shape())),
        }
    }

    /// Every connection of an end user, by the customer's name for them.
    ///
    /// # Errors
    ///
    /// [`TerraApiError::UnknownUser`] where there is none, and why Terra could not be asked.
    pub async fn users_of_reference(&self, reference_id: &str) -> Result<Vec<TerraUser>, TerraApiError> {
        let answer = self.ask("userInfo", &[("reference_id", reference_id)], MAX_ONE).await?.body;
        let one = answer.get("user").filter(|user| user.is_object()).map(std::slice::from_ref);
        let listed = || ["users", "user"].into_iter().find_map(|name| answer.get(name)?.as_array()).map(Vec::as_slice);
        let all = answer.as_array().map(Vec::as_slice).or(one).or_else(listed);
        let users: Vec<_> = all.ok_or_else(|| said_error(&answer).unwrap_or(shape()))?.iter().collect();
        let users: Vec<_> = users.into_iter().filter_map(TerraUser::from_json).collect();
        if users.is_empty() { Err(TerraApiError::UnknownUser) } else { Ok(users) }
    }

    /// All users of the environment, page by page where the host has pages.
    ///
    /// # Errors
    ///
    /// Why Terra could not be asked.
    pub async fn users(&self) -> Result<Vec<TerraUser>, TerraApiError> {
        let (mut users, mut page) = (Vec::new(), Some(0));
        while let Some(number) = page {
            let mut answer = self.users_page(number).await?;
            users.append(&mut answer.users);
            // Pages that lead back would be read for ever.
            if answer.next.is_some_and(|next| next <= number) {
                return Err(shape());
            }
            page = answer.next;
        }
        Ok(users)
    }

    /// One page of all users; from the old host all of them.
    ///
    /// # Errors
    ///
    /// Why Terra could not be asked.
    pub async fn users_page(&self, page: u64) -> Result<UsersPage, TerraApiError> {
        let query = [("page", &*page.to_string()), ("per_page", PER_PAGE)];
        let answer = self.ask("subscriptions", &query, MAX_ALL).await?.body;
        let paged = answer.get("data").filter(|data| data.is_object()).unwrap_or(&answer);
        let listed = ["results", "users"].into_iter().find_map(|name| paged.get(name)?.as_array());
        let listed = listed.ok_or_else(|| said_error(&answer).unwrap_or(shape()))?;
        let users: Vec<_> = listed.iter().filter_map(TerraUser::from_json).collect();
        let next = paged.get("next").and_then(Value::as_u64);
        Ok(UsersPage { unreadable: listed.len() - users.len(), users, next })
    }

    /// What the provider calls a user, where Terra knows.
    ///
    /// # Errors
    ///
    /// [`TerraApiError::UnknownUser`] where there is no such user, and why Terra could not be asked.
    pub async fn provider_user_id(&self, user_id: &str) -> Result<Option<String>, TerraApiError> {
        let answer = self.ask("athlete", &[("user_id", user_id), ("to_webhook", "false")], MAX_ONE).await?.body;
        let athlete = answer.get("athlete").or_else(|| answer.get("data"));
        let first = |value: &Value| value.as_array().map_or(Some(value.clone()), |list| list.first().cloned());
        let Some(athlete) = athlete.and_then(first) else {
            // It goes to the webhook all the same: nothing is known here.
            let sent = text(&answer, "status") == Some("success") && answer.get("reference").is_some();
            return if sent { Ok(None) } else { Err(said_error(&answer).unwrap_or(shape())) };
        };
        let of_user = || answer.get("user").and_then(|user| text(user, "provider_user_id"));
        Ok(text(&athlete, "provider_user_id").or_else(of_user).map(str::to_owned))
    }
}

fn shape() -> TerraApiError {
    TerraApiError::Unreadable(Unreadable::Shape)
}

/// What an answer of 200 says that is an error all the same.
pub(crate) fn said_error(answer: &Value) -> Option<TerraApiError> {
    let said = text(answer, "message").filter(|_| text(answer, "status") == Some("error"))?;
    Some(TerraApiError::Refused { status: 200, said: said.chars().take(200).collect() })
}

/// A member that is a text with something in it.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// The old SDKs have `active` as a text.
fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

fn scopes(value: &Value) -> Option<Scopes> {
    match value {
        Value::String(list) => Some(Scopes::from_names(list.split([',', ' ']))),
        Value::Array(list) => Some(Scopes::from_names(list.iter().filter_map(Value::as_str))),
        _ => None,
    }
}

/// Moments that do not say where are in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let in_utc = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(in_utc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_in_every_spelling() {
        let read = |value| TerraUser::from_json(&value).unwrap();
        let present = read(json!({
            "user_id": "u", "provider": "GARMIN", "reference_id": "r", "active": true, "scopes": "B, A",
            "created_at": "2026-07-01T00:00:00.000000+01:00", "last_webhook_update": null,
            "most_recent_data_at": "2026-07-01T00:00:00Z", "more": [1],
        }));
        assert_eq!((present.active, present.reference_id.as_deref()), (Some(true), Some("r")));
        assert_eq!(present.scopes.unwrap().names(), ["A", "B"]);
        assert_eq!(present.created_at.unwrap().to_string(), "2026-06-30T23:00:00Z");
        let old = read(json!({
            "user_id": "u", "active": "False", "scopes": ["A"], "created_at": "2026-07-01 09:12:33.891000",
            "last_webhook_update": "2026-07-01 09:12:33.891000+00:00", "reference_id": "", "provider": 7,
        }));
        assert_eq!((old.active, &old.reference_id, &old.provider), (Some(false), &None, &None));
        assert_eq!(old.created_at, old.last_webhook_update);
        assert!(TerraUser::from_json(&json!({"provider": "GARMIN"})).is_none());
        assert_eq!(read(json!({"user_id": "u", "active": null, "scopes": null})).scopes, None);
    }
}
