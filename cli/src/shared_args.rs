//! Options that several commands have, and how they are read.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use terrace_terra::DataType;

/// Reads the name of a type of records.
pub fn type_name() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(DataType::ALL.map(|data_type| data_type.name()))
}

/// Types in the order in which the server answers them, each once.
pub fn in_order(types: &[String]) -> Vec<String> {
    let known = DataType::ALL.iter().map(|data_type| data_type.name());
    known.filter(|name| types.iter().any(|one| one == name)).map(str::to_owned).collect()
}

/// Reads a day, or a moment.
///
/// # Errors
///
/// When the text is neither.
pub fn day_or_moment(text: &str) -> Result<String, String> {
    if text.len() == 10 && text.parse::<Date>().is_ok() || moment(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("no date and no moment; write one such as 2026-07-01 or 2026-07-01T08:00:00Z".to_owned())
}

/// Reads a moment.
///
/// # Errors
///
/// When the text is none.
pub fn moment(text: &str) -> Result<String, String> {
    let read = text.parse::<Timestamp>();
    read.map(|_| text.to_owned()).map_err(|_| "no moment; write one such as 2026-07-01T08:00:00Z".to_owned())
}

/// Reads a share, from 0 to 1, as it is given on the command line.
///
/// # Errors
///
/// In words for who typed it.
pub fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number; write a share such as 0.1".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share lies between 0 and 1".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_told_from_everything_else() {
        for good in ["2026-07-01", "2026-07-01T08:00:00Z", "2026-07-01T08:00:00+02:00"] {
            assert_eq!(day_or_moment(good).as_deref(), Ok(good));
        }
        for wrong in ["2026-02-30", "yesterday", "", "20260701", "2026-07-01T08:00:00"] {
            assert!(day_or_moment(wrong).is_err() && moment(wrong).is_err(), "{wrong}");
        }
        assert!(moment("2026-07-01").is_err());
    }

    #[test]
    fn types_are_asked_for_in_the_order_of_the_answer() {
        let asked = ["sleep", "daily", "sleep"].map(str::to_owned);
        assert_eq!(in_order(&asked), ["daily", "sleep"]);
        assert!(in_order(&[]).is_empty());
    }

    #[test]
    fn a_share_lies_between_nothing_and_all() {
        assert_eq!([share("0"), share("0.5"), share("1")], [Ok(0.0), Ok(0.5), Ok(1.0)]);
        for wrong in ["1.1", "-0.1", "NaN", "half", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
