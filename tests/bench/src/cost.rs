//! What a million small deliveries cost: the charges of each request, at the list prices of us-east-1.
//!
//! Storage and what is charged by the month (metrics, alarms) is apart; `terrace cost` reckons all of it, with the same prices.

use crate::measure::{Figures, count};
use terrace_cli::cost::prices::{
    API_REQUEST, LAMBDA_GB_SECOND, LAMBDA_REQUEST, LOG_INGESTED_GB, READ_UNIT, S3_PUT, WRITE_UNIT,
};

/// How many deliveries are priced.
const MILLION: f64 = 1_000_000.0;

/// The function's memory in GB. CPU comes with memory; at this size a sandbox has about a third of a core.
pub const MEMORY_GB: f64 = 0.5;
/// What Lambda itself writes for each invocation (START, END, REPORT), in bytes.
pub const LAMBDA_LOG_BYTES: f64 = 400.0;
/// What a call takes to AWS and back beyond what the loopback takes, in milliseconds, every call after the other.
pub const ROUND_TRIP_MS: f64 = 5.0;

/// Dollars for a million small deliveries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// API Gateway.
    pub api: f64,
    /// Lambda's requests and time.
    pub lambda: f64,
    /// DynamoDB, and S3 where it was called.
    pub store: f64,
    /// CloudWatch Logs.
    pub log: f64,
}

impl Cost {
    /// What the figures of one delivery come to.
    pub fn of(figures: &Figures) -> Self {
        let demand = &figures.small;
        let of_kind = |reads: bool| -> u64 {
            let calls = demand.calls.iter().filter(|(name, _)| matches!(name.as_str(), "GetItem" | "Query") == reads);
            calls.map(|(_, calls)| calls).sum()
        };
        let (reads, writes) = (of_kind(true), of_kind(false));
        let billed_ms = figures.billed_ms + ROUND_TRIP_MS * count(reads + writes + demand.puts);
        Self {
            api: API_REQUEST.of(MILLION),
            lambda: LAMBDA_REQUEST.of(MILLION) + LAMBDA_GB_SECOND.of(MILLION * MEMORY_GB * billed_ms / 1_000.0),
            // A call that reads is taken as one unit.
            store: WRITE_UNIT.of(MILLION * demand.write_units)
                + READ_UNIT.of(MILLION * count(reads))
                + S3_PUT.of(MILLION * count(demand.puts)),
            log: LOG_INGESTED_GB.of(MILLION * (figures.log_bytes + LAMBDA_LOG_BYTES) / 1e9),
        }
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.api + self.lambda + self.store + self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Demand;
    use std::collections::BTreeMap;

    #[test]
    fn a_million_deliveries_are_priced() {
        let calls =
            BTreeMap::from([("PutItem".to_owned(), 1), ("UpdateItem".to_owned(), 2), ("GetItem".to_owned(), 1)]);
        let small = Demand { write_units: 3.0, calls, puts: 0 };
        let figures = Figures { small, billed_ms: 10.0, log_bytes: 600.0, ..Figures::example() };
        let cost = Cost::of(&figures);
        let near = |one: f64, other: f64| (one - other).abs() < 1e-6;
        assert!(near(cost.store, 2.0) && near(cost.log, 0.5) && near(cost.lambda, 0.2 + 6.666_7 * 0.03), "{cost:?}");
        assert!(near(cost.total(), 1.0 + 2.0 + 0.5 + 0.400_001), "{}", cost.total());
    }
}
