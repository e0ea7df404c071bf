//! What came of a backfill, and what did not.

use crate::backfill::plan::Ask;
use crate::backfill::state::State;
use crate::terminal;
use serde::Serialize;
use std::collections::BTreeMap;

/// A request that not everything came of.
#[derive(Debug, Serialize)]
struct Missing {
    user_id: String,
    #[serde(rename = "type")]
    of: &'static str,
    from: String,
    to: String,
    /// `not_sent`, `not_asked`, `accepted` or `incomplete`.
    state: &'static str,
    why: String,
}

/// What came of a backfill, and what did not.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many requests it has.
    requests: usize,
    /// How many Terra accepted.
    accepted: usize,
    /// Of how many everything came.
    came: usize,
    /// The others.
    missing: Vec<Missing>,
}

impl Report {
    /// What these states come to.
    pub fn of(states: &BTreeMap<Ask, State>) -> Self {
        let mut report = Self { requests: states.len(), ..Self::default() };
        for (ask, state) in states {
            report.accepted += usize::from(matches!(state, State::Accepted { .. }));
            if state.came() {
                report.came += 1;
                continue;
            }
            let (state, why) = match state {
                State::Waiting => ("not_asked", "Terra was not asked yet".to_owned()),
                State::NotSent(why) => ("not_sent", why.clone()),
                State::Accepted { chunks: Some((seen, Some(expected))), .. } => {
                    ("incomplete", format!("{seen} of {expected} chunks came"))
                }
                State::Accepted { chunks: Some((seen, None)), .. } => {
                    ("incomplete", format!("{seen} chunks came, how many there are is not said yet"))
                }
                State::Accepted { .. } => {
                    ("accepted", "nothing came yet; Terra may still be at it, or have no such data".to_owned())
                }
            };
            // The day before the one that was asked up to: as it was given.
            let to = ask.to.yesterday().unwrap_or(ask.to).to_string();
            let (user_id, of, from) = (ask.user_id.clone(), ask.of.name(), ask.from.to_string());
            report.missing.push(Missing { user_id, of, from, to, state, why });
        }
        report
    }

    /// 0 where everything came, or was accepted and nobody waits for it; else 1.
    pub fn exit_status(&self, no_wait: bool) -> u8 {
        u8::from(if no_wait { self.accepted < self.requests } else { !self.missing.is_empty() })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.missing.is_empty() {
            let mut table = terminal::table(&["user", "type", "from", "to", "did not come"]);
            for one in &self.missing {
                table.add_row([one.user_id.as_str(), one.of, &one.from, &one.to, &one.why]);
            }
            text.push_str(&format!("{table}\n"));
        }
        let Self { requests, accepted, came, .. } = self;
        text.push_str(&format!("{requests} requests: {accepted} accepted by Terra, {came} came."));
        if !self.missing.is_empty() {
            text.push_str(" The same command again asks for what was not accepted and follows the rest.");
        }
        text
    }
}
