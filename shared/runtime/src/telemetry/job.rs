//! The line of a job.

use crate::telemetry::line::{directive, milliseconds};
use crate::telemetry::metrics::{self as m, Metric};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done.
    Done,
    /// Time was over; the rest was queued.
    HandedOn,
    /// A ping did not lead to a body, for this reason; its delivery is in quarantine.
    PingLost(&'static str),
    /// It was not done.
    Failed,
}

impl JobOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::HandedOn => "handed_on",
            Self::PingLost(_) => "ping_lost",
            Self::Failed => "failed",
        }
    }

    fn metric(self) -> Option<Metric> {
        match self {
            Self::Done | Self::HandedOn => None,
            Self::PingLost(_) => Some(m::PINGS_LOST),
            Self::Failed => Some(m::JOBS_FAILED),
        }
    }
}

/// What is said of a job. It holds words of our own and a duration.
#[derive(Debug, Clone)]
pub struct JobLine {
    /// What kind of job.
    pub job: &'static str,
    /// How it ended.
    pub outcome: JobOutcome,
    /// How long it took.
    pub duration: Duration,
    /// What failed, in one of our own texts.
    pub error: Option<String>,
}

impl JobLine {
    /// The line, which is a metric as well where something went wrong.
    pub fn to_json(&self, namespace: &str, now_ms: u64) -> Value {
        let mut line = Map::new();
        if let Some(metric) = self.outcome.metric() {
            line.insert(metric.name.to_owned(), Value::from(1));
            let listed = vec![json!({"Name": metric.name, "Unit": metric.unit})];
            line.insert("_aws".to_owned(), directive(namespace, listed, now_ms));
        }
        line.insert("job".to_owned(), Value::from(self.job));
        line.insert("outcome".to_owned(), Value::from(self.outcome.name()));
        line.insert("duration_ms".to_owned(), milliseconds(self.duration));
        if let JobOutcome::PingLost(reason) = self.outcome {
            line.insert("quarantine".to_owned(), Value::from(reason));
        }
        if let Some(error) = &self.error {
            line.insert("error".to_owned(), Value::from(error.as_str()));
        }
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::NAMESPACE;

    #[test]
    fn the_lines_of_jobs() {
        let line = |outcome, error: Option<&str>| {
            let error = error.map(str::to_owned);
            JobLine { job: "ping", outcome, duration: Duration::from_micros(12_345), error }
                .to_json(NAMESPACE, 1_782_897_153_891)
        };
        insta::assert_json_snapshot!([
            line(JobOutcome::Done, None),
            line(JobOutcome::PingLost("ping_expired"), None),
            line(JobOutcome::Failed, Some("could not fetch")),
        ]);
    }
}
