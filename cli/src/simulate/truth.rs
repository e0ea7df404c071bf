//! What has to be there after a run, computed the slow and simple way.
//!
//! Every copy and every fact is kept, and the greatest is looked for when asked. This follows the rules as they are
//! written down and shares no code with what applies them in Terrace: a mistake would have to be made twice to go unseen.

use crate::simulate::json::Json;
use crate::simulate::truth_connection::{Fact, Facts};
use crate::simulate::truth_name;
use crate::simulate::truth_record::{Copy, Place, identify};
use crate::simulate::truth_request::Requests;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// 2020-01-01T00:00:00Z in milliseconds since 1970; nothing before it is believed.
const EARLIEST_MS: u64 = 1_577_836_800_000;
/// How far after its signature an emission is believed.
const AHEAD_MS: u64 = 60_000;

/// A delivery that was acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Its body.
    pub body: Bytes,
    /// Its ordering header.
    pub ordering_ms: Option<u64>,
    /// The signature's `t`, in seconds since 1970.
    pub signed_at: u64,
    /// Its trace id.
    pub trace_id: Option<String>,
    /// Its reference.
    pub reference: String,
    /// What the server called it.
    pub delivery: Called,
}

/// What a delivery is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// As the server said.
    Answered(String),
    /// It was fetched later, so that nobody said.
    Fetched,
}

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A connection's.
    User(String),
    /// An end user's.
    Reference(String),
}

/// What is known of one owner.
#[derive(Debug, Default)]
pub struct Known {
    /// All copies, by type and identifier.
    pub copies: BTreeMap<(&'static str, String), Vec<Copy>>,
    /// All facts about the connection.
    pub facts: Facts,
    /// All that is known of large requests.
    pub requests: Requests,
    /// The deliveries acknowledged, by name.
    pub deliveries: BTreeMap<String, Delivered>,
}

/// A delivery that has to be listed.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Its body.
    pub body: Bytes,
    /// A ping led to it.
    pub fetched: bool,
}

/// What has to be there.
#[derive(Debug, Default)]
pub struct Truth {
    owners: BTreeMap<Owner, Known>,
}

impl Truth {
    /// Everybody of whom something is known.
    pub fn owners(&self) -> impl Iterator<Item = (&Owner, &Known)> {
        self.owners.iter()
    }

    /// One of them.
    pub fn find(&self, owner: &Owner) -> Option<(&Owner, &Known)> {
        self.owners.get_key_value(owner)
    }

    /// Takes in a delivery.
    ///
    /// # Errors
    ///
    /// When its body is no JSON, which the simulation never sends.
    pub fn take_in(&mut self, acknowledged: &Acknowledged) -> serde_json::Result<()> {
        let event = Json::read(&String::from_utf8_lossy(&acknowledged.body))?;
        let name = event.get("type").and_then(Json::as_text).unwrap_or_default();
        let Some(owner) = owner(&event, name) else { return Ok(()) };
        let known = self.owners.entry(owner).or_default();
        let (called, fetched) = match &acknowledged.delivery {
            Called::Answered(called) => (called.clone(), false),
            Called::Fetched => (truth_name::name(acknowledged), true),
        };
        known.deliveries.insert(called, Delivered { body: acknowledged.body.clone(), fetched });

        let in_body = match name.starts_with("lab_report") {
            true => event.get("occurred_at"),
            false => event.at(&["user", "last_webhook_update"]),
        };
        let in_body = in_body.and_then(Json::as_text).and_then(instant);
        let by_header = believed_header(acknowledged);
        let place = Place {
            emitted_ms: by_header.or(in_body.filter(|claim| is_believed(acknowledged, *claim))).unwrap_or(0),
            signed_at: if by_header.is_some() { 0 } else { acknowledged.signed_at },
            provider: event.at(&["user", "provider"]).and_then(Json::as_text).map(str::to_owned),
        };
        for raw in identify::elements(&acknowledged.body, name)? {
            if let Some((data_type, id, copy)) = Copy::read(name, &acknowledged.body, raw, &place)? {
                known.copies.entry((data_type, id)).or_default().push(copy);
            }
        }
        let time_ms = by_header.unwrap_or(acknowledged.signed_at.saturating_mul(1_000));
        known.requests.take_in(&event, name, time_ms, acknowledged.trace_id.as_deref(), &acknowledged.reference);
        for (user, fact) in Fact::read(&event, name) {
            self.owners.entry(Owner::User(user)).or_default().facts.add(time_ms, fact);
        }
        Ok(())
    }
}

/// The time in a delivery's ordering header, where it can be believed.
pub fn believed_header(delivery: &Acknowledged) -> Option<u64> {
    delivery.ordering_ms.filter(|claim| is_believed(delivery, *claim))
}

fn is_believed(delivery: &Acknowledged, claim_ms: u64) -> bool {
    (EARLIEST_MS..=delivery.signed_at.saturating_mul(1_000).saturating_add(AHEAD_MS)).contains(&claim_ms)
}

/// Whose an event is: the user's, of a re-authentication the new one's; else the end user's. A lab report is the end
/// user's. What names nobody cannot be asked for.
fn owner(event: &Json, name: &str) -> Option<Owner> {
    let reference = |value: Option<&Json>| value.and_then(Json::as_text).map(|text| Owner::Reference(text.to_owned()));
    if name.starts_with("lab_report") {
        return reference(event.at(&["data", "reference_id"]).or_else(|| event.get("reference_id")));
    }
    let user = if name == "user_reauth" { event.get("new_user") } else { event.get("user") };
    let user_id = user.and_then(|user| user.get("user_id")).and_then(Json::as_text);
    match user_id {
        Some(user_id) => Some(Owner::User(user_id.to_owned())),
        None => reference(event.get("reference_id")),
    }
}

/// Milliseconds since 1970.
fn instant(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
