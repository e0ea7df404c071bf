//! What a delivery's body says.
//!
//! Reading never fails: a body that cannot be understood is an event whose content says why, because it is kept all
//! the same.

use crate::ids::{DeliveryId, ReferenceId, SessionId, UserId};
use crate::lenient;
use crate::signature::VerifiedBody;
use crate::time::instant_millis;
use crate::types::{DataType, EventType};
use crate::user::User;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An event, borrowing from the body it was read from.
#[derive(Debug)]
pub struct Event<'a> {
    /// What `type` says; [`EventType::Unknown`] also where there is none.
    pub event_type: EventType,
    /// The connection it is about: `user`, or `new_user` of a re-authentication.
    pub user: Option<User<'a>>,
    /// Whose partition it belongs to.
    pub owner: Owner<'a>,
    /// A lab report's own id of the delivery, the same on every retry.
    pub event_id: Option<DeliveryId<'a>>,
    /// When a lab report's event happened, in milliseconds since 1970.
    pub occurred_at_ms: Option<u64>,
    /// What there is to do.
    pub content: Content<'a>,
}

/// Whose data an event is, most telling first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A connection.
    User(UserId<'a>),
    /// An end user by the customer's name for them.
    Reference(ReferenceId<'a>),
    /// A lab report that names nobody.
    Session(SessionId<'a>),
    /// Nobody is named; the delivery stands for itself.
    Nobody,
}

/// What an event brings.
#[derive(Debug)]
pub enum Content<'a> {
    /// Elements of a data event, each to become a record. May be empty.
    Records {
        /// What they are.
        data_type: DataType,
        /// The elements as sent, which may yet turn out to be no objects.
        elements: Vec<&'a RawValue>,
    },
    /// Something happened to a connection.
    Connection(Lifecycle<'a>),
    /// Terra says how far a large request is.
    Request(LargeRequest<'a>),
    /// The body lies elsewhere, for a while.
    Ping(Ping<'a>),
    /// Nothing to keep but the log.
    Operational,
    /// A verified body that could not be understood.
    NotUnderstood(NotUnderstood),
}

/// What happened to a connection.
#[derive(Debug)]
pub enum Lifecycle<'a> {
    /// It was made.
    Auth,
    /// It was removed by the user or the customer.
    Deauth,
    /// It was removed at the provider.
    AccessRevoked,
    /// The provider refuses Terra's token.
    ConnectionError,
    /// Its scopes changed; `user.scopes` has the present list.
    PermissionChange,
    /// It goes on under the event's user; `old` is what it was called before, if the event says.
    Reauth {
        /// The id that is no more.
        old: Option<UserId<'a>>,
    },
}

/// What is said of a large request: history that comes in many deliveries, which share its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeRequest<'a> {
    /// The reference that its chunks share.
    pub reference: Cow<'a, str>,
    /// How many chunks there will be, once that is known.
    pub expected: Option<u32>,
}

/// A ping: where the body lies that was too large to be sent, or that the destination wants to fetch.
///
/// Terra page: Unified API, `S3PayloadEvent`.
#[derive(Clone, PartialEq, Eq)]
pub struct Ping<'a> {
    /// The URL that reads it without credentials: whoever has it can.
    pub url: Cow<'a, str>,
    /// How long the URL lives from when the ping was made, in seconds.
    pub expires_in: Option<u64>,
}

/// The URL is a secret while it lives.
impl fmt::Debug for Ping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ping").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Why nothing could be made of a verified body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotUnderstood {
    /// The body is not UTF-8.
    NotUtf8,
    /// The body is not JSON (RFC 8259), or names one member twice.
    NotJson,
    /// The body is JSON but no object.
    NotObject,
    /// There is no `type`, or it is no string.
    NoType,
    /// The type is one nobody knows yet.
    UnknownType,
    /// The event is about a connection it does not name.
    NoUser,
    /// A data event without `data`, or with something else than a list there.
    NoData,
    /// A ping that does not say where the body lies.
    NoUrl,
}

impl NotUnderstood {
    /// The name used in the log, in answers and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::NoType => "no_type",
            Self::UnknownType => "unknown_type",
            Self::NoUser => "no_user",
            Self::NoData => "no_data",
            Self::NoUrl => "no_url",
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "lenient::text")]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    user: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    new_user: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    old_user: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    old_user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    athlete: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reference_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    occurred_at: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    url: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::number")]
    expires_in: Option<i64>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reference: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::number")]
    expected_payloads: Option<i64>,
}

