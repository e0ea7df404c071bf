//! What a run came to, for people and for programs.

use crate::simulate::check::{Checked, Difference};
use crate::simulate::tally::Row;
use crate::terminal::{number, table};
use comfy_table::Cell;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many differences and failures are told in words.
const SHOWN: usize = 20;

/// What a run came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The command that repeats the run.
    pub repeat: String,
    /// The seed.
    pub seed: u64,
    /// The counts by event type.
    pub events: BTreeMap<&'static str, Row>,
    /// All counts together.
    pub total: Row,
    /// How long sending took, in seconds.
    pub seconds: f64,
    /// Deliveries a second.
    pub deliveries_per_second: f64,
    /// Megabytes (10^6) a second.
    pub megabytes_per_second: f64,
    /// Deliveries that were given up, in words.
    pub failures: Vec<String>,
    /// What was read back; `None` where nothing was.
    pub check: Option<Checked>,
}

impl Report {
    /// The exit status: 0 everything is as it has to be, 1 not.
    pub fn exit_status(&self) -> u8 {
        let differs = self.check.as_ref().is_some_and(|checked| !checked.differences.is_empty());
        u8::from(differs || self.total.failed > 0)
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut lines = vec![self.counts(), String::new()];
        lines.push(format!(
            "Sent {} deliveries in {:.1} s: {:.0} a second, {:.1} MB a second.",
            self.total.deliveries(),
            self.seconds,
            self.deliveries_per_second,
            self.megabytes_per_second
        ));
        match &self.check {
            Some(checked) => tell(&mut lines, checked),
            None => lines.push("Nothing was read back.".to_owned()),
        }
        list(&mut lines, "given up", &self.failures);
        lines.push(format!("Repeat with: {}", self.repeat));
        lines.join("\n")
    }

    fn counts(&self) -> String {
        let mut table = table(&[
            "event",
            "sent",
            "duplicates",
            "late",
            "stored",
            "unchanged",
            "stale",
            "rejected",
            "queued",
            "retries",
            "failed",
            "p50 ms",
            "p99 ms",
        ]);
        for (name, row) in &self.events {
            table.add_row(cells(name, row));
        }
        table.add_row(cells("total", &self.total));
        table.to_string()
    }
}

fn cells(name: &str, row: &Row) -> Vec<Cell> {
    let counts = [
        row.sent,
        row.duplicates,
        row.late,
        row.stored,
        row.unchanged,
        row.stale,
        row.rejected,
        row.queued,
        row.retries,
        row.failed,
    ];
    let times = [row.p50_ms, row.p99_ms].map(|time| number(format!("{time:.1}")));
    std::iter::once(Cell::new(name)).chain(counts.map(number)).chain(times).collect()
}

fn tell(lines: &mut Vec<String>, checked: &Checked) {
    lines.push(format!(
        "Records: {} expected, {} read, {} different. Deliveries: {} expected, {} listed. Bodies compared: \
         {}. Connections: {}, {} of them moved. Large requests: {} expected, {} read.",
        checked.records_expected,
        checked.records_read,
        checked.records_different,
        checked.deliveries_expected,
        checked.deliveries_listed,
        checked.bodies_compared,
        checked.connections,
        checked.moved,
        checked.requests_expected,
        checked.requests_read
    ));
    if checked.differences.is_empty() {
        lines.push("No difference: everything is as it has to be.".to_owned());
    }
    let told = |one: &Difference| format!("{}, {} {}: {}", one.owner, one.kind, one.id, one.what);
    list(lines, "different", &checked.differences.iter().map(told).collect::<Vec<_>>());
}

fn list(lines: &mut Vec<String>, what: &str, told: &[String]) {
    if told.is_empty() {
        return;
    }
    lines.push(format!("{} {what}:", told.len()));
    lines.extend(told.iter().take(SHOWN).map(|line| format!("  {line}")));
    if told.len() > SHOWN {
        lines.push(format!("  … and {} more", told.len() - SHOWN));
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
