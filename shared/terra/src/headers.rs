//! The headers of a delivery. None of them is signed: they name and order, they never let anything in.

use crate::ids::DeliveryId;

/// The signature, under its present name.
pub const SIGNATURE: &str = "x-terra-signature";
/// The same value under its older name, sent beside it.
pub const SIGNATURE_OLD: &str = "terra-signature";
/// The id of one delivery, the same on every retry; chunks of a large request end in `:chunk:<n>`.
pub const TRACE_ID: &str = "x-terra-trace-id";
/// When Terra emitted the payload, in milliseconds since 1970; a retry repeats it.
pub const ORDERING: &str = "x-terra-ordering-timestamp";
/// Correlates what one API request caused. Every chunk of a large request shares it, so it names no delivery.
pub const REFERENCE: &str = "terra-reference";

/// The headers that matter, borrowed from the request. Missing, empty and odd ones are `None`.
#[derive(Debug, Clone, Default)]
pub struct DeliveryHeaders<'a> {
    /// The signature header as sent.
    pub signature: Option<&'a str>,
    /// Terra's id of this delivery.
    pub trace_id: Option<DeliveryId<'a>>,
    /// Milliseconds since 1970 at which Terra emitted the payload. Anything but digits counts as absent.
    pub ordering_ms: Option<u64>,
    /// The reference that Terra gave to the request which caused this delivery.
    pub reference: Option<&'a str>,
}

impl<'a> DeliveryHeaders<'a> {
    /// Reads the headers through `get`, which must look names up in lower case without regard to their spelling.
    ///
    /// ```
    /// use terrace_terra::DeliveryHeaders;
    /// let headers = DeliveryHeaders::read(|name| (name == "x-terra-ordering-timestamp").then_some("1782897153891"));
    /// assert_eq!(headers.ordering_ms, Some(1_782_897_153_891));
    /// ```
    pub fn read(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let get = |name| get(name).map(str::trim).filter(|value| !value.is_empty());
        Self {
            signature: get(SIGNATURE).or_else(|| get(SIGNATURE_OLD)),
            trace_id: get(TRACE_ID).and_then(DeliveryId::new),
            ordering_ms: get(ORDERING)
                .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|value| value.parse().ok()),
            reference: get(REFERENCE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(headers: &'a [(&'a str, &'a str)]) -> DeliveryHeaders<'a> {
        DeliveryHeaders::read(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
    }

    #[test]
    fn either_signature_name_is_read_and_the_present_one_wins() {
        assert_eq!(read(&[(SIGNATURE_OLD, "old")]).signature, Some("old"));
        assert_eq!(read(&[(SIGNATURE_OLD, "old"), (SIGNATURE, "new")]).signature, Some("new"));
        assert_eq!(read(&[(SIGNATURE_OLD, "old"), (SIGNATURE, " ")]).signature, Some("old"));
        assert_eq!(read(&[("x-terra-timestamp", "1")]).signature, None);
    }

    #[test]
    fn an_odd_ordering_time_counts_as_absent() {
        assert_eq!(read(&[(ORDERING, " 1782897153891 ")]).ordering_ms, Some(1_782_897_153_891));
        for odd in ["", "now", "-1", "+1", "1.5", "1e12", "0x10", "99999999999999999999999", "2026-07-01T00:00:00Z"] {
            assert_eq!(read(&[(ORDERING, odd)]).ordering_ms, None, "{odd}");
        }
    }
}
