//! `terrace reconcile`: drift is found and mended, by the event that was missed, which then lies in the log.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Stdio;
use support::{Done, Served};
use terrace_terra::UnixSeconds;
use terrace_tests::FakeTerra;
use terrace_tests::fake_terra::Said;

/// Who is what at Terra: active, reference, scopes.
const THERE: [(&str, bool, &str, &str); 9] = [
    ("same", true, "r-same", "A,B"),
    ("new", true, "r-new", "A"),
    ("never", false, "r-never", "A"),
    ("back", true, "r-back", "A,B"),
    ("gone", false, "r-gone", "A,B"),
    ("renamed", true, "r-other", "A,B"),
    ("scoped", true, "r-scoped", "B,C"),
    ("erased", true, "r-erased", "A,B"),
    ("newer", true, "r-newer", "A,B"),
];

fn there(user: &str) -> Option<Value> {
    let (_, active, reference, scopes) = *THERE.iter().find(|(name, ..)| *name == user)?;
    Some(json!({"user_id": user, "provider": "GARMIN", "reference_id": reference, "active": active, "scopes": scopes}))
}

/// Terra, who cannot say anything of `broken`, and has newer data of `newer`.
async fn terra() -> FakeTerra {
    FakeTerra::new(|asked, _| {
        let users = || THERE.iter().filter_map(|(user, ..)| there(user)).collect::<Vec<_>>();
        let broken = json!({"user_id": "broken", "provider": "GARMIN", "active": true});
        if asked.path.ends_with("subscriptions") {
            let (results, next) = match asked.parameter("page") {
                "0" => (users(), json!(1)),
                _ => (vec![broken], json!(null)),
            };
            return Said::Json(200, json!({"data": {"next": next, "max_page": 1, "results": results}}));
        }
        match asked.parameter("user_id") {
            "broken" => Said::Raw(500, "", "oops"),
            "newer" => {
                let mut user = there("newer").unwrap();
                let a_while_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(40);
                user["most_recent_data_at"] = json!(a_while_ago.to_string());
                Said::Json(200, json!({"user": user, "status": "success", "is_authenticated": true}))
            }
            user => match there(user) {
                Some(user) => Said::Json(200, json!({"user": user, "status": "success"})),
                None => Said::unknown(),
            },
        }
    })
    .await
}

/// What Terrace was told before it missed what Terra has to say now.
async fn held() -> Served {
    let served = Served::start();
    let hour_ago = UnixSeconds::now().as_millis() - 3_600_000;
    for user in ["same", "back", "gone", "renamed", "scoped", "erased", "newer", "broken", "orphan"] {
        let user_object =
            json!({"user_id": user, "provider": "GARMIN", "reference_id": format!("r-{user}"), "scopes": "A,B"});
        let auth = json!({"type": "auth", "status": "success", "user": user_object});
        served.post(&auth, hour_ago, &format!("{user}-1"), "").await;
        let daily = json!({"type": "daily", "user": user_object, "data": [{"metadata": {"start_time": "2026-07-01T00:00:00Z"}}]});
        served.post(&daily, hour_ago + 1_000, &format!("{user}-2"), "").await;
    }
    let deauth = json!({"type": "deauth", "status": "success", "user": {"user_id": "back", "provider": "GARMIN"}});
    served.post(&deauth, hour_ago + 2_000, "back-3", "").await;
    let erased = served.run("http://127.0.0.1:9", &["erase", "erased", "--yes"]);
    assert_eq!(erased.status, 0, "{erased:?}");
    served
}

