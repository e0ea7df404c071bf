//! The shapes of Terra's data models, filled with values that are made up. Names of members follow the schemas of the
//! Terra API; nothing is copied from anybody's data.

pub mod days;
pub mod others;
pub mod samples;
pub mod scores;
pub mod sessions;

use crate::simulate::people::Person;
use jiff::ToSpan;
use jiff::civil::Date;

/// A moment of a day by the user's own clock, as sent: microseconds, and the offset where the provider gives one.
/// Seconds beyond the day run on into the next.
pub fn local(person: &Person, date: Date, seconds: u32) -> String {
    let moment = date.at(0, 0, 0, 0).checked_add(i64::from(seconds).seconds()).unwrap_or(date.at(0, 0, 0, 0));
    format!("{}.000000{}", moment.strftime("%Y-%m-%dT%H:%M:%S"), person.offset)
}

/// The day after.
pub fn next_day(date: Date) -> Date {
    date.tomorrow().unwrap_or(date)
}
