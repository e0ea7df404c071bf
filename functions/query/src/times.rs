//! Times and days in answers and questions.

use jiff::Timestamp;
use jiff::civil::{Date, date};

/// A moment as answers write it, to the millisecond: `2026-07-01T09:12:33.891Z`.
pub fn instant(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", moment.unwrap_or_default())
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
        assert_eq!(day("2026-07-01".parse().unwrap()), (1_782_864_000_000, 1_782_950_400_000));
        assert_eq!(day("1850-01-01".parse().unwrap()), (0, 0));
        assert_eq!(day("9999-12-31".parse().unwrap()), (253_402_214_400_000, u64::MAX));
    }
}
