//! What becomes of the data of somebody who left, by the customer's policy, in whatever order it is heard of.
#![expect(clippy::indexing_slicing, reason = "a test fails where something is not as it has to be")]

use serde_json::json;
use terrace_records::Retention;
use terrace_runtime::settings::IntakeSettings;
use terrace_tests::erased::only_a_tombstone;
use terrace_tests::events::{Time, large, orders};
use terrace_tests::items::{Items, timeless};
use terrace_tests::{Delivery, Gate, Terrace};

async fn told(retention: Retention) -> Terrace {
    Terrace::behind(&Gate::open(), IntakeSettings { retention, ..IntakeSettings::default() }).await
}

/// All of it in this order, the jobs worked on after each, or once everything came.
async fn in_order(deliveries: &[Delivery], order: &[usize], each: bool) -> Terrace {
    let terrace = told(Retention::Erase).await;
    for at in order {
        terrace.accept(&deliveries[*at]).await;
        if each {
            terrace.settle().await;
        }
    }
    terrace.settle().await;
    terrace
}

#[tokio::test]
async fn by_default_what_was_kept_stays() {
    let time = Time::since(600);
    for how in ["deauth", "access_revoked"] {
        let terrace = told(Retention::default()).await;
        terrace.accept(&time.auth(1, "u")).await;
        terrace.accept(&time.large(2, "u", "s")).await;
        assert_eq!(terrace.accept(&time.left(3, "u", how)).await["status"], "stored");
        assert!(terrace.queue.is_empty());
        assert_eq!(terrace.read("/users/u", &[]).await["status"], "revoked");
        assert_eq!(terrace.read("/users/u/records/sleep/s", &[]).await["data"], large("s", 2));
    }
}

#[tokio::test]
async fn who_left_is_erased_whatever_comes_first() {
    let time = Time::since(600);
    for how in ["deauth", "access_revoked"] {
        let deliveries =
            [time.auth(1, "u"), time.large(2, "u", "s"), time.day(4, "u", "2026-07-01", 1), time.left(3, "u", how)];
        let mut first: Option<Items> = None;
        for (at, order) in orders(deliveries.len()).into_iter().enumerate() {
            let terrace = in_order(&deliveries, &order, at % 2 == 0).await;
            only_a_tombstone(&terrace, "u", &format!("{how}: {order:?}")).await;
            let items = timeless(&terrace).await;
            assert_eq!(first.get_or_insert_with(|| items.clone()), &items, "{how}: {order:?}");
            assert_eq!(terrace.objects("erasures").await.len(), 1);
        }
    }
}

#[tokio::test]
async fn who_is_back_has_what_came_since_whatever_comes_first() {
    let time = Time::since(600);
    let deliveries = [
        time.auth(1, "u"),
        time.large(2, "u", "s"),
        time.left(3, "u", "deauth"),
        time.auth(4, "u"),
        time.large(5, "u", "new"),
    ];
    let place = |order: &[usize], what: usize| order.iter().position(|at| *at == what);
    let mut first: Option<Items> = None;
    // Every other of 120, and of those every other with the jobs at once.
    for (at, order) in orders(deliveries.len()).into_iter().step_by(2).enumerate() {
        let terrace = in_order(&deliveries, &order, at % 2 == 0).await;
        assert_eq!(terrace.read("/users/u", &[]).await["status"], "active", "{order:?}");
        let records = terrace.read("/users/u/records", &[("detail", "full")]).await;
        let ids: Vec<_> = records["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
        // Of somebody who stands erased everything goes, also what an `auth` that is yet to come would have let stay.
        let stood_erased = place(&order, 2) < place(&order, 3) && place(&order, 4) < place(&order, 3);
        if stood_erased && at % 2 == 0 {
            assert_eq!(ids, [""; 0], "{order:?}");
            continue;
        }
        assert_eq!(ids, ["new"], "{order:?}");
        let items = timeless(&terrace).await;
        assert_eq!(first.get_or_insert_with(|| items.clone()), &items, "{order:?}");
    }
}

#[tokio::test]
async fn the_end_of_an_id_that_was_replaced_ends_no_other() {
    let time = Time::since(600);
    let deliveries = [
        time.large(1, "old", "s"),
        time.reauth(2, "old", "new"),
        time.day(1, "old", "2026-07-01", 1),
        time.left(3, "old", "deauth"),
    ];
    for (at, order) in orders(deliveries.len()).into_iter().enumerate() {
        let place = |what: usize| order.iter().position(|at| *at == what);
        // Heard of before the replacement it takes what there is.
        if place(3) < place(1) {
            continue;
        }
        let terrace = in_order(&deliveries, &order, at % 2 == 0).await;
        let read = terrace.read("/users/new/records", &[("detail", "full")]).await;
        assert_eq!(read["records"].as_array().unwrap().len(), 2, "{order:?}");
        assert_eq!(read["records"][1]["data"], large("s", 1), "{order:?}");
        assert_eq!(terrace.read("/users/old", &[]).await["status"], "erased", "{order:?}");
        assert_eq!(terrace.read("/users/old/deliveries", &[]).await["deliveries"], json!([]), "{order:?}");
        assert_eq!(terrace.objects("log").await.len(), 1, "{order:?}");
    }
}
