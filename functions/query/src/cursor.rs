//! Where a list goes on. A cursor is opaque, and bound to the question it came from: anywhere else it is refused.

use crate::error::QueryError;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use terrace_store::Position;
use xxhash_rust::xxh3::Xxh3;

/// What a cursor holds.
#[derive(Serialize, Deserialize)]
struct Held {
    /// Of the question.
    q: u64,
    /// The last entry's sort key.
    r: String,
    /// Its key in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    /// Of a list of changes: what is to be asked for once it is read to its end, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
}

/// Where a list of records goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// After this entry.
    pub position: Position,
    /// What a list of changes says is to be asked for next time, as its first page said.
    pub next_since: Option<u64>,
}

/// A question as far as its cursors are bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question(u64);

impl Question {
    /// The question that these parts make.
    pub fn of<'t>(parts: impl IntoIterator<Item = Option<&'t str>>) -> Self {
        let mut hasher = Xxh3::new();
        for part in parts {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hasher.update(&length.to_be_bytes());
            hasher.update(part.unwrap_or_default().as_bytes());
        }
        Self(hasher.digest())
    }

    /// The cursor of a position in its list.
    pub fn cursor(self, position: Position) -> String {
        self.cursor_to(Place { position, next_since: None })
    }

    /// The cursor of a place in its list.
    pub fn cursor_to(self, place: Place) -> String {
        let Place { position, next_since } = place;
        let held = Held { q: self.0, r: position.record, s: position.start_key, n: next_since };
        BASE64URL_NOPAD.encode(&serde_json::to_vec(&held).unwrap_or_default())
    }

    /// The position that a cursor of this question holds.
    pub fn position(self, cursor: &str) -> Result<Position, QueryError> {
        self.place(cursor).map(|place| place.position)
    }

    /// The place that a cursor of this question holds.
    pub fn place(self, cursor: &str) -> Result<Place, QueryError> {
        let held = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok();
        let held = held.and_then(|held| serde_json::from_slice::<Held>(&held).ok());
        let held = held.filter(|held| held.q == self.0 && !held.r.is_empty() && held.r.len() <= 2_048);
        let held = held.filter(|held| held.s.as_ref().is_none_or(|key| !key.is_empty() && key.len() <= 1_024));
        let foreign = "the cursor belongs to another question; take it from the last answer and change nothing else";
        let held = held.ok_or_else(|| QueryError::bad(foreign))?;
        Ok(Place { position: Position { record: held.r, start_key: held.s }, next_since: held.n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_good_for_its_question_alone() {
        let position = Position { record: "sleep#a/b".to_owned(), start_key: Some("sleep#2026".to_owned()) };
        let question = Question::of([Some("u"), Some("sleep"), None]);
        let cursor = question.cursor(position.clone());
        assert_eq!(question.position(&cursor).unwrap(), position);
        for other in [[Some("v"), Some("sleep"), None], [Some("u"), None, Some("sleep")], [Some("usleep"), None, None]]
        {
            assert_eq!(Question::of(other).position(&cursor).unwrap_err().answer().status, 400);
        }
    }

    proptest! {
        #[test]
        fn nonsense_is_no_cursor(text in "\\PC{0,60}") {
            prop_assert!(Question::of([None]).position(&text).is_err());
        }
    }
}
