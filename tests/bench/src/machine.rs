//! The machine that the figures are of, and whether anything else went on on it meanwhile.

use crate::error::{BenchError, Doing};
use crate::process::TICK;
use std::fs::read_to_string;
use std::time::{Duration, Instant};

/// From how many percent of one CPU on other work is worth a warning.
const MUCH: f64 = 10.0;

/// The time from which on work is watched.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    since: Instant,
    busy: Duration,
    own: Duration,
}

/// What the figures were measured on.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its CPUs, by number and name.
    pub cpus: String,
    /// What everything but the bench and its receivers took, time stolen by a hypervisor included, in percent of one
    /// CPU.
    pub other_work: f64,
}

impl Watch {
    /// Starts to watch.
    ///
    /// # Errors
    ///
    /// When this is no Linux.
    pub fn begin() -> Result<Self, BenchError> {
        let machine = read_to_string("/proc/stat").doing("read the machine's CPU time")?;
        let own = read_to_string("/proc/self/stat").doing("read the bench's CPU time")?;
        Ok(Self { since: Instant::now(), busy: busy(&machine), own: with_children(&own) })
    }

    /// The machine, and what else went on since. Receivers have to have ended: only then is their time known here.
    ///
    /// # Errors
    ///
    /// When this is no Linux.
    pub fn end(&self) -> Result<Machine, BenchError> {
        let now = Self::begin()?;
        let others = (now.busy.saturating_sub(self.busy)).saturating_sub(now.own.saturating_sub(self.own));
        let took = now.since.duration_since(self.since).max(TICK);
        let number = std::thread::available_parallelism().map_or(0, usize::from);
        let known = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
        let other_work = others.as_secs_f64() / took.as_secs_f64() * 100.0;
        Ok(Machine { cpus: format!("{number} CPUs of {model}"), other_work })
    }
}

impl Machine {
    /// What has to be known before a figure is believed.
    pub fn told(&self) -> String {
        let advice = if self.other_work < MUCH { "" } else { ": close it and measure again" };
        format!("Measured on {}. Other work took {:.0} % of one CPU meanwhile{advice}.", self.cpus, self.other_work)
    }
}

/// All CPUs' time but idle and waiting for disks, from `/proc/stat`: `cpu user nice system idle iowait irq softirq
/// steal guest guest_nice`. A guest's time is in `user` already.
fn busy(stat: &str) -> Duration {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let fields = line.split_whitespace().take(8).enumerate().filter(|(at, _)| !matches!(at, 3 | 4));
    ticks(fields.filter_map(|(_, field)| field.parse::<u64>().ok()).sum())
}

/// A process's time and that of its ended children: fields 14 to 17 of `/proc/<pid>/stat`.
fn with_children(stat: &str) -> Duration {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    ticks(fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// A machine's ticks since it was started need more than `Duration` multiplies by.
fn ticks(number: u64) -> Duration {
    let millis = u64::try_from(TICK.as_millis()).unwrap_or(0);
    Duration::from_millis(number.saturating_mul(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_not_work_and_children_are_ours() {
        let machine = "cpu  100 20 30 9000 800 4 5 6 70 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy(machine), Duration::from_millis(1_650));
        let own = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 12 30 5 3 99";
        assert_eq!(with_children(own), Duration::from_millis(500));
    }

    #[test]
    fn much_other_work_is_warned_of() {
        let machine = |other_work| Machine { cpus: "2 CPUs".to_owned(), other_work };
        assert!(!machine(9.0).told().contains("again") && machine(50.0).told().contains("50 % of one CPU meanwhile: "));
        let watched = Watch::begin().unwrap().end().unwrap();
        assert!(watched.other_work >= 0.0 && watched.cpus.contains("CPUs of "), "{watched:?}");
    }
}
