//! Why a command failed.

use crate::serve::ServeError;
use std::io;
use terrace_terra::signature::InvalidSecret;

/// Why a command failed. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// An option is wrong.
    #[error("{0}")]
    Usage(String),
    /// The signing secret is none.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// Nobody answers.
    #[error("cannot reach {url}: {cause}. Is `make run` (or `terrace serve`) running? Another address goes with --url")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// Why.
        #[source]
        cause: reqwest::Error,
    },
    /// The server has no answer, or none that can be used.
    #[error("{status} {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code of the error.
        code: String,
        /// What the server says.
        message: String,
    },
    /// The answer is no Terrace's.
    #[error("{url} answers, but not as Terrace does: {what}. Is the URL right?")]
    Foreign {
        /// Where.
        url: String,
        /// What was read instead.
        what: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// `serve` failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl CommandError {
    /// The exit status: 1 where the server said no, 2 where it could not be asked.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Serve(_) | Self::Output(_) => 1,
            Self::Usage(_) | Self::Secret(_) | Self::Unreachable { .. } | Self::Foreign { .. } => 2,
        }
    }
}
