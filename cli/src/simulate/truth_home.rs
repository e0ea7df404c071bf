//! The truth about where records are once everything was moved: under the id that nothing replaced.

use crate::simulate::truth::{Known, Owner, Truth};
use crate::simulate::truth_record::{Copy, ExpectedRecord};
use std::collections::{BTreeMap, BTreeSet};

/// What has to be read of one owner.
#[derive(Debug)]
pub struct Settled<'t> {
    /// Who it is.
    pub owner: &'t Owner,
    /// What came for them.
    pub known: &'t Known,
    /// Their records are under another id.
    pub moved: bool,
    /// All whose records are theirs now.
    sources: Vec<&'t Known>,
}

impl Truth {
    /// What has to be read of everybody of whom something is known.
    pub fn settled(&self) -> Vec<Settled<'_>> {
        let mut sources: BTreeMap<&Owner, Vec<&Known>> = BTreeMap::new();
        for (owner, known) in self.owners() {
            sources.entry(self.home(owner)).or_default().push(known);
        }
        let settle = |(owner, known)| Settled {
            owner,
            known,
            moved: self.home(owner) != owner,
            sources: sources.remove(owner).unwrap_or_default(),
        };
        self.owners().map(settle).collect()
    }

    /// Where an owner's records end: one replacement after the other is followed. Replacements that stand never form a
    /// ring, unless several bear the same time, which the simulation avoids.
    fn home<'t>(&'t self, owner: &'t Owner) -> &'t Owner {
        let (mut at, mut passed) = (owner, BTreeSet::new());
        while passed.insert(at)
            && let Some(next) = self.replaced_by(at)
        {
            at = next;
        }
        at
    }

    fn replaced_by(&self, owner: &Owner) -> Option<&Owner> {
        let (_, known) = self.find(owner)?;
        let next = Owner::User(known.facts.connection()?.replaced_by?);
        self.find(&next).map(|(next, _)| next)
    }
}

impl Settled<'_> {
    /// The records that have to be read, in order of type and identifier: as if all that came for their former ids had
    /// come for the one they have now.
    ///
    /// # Errors
    ///
    /// When a copy is no JSON, which the simulation never sends.
    pub fn records(&self) -> serde_json::Result<Vec<ExpectedRecord>> {
        let mut copies: BTreeMap<(&'static str, &str), Vec<&Copy>> = BTreeMap::new();
        for known in &self.sources {
            for ((data_type, id), of_record) in &known.copies {
                copies.entry((*data_type, id)).or_default().extend(of_record);
            }
        }
        let kept =
            copies.iter().filter_map(|((data_type, id), copies)| ExpectedRecord::of(data_type, id, copies).transpose());
        kept.collect()
    }
}

#[cfg(test)]
#[path = "truth_home_tests.rs"]
mod tests;
