//! The table, and the same as JSON.

use crate::bodies::SMALL;
use crate::budgets::{Budget, all};
use crate::cost::{Cost, LAMBDA_LOG_BYTES, MEMORY_GB, ROUND_TRIP_MS};
use crate::machine::Machine;
use crate::measure::Figures;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Map, Value, json};

/// What came of a rival: its figures, or why there are none.
pub type Compared = (&'static str, Result<Figures, String>);

/// The table as people read it, with what has to be known to read it.
pub fn text(machine: &Machine, terrace: &Figures, rivals: &[Compared]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let mut header = vec!["budget".to_owned(), "limit".to_owned(), "terrace".to_owned(), "met".to_owned()];
    header.extend(rivals.iter().map(|(name, figures)| match figures {
        Ok(_) => (*name).to_owned(),
        Err(reason) => format!("{name}: not run: {}", short(reason)),
    }));
    table.set_header(header);
    for budget in all() {
        table.add_row(row(&budget, terrace, rivals));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut lines = vec![table.to_string(), String::new()];
    lines.extend(notes(machine, terrace, rivals));
    lines.join("\n") + "\n"
}

fn row(budget: &Budget, terrace: &Figures, rivals: &[Compared]) -> Vec<String> {
    let (unit, own) = (budget.unit, (budget.figure)(terrace));
    let none = || "-".to_owned();
    let mut cells = vec![
        budget.what.clone(),
        budget.limit.map_or_else(none, |limit| unit.show(limit)),
        own.map_or_else(none, |own| unit.show(own)),
        own.and_then(|own| budget.margin(own)).map_or_else(none, verdict),
    ];
    cells.extend(rivals.iter().map(|(_, figures)| {
        let other = figures.as_ref().ok().and_then(budget.figure);
        match (own, other) {
            (Some(own), Some(other)) => format!("{} ({:.1}x)", unit.show(other), other / own),
            _ => none(),
        }
    }));
    cells
}

/// The beginning of a reason; the whole of it stands below the table.
fn short(reason: &str) -> String {
    const LENGTH: usize = 40;
    let line = reason.lines().next().unwrap_or_default();
    let beginning: String = line.chars().take(LENGTH).collect();
    if beginning.len() < reason.len() { beginning + "…" } else { beginning }
}

fn verdict(margin: f64) -> String {
    match margin {
        // A miss by a hair is a miss by one per cent, not by none.
        margin if margin < 0.0 => format!("MISSED by {:.0} %", (-margin).max(1.0)),
        margin => format!("met by {margin:.0} %"),
    }
}

fn notes(machine: &Machine, terrace: &Figures, rivals: &[Compared]) -> Vec<String> {
    let cost = Cost::of(terrace);
    let calls: Vec<_> = terrace.small.calls.iter().map(|(name, calls)| format!("{calls} {name}")).collect();
    let mut notes = vec![
        machine.told(),
        "Medians. CPU is user and system time of the receiver's process. DynamoDB, S3 and the Runtime API are on the"
            .into(),
        "loopback, without TLS. 1 MB of memory or bundle is 2^20 bytes; bodies are counted in powers of ten.".into(),
        format!("A small delivery ({}, one record, a known user) asks for: {}.", SMALL.name, calls.join(", ")),
        format!(
            "A million of them: API ${:.2}, Lambda ${:.2}, DynamoDB ${:.2}, logs ${:.2}, at the list prices of us-east-1 for",
            cost.api, cost.lambda, cost.store, cost.log
        ),
        format!(
            "arm64 with {:.0} MB; {:.1} ms billed as measured here and {ROUND_TRIP_MS} ms more for each call; {LAMBDA_LOG_BYTES} B of Lambda's own",
            MEMORY_GB * 1_024.0,
            terrace.billed_ms
        ),
        "log lines for each delivery. Storage and what is charged by the month are apart.".into(),
    ];
    for (name, figures) in rivals {
        if let Err(reason) = figures {
            notes.push(format!("{name}: not run: {reason}"));
        }
    }
    notes
}

/// The same for machines.
pub fn json(machine: &Machine, terrace: &Figures, rivals: &[Compared]) -> Value {
    let rows: Vec<Value> = all().iter().map(|budget| json_row(budget, terrace, rivals)).collect();
    let not_run: Map<String, Value> = rivals
        .iter()
        .filter_map(|(name, figures)| Some(((*name).to_owned(), Value::from(figures.as_ref().err()?.clone()))))
        .collect();
    json!({
        "machine": machine.cpus,
        "other_work_percent_of_one_cpu": machine.other_work,
        "rows": rows,
        "not_run": not_run,
        "calls": terrace.small.calls,
    })
}

fn json_row(budget: &Budget, terrace: &Figures, rivals: &[Compared]) -> Value {
    let own = (budget.figure)(terrace);
    let met = own.and_then(|own| budget.margin(own)).map(|margin| margin >= 0.0);
    let mut row = Map::new();
    row.insert("what".to_owned(), Value::from(budget.what.clone()));
    row.insert("unit".to_owned(), Value::from(budget.unit.name()));
    row.insert("budget".to_owned(), Value::from(budget.limit));
    row.insert("met".to_owned(), Value::from(met));
    row.insert("terrace".to_owned(), Value::from(own));
    for (name, figures) in rivals {
        let figure = figures.as_ref().ok().and_then(budget.figure);
        row.insert((*name).to_owned(), Value::from(figure));
    }
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn machine() -> Machine {
        Machine { cpus: "2 CPUs".to_owned(), other_work: 0.0 }
    }

    fn compared() -> (Figures, [Compared; 2]) {
        let terrace = Figures { start: Duration::from_millis(10), ..Figures::example() };
        let node = Figures { start: Duration::from_millis(250), ..Figures::example() };
        (terrace, [("node", Ok(node)), ("python", Err("python3 is not installed".to_owned()))])
    }

    #[test]
    fn a_row_says_what_is_allowed_what_is_and_how_others_do() {
        let (terrace, rivals) = compared();
        let text = text(&machine(), &terrace, &rivals);
        let start = text.lines().find(|line| line.contains("start: ")).unwrap();
        let cells: Vec<_> = start.split('|').map(str::trim).collect();
        assert_eq!(
            cells[1..6],
            ["start: spawn to first poll", "8.00 ms", "10.0 ms", "MISSED by 25 %", "250.0 ms (25.0x)"]
        );
        assert_eq!(cells[6], "-");
        assert!(text.ends_with("python: not run: python3 is not installed\n"), "{text}");
    }

    #[test]
    fn machines_are_told_the_same() {
        let (terrace, rivals) = compared();
        let told = json(&machine(), &terrace, &rivals);
        let start = json!({ "what": "start: spawn to first poll", "unit": "ms", "budget": 8.0, "met": false,
            "terrace": 10.0, "node": 250.0, "python": null });
        assert_eq!(told["rows"][0], start);
        assert_eq!(told["not_run"], json!({ "python": "python3 is not installed" }));
    }

    #[test]
    fn a_hair_over_the_limit_is_over_it() {
        assert_eq!(
            (verdict(-0.1).as_str(), verdict(0.0).as_str(), verdict(12.4).as_str()),
            ("MISSED by 1 %", "met by 0 %", "met by 12 %")
        );
    }
}
