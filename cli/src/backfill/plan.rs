//! Which requests a backfill is made of, and how many Terra takes within an hour. Pure.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::time::Duration;
use terrace_terra_api::{HistoryType, MAX_DAYS_AN_HOUR};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// One request: a user's history of one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// Terra's `user_id`.
    pub user_id: String,
    /// The type.
    pub of: HistoryType,
    /// The first day.
    pub from: Date,
    /// The day after the last one.
    pub to: Date,
}

impl Ask {
    /// How many days it asks for, as Terra counts them.
    pub fn days(&self) -> u32 {
        let days = self.to.duration_since(self.from).as_hours() / 24;
        u32::try_from(days).unwrap_or(0).max(1)
    }
}

/// Cuts the days from the first to the last, both of them in, into spans of at most so many days.
///
/// Whether Terra takes the end of a span as in it is not documented. So each ends on the day after its last, which is the
/// first of the next: asked for twice or not, no day is left out, and a record that comes twice changes nothing.
pub fn spans(first: Date, last: Date, most_days: u32) -> Vec<(Date, Date)> {
    let end = last.tomorrow().unwrap_or(last);
    let (mut spans, mut from) = (Vec::new(), first);
    while from < end {
        let to = from.checked_add(i64::from(most_days.max(1)).days()).map_or(end, |to| to.min(end));
        spans.push((from, to));
        from = to;
    }
    spans
}

/// How long to wait before a user's next request, for Terra to take it: of the days asked for within the last hour, these
/// and the next ones, there may be so many.
pub fn wait(asked: &[(Timestamp, u32)], next_days: u32, now: Timestamp) -> Duration {
    let mut within: Vec<_> = asked.iter().filter(|(at, _)| now.duration_since(*at) < HOUR).collect();
    within.sort();
    let mut days: u32 = within.iter().map(|(_, days)| days).sum();
    for (at, theirs) in within {
        if days + next_days <= MAX_DAYS_AN_HOUR {
            break;
        }
        days -= theirs;
        if days + next_days <= MAX_DAYS_AN_HOUR {
            let left = HOUR - now.duration_since(*at);
            return Duration::try_from(left).unwrap_or_default();
        }
    }
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn spans_leave_out_no_day() {
        let cut = |first, last, days| {
            let spans = spans(date(first), date(last), days);
            spans.into_iter().map(|(from, to)| format!("{from} {to}")).collect::<Vec<_>>()
        };
        assert_eq!(cut("2026-07-01", "2026-07-01", 365), ["2026-07-01 2026-07-02"]);
        assert_eq!(cut("2024-01-01", "2024-12-31", 366), ["2024-01-01 2025-01-01"]);
        assert_eq!(
            cut("2024-01-01", "2024-01-07", 3),
            ["2024-01-01 2024-01-04", "2024-01-04 2024-01-07", "2024-01-07 2024-01-08"]
        );
        assert_eq!(cut("2026-07-02", "2026-07-01", 3), Vec::<String>::new());
    }

    #[test]
    fn no_more_days_an_hour_than_terra_takes() {
        let now: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        let ago = |minutes: i64, days| (now - SignedDuration::from_mins(minutes), days);
        let minutes = |asked: &[(Timestamp, u32)], days| wait(asked, days, now).as_secs() / 60;
        assert_eq!(minutes(&[], 1_825), 0);
        assert_eq!(minutes(&[ago(1, 5_635)], 365), 0);
        assert_eq!(minutes(&[ago(1, 5_636)], 365), 59);
        assert_eq!(minutes(&[ago(10, 3_000), ago(50, 2_900)], 365), 10, "the earlier one is over first");
        assert_eq!(minutes(&[ago(61, 6_000)], 365), 0);
        assert_eq!(minutes(&[ago(10, 4_000), ago(20, 2_000)], 1_825), 40);
        assert_eq!(minutes(&[ago(10, 6_000)], 9_999), 0, "what never fits is Terra's to refuse");
    }
}
