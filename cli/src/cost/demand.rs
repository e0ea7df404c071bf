//! What deliveries of one kind ask for, measured: each figure is the mean of one delivery.

use crate::cost::place::{Incoming, Place, Received};
use crate::cost::running::{WEBHOOK_MB, WORKER_MB, billed_ms, cpu_ms};
use crate::error::CommandError;
use serde::Serialize;
use terrace_store::local::{Asked, Held, Holdings};

/// The gateway counts a body as one request for each so many bytes.
const GATEWAY_BYTES: usize = 512 * 1_024;
/// In so many daily rounds a delivery is looked at: functions/worker/src/round.rs.
pub const ROUNDS: f64 = 2.0;

const MINUTE_MS: u64 = 60 * 1_000;
/// When a delivery that has just come is looked at, and when none is looked at any more.
const NEXT_ROUND_MS: u64 = 60 * MINUTE_MS;
const LATER_ROUND_MS: u64 = 10 * 24 * 60 * MINUTE_MS;

/// What one run of a function asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Work {
    /// Runs.
    pub runs: f64,
    /// Calls to the table.
    pub calls: f64,
    /// Write units.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
    /// Objects put.
    pub puts: f64,
    /// Objects read.
    pub gets: f64,
    /// Milliseconds that Lambda charges.
    pub billed_ms: f64,
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Kept {
    /// Bytes of a delivery's item.
    pub log_bytes: f64,
    /// Bytes of an object; 0 where there are none.
    pub object_bytes: f64,
    /// Objects of a delivery.
    pub objects: f64,
    /// Bytes of a record's item, and of its entries in indexes.
    pub record_bytes: f64,
    /// Records of a delivery that were not there before; none where the measured deliveries do not say.
    pub new_records: Option<f64>,
    /// Objects that a record needs to be kept.
    pub objects_of_record: f64,
    /// Bytes of a connection, and of its entries in indexes.
    pub connection_bytes: f64,
}

/// What deliveries of one kind ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Demand {
    /// How many were measured.
    pub measured: u64,
    /// Bytes of a body.
    pub body_bytes: f64,
    /// Requests as the gateway counts them.
    pub gateway_requests: f64,
    /// Bytes of an answer, its headers left out.
    pub answer_bytes: f64,
    /// Bytes of the functions' lines.
    pub line_bytes: f64,
    /// What the webhook does.
    pub webhook: Work,
    /// What the worker does after it.
    pub worker: Work,
    /// Jobs queued.
    pub jobs: f64,
    /// What a daily round does for each delivery that it looks at.
    pub round: Work,
    /// What is kept.
    pub kept: Kept,
    /// Kibibytes begun of the JSON itself: the write units of keeping it in items.
    pub json_units: f64,
}

/// Measures deliveries. Those of `before` come first and are not counted: users are known by then.
///
/// # Errors
///
/// When one is not taken.
pub async fn measure(before: &[Incoming], counted: &[Incoming], now_ms: u64) -> Result<Demand, CommandError> {
    let place = Place::new().await?;
    for incoming in before {
        place.receive(incoming, now_ms).await?;
    }
    let mut sum = Sum::default();
    for incoming in counted {
        sum.add(incoming.body.len(), &place.receive(incoming, now_ms).await?);
    }
    let all = (before.len() + counted.len()) as f64;
    let looked = place.round(now_ms + NEXT_ROUND_MS).await?;
    let passed = place.round(now_ms + LATER_ROUND_MS).await?;
    let round = Work {
        calls: looked.calls.saturating_sub(passed.calls) as f64 / all,
        read_units: (looked.read_units - passed.read_units) / all,
        gets: looked.gets.saturating_sub(passed.gets) as f64 / all,
        ..Work::default()
    };
    let demand = sum.mean(counted.len() as u64);
    let new_records = before.is_empty().then(|| place.holdings().map(|held| held.records.items as f64 / all));
    let kept = kept(&place.holdings()?, &demand, new_records.transpose()?);
    Ok(Demand { round, kept, ..demand })
}

fn kept(held: &Holdings, demand: &Demand, new_records: Option<f64>) -> Kept {
    let each = |held: Held| held.bytes as f64 / (held.items.max(1)) as f64;
    // A connection has one entry, in `by_reference`; what is left are records' in `by_start`. Entries are much alike.
    let entry = each(held.indexes);
    let others = held.indexes.items.saturating_sub(held.connections.items) as f64;
    let records = held.records.items.max(1) as f64;
    Kept {
        log_bytes: each(held.log),
        objects: demand.kept.objects,
        object_bytes: demand.kept.object_bytes,
        record_bytes: each(held.records) + entry * others / records,
        new_records,
        objects_of_record: held.sources as f64 / records,
        connection_bytes: each(held.connections) + entry,
    }
}

#[derive(Default)]
struct Sum {
    body_bytes: usize,
    gateway: usize,
    json_units: usize,
    answer_bytes: usize,
    line_bytes: usize,
    jobs: u64,
    webhook: Asked,
    worker: Asked,
    webhook_ms: f64,
    worker_ms: f64,
}

impl Sum {
    fn add(&mut self, bytes: usize, received: &Received) {
        self.body_bytes += bytes;
        self.gateway += bytes.div_ceil(GATEWAY_BYTES).max(1);
        self.json_units += bytes.div_ceil(1_024);
        self.answer_bytes += received.answer_bytes;
        self.line_bytes += received.line_bytes;
        self.jobs += received.jobs;
        let ms = |memory: f64, asked: &Asked| {
            billed_ms(memory, cpu_ms(bytes, asked.calls), asked.calls, asked.puts, asked.gets)
        };
        self.webhook_ms += ms(WEBHOOK_MB, &received.webhook);
        if received.jobs > 0 {
            self.worker_ms += ms(WORKER_MB, &received.worker);
        }
        add(&mut self.webhook, &received.webhook);
        add(&mut self.worker, &received.worker);
    }

    fn mean(&self, number: u64) -> Demand {
        let mean = |sum: f64| sum / number.max(1) as f64;
        let work = |asked: &Asked, runs: u64, ms: f64| Work {
            runs: mean(runs as f64),
            calls: mean(asked.calls as f64),
            write_units: mean(asked.write_units),
            read_units: mean(asked.read_units),
            puts: mean(asked.puts as f64),
            gets: mean(asked.gets as f64),
            billed_ms: mean(ms),
        };
        let puts = self.webhook.puts + self.worker.puts;
        Demand {
            measured: number,
            body_bytes: mean(self.body_bytes as f64),
            gateway_requests: mean(self.gateway as f64),
            answer_bytes: mean(self.answer_bytes as f64),
            line_bytes: mean(self.line_bytes as f64),
            webhook: work(&self.webhook, number, self.webhook_ms),
            worker: work(&self.worker, self.jobs, self.worker_ms),
            jobs: mean(self.jobs as f64),
            round: Work::default(),
            kept: Kept {
                objects: mean(puts as f64),
                object_bytes: (self.webhook.put_bytes + self.worker.put_bytes) as f64 / puts.max(1) as f64,
                ..Kept::default()
            },
            json_units: mean(self.json_units as f64),
        }
    }
}

fn add(to: &mut Asked, asked: &Asked) {
    to.calls += asked.calls;
    to.write_units += asked.write_units;
    to.read_units += asked.read_units;
    to.puts += asked.puts;
    to.put_bytes += asked.put_bytes;
    to.gets += asked.gets;
}
