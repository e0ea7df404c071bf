//! What is asked of a list of deliveries or connections.

use super::Parameters;
use crate::error::QueryError;
use jiff::civil::Date;

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

impl<'q> ListQuestion<'q> {
    /// Reads what is asked of a list of deliveries.
    pub fn of_deliveries(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &["from", "to", "limit", "cursor"], &[])?;
        let (from, to) = (parameters.date("from")?, parameters.date("to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(QueryError::bad(
                "from lies after to; both days are part of the range, the earlier one is from",
            ));
        }
        Ok(Self { from, to, limit: parameters.limit()?, cursor: parameters.get("cursor") })
    }

    /// Reads what is asked of a list of connections.
    pub fn of_connections(query: &'q [(String, String)]) -> Result<Self, QueryError> {
        let parameters = Parameters::of(query, &["limit", "cursor"], &[])?;
        Ok(Self { from: None, to: None, limit: parameters.limit()?, cursor: parameters.get("cursor") })
    }
}
