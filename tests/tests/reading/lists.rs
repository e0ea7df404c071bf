//! Records in lists: by type and date, in ranges, in pages of any size.

use crate::asked::{Asked, a_life, day, event, listed, names, pages, session};
use serde_json::json;
use std::collections::BTreeSet;
use terrace_tests::{Delivery, Terrace};

#[tokio::test]
async fn a_range_counts_both_days_by_the_date_as_sent() {
    let terrace = Terrace::new().await;
    let starts = [
        "2026-06-30T23:59:59.999999-11:00",
        "2026-07-01",
        "2026-07-02T00:30:00.000000+13:00",
        "2026-07-03T23:59:59.999999-11:00",
        "2026-07-04T00:00:00Z",
    ];
    terrace.accept(&event("daily", "u", &starts.map(day))).await;
    let sessions: Vec<_> = starts.iter().map(|start| session(&start[..10], start)).collect();
    terrace.accept(&event("sleep", "u", &sessions)).await;
    terrace.accept(&event("activity", "u", &sessions)).await;
    let hormones = starts.map(|start| json!({"timestamp": start}));
    terrace.accept(&event("hormone", "u", &hormones)).await;
    for of_type in ["daily", "sleep", "activity", "hormone"] {
        for (from, to, days) in [
            (Some("2026-07-01"), Some("2026-07-03"), 1..4),
            (Some("2026-07-02"), Some("2026-07-02"), 2..3),
            (Some("2026-07-01"), None, 1..5),
            (None, Some("2026-07-01"), 0..2),
            (Some("2026-07-05"), None, 0..0),
            (None, Some("2026-06-29"), 0..0),
            (Some("2020-01-01"), Some("2030-12-31"), 0..5),
            (None, None, 0..5),
        ] {
            let asked = [Some(("type", of_type)), from.map(|from| ("from", from)), to.map(|to| ("to", to))];
            let asked: Asked<'_> = asked.into_iter().flatten().collect();
            let found = listed(&terrace, &asked).await;
            let dates: Vec<_> = found.iter().map(|name| &name[of_type.len() + 1..][..10]).collect();
            let expected: Vec<_> = starts[days].iter().map(|start| &start[..10]).collect();
            assert_eq!(dates, expected, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn records_without_a_date_are_listed_last_and_in_no_range() {
    let terrace = Terrace::new().await;
    let odd =
        [json!({"metadata": {"summary_id": "none"}}), session("odd", "noon"), session("dated", "2026-07-01T07:00:00Z")];
    terrace.accept(&event("activity", "u", &odd)).await;
    assert_eq!(listed(&terrace, &[]).await, ["activity/dated", "activity/none", "activity/odd"]);
    for range in
        [&[("from", "0001-01-01")][..], &[("to", "9999-12-31")], &[("from", "0001-01-01"), ("to", "9999-12-31")]]
    {
        assert_eq!(listed(&terrace, range).await, ["activity/dated"], "{range:?}");
    }
}

#[tokio::test]
async fn records_are_listed_by_type_and_date() {
    let terrace = Terrace::new().await;
    let at = |hour: u8| format!("2026-07-01T{hour:02}:00:00Z");
    terrace.accept(&event("sleep", "u", &[session("a", &at(9)), session("b", &at(3)), session("c", &at(5))])).await;
    terrace.accept(&event("nutrition", "u", &["2026-07-02", "2026-06-01", "2026-07-01"].map(day))).await;
    terrace.accept(&event("activity", "u", &[session("z", &at(1)), session("y", &at(2))])).await;
    terrace.accept(&event("body", "u", &[day("2027-01-01")])).await;
    let athlete = json!({"type": "athlete", "user": {"user_id": "u"}, "athlete": {"age": 40}}).to_string();
    terrace.accept(&Delivery::new(athlete)).await;
    let expected = [
        "activity/z",
        "activity/y",
        "athlete/athlete",
        "body/2027-01-01",
        "nutrition/2026-06-01",
        "nutrition/2026-07-01",
        "nutrition/2026-07-02",
        "sleep/b",
        "sleep/c",
        "sleep/a",
    ];
    assert_eq!(listed(&terrace, &[]).await, expected);
    assert_eq!(listed(&terrace, &[("type", "nutrition")]).await, expected[4..7]);
}

#[tokio::test]
async fn pages_of_any_size_make_the_whole_list() {
    let terrace = a_life().await;
    let whole = listed(&terrace, &[("limit", "1000")]).await;
    assert_eq!(whole.len(), 12 + 3 + 12 + 2);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len());
    for asked in [
        &[][..],
        &[("type", "activity")],
        &[("type", "daily")],
        &[("from", "2026-07-02"), ("to", "2026-07-04")],
        &[("type", "activity"), ("from", "2026-07-03")],
        &[("detail", "full"), ("to", "2026-07-03")],
    ] {
        let whole = terrace.read("/users/u/records", asked).await;
        let whole = whole["records"].as_array().unwrap();
        for limit in 1..=whole.len() + 2 {
            assert_eq!(
                pages(&terrace, "/users/u/records", asked, "records", &[limit]).await,
                *whole,
                "{asked:?} {limit}"
            );
        }
        for limits in [&[1, 2, 3][..], &[7, 1], &[5, 1, 1, 11]] {
            assert_eq!(
                pages(&terrace, "/users/u/records", asked, "records", limits).await,
                *whole,
                "{asked:?} {limits:?}"
            );
        }
    }
}

#[tokio::test]
async fn many_deleted_records_in_a_row_hide_nothing_behind_them() {
    let terrace = Terrace::new().await;
    let mark = |at: usize| json!({"metadata": {"summary_id": format!("a{at:03}"), "start_time": format!("2026-07-01T00:{:02}:{:02}Z", at / 60, at % 60), "upload_type": 4}});
    terrace.accept(&event("activity", "u", &(0..150).map(mark).collect::<Vec<_>>())).await;
    terrace.accept(&event("activity", "u", &[session("last", "2026-07-02")])).await;
    terrace.accept(&event("daily", "u", &[day("2026-07-01")])).await;
    for limit in [1, 2, 100, 1_000] {
        let found = pages(&terrace, "/users/u/records", &[], "records", &[limit]).await;
        assert_eq!(names(&json!({"records": found})), ["activity/last", "daily/2026-07-01"], "{limit}");
    }
}

#[tokio::test]
async fn a_page_without_a_limit_has_a_hundred() {
    let terrace = Terrace::new().await;
    let all: Vec<_> = (0..130).map(|at| session(&format!("a{at:03}"), "2026-07-01T00:00:00Z")).collect();
    terrace.accept(&event("sleep", "u", &all)).await;
    let page = terrace.read("/users/u/records", &[]).await;
    assert_eq!(names(&page).len(), 100);
    let cursor = page["cursor"].as_str().unwrap();
    assert_eq!(names(&terrace.read("/users/u/records", &[("cursor", cursor)]).await).len(), 30);
}

#[tokio::test]
async fn an_identifier_names_the_records_of_every_type() {
    let terrace = Terrace::new().await;
    for of_type in ["sleep", "activity"] {
        terrace
            .accept(&event(of_type, "u", &[session("one", "2026-07-01"), session("a/b?c=d&e #", "2026-07-01")]))
            .await;
    }
    terrace.accept(&event("planned_workout", "u", &[json!({"planned_workout_id": "one"})])).await;
    assert_eq!(listed(&terrace, &[("id", "one")]).await, ["activity/one", "planned_workout/one", "sleep/one"]);
    assert_eq!(listed(&terrace, &[("id", "a/b?c=d&e #"), ("type", "sleep")]).await, ["sleep/a/b?c=d&e #"]);
    assert_eq!(listed(&terrace, &[("id", "another")]).await, Vec::<String>::new());
    assert_eq!(terrace.get("/users/u/records/sleep/a/b?c=d&e #", &[]).await.status, 404);
    assert_eq!(terrace.read("/users/u/records/sleep/one", &[]).await["id"], "one");
}
