//! Why a command failed.

use crate::client::address::is_local;
use crate::client::signer::told;
use crate::export::ExportError;
use crate::ping_host::PingHostError;
use crate::serve::ServeError;
use bytes::Bytes;
use std::io;
use terrace_ingest::IngestError;
use terrace_store::StoreError;
use terrace_terra::signature::InvalidSecret;
use terrace_terra_api::TerraApiError;
use terrace_worker::WorkError;

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
    #[error("cannot reach {url}: {}. {}", told(cause), elsewhere(url))]
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
        /// The answer as it came, for programs.
        body: Bytes,
    },
    /// IAM does not let this pass.
    #[error("{url} answers 403: {message}: {advice}")]
    Forbidden {
        /// Where.
        url: String,
        /// What the gateway says.
        message: String,
        /// Who asked, and what to look at.
        advice: String,
    },
    /// Nobody is found to sign as.
    #[error("no AWS credentials to sign with: {0}")]
    Credentials(String),
    /// The answer is no Terrace's.
    #[error("{url} answers, but not as Terrace does: {what}. Is the URL right?")]
    Foreign {
        /// Where.
        url: String,
        /// What was read instead.
        what: String,
    },
    /// Terra's API cannot be asked.
    #[error(transparent)]
    Terra(#[from] TerraApiError),
    /// What says where and as whom to ask Terra's API is wrong.
    #[error(transparent)]
    TerraSetting(#[from] terrace_terra_api::SettingError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A delivery cannot be applied.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A job cannot be done.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Bodies cannot be handed out to be fetched.
    #[error(transparent)]
    PingHost(#[from] PingHostError),
    /// An export cannot be made, or not go on.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// `serve` failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl CommandError {
    /// The exit status: 1 where the server said no, 2 where it could not be asked.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Forbidden { .. } | Self::Serve(_) | Self::Output(_) => 1,
            Self::Credentials(_) => 2,
            Self::Export(error) => error.exit_status(),
            Self::Store(_) | Self::Ingest(_) | Self::Work(_) | Self::Terra(_) | Self::TerraSetting(_) => 2,
            Self::Usage(_) | Self::Secret(_) | Self::PingHost(_) | Self::Unreachable { .. } | Self::Foreign { .. } => 2,
        }
    }
}

/// What to look at where nobody answers.
fn elsewhere(url: &str) -> &'static str {
    if is_local(url) {
        "Is `make run` (or `terrace serve`) running? Another address goes with --url or --profile"
    } else {
        "Is the URL right, and does this machine reach it? `terrace profiles` lists the addresses that are known"
    }
}
