//! Instants and dates as Terra writes them.
//!
//! Terra's times are ISO 8601 with microseconds and, whenever the provider gives one, an offset:
//! `2026-07-01T07:04:11.000000+01:00`. Without an offset a record's time is the user's local time. Records are dated
//! by the first ten characters of their start as sent, before any conversion.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in whole seconds since 1970-01-01T00:00:00Z, as in a signature's `t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The present second of this machine's clock.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// The same moment in milliseconds, held at `u64::MAX` for moments no calendar reaches.
    pub fn as_millis(self) -> u64 {
        self.0.saturating_mul(1_000)
    }
}

impl From<SystemTime> for UnixSeconds {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs())
    }
}

/// Reads an instant such as `2026-07-01T09:12:33.891000+00:00`, `…Z`, or one with a space in place of the `T`, and
/// returns milliseconds since 1970. A time without an offset is taken as UTC: `last_webhook_update` and `occurred_at`,
/// the only instants read this way, are stamped by Terra and not by a user's device. `None` for anything else,
/// moments before 1970 included.
pub fn instant_millis(text: &str) -> Option<u64> {
    let text = text.trim();
    let millis = match text.parse::<Timestamp>() {
        Ok(instant) => instant.as_millisecond(),
        Err(_) => TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?.as_millisecond(),
    };
    u64::try_from(millis).ok()
}

/// The date a record belongs to: the first ten characters of `start_time`, when they are a date of the calendar.
///
/// They are taken as sent and never converted to another zone.
///
/// ```
/// use terrace_terra::time::date_as_sent;
/// assert_eq!(date_as_sent("2026-07-01T00:30:00.000000+13:00"), Some("2026-07-01"));
/// assert_eq!(date_as_sent("2026-02-30T00:00:00Z"), None);
/// ```
pub fn date_as_sent(start_time: &str) -> Option<&str> {
    let date = start_time.get(..10)?;
    let well_formed = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (well_formed && date.parse::<Date>().is_ok()).then_some(date)
}

/// The first nineteen characters of a time as sent (`2026-07-01T07:04:11`), which sort as the user's own clock did;
/// only the date when the rest is not a time of day. `None` without a valid date.
pub fn local_moment_as_sent(start_time: &str) -> Option<&str> {
    let date = date_as_sent(start_time)?;
    let moment = start_time.get(..19).filter(|moment| {
        moment.bytes().skip(10).enumerate().all(|(at, byte)| match at {
            0 => byte == b'T',
            3 | 6 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
    });
    Some(moment.unwrap_or(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_every_spelling_seen() {
        let millis = Some(1_782_897_153_891);
        for text in [
            "2026-07-01T09:12:33.891000+00:00",
            "2026-07-01T09:12:33.891Z",
            "2026-07-01 09:12:33.891000+00:00",
            "2026-07-01T10:12:33.891+01:00",
            "2026-07-01T09:12:33.891",
            " 2026-07-01T09:12:33.891Z ",
        ] {
            assert_eq!(instant_millis(text), millis, "{text}");
        }
        assert_eq!(instant_millis("2026-07-01"), Some(1_782_864_000_000));
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "1782897153891"] {
            assert_eq!(instant_millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_taken_as_sent_and_never_cut_from_nonsense() {
        assert_eq!(date_as_sent("2026-07-01"), Some("2026-07-01"));
        assert_eq!(date_as_sent("2024-02-29T10:00:00-08:00"), Some("2024-02-29"));
        for odd in
            ["", "2026-7-1T00:00", "2023-02-29T00:00:00Z", "+026-07-01T", "2026/07/01", "２０２６-07-01", "0000000000"]
        {
            assert_eq!(date_as_sent(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_local_moment_sorts_as_the_users_clock() {
        assert_eq!(local_moment_as_sent("2026-07-01T07:04:11.000000+01:00"), Some("2026-07-01T07:04:11"));
        assert_eq!(local_moment_as_sent("2026-07-01"), Some("2026-07-01"));
        assert_eq!(local_moment_as_sent("2026-07-01Tnoon-ish-or-so"), Some("2026-07-01"));
        assert_eq!(local_moment_as_sent("noon"), None);
    }
}
