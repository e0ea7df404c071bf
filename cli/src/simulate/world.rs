//! Everything that Terra emits in a run: the same for the same seed, moment and options.

use crate::simulate::draft::Event;
use crate::simulate::endings::{ADDED_SCOPE, Ending};
use crate::simulate::life::{DAY, Life};
use crate::simulate::notices;
use crate::simulate::people::{Person, people, reconnected};
use crate::simulate::random::{happens, rng};
use crate::simulate::renewal::{Renewal, Told};
use crate::simulate::requests::large_request;
use fastrand::Rng;
use jiff::ToSpan;
use jiff::civil::Date;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64;

/// When the emissions of a run begin and end, in milliseconds before its moment.
const BEGINS: u64 = 95 * 60 * 1_000;
const ENDS: u64 = 10 * 60 * 1_000;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct World {
    /// What chance starts from.
    pub seed: u64,
    /// The moment at which the run ends, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many users.
    pub users: usize,
    /// How many days of data.
    pub days: u32,
    /// The first of them.
    pub start: Date,
    /// How many deliveries of several megabytes.
    pub large: usize,
    /// How many large requests of each user.
    pub requests: usize,
    /// The share of users who connect anew, under another id.
    pub reauths: f64,
    /// The share of data that comes as pings.
    pub pings: f64,
    /// The types sent; all of them where there are none.
    pub types: Vec<String>,
    /// The share of deliveries sent twice.
    pub duplicates: f64,
    /// The share sent out of order.
    pub reorder: f64,
    /// The share sent again at the end.
    pub late: f64,
    /// The share sent without the ordering header.
    pub without_ordering: f64,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It keeps its id.
    Stays(Ending),
    /// The end user connects anew.
    Renewed(Renewal),
}

impl World {
    /// What every random choice of the run starts from. All that shapes the run is in it, the moment too: another run
    /// has other users, so that it can go into the same table.
    pub fn run(&self) -> u64 {
        xxh3_64(format!("{self:?}").as_bytes())
    }

    /// Everything emitted, in order of time.
    pub fn events(&self) -> Vec<Event> {
        let run = self.run();
        let mut events = Vec::new();
        for person in people(run, self.users) {
            self.tell(run, person, &mut events);
        }
        events.sort_by_key(|event| event.emitted_ms);
        events
    }

    /// What becomes of the person of this index. Both kinds of people take what there is in turn: nothing is left to
    /// chance where there are enough of them.
    pub fn fate(&self, index: usize) -> Fate {
        let renewed_before = |index: usize| (index as f64 * self.reauths).floor() as usize;
        let renewed = renewed_before(index);
        if renewed_before(index + 1) > renewed {
            let turn = Renewal::ALL.into_iter().cycle().nth(renewed % Renewal::ALL.len());
            return Fate::Renewed(turn.unwrap_or(Renewal::Once));
        }
        let turn = Ending::ALL.into_iter().cycle().nth((index - renewed) % Ending::ALL.len());
        Fate::Stays(turn.unwrap_or(Ending::Quiet))
    }

    fn tell(&self, run: u64, person: Person, events: &mut Vec<Event>) {
        let mut rng = rng(run, "life", person.index);
        let fate = self.fate(person.index);
        let mut life = Life::new(&mut rng, &person);
        let ends = (self.days + 1) * DAY;
        life.live(self.start, self.days);
        for nth in 0..self.requests {
            large_request(&mut life, self.start, self.days / 3, nth);
        }
        notices::operational(&mut life, ends);
        if person.index.is_multiple_of(10) {
            life.unidentified(self.start, ends / 3);
        }
        // Large deliveries go round, one of a large record and one of many records in turn.
        for large in (person.index..self.large).step_by(self.users.max(1)) {
            let back = i64::try_from(large).unwrap_or(0) + 1;
            let date = self.start.checked_sub(back.days()).unwrap_or(self.start);
            if large.is_multiple_of(2) { life.large_day(date, ends / 5) } else { life.large_list(date, ends / 4) }
        }
        match fate {
            Fate::Stays(ending) => ending.draft(&mut life, ends),
            Fate::Renewed(_) => notices::auth(&mut life, 0),
        }
        let drafts = life.drafts;
        let [b, c] = [1, 2].map(|time| Rc::new(reconnected(run, &person, time)));
        let a = Rc::new(person);
        let told = match fate {
            Fate::Stays(_) => drafts.into_iter().map(|draft| (Rc::clone(&a), draft)).collect(),
            Fate::Renewed(renewal) => renewal.tell(&mut rng, [a, b, c], drafts, self.start, ends),
        };
        self.emit(&mut rng, told, events);
    }

    /// Gives an end user's drafts their moments: ever later, a few of them in the same millisecond.
    fn emit(&self, rng: &mut Rng, mut told: Vec<Told>, events: &mut Vec<Event>) {
        told.retain(|(_, draft)| self.types.is_empty() || self.types.iter().any(|name| name == draft.name));
        told.sort_by_key(|(_, draft)| draft.minute);
        let begins = self.at_ms.saturating_sub(BEGINS) + rng.u64(0..60_000);
        let ends = self.at_ms.saturating_sub(ENDS);
        let step = (ends.saturating_sub(begins) / (told.len() as u64 + 1)).max(1);
        let mut moment = begins;
        let mut widened = false;
        for (person, draft) in told {
            if draft.dated || !(draft.together || happens(rng, 0.02)) {
                moment += rng.u64(1..=step);
            }
            widened |= draft.name == "permission_change";
            let mut person = Person::clone(&person);
            if widened {
                person.scopes = format!("{},{ADDED_SCOPE}", person.scopes).trim_start_matches(',').to_owned();
            }
            events.push(draft.emit(rng, &person, moment));
        }
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
