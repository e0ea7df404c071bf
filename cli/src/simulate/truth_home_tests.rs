use super::*;
use crate::simulate::json::Json;
use crate::simulate::truth::{Acknowledged, Called};
use bytes::Bytes;

const T: u64 = 1_782_897_153;
const MS: u64 = T * 1_000;

/// A daily of a user: what it says beside its date, and when it was emitted.
fn daily(user: &str, record: &str, after_ms: u64) -> (String, u64) {
    let metadata = r#""metadata":{"start_time":"2026-07-01T00:00:00Z"}"#;
    let user = format!(r#"{{"user_id":"{user}","provider":"GARMIN"}}"#);
    (format!(r#"{{"type":"daily","user":{user},"data":[{{{metadata},{record}}}]}}"#), MS + after_ms)
}

fn activity(user: &str, upload_type: u8, after_ms: u64) -> (String, u64) {
    let record = format!(r#"{{"metadata":{{"summary_id":"s","upload_type":{upload_type}}}}}"#);
    (format!(r#"{{"type":"activity","user":{{"user_id":"{user}"}},"data":[{record}]}}"#), MS + after_ms)
}

fn reauth(old: &str, new: &str, after_ms: u64) -> (String, u64) {
    let body = format!(r#"{{"type":"user_reauth","new_user":{{"user_id":"{new}"}},"old_user":{{"user_id":"{old}"}}}}"#);
    (body, MS + after_ms)
}

/// What has to be read after these deliveries, one line for each record and for each user without one; the same in
/// whatever order they come.
fn after(deliveries: &[(String, u64)]) -> Vec<String> {
    let mut orders = vec![deliveries.to_vec(); deliveries.len()];
    orders.iter_mut().enumerate().for_each(|(by, order)| order.rotate_left(by));
    orders.push(deliveries.iter().rev().cloned().collect());
    let mut all: Vec<_> = orders.iter().map(|order| in_this_order(order)).collect();
    let first = all.pop().unwrap();
    assert!(all.iter().all(|other| *other == first), "the order of arrival counts for nothing: {all:?}");
    first
}

fn in_this_order(deliveries: &[(String, u64)]) -> Vec<String> {
    let mut truth = Truth::default();
    for (at, (body, ordering_ms)) in deliveries.iter().enumerate() {
        let delivery = Acknowledged {
            body: Bytes::from(body.clone()),
            ordering_ms: Some(*ordering_ms),
            signed_at: T,
            trace_id: None,
            reference: "r".to_owned(),
            delivery: Called::Answered(format!("d{at}")),
        };
        truth.take_in(&delivery).unwrap();
    }
    let mut lines = Vec::new();
    for settled in truth.settled() {
        let Owner::User(user) = settled.owner else { panic!("{:?}", settled.owner) };
        let status = settled.known.facts.connection().map_or("unknown", |connection| connection.status);
        assert_eq!(settled.moved, status == "replaced");
        let records = settled.records().unwrap();
        if records.is_empty() {
            lines.push(format!("{user} {status}"));
        }
        lines.extend(records.iter().map(|record| {
            let said = record.data.members().iter().filter(|(name, _)| name != "metadata").cloned().collect();
            format!("{user} {status} {} {}", record.data_type, Json::Object(said).write())
        }));
    }
    lines
}

#[test]
fn the_greater_copy_stays_whichever_id_it_came_for() {
    let (less, more) = (r#""steps":1"#, r#""steps":2"#);
    let kept = [r#"a replaced"#, r#"b active daily {"steps":2}"#];
    for (older, newer) in [("a", "b"), ("b", "a")] {
        assert_eq!(after(&[daily(older, less, 0), reauth("a", "b", 5), daily(newer, more, 9)]), kept);
    }
    // Also where it comes for the old id after all was moved.
    assert_eq!(after(&[reauth("a", "b", 0), daily("b", less, 1), daily("a", more, 9)]), kept);
    assert_eq!(after(&[daily("a", more, 1)])[0], r#"a active daily {"steps":2}"#);
}

#[test]
fn each_score_is_the_newest_that_was_not_null_under_any_of_the_ids() {
    let kept = after(&[
        daily("a", r#""steps":1,"data_enrichment":{"x":1,"y":5,"z":7}"#, 0),
        daily("b", r#""steps":2,"data_enrichment":{"x":2,"y":null}"#, 3),
        reauth("a", "b", 2),
        daily("a", r#""steps":0,"data_enrichment":{"x":null,"y":6}"#, 1),
    ]);
    assert_eq!(kept, ["a replaced", r#"b active daily {"data_enrichment":{"x":2,"y":6,"z":7},"steps":2}"#]);
}

#[test]
fn a_deletion_under_one_id_counts_under_the_other() {
    let gone = ["a replaced", "b active"];
    assert_eq!(after(&[activity("b", 1, 1), activity("a", 4, 2), reauth("a", "b", 0)]), gone);
    let back = after(&[activity("a", 4, 2), activity("b", 1, 3), reauth("a", "b", 0)]);
    assert_eq!(back, ["a replaced", r#"b active activity {}"#]);
}

#[test]
fn everything_ends_at_the_end_of_a_chain() {
    let of = |user| daily(user, &format!(r#""of_{user}":1"#), 0).0;
    let deliveries =
        [(of("a"), MS + 1), (of("b"), MS + 2), reauth("a", "b", 3), reauth("b", "c", 4), (of("a"), MS + 9)];
    let kept = after(&deliveries);
    assert_eq!(kept, ["a replaced", "b replaced", r#"c active daily {"of_a":1}"#]);
}

#[test]
fn a_cycle_ends_where_the_later_step_leads() {
    let data = [daily("a", r#""steps":1"#, 0), daily("b", r#""steps":2"#, 6)];
    let there_and_back = after(&[&data[..], &[reauth("a", "b", 5), reauth("b", "a", 7)]].concat());
    assert_eq!(there_and_back, [r#"a active daily {"steps":2}"#, "b replaced"]);
    let back_and_there = after(&[&data[..], &[reauth("a", "b", 8), reauth("b", "a", 7)]].concat());
    assert_eq!(back_and_there, ["a replaced", r#"b active daily {"steps":2}"#]);
}

#[test]
fn of_several_new_ids_the_latest_has_the_records() {
    let kept = after(&[daily("a", r#""steps":1"#, 0), reauth("a", "b", 3), reauth("a", "c", 4)]);
    assert_eq!(kept, ["a replaced", "b active", r#"c active daily {"steps":1}"#]);
}

#[test]
fn nothing_moves_where_no_old_id_is_named() {
    for old in ["", r#","old_user":null"#] {
        let body = format!(r#"{{"type":"user_reauth","new_user":{{"user_id":"b"}}{old}}}"#);
        let kept = after(&[daily("a", r#""steps":1"#, 0), (body, MS + 1)]);
        assert_eq!(kept, [r#"a active daily {"steps":1}"#, "b active"]);
    }
}
