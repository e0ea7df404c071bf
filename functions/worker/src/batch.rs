//! A batch of messages, as SQS hands it to a function that reports partial failures (AWS: "Using Lambda with Amazon
//! SQS", `ReportBatchItemFailures`).

use crate::worker::Worker;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use terrace_store::queue::Job;
use terrace_store::receipts::Receipts;
use tokio::time::Instant;

/// A job is begun only while there is this much time left; others go back to the queue.
const LEAST: Duration = Duration::from_secs(5);
/// When a ping comes back that failed once, and at most: its URL dies within minutes.
const PING_BACK: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(2 * 60));
/// The same of any other job. Its eight tries take six hours: an order that is given up has to be sent back by hand.
const JOB_BACK: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3 * 60 * 60));
/// When one comes back that could not be begun in time.
const UNTRIED_BACK: Duration = Duration::from_secs(5);

/// A batch.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records", default)]
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Deserialize)]
pub struct Message {
    /// Its id within the queue.
    #[serde(rename = "messageId")]
    pub id: String,
    /// The job, as JSON.
    #[serde(default)]
    pub body: String,
    /// What SQS knows it by for as long as it is handed out.
    #[serde(rename = "receiptHandle", default)]
    pub receipt: String,
    /// The queue that it came from.
    #[serde(rename = "eventSourceARN", default)]
    pub queue_arn: String,
    /// What SQS says of it.
    #[serde(default)]
    pub attributes: Attributes,
}

/// What SQS says of a message.
#[derive(Debug, Default, Deserialize)]
pub struct Attributes {
    /// How often it was handed out, this time included, as a decimal number.
    #[serde(rename = "ApproximateReceiveCount", default)]
    pub handed_out: String,
}

/// The body has identifiers in it.
impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Message").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The messages that were not worked off, which SQS hands out again until they have had their tries.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// Them.
    #[serde(rename = "batchItemFailures")]
    pub failed: Vec<Failure>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its id within the queue.
    #[serde(rename = "itemIdentifier")]
    pub id: String,
}

impl Worker {
    /// Works on a batch, one message after the other: a job may need much memory. One that fails does not harm the
    /// others, and comes back the later the more often it has failed; with no receipts it comes back when its queue
    /// shows it again.
    pub async fn work_on(&self, batch: Batch, due: Instant, receipts: Option<&Receipts>) -> Failures {
        let mut failures = Failures::default();
        for message in batch.messages {
            let in_time = Instant::now() + LEAST < due;
            let job = Job::from_message(&message.body);
            let worked = match job.as_ref().filter(|_| in_time) {
                Some(job) => self.work(job, due).await.is_ok(),
                None => in_time && drop_error(self.refuse()),
            };
            if worked {
                continue;
            }
            if let Some(receipts) = receipts {
                let after = if in_time { comes_back_after(job.as_ref(), &message.attributes) } else { UNTRIED_BACK };
                if let Err(error) = receipts.come_back(&message.queue_arn, &message.receipt, after).await {
                    self.telemetry.failure("have a job tried again soon", &error);
                }
            }
            failures.failed.push(Failure { id: message.id });
        }
        failures
    }
}

/// Twice as long after each try of a ping, three times of a job that has more time.
fn comes_back_after(job: Option<&Job>, said: &Attributes) -> Duration {
    let is_ping = matches!(job, Some(Job::Ping { .. }));
    let ((first, longest), factor) = if is_ping { (PING_BACK, 2_u32) } else { (JOB_BACK, 3) };
    let failed_before = said.handed_out.parse().unwrap_or(1_u32).saturating_sub(1);
    first.saturating_mul(factor.saturating_pow(failed_before)).min(longest)
}

/// The error was said in a line; here it only counts that there was one.
fn drop_error(_: crate::WorkError) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(job: Option<&Job>, handed_out: &str) -> u64 {
        comes_back_after(job, &Attributes { handed_out: handed_out.to_owned() }).as_secs()
    }

    #[test]
    fn what_failed_comes_back_the_later_the_more_often_it_did() {
        let (ping, sweep) = (Job::Ping { partition: String::new(), log: String::new() }, Job::Sweep { after: None });
        let tries = ["1", "2", "3", "4", "5", "6", "7", "8"];
        let pings = tries.map(|handed_out| seconds(Some(&ping), handed_out));
        assert_eq!(pings, [15, 30, 60, 120, 120, 120, 120, 120]);
        assert!(pings.iter().take(6).sum::<u64>() < 10 * 60, "seven tries while its URL lives");
        assert_eq!(
            tries.map(|handed_out| seconds(Some(&sweep), handed_out)),
            [30, 90, 270, 810, 2_430, 7_290, 10_800, 10_800]
        );
        for odd in ["", "0", "-1", "many", "4294967295"] {
            assert!((30..=10_800).contains(&seconds(None, odd)), "{odd}");
        }
    }
}
