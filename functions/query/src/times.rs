//! Times and days in answers and questions.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// A moment as answers write it, to the millisecond: `2026-07-01T09:12:33.891Z`.
pub fn instant(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", moment.unwrap_or_default())
}

/// The milliseconds since 1970 at which a day begins in UTC, and the next one does.
pub fn day(date: Date) -> Option<(u64, u64)> {
    let begins = |date: Date| {
        let midnight = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
        Some(u64::try_from(midnight.as_millisecond()).unwrap_or(0))
    };
    Some((begins(date)?, begins(date.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days() {
        assert_eq!(instant(1_782_897_153_891), "2026-07-01T09:12:33.891Z");
        assert_eq!(instant(1_782_897_153_000), "2026-07-01T09:12:33.000Z");
        assert_eq!(instant(u64::MAX), "1970-01-01T00:00:00.000Z");
        assert_eq!(day("2026-07-01".parse().unwrap()), Some((1_782_864_000_000, 1_782_950_400_000)));
        assert_eq!(day("1850-01-01".parse().unwrap()), Some((0, 0)));
    }
}
