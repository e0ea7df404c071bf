//! What the query string says, checked before anything is looked up.
//!
//! * [`records`]: what is asked of a list of records.
//! * [`lists`]: what is asked of a list of deliveries or connections.
//! * [`range`]: days and moments between which records lie.

pub mod lists;
pub mod range;
pub mod records;

pub use lists::ListQuestion;
pub use records::{Detail, RecordsQuestion};

use crate::error::QueryError;
use jiff::civil::Date;
use terrace_terra::DataType;
use terrace_terra::time::date_as_sent;

/// How many entries a page has unless the question says otherwise.
pub const DEFAULT_LIMIT: usize = 100;
/// How many it may have.
pub const MAX_LIMIT: usize = 1_000;
/// How alike two words are that one may have been meant for the other.
const ALIKE: f64 = 0.8;

/// The parameters of a question, by name.
struct Parameters<'q>(&'q [(String, String)]);

impl<'q> Parameters<'q> {
    /// Those of a question that takes the ones `known`, of which those in `repeated` may be given more than once.
    ///
    /// An empty value is none: who filters by nothing does not mean everything. Only the cursor of a first page may be.
    fn of(query: &'q [(String, String)], known: &[&'static str], repeated: &[&str]) -> Result<Self, QueryError> {
        for (at, (name, value)) in query.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let meant = meant(name, known.iter().copied());
                return Err(QueryError::bad(format!(
                    "there is no such parameter here{meant}; there are {}",
                    known.join(", ")
                )));
            }
            if value.is_empty() && name != "cursor" {
                return Err(QueryError::bad(format!("{name} is empty; write a value or leave it out")));
            }
            if !repeated.contains(&name.as_str()) && query.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(QueryError::bad(format!("{name} is given twice; give it once")));
            }
        }
        Ok(Self(query))
    }

    /// All values of a parameter, empty ones left out.
    fn all(&self, name: &str) -> impl Iterator<Item = &'q str> {
        let values = self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty())
    }

    fn get(&self, name: &str) -> Option<&'q str> {
        self.all(name).next()
    }

    fn date(&self, name: &str) -> Result<Option<Date>, QueryError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        date(text)
            .map(Some)
            .ok_or_else(|| QueryError::bad(format!("{name} is no date; write YYYY-MM-DD, such as 2026-07-01")))
    }

    fn limit(&self) -> Result<usize, QueryError> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| QueryError::bad(format!("limit is not a whole number from 1 to {MAX_LIMIT}")))
    }
}

/// Reads a date.
fn date(text: &str) -> Option<Date> {
    Some(text).filter(|text| text.len() == 10).and_then(date_as_sent).and_then(|text| text.parse().ok())
}

/// Reads a type.
pub fn data_type(name: &str) -> Result<DataType, QueryError> {
    DataType::from_name(name).ok_or_else(|| {
        let names: Vec<_> = DataType::ALL.iter().map(|data_type| data_type.name()).collect();
        let meant = meant(name, names.iter().copied());
        QueryError::bad(format!("there is no such type{meant}; there are {}", names.join(", ")))
    })
}

/// Which of the words there are may have been meant, as a sentence goes on. Never the word that was written: it may be
/// anything, somebody's name too.
fn meant(written: &str, words: impl Iterator<Item = &'static str>) -> String {
    // Nobody means a word of ours by a text of any length, and comparing long ones takes long.
    let written: String = written.chars().take(40).flat_map(char::to_lowercase).collect();
    let likeness = |word: &str| strsim::jaro_winkler(word, &written);
    let nearest = words.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let nearest = nearest.filter(|word| likeness(word) >= ALIKE);
    nearest.map(|word| format!(", did you mean {word}?")).unwrap_or_default()
}

/// Reads which type is missed, where the question says so.
pub fn missed(query: &[(String, String)]) -> Result<Option<DataType>, QueryError> {
    Parameters::of(query, &["type"], &[])?.get("type").map(data_type).transpose()
}

/// Checks that a question about one thing has no parameters.
pub fn none(query: &[(String, String)]) -> Result<(), QueryError> {
    match query {
        [] => Ok(()),
        _ => Err(QueryError::bad("this path takes no parameters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_nearly_one_of_ours_is_taken_for_it() {
        let said = |name: &str| data_type(name).unwrap_err().to_string();
        assert!(said("dayly").starts_with("there is no such type, did you mean daily?; there are activity, athlete"));
        assert!(said("SLEEP").contains("did you mean sleep?"));
        assert!(said("health_observations").contains("did you mean health_observation?"));
        for far in ["", "x", "qqqqqq", &"daily".repeat(100_000)] {
            assert!(!said(far).contains("did you mean") || far.len() > 40, "{}", far.len());
        }
    }
}
