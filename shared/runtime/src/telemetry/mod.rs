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

use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::sync::Mutex;

/// Where lines go.
pub struct Telemetry(Mutex<Box<dyn Write + Send>>);

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
        Self(Mutex::new(Box::new(writer)))
    }

    /// Writes the line of a delivery.
    pub fn delivery(&self, line: &DeliveryLine<'_>, now_ms: u64) {
        self.write(&line.to_json(now_ms));
    }

    /// Writes the line of a job.
    pub fn job(&self, line: &JobLine, now_ms: u64) {
        self.write(&line.to_json(now_ms));
    }

    /// Writes that something failed. `what` is one of our own texts, which name no person.
    pub fn failure(&self, doing: &'static str, what: &dyn fmt::Display) {
        let mut line = Map::new();
        line.insert("level".to_owned(), Value::from("error"));
        line.insert("doing".to_owned(), Value::from(doing));
        line.insert("error".to_owned(), Value::from(what.to_string()));
        self.write(&Value::Object(line));
    }

    fn write(&self, line: &Value) {
        let text = format!("{line}\n");
        if let Ok(mut writer) = self.0.lock() {
            // A reader that went away (a closed pipe, a full disk) must not cost a delivery its answer.
            drop(writer.write_all(text.as_bytes()).and_then(|()| writer.flush()));
        }
    }
}
