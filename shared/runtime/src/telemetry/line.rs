//! The line of a delivery.

use crate::telemetry::metrics::{self as m, Metric};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use terrace_terra::signature::Refusal;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its records were applied.
    Stored,
    /// A job follows.
    Queued,
    /// Nothing is kept but the log.
    Ignored,
    /// Nothing could be made of it.
    Quarantined,
    /// It was not let in.
    Refused(Refusal),
    /// It is over the limit.
    TooLarge,
    /// It was given back to Terra.
    Unavailable,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Queued => "queued",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
            Self::Refused(Refusal::Missing) => "signature_missing",
            Self::Refused(Refusal::Malformed) => "signature_malformed",
            Self::Refused(Refusal::TooOld) => "signature_too_old",
            Self::Refused(Refusal::Future) => "signature_future",
            Self::Refused(Refusal::Mismatch) => "signature_mismatch",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }

    /// Its metric; a quarantined one is counted by its mark.
    fn metric(self) -> Option<Metric> {
        Some(match self {
            Self::Stored => m::DELIVERIES_STORED,
            Self::Queued => m::DELIVERIES_QUEUED,
            Self::Ignored => m::DELIVERIES_IGNORED,
            Self::Quarantined => return None,
            Self::Refused(Refusal::Missing | Refusal::Malformed) => m::SIGNATURE_MISSING,
            Self::Refused(Refusal::TooOld | Refusal::Future) => m::SIGNATURE_OUT_OF_TIME,
            Self::Refused(Refusal::Mismatch) => m::SIGNATURE_MISMATCH,
            Self::TooLarge => m::DELIVERIES_TOO_LARGE,
            Self::Unavailable => m::DELIVERIES_UNAVAILABLE,
        })
    }
}

/// What is said of a delivery.
#[derive(Debug, Clone)]
pub struct DeliveryLine<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// Its event type, as we call it.
    pub event: Option<&'static str>,
    /// Its id as sent. Shown only where it is a trace id of Terra's, else as its hash.
    pub delivery: Option<&'a str>,
    /// The length of the body, in bytes.
    pub bytes: usize,
    /// The length of the body as logged, in bytes.
    pub packed: usize,
    /// It was in the log already.
    pub repeated: bool,
    /// Copies that became the record.
    pub stored: usize,
    /// Copies that already were the record.
    pub unchanged: usize,
    /// Copies that lost to a greater one.
    pub stale: usize,
    /// Elements that are no record.
    pub rejected: usize,
    /// Claimed emission times that were not credible.
    pub discarded: u32,
    /// Copies without the ordering header that lost to one that had it.
    pub stale_without_header: usize,
    /// Copies much thinner than the one they replaced.
    pub coverage_fell: usize,
    /// Why it was marked for quarantine.
    pub quarantine: Option<&'static str>,
    /// How old the signature was, where it held; in seconds.
    pub signature_age: Option<u64>,
    /// From the arrival to the answer.
    pub duration: Duration,
    /// Thereof, writing the log.
    pub log: Duration,
    /// Thereof, applying records.
    pub apply: Duration,
    /// What failed, in one of our own texts.
    pub error: Option<String>,
}

impl<'a> DeliveryLine<'a> {
    /// The line of a delivery of which nothing is known but its length.
    pub fn new(outcome: Outcome, bytes: usize, duration: Duration) -> Self {
        Self {
            outcome,
            event: None,
            delivery: None,
            bytes,
            packed: 0,
            repeated: false,
            stored: 0,
            unchanged: 0,
            stale: 0,
            rejected: 0,
            discarded: 0,
            stale_without_header: 0,
            coverage_fell: 0,
            quarantine: None,
            signature_age: None,
            duration,
            log: Duration::ZERO,
            apply: Duration::ZERO,
            error: None,
        }
    }

