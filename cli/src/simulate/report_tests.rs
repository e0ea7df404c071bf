use super::*;

fn report(failed: u64, differences: usize) -> Report {
    let difference = |at: usize| Difference {
        owner: "user u".to_owned(),
        kind: "daily".to_owned(),
        id: format!("2026-07-{at:02}"),
        what: "missing".to_owned(),
    };
    let checked = Checked { differences: (1..=differences).map(difference).collect(), ..Checked::default() };
    let mut row = Row::default();
    (row.sent, row.failed) = (7, failed);
    Report {
        repeat: "terrace simulate --seed 1".to_owned(),
        seed: 1,
        events: [("daily", row.clone())].into(),
        total: row,
        seconds: 2.0,
        deliveries_per_second: 3.5,
        megabytes_per_second: 0.1,
        failures: Vec::new(),
        check: Some(checked),
    }
}

#[test]
fn the_exit_status_says_whether_everything_is_right() {
    assert_eq!(report(0, 0).exit_status(), 0);
    assert_eq!(report(0, 1).exit_status(), 1);
    assert_eq!(report(1, 0).exit_status(), 1);
    assert_eq!(Report { check: None, ..report(0, 0) }.exit_status(), 0);
}

#[test]
fn a_report_names_twenty_differences_and_counts_the_rest() {
    let text = report(0, 25).text();
    assert!(text.contains("25 different:\n  user u, daily 2026-07-01: missing\n"), "{text}");
    assert!(text.contains("2026-07-20") && !text.contains("2026-07-21") && text.contains("… and 5 more"));
    assert!(text.contains("Repeat with: terrace simulate --seed 1"));
    assert!(report(0, 0).text().contains("No difference"));
}

#[test]
fn programs_read_the_same_numbers() {
    let json = serde_json::to_value(report(0, 2)).unwrap();
    assert_eq!(json["events"]["daily"]["sent"], 7);
    assert_eq!(json["check"]["differences"][1]["id"], "2026-07-02");
    assert_eq!(json["seed"], 1);
}
