//! How far a backfill is: shared by those who ask, those who follow, and whoever reports, also where it was stopped.

use crate::backfill::journal::{Accepted, Journal};
use crate::backfill::plan::Ask;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Terra has not been asked yet.
    Waiting,
    /// Terra will not send it, for this reason.
    NotSent(String),
    /// Terra has accepted it.
    Accepted {
        /// What it said.
        accepted: Accepted,
        /// How many of its chunks came, of how many, as far as is known.
        chunks: Option<(u64, Option<u64>)>,
    },
}

impl State {
    /// Whether everything of it came.
    pub fn came(&self) -> bool {
        matches!(self, Self::Accepted { accepted, .. } if accepted.came)
    }
}

/// All requests, in order of user, type and time.
#[derive(Debug)]
pub struct Progress {
    journal: Mutex<Journal>,
    states: Mutex<BTreeMap<Ask, State>>,
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// These requests, as far as the journal knows of them.
    pub fn new(asks: Vec<Ask>, journal: Journal, mut kept: BTreeMap<Ask, Accepted>) -> Self {
        let state = |ask: Ask| {
            let accepted = kept.remove(&ask).map(|accepted| State::Accepted { accepted, chunks: None });
            (ask, accepted.unwrap_or(State::Waiting))
        };
        let states = asks.into_iter().map(state).collect();
        Self { journal: Mutex::new(journal), states: Mutex::new(states) }
    }

    /// All of them as they are now.
    pub fn states(&self) -> BTreeMap<Ask, State> {
        open(&self.states).clone()
    }

    /// Terra has accepted one, or everything of it came: that is written down.
    ///
    /// # Errors
    ///
    /// When it cannot be.
    pub fn accepted(&self, ask: &Ask, accepted: Accepted) -> io::Result<()> {
        open(&self.journal).note(ask, &accepted)?;
        let mut states = open(&self.states);
        let chunks = match states.get(ask) {
            Some(State::Accepted { chunks, .. }) => *chunks,
            _ => None,
        };
        states.insert(ask.clone(), State::Accepted { accepted, chunks });
        Ok(())
    }

    /// Terra will not send one.
    pub fn not_sent(&self, ask: &Ask, why: String) {
        open(&self.states).insert(ask.clone(), State::NotSent(why));
    }

    /// So many chunks of one came.
    pub fn seen(&self, ask: &Ask, seen: u64, expected: Option<u64>) {
        if let Some(State::Accepted { chunks, .. }) = open(&self.states).get_mut(ask) {
            *chunks = Some((seen, expected));
        }
    }
}
