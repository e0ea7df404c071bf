//! Identifiers, each a type of its own so that none can stand where another is meant.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Never empty. `Debug` shows only its length: it names a person or leads to one.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// `None` for the empty string.
            pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
                let text = text.into();
                (!text.is_empty()).then_some(Self(text))
            }

            /// The identifier as sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same identifier, owning its text.
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

identifier! {
    /// Terra's `user_id`: one connection between an end user and one provider.
    UserId
}
identifier! {
    /// The `reference_id` that the customer gave at authentication: their own name for the end user.
    ReferenceId
}
identifier! {
    /// The `session_id` of a lab report.
    SessionId
}
identifier! {
    /// What names a record within its user and type: a `summary_id`, a date, a timestamp …
    Identifier
}
identifier! {
    /// What names a delivery: `X-Terra-Trace-Id`, a lab report's `event_id`, or the SHA-256 of the body.
    DeliveryId
}

impl DeliveryId<'static> {
    /// The id of a delivery that brought none of its own: the SHA-256 of its body, in hexadecimal.
    pub fn of_body(body: &[u8]) -> Self {
        Self(Cow::Owned(HEXLOWER.encode(&Sha256::digest(body))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_never_empty_and_never_shown() {
        assert_eq!(UserId::new(""), None);
        assert_eq!(format!("{:?}", UserId::new("someone").unwrap()), "UserId(7 bytes)");
        assert_eq!(Identifier::new(" ").unwrap().as_str(), " ");
    }
}
