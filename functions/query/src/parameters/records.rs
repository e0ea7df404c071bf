//! What is asked of a list of records.

use super::range::{Range, moment};
use super::{Parameters, data_type};
use crate::error::QueryError;
use std::borrow::Cow;
use terrace_records::RecordKey;
use terrace_store::Position;
use terrace_terra::DataType;
use terrace_terra::ids::Identifier;

/// What a list of records takes.
const NAMES: [&str; 8] = ["type", "id", "from", "to", "detail", "limit", "cursor", "updated_since"];
/// A number of milliseconds since 1970 that is less is one of seconds.
const LEAST_MILLIS: u64 = 100_000_000_000;
/// One that is more is none of a calendar.
const MOST_MILLIS: u64 = 9_999_999_999_999;

/// How much of a record is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Scalars and short arrays.
    Summary,
    /// The record as Terra sent it.
    Full,
}

/// What is asked of a list of records.
#[derive(Debug)]
pub struct RecordsQuestion<'q> {
    /// Of these types, in their order; empty means all.
    types: Vec<DataType>,
    /// Of one identifier alone.
    pub id: Option<Identifier<'q>>,
    /// Between these days or moments.
    pub range: Range,
    /// Written at or after this time, in milliseconds since 1970.
    pub updated_since: Option<u64>,
    /// How much of each.
    pub detail: Detail,
    /// How many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<&'q str>,
}

impl<'q> RecordsQuestion<'q> {
    /// Reads what is asked of a list of records.
    pub fn read(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &NAMES, &["type"])?;
        let asked = Self {
            types: types(&parameters)?,
            id: parameters.get("id").and_then(|id| Identifier::new(Cow::Borrowed(id))),
            range: Range::read(&parameters)?,
            updated_since: parameters.get("updated_since").map(millis).transpose()?,
            detail: detail(&parameters)?,
            limit: parameters.limit()?,
            cursor: parameters.get("cursor"),
        };
        if asked.id.is_some() && (asked.range.is_bounded() || asked.updated_since.is_some()) {
            return Err(QueryError::bad("id names records by itself; leave out from, to and updated_since"));
        }
        Ok(asked)
    }

    /// The types asked for, in the order of the answer.
    pub fn types(&self) -> impl Iterator<Item = DataType> {
        DataType::ALL.into_iter().filter(|one| self.types.is_empty() || self.types.contains(one))
    }

    /// Where what stands there in the list of its type stands in the list that answers this.
    pub fn place_of(&self, position: Position) -> Position {
        // Changes are listed by key, not by date.
        Position { start_key: position.start_key.filter(|_| self.updated_since.is_none()), ..position }
    }

    /// Whether the list may have such a place: of a type asked for, and within the range, which the table insists on.
    pub fn has_place(&self, place: &Position) -> bool {
        let Some(data_type) = RecordKey::from_sort_key(&place.record).map(|key| key.data_type()) else { return false };
        let by_date = self.updated_since.is_none() && !data_type.is_daily();
        let key = place.start_key.as_ref().unwrap_or(&place.record);
        let within = self.updated_since.is_some() || self.range.days().has_key(data_type, key);
        self.types().any(|asked| asked == data_type) && place.start_key.is_some() == by_date && within
    }

    /// What of the question its cursors are bound to: everything but how many, how much of each, and where.
    pub fn bound_to(&self) -> [Option<String>; 4] {
        let types: Vec<&str> = self.types.iter().map(|one| one.name()).collect();
        [
            (!types.is_empty()).then(|| types.join(",")),
            self.range.from.map(|bound| bound.to_string()),
            self.range.to.map(|bound| bound.to_string()),
            self.updated_since.map(|since| since.to_string()),
        ]
    }
}

/// The types asked for, sorted: a parameter may name several, and may be given several times.
fn types(parameters: &Parameters<'_>) -> Result<Vec<DataType>, QueryError> {
    let names = parameters.all("type").flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let named: Vec<DataType> = names.map(data_type).collect::<Result<_, _>>()?;
    Ok(DataType::ALL.into_iter().filter(|one| named.contains(one)).collect())
}

fn detail(parameters: &Parameters<'_>) -> Result<Detail, QueryError> {
    match parameters.get("detail") {
        None | Some("summary") => Ok(Detail::Summary),
        Some("full") => Ok(Detail::Full),
        Some(_) => Err(QueryError::bad("detail is neither summary nor full")),
    }
}