    /// The line: its metrics, those that are not zero, and beside them what CloudWatch does not count.
    pub fn to_json(&self, namespace: &str, now_ms: u64) -> Value {
        let mut line = Map::new();
        let mut listed = Vec::new();
        for (metric, value) in self.metrics() {
            listed.push(json!({"Name": metric.name, "Unit": metric.unit}));
            line.insert(metric.name.to_owned(), value);
        }
        line.insert("_aws".to_owned(), directive(namespace, listed, now_ms));
        let text = |text: Option<&str>| text.map(Value::from);
        let number = |number: usize| (number > 0).then(|| Value::from(number));
        let span = |span: Duration| (!span.is_zero()).then(|| milliseconds(span));
        let properties = [
            ("outcome", text(Some(self.outcome.name()))),
            ("event", text(self.event)),
            ("delivery", self.delivery.map(|id| Value::from(shown_id(id)))),
            ("bytes", Some(Value::from(self.bytes))),
            ("packed_bytes", number(self.packed)),
            ("repeated", self.repeated.then_some(Value::Bool(true))),
            ("quarantine", text(self.quarantine)),
            ("log_ms", span(self.log)),
            ("apply_ms", span(self.apply)),
            ("error", text(self.error.as_deref())),
        ];
        line.extend(properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(line)
    }

    fn metrics(&self) -> impl Iterator<Item = (Metric, Value)> {
        let counts = [
            (m::RECORDS_STORED, self.stored),
            (m::RECORDS_UNCHANGED, self.unchanged),
            (m::RECORDS_STALE, self.stale),
            (m::RECORDS_REJECTED, self.rejected),
            (m::ORDERING_DISCARDED, usize::try_from(self.discarded).unwrap_or(usize::MAX)),
            (m::STALE_WITHOUT_HEADER, self.stale_without_header),
            (m::COVERAGE_FELL, self.coverage_fell),
            (m::DELIVERIES_QUARANTINED, usize::from(self.quarantine.is_some())),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let always = [
            Some((m::DURATION, milliseconds(self.duration))),
            self.signature_age.map(|age| (m::SIGNATURE_AGE, Value::from(age))),
        ];
        let outcome = self.outcome.metric().map(|metric| (metric, Value::from(1)));
        outcome
            .into_iter()
            .chain(counts.map(|(metric, count)| (metric, Value::from(count))))
            .chain(always.into_iter().flatten())
    }
}

/// What makes metrics of a line's members (AWS: "Embedded metric format specification").
pub(super) fn directive(namespace: &str, listed: Vec<Value>, now_ms: u64) -> Value {
    let directive = json!([{"Namespace": namespace, "Dimensions": [[]], "Metrics": listed}]);
    json!({"Timestamp": now_ms, "CloudWatchMetrics": directive})
}

/// Milliseconds, to the hundredth.
pub(super) fn milliseconds(span: Duration) -> Value {
    Value::from((span.as_secs_f64() * 100_000.0).round() / 100.0)
}

/// An id as it may be shown: headers are not signed, so only what has the form of Terra's trace ids (a UUID, with
/// `:chunk:<n>` where it is one of many) stands as it is; everything else as the beginning of its SHA-256.
fn shown_id(id: &str) -> String {
    let (uuid, chunk) = id.split_once(":chunk:").map_or((id, None), |(uuid, chunk)| (uuid, Some(chunk)));
    let is_uuid = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let is_chunk =
        chunk.is_none_or(|chunk| (1..=9).contains(&chunk.len()) && chunk.bytes().all(|byte| byte.is_ascii_digit()));
    if is_uuid && is_chunk {
        return id.to_owned();
    }
    let digest = HEXLOWER.encode(&Sha256::digest(id.as_bytes()));
    format!("sha256:{}", digest.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::NAMESPACE;

    #[test]
    fn the_line_of_a_delivery() {
        let line = DeliveryLine {
            event: Some("daily"),
            delivery: Some("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001"),
            packed: 380,
            stored: 1,
            rejected: 2,
            quarantine: Some("unidentified"),
            signature_age: Some(3),
            log: Duration::from_micros(2_345),
            ..DeliveryLine::new(Outcome::Stored, 700, Duration::from_micros(12_345))
        };
        insta::assert_json_snapshot!(line.to_json(NAMESPACE, 1_782_897_153_891));
    }

    #[test]
    fn the_line_of_a_refusal() {
        let line = DeliveryLine::new(Outcome::Refused(Refusal::Mismatch), 10, Duration::from_millis(1));
        insta::assert_json_snapshot!(line.to_json(NAMESPACE, 1_782_897_153_891));
    }

    #[test]
    fn only_a_trace_id_is_shown_as_it_is() {
        let uuid = "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001";
        assert_eq!(shown_id(uuid), uuid);
        assert_eq!(shown_id(&format!("{uuid}:chunk:12")), format!("{uuid}:chunk:12"));
        for odd in [
            "someone@example.com",
            "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001:chunk:x",
            "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b00g",
            "",
        ] {
            let shown = shown_id(odd);
            assert!(shown.starts_with("sha256:") && shown.len() == 23, "{shown}");
        }
    }
}
