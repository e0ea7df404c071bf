//! Replays: deliveries of the log are applied again, those in quarantine once a version knows better, or all of them to
//! make the view anew.
#![expect(
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use terrace_records::Partition;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::Database;
use terrace_store::queue::{Job, JobQueue};
use terrace_terra::UnixSeconds;
use terrace_terra::ids::UserId;
use terrace_tests::items::{Items, differences, text, timeless};
use terrace_tests::noise::noise;
use terrace_tests::older::enter_unknown;
use terrace_tests::orders::{job, order_replay, post_replay, replay};
use terrace_tests::{Delivery, Gate, ObjectHost, Reply, Terrace};
use terrace_worker::Worked;
use terrace_worker::fetch::FetchLimits;
use tokio::time::Instant;

fn trace(number: usize) -> String {
    format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b{number:03}")
}

fn user(id: &str) -> Value {
    json!({"user_id": id, "provider": "GARMIN", "reference_id": "r", "scopes": "A"})
}

fn daily(id: &str, date: &str, steps: u64) -> Value {
    json!({"type": "daily", "user": user(id), "data": [{"metadata": {"start_time": date}, "steps": steps}]})
}

/// Deliveries of every kind that leaves something.
fn deliveries(url: &str) -> Vec<Delivery> {
    let now = UnixSeconds::now().0 - 100;
    let sleep = |id: u64, score: Value| {
        let scores = json!({"sleep_score": score});
        json!({"metadata": {"summary_id": format!("s{id}")}, "n": noise(id, 600), "data_enrichment": scores})
    };
    let many: Vec<_> = (0..205).map(|n| json!({"metadata": {"start_time": format!("{}-01-01", 1_700 + n)}})).collect();
    let bodies = [
        json!({"type": "auth", "status": "success", "user": user("u")}),
        daily("u", "2026-07-01", 1),
        daily("u", "2026-07-01", 2),
        json!({"type": "sleep", "user": user("u"), "data": [sleep(1, json!(80)), sleep(2, json!(70)), sleep(1, json!(60))]}),
        json!({"type": "sleep", "user": user("u"), "data": [sleep(1, Value::Null)]}),
        json!({"type": "activity", "user": user("u"), "data": [{"metadata": {"summary_id": "a", "upload_type": 4}}]}),
        json!({"type": "body", "user": user("u"), "data": [{"metadata": {"start_time": "2026-07-01"}}, {}, 7]}),
        json!({"type": "daily", "user": user("many"), "data": many}),
        daily("old", "2026-07-02", 3),
        json!({"type": "user_reauth", "old_user": user("old"), "new_user": user("new")}),
        daily("old", "2026-07-03", 4),
        json!({"type": "connection_error", "user": user("u")}),
        json!({"type": "deauth", "user": user("many")}),
        json!({"type": "large_request_sending", "user": user("u"), "reference": "q", "expected_payloads": 2}),
        json!({"type": "lab_report.completed", "event_id": "e", "data": {"session_id": "s", "reference_id": "r"}}),
        json!({"type": "healthcheck"}),
        json!({"type": "route", "user": user("u"), "data": [{}]}),
        json!({"type": "s3_payload", "url": url, "expires_in": 300}),
    ];
    let odd = Delivery::new("{\"type\":").trace(&trace(99)).signed(now);
    let chunk = Delivery::new(daily("u", "2026-06-30", 5).to_string()).signed(now).ordered(now * 1_000);
    let chunk = chunk.trace(&format!("{}:chunk:2", trace(98))).referring("q");
    let sent = bodies.into_iter().enumerate().map(|(at, body)| {
        let delivery = Delivery::new(body.to_string()).trace(&trace(at)).signed(now + at as u64);
        if at % 3 == 0 { delivery } else { delivery.ordered((now + at as u64) * 1_000) }
    });
    sent.chain([odd, chunk]).collect()
}

struct Scene {
    terrace: Terrace,
    host: ObjectHost,
    url: String,
    _folder: tempfile::TempDir,
}

