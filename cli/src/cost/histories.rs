//! What jobs work on: a user's history, days or sessions, as Terra sends it when somebody connects.

use crate::cost::bodies::samples;
use fastrand::Rng;
use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};
use std::ops::Range;
use terrace_terra::DataType;

/// What a history is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Days, which are found by their date.
    Days,
    /// Sessions, which stand in an index besides.
    Sessions,
}

impl Kind {
    /// As Terra and Terrace call it.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Days => DataType::Daily,
            Self::Sessions => DataType::Activity,
        }
    }
}

/// The first day of every history.
const BEGIN: Date = date(1998, 1, 1);
const TAIL: &str = "]}}}";

/// A delivery of the records of these numbers, each of a day of its own and at most `bytes` long: short of that by no
/// more than a sample.
pub fn history(kind: Kind, user: &str, numbers: Range<u64>, bytes: usize) -> String {
    let mut body = format!(
        concat!(
            r#"{{"type":"{}","version":"2022-03-16","user":{{"user_id":"{}","provider":"GARMIN","#,
            r#""last_webhook_update":"2026-07-01T09:12:33.891000+00:00","scopes":"ACTIVITY_EXPORT,HEALTH_EXPORT","#,
            r#""reference_id":"bench","active":true}},"data":["#,
        ),
        kind.data_type(),
        user,
    );
    for number in numbers.clone() {
        if number > numbers.start {
            body.push(',');
        }
        record(kind, &mut body, number, bytes);
    }
    body.push_str("]}");
    body
}

fn record(kind: Kind, body: &mut String, number: u64, bytes: usize) {
    let until = body.len() + bytes - TAIL.len();
    let mut rng = Rng::with_seed(number);
    let day = BEGIN.saturating_add(Span::new().days(i64::try_from(number).unwrap_or(0)));
    let next = day.saturating_add(1.day());
    let id = match kind {
        Kind::Days => String::new(),
        Kind::Sessions => format!(r#""summary_id":"{:016x}","type":8,"#, rng.u64(..)),
    };
    let (steps, meters, burned) = (rng.u32(900..30_000), rng.u32(7_000..210_000), rng.u32(14_000..42_000));
    let (active, resting, serial) = (rng.u32(600..14_000), rng.u32(42..65), rng.u64(..));
    body.push_str(&format!(
        concat!(
            r#"{{"metadata":{{{id}"start_time":"{day}T00:00:00.000000+01:00","#,
            r#""end_time":"{next}T00:00:00.000000+01:00","upload_type":1}},"#,
            r#""device_data":{{"name":"Fenix 8","serial_number":"{serial:016x}"}},"#,
            r#""distance_data":{{"steps":{steps},"distance_meters":{meters}.5}},"#,
            r#""calories_data":{{"total_burned_calories":{burned}.25}},"#,
            r#""active_durations_data":{{"activity_seconds":{active}}},"#,
            r#""heart_rate_data":{{"summary":{{"resting_hr_bpm":{resting}}},"detailed":{{"hr_samples":["#,
        ),
        id = id,
        day = day,
        next = next,
        serial = serial,
        steps = steps,
        meters = meters,
        burned = burned,
        active = active,
        resting = resting,
    ));
    samples(&mut rng, body, &day.to_string(), until);
    body.push_str(TAIL);
}

/// A delivery of so many records that is exactly so long; blanks at its end, which JSON allows, make up for the sample
/// that each record is short of.
pub fn sized(kind: Kind, user: &str, records: u64, bytes: usize) -> String {
    let envelope = history(kind, user, 0..0, 0).len();
    let each = (bytes - envelope) / usize::try_from(records).unwrap_or(1).max(1) - 1;
    let mut body = history(kind, user, 0..records, each);
    body.extend(std::iter::repeat_n(' ', bytes.saturating_sub(body.len())));
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::bodies::SAMPLE;
    use serde::Deserialize;
    use serde_json::value::RawValue;
    use std::collections::BTreeSet;

    /// The records as sent, to the byte.
    #[derive(Deserialize)]
    struct Sent<'a> {
        #[serde(borrow)]
        data: Vec<&'a RawValue>,
    }

    #[test]
    fn a_history_is_json_of_records_of_its_own_that_are_as_long_as_asked_for() {
        for (kind, name) in [(Kind::Days, "daily"), (Kind::Sessions, "activity")] {
            let sent = history(kind, "u", 7..27, 4_000);
            let body: serde_json::Value = serde_json::from_str(&sent).unwrap();
            assert_eq!((&body["type"], &body["user"]["user_id"]), (&name.into(), &"u".into()));
            let data = body["data"].as_array().unwrap();
            let starts: BTreeSet<_> = data.iter().map(|one| one["metadata"]["start_time"].as_str().unwrap()).collect();
            assert_eq!((data.len(), starts.len(), starts.first()), (20, 20, Some(&"1998-01-08T00:00:00.000000+01:00")));
            let ids = data.iter().filter(|one| one["metadata"]["summary_id"].is_string()).count();
            assert_eq!(ids, if kind == Kind::Days { 0 } else { 20 });
            let sent: Sent<'_> = serde_json::from_str(&sent).unwrap();
            let lengths: Vec<_> = sent.data.iter().map(|one| one.get().len()).collect();
            assert!(lengths.iter().all(|length| (4_000 - 2 * SAMPLE..=4_000).contains(length)), "{lengths:?}");
        }
    }

    #[test]
    fn a_sized_one_is_so_long_to_the_byte() {
        for records in [1, 9] {
            let body = sized(Kind::Days, "u", records, 100_000);
            assert_eq!(body.len(), 100_000);
            let blanks = body.len() - body.trim_end().len();
            assert!(blanks <= 9 * (SAMPLE + 1) + 9, "{blanks}");
            assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
        }
    }
}
