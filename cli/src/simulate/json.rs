//! JSON that keeps every digit: numbers stay the text they were, so that what is read back can be held against what
//! was sent without a float in between.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A JSON value. Members keep their order for writing; comparing does not mind it.
#[derive(Debug, Clone)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// An object of these members.
pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A string.
pub fn text(text: impl Into<String>) -> Json {
    Json::Text(text.into())
}

/// A whole number.
pub fn whole(number: impl std::fmt::Display) -> Json {
    Json::Number(number.to_string())
}

impl Json {
    /// Reads JSON text. Members come in order of name.
    ///
    /// # Errors
    ///
    /// When the text is no JSON.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)?;
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                // A map and not a struct: any member may come, in any order.
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
                let read = |(name, raw): (String, &RawValue)| Ok((name, Self::read(raw.get())?));
                Self::Object(members.into_iter().map(read).collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(|raw| Self::read(raw.get())).collect::<serde_json::Result<_>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// The JSON text, without white space.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out, "");
        out
    }

    /// The JSON text with a space after every comma and colon, as some serialisers write it.
    pub fn write_spaced(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out, " ");
        out
    }

    fn write_to(&self, out: &mut String, space: &str) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => write_text(out, text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                        out.push_str(space);
                    }
                    item.write_to(out, space);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                        out.push_str(space);
                    }
                    write_text(out, name);
                    out.push(':');
                    out.push_str(space);
                    value.write_to(out, space);
                }
                out.push('}');
            }
        }
    }

    /// A member of an object; `None` where there is none or this is no object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A member of a member of an object.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// Sets a member of an object, in its place or at the end.
    pub fn set(&mut self, name: &str, value: Self) {
        if let Self::Object(members) = self {
            match members.iter_mut().find(|(known, _)| known == name) {
                Some((_, place)) => *place = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// Sets a member of a member of an object.
    pub fn set_in(&mut self, outer: &str, name: &str, value: Self) {
        if let Self::Object(members) = self
            && let Some((_, inner)) = members.iter_mut().find(|(known, _)| known == outer)
        {
            inner.set(name, value);
        }
    }

    /// The text of a non-empty string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// How many scalars that are not null there are, at any depth.
    pub fn leaves(&self) -> u32 {
        match self {
            Self::Null => 0,
            Self::List(items) => items.iter().map(Self::leaves).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.leaves()).sum(),
            Self::Bool(_) | Self::Number(_) | Self::Text(_) => 1,
        }
    }

    /// Where `read` first says something else than this, and what; `None` where both say the same to the last digit.
    pub fn difference(&self, read: &Self) -> Option<String> {
        let (mut path, finding) = self.find_difference(read)?;
        path.reverse();
        Some(if path.is_empty() { finding } else { format!("{}: {finding}", path.join(".")) })
    }

    /// The finding, and the names that lead to it, innermost first.
    fn find_difference(&self, read: &Self) -> Option<(Vec<String>, String)> {
        let within = |name: &str, found: Option<(Vec<String>, String)>| {
            found.map(|(mut path, finding)| {
                path.push(name.to_owned());
                (path, finding)
            })
        };
        match (self, read) {
            (Self::Object(expected), Self::Object(found)) => {
                let missing = expected.iter().find_map(|(name, value)| match read.get(name) {
                    Some(other) => within(name, value.find_difference(other)),
                    None => Some((vec![name.clone()], "missing".to_owned())),
                });
                let added = || found.iter().find(|(name, _)| self.get(name).is_none());
                missing.or_else(|| added().map(|(name, _)| (vec![name.clone()], "never sent".to_owned())))
            }
            (Self::List(expected), Self::List(found)) if expected.len() == found.len() => {
                let mut pairs = expected.iter().zip(found).enumerate();
                pairs.find_map(|(at, (one, other))| within(&at.to_string(), one.find_difference(other)))
            }
            (Self::List(expected), Self::List(found)) => {
                Some((Vec::new(), format!("{} items expected, {} read", expected.len(), found.len())))
            }
            (Self::Null, Self::Null) => None,
            (Self::Bool(one), Self::Bool(other)) if one == other => None,
            (Self::Number(one), Self::Number(other)) | (Self::Text(one), Self::Text(other)) if one == other => None,
            _ => Some((Vec::new(), format!("{} expected, {} read", shortened(self), shortened(read)))),
        }
    }
}

fn shortened(value: &Json) -> String {
    let text = value.write();
    if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_survives_reading_and_writing() {
        let sent = r#"{"a":1.10,"b":12345678901234567890123,"c":1e-7,"d":[0.1000000000000000055511151231257827,-0.0],"e":"x\"\\\ny","f":null,"g":true}"#;
        assert_eq!(Json::read(sent).unwrap().write(), sent);
        let spaced = Json::read(sent).unwrap().write_spaced();
        assert!(spaced.contains(r#""a": 1.10, "b""#));
        assert!(Json::read(sent).unwrap().difference(&Json::read(&spaced).unwrap()).is_none());
    }

    #[test]
    fn a_difference_is_told_by_its_place() {
        let sent = Json::read(r#"{"a":{"b":[1,{"c":1.10}]},"d":null}"#).unwrap();
        for (read, said) in [
            (r#"{"d":null,"a":{"b":[1,{"c":1.1}]}}"#, "a.b.1.c: 1.10 expected, 1.1 read"),
            (r#"{"a":{"b":[1]},"d":null}"#, "a.b: 2 items expected, 1 read"),
            (r#"{"a":{"b":[1,{"c":1.10}]}}"#, "d: missing"),
            (r#"{"a":{"b":[1,{"c":1.10,"x":1}]},"d":null}"#, "a.b.1.x: never sent"),
            (r#"{"a":{"b":[1,{"c":"1.10"}]},"d":null}"#, r#"a.b.1.c: 1.10 expected, "1.10" read"#),
        ] {
            assert_eq!(sent.difference(&Json::read(read).unwrap()).as_deref(), Some(said));
        }
        assert!(sent.difference(&Json::read(r#"{ "d": null, "a": {"b": [1, {"c": 1.10}]}}"#).unwrap()).is_none());
    }

    #[test]
    fn leaves_are_scalars_that_are_not_null() {
        assert_eq!(
            Json::read(r#"{"a":0,"b":false,"c":"","d":[1,null,2],"e":{"f":{"g":1.5}},"h":{}}"#).unwrap().leaves(),
            6
        );
    }
}
