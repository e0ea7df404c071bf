//! Talking to the person and the program at the other end.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes a line to the standard output.
///
/// # Errors
///
/// When it cannot be written, other than because nobody reads any more.
pub fn say(line: &str) -> io::Result<()> {
    write(line.as_bytes())?;
    write(b"\n")
}

/// Writes bytes to the standard output as they are.
///
/// # Errors
///
/// When they cannot be written, other than because nobody reads any more.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // `terrace … | head` is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a line to the standard error. Where that is closed there is nobody to tell.
pub fn complain(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// An empty table with these headings.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().copied());
    table
}

/// A cell with a number.
pub fn number(number: impl std::fmt::Display) -> Cell {
    Cell::new(number).set_alignment(CellAlignment::Right)
}

/// The beginning of a text, on one line.
pub fn shortened(text: &str, longest: usize) -> String {
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().count() <= longest { text } else { text.chars().take(longest - 1).chain(['…']).collect() }
}

/// JSON on one line. Outside of its texts a line's end is white space, and within them it cannot be.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) { Cow::Owned(json.replace(['\n', '\r'], " ")) } else { Cow::Borrowed(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_shortened_and_what_moves_a_terminal_is_not_shown() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!(shortened("a\u{1b}[2J\n", 9), "a [2J ");
    }

    #[test]
    fn json_is_put_on_one_line() {
        assert_eq!(one_line("{\r\n \"a\":\"b\\n\"}"), "{   \"a\":\"b\\n\"}");
    }
}
