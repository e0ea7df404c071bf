//! Why a question has no answer.

use serde::Serialize;
use terrace_runtime::http::Answer;
use terrace_store::StoreError;

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The question is wrong; the text says what to write instead.
    #[error("{0}")]
    Bad(String),
    /// There is nothing of this name.
    #[error("{0}")]
    Unknown(&'static str),
    /// There is nothing of this name any more: its records went over to another id.
    #[error("this id was replaced by a re-authentication; its records are those of /users/{by}")]
    Replaced {
        /// The id that goes on.
        by: String,
    },
    /// It is there, and cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Something that is there and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Damage {
    /// What to do about it.
    pub advice: &'static str,
    /// What was found when it was read.
    #[source]
    pub error: StoreError,
}

impl Damage {
    /// Of a record.
    pub const RECORD: &str = "what is stored of this record cannot be read; `terrace replay --user USER --all` (POST \
                              /replays with user_id and \"only\": \"all\") makes it anew from its delivery; where that is \
                              damaged or no longer in the log, ask Terra for those days again (`terrace backfill`)";
    /// Of a delivery.
    pub const DELIVERY: &str = "what is stored of this delivery cannot be read; have Terra resend it from its dashboard, \
                                or ask for those days again (`terrace backfill`)";
    /// Of a connection of which it cannot be said whether anything of it may be shown.
    pub const CONNECTION: &str = "a mark of this connection cannot be read, so that it may have been erased or replaced, \
                                  and nothing of it is shown; `terrace replay --user USER --all` (POST /replays with \
                                  user_id and \"only\": \"all\") sets again what a delivery says, the next daily round \
                                  what an erase did";

    /// Of a failure to read something: damage where it is that, else the store's.
    pub fn of(advice: &'static str) -> impl FnOnce(StoreError) -> QueryError {
        move |error| match error.is_corrupt() {
            true => QueryError::Damaged(Self { advice, error }),
            false => QueryError::Store(error),
        }
    }
}

/// An error that says where to look.
#[derive(Serialize)]
struct ReplacedAnswer<'e> {
    error: &'static str,
    message: String,
    replaced_by: &'e str,
}

impl QueryError {
    /// A wrong question.
    pub fn bad(what: impl Into<String>) -> Self {
        Self::Bad(what.into())
    }

    /// The answer that says so.
    pub fn answer(&self) -> Answer {
        match self {
            Self::Bad(message) => Answer::error(400, "bad_request", message),
            Self::Unknown(message) => Answer::error(404, "not_found", message),
            Self::Replaced { by } => {
                Answer::json(404, &ReplacedAnswer { error: "not_found", message: self.to_string(), replaced_by: by })
            }
            Self::Damaged(damage) => Answer::error(500, "damaged", damage.advice),
            Self::Store(error) if error.is_transient() => Answer::unavailable(),
            Self::Store(_) => {
                Answer::error(500, "internal", "the store refused or is damaged; the function's log says more")
            }
        }
    }
}

/// Whether a count is left out of an answer.
pub fn is_zero(number: &usize) -> bool {
    *number == 0
}
