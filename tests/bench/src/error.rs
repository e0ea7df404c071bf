//! Why something could not be measured.

/// Why something could not be measured. A missed budget is none of these.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The machine refused something.
    #[error("cannot {doing}: {cause}")]
    Machine {
        /// What was tried.
        doing: String,
        /// What the machine said.
        cause: std::io::Error,
    },
    /// The stand-in for DynamoDB did not do what the bench itself asked of it.
    #[error("cannot set up the table: {0}")]
    Table(#[from] terrace_store::StoreError),
    /// What a job is to work on could not be put there.
    #[error("cannot fill the table: {0}")]
    Filling(#[from] terrace_ingest::IngestError),
    /// The receiver ended, or said that it cannot start.
    #[error("the receiver failed: {0}")]
    Receiver(String),
    /// The receiver did not answer as a delivery has to be answered.
    #[error("the receiver answered {status} where {expected} was expected: {body}")]
    Answer {
        /// The answer's status code.
        status: u64,
        /// What was expected.
        expected: &'static str,
        /// The answer's body.
        body: String,
    },
    /// Something took longer than anything here may take.
    #[error("{0} took too long")]
    TooLong(&'static str),
    /// A rival cannot be run on this machine.
    #[error("{0}")]
    NoRival(String),
    /// What was measured makes no sense, so nothing can be said.
    #[error("{0}")]
    NoFigure(String),
}

/// Says what was being done when the machine refused.
pub trait Doing<T> {
    /// Says what was being done.
    fn doing(self, what: &str) -> Result<T, BenchError>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: &str) -> Result<T, BenchError> {
        self.map_err(|cause| BenchError::Machine { doing: what.to_owned(), cause })
    }
}
