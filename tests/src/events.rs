//! Events as Terra sends them in the life of a connection, each at a second of a time that began a while ago: data with
//! the ordering header, what happens to a connection without it.

use crate::delivery::Delivery;
use crate::noise::noise;
use serde_json::{Value, json};
use terrace_terra::UnixSeconds;

/// A stretch of time, counted in seconds from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    base: u64,
}

impl Time {
    /// One that began so many seconds ago.
    pub fn since(seconds: u64) -> Self {
        Self { base: UnixSeconds::now().0 - seconds }
    }

    /// A second of it, in milliseconds since 1970.
    pub fn ms(self, second: u64) -> u64 {
        (self.base + second) * 1_000
    }

    /// An event without the ordering header.
    pub fn event(self, second: u64, body: &Value) -> Delivery {
        Delivery::new(body.to_string()).signed(self.base + second)
    }

    /// A data event.
    pub fn data(self, second: u64, user: &str, kind: &str, data: &Value) -> Delivery {
        let user = json!({"user_id": user, "provider": "GARMIN", "reference_id": "somebody", "scopes": "all"});
        self.event(second, &json!({"type": kind, "user": user, "data": data})).ordered(self.ms(second))
    }

    /// A day's data; `number` tells copies of it apart.
    pub fn day(self, second: u64, user: &str, date: &str, number: u64) -> Delivery {
        self.data(second, user, "daily", &json!([{"metadata": {"start_time": date}, "number": number}]))
    }

    /// A sleep that is large enough to lie in an object, and its record there too.
    pub fn large(self, second: u64, user: &str, id: &str) -> Delivery {
        self.data(second, user, "sleep", &json!([large(id, second)]))
    }

    /// A sleep with a score, or with a null in its place.
    pub fn scored(self, second: u64, user: &str, id: &str, score: &Value) -> Delivery {
        let sleep = json!({"metadata": {"summary_id": id}, "data_enrichment": score});
        self.data(second, user, "sleep", &json!([sleep]))
    }

    /// The user connected.
    pub fn auth(self, second: u64, user: &str) -> Delivery {
        self.event(second, &json!({"type": "auth", "status": "success", "user": whose(user)}))
    }

    /// The user left: `deauth` or `access_revoked`.
    pub fn left(self, second: u64, user: &str, how: &str) -> Delivery {
        self.event(second, &json!({"type": how, "user": whose(user)}))
    }

    /// The user goes on under another id.
    pub fn reauth(self, second: u64, old: &str, new: &str) -> Delivery {
        let body = json!({"type": "user_reauth", "old_user": whose(old), "new_user": whose(new)});
        self.event(second, &body)
    }
}

fn whose(user: &str) -> Value {
    json!({"user_id": user, "provider": "GARMIN", "reference_id": "somebody"})
}

/// A sleep of this id whose samples do not compress.
pub fn large(id: &str, seed: u64) -> Value {
    json!({"metadata": {"summary_id": id, "start_time": "2026-07-01T22:00:00Z"}, "samples": noise(seed, 1_500)})
}

/// Every order of so many things.
pub fn orders(length: usize) -> Vec<Vec<usize>> {
    let Some(last) = length.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, last);
        order
    };
    orders(last).iter().flat_map(|order| (0..length).map(move |at| insert(order, at))).collect()
}
