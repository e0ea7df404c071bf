//! The order in which events are sent, and what is sent again.

use crate::simulate::draft::Event;
use crate::simulate::random::{happens, rng};
use crate::simulate::world::World;
use bytes::Bytes;
use std::sync::Arc;

/// The type of a ping.
pub const PING: &str = "s3_payload";

/// Of bodies over this, in bytes, at least this share comes as pings, if any do: they are what pings are for.
const LARGE: usize = 1_000_000;
const LARGE_PINGS: f64 = 0.5;

/// Why something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For the first time.
    First,
    /// Once more, at about the same time.
    Duplicate,
    /// Once more at the end, as a retry that lasted long.
    Late,
}

impl Kind {
    /// The name shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
        }
    }
}

/// One POST to come.
#[derive(Debug, Clone)]
pub struct Sending {
    /// What is told.
    pub event: Arc<Event>,
    /// Why.
    pub kind: Kind,
    /// The ordering header, if it has one.
    pub ordering_ms: Option<u64>,
    /// The signature's `t`, in seconds since 1970.
    pub signed_at: u64,
    /// Whether it goes as a ping, which says where the event's body lies.
    pub ping: bool,
    /// What is posted: the event's body, or the ping once there is a host for it.
    pub body: Bytes,
}

impl Sending {
    /// The `type` of what is posted.
    pub fn name(&self) -> &'static str {
        if self.ping { PING } else { self.event.name }
    }
}

/// Everything to send, in the order in which it is sent.
pub fn plan(world: &World, events: Vec<Event>) -> Vec<Sending> {
    let mut rng = rng(world.run(), "plan", 0);
    let number = events.len();
    let far = i64::try_from((number / 20).max(30)).unwrap_or(i64::MAX);
    let mut placed = Vec::with_capacity(number + number / 4);
    for (at, event) in events.into_iter().enumerate() {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let moved = if happens(&mut rng, world.reorder) { rng.i64(-far..=far) } else { 0 };
        let with_ordering = !happens(&mut rng, world.without_ordering) || event.dated;
        let ordering_ms = with_ordering.then_some(event.emitted_ms);
        // Signing takes up to a second.
        let signed_at = event.emitted_ms.div_ceil(1_000) + rng.u64(0..2);
        let share = if event.body.len() > LARGE { world.pings.max(LARGE_PINGS) } else { world.pings };
        let ping = event.is_data && world.pings > 0.0 && happens(&mut rng, share);
        let body = event.body.clone();
        let first = Sending { event: Arc::new(event), kind: Kind::First, ordering_ms, signed_at, ping, body };
        if happens(&mut rng, world.duplicates) {
            let soon = at + moved + rng.i64(0..40);
            placed.push((soon, Sending { kind: Kind::Duplicate, ..first.clone() }));
        }
        if happens(&mut rng, world.late) {
            let anew = rng.bool();
            let signed_at = if anew { rng.u64(signed_at..=world.at_ms / 1_000) } else { signed_at };
            let end = i64::try_from(number).unwrap_or(i64::MAX) + far + rng.i64(0..=far);
            placed.push((end, Sending { kind: Kind::Late, signed_at, ..first.clone() }));
        }
        placed.push((at + moved, first));
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, sending)| sending).collect()
}
