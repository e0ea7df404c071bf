//! Arbitrary sets of deliveries in arbitrary orders. Everything is drawn from small pools, so that copies of one
//! record, equal times and equal bytes meet often.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use terrace_tests::sent::{Enrichment, Kind, SentCopy, SentDelivery};

/// Deliveries, and the order in which they come: each at least once.
#[derive(Debug, Clone)]
pub struct Case {
    pub deliveries: Vec<SentDelivery>,
    pub order: Vec<usize>,
    pub other_order: Vec<usize>,
    pub together: usize,
}

const MEMBERS: [&str; 4] = ["steps", "heart", "note", "nested"];
const VALUES: [&str; 10] = [
    "1",
    "1.10",
    "12345678901234567890.1234567890",
    "1e5",
    "null",
    "{}",
    "[]",
    "[1,null,2.50]",
    r#"{"x":{"y":0.0,"data_enrichment":{"z":1}}}"#,
    r#""\u0061\"b, c:{null""#,
];
const SCORES: [&str; 3] = ["sleep_score", "stress_score", "readiness_contributors"];
const SCORE_VALUES: [&str; 6] =
    ["81", "81.50", "null", "null", r#"{"hrv":1.0,"rest":null}"#, r#"{ "hrv" : 12345678901234567890 }"#];

fn members() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    vec(weighted(0.6, select(&VALUES[..])), 4)
        .prop_map(|values| MEMBERS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect())
}

fn enrichment() -> impl Strategy<Value = Enrichment> {
    let scores = (subsequence(SCORES.to_vec(), 0..=3).prop_shuffle(), vec(select(&SCORE_VALUES[..]), 3));
    prop_oneof![
        2 => Just(Enrichment::Absent),
        1 => Just(Enrichment::Null),
        5 => scores.prop_map(|(names, values)| Enrichment::Scores(names.into_iter().zip(values).collect())),
    ]
}

fn copy(large: u32) -> impl Strategy<Value = SentCopy> {
    let samples = prop_oneof![9 => Just(0_u32), large => 200_u32..1_200];
    (0_u8..2, members(), samples, enrichment(), weighted(0.2, Just(())), any::<bool>()).prop_map(
        |(number, members, samples, enrichment, deleted, spaced)| SentCopy {
            number,
            members,
            samples,
            enrichment,
            deleted: deleted.is_some(),
            spaced,
        },
    )
}

const ODD: [&str; 7] = ["", "now", "-1", "1.5", "+1782897153891", "0", "99999999999999999999999"];

/// Times around the signatures' `now`, in milliseconds: a few equal ones, a few that nobody can have made. None is the
/// whole second of a signature, by which the log would know a delivery without the header.
fn times(now: u64) -> Vec<u64> {
    let base = now * 1_000;
    let credible = [base - 7, base - 1, base - 1, base - 2_001, base - 86_400_007, base + 60_000, 1_577_836_800_000];
    credible.into_iter().chain([base + 60_001, 1_577_836_799_999]).collect()
}

fn ordering(now: u64) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => Just(None),
        7 => select(times(now)).prop_map(|time| Some(time.to_string())),
        1 => select(times(now)).prop_map(|time| Some(format!(" {time} "))),
        1 => select(&ODD[..]).prop_map(|odd| Some(odd.to_owned())),
    ]
}

fn updated(now: u64) -> impl Strategy<Value = Option<(String, Option<u64>)>> {
    let text = |time: u64| Timestamp::from_millisecond(i64::try_from(time).unwrap()).unwrap().to_string();
    prop_oneof![
        2 => Just(None),
        6 => select(times(now)).prop_map(move |time| Some((text(time), Some(time)))),
        1 => Just(Some(("yesterday".to_owned(), None))),
    ]
}

/// A delivery; `large` of ten of its copies have samples.
fn delivery(now: u64, large: u32) -> impl Strategy<Value = SentDelivery> {
    let kind = select(vec![Kind::Daily, Kind::Sleep, Kind::Activity, Kind::HealthObservation]);
    let signed_at = select(vec![now, now, now - 1, now - 3_600]);
    let whose = (select(vec!["u-0", "u-1"]), select(vec!["GARMIN", "OURA"]));
    (whose, kind, vec(copy(large), 0..4), ordering(now), updated(now), signed_at, 0_u8..6).prop_map(
        |((user, provider), kind, copies, ordering, updated, signed_at, trace)| SentDelivery {
            user: user.to_owned(),
            provider,
            kind,
            copies,
            ordering,
            updated,
            signed_at,
            trace: format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b00{trace}"),
        },
    )
}

/// What is sent once more, and how: as it was, signed anew, without its header, or its first copy in other company.
fn again(deliveries: &[SentDelivery], (which, how, later): (Index, u8, u64)) -> SentDelivery {
    let mut again = which.get(deliveries).clone();
    match how {
        0 => {}
        1 => again.signed_at -= later,
        2 => again.ordering = None,
        3 => again.copies.truncate(1),
        _ => again.copies = which.get(deliveries).copies.iter().rev().cloned().collect(),
    }
    again
}

/// A set of up to `most` deliveries around `now`, a second since 1970, and orders of it.
pub fn case(now: u64, most: usize, large: u32) -> impl Strategy<Value = Case> {
    let first = vec(delivery(now, large), 1..=most);
    let more = vec((any::<Index>(), 0_u8..5, 0_u64..3), 0..=most / 2);
    (first, more, vec(any::<Index>(), 0..=most), any::<Index>())
        .prop_map(|(mut deliveries, more, repeats, together)| {
            let more: Vec<_> = more.into_iter().map(|how| again(&deliveries, how)).collect();
            deliveries.extend(more);
            let mut order: Vec<_> = (0..deliveries.len()).collect();
            order.extend(repeats.iter().map(|repeat| repeat.index(deliveries.len())));
            let together = together.index(order.len() + 1);
            (deliveries, order, together)
        })
        .prop_flat_map(|(deliveries, order, together)| {
            let orders = (Just(order.clone()).prop_shuffle(), Just(order).prop_shuffle());
            (Just(deliveries), orders, Just(together))
        })
        .prop_map(|(deliveries, (order, other_order), together)| Case { deliveries, order, other_order, together })
}
