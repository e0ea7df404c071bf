//! Sending deliveries as Terra does.

use crate::client::{Client, refusal};
use crate::error::CommandError;
use crate::simulate::plan::Sending;
use crate::simulate::retries::Retries;
use indicatif::ProgressBar;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use std::time::{Duration, Instant};
use terrace_terra::headers::{ORDERING, REFERENCE, SIGNATURE, TRACE_ID};
use terrace_terra::signature::sign;
use terrace_terra::{SigningSecret, UnixSeconds};

/// What the webhook says.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// `stored`, `queued`, `ignored` or `quarantined`.
    pub status: String,
    /// What the delivery is called.
    pub delivery: String,
    /// What became of its records.
    pub records: Counts,
}

/// What became of a delivery's records.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Counts {
    /// They became the record.
    pub stored: u64,
    /// They were the record already.
    pub unchanged: u64,
    /// A greater one was there.
    pub stale: u64,
    /// No record.
    pub rejected: u64,
}

/// What came of sending a delivery.
#[derive(Debug)]
pub struct Outcome {
    /// What was sent.
    pub sending: Sending,
    /// How long the last attempt took.
    pub took: Duration,
    /// How many attempts came before it.
    pub retries: u32,
    /// What the webhook said, or why it was given up.
    pub answer: Result<Answer, String>,
}

/// Sends to one webhook.
#[derive(Debug)]
pub struct Sender<'c> {
    client: &'c Client,
    url: String,
    secret: SigningSecret,
    retries: Retries,
}

impl<'c> Sender<'c> {
    /// A sender that signs with this secret, and sends again on this schedule.
    ///
    /// # Errors
    ///
    /// When the secret is empty.
    pub fn new(client: &'c Client, secret: &str, retries: Retries) -> Result<Self, CommandError> {
        Ok(Self { client, url: client.url(&["webhook"], &[])?, secret: SigningSecret::new(secret)?, retries })
    }

    /// Sends a delivery, again and again while the webhook asks for it.
    pub async fn send(&self, sending: Sending, progress: &ProgressBar) -> Outcome {
        let mut retries = 0;
        let (took, answer) = loop {
            let began = Instant::now();
            let tried = self.attempt(&sending).await;
            let wait = match &tried {
                Err(Failure { again: true, .. }) => self.retries.wait(retries),
                _ => None,
            };
            let Some(wait) = wait else {
                let given_up = |failure: Failure| format!("{}, after {} attempts", failure.why, retries + 1);
                break (began.elapsed(), tried.map_err(given_up));
            };
            retries += 1;
            tokio::time::sleep(wait).await;
        };
        progress.inc(1);
        Outcome { sending, took, retries, answer }
    }

    fn request(&self, sending: &Sending) -> RequestBuilder {
        let event = &sending.event;
        let signature = sign(&self.secret, UnixSeconds(sending.signed_at), &sending.body);
        let mut request = self.client.http().post(&self.url);
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request = request.header(SIGNATURE, signature).header(REFERENCE, &event.reference);
        if let Some(trace_id) = &event.trace_id {
            request = request.header(TRACE_ID, trace_id);
        }
        if let Some(ordering_ms) = sending.ordering_ms {
            request = request.header(ORDERING, ordering_ms);
        }
        if let Some(patience) = self.retries.patience() {
            request = request.timeout(patience);
        }
        request.body(sending.body.clone())
    }

    async fn attempt(&self, sending: &Sending) -> Result<Answer, Failure> {
        let again = |error: reqwest::Error| Failure { again: true, why: reason(&error) };
        let response = self.request(sending).send().await.map_err(again)?;
        match response.status() {
            StatusCode::OK => {
                let body = response.bytes().await.map_err(again)?;
                let read = serde_json::from_slice(&body);
                read.map_err(|error| Failure { again: false, why: format!("the answer is none of Terrace's: {error}") })
            }
            status => Err(Failure { again: self.retries.follow(status), why: refusal(response).await.to_string() }),
        }
    }
}

/// Why an attempt came to nothing.
struct Failure {
    again: bool,
    why: String,
}

/// The whole chain of causes: the outermost only says that sending failed.
fn reason(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    reason
}
