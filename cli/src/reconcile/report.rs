//! What came of comparing everybody.

use crate::reconcile::drift::{Drift, Kind, Missed};
use crate::terminal;
use serde::Serialize;

/// What becomes of a drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// Nothing, `--repair` was not given.
    Found,
    /// The event was sent, and the two agree.
    Repaired,
    /// It was sent, and the two do not agree yet.
    Sent,
    /// It was not sent, for this reason.
    HeldBack(String),
    /// It could not be sent.
    Failed(String),
}

impl Outcome {
    fn words(&self) -> String {
        match self {
            Self::Found => String::new(),
            Self::Repaired => "repaired".to_owned(),
            Self::Sent => "sent, not seen to take yet".to_owned(),
            Self::HeldBack(why) | Self::Failed(why) => why.clone(),
        }
    }
}

/// One user's drift.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Terra's `user_id`.
    pub user_id: String,
    /// Where the data comes from.
    pub provider: Option<String>,
    /// How the views differ.
    #[serde(flatten)]
    pub drift: Drift,
    /// The event that was missed.
    pub missed: Option<Missed>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Somebody who could not be compared.
#[derive(Debug, Clone, Serialize)]
pub struct NotCompared {
    /// The user or the reference.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What came of comparing everybody.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many were compared.
    pub compared: usize,
    /// Where the views differ.
    pub drifts: Vec<Found>,
    /// Who could not be compared.
    pub not_compared: Vec<NotCompared>,
}

impl Report {
    /// 0 where the views agree now, else 1.
    pub fn exit_status(&self) -> u8 {
        u8::from(!self.not_compared.is_empty() || self.drifts.iter().any(|found| found.outcome != Outcome::Repaired))
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.drifts.is_empty() {
            let mut table = terminal::table(&["user", "provider", "drift", "Terra", "here", "missed", ""]);
            for found in &self.drifts {
                let outcome = match (&found.outcome, found.drift.no_event) {
                    (Outcome::Found, Some(hint)) => hint.to_owned(),
                    (outcome, _) => outcome.words(),
                };
                table.add_row([
                    found.user_id.clone(),
                    found.provider.clone().unwrap_or_default(),
                    found.drift.kind.words().to_owned(),
                    found.drift.terra.clone(),
                    found.drift.here.clone(),
                    found.missed.map(|missed| missed.name().to_owned()).unwrap_or_default(),
                    outcome,
                ]);
            }
            text.push_str(&format!("{table}\n"));
        }
        for not in &self.not_compared {
            text.push_str(&format!("could not compare {}: {}\n", not.name, not.why));
        }
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        let count = |wanted: &dyn Fn(&Found) -> bool| self.drifts.iter().filter(|found| wanted(found)).count();
        let repaired = count(&|found| found.outcome == Outcome::Repaired);
        let repairable = count(&|found| found.outcome == Outcome::Found && found.missed.is_some());
        let newer = count(&|found| found.drift.kind == Kind::NewerData);
        let mut text = format!("{} compared, {} drifts", self.compared, self.drifts.len());
        if repaired > 0 {
            text.push_str(&format!(", {repaired} repaired"));
        }
        if !self.not_compared.is_empty() {
            text.push_str(&format!(", {} could not be compared", self.not_compared.len()));
        }
        text.push('.');
        if repairable > 0 {
            text.push_str(&format!(" {repairable} can be repaired: --repair sends the event that was missed."));
        }
        if newer > 0 {
            text.push_str(" `terrace backfill --user ID --from DATE --to DATE` asks Terra for what is newer there.");
        }
        text
    }
}
