//! End users who connect anew and go on under another id, with much of what they had under the one before.

use crate::simulate::draft::{Content, Draft, OldUser, Whom};
use crate::simulate::growth::at_stage;
use crate::simulate::life::{DAY, Life};
use crate::simulate::notices::{auth, warning};
use crate::simulate::people::Person;
use crate::simulate::random::happens;
use crate::simulate::shapes::scores;
use fastrand::Rng;
use jiff::civil::Date;
use std::rc::Rc;
use terrace_terra::EventType;

/// The share of what came for the first id that comes for a later one too.
const AGAIN: f64 = 0.15;
/// The days of data that are a later id's own, at most.
const OWN_DAYS: u32 = 2;
/// A record with more values than this does not come again: it weighs megabytes.
const HEAVY: u32 = 5_000;

/// A draft, and whose it is.
pub type Told = (Rc<Person>, Draft);

/// How an end user comes to another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// Once, after everything came for the old id.
    Once,
    /// Half-way: deliveries for the old id go on.
    GoesOn,
    /// Twice, to a third id.
    Chain,
    /// There and back.
    Cycle,
    /// Terra says that there is no old id.
    OldNull,
    /// Terra says nothing of an old id.
    OldMissing,
}

/// One re-authentication.
struct Step {
    minute: u32,
    old: OldUser,
    new: Rc<Person>,
    /// The new id was there before.
    back: bool,
}

impl Renewal {
    /// All of them. End users who connect anew take them in turn.
    pub const ALL: [Self; 6] = [Self::Once, Self::Chain, Self::Cycle, Self::GoesOn, Self::OldNull, Self::OldMissing];

    /// What comes of an end user with these ids, whose drafts under the first of them end at `ends`.
    pub fn tell(self, rng: &mut Rng, ids: [Rc<Person>; 3], first: Vec<Draft>, start: Date, ends: u32) -> Vec<Told> {
        let days = (ends / DAY).saturating_sub(1);
        let mut told = Vec::new();
        for step in self.steps(&ids, ends) {
            let mut life = Life::new(rng, &step.new);
            if !step.back {
                life.live(start, days.min(OWN_DAYS));
                life.drafts.iter_mut().for_each(|draft| draft.minute += step.minute);
                again(&mut life, &first, step.minute);
            }
            auth(&mut life, step.minute + 1);
            let members = warning("User has reauthenticated and old ID has been deleted");
            let content = Content::Notice(members, Whom::Renewed(step.old));
            let mut reauth = Draft::new(step.minute, "user_reauth", content);
            // Of several the times decide where everything ends.
            reauth.dated = matches!(self, Self::Chain | Self::Cycle);
            life.drafts.push(reauth);
            told.extend(life.drafts.into_iter().map(|draft| (Rc::clone(&step.new), draft)));
        }
        let [a, ..] = ids;
        told.extend(first.into_iter().map(|draft| (Rc::clone(&a), draft)));
        told
    }

    fn steps(self, [a, b, c]: &[Rc<Person>; 3], ends: u32) -> Vec<Step> {
        let last = ends + 3_000;
        let step =
            |minute: u32, old: OldUser, new: &Rc<Person>, back: bool| Step { minute, old, new: Rc::clone(new), back };
        let named = |old: &Rc<Person>| OldUser::Named(Box::new(Person::clone(old)));
        match self {
            Self::Once => vec![step(last, named(a), b, false)],
            Self::GoesOn => vec![step(ends / 2, named(a), b, false)],
            Self::Chain => vec![step(ends / 3, named(a), b, false), step(ends / 3 * 2, named(b), c, false)],
            Self::Cycle => vec![step(ends / 2, named(a), b, false), step(last, named(b), a, true)],
            Self::OldNull => vec![step(last, OldUser::Null, b, false)],
            Self::OldMissing => vec![step(last, OldUser::Missing, b, false)],
        }
    }
}

/// Drafts some of what came for the first id once more: the provider has the same sessions for the new one. Of some
/// records these are greater copies than those under the old id, of others lesser ones.
fn again(life: &mut Life<'_>, first: &[Draft], from: u32) {
    for draft in first {
        let Content::Data(records) = &draft.content else { continue };
        let heavy = records.iter().any(|record| record.leaves() > HEAVY) || records.len() > 20;
        if heavy || !happens(life.rng, AGAIN) {
            continue;
        }
        let event_type = EventType::from_name(draft.name);
        let mut copies = Vec::with_capacity(records.len());
        for record in records {
            let mut copy = at_stage(record, life.rng.usize(2..=3), 3);
            scores::enrich(life.rng, event_type, &mut copy);
            copies.push(copy);
        }
        let minute = from + 2 + life.rng.u32(0..3 * DAY);
        life.add(minute, draft.name, Content::Data(copies));
    }
}
