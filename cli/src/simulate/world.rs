//! Everything that Terra emits in a run: the same for the same seed, moment and options.

use crate::simulate::draft::{Draft, Event};
use crate::simulate::life::Life;
use crate::simulate::notices::{self, ADDED_SCOPE};
use crate::simulate::people::{Person, people, reconnected};
use crate::simulate::random::{happens, rng};
use fastrand::Rng;
use jiff::ToSpan;
use jiff::civil::Date;
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
            let new = reconnected(run, &person, self.users + person.index);
            self.tell(&person, &new, &mut events);
            if notices::is_replaced(person.index) {
                self.tell_anew(&new, &mut events);
            }
        }
        events.sort_by_key(|event| event.emitted_ms);
        events
    }

    fn tell(&self, person: &Person, new: &Person, events: &mut Vec<Event>) {
        let mut rng = rng(self.run(), "life", person.index);
        let mut life = Life { rng: &mut rng, person, drafts: Vec::new() };
        let ends = (self.days + 1) * 24 * 60;
        life.live(self.start, self.days);
        notices::connection(&mut life, new, ends);
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
        let drafts = life.drafts;
        self.emit(&mut rng, person, drafts, events);
    }

    /// The little that comes under the id of a connection made anew.
    fn tell_anew(&self, person: &Person, events: &mut Vec<Event>) {
        let mut rng = rng(self.run(), "life", person.index);
        let mut life = Life { rng: &mut rng, person, drafts: Vec::new() };
        notices::auth(&mut life, 0);
        life.live(self.start, self.days.min(2));
        let drafts = life.drafts;
        self.emit(&mut rng, person, drafts, events);
    }

    /// Gives drafts their moments: ever later, a few of them in the same millisecond.
    fn emit(&self, rng: &mut Rng, person: &Person, mut drafts: Vec<Draft>, events: &mut Vec<Event>) {
        drafts.retain(|draft| self.types.is_empty() || self.types.iter().any(|name| name == draft.name));
        drafts.sort_by_key(|draft| draft.minute);
        let mut person = person.clone();
        let begins = self.at_ms.saturating_sub(BEGINS) + rng.u64(0..60_000);
        let ends = self.at_ms.saturating_sub(ENDS);
        let step = (ends.saturating_sub(begins) / (drafts.len() as u64 + 1)).max(1);
        let mut moment = begins;
        for draft in drafts {
            if !(draft.together || happens(rng, 0.02)) {
                moment += rng.u64(1..=step);
            }
            if draft.name == "permission_change" {
                person.scopes = format!("{},{ADDED_SCOPE}", person.scopes).trim_start_matches(',').to_owned();
            }
            events.push(draft.emit(rng, &person, moment));
        }
    }
}
