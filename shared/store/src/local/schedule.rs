//! Which job is next: the queue's memory of its files.

use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// When a job is due, and its turn among those due at once.
type Turn = (Instant, u64);

/// The jobs that wait and those that are worked on, by the names of their files.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    order: BTreeMap<Turn, String>,
    waiting: HashMap<String, Turn>,
    /// Whether it was sent again since the work began.
    working: HashMap<String, bool>,
    turns: u64,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This job, which now counts as worked on.
    Work(String),
    /// Nothing until then.
    WaitUntil(Instant),
    /// Nothing until a job is sent or work on one ends.
    Wait,
}

impl Schedule {
    /// Lets a job wait until it is due.
    pub(super) fn add(&mut self, name: String, due: Instant) {
        self.turns += 1;
        let turn = (due, self.turns);
        if let Some(replaced) = self.waiting.insert(name.clone(), turn) {
            self.order.remove(&replaced);
        }
        self.order.insert(turn, name);
    }

    /// Sends a job again where it waits or is worked on; false where it is not known.
    pub(super) fn send_again(&mut self, name: &str) -> bool {
        if let Some(sent_again) = self.working.get_mut(name) {
            *sent_again = true;
            return true;
        }
        self.waiting.contains_key(name)
    }

    /// Takes the job that has been due for longest.
    pub(super) fn take(&mut self, now: Instant) -> Next {
        let Some(first) = self.order.first_entry() else { return Next::Wait };
        let (due, _) = *first.key();
        if due > now {
            return Next::WaitUntil(due);
        }
        let name = first.remove();
        self.waiting.remove(&name);
        self.working.insert(name.clone(), false);
        Next::Work(name)
    }

    /// Whether a job was sent again since the work on it began.
    pub(super) fn is_sent_again(&self, name: &str) -> bool {
        self.working.get(name).copied().unwrap_or_default()
    }

    /// Ends the work on a job.
    pub(super) fn forget(&mut self, name: &str) {
        self.working.remove(name);
    }

    /// Ends the work on a job that is to be done (again) later.
    pub(super) fn put_back(&mut self, name: &str, due: Instant) {
        if self.working.remove(name).is_some() {
            self.add(name.to_owned(), due);
        }
    }

    /// How many jobs wait or are worked on.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.working.len()
    }
}
