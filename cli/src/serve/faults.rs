//! Failing on purpose, so that it can be seen what a sender does when its target is in trouble.

use std::time::Duration;

/// Longer than Terra waits for an answer.
pub const TOO_LATE: Duration = Duration::from_millis(8_500);
/// Of how many faults one is an answer that comes too late; the others keep nobody waiting.
const SELDOM: u32 = 16;

/// What goes wrong with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not taken: 503.
    Refused,
    /// It is taken, and the answer says 500.
    Failed,
    /// It is taken, and the answer breaks off.
    Lost,
    /// It is taken, and the answer comes [`TOO_LATE`].
    Late,
}

/// How often something goes wrong on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    share: f64,
}

impl Faults {
    /// With so many of a hundred percent of the deliveries, from 0 to 1.
    pub fn new(share: f64) -> Self {
        Self { share }
    }

    /// What goes wrong with the next delivery, if anything does.
    pub fn next(&self) -> Option<Fault> {
        if self.share <= 0.0 || fastrand::f64() >= self.share {
            return None;
        }
        Some(match fastrand::u32(..SELDOM) {
            0 => Fault::Late,
            one if one % 3 == 0 => Fault::Refused,
            one if one % 3 == 1 => Fault::Failed,
            _ => Fault::Lost,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_as_frequent_as_asked_for_and_of_every_kind() {
        assert!((0..1_000).all(|_| Faults::new(0.0).next().is_none()));
        let faults: Vec<_> = (0..2_000).filter_map(|_| Faults::new(1.0).next()).collect();
        assert_eq!(faults.len(), 2_000);
        for kind in [Fault::Refused, Fault::Failed, Fault::Lost, Fault::Late] {
            assert!(faults.contains(&kind), "{kind:?}");
        }
        let some = (0..2_000).filter(|_| Faults::new(0.5).next().is_some()).count();
        assert!((700..1_300).contains(&some), "{some}");
    }
}
