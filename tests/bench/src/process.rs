//! What Linux says of a process: its CPU time and its peak memory.

use crate::error::{BenchError, Doing};
use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::time::Duration;

/// A tick of `/proc/<pid>/stat`, which is the same on every Linux that has not been rebuilt to be otherwise.
pub const TICK: Duration = Duration::from_millis(10);

/// The CPU time of a process, as two clocks tell it.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// Nanoseconds of each thread that is there.
    threads: BTreeMap<String, u64>,
    /// User and system time of all threads, ended ones too, in ticks.
    whole: Duration,
}

impl Cpu {
    /// What the process has used so far.
    ///
    /// # Errors
    ///
    /// When there is no such process, or this is no Linux.
    pub fn of(pid: u32) -> Result<Self, BenchError> {
        let mut threads = BTreeMap::new();
        for entry in read_dir(format!("/proc/{pid}/task")).doing("list the receiver's threads")? {
            let entry = entry.doing("list the receiver's threads")?;
            // A thread may end between the listing and the reading.
            let text = read_to_string(entry.path().join("schedstat")).unwrap_or_default();
            if let Some(used) = text.split_whitespace().next().and_then(|first| first.parse().ok()) {
                threads.insert(entry.file_name().to_string_lossy().into_owned(), used);
            }
        }
        let stat = read_to_string(format!("/proc/{pid}/stat")).doing("read the receiver's CPU time")?;
        Ok(Self { threads, whole: whole(&stat) })
    }

    /// What was used since. The threads' clock is the finer one; where it misses more than the ticks can be wrong by,
    /// a thread has ended with its time, and the ticks are right.
    pub fn since(&self, earlier: &Self) -> Duration {
        let used =
            |(thread, now): (&String, &u64)| now.saturating_sub(earlier.threads.get(thread).copied().unwrap_or(0));
        let fine = Duration::from_nanos(self.threads.iter().map(used).sum());
        let coarse = self.whole.saturating_sub(earlier.whole);
        if fine + TICK * 2 < coarse { coarse } else { fine }
    }
}

/// `utime` and `stime`, the 14th and 15th fields; the second one, the name, may hold anything up to the last `)`.
fn whole(stat: &str) -> Duration {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// The most memory a process has had resident, in bytes (`VmHWM`).
///
/// # Errors
///
/// When there is no such process, or this is no Linux.
pub fn peak_memory(pid: u32) -> Result<u64, BenchError> {
    let status = read_to_string(format!("/proc/{pid}/status")).doing("read the receiver's memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    kib.map(|kib| kib * 1_024).ok_or_else(|| BenchError::NoFigure("no VmHWM in /proc/<pid>/status".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_this_process_is_seen() {
        let before = Cpu::of(std::process::id()).unwrap();
        // Turned until the clock itself has seen it, so that a slow machine only takes longer.
        let mut turned = 0_u64;
        while Cpu::of(std::process::id()).unwrap().since(&before) < TICK * 3 {
            turned = std::hint::black_box(turned + 1);
        }
        assert!(turned > 0 && peak_memory(std::process::id()).unwrap() > 1_000_000);
    }

    #[test]
    fn ended_threads_count() {
        let cpu = |fine: u64, coarse: u64| Cpu {
            threads: BTreeMap::from([("1".to_owned(), fine * 1_000_000)]),
            whole: Duration::from_millis(coarse),
        };
        assert_eq!(cpu(107, 100).since(&cpu(3, 0)), Duration::from_millis(104));
        assert_eq!(cpu(40, 100).since(&cpu(3, 0)), Duration::from_millis(100));
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 12 30 0 0";
        assert_eq!(whole(stat), Duration::from_millis(420));
    }
}
