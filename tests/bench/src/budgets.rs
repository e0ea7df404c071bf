//! The budgets, and the figure that each one is for.

use crate::bodies::{LARGE, MEDIUM, SMALL};
use crate::cost::Cost;
use crate::jobs::{ping, rekey};
use crate::measure::{Figures, LATE, count};
use crate::reading;
use std::time::Duration;

const MIB: f64 = 1_048_576.0;

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Mebibytes, as Lambda counts memory and bundles.
    Mebibytes,
    /// Bytes.
    Bytes,
    /// US dollars.
    Dollars,
    /// Things.
    Number,
}

impl Unit {
    /// A figure as the table shows it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Mebibytes => format!("{value:.1} MB"),
            Self::Bytes => format!("{value:.0} B"),
            Self::Dollars => format!("${value:.2}"),
            Self::Number => format!("{value:.1}"),
        }
    }

    /// As the JSON names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Mebibytes => "MiB",
            Self::Bytes => "bytes",
            Self::Dollars => "USD",
            Self::Number => "",
        }
    }
}

/// A row of the table.
pub struct Budget {
    /// What is measured.
    pub what: String,
    /// What it is counted in.
    pub unit: Unit,
    /// What it may be; none where a figure is only told.
    pub limit: Option<f64>,
    /// The figure; none where it was not measured.
    pub figure: fn(&Figures) -> Option<f64>,
}

impl Budget {
    fn new(what: impl Into<String>, unit: Unit, limit: Option<f64>, figure: fn(&Figures) -> Option<f64>) -> Self {
        Self { what: what.into(), unit, limit, figure }
    }

    /// By how many percent a value keeps below the limit; negative where it is over.
    pub fn margin(&self, value: f64) -> Option<f64> {
        self.limit.map(|limit| (limit - value) / limit * 100.0)
    }
}

/// All rows, in the table's order.
pub fn all() -> Vec<Budget> {
    let mut rows = times();
    rows.extend(sizes());
    rows.extend(charges());
    rows.extend(jobs());
    rows.extend(reading());
    rows.extend(export());
    rows
}

fn times() -> Vec<Budget> {
    use Unit::{Milliseconds, Seconds};
    let ms = Milliseconds;
    let cpu = |body: &str| format!("CPU of a warm delivery, {body}");
    let answer = |which: &str| format!("answer to a warm delivery, {}, {which}", SMALL.name);
    vec![
        Budget::new("start: spawn to first poll", ms, Some(8.0), |of| Some(millis(of.start))),
        Budget::new(format!("first delivery, {}", SMALL.name), ms, Some(3.0), |of| Some(millis(of.first))),
        Budget::new(cpu(SMALL.name), ms, Some(0.3), |of| Some(millis(of.cpu[0]))),
        Budget::new(cpu(MEDIUM.name), ms, Some(2.5), |of| Some(millis(of.cpu[1]))),
        Budget::new(cpu(LARGE.name), ms, Some(32.0), |of| Some(millis(of.cpu[2]))),
        Budget::new(answer("p50"), ms, None, |of| Some(millis(of.latency[0]))),
        Budget::new(answer("p99"), ms, None, |of| Some(millis(of.latency[1]))),
        Budget::new("answer while AWS does not answer", Seconds, Some(6.0), |of| {
            of.trouble.map(|[never, _]| never.as_secs_f64())
        }),
        Budget::new(format!("answer while each call takes {:.1} s", LATE.as_secs_f64()), Seconds, Some(6.0), |of| {
            of.trouble.map(|[_, late]| late.as_secs_f64())
        }),
    ]
}

fn sizes() -> Vec<Budget> {
    use Unit::{Bytes, Mebibytes};
    let memory = |body: &str| format!("peak memory, {body} bodies");
    // 20 MB and four times the body.
    let large = 20.0 + 4.0 * count(u64::try_from(LARGE.bytes).unwrap_or(0)) / MIB;
    vec![
        Budget::new(memory(SMALL.name), Mebibytes, Some(15.0), |of| Some(count(of.memory_small) / MIB)),
        Budget::new(memory(LARGE.name), Mebibytes, Some(large), |of| Some(count(of.memory_large) / MIB)),
        Budget::new("bundle, zipped", Mebibytes, Some(4.0), |of| Some(count(of.bundle) / MIB)),
        Budget::new("log of a small delivery", Bytes, None, |of| Some(of.log_bytes)),
    ]
}

