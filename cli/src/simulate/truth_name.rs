//! The truth about what a delivery is called: its time, a digest of its body, and its id.

use crate::simulate::truth::{Acknowledged, believed_header};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

/// What a delivery of data is called: `<time>.<digest>.<id>`. The time is the ordering header's where that can be
/// believed, else the signature's; the id is the trace id, else the SHA-256 of the body.
pub fn name(delivery: &Acknowledged) -> String {
    let time_ms = believed_header(delivery).unwrap_or(delivery.signed_at.saturating_mul(1_000));
    let id = delivery
        .trace_id
        .clone()
        .unwrap_or_else(|| Sha256::digest(&delivery.body).iter().map(|byte| format!("{byte:02x}")).collect());
    format!("{time_ms:013}.{:016x}.{id}", xxh3_64(&delivery.body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::truth::Called;
    use bytes::Bytes;

    #[test]
    fn a_name_is_made_of_time_digest_and_id() {
        let delivery = |body: &'static str, trace_id: Option<&str>, ordering_ms| Acknowledged {
            body: Bytes::from(body),
            ordering_ms,
            signed_at: 1_782_897_153,
            trace_id: trace_id.map(str::to_owned),
            reference: "r".to_owned(),
            delivery: Called::Fetched,
        };
        let id = Some("7243c4e7:chunk:3");
        let of = |delivery: Acknowledged| name(&delivery);
        assert_eq!(
            of(delivery("body", id, Some(1_782_897_153_891))),
            "1782897153891.84f2c8ee187fe1fa.7243c4e7:chunk:3"
        );
        // A header that cannot be believed, and none.
        for ordering_ms in [Some(1_782_897_213_001), Some(5), None] {
            assert_eq!(of(delivery("body", id, ordering_ms)), "1782897153000.84f2c8ee187fe1fa.7243c4e7:chunk:3");
        }
        let of_body = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of(delivery("", None, None)), format!("1782897153000.2d06800538d394c2.{of_body}"));
    }
}