/// Reads a time that records were written since.
fn millis(text: &str) -> Result<u64, QueryError> {
    if let Ok(number) = text.parse::<u64>() {
        return match number {
            0 | LEAST_MILLIS..=MOST_MILLIS => Ok(number),
            _ => Err(QueryError::bad(
                "updated_since is no number of milliseconds since 1970, such as 1782889200000; 0 means ever",
            )),
        };
    }
    let since = moment(text).and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    since.ok_or_else(|| {
        QueryError::bad(
            "updated_since is no instant; write RFC 3339, such as 2026-07-01T07:00:00Z, or milliseconds since 1970 (in a \
             URL the + of an offset is %2B)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_question_without_parameters_has_defaults() {
        let question = RecordsQuestion::read(&[]).unwrap();
        assert_eq!((question.detail, question.limit, question.range), (Detail::Summary, 100, Range::default()));
        assert_eq!(question.types().collect::<Vec<_>>(), DataType::ALL);
        assert_eq!(question.bound_to(), [const { None }; 4]);
        let query = pairs(&[
            ("type", "sleep"),
            ("from", "2026-07-01"),
            ("to", "2026-07-01"),
            ("limit", "1000"),
            ("cursor", ""),
        ]);
        let question = RecordsQuestion::read(&query).unwrap();
        assert_eq!(question.types().collect::<Vec<_>>(), [DataType::Sleep]);
        assert_eq!((question.limit, question.cursor), (1_000, None));
    }

    #[test]
    fn several_types_are_the_same_question_however_they_are_written() {
        let spellings = [
            &[("type", "sleep,daily")][..],
            &[("type", "daily"), ("type", "sleep")],
            &[("type", "sleep, daily,"), ("type", "daily")],
        ];
        for spelling in spellings {
            let query = pairs(spelling);
            let question = RecordsQuestion::read(&query).unwrap();
            assert_eq!(question.types().collect::<Vec<_>>(), [DataType::Daily, DataType::Sleep]);
            assert_eq!(question.bound_to()[0].as_deref(), Some("daily,sleep"));
        }
    }

    #[test]
    fn a_time_is_an_instant_or_milliseconds() {
        for (text, since) in [
            ("2026-07-01T07:00:00Z", 1_782_889_200_000),
            ("2026-07-01T08:00:00.5+01:00", 1_782_889_200_500),
            ("1782889200000", 1_782_889_200_000),
            ("0", 0),
        ] {
            assert_eq!(millis(text).unwrap(), since, "{text}");
        }
        for wrong in
            ["1782889200", "-1", "2026-07-01", "2026-07-01T07:00:00", "1969-01-01T00:00:00Z", "1e12", "99999999999999"]
        {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn wrong_parameters_are_told_what_to_write_instead() {
        for (query, said) in [
            (&[("type", "dayly")][..], "did you mean daily?"),
            (&[("type", "daily,slep")], "did you mean sleep?"),
            (&[("detail", "all")], "neither summary nor full"),
            (&[("from", "2026-02-30")], "YYYY-MM-DD"),
            (&[("to", "2026-07-01T00:00:00")], "YYYY-MM-DD"),
            (&[("to", "yesterday")], "YYYY-MM-DD"),
            (&[("from", "2026-07-02"), ("to", "2026-07-01")], "from lies after to"),
            (&[("from", "2026-07-01T02:00:00Z"), ("to", "2026-07-01T02:30:00+01:00")], "from lies after to"),
            (&[("limit", "0")], "from 1 to 1000"),
            (&[("limit", "1001")], "from 1 to 1000"),
            (&[("limit", "-1")], "from 1 to 1000"),
            (&[("limit", "many")], "from 1 to 1000"),
            (&[("limit", "1"), ("limit", "2")], "given twice"),
            (&[("tpye", "daily")], "did you mean type?; there are type, id, from"),
            (&[("id", "a"), ("from", "2026-07-01")], "leave out from"),
            (&[("id", "a"), ("updated_since", "0")], "leave out from"),
            (&[("id", "")], "id is empty"),
            (&[("type", "")], "type is empty"),
            (&[("updated_since", "1782889200")], "milliseconds"),
            (&[("updated_since", "2026-07-01")], "RFC 3339"),
        ] {
            let error = RecordsQuestion::read(&pairs(query)).unwrap_err();
            assert_eq!(error.answer().status, 400);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
