//! What a delivery asks for: read from the verified body, before anything is written. Pure.

use std::borrow::Cow;
use terrace_records::version::delivery_time_ms;
use terrace_records::{ConnectionUpdate, Emission, LogKey, Partition, RecordCopy, Repeats, RequestUpdate};
use terrace_store::CopyOf;
use terrace_terra::event::{Content, Event, Lifecycle, NotUnderstood, Owner};
use terrace_terra::ids::{DeliveryId, UserId};
use terrace_terra::{Chunk, DeliveryHeaders, Element, EventType, UnixSeconds, User, VerifiedBody};

/// The mark of a delivery with elements that have no identifier or are no objects.
pub const UNIDENTIFIED: &str = "unidentified";
/// The mark of a delivery with a record that the table does not take.
pub const UNSTORABLE: &str = "unstorable";

/// The headers of a delivery that count once its signature has held.
#[derive(Debug, Clone, Default)]
pub struct Envelope<'a> {
    /// Terra's id of it.
    pub trace_id: Option<DeliveryId<'a>>,
    /// The ordering header, in milliseconds since 1970.
    pub ordering_ms: Option<u64>,
    /// The reference header.
    pub reference: Option<&'a str>,
}

impl<'a> From<&DeliveryHeaders<'a>> for Envelope<'a> {
    fn from(headers: &DeliveryHeaders<'a>) -> Self {
        Self { trace_id: headers.trace_id.clone(), ordering_ms: headers.ordering_ms, reference: headers.reference }
    }
}

/// What is done with a connection.
#[derive(Debug)]
pub struct Link<'a> {
    /// Whose partition it lies in.
    pub partition: Partition,
    /// Its id.
    pub user: UserId<'a>,
    /// What is set.
    pub update: ConnectionUpdate,
}

/// What a delivery is on the whole, whatever becomes of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It brings something.
    Kept,
    /// It leads to what it brings.
    Ping,
    /// There is nothing to keep but the log.
    Ignored,
    /// Nothing can be made of it.
    Quarantined,
}

/// What a delivery asks for.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Its event type.
    pub event_type: EventType,
    /// Whose it is.
    pub owner: Owner<'a>,
    /// Whose life it belongs to.
    pub partition: Partition,
    /// What it is called in the log.
    pub key: LogKey,
    /// The signature's `t`.
    pub signed_at: UnixSeconds,
    /// What the headers say.
    pub envelope: Envelope<'a>,
    /// Claimed emission times that were not credible.
    pub discarded: u32,
    /// What it is on the whole.
    pub nature: Nature,
    /// Its copies, by record.
    pub records: Vec<Repeats<'a>>,
    /// How many elements are no record.
    pub rejected: usize,
    /// Why it is marked for quarantine.
    pub quarantine: Option<&'static str>,
    /// The connection's provider.
    pub provider: Option<Cow<'a, str>>,
    /// What it says of a large request.
    pub request: Option<RequestUpdate>,
    /// The connections it changes, in the order in which they are changed.
    pub links: Vec<Link<'a>>,
    /// The connection that it ends, where it ends one.
    pub ends: Option<UserId<'a>>,
    /// When it was made, as far as an erase goes by it; in milliseconds since 1970.
    pub made_ms: u64,
}

