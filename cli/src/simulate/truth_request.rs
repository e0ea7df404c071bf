//! The truth about large requests: what was said of each, and which chunks came.

use crate::simulate::json::Json;
use std::collections::{BTreeMap, BTreeSet};

/// What stands before a chunk's number.
const MARK: &str = ":chunk:";

/// A large request that has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRequest {
    /// Its reference.
    pub reference: String,
    /// How many chunks there are, if that was said.
    pub expected: Option<u32>,
    /// How many of them came.
    pub seen: usize,
    /// The numbers of those that did not, as far as it is known how many there are.
    pub missing: Vec<u32>,
    /// Whether all came.
    pub complete: bool,
}

/// All that is known of one user's large requests, by reference.
#[derive(Debug, Clone, Default)]
pub struct Requests(BTreeMap<String, Said>);

#[derive(Debug, Clone, Default)]
struct Said {
    /// How many chunks there are, and when that was said.
    expected: Vec<(u64, u32)>,
    chunks: BTreeSet<u32>,
}

impl Requests {
    /// Takes in what an event and its headers say, at a time in milliseconds since 1970.
    pub fn take_in(&mut self, event: &Json, name: &str, time_ms: u64, trace_id: Option<&str>, reference: &str) {
        if name == "large_request_sending" {
            let named = event.get("reference").and_then(Json::as_text);
            let number = match event.get("expected_payloads") {
                Some(Json::Number(number)) => number.parse().ok(),
                _ => None,
            };
            if let (Some(named), Some(number)) = (named, number) {
                self.0.entry(named.to_owned()).or_default().expected.push((time_ms, number));
            }
        } else if let Some((reference, number)) = chunk(trace_id, reference) {
            self.0.entry(reference.to_owned()).or_default().chunks.insert(number);
        }
    }

    /// The requests that have to be read, in order of reference.
    pub fn expected(&self) -> Vec<ExpectedRequest> {
        let request = |(reference, said): (&String, &Said)| {
            let expected = said.expected.iter().max().map(|(_, number)| *number);
            let all = 1..=expected.unwrap_or(0);
            let missing: Vec<u32> = all.filter(|number| !said.chunks.contains(number)).collect();
            let complete = expected.is_some() && missing.is_empty();
            ExpectedRequest { reference: reference.clone(), expected, seen: said.chunks.len(), missing, complete }
        };
        self.0.iter().map(request).collect()
    }
}

/// The reference that a chunk shares with others, and its number, at the end of the one header or of the other.
fn chunk<'a>(trace_id: Option<&'a str>, reference: &'a str) -> Option<(&'a str, u32)> {
    let cut = |text: &'a str| {
        let (before, number) = text.split_once(MARK)?;
        Some((before, number.parse().ok()?))
    };
    cut(reference).or_else(|| Some((reference, cut(trace_id?)?.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has to be read after these: the name, the body, the trace id, the reference.
    fn after(deliveries: &[(&str, &str, Option<&str>, &str)]) -> Vec<ExpectedRequest> {
        let mut requests = Requests::default();
        for (name, body, trace_id, reference) in deliveries {
            requests.take_in(&Json::read(body).unwrap(), name, 1, *trace_id, reference);
        }
        requests.expected()
    }

    fn request(
        reference: &str,
        expected: Option<u32>,
        seen: usize,
        missing: &[u32],
        complete: bool,
    ) -> ExpectedRequest {
        ExpectedRequest { reference: reference.to_owned(), expected, seen, missing: missing.to_vec(), complete }
    }

    #[test]
    fn a_request_is_complete_once_every_chunk_came_however_often() {
        let sending = ("large_request_sending", r#"{"reference":"r","expected_payloads":3}"#, Some("t"), "r");
        let chunk = |trace_id| ("daily", "{}", Some(trace_id), "r");
        assert_eq!(after(&[sending]), [request("r", Some(3), 0, &[1, 2, 3], false)]);
        let (first, third) = (chunk("t:chunk:1"), chunk("t:chunk:3"));
        assert_eq!(after(&[third, first, sending, first]), [request("r", Some(3), 2, &[2], false)]);
        assert_eq!(after(&[third, chunk("t:chunk:2"), sending, first]), [request("r", Some(3), 3, &[], true)]);
        assert_eq!(after(&[third, first]), [request("r", None, 2, &[], false)]);
    }

    #[test]
    fn the_number_stands_in_either_header() {
        let old = |reference| ("daily", "{}", Some("plain"), reference);
        let new = ("daily", "{}", Some("t:chunk:2"), "a");
        assert_eq!(
            after(&[old("b:chunk:1"), new, old("b:chunk:4"), old("c")]),
            [request("a", None, 1, &[], false), request("b", None, 2, &[], false)]
        );
        assert_eq!(after(&[("large_request_processing", r#"{"reference":"r"}"#, None, "r")]), []);
        assert_eq!(after(&[("daily", "{}", None, "r")]), []);
    }
}
