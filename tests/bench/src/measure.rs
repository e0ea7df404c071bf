//! Everything that is measured of one receiver.

use crate::bodies::{BodySize, LARGE, MEDIUM, SMALL, daily};
use crate::endpoints::{Endpoints, Pace};
use crate::error::BenchError;
use crate::export::ExportFigures;
use crate::function::{Answer, Function, Program};
use crate::jobs::JobFigures;
use crate::reading::ReadingFigures;
use std::collections::BTreeMap;
use std::time::Duration;

/// So late that each call is just short of being given up: the worst that still succeeds.
pub const LATE: Duration = Duration::from_millis(1_700);

/// A receiver to be measured.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What the table calls it.
    pub name: &'static str,
    /// How to start it.
    pub program: Program,
    /// Its bundle, zipped, in bytes.
    pub bundle: u64,
    /// Whether it is to be measured while AWS is in trouble: a plain receiver waits for minutes.
    pub trouble: bool,
}

/// How often things are done.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Starts.
    pub starts: usize,
    /// Into how many batches the warm deliveries are cut; the median is over batches.
    pub batches: usize,
}

/// What was measured. Times are medians; a time of CPU is the median over batches of the mean in a batch.
#[derive(Debug, Clone)]
pub struct Figures {
    /// From the spawn to the first poll.
    pub start: Duration,
    /// The first small delivery, handed over to answered.
    pub first: Duration,
    /// CPU of a warm delivery: small, medium, large.
    pub cpu: [Duration; 3],
    /// Peak memory in bytes after small deliveries alone.
    pub memory_small: u64,
    /// Peak memory in bytes after large deliveries.
    pub memory_large: u64,
    /// The bundle, zipped, in bytes.
    pub bundle: u64,
    /// What one small delivery with one record of a known user asks for.
    pub small: Demand,
    /// How long the answer to a warm small delivery takes: half of them, and all but one in a hundred.
    pub latency: [Duration; 2],
    /// The same as Lambda bills it, in whole milliseconds begun, on average.
    pub billed_ms: f64,
    /// What a small delivery writes to the log stream, in bytes.
    pub log_bytes: f64,
    /// How long the answer takes while AWS does not answer, and while each call takes [`LATE`].
    pub trouble: Option<[Duration; 2]>,
    /// What was measured of the worker.
    pub jobs: Option<JobFigures>,
    /// What was measured of the query function.
    pub reading: Option<ReadingFigures>,
    /// What was measured of an export.
    pub export: Option<ExportFigures>,
}

#[cfg(test)]
impl Figures {
    /// A receiver of which nothing was measured yet.
    pub fn example() -> Self {
        Self {
            start: Duration::ZERO,
            first: Duration::ZERO,
            cpu: [Duration::ZERO; 3],
            memory_small: 0,
            memory_large: 0,
            bundle: 0,
            small: Demand::default(),
            latency: [Duration::ZERO; 2],
            billed_ms: 0.0,
            log_bytes: 0.0,
            trouble: None,
            jobs: None,
            reading: None,
            export: None,
        }
    }
}

/// What one delivery asks of AWS.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// Write units, indexes included.
    pub write_units: f64,
    /// Calls to the table, by operation.
    pub calls: BTreeMap<String, u64>,
    /// Objects put.
    pub puts: u64,
}

/// Measures one receiver, on endpoints of its own.
///
/// # Errors
///
/// When it does not start, ends, or does not store a delivery.
pub async fn measure(candidate: &Candidate, effort: Effort) -> Result<Figures, BenchError> {
    let bench = Bench { endpoints: Endpoints::start().await?, candidate, effort };
    let mut number = 1;
    let starts = bench.starts(&mut number).await?;
    let small = bench.small(&mut number).await?;
    let (medium_cpu, _) = bench.sized(MEDIUM, 10, &mut number).await?;
    let (large_cpu, memory_large) = bench.sized(LARGE, 2, &mut number).await?;
    let trouble = if candidate.trouble {
        Some([bench.trouble(Pace::Never, &mut number).await?, bench.trouble(Pace::Late(LATE), &mut number).await?])
    } else {
        None
    };
    Ok(Figures {
        start: starts.0,
        first: starts.1,
        cpu: [small.cpu, medium_cpu, large_cpu],
        memory_small: small.memory,
        memory_large,
        bundle: candidate.bundle,
        small: small.demand,
        latency: small.latency,
        billed_ms: small.billed_ms,
        log_bytes: small.log_bytes,
        trouble,
        jobs: None,
        reading: None,
        export: None,
    })
}

struct Bench<'a> {
    endpoints: Endpoints,
    candidate: &'a Candidate,
    effort: Effort,
}

struct Small {
    cpu: Duration,
    memory: u64,
    demand: Demand,
    latency: [Duration; 2],
    billed_ms: f64,
    log_bytes: f64,
}