/// A Terrace to which all of them came.
async fn lived() -> Scene {
    let host = ObjectHost::new().await;
    let url = host.put("object", [Reply::Body(daily("pinged", "2026-07-01", 9).to_string().into_bytes())]);
    let folder = tempfile::tempdir().unwrap();
    let client = Database::in_memory().unwrap().client();
    let (gate, fetcher) = (Gate::open(), host.fetcher(FetchLimits::default()));
    let terrace = Terrace::told(client, folder.path(), &gate, IntakeSettings::default(), fetcher).await;
    for delivery in deliveries(&url) {
        terrace.accept(&delivery).await;
    }
    terrace.settle().await;
    Scene { terrace, host, url, _folder: folder }
}

/// The table without the items of jobs.
async fn without_jobs(terrace: &Terrace) -> Items {
    let mut items = timeless(terrace).await;
    items.retain(|(partition, _), _| !partition.starts_with("job:"));
    items
}

async fn remove(terrace: &Terrace, which: impl Fn(&str) -> bool) -> usize {
    let mut removed = 0;
    for item in terrace.items().await {
        let (partition, record) = (text(&item, "user_id"), text(&item, "record"));
        if which(record) && !partition.starts_with("job:") {
            let key = |name| item[name].clone();
            let request = terrace.client.delete_item().table_name("terrace");
            request.key("user_id", key("user_id")).key("record", key("record")).send().await.unwrap();
            removed += 1;
        }
    }
    removed
}

