//! The place of a copy of a record in one total order.
//!
//! A version is 24 bytes that compare as unsigned bytes, so that DynamoDB compares them too:
//! `emitted_ms u64 | coverage u32 | signed_at u32 | digest u64`, big-endian. The newer emission wins; where emissions
//! cannot be told apart the fuller copy wins, then the later signed; the digest makes the order total. Nothing in it
//! depends on when or how often a delivery arrived.

use std::fmt;
use terrace_terra::UnixSeconds;

/// The number of the layout and of the rules that fill it. It is kept with each item: changing either means a rebuild
/// of the view from the log.
pub const RULE: u32 = 1;

/// 2020-01-01T00:00:00Z in milliseconds; Terra webhooks of before are nobody's.
const EARLIEST_MS: u64 = 1_577_836_800_000;
/// How far a claimed emission may lie after the signature: clocks differ a little, forgers a lot.
const AHEAD_MS: u64 = 60_000;

/// The place of a copy in the order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u8; Version::BYTES]);

impl Version {
    /// The length of a version.
    pub const BYTES: usize = 24;

    /// The version of a copy with this emission, so many leaves and this digest of its bytes.
    pub fn new(emission: Emission, coverage: u32, digest: u64) -> Self {
        let mut bytes = [0; Self::BYTES];
        let parts = emission.emitted_ms.to_be_bytes().into_iter().chain(coverage.to_be_bytes());
        let parts = parts.chain(emission.signed_at.to_be_bytes()).chain(digest.to_be_bytes());
        for (slot, byte) in bytes.iter_mut().zip(parts) {
            *slot = byte;
        }
        Self(bytes)
    }

    /// Reads a version as stored; `None` if it has not its length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes as stored and compared.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// When Terra made the copy, in milliseconds since 1970; 0 if that is not known.
    pub fn emitted_ms(&self) -> u64 {
        self.number::<8>(0)
    }

    /// How many non-null scalar leaves the copy has.
    pub fn coverage(&self) -> u32 {
        u32::try_from(self.number::<4>(8)).unwrap_or(u32::MAX)
    }

    /// 0 where the ordering header was used; else the signature's `t`.
    pub fn signed_at(&self) -> u32 {
        u32::try_from(self.number::<4>(12)).unwrap_or(u32::MAX)
    }

    fn number<const LENGTH: usize>(&self, from: usize) -> u64 {
        self.0.iter().skip(from).take(LENGTH).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.number::<8>(16);
        write!(f, "{}|{}|{}|{digest:016x}", self.emitted_ms(), self.coverage(), self.signed_at())
    }
}

/// When a delivery's copies were made, as far as it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// Milliseconds since 1970; 0 if nothing credible says.
    pub emitted_ms: u64,
    /// 0 where the ordering header was used; else the signature's `t`, in seconds.
    pub signed_at: u32,
    /// How many claimed times were not credible.
    pub discarded: u32,
}

impl Emission {
    /// Weighs the ordering header, then the time in the signed body (`user.last_webhook_update`, a lab report's
    /// `occurred_at`); a retry repeats both. A claim more than 60 s after the signed `t`, or before 2020, counts as
    /// absent: nobody pins a record by forging the future.
    pub fn weigh(ordering_ms: Option<u64>, in_body_ms: Option<u64>, signed_at: UnixSeconds) -> Self {
        let latest = signed_at.as_millis().saturating_add(AHEAD_MS);
        let credible = |claim: &u64| (EARLIEST_MS..=latest).contains(claim);
        let by_header = ordering_ms.filter(credible);
        let by_body = in_body_ms.filter(credible);
        let not_credible = |claim: Option<u64>, kept: Option<u64>| u32::from(claim.is_some() && kept.is_none());
        let discarded = not_credible(ordering_ms, by_header)
            + if by_header.is_none() { not_credible(in_body_ms, by_body) } else { 0 };
        let signed = u32::try_from(signed_at.0).unwrap_or(u32::MAX);
        Self {
            emitted_ms: by_header.or(by_body).unwrap_or(0),
            signed_at: if by_header.is_some() { 0 } else { signed },
            discarded,
        }
    }

    /// Whether the ordering header said so.
    pub fn by_header(&self) -> bool {
        self.signed_at == 0
    }
}

/// The time of a delivery in the log and in a connection's registers, in milliseconds since 1970: the ordering header
/// where it is credible, else the signature's `t`; never a time from the body.
pub fn delivery_time_ms(ordering_ms: Option<u64>, signed_at: UnixSeconds) -> u64 {
    let by_header = Emission::weigh(ordering_ms, None, signed_at);
    if by_header.emitted_ms == 0 { signed_at.as_millis() } else { by_header.emitted_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNED: UnixSeconds = UnixSeconds(1_782_897_153);

    #[test]
    fn golden_layout() {
        let emission = Emission::weigh(Some(1_782_897_153_891), Some(1_782_897_000_000), SIGNED);
        let version = Version::new(emission, 42, 0x0123_4567_89ab_cdef);
        assert_eq!(
            data_encoding::HEXLOWER.encode(version.as_bytes()),
            "0000019f1cf397630000002a000000000123456789abcdef"
        );
        let emission = Emission::weigh(None, Some(1_782_897_000_000), SIGNED);
        let version = Version::new(emission, 7, 1);
        assert_eq!(
            data_encoding::HEXLOWER.encode(version.as_bytes()),
            "0000019f1cf13e40000000076a44da010000000000000001"
        );
        assert_eq!(
            (version.emitted_ms(), version.coverage(), version.signed_at()),
            (1_782_897_000_000, 7, 1_782_897_153)
        );
    }

    #[test]
    fn claims_that_are_not_credible_count_as_absent_and_are_counted() {
        let limit = SIGNED.as_millis() + 60_000;
        let weigh = |header, body| {
            let emission = Emission::weigh(header, body, SIGNED);
            (emission.emitted_ms, emission.by_header(), emission.discarded)
        };
        assert_eq!(weigh(Some(limit), None), (limit, true, 0));
        assert_eq!(weigh(Some(limit + 1), None), (0, false, 1));
        assert_eq!(weigh(Some(limit + 1), Some(limit)), (limit, false, 1));
        assert_eq!(weigh(Some(u64::MAX), Some(u64::MAX)), (0, false, 2));
        assert_eq!(weigh(Some(EARLIEST_MS - 1), Some(EARLIEST_MS)), (EARLIEST_MS, false, 1));
        assert_eq!(weigh(Some(EARLIEST_MS), Some(0)), (EARLIEST_MS, true, 0));
        assert_eq!(weigh(None, None), (0, false, 0));
        assert_eq!(delivery_time_ms(Some(limit + 1), SIGNED), SIGNED.as_millis());
        assert_eq!(delivery_time_ms(Some(limit), SIGNED), limit);
    }

    proptest! {
        #[test]
        fn bytes_compare_as_the_parts_do(a: (u64, u32, u32, u64), b: (u64, u32, u32, u64)) {
            let version = |(emitted_ms, coverage, signed_at, digest): (u64, u32, u32, u64)| {
                Version::new(Emission { emitted_ms, signed_at, discarded: 0 }, coverage, digest)
            };
            prop_assert_eq!(version(a).as_bytes().cmp(version(b).as_bytes()), a.0.cmp(&b.0)
                .then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)));
            prop_assert_eq!(Version::from_bytes(version(a).as_bytes()), Some(version(a)));
        }
    }
}
