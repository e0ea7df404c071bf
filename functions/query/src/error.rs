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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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
            Self::Store(error) if error.is_transient() => Answer::unavailable(),
            Self::Store(_) => {
                Answer::error(500, "internal", "the store refused or is damaged; the function's log says more")
            }
        }
    }
}
