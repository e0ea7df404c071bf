//! The people of a run: each a connection between an end user and a provider.

use crate::simulate::json::{Json, object, text};
use crate::simulate::random::{happens, one_of, rng, uuid};
use jiff::Timestamp;

/// A connection.
#[derive(Debug, Clone)]
pub struct Person {
    /// Which of the run's people it is.
    pub index: usize,
    /// Terra's id of it.
    pub user_id: String,
    /// The customer's name for the end user; some customers give none.
    pub reference_id: Option<String>,
    /// Where the data comes from.
    pub provider: &'static str,
    /// What was granted.
    pub scopes: String,
    /// The offset of the user's clock as the provider writes it; some write none.
    pub offset: &'static str,
}

/// Providers and what they call their scopes.
const PROVIDERS: [(&str, &str); 6] = [
    ("GARMIN", "ACTIVITY_EXPORT,HEALTH_EXPORT"),
    ("FITBIT", "activity,heartrate,nutrition,sleep,weight"),
    ("OURA", "daily,heartrate,personal,session,workout"),
    ("WHOOP", "read:recovery,read:sleep,read:workout"),
    ("POLAR", ""),
    ("APPLE", "STEPS,SLEEP_ANALYSIS,HEART_RATE,WORKOUT_TYPE"),
];

const OFFSETS: [&str; 7] = ["+01:00", "+00:00", "Z", "-08:00", "+05:30", "+13:00", ""];

/// The people of a run.
pub fn people(run: u64, users: usize) -> Vec<Person> {
    (0..users).map(|index| person(run, index, "person")).collect()
}

/// The same end user connected anew for the n-th time, under an id of its own.
pub fn reconnected(run: u64, first: &Person, time: usize) -> Person {
    let user_id = person(run, first.index, &format!("person again {time}")).user_id;
    Person { user_id, ..first.clone() }
}

fn person(run: u64, index: usize, part: &str) -> Person {
    let mut rng = rng(run, part, index);
    let user_id = uuid(&mut rng);
    let reference_id = (!happens(&mut rng, 0.15)).then(|| format!("end-user-{index}-{:08x}", rng.u32(..)));
    let (provider, scopes) = one_of(&mut rng, &PROVIDERS);
    Person { index, user_id, reference_id, provider, scopes: scopes.to_owned(), offset: one_of(&mut rng, &OFFSETS) }
}

impl Person {
    /// The `user` object of an event emitted at this moment.
    pub fn user(&self, emitted_ms: Option<u64>, active: bool) -> Json {
        let updated = emitted_ms.map_or(Json::Null, |emitted_ms| text(webhook_time(emitted_ms, self.index)));
        object([
            ("user_id", text(&self.user_id)),
            ("provider", text(self.provider)),
            ("last_webhook_update", updated),
            ("scopes", text(&self.scopes)),
            ("reference_id", self.reference_id.as_ref().map_or(Json::Null, text)),
            ("created_at", text("2026-01-05T08:15:30.123456+00:00")),
            ("active", Json::Bool(active)),
        ])
    }
}

/// A moment as Terra writes it in `last_webhook_update`: microseconds and `+00:00`. What lies below the millisecond is
/// arbitrary: it must not count.
pub fn webhook_time(millis: u64, below: usize) -> String {
    let moment = moment(millis);
    let whole = format!("{moment:.3}");
    format!("{}{:03}+00:00", whole.trim_end_matches('Z'), (below * 7) % 1_000)
}

/// A moment in milliseconds since 1970.
pub fn moment(millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_microseconds_and_an_offset() {
        assert_eq!(webhook_time(1_782_897_153_891, 5), "2026-07-01T09:12:33.891035+00:00");
        assert_eq!(webhook_time(1_782_897_153_000, 0), "2026-07-01T09:12:33.000000+00:00");
    }

    #[test]
    fn people_are_their_runs_own() {
        let (first, again, other) = (people(1, 3), people(1, 3), people(2, 3));
        assert_eq!(first[2].user_id, again[2].user_id);
        assert_ne!(first[2].user_id, other[2].user_id);
        let ids = [1, 2, 1].map(|time| reconnected(1, &first[2], time).user_id);
        assert!(ids[0] != first[2].user_id && ids[0] != ids[1] && ids[0] == ids[2]);
        assert_eq!(reconnected(1, &first[2], 1).reference_id, first[2].reference_id);
    }
}
