//! Counting what came of a run, by event type.

use crate::simulate::plan::Kind;
use crate::simulate::send::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The counts of one event type.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Deliveries sent for the first time.
    pub sent: u64,
    /// Sent twice.
    pub duplicates: u64,
    /// Sent again at the end.
    pub late: u64,
    /// Records stored.
    pub stored: u64,
    /// Records that were there already.
    pub unchanged: u64,
    /// Records that a greater copy had been there of.
    pub stale: u64,
    /// Elements that are no record.
    pub rejected: u64,
    /// Deliveries that a job applies.
    pub queued: u64,
    /// Deliveries of which nothing could be made.
    pub quarantined: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Deliveries given up.
    pub failed: u64,
    /// The median answer, in milliseconds.
    pub p50_ms: f64,
    /// The answer that 99 of 100 were faster than, in milliseconds.
    pub p99_ms: f64,
    #[serde(skip)]
    took: Vec<Duration>,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Tally {
    rows: BTreeMap<&'static str, Row>,
}

impl Tally {
    /// Counts a delivery.
    pub fn count(&mut self, outcome: &Outcome) {
        let row = self.rows.entry(outcome.sending.name()).or_default();
        match outcome.sending.kind {
            Kind::First => row.sent += 1,
            Kind::Duplicate => row.duplicates += 1,
            Kind::Late => row.late += 1,
        }
        row.retries += u64::from(outcome.retries);
        row.took.push(outcome.took);
        match &outcome.answer {
            Ok(answer) => {
                row.stored += answer.records.stored;
                row.unchanged += answer.records.unchanged;
                row.stale += answer.records.stale;
                row.rejected += answer.records.rejected;
                row.queued += u64::from(answer.status == "queued");
                row.quarantined += u64::from(answer.status == "quarantined");
            }
            Err(_) => row.failed += 1,
        }
    }

    /// The counts by type, and all together.
    pub fn finish(self) -> (BTreeMap<&'static str, Row>, Row) {
        let mut total = Row::default();
        let mut rows = self.rows;
        for row in rows.values_mut() {
            total.sent += row.sent;
            total.duplicates += row.duplicates;
            total.late += row.late;
            total.stored += row.stored;
            total.unchanged += row.unchanged;
            total.stale += row.stale;
            total.rejected += row.rejected;
            total.queued += row.queued;
            total.quarantined += row.quarantined;
            total.retries += row.retries;
            total.failed += row.failed;
            total.took.extend(&row.took);
            row.measure();
        }
        total.measure();
        (rows, total)
    }
}

impl Row {
    /// How many deliveries there were.
    pub fn deliveries(&self) -> u64 {
        self.sent + self.duplicates + self.late
    }

    fn measure(&mut self) {
        self.took.sort_unstable();
        self.p50_ms = percentile(&self.took, 50);
        self.p99_ms = percentile(&self.took, 99);
    }
}

/// The nearest rank, in milliseconds to the microsecond.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |took| took.as_micros() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let took: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!((percentile(&took, 50), percentile(&took, 99), percentile(&[], 99)), (100.0, 198.0, 0.0));
        assert_eq!(percentile(&[Duration::from_micros(1_250)], 50), 1.25);
    }
}
