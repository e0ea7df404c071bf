//! One JSON line for each delivery and each job, which is its metrics as well: CloudWatch reads metrics out of lines in the
//! embedded metric format (AWS: "Embedded metric format specification").
//!
//! A line holds counts, durations, names from our own lists and, of what came, at most Terra's trace id. Nothing in it
//! is free text from outside, so that no body, no person and no secret can get there.

pub mod job;
pub mod line;
pub mod metrics;

pub use job::{JobLine, JobOutcome};
pub use line::{DeliveryLine, Outcome};

use crate::telemetry::metrics::NAMESPACE;
use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use terrace_terra::signature::Refusal;

/// Where lines go.
pub struct Telemetry {
    writer: Mutex<Box<dyn Write + Send>>,
    namespace: OnceLock<String>,
    refused: AtomicU64,
    refused_last_ms: AtomicU64,
}

/// What this process refused for a signature that matched no secret, since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusals {
    /// How many deliveries.
    pub count: u64,
    /// When the last of them came, in milliseconds since 1970.
    pub last_ms: u64,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

impl Telemetry {
    /// To the standard output, which Lambda hands to CloudWatch Logs.
    pub fn stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// To this writer.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        let writer: Box<dyn Write + Send> = Box::new(writer);
        Self {
            writer: Mutex::new(writer),
            namespace: OnceLock::new(),
            refused: AtomicU64::new(0),
            refused_last_ms: AtomicU64::new(0),
        }
    }

    /// Has metrics counted in this namespace from now on. Whoever says it first is heeded.
    pub fn count_in(&self, namespace: String) {
        self.namespace.get_or_init(|| namespace);
    }

    fn namespace(&self) -> &str {
        self.namespace.get().map_or(NAMESPACE, String::as_str)
    }

    /// Writes the line of a delivery.
    pub fn delivery(&self, line: &DeliveryLine<'_>, now_ms: u64) {
        if line.outcome == Outcome::Refused(Refusal::Mismatch) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.refused_last_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
        self.write(&line.to_json(self.namespace(), now_ms));
    }

    /// Writes the line of a job.
    pub fn job(&self, line: &JobLine, now_ms: u64) {
        self.write(&line.to_json(self.namespace(), now_ms));
    }

    /// Writes that something failed. `what` is one of our own texts, which name no person.
    pub fn failure(&self, doing: &'static str, what: &dyn fmt::Display) {
        let mut line = Map::new();
        line.insert("level".to_owned(), Value::from("error"));
        line.insert("doing".to_owned(), Value::from(doing));
        line.insert("error".to_owned(), Value::from(what.to_string()));
        self.write(&Value::Object(line));
    }

    /// What was refused for its signature. A function of its own only knows of itself.
    pub fn refusals(&self) -> Refusals {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Refusals { count: of(&self.refused), last_ms: of(&self.refused_last_ms) }
    }

    fn write(&self, line: &Value) {
        let text = format!("{line}\n");
        if let Ok(mut writer) = self.writer.lock() {
            // A reader that went away (a closed pipe, a full disk) must not cost a delivery its answer.
            drop(writer.write_all(text.as_bytes()).and_then(|()| writer.flush()));
        }
    }
}