/// Whom a lab report's `data` names.
#[derive(Deserialize, Default)]
struct LabSubject<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reference_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    session_id: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Reads a verified body.
    pub fn read(body: VerifiedBody<'a>) -> Self {
        let Ok(text) = std::str::from_utf8(body.bytes()) else { return Self::not_understood(NotUnderstood::NotUtf8) };
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
            let reason = if is_json { NotUnderstood::NotObject } else { NotUnderstood::NotJson };
            return Self::not_understood(reason);
        }
        match serde_json::from_str(text) {
            Ok(envelope) => Self::from_envelope(envelope, text),
            Err(_) => Self::not_understood(NotUnderstood::NotJson),
        }
    }

    fn not_understood(reason: NotUnderstood) -> Self {
        Self {
            event_type: EventType::Unknown,
            user: None,
            owner: Owner::Nobody,
            event_id: None,
            occurred_at_ms: None,
            content: Content::NotUnderstood(reason),
        }
    }

    fn from_envelope(envelope: Envelope<'a>, text: &'a str) -> Self {
        let event_type = envelope.event_type.as_deref().map(EventType::from_name);
        let Some(event_type) = event_type else {
            let owner = envelope.owner_by_user(User::read(envelope.user).as_ref());
            return Self { owner, ..Self::not_understood(NotUnderstood::NoType) };
        };
        let user = User::read(match event_type {
            EventType::UserReauth => envelope.new_user.or(envelope.user),
            _ => envelope.user,
        });
        let (owner, event_id) = if event_type.is_lab_report() {
            (envelope.owner_of_lab_report(), envelope.event_id.clone().and_then(DeliveryId::new))
        } else {
            (envelope.owner_by_user(user.as_ref()), None)
        };
        let content = envelope.content(event_type, matches!(owner, Owner::User(_)), text);
        let occurred_at_ms = envelope.occurred_at.as_deref().and_then(instant_millis);
        Self { event_type, user, owner, event_id, occurred_at_ms, content }
    }
}

impl<'a> Envelope<'a> {
    fn owner_by_user(&self, user: Option<&User<'a>>) -> Owner<'a> {
        let by_user = user.and_then(|user| user.user_id.clone()).map(Owner::User);
        let by_reference = || {
            let of_user = user.and_then(|user| user.reference_id.clone());
            of_user.or_else(|| self.reference_id.clone().and_then(ReferenceId::new)).map(Owner::Reference)
        };
        by_user.or_else(by_reference).unwrap_or(Owner::Nobody)
    }

    /// Lab reports name a reference or a session, in `data` or, in the flat shape, beside `type`.
    fn owner_of_lab_report(&self) -> Owner<'a> {
        let subject: LabSubject<'a> = lenient::as_struct(self.data).unwrap_or_default();
        let reference = subject.reference_id.or_else(|| self.reference_id.clone()).and_then(ReferenceId::new);
        let session = || subject.session_id.or_else(|| self.session_id.clone()).and_then(SessionId::new);
        match reference {
            Some(reference) => Owner::Reference(reference),
            None => session().map_or(Owner::Nobody, Owner::Session),
        }
    }

    fn content(&self, event_type: EventType, has_user: bool, text: &'a str) -> Content<'a> {
        let lifecycle = match event_type {
            // The old contract sent a failed attempt as an `auth` with status error.
            EventType::Auth if self.status.as_deref() == Some("error") => return Content::Operational,
            EventType::Auth => Lifecycle::Auth,
            EventType::Deauth => Lifecycle::Deauth,
            EventType::AccessRevoked => Lifecycle::AccessRevoked,
            EventType::ConnectionError => Lifecycle::ConnectionError,
            EventType::PermissionChange => Lifecycle::PermissionChange,
            EventType::UserReauth => Lifecycle::Reauth { old: self.old_user() },
            EventType::S3Payload => return self.ping(),
            EventType::LargeRequestProcessing | EventType::LargeRequestSending if has_user => return self.request(),
            EventType::Unknown => return Content::NotUnderstood(NotUnderstood::UnknownType),
            _ => {
                let Some(data_type) = event_type.data_type() else { return Content::Operational };
                return self.records(event_type, data_type, has_user, text);
            }
        };
        if has_user { Content::Connection(lifecycle) } else { Content::NotUnderstood(NotUnderstood::NoUser) }
    }

    fn ping(&self) -> Content<'a> {
        let Some(url) = self.url.clone() else { return Content::NotUnderstood(NotUnderstood::NoUrl) };
        Content::Ping(Ping { url, expires_in: self.expires_in.and_then(|seconds| u64::try_from(seconds).ok()) })
    }

    /// A large request without a reference is one that nothing can be told apart by.
    fn request(&self) -> Content<'a> {
        let Some(reference) = self.reference.clone() else { return Content::Operational };
        let expected = self.expected_payloads.and_then(|number| u32::try_from(number).ok());
        Content::Request(LargeRequest { reference, expected })
    }

    fn old_user(&self) -> Option<UserId<'a>> {
        let named = User::read(self.old_user).and_then(|user| user.user_id);
        named.or_else(|| self.old_user_id.clone().and_then(UserId::new))
    }

    fn records(&self, event_type: EventType, data_type: DataType, has_user: bool, text: &'a str) -> Content<'a> {
        if !has_user && !event_type.is_lab_report() {
            return Content::NotUnderstood(NotUnderstood::NoUser);
        }
        let elements = match event_type {
            // The flat shape: the body itself is the report.
            EventType::LabReport if self.data.is_none() => serde_json::from_str(text).ok().map(|body| vec![body]),
            _ if event_type.is_lab_report() => self.data.map(|data| vec![data]),
            EventType::Athlete => self.athlete.map(|athlete| vec![athlete]).or_else(|| list(self.data)),
            _ => list(self.data),
        };
        match elements {
            Some(elements) => Content::Records { data_type, elements },
            None => Content::NotUnderstood(NotUnderstood::NoData),
        }
    }
}

/// The elements of a JSON array; a lone object counts as a list of one.
fn list(data: Option<&RawValue>) -> Option<Vec<&RawValue>> {
    let data = data?;
    if data.get().starts_with('{') {
        return Some(vec![data]);
    }
    serde_json::from_str(data.get()).ok()
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
