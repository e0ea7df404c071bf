//! Messages that SQS has handed out: when one that was not worked off is handed out again.
//!
//! A queue hides what it handed out for as long as a job may take, and a job that fails at once would wait all that time:
//! for a ping's URL that is too long. (AWS: SQS API reference, `ChangeMessageVisibility`.)

use crate::error::StoreError;
use aws_sdk_sqs::Client;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// The queues that messages came from. The client is built when one first fails.
pub struct Receipts {
    urls: Vec<String>,
    build: Box<dyn Fn() -> Client + Send + Sync>,
    built: OnceLock<Client>,
}

/// The URLs name an account.
impl fmt::Debug for Receipts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receipts").field("queues", &self.urls.len()).finish_non_exhaustive()
    }
}

impl Receipts {
    /// Those of the queues of these URLs, through the client that `build` makes.
    pub fn new(urls: impl IntoIterator<Item = String>, build: impl Fn() -> Client + Send + Sync + 'static) -> Self {
        Self { urls: urls.into_iter().collect(), build: Box::new(build), built: OnceLock::new() }
    }

    /// Has a message handed out again after this time, whole seconds, by the queue of this ARN.
    ///
    /// # Errors
    ///
    /// When the message came from another queue, or SQS does not do it: it is then handed out later.
    pub async fn come_back(&self, queue_arn: &str, receipt: &str, after: Duration) -> Result<(), StoreError> {
        const DOING: &str = "have a message handed out again";
        let name = queue_arn.rsplit(':').next();
        let url = self.urls.iter().find(|url| url.rsplit('/').next() == name);
        let url = url.ok_or_else(|| StoreError::refused(DOING, "it came from a queue that is not ours"))?;
        let seconds = i32::try_from(after.as_secs()).unwrap_or(i32::MAX);
        let client = self.built.get_or_init(&self.build);
        let request = client.change_message_visibility().queue_url(url).receipt_handle(receipt);
        request.visibility_timeout(seconds).send().await.map_err(|error| StoreError::from_sdk(DOING, error))?;
        Ok(())
    }
}
