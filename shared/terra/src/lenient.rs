//! Reading fields that may be anything.
//!
//! A signed body is kept whatever it holds, so no odd field may spoil its neighbours: a field of the wrong type, a
//! string with a lone surrogate or an empty one simply counts as absent.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A non-empty JSON string, borrowed where it holds no escapes; `None` for everything else.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(as_text(<&RawValue>::deserialize(deserializer)?))
}

/// The object, array or scalar as sent; `None` for `null`.
pub(crate) fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok((raw.get() != "null").then_some(raw))
}

/// A whole number written as a JSON number; `None` for everything else.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(<&RawValue>::deserialize(deserializer)?.get().parse().ok())
}

/// `raw` as a non-empty string, borrowed where it holds no escapes.
pub(crate) fn as_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// `raw` read as `T`; `None` where it is something else.
pub(crate) fn as_struct<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    // Structs may also be written as JSON arrays as far as serde is concerned; Terra never means that.
    let raw = raw.filter(|raw| raw.get().starts_with('{'))?;
    serde_json::from_str(raw.get()).ok()
}
