//! What an erase takes.
//!
//! A mark of erasure stands in the connection with the time it is as of. Until a greater `auth` lifts it, whatever
//! belongs to the connection goes, whenever it was made: nothing may come for somebody who was erased. Once lifted,
//! only what was made before the mark goes, so that a retry from before does not bring back what was erased.

use crate::version::Version;
use terrace_terra::DataType;

/// An erase of one connection, as its registers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// As of when, in milliseconds since 1970.
    pub at_ms: u64,
    /// A greater `auth` lifted it.
    pub lifted: bool,
}

impl Erasure {
    /// Whether it takes what was made then, in milliseconds since 1970.
    pub fn takes(&self, made_ms: u64) -> bool {
        !self.lifted || made_ms <= self.at_ms
    }
}

/// When a copy was made, as far as an erase goes by it: the ordering header, of a lab report what its body says, else
/// the signature's `t`, which is the time of its delivery. `user.last_webhook_update` may lie before a delivery, and does
/// not count. In milliseconds since 1970.
pub fn made_ms(data_type: Option<DataType>, version: &Version) -> u64 {
    let lab = matches!(data_type, Some(DataType::LabReport | DataType::LabReportFailure));
    let emitted = version.emitted_ms();
    let says = emitted > 0 && (version.signed_at() == 0 || lab);
    if says { emitted } else { u64::from(version.signed_at()).saturating_mul(1_000) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Emission;

    #[test]
    fn a_lifted_erase_takes_what_was_made_before_it_and_a_standing_one_everything() {
        let erasure = |lifted| Erasure { at_ms: 5, lifted };
        assert!(erasure(false).takes(9) && erasure(false).takes(1));
        assert!(erasure(true).takes(5) && !erasure(true).takes(6));
    }

    #[test]
    fn the_time_of_a_copy_is_never_the_connections_last_webhook() {
        let version = |emitted_ms, signed_at| Version::new(Emission { emitted_ms, signed_at, discarded: 0 }, 1, 1);
        assert_eq!(made_ms(Some(DataType::Daily), &version(3, 0)), 3);
        assert_eq!(made_ms(Some(DataType::Daily), &version(3, 7)), 7_000);
        assert_eq!(made_ms(Some(DataType::LabReport), &version(3, 7)), 3);
        assert_eq!(made_ms(Some(DataType::LabReport), &version(0, 7)), 7_000);
        assert_eq!(made_ms(None, &version(0, 0)), 0, "what cannot be dated goes");
    }
}
