//! What is known of one connection when somebody asks why its data is missing. Pure data: rules read it, and nothing
//! else.

use crate::diagnosis::providers::Provider;
use crate::diagnosis::witness::Ask;
use std::collections::BTreeMap;
use terrace_records::connection::register;
use terrace_records::{Connection, Register, Status};
use terrace_runtime::telemetry::Refusals;
use terrace_terra::DataType;

/// A minute, in milliseconds; and longer spans.
pub const MINUTE: u64 = 60 * 1_000;
/// An hour.
pub const HOUR: u64 = 60 * MINUTE;
/// A day.
pub const DAY: u64 = 24 * HOUR;

/// How long Terra tries: ten retries, the first after 30 s, each wait twice the last. In milliseconds.
///
/// Terra's newest schedule; older pages promise a little over 24 hours.
pub const RETRIES: u64 = (1_024 - 1) * 30 * 1_000;
/// Deliveries that come closer together than this are one: a provider sends a sync in pieces.
const BURST: u64 = 10 * MINUTE;
/// How many intervals make a usual one.
const LEAST_INTERVALS: usize = 3;

/// A type of data of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeCase {
    /// The start of the latest record, as sent.
    pub latest_start: Option<String>,
    /// When the latest record was last written, in milliseconds since 1970.
    pub latest_updated_at: Option<u64>,
    /// When it was last delivered, in milliseconds since 1970.
    pub last_delivery: Option<u64>,
    /// When those of its deliveries came that were looked at, newest first.
    pub times: Vec<u64>,
    /// It brought something: a delivery may also say that there is nothing.
    pub brought: bool,
}

impl TypeCase {
    /// The median of the intervals between deliveries, in milliseconds.
    pub fn usual_ms(&self) -> Option<u64> {
        usual_ms(&self.times)
    }
}

/// A delivery that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name.
    pub delivery: String,
    /// Its event type.
    pub event: String,
    /// When Terra made it, in milliseconds since 1970.
    pub made_at: u64,
    /// When it came, in milliseconds since 1970.
    pub received_at: u64,
    /// Why it is in quarantine, or what it waits for.
    pub reason: String,
}

/// What was looked at of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// How many deliveries.
    pub looked_at: usize,
    /// There are older ones.
    pub cut_off: bool,
    /// The time of the oldest of them, in milliseconds since 1970.
    pub since: Option<u64>,
    /// When the newest came, by the server's clock.
    pub newest_received: Option<u64>,
    /// Those in quarantine, newest first.
    pub quarantined: Vec<Trouble>,
    /// Those that should long have been applied, newest first.
    pub unapplied: Vec<Trouble>,
    /// Of the earliest that came late, but within Terra's retries: when Terra made it, and when it came.
    pub late: Option<(u64, u64)>,
    /// When the data deliveries of any type came, newest first.
    pub times: Vec<u64>,
    /// What happened to the connection, and when; newest first.
    pub happened: Vec<(u64, String)>,
}

/// What lies there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damaged {
    /// When the deliveries were made, in milliseconds since 1970, newest first.
    pub deliveries: Vec<u64>,
    /// Types whose latest record it is.
    pub records: usize,
    /// Parts of what is known of the connection.
    pub marks: usize,
}

/// A large request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCase {
    /// Its reference.
    pub reference: String,
    /// How many chunks there will be.
    pub expected: Option<u32>,
    /// How many came.
    pub seen: usize,
    /// All came.
    pub complete: bool,
}

/// Another connection that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id.
    pub user_id: String,
    /// What may be shown of it.
    pub connection: Connection,
}

/// What is known of signatures that did not hold: the body of such a delivery is read by nobody, so it has no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalsKnown {
    /// The webhook runs in this process.
    Here(Refusals),
    /// It runs elsewhere, and only its metric tells.
    ByMetric,
}

/// What is known of one connection.
#[derive(Debug, Clone)]
pub struct Case {
    /// Now, in milliseconds since 1970.
    pub now: u64,
    /// The type that is missed, where that was said.
    pub asked: Option<DataType>,
    /// Terra's id of the connection.
    pub user_id: String,
    /// What may be shown of the connection; `None` where no delivery was about it.
    pub connection: Option<Connection>,
    /// What cannot be read.
    pub damaged: Damaged,
    /// The types that there is something of.
    pub types: BTreeMap<DataType, TypeCase>,
    /// The log.
    pub deliveries: Deliveries,
    /// Large requests.
    pub requests: Vec<RequestCase>,
    /// There may be more of them than were looked at.
    pub requests_cut_off: bool,
    /// Who goes on in its place.
    pub successor: Option<Neighbour>,
    /// Other connections of the same end user; where nothing is known of the id, those whose reference it is.
    pub others: Vec<Neighbour>,
    /// What the provider calls the account.
    pub provider_user_id: Option<String>,
    /// Signatures that did not hold.
    pub refusals: RefusalsKnown,
    /// What Terra says.
    pub terra: Ask,
}

impl Case {
    /// The connection, where it should deliver.
    pub fn active(&self) -> Option<&Connection> {
        self.connection.as_ref().filter(|connection| connection.status() == Status::Active)
    }

