//! What can go wrong in the store, and whether trying again can help.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use std::error::Error;

/// The cause of a failure.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A failure of the store. Its text names no key, no attribute and no person: it may be logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A service did not answer in time, was throttled or failed on its side: the same call may work in a moment.
    #[error("could not {doing}: the service is unavailable, try again ({cause})")]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Cause,
    },
    /// Others changed the item each time it was to be changed: the same call may work in a moment.
    #[error("could not {doing}: too many writers at once, try again")]
    Contended {
        /// What was tried.
        doing: &'static str,
    },
    /// A service refused the call as such: it will refuse it again until the call, the permissions or the settings
    /// are other ones.
    #[error("could not {doing}: refused; check permissions and settings ({cause})")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Cause,
    },
    /// An item is not valid to write: another item would be.
    #[error("could not {doing}: the item is not one that can be kept ({cause})")]
    Invalid {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Cause,
    },
    /// What was read is not what was written.
    #[error("could not {doing}: what is stored is damaged ({cause})")]
    Corrupt {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Cause,
    },
}

impl StoreError {
    /// A failure that may pass.
    pub fn unavailable(doing: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Unavailable { doing, cause: cause.into() }
    }

    /// A failure that stays until something else is changed.
    pub fn refused(doing: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Refused { doing, cause: cause.into() }
    }

    /// A stored thing that cannot be read.
    pub fn corrupt(doing: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Corrupt { doing, cause: cause.into() }
    }

    /// A write that others kept overtaking.
    pub fn contended(doing: &'static str) -> Self {
        Self::Contended { doing }
    }

    /// The failure of an AWS call. Its message is dropped, because DynamoDB's and SSM's may quote what was sent; the
    /// code and the request's id are kept.
    pub fn from_sdk<E>(doing: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + RequestId + Error + Send + Sync + 'static,
    {
        let SdkError::ServiceError(context) = &error else {
            return Self::of_transport(doing, &error);
        };
        let status = context.raw().status().as_u16();
        let code = context.err().code().unwrap_or("no code");
        let request = context.err().request_id().unwrap_or("none");
        let cause = format!("{code}, status {status}, request {request}");
        if status >= 500 || status == 429 || is_passing(code) {
            Self::unavailable(doing, cause)
        } else if code == "ValidationException" {
            Self::Invalid { doing, cause: cause.into() }
        } else {
            Self::refused(doing, cause)
        }
    }

    /// The call never got an answer that could be read. A call that could not even be made is the caller's fault.
    fn of_transport<E>(doing: &'static str, error: &SdkError<E>) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        match error {
            SdkError::ConstructionFailure(_) => Self::refused(doing, "the request could not be built"),
            SdkError::TimeoutError(_) => Self::unavailable(doing, "no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                Self::refused(doing, "the request could not be sent; are there credentials and a region?")
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::unavailable(doing, "no answer in time"),
            SdkError::DispatchFailure(_) => Self::unavailable(doing, "the service was not reached"),
            _ => Self::unavailable(doing, "the answer could not be read"),
        }
    }

    /// Whether the same call may work in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contended { .. })
    }

    /// Whether what is stored is at fault: it will be read no better later.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }

    /// Whether the item itself is at fault: another item would be taken.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }
}

/// Codes with a 400 that a later call may not meet: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>.
fn is_passing(code: &str) -> bool {
    const PASSING: [&str; 8] = [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "Throttling",
        "LimitExceededException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "RequestThrottled",
    ];
    PASSING.contains(&code)
}
