//! Enrichment scores: each a register of its own, and their way back into a record.
//!
//! Terra promises supersets, with one exception: a score may come back null after it had a value. So the greatest
//! version *that had a value* is kept, per score, beside the record.

use crate::coverage::ENRICHMENT;
use crate::scan::{Token, Tokens, spells};
use crate::version::Version;
use std::borrow::Cow;
use std::collections::BTreeMap;
use terrace_terra::element::Score;

/// A score as stored: the version of the copy it came with, then its value. Registers compare as bytes, so the version
/// decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRegister(Vec<u8>);

impl ScoreRegister {
    /// The register that a copy of this version sets.
    pub fn new(version: &Version, score: &Score<'_>) -> Self {
        Self([version.as_bytes(), score.value.get().as_bytes()].concat())
    }

    /// Reads a register as stored; `None` if it is none.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let value = bytes.get(Version::BYTES..)?;
        (!value.is_empty() && std::str::from_utf8(value).is_ok()).then_some(Self(bytes))
    }

    /// The bytes as stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The version of the copy that set it.
    pub fn version(&self) -> Option<Version> {
        self.0.get(..Version::BYTES).and_then(Version::from_bytes)
    }

    /// The value as sent.
    pub fn value(&self) -> &str {
        self.0.get(Version::BYTES..).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or("null")
    }
}

/// The scores stored with a record, by name.
pub type StoredScores = BTreeMap<String, ScoreRegister>;

/// `record` with its scores put back: each stored score in place of what the record says of it, the ones it does not
/// have at the end. Everything else stays as sent, byte for byte; a record that already says the same is unchanged.
pub fn merge<'r>(record: &'r str, scores: &StoredScores) -> Cow<'r, str> {
    if scores.is_empty() {
        return Cow::Borrowed(record);
    }
    let Some(place) = find_enrichment(record) else { return Cow::Borrowed(record) };
    let merged = match place {
        Place::Object { from, to } => {
            let object = record.get(from..to).unwrap_or("{}");
            let merged = merge_object(object, scores);
            if merged == object {
                return Cow::Borrowed(record);
            }
            splice(record, from, to, &merged)
        }
        Place::Other { from, to } => splice(record, from, to, &merge_object("{}", scores)),
        Place::Absent { at, comma } => {
            let member = format!("{}\"{ENRICHMENT}\":{}", if comma { "," } else { "" }, merge_object("{}", scores));
            splice(record, at, at, &member)
        }
    };
    Cow::Owned(merged)
}

fn splice(text: &str, from: usize, to: usize, with: &str) -> String {
    let (before, after) = (text.get(..from).unwrap_or_default(), text.get(to..).unwrap_or_default());
    [before, with, after].concat()
}

/// Where scores go in a record.
enum Place {
    /// `data_enrichment` is an object.
    Object { from: usize, to: usize },
    /// It is null or something else.
    Other { from: usize, to: usize },
    /// There is none; one goes before the closing brace.
    Absent { at: usize, comma: bool },
}

fn find_enrichment(record: &str) -> Option<Place> {
    let mut tokens = Tokens::of(record);
    let mut depth = 0_usize;
    let mut members = false;
    loop {
        let token = tokens.next()?;
        match token {
            Token::Name(name) if depth == 1 => {
                members = true;
                if spells(name, ENRICHMENT) {
                    return value_after(record, &mut tokens);
                }
            }
            Token::Open(_) => depth += 1,
            Token::Close(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(Place::Absent { at: tokens.stands_at().saturating_sub(1), comma: members });
                }
            }
            _ => {}
        }
    }
}

/// The value that comes next in `tokens`.
fn value_after(record: &str, tokens: &mut Tokens<'_>) -> Option<Place> {
    match tokens.next()? {
        Token::Open(bracket) => {
            let from = tokens.stands_at() - 1;
            let mut depth = 1_usize;
            while depth > 0 {
                match tokens.next()? {
                    Token::Open(_) => depth += 1,
                    Token::Close(_) => depth -= 1,
                    _ => {}
                }
            }
            let to = tokens.stands_at();
            Some(if bracket == '{' { Place::Object { from, to } } else { Place::Other { from, to } })
        }
        Token::Scalar(text) => Some(Place::Other { from: tokens.stands_at() - text.len(), to: tokens.stands_at() }),
        Token::Null => Some(Place::Other { from: tokens.stands_at() - "null".len(), to: tokens.stands_at() }),
        Token::Name(_) | Token::Close(_) => {
            // The parser let no such record in.
            debug_assert!(false, "a member without a value in {} bytes", record.len());
            None
        }
    }
}

