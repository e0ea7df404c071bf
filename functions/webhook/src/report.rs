//! What is said of a delivery in the log lines.

use std::time::Duration;
use terrace_ingest::{Receipt, Status};
use terrace_runtime::telemetry::{DeliveryLine, Outcome};

/// The line of a delivery that was taken in.
pub(crate) fn taken_in(receipt: &Receipt, bytes: usize, duration: Duration) -> DeliveryLine<'_> {
    let outcome = match receipt.status {
        Status::Stored => Outcome::Stored,
        Status::Queued => Outcome::Queued,
        Status::Ignored => Outcome::Ignored,
        Status::Quarantined => Outcome::Quarantined,
    };
    let counts = receipt.counts;
    DeliveryLine {
        event: Some(receipt.event_type.name()),
        packed: receipt.packed,
        repeated: receipt.repeated,
        stored: counts.stored,
        unchanged: counts.unchanged,
        stale: counts.stale,
        rejected: counts.rejected,
        discarded: receipt.discarded,
        stale_without_header: counts.stale_without_header,
        coverage_fell: counts.coverage_fell,
        quarantine: receipt.quarantine,
        log: receipt.log,
        apply: receipt.apply,
        ..DeliveryLine::new(outcome, bytes, duration)
    }
}
