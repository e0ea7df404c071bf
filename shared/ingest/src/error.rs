//! Why a delivery was not taken in.

use terrace_store::StoreError;

/// A delivery that was not taken in. Whatever was written of it is written again by the next attempt, and nothing was
/// promised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The time for an answer is over.
    #[error("could not take the delivery in before the answer was due, send it again")]
    Late,
    /// A job names a delivery that is no longer in the log.
    #[error("could not apply a delivery: it is no longer in the log")]
    Gone,
}

impl IngestError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Late => true,
            Self::Gone => false,
        }
    }
}