/// Asks Terrace a question.
async fn get(served: &Served, path: &str) -> Value {
    let body = reqwest::get(format!("{}{path}", served.url)).await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Each drift by user, with what became of it.
fn drifts(report: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let drifts = report["drifts"].as_array().unwrap().iter();
    drifts.map(|one| (text(&one["user_id"]), (text(&one["kind"]), text(&one["outcome"])))).collect()
}

fn expected(list: &[(&str, &str, &str)]) -> BTreeMap<String, (String, String)> {
    list.iter().map(|(user, kind, outcome)| ((*user).to_owned(), ((*kind).to_owned(), (*outcome).to_owned()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_found_and_mended_by_the_event_that_was_missed() {
    let (terra, served) = (terra().await, held().await);
    let url = terra.url("/api/v2");
    let all = |outcome| {
        [
            ("new", "unknown_here", outcome),
            ("back", "revoked_here", outcome),
            ("gone", "inactive_there", outcome),
            ("renamed", "other_reference", outcome),
            ("scoped", "other_scopes", outcome),
            ("erased", "erased_here", outcome),
            ("newer", "newer_data", "found"),
            ("orphan", "unknown_there", outcome),
        ]
    };

    let found = served.run(&url, &["reconcile", "--json", "--concurrency", "1"]);
    assert_eq!(found.status, 1, "{found:?}");
    assert_eq!(drifts(&found.json()), expected(&all("found")));
    assert_eq!(found.json()["compared"], 10, "{found:?}");
    assert_eq!(found.json()["not_compared"][0]["name"], "broken", "the others went on");
    assert_eq!(get(&served, "/users/new").await["error"], "not_found", "nothing is mended that was not asked for");

    let mended = served.run(&url, &["reconcile", "--json", "--repair"]);
    let mut outcomes = expected(&all("repaired"));
    for held_back in ["gone", "erased", "orphan"] {
        outcomes.get_mut(held_back).unwrap().1 = "held_back".to_owned();
    }
    assert_eq!((mended.status, drifts(&mended.json())), (1, outcomes), "{mended:?}");
    let new = get(&served, "/users/new").await;
    assert_eq!(
        (&new["status"], &new["reference_id"], &new["scopes"]),
        (&json!("active"), &json!("r-new"), &json!(["A"]))
    );
    assert_eq!(get(&served, "/users/back").await["status"], "active");
    assert_eq!(get(&served, "/users/scoped").await["scopes"], json!(["B", "C"]));
    assert_eq!(get(&served, "/users/renamed").await["reference_id"], "r-other");
    assert_eq!(get(&served, "/users/gone").await["status"], "active");
    assert_eq!(get(&served, "/users/erased").await["status"], "erased");

    // By name, and said twice: then those too.
    let named = served.run(&url, &["reconcile", "--json", "--repair", "--yes", "--user", "gone", "erased", "orphan"]);
    let outcomes = expected(&[
        ("gone", "inactive_there", "repaired"),
        ("erased", "erased_here", "repaired"),
        ("orphan", "unknown_there", "repaired"),
    ]);
    assert_eq!((named.status, drifts(&named.json())), (0, outcomes), "{named:?}");
    assert_eq!(get(&served, "/users/gone").await["status"], "revoked");
    assert_eq!(get(&served, "/users/erased").await["status"], "active");

    // It lies in the log, under a name of its own, and a replay of everything ends in the same view.
    let deliveries = get(&served, "/users/back/deliveries").await;
    let last = deliveries["deliveries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["event"], "auth");
    assert!(last["delivery"].as_str().unwrap().contains("terrace-reconcile-"), "{last}");
    let replayed = served.run(&url, &["replay", "--all"]);
    assert_eq!(replayed.status, 0, "{replayed:?}");
    let after = served.run(&url, &["reconcile", "--json"]);
    assert_eq!(drifts(&after.json()), expected(&[("newer", "newer_data", "found")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_of_a_reference_are_compared_from_both_sides() {
    let terra = FakeTerra::new(|asked, _| match (asked.parameter("reference_id"), asked.parameter("user_id")) {
        ("r-same", _) => Said::Json(200, json!([there("same").unwrap()])),
        (_, "gone") => Said::Json(200, json!({"user": there("gone").unwrap()})),
        _ => Said::unknown(),
    })
    .await;
    let served = held().await;
    let run = served
        .run(&terra.url("/v2"), &["reconcile", "--json", "--reference", "r-same", "r-gone", "r-orphan", "r-none"]);
    let outcomes = expected(&[("gone", "inactive_there", "found"), ("orphan", "unknown_there", "found")]);
    assert_eq!((run.status, drifts(&run.json())), (1, outcomes), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_it_looks_is_newer_and_stays() {
    let served = held().await;
    let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let (answer, may_answer) = std::sync::mpsc::channel();
    let may_answer = std::sync::Mutex::new(may_answer);
    let terra = FakeTerra::new(move |asked, _| {
        if !asked.parameter("user_id").is_empty() {
            return Said::unknown();
        }
        asking.send(()).unwrap();
        tokio::task::block_in_place(|| may_answer.lock().unwrap().recv().unwrap());
        Said::Json(200, json!({"users": [there("same").unwrap()]}))
    })
    .await;
    let mut command = served.command(&terra.url("/v2"), &["reconcile", "--repair", "--json", "--connections-only"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    asked.recv().await.unwrap();
    // The user goes, and Terra, asked before, still says that they are there.
    let deauth = json!({"type": "deauth", "status": "success", "user": {"user_id": "same", "provider": "GARMIN"}});
    served.post(&deauth, UnixSeconds::now().as_millis() + 1_000, "same-3", "").await;
    answer.send(()).unwrap();
    let run: Done = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap().into()).await.unwrap();
    let became = drifts(&run.json()).remove("same");
    assert_eq!(became, Some(("revoked_here".to_owned(), "sent".to_owned())), "{run:?}");
    assert_eq!(get(&served, "/users/same").await["status"], "revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terra_that_cannot_be_asked_is_said_plainly() {
    let served = Served::start();
    let cases = [
        (Said::Json(401, json!({"detail": "no"})), "TERRA_API_KEY"),
        (Said::Raw(429, "retry-after: 3600", ""), "it asks to wait 3600 s"),
        (Said::Raw(200, "", "<html>"), "TERRA_API_URL"),
    ];
    for (said, told) in cases {
        let terra = FakeTerra::new(move |_, _| said.clone()).await;
        let run = served.run(&terra.url("/v2"), &["reconcile"]);
        assert!(run.status == 2 && run.err.contains(told), "{told}: {run:?}");
    }
    let terra = FakeTerra::new(|_, _| Said::Json(200, json!({"users": [there("new").unwrap()]}))).await;
    let unsigned = served.run(&terra.url("/v2"), &["reconcile", "--repair", "--secret", "another"]);
    assert!(unsigned.status == 1 && unsigned.err.contains("TERRA_SIGNING_SECRET"), "{unsigned:?}");
    let unset = support::terrace().args(["reconcile", "--url", &served.url]).output().unwrap();
    let unset = Done::from(unset);
    assert!(unset.status == 2 && unset.err.contains("TERRA_DEV_ID"), "{unset:?}");
}

/// They may be erased or gone: nobody says that the views agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_cannot_be_read_are_told() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let terra = FakeTerra::new(|_, _| Said::Json(200, json!({"users": []}))).await;
    // A Terrace whose lists leave some out.
    let terrace = FakeTerra::new(|asked, _| match asked.path.as_str() {
        "/health" => Said::Json(200, json!({"status": "ok", "version": "0.1.0"})),
        "/users" => Said::Json(200, json!({"users": [], "damaged": 2, "cursor": null})),
        _ => Said::Json(200, json!({"connections": [], "damaged": 1, "cursor": null})),
    })
    .await;
    for (arguments, number) in [(&["reconcile", "--json"][..], 2), (&["reconcile", "--json", "--reference", "r"], 1)] {
        let mut command = support::terrace();
        command.env("TERRA_DEV_ID", "a-developer").env("TERRA_API_KEY", "a-key-of-the-tests");
        command.env("TERRA_API_URL", terra.url("/v2")).args(arguments).args(["--url", &terrace.url("")]);
        let run: Done = tokio::task::spawn_blocking(move || command.output().unwrap().into()).await.unwrap();
        assert_eq!(run.status, 1, "{run:?}");
        let left_out = &run.json()["not_compared"][0];
        assert_eq!(left_out["name"], format!("{number} connections"), "{run:?}");
        assert!(left_out["why"].as_str().unwrap().contains("terrace replay --all"), "{run:?}");
    }
}
