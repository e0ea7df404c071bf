//! Why Terra has no answer for us.

use std::time::Duration;

/// Why Terra has no answer for us. No text quotes a URL, a key or a user; what Terra itself said may, see
/// [`TerraApiError::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TerraApiError {
    /// The developer id or the key is not accepted.
    #[error(
        "Terra's API answers {status}: it does not accept TERRA_DEV_ID and TERRA_API_KEY; both are in the Terra \
         dashboard under Connections, and belong to one environment and one TERRA_API_URL"
    )]
    Unauthorised {
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests, or too many days asked for.
    #[error("Terra's API has had enough requests for now (429){}", after(*.retry_after))]
    Limited {
        /// When Terra said to come again, from the moment it did.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("Terra's API did not answer in time")]
    Slow,
    /// Nobody answers, or only to say that nothing works.
    #[error("Terra's API is down: {0}")]
    Down(Down),
    /// An answer that is none of Terra's.
    #[error("Terra's API gave an answer that cannot be used: {0}")]
    Unreadable(Unreadable),
    /// Terra knows no such user or reference.
    #[error("Terra knows no such user")]
    UnknownUser,
    /// Terra says that the request is wrong.
    #[error("Terra's API refuses the request ({status}): {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says, shortened. It is for people: it may name a user, so no log line has it.
        said: String,
    },
}

fn after(wait: Option<Duration>) -> String {
    wait.map(|wait| format!("; it asks to wait {} s", wait.as_secs())).unwrap_or_default()
}

/// How Terra is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Down {
    /// No connection could be made.
    #[error("no connection could be made")]
    Unreachable,
    /// The connection broke off.
    #[error("the connection broke off")]
    BrokenOff,
    /// An answer of 5xx.
    #[error("it answers {0}")]
    Status(u16),
}

/// What makes an answer useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is not JSON.
    #[error("it is not JSON; is TERRA_API_URL right?")]
    NotJson,
    /// It is longer than any answer of this kind is.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It is JSON of another shape.
    #[error("it has none of the shapes that Terra documents; is TERRA_API_URL right?")]
    Shape,
    /// Not found, but not in Terra's words.
    #[error("404, but not as Terra says it; is TERRA_API_URL right?")]
    NotTerra,
    /// It leads elsewhere.
    #[error("it leads to another place, which would get the key; is TERRA_API_URL right?")]
    Redirect,
}

impl TerraApiError {
    /// Whether the same question may be answered a while later, nothing having been changed.
    pub fn may_help_again(&self) -> bool {
        match self {
            Self::Limited { .. } | Self::Slow | Self::Down(_) => true,
            Self::Unauthorised { .. } | Self::Unreadable(_) | Self::UnknownUser | Self::Refused { .. } => false,
        }
    }

    /// Its name, for programs and log lines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorised { .. } => "unauthorised",
            Self::Limited { .. } => "limited",
            Self::Slow => "slow",
            Self::Down(_) => "down",
            Self::Unreadable(_) => "unreadable",
            Self::UnknownUser => "unknown_user",
            Self::Refused { .. } => "refused",
        }
    }
}
