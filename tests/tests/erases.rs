//! An erase takes everything that is kept of somebody, and nothing else.

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;
use terrace_store::queue::{Job, JobQueue, Subject};
use terrace_tests::erased::{folder, only_a_tombstone, shows_nothing};
use terrace_tests::events::{Time, large};
use terrace_tests::items::{Item, text};
use terrace_tests::terrace::TABLE;
use terrace_tests::{Delivery, Terrace};

/// One delivery of each sort that lies under a user's id.
fn life(time: Time, user: &str) -> Vec<Delivery> {
    let named = json!({"user_id": user, "reference_id": "somebody"});
    let request = |kind: &str| json!({"type": kind, "user": named, "reference": "r", "expected_payloads": 3});
    vec![
        time.auth(1, user),
        time.day(2, user, "2026-07-01", 1),
        time.large(3, user, "s"),
        time.day(4, user, "2026-07-02", 1).trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001:chunk:2"),
        time.data(5, user, "daily", &json!([{"metadata": {}}, 3])),
        time.event(6, &request("large_request_sending")),
        time.event(7, &json!({"type": "processing", "user": named})),
        time.event(8, &json!({"type": "never_heard_of", "user": named, "more": large("x", 1)})),
        time.event(9, &json!({"type": "permission_change", "user": {"user_id": user, "scopes": "a"}})),
    ]
}

fn job_items(items: &[Item]) -> Vec<&Item> {
    items.iter().filter(|item| text(item, "record").starts_with("job#")).collect()
}

