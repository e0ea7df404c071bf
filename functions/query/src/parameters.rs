//! What the query string says, checked before anything is looked up.

use crate::error::QueryError;
use jiff::civil::Date;
use std::borrow::Cow;
use terrace_store::Days;
use terrace_terra::DataType;
use terrace_terra::ids::Identifier;
use terrace_terra::time::date_as_sent;

/// How many entries a page has unless the question says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// How many it may have.
const MAX_LIMIT: usize = 1_000;

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
    /// Of one type alone.
    pub data_type: Option<DataType>,
    /// Of one identifier alone.
    pub id: Option<Identifier<'q>>,
    /// Of these days.
    pub days: Days,
    /// How much of each.
    pub detail: Detail,
    /// How many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<&'q str>,
}

/// What is asked of a list of deliveries or connections.
#[derive(Debug)]
pub struct ListQuestion<'q> {
    /// From this day.
    pub from: Option<Date>,
    /// Up to this day.
    pub to: Option<Date>,
    /// How many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<&'q str>,
}

/// The parameters of a question, by name.
struct Parameters<'q>(&'q [(String, String)]);

impl<'q> Parameters<'q> {
    fn of(query: &'q [(String, String)], known: &[&str]) -> Result<Self, QueryError> {
        for (at, (name, _)) in query.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(QueryError::bad(format!(
                    "there is no such parameter here; there are {}",
                    known.join(", ")
                )));
            }
            if query.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(QueryError::bad(format!("{name} is given twice; give it once")));
            }
        }
        Ok(Self(query))
    }

    fn get(&self, name: &str) -> Option<&'q str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn date(&self, name: &str) -> Result<Option<Date>, QueryError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let date = Some(text).filter(|text| text.len() == 10).and_then(date_as_sent).and_then(|text| text.parse().ok());
        date.map(Some)
            .ok_or_else(|| QueryError::bad(format!("{name} is no date; write YYYY-MM-DD, such as 2026-07-01")))
    }

    fn dates(&self) -> Result<(Option<Date>, Option<Date>), QueryError> {
        let (from, to) = (self.date("from")?, self.date("to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(QueryError::bad(
                "from lies after to; both days are part of the range, the earlier one is from",
            ));
        }
        Ok((from, to))
    }

    fn limit(&self) -> Result<usize, QueryError> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| QueryError::bad(format!("limit is not a whole number from 1 to {MAX_LIMIT}")))
    }

    fn detail(&self) -> Result<Option<Detail>, QueryError> {
        match self.get("detail") {
            None => Ok(None),
            Some("summary") => Ok(Some(Detail::Summary)),
            Some("full") => Ok(Some(Detail::Full)),
            Some(_) => Err(QueryError::bad("detail is neither summary nor full")),
        }
    }
}

/// Reads a type.
pub fn data_type(name: &str) -> Result<DataType, QueryError> {
    DataType::from_name(name).ok_or_else(|| {
        let names: Vec<_> = DataType::ALL.iter().map(|data_type| data_type.name()).collect();
        QueryError::bad(format!("there is no such type; there are {}", names.join(", ")))
    })
}

impl<'q> RecordsQuestion<'q> {
    /// Reads what is asked of a list of records.
    pub fn read(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &["type", "id", "from", "to", "detail", "limit", "cursor"])?;
        let (from, to) = parameters.dates()?;
        let id = parameters.get("id").and_then(|id| Identifier::new(Cow::Borrowed(id)));
        if id.is_some() && (from.is_some() || to.is_some()) {
            return Err(QueryError::bad("id names records by itself; leave out from and to"));
        }
        Ok(Self {
            data_type: parameters.get("type").map(data_type).transpose()?,
            id,
            days: Days { from: from.map(|date| date.to_string()), to: to.map(|date| date.to_string()) },
            detail: parameters.detail()?.unwrap_or(Detail::Summary),
            limit: parameters.limit()?,
            cursor: parameters.get("cursor"),
        })
    }
}

impl<'q> ListQuestion<'q> {
    /// Reads what is asked of a list of deliveries.
    pub fn of_deliveries(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &["from", "to", "limit", "cursor"])?;
        let (from, to) = parameters.dates()?;
        Ok(Self { from, to, limit: parameters.limit()?, cursor: parameters.get("cursor") })
    }

    /// Reads what is asked of a list of connections.
    pub fn of_connections(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &["limit", "cursor"])?;
        Ok(Self { from: None, to: None, limit: parameters.limit()?, cursor: parameters.get("cursor") })
    }
}

/// Reads which type is missed, where the question says so.
pub fn missed(query: &[(String, String)]) -> Result<Option<DataType>, QueryError> {
    Parameters::of(query, &["type"])?.get("type").map(data_type).transpose()
}

/// Checks that a question about one thing has no parameters.
pub fn none(query: &[(String, String)]) -> Result<(), QueryError> {
    match query {
        [] => Ok(()),
        _ => Err(QueryError::bad("this path takes no parameters")),
    }
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
        assert_eq!((question.detail, question.limit, question.days), (Detail::Summary, 100, Days::default()));
        let query = pairs(&[
            ("type", "sleep"),
            ("from", "2026-07-01"),
            ("to", "2026-07-01"),
            ("limit", "1000"),
            ("cursor", ""),
        ]);
        let question = RecordsQuestion::read(&query).unwrap();
        assert_eq!((question.data_type, question.limit, question.cursor), (Some(DataType::Sleep), 1_000, None));
    }

    #[test]
    fn wrong_parameters_are_told_what_to_write_instead() {
        for (query, said) in [
            (&[("type", "dayly")][..], "activity, athlete"),
            (&[("detail", "all")], "neither summary nor full"),
            (&[("from", "2026-02-30")], "YYYY-MM-DD"),
            (&[("to", "2026-07-01T00:00:00Z")], "YYYY-MM-DD"),
            (&[("to", "yesterday")], "YYYY-MM-DD"),
            (&[("from", "2026-07-02"), ("to", "2026-07-01")], "from lies after to"),
            (&[("limit", "0")], "from 1 to 1000"),
            (&[("limit", "1001")], "from 1 to 1000"),
            (&[("limit", "-1")], "from 1 to 1000"),
            (&[("limit", "many")], "from 1 to 1000"),
            (&[("limit", "1"), ("limit", "2")], "given twice"),
            (&[("tpye", "daily")], "type, id, from"),
            (&[("id", "a"), ("from", "2026-07-01")], "leave out from"),
        ] {
            let error = RecordsQuestion::read(&pairs(query)).unwrap_err();
            assert_eq!(error.answer().status, 400);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
