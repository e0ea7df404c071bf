//! Rows with one column for each value: names of nested values are joined by dots, texts stand as they are, numbers to
//! their last digit, lists as JSON.
//!
//! Which columns there are is known once all lines were looked at, so lines are gone through twice, one at a time: memory
//! is bounded by the longest line and [`MAX_COLUMNS`] names.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;

/// How many columns values have. What comes later in the file under other names goes into [`MORE`], as JSON.
pub const MAX_COLUMNS: usize = 1_000;
/// The last column, where there are more values than columns.
pub const MORE: &str = "more";
/// The columns that every record has.
pub const FIXED: [&str; 8] =
    ["user_id", "reference_id", "type", "id", "start_time", "end_time", "provider", "updated_at"];

#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    user_id: Option<&'l RawValue>,
    reference_id: Option<&'l RawValue>,
    #[serde(rename = "type")]
    data_type: Option<&'l RawValue>,
    id: Option<&'l RawValue>,
    start_time: Option<&'l RawValue>,
    end_time: Option<&'l RawValue>,
    provider: Option<&'l RawValue>,
    updated_at: Option<&'l RawValue>,
    summary: Option<&'l RawValue>,
}

impl<'l> Line<'l> {
    /// What stands in the fixed columns.
    fn fixed(&self) -> [Option<&'l RawValue>; FIXED.len()] {
        [
            self.user_id,
            self.reference_id,
            self.data_type,
            self.id,
            self.start_time,
            self.end_time,
            self.provider,
            self.updated_at,
        ]
    }
}

/// The columns of a file of lines, after the fixed ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Columns {
    names: Vec<String>,
    more: bool,
}

/// Goes on unless somebody wants an end.
pub type Check<'c> = &'c dyn Fn() -> ControlFlow<()>;

impl Columns {
    /// Looks all lines through. `None` if somebody wanted an end before.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn of(mut lines: impl BufRead, check: Check<'_>) -> io::Result<Option<Self>> {
        let (mut names, mut more) = (BTreeSet::new(), false);
        let mut text = Vec::new();
        while next(&mut lines, &mut text)? {
            if check().is_break() {
                return Ok(None);
            }
            let line: Line<'_> = serde_json::from_slice(&text)?;
            let Some(summary) = line.summary else { continue };
            flatten(&mut String::new(), summary, &mut |name, _| {
                let known = names.contains(name);
                more |= !known && names.len() >= MAX_COLUMNS;
                if !known && names.len() < MAX_COLUMNS {
                    names.insert(name.to_owned());
                }
            })?;
        }
        Ok(Some(Self { names: names.into_iter().collect(), more }))
    }

    /// Writes all lines as rows below a heading. `false` if somebody wanted an end before.
    ///
    /// # Errors
    ///
    /// When lines cannot be read or rows not be written.
    pub fn write(&self, mut lines: impl BufRead, rows: impl Write, check: Check<'_>) -> io::Result<bool> {
        let mut rows = csv::WriterBuilder::new().from_writer(rows);
        rows.write_record(self.heading().iter().map(AsRef::as_ref)).map_err(of_disk)?;
        let at: HashMap<&str, usize> =
            self.names.iter().enumerate().map(|(at, name)| (name.as_str(), at + FIXED.len())).collect();
        let width = FIXED.len() + self.names.len() + usize::from(self.more);
        let mut row = vec![String::new(); width];
        let mut text = Vec::new();
        while next(&mut lines, &mut text)? {
            if check().is_break() {
                return Ok(false);
            }
            row.iter_mut().for_each(String::clear);
            self.fill(&mut row, &at, &text)?;
            rows.write_record(&row).map_err(of_disk)?;
        }
        rows.flush()?;
        Ok(true)
    }

    fn fill(&self, row: &mut [String], at: &HashMap<&str, usize>, text: &[u8]) -> io::Result<()> {
        let line: Line<'_> = serde_json::from_slice(text)?;
        for (value, cell) in line.fixed().into_iter().zip(row.iter_mut()) {
            if let Some(value) = value {
                cell.push_str(&shown(value)?);
            }
        }
        let mut more: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
        if let Some(summary) = line.summary {
            flatten(
                &mut String::new(),
                summary,
                &mut |name, value| match at.get(name).and_then(|at| row.get_mut(*at)) {
                    Some(cell) => *cell = shown(value).unwrap_or_default().into_owned(),
                    None => drop(more.insert(name.to_owned(), value.to_owned())),
                },
            )?;
        }
        if let Some(cell) = row.last_mut().filter(|_| self.more && !more.is_empty()) {
            *cell = serde_json::to_string(&more)?;
        }
        Ok(())
    }

    /// The names of all columns. A value that is called as a fixed column is gets a name that tells them apart.
    fn heading(&self) -> Vec<Cow<'_, str>> {
        let fixed = FIXED.into_iter().map(Cow::Borrowed);
        let names = self.names.iter().map(|name| match FIXED.contains(&name.as_str()) || name == MORE {
            true => Cow::Owned(format!("summary.{name}")),
            false => Cow::Borrowed(name.as_str()),
        });
        fixed.chain(names).chain(self.more.then_some(Cow::Borrowed(MORE))).collect()
    }
}

/// What the disk said, so that it is known when there is no room.
fn of_disk(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Reads a line; `false` where there is none.
fn next(lines: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    text.clear();
    Ok(lines.read_until(b'\n', text)? > 0)
}

/// Calls `found` with each value and its dotted name. An empty object has none.
fn flatten(name: &mut String, value: &RawValue, found: &mut impl FnMut(&str, &RawValue)) -> io::Result<()> {
    if !value.get().starts_with('{') {
        if value.get() != "null" {
            found(name, value);
        }
        return Ok(());
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get())?;
    for (member, value) in members {
        let length = name.len();
        if length > 0 {
            name.push('.');
        }
        name.push_str(&member);
        flatten(name, value, found)?;
        name.truncate(length);
    }
    Ok(())
}

/// A value as a cell shows it.
fn shown(value: &RawValue) -> io::Result<Cow<'_, str>> {
    let text = value.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => Cow::Owned(serde_json::from_str(text)?),
        Some(b'n') => Cow::Borrowed(""),
        _ => Cow::Borrowed(text),
    })
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