#[tokio::test]
async fn the_view_is_made_anew_from_the_log() {
    let Scene { terrace, host, url, _folder } = lived().await;
    let before = without_jobs(&terrace).await;
    assert!(remove(&terrace, |record| !record.starts_with("log#")).await > 210);
    let done = replay(&terrace, &json!({"only": "all"})).await;
    assert_eq!(differences(&without_jobs(&terrace).await, &before), Vec::<String>::new());
    let logged = before.keys().filter(|(_, record)| record.starts_with("log#")).count();
    assert_eq!((done["status"].as_str(), &done["progress"]["deliveries"]), (Some("done"), &json!(logged)));
    assert_eq!(done["progress"]["quarantined"], 3, "{done}");
    assert_eq!((host.asked(&url), done["progress"].get("fetching")), (1, None), "what was fetched is in the log");
    // Once more, onto what is there.
    let again = replay(&terrace, &json!({"only": "all"})).await;
    assert_eq!(again["progress"]["records_stored"], 2, "only what is carried over once more: {again}");
    assert_eq!(differences(&without_jobs(&terrace).await, &before), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_would_be_done() {
    let Scene { terrace, host, url, _folder } = lived().await;
    remove(&terrace, |record| record.starts_with("daily#")).await;
    let before = without_jobs(&terrace).await;
    for (only, deliveries) in [("all", 21), ("quarantined", 3)] {
        let done = replay(&terrace, &json!({"only": only, "dry_run": true})).await;
        assert_eq!(
            (done["status"].as_str(), &done["progress"]["deliveries"]),
            (Some("done"), &json!(deliveries)),
            "{done}"
        );
        assert_eq!(done["progress"]["quarantined"], 3, "{done}");
        assert_eq!(differences(&without_jobs(&terrace).await, &before), Vec::<String>::new());
    }
    assert_eq!((terrace.queue.len(), host.asked(&url)), (0, 1));
}

#[tokio::test]
async fn a_replay_keeps_to_a_user_and_to_days() {
    let Scene { terrace, _folder, .. } = lived().await;
    let gone = || remove(&terrace, |record| record.starts_with("daily#") || record.starts_with("sleep#"));
    gone().await;
    let done = replay(&terrace, &json!({"only": "all", "user_id": "u"})).await;
    assert_eq!(done["progress"]["deliveries"], 11, "{done}");
    let of = async |user: &str| {
        terrace
            .items()
            .await
            .iter()
            .filter(|item| text(item, "user_id") == user && item.contains_key("version"))
            .count()
    };
    assert!(of("u").await > 3 && of("many").await == 0 && of("pinged").await == 0);
    let listed = terrace.read("/users/u/deliveries", &[("from", "9999-12-31")]).await;
    assert_eq!(listed["deliveries"], json!([]), "nor does a list of them go beyond its days");
    let day = |after: i64| {
        let now = i64::try_from(UnixSeconds::now().0 - 90).unwrap() + after * 86_400;
        jiff::Timestamp::from_second(now).unwrap().to_string()[..10].to_owned()
    };
    for (order, some) in [
        (json!({"from": day(0), "to": day(0)}), true),
        (json!({"from": day(-1)}), true),
        (json!({"to": day(0)}), true),
        (json!({"from": day(1)}), false),
        (json!({"to": day(-2)}), false),
        (json!({"from": "0001-01-01", "to": "9999-12-31"}), true),
        (json!({"from": "9999-12-31"}), false),
        (json!({"to": "0001-01-01"}), false),
        (json!({"user_id": "nobody"}), false),
    ] {
        for only in ["all", "quarantined"] {
            for user in [None, Some("u")] {
                let mut order = order.clone();
                order["only"] = json!(only);
                if let (Some(user), None) = (user, order.get("user_id")) {
                    order["user_id"] = json!(user);
                }
                let done = replay(&terrace, &order).await;
                assert_eq!(done["status"], "done", "{order}");
                let found = done["progress"]["deliveries"].as_u64().unwrap();
                assert_eq!(found > 0, some, "{order}: {done}");
            }
        }
    }
}

fn today() -> String {
    jiff::Timestamp::now().to_string()[..10].to_owned()
}

#[tokio::test]
async fn what_an_older_version_did_not_understand_is_understood_and_released() {
    for samples in [1, 600] {
        let (terrace, sent) = (Terrace::new().await, Terrace::new().await);
        let sleep = |id: u64| json!({"metadata": {"summary_id": format!("s{id}")}, "n": noise(id, samples)});
        let body = json!({"type": "sleep", "user": user("u"), "data": [sleep(1), sleep(2)]}).to_string();
        let partition = Partition::of_user(&UserId::new("u").unwrap());
        let key = enter_unknown(&terrace, &partition, &trace(1), body.as_bytes(), &today()).await;
        assert_eq!(terrace.get("/users/u/records", &[]).await.status, 200);
        let done = replay(&terrace, &json!({})).await;
        assert_eq!(done["progress"], json!({"deliveries": 1, "applied": 1, "records_stored": 2}), "{samples}");
        sent.accept(&Delivery::new(body.clone()).trace(&trace(1)).signed(key.time_ms() / 1_000)).await;
        let (mut anew, as_sent) = (without_jobs(&terrace).await, timeless(&sent).await);
        for item in anew.values_mut().filter(|item| item.contains_key("size")) {
            item.insert("size".into(), as_sent.values().find_map(|item| item.get("size")).unwrap().clone());
        }
        assert_eq!(differences(&anew, &as_sent), Vec::<String>::new(), "as if it had come today");
        let read = terrace.read("/users/u/records/sleep/s2", &[]).await;
        assert_eq!(read["data"]["n"].as_array().map(Vec::len), Some(samples));
        let name = key.name();
        let logged = terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await;
        assert_eq!((logged.status, logged.body), (200, Bytes::from(body)));
        assert_eq!(replay(&terrace, &json!({})).await["progress"], json!({"deliveries": 0}), "nothing is left of it");
    }
}

/// What named nobody as far as an older version could see lies with its user once it is understood, and goes with them.
#[tokio::test]
async fn what_turns_out_to_be_somebodys_goes_to_them() {
    for samples in [1, 600] {
        let terrace = Terrace::new().await;
        let data = json!([{"metadata": {"summary_id": "s"}, "n": noise(1, samples)}]);
        let body = json!({"type": "sleep", "user": user("u"), "data": data}).to_string();
        let nobodys = Partition::from_stored(format!("delivery:{}", trace(1)));
        let key = enter_unknown(&terrace, &nobodys, &trace(1), body.as_bytes(), &today()).await;
        assert_eq!(replay(&terrace, &json!({})).await["progress"]["applied"], 1);
        assert_eq!(terrace.read("/users/u/records", &[]).await["records"].as_array().map(Vec::len), Some(1));
        let logged = terrace.get(&format!("/users/u/deliveries/{}", key.name()), &[]).await;
        assert_eq!((logged.status, logged.body), (200, Bytes::from(body)));
        let items = terrace.items().await;
        assert!(items.iter().all(|item| !text(item, "user_id").starts_with("delivery:")), "{samples}");
    }
}

/// A delivery stays listed on the day that it was first marked on: it would be met again on its way through the days.
#[tokio::test]
async fn what_stays_in_quarantine_is_counted_once() {
    let terrace = Terrace::new().await;
    // No item holds an attribute with so long a name.
    let too_large = json!({"type": "user_reauth", "new_user": user("u"), "old_user": {"user_id": "x".repeat(500_000)}});
    let odd =
        json!({"type": "sleep", "user": user("u"), "data": [{"metadata": {"summary_id": "s"}}, {"metadata": {}}]});
    let partition = Partition::of_user(&UserId::new("u").unwrap());
    let before = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(48)).unwrap().to_string();
    for (number, body) in [(1, too_large), (2, odd), (3, json!("no event"))] {
        enter_unknown(&terrace, &partition, &trace(number), body.to_string().as_bytes(), &before[..10]).await;
    }
    for _ in 0..2 {
        let done = replay(&terrace, &json!({})).await;
        assert_eq!(done["progress"], json!({"deliveries": 3, "quarantined": 3}), "{done}");
        let items = terrace.items().await;
        let marked = items.iter().filter(|item| item.contains_key("quarantine"));
        let mut marked: Vec<_> = marked.map(|item| (text(item, "quarantine"), text(item, "quarantine_day"))).collect();
        marked.sort_unstable();
        let day = &before[..10];
        assert_eq!(marked, [("not_object", day), ("unidentified", day), ("unstorable", day)]);
    }
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_bad_order_is_refused_with_what_to_write() {
    let terrace = Terrace::new().await;
    for (body, said) in [
        ("[]", "write JSON"),
        ("{", "write JSON"),
        ("\u{1}", "write JSON"),
        ("null", "write JSON"),
        (r#"{"only":"some"}"#, "write JSON"),
        (r#"{"only":null}"#, "write JSON"),
        (r#"{"user_id":7}"#, "write JSON"),
        (r#"{"dry_run":"yes"}"#, "write JSON"),
        (r#"{"user":"u"}"#, "write JSON"),
        (r#"{"from":"2026-7-1"}"#, "from is no date"),
        (r#"{"from":"2026-07-01T00:00:00Z"}"#, "from is no date"),
        (r#"{"to":"2026-02-30"}"#, "to is no date"),
        (r#"{"to":"+002026-07"}"#, "to is no date"),
        (r#"{"from":"2026-07-02","to":"2026-07-01"}"#, "from lies after to"),
        (r#"{"user_id":""}"#, "user_id is empty"),
    ] {
        let answer = post_replay(&terrace, body).await;
        let said_so = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 400, "{body}: {said_so}");
        assert!(said_so.contains("bad_request") && said_so.contains(said), "{body}: {said_so}");
    }
    assert!(terrace.items().await.is_empty() && terrace.queue.is_empty());
    for nobody in ["", "x", &"0".repeat(32), &"0".repeat(33), "..", "%00"] {
        assert_eq!(terrace.get(&format!("/jobs/{nobody}"), &[]).await.status, 404, "{nobody}");
    }
    let answer = post_replay(&terrace, "").await;
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &said["status"], &said["kind"]), (202, &json!("queued"), &json!("replay")));
    assert_eq!(said["asked"], json!({"only": "quarantined", "dry_run": false}));
    assert_eq!(job(&terrace, said["job"].as_str().unwrap()).await, said);
}

#[tokio::test]
async fn a_replay_without_time_is_handed_on_and_comes_to_its_end() {
    let Scene { terrace, _folder, .. } = lived().await;
    let before = without_jobs(&terrace).await;
    for order in [json!({"only": "all"}), json!({}), json!({"only": "all", "user_id": "u"})] {
        remove(&terrace, |record| !record.starts_with("log#")).await;
        replay(&terrace, &json!({"only": "all"})).await;
        let id = order_replay(&terrace, &order).await;
        let (mut steps, mut deliveries) = (0, 0);
        while !terrace.queue.is_empty() {
            let taken = terrace.queue.next().await.unwrap();
            let is_replay = matches!(taken.job(), Job::Replay { .. });
            let due = Instant::now() + Duration::from_secs(if is_replay { 0 } else { 600 });
            let worked = terrace.worker.work(taken.job(), due).await.unwrap();
            terrace.queue.done(taken).await.unwrap();
            if !is_replay {
                continue;
            }
            steps += 1;
            let state = job(&terrace, &id).await;
            let now = state["progress"]["deliveries"].as_u64().unwrap();
            assert!(now <= deliveries + 1, "one at a time is what there is time for: {state}");
            deliveries = now;
            assert_eq!(state["status"], if worked == Worked::Done { "done" } else { "running" });
            assert!(steps < 300);
        }
        let undisturbed = replay(&terrace, &order).await;
        assert_eq!(undisturbed["progress"]["deliveries"].as_u64(), Some(deliveries), "{order}");
        assert!(steps > 3, "{order}: {steps}");
        assert_eq!(differences(&without_jobs(&terrace).await, &before), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_job_without_its_item_or_of_one_that_is_done_does_nothing() {
    let Scene { terrace, _folder, .. } = lived().await;
    let id = order_replay(&terrace, &json!({"only": "all"})).await;
    let replay = Job::Replay { id: terrace_store::JobId::new(&id).unwrap() };
    terrace.settle().await;
    let done = job(&terrace, &id).await;
    terrace.queue.send(&replay).await.unwrap();
    terrace.settle().await;
    assert_eq!(job(&terrace, &id).await, done, "it is done");
    let nobodys = Job::Replay { id: terrace_store::JobId::random() };
    let worked = terrace.worker.work(&nobodys, Instant::now() + Duration::from_secs(60)).await.unwrap();
    assert_eq!(worked, Worked::Done);
}

#[tokio::test]
async fn a_damaged_delivery_stops_nobody() {
    let scene = lived().await;
    let terrace = &scene.terrace;
    let before = without_jobs(terrace).await;
    let listed = terrace.read("/users/u/deliveries", &[]).await["deliveries"].as_array().map(Vec::len).unwrap();
    let items = terrace.items().await;
    let mut damaged = items.iter().find(|item| is_event(item, "u", "auth")).unwrap().clone();
    damaged.remove("event");
    terrace.client.put_item().table_name("terrace").set_item(Some(damaged)).send().await.unwrap();
    let answer = terrace.read("/users/u/deliveries", &[]).await;
    assert_eq!((answer["deliveries"].as_array().map(Vec::len), &answer["damaged"]), (Some(listed - 1), &json!(1)));
    for order in [json!({"user_id": "u", "only": "all"}), json!({"only": "all"})] {
        remove(terrace, |record| record.starts_with("daily#")).await;
        let done = replay(terrace, &order).await;
        assert_eq!((&done["status"], &done["progress"]["failed"]), (&json!("done"), &json!(1)), "{order}");
    }
    let days = |items: &Items| items.keys().filter(|(_, record)| record.starts_with("daily#")).count();
    assert_eq!(days(&without_jobs(terrace).await), days(&before), "all others were applied");
}

fn is_event(item: &HashMap<String, AttributeValue>, partition: &str, event: &str) -> bool {
    let logged = item.get("event").and_then(|event| event.as_s().ok());
    text(item, "user_id") == partition && logged.is_some_and(|logged| logged == event)
}
