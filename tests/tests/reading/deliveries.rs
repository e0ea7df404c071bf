//! Deliveries, and what became of them.

use crate::asked::{day, event, pages, session};
use serde_json::{Value, json};
use terrace_tests::Terrace;

#[tokio::test]
async fn what_became_of_a_delivery_is_told() {
    let terrace = Terrace::new().await;
    let steps = |steps: u64| json!({"metadata": {"start_time": "2026-07-01"}, "steps": steps});
    let at = |second: u64| 1_750_000_000_000 + second * 1_000;
    terrace.accept(&event("daily", "u", &[steps(1), day("2026-07-02")]).ordered(at(1))).await;
    terrace.accept(&event("daily", "u", &[steps(3)]).ordered(at(3))).await;
    terrace.accept(&event("daily", "u", &[steps(2)]).ordered(at(2))).await;
    terrace.accept(&event("daily", "u", &[day("no date"), day("2026-07-03")]).ordered(at(4))).await;
    terrace.accept(&event("daily", "u", &[day("no date")]).ordered(at(5))).await;
    terrace.accept(&event("rate_limit_hit", "u", &[]).ordered(at(6))).await;
    terrace.accept(&event("route", "u", &[]).ordered(at(7))).await;
    terrace.accept(&event("deauth", "u", &[]).ordered(at(8))).await;
    let many: Vec<_> = (0..201).map(|at| session(&format!("{at}"), "2026-07-01")).collect();
    assert_eq!(terrace.accept(&event("sleep", "u", &many).ordered(at(9))).await["status"], "queued");

    let told = |current: u64, superseded: u64, pending: u64| json!({"current": current, "superseded": superseded, "pending": pending});
    let mut expected = vec![
        ("daily", "stored", None, told(1, 1, 0)),
        ("daily", "stored", None, told(0, 1, 0)),
        ("daily", "stored", None, told(1, 0, 0)),
        ("daily", "stored", Some("unidentified"), told(1, 0, 0)),
        ("daily", "quarantined", Some("unidentified"), told(0, 0, 0)),
        ("rate_limit_hit", "ignored", None, told(0, 0, 0)),
        ("unknown", "ignored", Some("unknown_type"), told(0, 0, 0)),
        ("deauth", "stored", None, told(0, 0, 0)),
        ("sleep", "queued", None, told(0, 0, 201)),
    ];
    let all = check_deliveries(&terrace, &expected).await;
    assert_eq!(terrace.settle().await.of("apply"), 1);
    expected[8] = ("sleep", "stored", None, told(201, 0, 0));
    let settled = check_deliveries(&terrace, &expected).await;
    assert_eq!(all[8]["delivery"], settled[8]["delivery"]);
    for limit in 1..=10 {
        assert_eq!(pages(&terrace, "/users/u/deliveries", &[], "deliveries", &[limit]).await, settled);
    }
    let ordered: Vec<_> = all.iter().map(|one| one["ordered_at"].as_str().unwrap()).collect();
    assert_eq!((ordered[0], ordered[8]), ("2025-06-15T15:06:41.000Z", "2025-06-15T15:06:49.000Z"));
}

async fn check_deliveries(terrace: &Terrace, expected: &[(&str, &str, Option<&str>, Value)]) -> Vec<Value> {
    let list = terrace.read("/users/u/deliveries", &[]).await;
    let all = list["deliveries"].as_array().unwrap();
    assert_eq!(all.len(), expected.len());
    for (one, (event, status, quarantine, records)) in all.iter().zip(expected) {
        assert_eq!((one["event"].as_str(), one["status"].as_str()), (Some(*event), Some(*status)), "{one}");
        assert_eq!((one["quarantine"].as_str(), &one["records"]), (*quarantine, records), "{one}");
    }
    all.clone()
}

#[tokio::test]
async fn deliveries_are_listed_by_the_day_they_were_made() {
    let terrace = Terrace::new().await;
    // The first and the last millisecond of three days, and the one after.
    let day_ms = 86_400_000;
    let first = 1_749_945_600_000_u64;
    let times =
        [first, first + day_ms - 1, first + day_ms, first + 2 * day_ms - 1, first + 2 * day_ms, first + 3 * day_ms];
    for time in times {
        terrace.accept(&event("daily", "u", &[]).trace(&format!("t{time}")).ordered(time)).await;
    }
    for (from, to, found) in [
        ("2025-06-15", "2025-06-15", 0..2),
        ("2025-06-16", "2025-06-17", 2..5),
        ("2025-06-15", "", 0..6),
        ("", "2025-06-16", 0..4),
        ("2025-06-19", "", 0..0),
    ] {
        let asked: Vec<_> = [("from", from), ("to", to)].into_iter().filter(|(_, day)| !day.is_empty()).collect();
        let list = terrace.read("/users/u/deliveries", &asked).await;
        let list: Vec<_> = list["deliveries"].as_array().unwrap().iter().map(|one| &one["delivery"]).collect();
        assert_eq!(list.len(), found.len(), "{from} {to}");
        for (one, time) in list.iter().zip(&times[found]) {
            assert!(one.as_str().unwrap().ends_with(&format!("t{time}")), "{from} {to}");
        }
    }
}