#[tokio::test]
async fn nothing_is_shown_from_the_order_on_and_nothing_is_left_by_the_job() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    for delivery in life(time, "u").iter().chain(&life(time, "other")) {
        terrace.accept(delivery).await;
    }
    let listed = terrace.read("/users/u/deliveries", &[]).await;
    let name = listed["deliveries"][1]["delivery"].as_str().unwrap().to_owned();
    let body = format!("/users/u/deliveries/{name}");
    assert_eq!(terrace.get(&body, &[]).await.status, 200);
    // Its delivery got no further than its object.
    terrace.log.put_object(&format!("{}/orphan", folder("u")), Bytes::from_static(b"x"), &[]).await.unwrap();
    let before = (terrace.read("/users/other", &[]).await, terrace.objects(&folder("other")).await);

    let ordered = terrace.delete("/users/u").await;
    assert_eq!((&ordered["kind"], &ordered["status"]), (&json!("erase"), &json!("queued")));
    shows_nothing(&terrace, "u", "before the job").await;
    for path in [body.as_str(), "/users/u/records/daily/2026-07-01", "/users/u/records/sleep/s"] {
        assert_eq!(terrace.get(path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(terrace.settle().await.of("erase"), 1);
    only_a_tombstone(&terrace, "u", "after the job").await;
    assert_eq!(terrace.get(&body, &[]).await.status, 404);

    let job = terrace.read(&format!("/jobs/{}", ordered["job"].as_str().unwrap()), &[]).await;
    assert_eq!(job["status"], "done");
    // Nine deliveries, three records, a request and the bucket of its chunk; three objects.
    assert_eq!(job["progress"], json!({"items": 14, "objects": 3}));
    assert_eq!(terrace.objects("erasures").await.len(), 1);
    // The other one has the same reference.
    assert_eq!((terrace.read("/users/other", &[]).await, terrace.objects(&folder("other")).await), before);
    assert_eq!(
        terrace.read("/users/other/records", &[("detail", "full")]).await["records"].as_array().unwrap().len(),
        3
    );
}

#[tokio::test]
async fn an_end_user_goes_with_all_their_connections_and_what_names_none() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    let report = |reference: &str, session: &str| {
        let data = json!({"session_id": session, "reference_id": reference, "results": large("l", 4)});
        let body = json!({"type": "lab_report.completed", "event_id": session, "data": data});
        time.event(3, &body)
    };
    for user in ["one", "two"] {
        for delivery in life(time, user) {
            terrace.accept(&delivery).await;
        }
    }
    for (reference, session) in [("somebody", "a"), ("somebody", "b"), ("another", "c")] {
        terrace.accept(&report(reference, session)).await;
    }
    let stranger = json!({"user_id": "stranger", "reference_id": "another"});
    terrace.accept(&time.event(1, &json!({"type": "auth", "user": stranger}))).await;

    let ordered = terrace.delete("/references/somebody").await;
    terrace.settle().await;
    for user in ["one", "two"] {
        only_a_tombstone(&terrace, user, user).await;
    }
    let items = terrace.items().await;
    let own = items.iter().filter(|item| text(item, "user_id") == "reference:somebody");
    assert_eq!(own.map(|item| text(item, "record")).collect::<Vec<_>>(), ["connection"]);
    assert_eq!(terrace.get("/references/somebody", &[]).await.status, 404);
    assert_eq!(terrace.read("/references/somebody/records", &[]).await["records"], json!([]));
    assert_eq!(terrace.objects("log").await.len(), 1, "that of the other reference");
    assert_eq!(terrace.objects("erasures").await.len(), 3);
    assert_eq!(terrace.read(&format!("/jobs/{}", ordered["job"].as_str().unwrap()), &[]).await["status"], "done");
    let theirs = terrace.read("/references/another/records", &[("detail", "full")]).await;
    assert_eq!(theirs["records"][0]["id"], "c");
    assert_eq!(terrace.read("/references/another", &[]).await["connections"][0]["status"], "active");
}

#[tokio::test]
async fn of_somebody_nobody_knows_there_is_no_trace() {
    let terrace = Terrace::new().await;
    for path in ["/users/no-such-person", "/references/no-such-person"] {
        let ordered = terrace.delete(path).await;
        terrace.settle().await;
        let job = terrace.read(&format!("/jobs/{}", ordered["job"].as_str().unwrap()), &[]).await;
        assert_eq!((&job["status"], &job["progress"]), (&json!("done"), &json!({})));
    }
    let items = terrace.items().await;
    assert_eq!(job_items(&items).len(), items.len());
    assert!(!format!("{items:?}").contains("no-such-person"));
    assert_eq!(terrace.objects("").await, Vec::<String>::new());
    assert_eq!(terrace.get("/users/no-such-person", &[]).await.status, 404);
}

#[tokio::test]
async fn what_came_under_ids_that_were_replaced_goes_too() {
    for settled in [true, false] {
        let (terrace, time) = (Terrace::new().await, Time::since(600));
        for user in ["a", "b", "c"] {
            terrace.accept(&time.large(1, user, user)).await;
            terrace.accept(&time.day(1, user, "2026-07-01", 1)).await;
        }
        terrace.accept(&time.reauth(2, "a", "b")).await;
        terrace.accept(&time.reauth(3, "b", "c")).await;
        if settled {
            terrace.settle().await;
        }
        terrace.delete("/users/c").await;
        terrace.settle().await;
        for user in ["a", "b", "c"] {
            only_a_tombstone(&terrace, user, &format!("{user}, moved before: {settled}")).await;
        }
        assert_eq!(terrace.objects("erasures").await.len(), 3);
    }
}

#[tokio::test]
async fn an_old_id_that_is_erased_leaves_what_the_new_one_reads() {
    // With the move before the erase, and with the erase before the move.
    for settled in [true, false] {
        let (terrace, time) = (Terrace::new().await, Time::since(600));
        let what = format!("moved before: {settled}");
        for (user, id) in [("a", "of-a"), ("b", "of-b"), ("c", "of-c")] {
            terrace.accept(&time.large(1, user, id)).await;
        }
        // An older copy of a record, whose object nothing needs once it lost.
        terrace.accept(&time.large(0, "a", "of-a")).await;
        terrace.accept(&time.reauth(2, "a", "b")).await;
        terrace.accept(&time.reauth(3, "b", "c")).await;
        if settled {
            terrace.settle().await;
        }
        terrace.delete("/users/b").await;
        terrace.settle().await;
        for (id, old) in [("of-a", "a"), ("of-b", "b"), ("of-c", "c")] {
            let read = terrace.read(&format!("/users/c/records/sleep/{id}"), &[]).await;
            assert_eq!(read["data"], large(id, 1), "{what}");
            assert_eq!(terrace.objects(&folder(old)).await.len(), 1, "{old}: {what}");
        }
        for user in ["a", "b"] {
            shows_nothing(&terrace, user, &what).await;
        }
        assert_eq!(terrace.read("/users/c", &[]).await["status"], "active");
        // What comes late for an erased id that was replaced before does not come back there.
        terrace.accept(&time.large(1, "a", "of-a")).await;
        terrace.settle().await;
        shows_nothing(&terrace, "a", &what).await;
        assert_eq!(terrace.objects(&folder("a")).await.len(), 1, "{what}");

        terrace.delete("/users/c").await;
        terrace.settle().await;
        for user in ["a", "b", "c"] {
            only_a_tombstone(&terrace, user, &what).await;
        }
    }
}

#[tokio::test]
async fn an_erase_of_a_replaced_id_does_not_reach_who_it_replaced_and_who_is_back() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    terrace.accept(&time.large(1, "a", "s")).await;
    terrace.accept(&time.reauth(2, "a", "b")).await;
    terrace.accept(&time.reauth(3, "b", "a")).await;
    terrace.settle().await;
    terrace.delete("/users/b").await;
    terrace.settle().await;
    only_a_tombstone(&terrace, "b", "b").await;
    assert_eq!(terrace.read("/users/a", &[]).await["status"], "active");
    assert_eq!(terrace.read("/users/a/records/sleep/s", &[]).await["data"], large("s", 1));
}

