//! Why a job was not done.

use terrace_ingest::IngestError;
use terrace_store::StoreError;

/// A job that was not done. Whatever of it was done stays; the job is tried again, and after its tries it is set aside
/// with the dead ones.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// A delivery could not be applied.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The message is no job that this version knows.
    #[error("the message is no job that this version knows; it may be one of a later version")]
    Unknown,
    /// A job names nobody.
    #[error("the job names nobody; remove its message")]
    Nobody,
}

impl WorkError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Ingest(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Unknown | Self::Nobody => false,
        }
    }
}