impl Bench<'_> {
    async fn function(&self) -> Result<Function, BenchError> {
        Function::start(&self.candidate.program, &self.endpoints.environment()).await
    }

    async fn deliver(&self, function: &mut Function, size: BodySize, number: &mut u64) -> Result<Answer, BenchError> {
        *number += 1;
        function.deliver(&daily(size, *number), *number).await
    }

    /// Starts, each with one small delivery. One more goes before, for the files to be in memory.
    async fn starts(&self, number: &mut u64) -> Result<(Duration, Duration), BenchError> {
        let (mut starts, mut firsts) = (Vec::new(), Vec::new());
        for run in 0..=self.effort.starts {
            let mut function = self.function().await?;
            let answer = self.deliver(&mut function, SMALL, number).await?.stored()?;
            if run > 0 {
                starts.push(function.started_in);
                firsts.push(answer.took);
            }
            function.finish().await?;
        }
        Ok((quantile(&mut starts, 50)?, quantile(&mut firsts, 50)?))
    }

    /// What was asked of AWS since the last time. Nothing asked here is to be refused: DynamoDB charges for a write that
    /// fails its condition, and the engine does not say how much.
    fn demand(&self) -> Result<Demand, BenchError> {
        let (counts, puts) = self.endpoints.take();
        match counts.errors {
            0 => Ok(Demand { write_units: counts.write_units, calls: counts.calls, puts }),
            errors => Err(BenchError::NoFigure(format!(
                "DynamoDB refused {errors} calls of deliveries it should take, of {:?}",
                counts.calls
            ))),
        }
    }

    /// Small deliveries alone.
    async fn small(&self, number: &mut u64) -> Result<Small, BenchError> {
        const WARM_UP: u64 = 40;
        const BATCH: u64 = 100;
        let mut function = self.function().await?;
        for _ in 0..WARM_UP {
            self.deliver(&mut function, SMALL, number).await?.stored()?;
        }
        // All users are known by now.
        function.cpu().await?;
        self.endpoints.take();
        self.deliver(&mut function, SMALL, number).await?.stored()?;
        function.cpu().await?;
        let demand = self.demand()?;
        let (mut cpu, mut times) = (Vec::new(), Vec::new());
        for _ in 0..self.effort.batches {
            let before = function.cpu().await?;
            for _ in 0..BATCH {
                times.push(self.deliver(&mut function, SMALL, number).await?.stored()?.took);
            }
            cpu.push(function.cpu().await?.since(&before).div_f64(count(BATCH)));
        }
        self.demand()?;
        let memory = function.peak_memory()?;
        let warm = count(u64::try_from(times.len()).unwrap_or(0));
        let billed: f64 = times.iter().map(|took| (took.as_secs_f64() * 1_000.0).ceil()).sum();
        Ok(Small {
            cpu: quantile(&mut cpu, 50)?,
            memory,
            demand,
            billed_ms: billed / warm,
            latency: [quantile(&mut times, 50)?, quantile(&mut times, 99)?],
            log_bytes: count(function.finish().await?) / (count(WARM_UP + 1) + warm),
        })
    }

    /// CPU of a delivery of this size, and the peak memory after all of them.
    async fn sized(&self, size: BodySize, batch: u64, number: &mut u64) -> Result<(Duration, u64), BenchError> {
        let mut function = self.function().await?;
        self.endpoints.take();
        for _ in 0..2 {
            self.deliver(&mut function, size, number).await?.stored()?;
        }
        let mut cpu = Vec::new();
        for _ in 0..self.effort.batches {
            let before = function.cpu().await?;
            for _ in 0..batch {
                self.deliver(&mut function, size, number).await?.stored()?;
            }
            cpu.push(function.cpu().await?.since(&before).div_f64(count(batch)));
        }
        self.demand()?;
        let memory = function.peak_memory()?;
        function.finish().await?;
        Ok((quantile(&mut cpu, 50)?, memory))
    }

    /// How long an answer takes while calls are answered late or never. Nothing may be promised that was not kept.
    async fn trouble(&self, pace: Pace, number: &mut u64) -> Result<Duration, BenchError> {
        let mut function = self.function().await?;
        self.endpoints.set_pace(pace);
        let answered = self.deliver(&mut function, SMALL, number).await;
        self.endpoints.set_pace(Pace::AtOnce);
        match answered? {
            answer if answer.status == 503 => Ok(answer.took),
            answer if pace == Pace::Never => Err(answer.unexpected("503")),
            answer => Ok(answer.stored()?.took),
        }
    }
}

/// A count as a factor. None here comes near 2^52, where this would cease to be exact.
pub fn count(number: u64) -> f64 {
    number as f64
}

/// The least value that this many in a hundred of the values do not exceed.
fn quantile(values: &mut [Duration], percent: usize) -> Result<Duration, BenchError> {
    values.sort_unstable();
    let at = (values.len() * percent).div_ceil(100).saturating_sub(1);
    let value = values.get(at).copied();
    value.ok_or_else(|| BenchError::NoFigure("nothing was measured: --runs is 0".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let quantile = |number: u64, percent| {
            let mut values: Vec<_> = (1..=number).rev().map(Duration::from_millis).collect();
            quantile(&mut values, percent).map(|value| value.as_millis()).ok()
        };
        assert_eq!((quantile(9, 50), quantile(1, 50), quantile(1, 99)), (Some(5), Some(1), Some(1)));
        assert_eq!((quantile(500, 99), quantile(500, 50), quantile(0, 50)), (Some(495), Some(250), None));
    }
}