fn charges() -> Vec<Budget> {
    use Unit::{Dollars, Number};
    vec![
        Budget::new("write units of a small delivery", Number, Some(3.0), |of| Some(of.small.write_units)),
        Budget::new("calls of a small delivery", Number, None, |of| {
            Some(count(of.small.calls.values().sum::<u64>() + of.small.puts))
        }),
        Budget::new("a million small deliveries", Dollars, Some(4.0), |of| Some(Cost::of(of).total())),
    ]
}

/// The worker's.
fn jobs() -> Vec<Budget> {
    use Unit::{Mebibytes, Number, Seconds};
    let [one, many] = ping::SHAPES;
    let shape = |records: u64| match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    };
    let (mib, number) = (ping::BYTES >> 20, rekey::RECORDS);
    let memory = |records| format!("peak memory of a ping to {mib} MB, {}", shape(records));
    let took = |records| format!("a ping to {mib} MB, {}", shape(records));
    vec![
        Budget::new(memory(one), Mebibytes, Some(96.0), |of| of.jobs.map(|of| count(of.pings[0].memory) / MIB)),
        Budget::new(memory(many), Mebibytes, Some(96.0), |of| of.jobs.map(|of| count(of.pings[1].memory) / MIB)),
        Budget::new(took(one), Seconds, None, |of| of.jobs.map(|of| of.pings[0].took.as_secs_f64())),
        Budget::new(took(many), Seconds, None, |of| of.jobs.map(|of| of.pings[1].took.as_secs_f64())),
        Budget::new("write units of re-keying a day of 1 KiB", Number, Some(4.0), |of| of.jobs.map(|of| of.days.units)),
        Budget::new("write units of re-keying a session of 1 KiB", Number, Some(6.0), |of| {
            of.jobs.map(|of| of.sessions.units)
        }),
        Budget::new(format!("re-keying {number} days"), Seconds, None, |of| {
            of.jobs.map(|of| of.days.took.as_secs_f64())
        }),
        Budget::new(format!("re-keying {number} sessions"), Seconds, None, |of| {
            of.jobs.map(|of| of.sessions.took.as_secs_f64())
        }),
    ]
}

/// The query function's.
fn reading() -> Vec<Budget> {
    use Unit::{Mebibytes, Milliseconds, Number};
    let (days, page) = (reading::DAYS, reading::PAGE);
    let units = |how: &str| format!("read units of listing {days} daily summaries, {how}");
    vec![
        Budget::new(units("in one page"), Number, Some(130.0), |of| of.reading.map(|of| of.whole)),
        Budget::new(units(&format!("in pages of {page}")), Number, None, |of| of.reading.map(|of| of.in_pages)),
        Budget::new(format!("CPU of a page of {page} summaries"), Milliseconds, Some(20.0), |of| {
            of.reading.map(|of| millis(of.cpu))
        }),
        Budget::new(format!("answer to a page of {page} summaries"), Milliseconds, None, |of| {
            of.reading.map(|of| millis(of.took))
        }),
        Budget::new("peak memory of the query function", Mebibytes, None, |of| {
            of.reading.map(|of| count(of.memory) / MIB)
        }),
    ]
}

/// The command line's.
fn export() -> Vec<Budget> {
    use Unit::{Mebibytes, Seconds};
    let memory = |format: &str| format!("peak memory of exporting 1,000,000 records, {format}");
    let took = |format: &str| format!("exporting 1,000,000 records, {format}");
    vec![
        Budget::new(memory("JSON lines"), Mebibytes, Some(64.0), |of| of.export.map(|of| count(of.memory[0]) / MIB)),
        Budget::new(memory("CSV"), Mebibytes, Some(64.0), |of| of.export.map(|of| count(of.memory[1]) / MIB)),
        Budget::new(took("JSON lines"), Seconds, None, |of| of.export.map(|of| of.took[0].as_secs_f64())),
        Budget::new(took("CSV"), Seconds, None, |of| of.export.map(|of| of.took[1].as_secs_f64())),
    ]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_what_is_left_of_the_limit() {
        let budget = Budget::new("a", Unit::Seconds, Some(4.0), |_| None);
        assert_eq!((budget.margin(3.0), budget.margin(4.0), budget.margin(6.0)), (Some(25.0), Some(0.0), Some(-50.0)));
        assert_eq!(Budget::new("a", Unit::Seconds, None, |_| None).margin(3.0), None);
    }
}
