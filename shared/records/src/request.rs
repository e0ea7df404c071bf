//! Large requests: what is known of history that comes in many deliveries.
//!
//! What is expected is a register; which chunks were seen is a set of numbers, in buckets, so that a chunk costs the
//! same whether it is the first or the thousandth. Any order of arrival leaves the same.

use crate::connection::Register;
use crate::key::enclosed_text;
use std::collections::BTreeSet;
use terrace_terra::ids::ReferenceId;

/// What the sort key of a large request begins with.
pub const REQUEST: &str = "request#";
/// How many chunk numbers one item holds at most: so that it stays within one write unit.
const BUCKET: u32 = 128;
/// A reference that is longer than this names nothing.
const MAX_REFERENCE: usize = 1_024;

/// What a delivery says of a large request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUpdate {
    reference: String,
    /// How many chunks there will be, and when that was said.
    pub expected: Option<Register>,
    /// The chunk that the delivery is.
    pub chunk: Option<u32>,
}

impl RequestUpdate {
    /// What an event says of a request; `None` where its reference is none.
    pub fn of_event(reference: &str, expected: Option<u32>, time_ms: u64) -> Option<Self> {
        let expected = expected.map(|number| Register::new(time_ms, &number.to_string()));
        Self::new(reference, expected, None)
    }

    /// What a chunk says of its request by being there.
    pub fn of_chunk(reference: &str, number: u32) -> Option<Self> {
        Self::new(reference, None, Some(number))
    }

    fn new(reference: &str, expected: Option<Register>, chunk: Option<u32>) -> Option<Self> {
        let named = !reference.is_empty() && reference.len() <= MAX_REFERENCE;
        named.then(|| Self { reference: reference.to_owned(), expected, chunk })
    }

    /// The reference as sent.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Where it lies: the request itself, or the bucket of its chunk.
    pub fn sort_key(&self) -> String {
        let text = ReferenceId::new(self.reference.as_str()).as_ref().map(enclosed_text).unwrap_or_default();
        match self.chunk {
            None => format!("{REQUEST}{text}"),
            Some(number) => format!("{REQUEST}{text}#{:08}", number / BUCKET),
        }
    }
}

/// A large request as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// How many chunks there will be, once Terra said so.
    pub expected: Option<u32>,
    /// The numbers of those that came.
    pub seen: BTreeSet<u32>,
}

impl Request {
    /// The numbers that have not come. Terra counts from 1; where a chunk 0 came it counts from 0.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        let first = u32::from(!self.seen.contains(&0));
        let numbers = first..first.saturating_add(self.expected.unwrap_or(0));
        numbers.filter(|number| !self.seen.contains(number))
    }

    /// Whether everything came.
    pub fn is_complete(&self) -> bool {
        self.expected.is_some() && self.missing().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_from_either_way_of_counting() {
        let request = |expected, seen: &[u32]| Request { expected, seen: seen.iter().copied().collect() };
        let missing = |request: &Request| request.missing().collect::<Vec<_>>();
        assert_eq!(missing(&request(Some(3), &[1, 3])), [2]);
        assert_eq!(missing(&request(Some(3), &[0, 2])), [1]);
        assert!(missing(&request(None, &[4])).is_empty() && !request(None, &[1]).is_complete());
        assert!(request(Some(2), &[1, 2]).is_complete() && request(Some(2), &[0, 1]).is_complete());
        assert!(request(Some(0), &[]).is_complete());
    }

    #[test]
    fn chunks_lie_beside_their_request_in_buckets() {
        let key = |chunk| RequestUpdate::of_chunk("r", chunk).map(|update| update.sort_key());
        assert_eq!(key(0), key(127));
        assert_ne!(key(127), key(128));
        assert_eq!(RequestUpdate::of_event("r", Some(2), 1).unwrap().sort_key(), "request#r");
        assert!(key(5).unwrap().starts_with("request#r#"));
        assert_ne!(RequestUpdate::of_event("r#00000000", Some(2), 1).map(|update| update.sort_key()), key(0));
        let long = "x".repeat(1_024);
        assert!(RequestUpdate::of_chunk(&long, u32::MAX).unwrap().sort_key().len() <= 1_024);
        assert_eq!(RequestUpdate::of_chunk(&format!("{long}x"), 1), None);
        assert_eq!(RequestUpdate::of_event("", None, 1), None);
    }
}
