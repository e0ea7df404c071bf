//! What Terra is about to say, before the moment is known at which it says it.

use crate::simulate::json::{Json, object, text};
use crate::simulate::people::{Person, webhook_time};
use crate::simulate::random::{happens, one_of, uuid};
use bytes::Bytes;
use fastrand::Rng;

/// The type of lab reports as they were for a few weeks: the body itself is the report.
pub const FLAT_LAB_REPORT: &str = "lab_report";

/// An event without its moment.
#[derive(Debug, Clone)]
pub struct Draft {
    /// When in the person's life, in minutes; orders the drafts and no more.
    pub minute: u32,
    /// The `type`.
    pub name: &'static str,
    /// What it brings.
    pub content: Content,
    /// It is emitted in the same millisecond as the one before it.
    pub together: bool,
    /// The time it bears decides what it means: it is emitted later than all before it, and never without the ordering
    /// header.
    pub dated: bool,
    /// The part of a large request that it is.
    pub part: Option<Part>,
}

/// What an event brings.
#[derive(Debug, Clone)]
pub enum Content {
    /// Records under `data`.
    Data(Vec<Json>),
    /// A profile under `athlete`.
    Athlete(Json),
    /// A lab report, which names no user.
    Lab(Json),
    /// Something about the connection or the service: members beside `type`, and whom it names.
    Notice(Vec<(&'static str, Json)>, Whom),
}

/// Whom a notice names.
#[derive(Debug, Clone)]
pub enum Whom {
    /// The person, whose connection holds.
    User,
    /// The person, whose connection does not.
    FormerUser,
    /// Nobody.
    Nobody,
    /// The person as the new user, and the old one.
    Renewed(OldUser),
}

/// What is said of the user that an end user had before.
#[derive(Debug, Clone)]
pub enum OldUser {
    /// Which it is.
    Named(Box<Person>),
    /// `null`.
    Null,
    /// Nothing.
    Missing,
}

/// What makes a delivery a part of a large request.
#[derive(Debug, Clone)]
pub struct Part {
    /// The reference that all parts share.
    pub reference: String,
    /// Which chunk it is; `None` where it tells about the request.
    pub chunk: Option<Chunk>,
}

/// A chunk's number, counted from 1, and where it stands.
#[derive(Debug, Clone)]
pub enum Chunk {
    /// At the end of the trace id, after this.
    InTraceId(String, usize),
    /// At the end of the reference, as it was in older times.
    InReference(usize),
}

/// An event as Terra emits it. Retries repeat all of it.
#[derive(Debug, Clone)]
pub struct Event {
    /// When it was emitted, in milliseconds since 1970.
    pub emitted_ms: u64,
    /// The `type`.
    pub name: &'static str,
    /// The body.
    pub body: Bytes,
    /// `X-Terra-Trace-Id`; old deliveries had none.
    pub trace_id: Option<String>,
    /// `Terra-Reference`.
    pub reference: String,
    /// The connection it names, for the list of what would be sent.
    pub user_id: Option<String>,
    /// It never comes without the ordering header.
    pub dated: bool,
    /// It may come as a ping.
    pub is_data: bool,
}

impl Draft {
    /// A draft at a minute of the person's life.
    pub fn new(minute: u32, name: &'static str, content: Content) -> Self {
        Self { minute, name, content, together: false, dated: false, part: None }
    }

    /// The event that this person's draft becomes at this moment.
    pub fn emit(self, rng: &mut Rng, person: &Person, emitted_ms: u64) -> Event {
        let (mut trace_id, mut reference) = self.ids(rng);
        let is_data = matches!(self.content, Content::Data(_) | Content::Athlete(_));
        let mut body = object([("type", text(self.name))]);
        let mut user_id = Some(person.user_id.clone());
        match self.content {
            Content::Data(records) => {
                body.set("user", person.user(Some(emitted_ms), true));
                body.set("data", Json::List(records));
            }
            Content::Athlete(athlete) => {
                body.set("user", person.user(Some(emitted_ms), true));
                body.set("athlete", athlete);
            }
            Content::Lab(report) => {
                user_id = None;
                let session = report.get("session_id").and_then(Json::as_text).unwrap_or_default().to_owned();
                // The dispatcher of lab reports gives every reading of a session the same trace id.
                (trace_id, reference) = (Some(session.clone()), session);
                if self.name == FLAT_LAB_REPORT {
                    for (name, value) in report.members() {
                        body.set(name, value.clone());
                    }
                } else {
                    body.set("event_id", text(format!("evt_{}", uuid(rng))));
                    body.set("occurred_at", text(webhook_time(emitted_ms, 0)));
                    body.set("data", report);
                }
            }
            Content::Notice(members, whom) => {
                for (name, value) in members {
                    body.set(name, value);
                }
                user_id = notice(&mut body, person, whom, self.name, emitted_ms);
            }
        }
        if !self.name.starts_with("lab_report") {
            body.set("version", text("2022-03-16"));
        }
        let spelled = if one_of(rng, &[true, false, false, false]) { body.write_spaced() } else { body.write() };
        let (name, dated, body) = (self.name, self.dated, Bytes::from(spelled));
        Event { emitted_ms, name, body, trace_id, reference, user_id, dated, is_data }
    }

    /// The trace id and the reference.
    fn ids(&self, rng: &mut Rng) -> (Option<String>, String) {
        let plain = |rng: &mut Rng| (!happens(rng, 0.03)).then(|| uuid(rng));
        let Some(Part { reference, chunk }) = &self.part else { return (plain(rng), uuid(rng)) };
        match chunk {
            Some(Chunk::InTraceId(trace_id, number)) => (Some(format!("{trace_id}:chunk:{number}")), reference.clone()),
            Some(Chunk::InReference(number)) => (plain(rng), format!("{reference}:chunk:{number}")),
            None => (plain(rng), reference.clone()),
        }
    }
}

/// Puts into a notice whom it names; the connection that it belongs to.
fn notice(body: &mut Json, person: &Person, whom: Whom, name: &str, emitted_ms: u64) -> Option<String> {
    // Of a connection that was just made no webhook went out yet.
    let updated = (name != "auth").then_some(emitted_ms);
    match whom {
        Whom::Nobody => return None,
        Whom::User => body.set("user", person.user(updated, true)),
        Whom::FormerUser => body.set("user", person.user(updated, false)),
        Whom::Renewed(old) => {
            body.set("new_user", person.user(updated, true));
            match old {
                OldUser::Named(old) => body.set("old_user", old.user(updated, false)),
                OldUser::Null => body.set("old_user", Json::Null),
                OldUser::Missing => {}
            }
        }
    }
    Some(person.user_id.clone())
}
