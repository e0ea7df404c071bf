//! How figures are shown.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// A table as Markdown has it; all columns but the first hold numbers.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = left(headings, rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// A table of words.
pub fn words(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    left(headings, rows).to_string()
}

fn left(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().copied()).add_rows(rows);
    table
}

/// Dollars: to the cent below a hundred.
pub fn dollars(dollars: f64) -> String {
    // An empty sum is a negative nothing.
    let dollars = dollars + 0.0;
    if dollars.abs() < 99.995 { format!("${dollars:.2}") } else { format!("${}", thousands(dollars)) }
}

/// Dollars to the last digit, and at least to the cent.
pub fn exactly(dollars: f64) -> String {
    let short = format!("{dollars:.2}");
    if short.parse() == Ok(dollars) { format!("${short}") } else { format!("${dollars}") }
}

/// A whole number, its thousands apart.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A mean of something that is counted: whole where it is whole.
pub fn mean(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    if rounded.fract() == 0.0 { thousands(rounded) } else { format!("{rounded}") }
}

/// Bytes, to two digits or three.
pub fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1_000.0 => format!("{:.0} B", (bytes / 10.0).round() * 10.0),
        bytes if bytes < 10_000.0 => format!("{:.1} KB", bytes / 1e3),
        bytes if bytes < 1e6 => format!("{:.0} KB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{} GB", thousands(bytes / 1e9)),
    }
}

/// A number of deliveries.
pub fn deliveries(number: f64) -> String {
    match number {
        number if number >= 1e6 && (number / 1e6).fract() == 0.0 => format!("{} M", thousands(number / 1e6)),
        number if number >= 1e3 && (number / 1e3).fract() == 0.0 => format!("{} k", thousands(number / 1e3)),
        number => thousands(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_people_read_them() {
        assert_eq!([0.125, 99.99, 99.999, 1234.5].map(dollars), ["$0.12", "$99.99", "$100", "$1,234"]);
        assert_eq!([3.0, 0.1, 2.456, 1_234.0].map(mean), ["3", "0.1", "2.46", "1,234"]);
        assert_eq!(
            [703.0, 4_321.0, 300_000.0, 4e6, 2.5e12].map(bytes),
            ["700 B", "4.3 KB", "300 KB", "4.0 MB", "2,500 GB"]
        );
        assert_eq!([0.2, 0.005, 3.0].map(exactly), ["$0.20", "$0.005", "$3.00"]);
        assert_eq!([10_000.0, 1e8, 12.0].map(deliveries), ["10 k", "100 M", "12"]);
    }
}