    /// The status, where anything is known.
    pub fn status(&self) -> Option<Status> {
        self.connection.as_ref().map(Connection::status)
    }

    /// What is known of the provider.
    pub fn provider(&self) -> &'static Provider {
        Provider::of(self.connection.as_ref().and_then(Connection::provider))
    }

    /// When a register was set, in milliseconds since 1970.
    pub fn time_of(&self, name: &str) -> Option<u64> {
        self.connection.as_ref().and_then(|connection| connection.registers().get(name)).map(Register::time_ms)
    }

    /// When the user connected, as far as a delivery said so.
    pub fn connected_at(&self) -> Option<u64> {
        self.time_of(register::AUTH)
    }

    /// When the permissions were last told on purpose: with a change of them, or when the user connected. Every event
    /// repeats them.
    pub fn permissions_at(&self) -> Option<u64> {
        let told =
            self.deliveries.happened.iter().filter(|(_, event)| matches!(event.as_str(), "permission_change" | "auth"));
        told.map(|(at, _)| *at).max().max(self.connected_at())
    }

    /// When data of the type asked for last came, or of any.
    pub fn last_data(&self) -> Option<u64> {
        match self.asked {
            Some(asked) => self.types.get(&asked).and_then(|known| known.last_delivery),
            None => {
                let measured = self.types.iter().filter(|(data_type, _)| is_measured(**data_type));
                measured.filter_map(|(_, known)| known.last_delivery).max()
            }
        }
    }

    /// For how long nothing has come: since the last data, else since the user connected. In milliseconds.
    pub fn quiet_ms(&self) -> Option<u64> {
        let since = self.last_data().or_else(|| self.connected_at())?;
        Some(self.now.saturating_sub(since))
    }

    /// The usual interval between deliveries of the type asked for, or of any; in milliseconds.
    pub fn usual_ms(&self) -> Option<u64> {
        match self.asked {
            Some(asked) => self.types.get(&asked).and_then(TypeCase::usual_ms),
            None => usual_ms(&self.deliveries.times),
        }
    }

    /// After how long without data something is wrong, in milliseconds: three usual intervals, a day at least; three
    /// days where nothing is usual yet.
    pub fn silent_after_ms(&self) -> u64 {
        silent_after_ms(self.usual_ms())
    }

    /// Whether data came before, and for longer than usual has not.
    pub fn is_silent(&self) -> bool {
        self.last_data().is_some() && self.quiet_ms().is_some_and(|quiet| quiet > self.silent_after_ms())
    }
}

/// Whether a type is data, and not the profile of the account.
pub fn is_measured(data_type: DataType) -> bool {
    data_type != DataType::Athlete
}

/// Many things in words: `1 ping`, `2 pings`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// After how long without data something is wrong.
pub fn silent_after_ms(usual_ms: Option<u64>) -> u64 {
    usual_ms.map_or(3 * DAY, |usual| DAY.max(usual.saturating_mul(3)))
}

/// The median of the intervals between these times, which are newest first.
fn usual_ms(times: &[u64]) -> Option<u64> {
    let intervals = times.windows(2).filter_map(|pair| match pair {
        [newer, older] => Some(newer.saturating_sub(*older)),
        _ => None,
    });
    let mut intervals: Vec<u64> = intervals.filter(|interval| *interval >= BURST).collect();
    intervals.sort_unstable();
    intervals.get(intervals.len() / 2).copied().filter(|_| intervals.len() >= LEAST_INTERVALS)
}

/// A span in words: `2 d 3 h`, `45 min`.
pub fn span(millis: u64) -> String {
    let (days, hours, minutes) = (millis / DAY, millis % DAY / HOUR, millis % HOUR / MINUTE);
    let part = |number: u64, unit: &str| (number > 0).then(|| format!("{number} {unit}"));
    let parts: Vec<String> = match days {
        0 => [part(hours, "h"), part(minutes, "min")].into_iter().flatten().collect(),
        _ => [part(days, "d"), part(hours, "h")].into_iter().flatten().collect(),
    };
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_interval_is_the_median_and_bursts_do_not_count() {
        let hours = |list: &[u64]| list.iter().map(|hour| hour * HOUR).collect::<Vec<_>>();
        assert_eq!(usual_ms(&hours(&[40, 38, 26, 24])), Some(2 * HOUR));
        assert_eq!(usual_ms(&hours(&[40, 38, 26])), None);
        let burst = [10 * HOUR, 10 * HOUR - 1, 9 * HOUR, 8 * HOUR, 8 * HOUR - 5];
        assert_eq!(usual_ms(&burst), None);
    }

    #[test]
    fn spans_in_words() {
        assert_eq!(span(0), "less than a minute");
        assert_eq!(span(45 * MINUTE), "45 min");
        assert_eq!(span(3 * HOUR + 5 * MINUTE), "3 h 5 min");
        assert_eq!(span(2 * DAY + 3 * HOUR + 59 * MINUTE), "2 d 3 h");
        assert_eq!(span(RETRIES), "8 h 31 min");
    }
}
