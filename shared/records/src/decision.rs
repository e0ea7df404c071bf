//! What becomes of a copy, given what is stored. The store carries it out with one conditional write; this is the same
//! rule as a pure function, and what the store asks once a condition has failed.

use crate::copy::RecordCopy;
use crate::scores::{ScoreRegister, StoredScores};
use crate::version::Version;
use std::collections::btree_map::Entry;

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It was greater than what was there, and is the record now.
    Stored,
    /// It is what was there.
    Unchanged,
    /// What was there is greater.
    Stale,
}

impl Standing {
    /// What becomes of a copy of this version where `stored` is the version in place.
    pub fn of(stored: Option<&Version>, copy: &Version) -> Self {
        match stored.map(|stored| stored.cmp(copy)) {
            None | Some(std::cmp::Ordering::Less) => Self::Stored,
            Some(std::cmp::Ordering::Equal) => Self::Unchanged,
            Some(std::cmp::Ordering::Greater) => Self::Stale,
        }
    }

    /// The name used in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
        }
    }
}

/// The scores that copies of one record bring: per name the register of the greatest copy that has one.
pub fn scores_of<'c, 'a: 'c>(copies: impl IntoIterator<Item = &'c RecordCopy<'a>>) -> StoredScores {
    let mut scores = StoredScores::new();
    for copy in copies {
        for score in &copy.element.scores {
            let register = ScoreRegister::new(&copy.version, score);
            match scores.entry(score.name.clone().into_owned()) {
                Entry::Vacant(place) => {
                    place.insert(register);
                }
                Entry::Occupied(mut place) if place.get().as_bytes() < register.as_bytes() => {
                    place.insert(register);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    scores
}

/// Those of `brought` that are newer than what is stored under the same name.
pub fn newer_scores(mut brought: StoredScores, stored: &StoredScores) -> StoredScores {
    brought.retain(|name, register| stored.get(name).is_none_or(|in_place| in_place.version() < register.version()));
    brought
}

/// Whether a newer copy is so much thinner than the one it replaces that somebody should look: a backfill without
/// samples does that, and so does a data scope that was switched off.
pub fn coverage_fell_sharply(stored: &Version, copy: &Version) -> bool {
    copy > stored && copy.coverage() < stored.coverage() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Emission;

    fn version(emitted_ms: u64, coverage: u32) -> Version {
        Version::new(Emission { emitted_ms, signed_at: 0, discarded: 0 }, coverage, 0)
    }

    #[test]
    fn a_copy_stands_by_its_version_alone() {
        assert_eq!(Standing::of(None, &version(0, 0)), Standing::Stored);
        assert_eq!(Standing::of(Some(&version(1, 1)), &version(1, 2)), Standing::Stored);
        assert_eq!(Standing::of(Some(&version(1, 1)), &version(1, 1)), Standing::Unchanged);
        assert_eq!(Standing::of(Some(&version(2, 1)), &version(1, 9)), Standing::Stale);
    }

    #[test]
    fn a_fall_is_sharp_below_half() {
        assert!(coverage_fell_sharply(&version(1, 10), &version(2, 4)));
        assert!(!coverage_fell_sharply(&version(1, 10), &version(2, 5)));
        assert!(!coverage_fell_sharply(&version(2, 10), &version(1, 1)), "an older copy replaces nothing");
    }
}
