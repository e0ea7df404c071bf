//! The `user` object that most events carry.

use crate::ids::{ReferenceId, UserId};
use crate::lenient;
use crate::time::instant_millis;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One connection as an event describes it. Fields that are missing, null, empty or of an odd type are `None`.
///
/// Terra page: Unified API, `TerraUser`.
#[derive(Debug, Clone)]
pub struct User<'a> {
    /// Names the connection.
    pub user_id: Option<UserId<'a>>,
    /// Where the data comes from, as sent: `GARMIN`, `FITBIT` …
    pub provider: Option<Cow<'a, str>>,
    /// The customer's own name for the end user.
    pub reference_id: Option<ReferenceId<'a>>,
    /// When Terra last sent a webhook for this connection, in milliseconds since 1970.
    pub last_webhook_update_ms: Option<u64>,
    /// The permissions granted, if the event says.
    pub scopes: Option<Scopes>,
}

impl<'a> User<'a> {
    /// Reads a `user` object; `None` if it is none.
    pub fn read(raw: Option<&'a RawValue>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default, deserialize_with = "lenient::text")]
            user_id: Option<Cow<'a, str>>,
            #[serde(borrow, default, deserialize_with = "lenient::text")]
            provider: Option<Cow<'a, str>>,
            #[serde(borrow, default, deserialize_with = "lenient::text")]
            reference_id: Option<Cow<'a, str>>,
            #[serde(borrow, default, deserialize_with = "lenient::text")]
            last_webhook_update: Option<Cow<'a, str>>,
            #[serde(borrow, default, deserialize_with = "lenient::raw")]
            scopes: Option<&'a RawValue>,
        }
        let fields: Fields<'a> = lenient::as_struct(raw)?;
        Some(Self {
            user_id: fields.user_id.and_then(UserId::new),
            provider: fields.provider,
            reference_id: fields.reference_id.and_then(ReferenceId::new),
            last_webhook_update_ms: fields.last_webhook_update.as_deref().and_then(instant_millis),
            scopes: fields.scopes.and_then(Scopes::read),
        })
    }
}

/// Permissions, sorted and without repeats.
///
/// Terra writes them as one comma-separated string in each provider's own vocabulary, some endpoints as a JSON array;
/// both are understood. An empty string is an empty list: nothing is granted any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads either spelling; `None` for anything else.
    pub fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        if text.starts_with('"') {
            serde_json::from_str::<String>(text).ok().map(|list| Self::from_names(list.split([',', ' '])))
        } else {
            let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let names: Vec<_> = list.into_iter().filter_map(lenient::as_text).collect();
            Some(Self::from_names(names.iter().map(AsRef::as_ref)))
        }
    }

    /// A list of these names, trimmed, sorted, each once.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<String> =
            names.into_iter().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// The names, sorted.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn odd_fields_count_as_absent_and_spoil_nothing() {
        let json = raw(
            r#"{"user_id":"u","provider":7,"reference_id":"","last_webhook_update":"soon","scopes":{},"active":[]}"#,
        );
        let user = User::read(Some(&json)).unwrap();
        assert_eq!(user.user_id.unwrap().as_str(), "u");
        assert!(user.provider.is_none() && user.reference_id.is_none());
        assert!(user.last_webhook_update_ms.is_none() && user.scopes.is_none());
        for none in [r#""u""#, "null", "[]", "7"] {
            assert!(User::read(Some(&raw(none))).is_none(), "{none}");
        }
        assert!(User::read(Some(&raw(r#"{"user_id":"\ud800"}"#))).unwrap().user_id.is_none());
    }

    #[test]
    fn scopes_in_every_spelling() {
        let expected = ["A", "B"];
        for spelling in [r#""A,B""#, r#"" B , A,""#, r#""B A""#, r#"["B","A","A",null,3]"#] {
            assert_eq!(Scopes::read(&raw(spelling)).unwrap().names(), expected, "{spelling}");
        }
        assert_eq!(Scopes::read(&raw(r#""""#)).unwrap().names().len(), 0);
        assert!(Scopes::read(&raw("12")).is_none());
    }
}
