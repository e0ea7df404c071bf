//! Days and moments between which records lie. A day is compared with the record's own date as sent; a moment with the
//! instant of its start.

use super::{Parameters, date};
use crate::error::QueryError;
use crate::times::moment_of;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use std::fmt;
use terrace_store::{Days, StoredRecord};

/// How many days a record's own date may lie from that of its instant in UTC: offsets go up to 26 hours (jiff), those
/// that are in use up to 14.
const DAYS_APART: i64 = 2;

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A day of the record's own clock, wholly part of the range.
    Day(Date),
    /// An instant, part of the range.
    Moment(Timestamp),
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(formatter),
            Self::Moment(moment) => moment.fmt(formatter),
        }
    }
}

impl Bound {
    fn read(parameters: &Parameters<'_>, name: &str) -> Result<Option<Self>, QueryError> {
        let Some(text) = parameters.get(name) else { return Ok(None) };
        let day = date(text).map(Self::Day);
        day.or_else(|| moment(text).map(Self::Moment)).map(Some).ok_or_else(|| {
            QueryError::bad(format!(
                "{name} is neither a date nor an instant; write YYYY-MM-DD, such as 2026-07-01, or RFC 3339, such as \
                 2026-07-01T07:00:00Z (in a URL the + of an offset is %2B)"
            ))
        })
    }

    /// The day of a record's own clock from which on, or up to which, it may lie within this bound.
    fn own_day(self, days: i64) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Moment(moment) => {
                let day = jiff::tz::Offset::UTC.to_datetime(moment).date();
                day.saturating_add(Span::new().days(days))
            }
        }
    }
}

/// Reads an instant: RFC 3339, with a `T` and an offset.
pub fn moment(text: &str) -> Option<Timestamp> {
    let shaped = text.len() <= 40 && text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't'));
    text.parse().ok().filter(|_| shaped)
}

/// A range of days or moments, both ends part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// From here.
    pub from: Option<Bound>,
    /// Up to here.
    pub to: Option<Bound>,
}

impl Range {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<Self, QueryError> {
        let range = Self { from: Bound::read(parameters, "from")?, to: Bound::read(parameters, "to")? };
        let after = match (range.from, range.to) {
            (Some(Bound::Day(from)), Some(Bound::Day(to))) => from > to,
            (Some(Bound::Moment(from)), Some(Bound::Moment(to))) => from > to,
            _ => false,
        };
        if after {
            return Err(QueryError::bad("from lies after to; both are part of the range, the earlier one is from"));
        }
        Ok(range)
    }

    /// Whether it has an end at all.
    pub fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The days of their own clocks that its records lie in; those of moments are wider than they are.
    pub fn days(&self) -> Days {
        let text = |bound: Option<Bound>, days| bound.map(|bound| bound.own_day(days).to_string());
        Days { from: text(self.from, -DAYS_APART), to: text(self.to, DAYS_APART) }
    }

    /// Whether a record lies within its moments. One without a start of its own does not.
    pub fn has_moment_of(&self, record: &StoredRecord) -> bool {
        let moments = [self.from, self.to].map(|bound| match bound {
            Some(Bound::Moment(moment)) => Some(moment),
            _ => None,
        });
        if moments == [None, None] {
            return true;
        }
        let start = record.start_time.as_deref().and_then(moment_of);
        start.is_some_and(|start| {
            let [from, to] = moments;
            from.is_none_or(|from| from <= start) && to.is_none_or(|to| start <= to)
        })
    }

    /// Whether a record lies within its days, those of its moments included.
    pub fn has_day_of(&self, record: &StoredRecord) -> bool {
        let days = self.days();
        let day = record.day();
        !self.is_bounded()
            || day.is_some_and(|day| {
                days.from.as_deref().is_none_or(|from| from <= day) && days.to.as_deref().is_none_or(|to| day <= to)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str) -> Result<Option<Bound>, QueryError> {
        Bound::read(&Parameters(&[("from".to_owned(), text.to_owned())]), "from")
    }

    #[test]
    fn a_bound_is_a_day_or_an_instant_with_an_offset() {
        assert_eq!(bound("2026-07-01").unwrap(), Some(Bound::Day("2026-07-01".parse().unwrap())));
        let moment = Some(Bound::Moment("2026-07-01T07:00:00Z".parse().unwrap()));
        for same in ["2026-07-01T07:00:00Z", "2026-07-01T08:00:00+01:00", "2026-07-01t07:00:00.000z"] {
            assert_eq!(bound(same).unwrap(), moment, "{same}");
        }
        for wrong in
            ["2026-07-01T08:00:00 01:00", "2026-07-01T08:00:00", "2026-07-01 07:00:00Z", "2026-02-30", "now", "1"]
        {
            assert!(bound(wrong).unwrap_err().to_string().contains("%2B"), "{wrong}");
        }
    }

    #[test]
    fn the_days_of_a_moment_are_wider_than_any_offset() {
        let moment = |text: &str| Some(Bound::Moment(text.parse().unwrap()));
        let range = Range { from: moment("2026-07-01T00:00:00Z"), to: moment("2026-07-01T23:59:59Z") };
        assert_eq!(range.days(), Days { from: Some("2026-06-29".to_owned()), to: Some("2026-07-03".to_owned()) });
        let ends = Range { from: moment("-009999-01-02T01:59:59Z"), to: moment("9999-12-30T22:00:00Z") };
        assert_eq!(ends.days().to.as_deref(), Some("9999-12-31"));
    }
}