impl<'a> Plan<'a> {
    /// Reads what a delivery asks for.
    pub fn read(envelope: Envelope<'a>, body: VerifiedBody<'a>) -> Self {
        let event = Event::read(body);
        let signed_at = body.signed_at();
        let time_ms = delivery_time_ms(envelope.ordering_ms, signed_at);
        let id = event.event_id.clone().or_else(|| envelope.trace_id.clone());
        let id = id.unwrap_or_else(|| DeliveryId::of_body(body.bytes()));
        let of_user = event.user.as_ref().and_then(|user| user.last_webhook_update_ms);
        let in_body = if event.event_type.is_lab_report() { event.occurred_at_ms } else { of_user };
        let emission = Emission::weigh(envelope.ordering_ms, in_body, signed_at);
        let dated = emission.emitted_ms > 0 && (emission.by_header() || event.event_type.is_lab_report());
        let mut plan = Self {
            event_type: event.event_type,
            partition: Partition::of(&event.owner, &id),
            owner: event.owner.clone(),
            key: LogKey::new(time_ms, &id, body.bytes()),
            signed_at,
            envelope,
            discarded: emission.discarded,
            nature: Nature::Kept,
            records: Vec::new(),
            rejected: 0,
            quarantine: None,
            provider: event.user.as_ref().and_then(|user| user.provider.clone()),
            request: None,
            links: Vec::new(),
            ends: None,
            made_ms: if dated { emission.emitted_ms } else { time_ms },
        };
        plan.fill(event, emission, time_ms);
        plan
    }

    fn fill(&mut self, event: Event<'a>, emission: Emission, time_ms: u64) {
        let user_id = match event.owner {
            Owner::User(user_id) => Some(user_id),
            _ => None,
        };
        match event.content {
            Content::Records { data_type, elements } => {
                let sent = elements.len();
                let known = elements.into_iter().filter_map(|raw| Element::read(data_type, raw).ok());
                let copies: Vec<_> = known.map(|element| RecordCopy::new(data_type, element, emission)).collect();
                self.rejected = sent - copies.len();
                if self.rejected > 0 {
                    self.quarantine = Some(UNIDENTIFIED);
                }
                if self.rejected == sent && sent > 0 {
                    self.nature = Nature::Quarantined;
                }
                self.records = Repeats::group(copies);
                let trace_id = self.envelope.trace_id.as_ref().map(DeliveryId::as_str);
                if let Some(chunk) = user_id.as_ref().and(Chunk::of(trace_id, self.envelope.reference)) {
                    self.request = RequestUpdate::of_chunk(chunk.reference, chunk.number);
                }
                if let (Some(user_id), Some(user)) = (user_id, &event.user) {
                    self.link(user_id, ConnectionUpdate::of_data(event.event_type, user, time_ms));
                }
            }
            Content::Connection(lifecycle) => {
                if let (Some(user_id), Some(user)) = (user_id, &event.user) {
                    self.follow(&lifecycle, user_id, user, time_ms);
                }
            }
            Content::Request(request) => {
                self.nature = Nature::Ignored;
                self.request = RequestUpdate::of_event(&request.reference, request.expected, time_ms);
            }
            Content::Ping(_) => self.nature = Nature::Ping,
            Content::Operational => self.nature = Nature::Ignored,
            Content::NotUnderstood(reason) => {
                self.quarantine = Some(reason.name());
                let unknown = reason == NotUnderstood::UnknownType;
                self.nature = if unknown { Nature::Ignored } else { Nature::Quarantined };
            }
        }
    }

    fn link(&mut self, user: UserId<'a>, update: ConnectionUpdate) {
        self.links.push(Link { partition: Partition::of_user(&user), user, update });
    }

    /// A lifecycle event. A re-authentication marks the old id first, so that whatever comes for it from then on is
    /// carried over.
    fn follow(&mut self, lifecycle: &Lifecycle<'a>, user_id: UserId<'a>, user: &User<'a>, time_ms: u64) {
        if let Lifecycle::Reauth { old: Some(old) } = lifecycle
            && *old != user_id
        {
            self.link(old.clone(), ConnectionUpdate::of_replaced(&user_id, time_ms));
        }
        if let Lifecycle::Deauth | Lifecycle::AccessRevoked = lifecycle {
            self.ends = Some(user_id.clone());
        }
        self.link(user_id, ConnectionUpdate::of_lifecycle(lifecycle, self.event_type, user, time_ms));
    }

    /// The records it has copies of, and their greatest versions.
    pub fn copies(&self) -> Vec<CopyOf> {
        let copy =
            |repeats: &Repeats<'_>| CopyOf { record: repeats.greatest.key.clone(), version: repeats.greatest.version };
        self.records.iter().map(copy).collect()
    }
}
