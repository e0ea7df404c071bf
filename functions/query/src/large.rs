//! What becomes of an answer that Lambda cannot hand back: it is put beside the log for a while, and the answer leads
//! there.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::time::Duration;
use terrace_runtime::http::{Answer, MAX_ANSWER_BYTES};
use terrace_store::{Log, StoreError};

/// How long the URL of a large answer lives.
const LIVES: Duration = Duration::from_secs(60);

/// Whether answers may be large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeAnswers {
    /// They are streamed: nothing is in the way.
    Streamed,
    /// They are put into the bucket, under `answers/`, whose objects a lifecycle rule removes after a day.
    Redirected,
}

impl LargeAnswers {
    /// The answer as it goes out.
    pub async fn let_out(self, log: &Log, answer: Answer) -> Result<Answer, StoreError> {
        if self == Self::Streamed || answer.body.len() <= MAX_ANSWER_BYTES {
            return Ok(answer);
        }
        let key = format!("answers/{}", HEXLOWER.encode(&Sha256::digest(&answer.body)));
        // Anew where it is there already: the rule that removes it counts from when it was put.
        log.objects().put(&key, answer.body).await?;
        let url = log.objects().signed_url(&key, LIVES).await?;
        let url = url.ok_or_else(|| StoreError::refused("answer", "the bucket has no URLs of its own"))?;
        let message = "the answer is larger than 4 MB; it lies for a minute where location says";
        Ok(Answer::error(307, "large_answer", message).with("location", url))
    }
}