#[tokio::test]
async fn more_than_a_page_of_items_goes_and_what_there_is_no_time_for_is_handed_on() {
    for span in [Duration::from_secs(600), Duration::ZERO] {
        let (terrace, time) = (Terrace::new().await, Time::since(600));
        terrace.accept(&time.large(1, "u", "s")).await;
        // Deliveries larger than they get, so that few fill the pages of 1 MB that a partition is read in.
        for at in 0..15 {
            let item = [
                ("user_id", AttributeValue::S("u".to_owned())),
                ("record", AttributeValue::S(format!("log#{:013}#filler#00000000000000aa", time.ms(2) + at))),
                ("event", AttributeValue::S("daily".to_owned())),
                ("body", AttributeValue::B(vec![0; 200_000].into())),
            ];
            let item = item.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
            terrace.client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
        let ordered = terrace.delete("/users/u").await;
        let settled = terrace.settle_within(span).await;
        assert_eq!(settled.handed_on >= 2, span.is_zero(), "{settled:?}");
        only_a_tombstone(&terrace, "u", "all pages").await;
        let job = terrace.read(&format!("/jobs/{}", ordered["job"].as_str().unwrap()), &[]).await;
        assert_eq!((&job["status"], &job["progress"]["items"]), (&json!("done"), &json!(17)));
    }
}

#[tokio::test]
async fn an_erase_may_come_twice_and_long_after() {
    let (terrace, time) = (Terrace::new().await, Time::since(600));
    for delivery in life(time, "u") {
        terrace.accept(&delivery).await;
    }
    let job = Job::Erase { subject: Subject::User("u".to_owned()), at_ms: time.ms(20), id: None };
    for _ in 0..2 {
        terrace.queue.send(&job).await.unwrap();
        terrace.settle().await;
        only_a_tombstone(&terrace, "u", "again").await;
    }
    assert_eq!(terrace.objects("erasures").await.len(), 1);
    // The user is back; the same job, come once more, takes nothing of the new life.
    terrace.accept(&time.auth(21, "u")).await;
    terrace.accept(&time.large(22, "u", "new")).await;
    terrace.queue.send(&job).await.unwrap();
    terrace.settle().await;
    assert_eq!(terrace.read("/users/u/records/sleep/new", &[]).await["data"], large("new", 22));
    assert_eq!(terrace.read("/users/u", &[]).await["status"], "active");
}

#[tokio::test]
async fn a_table_restored_from_before_an_erase_is_erased_again_by_the_ledger() {
    for path in ["/users/u", "/references/somebody"] {
        let (terrace, time) = (Terrace::new().await, Time::since(600));
        for delivery in life(time, "u").iter().chain(&life(time, "kept")) {
            let text = String::from_utf8_lossy(&delivery.body);
            let text = if text.contains("\"kept\"") { text.replace("somebody", "another") } else { text.into_owned() };
            terrace.accept(&Delivery { body: text.into(), ..delivery.clone() }).await;
        }
        let report = json!({"type": "lab_report.completed", "data": {"session_id": "l", "reference_id": "somebody"}});
        terrace.accept(&time.event(3, &report)).await;
        let backup = terrace.items().await;
        terrace.delete(path).await;
        terrace.settle().await;
        let day_ago = AttributeValue::N(Time::since(86_400).ms(0).to_string());
        for mut item in backup {
            // Old enough for the daily round to see to it.
            item.entry("received_at".to_owned()).and_modify(|at| *at = day_ago.clone());
            terrace.client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
        assert_eq!(terrace.read("/users/u", &[]).await["status"], "active");
        terrace.queue.send(&Job::Sweep { after: None }).await.unwrap();
        terrace.settle().await;
        only_a_tombstone(&terrace, "u", path).await;
        let reports = terrace.read("/references/somebody/records", &[]).await["records"].as_array().unwrap().len();
        assert_eq!(reports, usize::from(path == "/users/u"), "{path}");
        assert_eq!(terrace.read("/users/kept/records", &[]).await["records"].as_array().unwrap().len(), 3, "{path}");
        // Once is enough.
        terrace.queue.send(&Job::Sweep { after: None }).await.unwrap();
        assert_eq!(terrace.settle().await.of("erase"), 0, "{path}");
    }
}

#[tokio::test]
async fn who_takes_an_erased_reference_anew_is_left_alone() {
    let (terrace, time) = (Terrace::new().await, Time::since(3_600));
    terrace.accept(&time.day(1, "before", "2026-07-01", 1)).await;
    let report = |second: u64, session: &str| {
        let data = json!({"session_id": session, "reference_id": "somebody"});
        time.event(second, &json!({"type": "lab_report.completed", "event_id": session, "data": data}))
    };
    terrace.accept(&report(2, "old")).await;
    let job = Job::Erase { subject: Subject::Reference("somebody".to_owned()), at_ms: time.ms(10), id: None };
    terrace.queue.send(&job).await.unwrap();
    terrace.settle().await;
    // The end user connects anew, by another id, and nobody saw the `auth`; and has a report made.
    terrace.accept(&time.day(2_000, "after", "2026-07-09", 1)).await;
    terrace.accept(&report(2_001, "new")).await;
    terrace.queue.send(&job).await.unwrap();
    terrace.queue.send(&Job::Sweep { after: None }).await.unwrap();
    terrace.settle().await;
    // A report of before comes late.
    terrace.accept(&report(2, "old")).await;
    terrace.settle().await;
    only_a_tombstone(&terrace, "before", "before").await;
    assert_eq!(terrace.read("/users/after/records", &[]).await["records"].as_array().unwrap().len(), 1);
    let reports = terrace.read("/references/somebody/records", &[]).await;
    let ids: Vec<_> = reports["records"].as_array().unwrap().iter().map(|report| report["id"].clone()).collect();
    assert_eq!(ids, [Value::from("new")]);
}
