//! What Terrace costs: the page is what the command says, and what is reckoned with is what is provisioned.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::Value;
use std::process::Command;
use terrace_cli::cost::running::{WEBHOOK_MB, WORKER_MB};

const BEGIN: &str = "<!-- begin: terrace cost -->\n";
const END: &str = "<!-- end: terrace cost -->\n";

/// What the command prints.
fn cost(options: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_terrace")).arg("cost").args(options).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same as JSON.
fn reckoned(options: &[&str]) -> Value {
    serde_json::from_str(&cost(&[options, &["--json"]].concat())).unwrap()
}

#[test]
fn the_page_is_what_the_command_prints() {
    let page = include_str!("../../docs/COST.md");
    let tables = page.split(BEGIN).nth(1).and_then(|page| page.split(END).next()).unwrap();
    let printed = cost(&[]);
    let differing = tables.lines().zip(printed.lines()).find(|(page, now)| page != now);
    assert_eq!(differing, None, "docs/COST.md is out of date: make cost-page");
    assert_eq!(tables.lines().count(), printed.lines().count(), "docs/COST.md is out of date: make cost-page");
}

#[test]
fn a_small_delivery_asks_for_what_the_budget_says() {
    let report = reckoned(&["--body-bytes", "700", "--deliveries", "1000000"]);
    let webhook = &report["demand"]["webhook"];
    assert_eq!((&webhook["write_units"], &webhook["puts"], &webhook["calls"]), (&3.0.into(), &0.0.into(), &3.0.into()));
    let requests = report["sums"]["requests"].as_f64().unwrap();
    assert!(requests < 4.0, "{requests}");
    let sum: f64 = report["lines"].as_array().unwrap().iter().map(|line| line["dollars"].as_f64().unwrap()).sum();
    assert!((sum - report["total"].as_f64().unwrap()).abs() < 1e-9);
}

#[test]
fn what_is_asked_for_makes_a_difference() {
    let total = |options: &[&str]| {
        let report = reckoned(&[&["--body-bytes", "300000", "--deliveries", "1000000"], options].concat());
        assert_eq!(report["demand"]["webhook"]["puts"], Value::from(1.0));
        report["sums"]["storage"].as_f64().unwrap()
    };
    let usual = total(&[]);
    assert!(total(&["--log-days", "30"]) < usual);
    assert!(total(&["--days", "3650"]) > usual);
    assert!(total(&["--users", "32000"]) > usual);
}

/// Nobody sends nothing: what is divided by is at least one.
#[test]
fn what_cannot_be_is_refused() {
    for wrong in [["--users", "0"], ["--deliveries", "0"], ["--body-bytes", "1"], ["--types", "nope"], ["--days", "0"]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_terrace")).arg("cost").args(wrong).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{wrong:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(wrong[0]), "{wrong:?}");
    }
}

#[test]
fn functions_and_the_bucket_are_provisioned_as_is_reckoned() {
    let functions = include_str!("../../infra/functions.tf");
    let memory: Vec<f64> = functions
        .lines()
        .filter_map(|line| line.trim().strip_prefix("memory_mb")?.trim().strip_prefix("= ")?.parse().ok())
        .collect();
    assert_eq!(memory, [WEBHOOK_MB, 512.0, WORKER_MB]);
    let bucket = include_str!("../../infra/modules/log_bucket/main.tf");
    let transition = bucket.split("transition {").nth(1).unwrap().split('}').next().unwrap();
    let words: Vec<_> = transition.split_whitespace().collect();
    assert_eq!(words, ["days", "=", "30", "storage_class", "=", "\"GLACIER_IR\""]);
}

#[test]
fn the_readme_says_the_same_as_the_page() {
    let readme = include_str!("../../README.md");
    let section = readme.split("## What it costs").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let page = include_str!("../../docs/COST.md");
    let first = page.lines().find(|line| line.starts_with("- 1 M deliveries a month")).unwrap();
    let figures: Vec<_> = section.split([' ', ',', ':']).filter(|word| word.starts_with('$')).collect();
    assert_eq!(figures.len(), 3, "{figures:?}");
    for figure in figures {
        assert!(first.contains(figure.trim_end_matches('.')), "{figure} is not in: {first}");
    }
}
