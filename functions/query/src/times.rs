//! Times and days in answers and questions.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::Offset;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment as answers write it, to the millisecond: `2026-07-01T09:12:33.891Z`.
pub fn instant(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", moment.unwrap_or_default())
}

/// The present moment in milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The instant of a time as Terra sent it; without an offset it counts as UTC.
pub fn moment_of(sent: &str) -> Option<Timestamp> {
    let sent = sent.trim();
    sent.parse().ok().or_else(|| Offset::UTC.to_timestamp(sent.parse::<DateTime>().ok()?).ok())
}

/// The milliseconds since 1970 at which a day begins in UTC, and the next one does: 0 before 1970, and for ever after
/// the last day there is.
pub fn day(day: Date) -> (u64, u64) {
    let begins = |day: Date| u64::try_from(day.duration_since(date(1970, 1, 1)).as_millis()).unwrap_or(0);
    (begins(day), day.tomorrow().map_or(u64::MAX, begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days() {
        assert_eq!(instant(1_782_897_153_891), "2026-07-01T09:12:33.891Z");
        assert_eq!(instant(1_782_897_153_000), "2026-07-01T09:12:33.000Z");
        assert_eq!(instant(u64::MAX), "1970-01-01T00:00:00.000Z");
        let moment = "2026-07-01T07:00:00Z".parse().ok();
        for sent in ["2026-07-01T08:00:00.000000+01:00", "2026-07-01T07:00:00", "2026-07-01T07:00:00.000Z"] {
            assert_eq!(moment_of(sent), moment, "{sent}");
        }
        assert_eq!(moment_of("2026-07-01"), "2026-07-01T00:00:00Z".parse().ok());
        assert_eq!(moment_of("noon"), None);
        assert_eq!(day("2026-07-01".parse().unwrap()), (1_782_864_000_000, 1_782_950_400_000));
        assert_eq!(day("1850-01-01".parse().unwrap()), (0, 0));
        assert_eq!(day("9999-12-31".parse().unwrap()), (253_402_214_400_000, u64::MAX));
    }
}