fn merge_object(object: &str, scores: &StoredScores) -> String {
    let mut merged = String::with_capacity(object.len() + 64);
    let mut copied = 0;
    let mut seen = Vec::new();
    let mut members = false;
    let mut depth = 0_usize;
    let mut tokens = Tokens::of(object);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Name(name) if depth == 1 => {
                members = true;
                let Some((known, register)) = scores.iter().find(|(known, _)| spells(name, known)) else { continue };
                let Some(Place::Object { from, to } | Place::Other { from, to }) = value_after(object, &mut tokens)
                else {
                    continue;
                };
                merged.push_str(object.get(copied..from).unwrap_or_default());
                merged.push_str(register.value());
                copied = to;
                seen.push(known);
            }
            _ => {}
        }
    }
    let end = object.rfind('}').unwrap_or(object.len()).max(copied);
    merged.push_str(object.get(copied..end).unwrap_or_default());
    for (name, register) in scores.iter().filter(|(name, _)| !seen.contains(name)) {
        let comma = if members { "," } else { "" };
        merged.push_str(&format!("{comma}\"{name}\":{}", register.value()));
        members = true;
    }
    merged.push_str(object.get(end..).unwrap_or("}"));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Emission;

    fn stored(scores: &[(&str, &str)]) -> StoredScores {
        let version = Version::new(Emission { emitted_ms: 1, signed_at: 0, discarded: 0 }, 0, 0);
        let register = |value: &str| ScoreRegister([version.as_bytes(), value.as_bytes()].concat());
        scores.iter().map(|(name, value)| ((*name).to_owned(), register(value))).collect()
    }

    #[test]
    fn scores_go_back_to_their_place_and_nothing_else_moves() {
        let scores = stored(&[("a_score", "81.50"), ("b_map", r#"{"x":1.0}"#)]);
        for (record, merged) in [
            ("{}", r#"{"data_enrichment":{"a_score":81.50,"b_map":{"x":1.0}}}"#),
            (r#"{"n":1.10 }"#, r#"{"n":1.10 ,"data_enrichment":{"a_score":81.50,"b_map":{"x":1.0}}}"#),
            (
                r#"{"data_enrichment" : null,"n":2}"#,
                r#"{"data_enrichment" : {"a_score":81.50,"b_map":{"x":1.0}},"n":2}"#,
            ),
            (
                r#"{"data_enrichment":{ "c":7,"a_score":null, "d":[1,{"a_score":3}]},"n":2}"#,
                r#"{"data_enrichment":{ "c":7,"a_score":81.50, "d":[1,{"a_score":3}],"b_map":{"x":1.0}},"n":2}"#,
            ),
            (
                r#"{"x":{"data_enrichment":{"a_score":1}},"data_enrichment":{"b_map":{"y":2},"a_score":{"z":[]}}}"#,
                r#"{"x":{"data_enrichment":{"a_score":1}},"data_enrichment":{"b_map":{"x":1.0},"a_score":81.50}}"#,
            ),
            (r#"{"data_enrichment":[1]}"#, r#"{"data_enrichment":{"a_score":81.50,"b_map":{"x":1.0}}}"#),
        ] {
            assert_eq!(merge(record, &scores), merged);
            assert!(serde_json::from_str::<serde_json::Value>(merged).is_ok());
            assert!(matches!(merge(merged, &scores), Cow::Borrowed(_)), "merging twice changes nothing: {merged}");
        }
        assert!(matches!(merge(r#"{"data_enrichment":null}"#, &StoredScores::new()), Cow::Borrowed(_)));
    }

    #[test]
    fn a_register_is_a_version_and_a_value() {
        assert_eq!(ScoreRegister::from_bytes(vec![0; 24]), None);
        assert_eq!(ScoreRegister::from_bytes(vec![0; 3]), None);
        let mut bytes = vec![0; 24];
        bytes.extend_from_slice(b"7.0");
        let register = ScoreRegister::from_bytes(bytes).unwrap();
        assert_eq!(register.value(), "7.0");
        assert_eq!(register.version().unwrap().emitted_ms(), 0);
    }
}
