//! The entity tags of records: known from their items alone, so that who has a record already costs no look into the log.

use crate::parameters::Detail;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use terrace_store::StoredRecord;

/// The number of the way in which records are written out. Another way is another text of the same versions.
const WRITTEN: u8 = 1;

/// A strong entity tag (RFC 9110, 8.8.3), in its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The tag of these records in this detail: of what they are called, their versions and those of their scores, and
    /// when they were written, which stands in the answer.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r StoredRecord>, detail: Detail) -> Self {
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(&[WRITTEN, u8::from(detail == Detail::Full)]);
        for record in records {
            part(record.key.sort_key().as_bytes());
            part(record.version.as_bytes());
            part(&record.updated_at.to_be_bytes());
            part(&(record.scores.len() as u64).to_be_bytes());
            for (name, register) in &record.scores {
                part(name.as_bytes());
                part(register.as_bytes());
            }
        }
        let digest = hasher.finalize();
        Self(format!("\"{}\"", HEXLOWER.encode(digest.get(..16).unwrap_or(&digest))))
    }

    /// The tag as a header has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an `If-None-Match` names it, which compares weakly (RFC 9110, 13.1.2).
    pub fn is_in(&self, if_none_match: Option<&str>) -> bool {
        let Some(tags) = if_none_match else { return false };
        tags.trim() == "*" || tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        let tag = Etag("\"a1\"".to_owned());
        for named in ["\"a1\"", "*", " W/\"a1\" ", "\"b\", \"a1\"", "\"b\",W/\"a1\""] {
            assert!(tag.is_in(Some(named)), "{named}");
        }
        for other in [None, Some(""), Some("a1"), Some("\"a\""), Some("\"b\", \"c\""), Some("w/\"a1\"")] {
            assert!(!tag.is_in(other), "{other:?}");
        }
    }
}
