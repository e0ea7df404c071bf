//! `terrace backfill`: what Terra has is asked for once, within its limits, and followed until it came; a stop loses
//! nothing.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Done, Served};
use terrace_terra::UnixSeconds;
use terrace_tests::FakeTerra;
use terrace_tests::fake_terra::{Asked, Said};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A request for history that Terra has accepted.
#[derive(Debug, Clone)]
struct Accepted {
    user: String,
    of: String,
    from: String,
    large: bool,
}

impl Accepted {
    fn read(asked: &Asked) -> Self {
        let of = asked.path.rsplit('/').next().unwrap().to_owned();
        let [user, from, to] = ["user_id", "start_date", "end_date"].map(|name| asked.parameter(name).to_owned());
        let days = to.parse::<jiff::civil::Date>().unwrap().duration_since(from.parse().unwrap()).as_hours() / 24;
        assert!(days <= 365 && asked.parameter("to_webhook") == "true", "{asked:?}");
        Self { user, of, from, large: days > 31 }
    }

    fn reference(&self) -> String {
        format!("reference-{}-{}-{}", self.user, self.of, self.from)
    }

    fn answer(&self) -> Said {
        let message = if self.large { json!("Large request submitted, sent in chunks") } else { json!(null) };
        let body = json!({"status": "success", "type": self.of, "reference": self.reference(), "message": message});
        Said::Json(200, body)
    }

    /// Sends what Terra would: for a large request what there will be, and then these of its two chunks.
    async fn send(&self, served: &Served, chunks: &[u32]) {
        let (now, reference) = (UnixSeconds::now().as_millis(), self.reference());
        let user = json!({"user_id": self.user, "provider": "GARMIN"});
        let data = |number: u32| {
            let year = self.from.split('-').next().unwrap();
            let metadata = json!({"start_time": format!("{year}-0{number}-01T00:00:00Z"), "end_time": "x",
                "summary_id": format!("{}-{number}", self.from)});
            json!({"type": self.of, "user": user, "data": [{"metadata": metadata}]})
        };
        if !self.large {
            return served.post(&data(1), now, &reference, &reference).await;
        }
        let sending =
            json!({"type": "large_request_sending", "user": user, "reference": reference, "expected_payloads": 2});
        served.post(&sending, now, &format!("{reference}-sending"), &reference).await;
        for number in chunks {
            served.post(&data(*number), now, &format!("{reference}-own:chunk:{number}"), &reference).await;
        }
    }
}

/// A Terra that accepts what `refuses` does not, and tells the test.
async fn terra(
    refuses: impl Fn(&Asked) -> Option<Said> + Send + Sync + 'static,
) -> (FakeTerra, UnboundedReceiver<Accepted>) {
    let (sender, accepted) = unbounded_channel();
    let fake = FakeTerra::new(move |asked, _| {
        if asked.path.ends_with("subscriptions") {
            let user = |id: &str, active| json!({"user_id": id, "provider": "GARMIN", "active": active});
            return Said::Json(200, json!({"users": [user("u", true), user("v", true), user("left", false)]}));
        }
        refuses(asked).unwrap_or_else(|| {
            let accepted = Accepted::read(asked);
            let answer = accepted.answer();
            sender.send(accepted).unwrap();
            answer
        })
    })
    .await;
    (fake, accepted)
}

async fn ended(child: std::process::Child) -> Done {
    tokio::task::spawn_blocking(|| child.wait_with_output().unwrap().into()).await.unwrap()
}

fn started(mut command: Command) -> std::process::Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn missing(report: &Value) -> BTreeSet<String> {
    let missing = report["missing"].as_array().unwrap().iter();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    missing.map(|one| ["user_id", "type", "from", "state"].map(|name| text(one, name)).join(" ")).collect()
}

const TWO_YEARS: [&str; 9] =
    ["backfill", "--json", "--types", "daily,sleep", "--from", "2024-01-01", "--to", "2025-12-31", "--all"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_asked_for_once_and_followed_until_it_came() {
    let served = Served::start();
    let limited = Arc::new(AtomicBool::new(true));
    let is_limited = Arc::clone(&limited);
    let (terra, mut accepted) = terra(move |asked| {
        let refused = asked.parameter("user_id") == "v" && asked.path.ends_with("sleep");
        (refused && is_limited.load(Ordering::SeqCst)).then_some(Said::Raw(429, "retry-after: 3600", ""))
    })
    .await;
    let (url, patient) = (terra.url("/api/v2"), ["--patience", "3"]);

    let child = started(served.command(&url, &[&TWO_YEARS[..], &patient[..]].concat()));
    for _ in 0..9 {
        let one = accepted.recv().await.unwrap();
        let lacks_one = one.user == "v" && one.from == "2024-01-01";
        one.send(&served, if lacks_one { &[1] } else { &[1, 2] }).await;
    }
    let first = ended(child).await;
    let report = first.json();
    let lack = [
        "v daily 2024-01-01 incomplete",
        "v sleep 2024-01-01 not_sent",
        "v sleep 2024-12-31 not_sent",
        "v sleep 2025-12-31 not_sent",
    ];
    assert_eq!((first.status, missing(&report)), (1, lack.map(str::to_owned).into()), "{first:?}");
    assert_eq!((&report["requests"], &report["accepted"], &report["came"]), (&json!(12), &json!(9), &json!(8)));
    assert!(first.out.contains("1 of 2 chunks came") && first.out.contains("3600 s"), "{first:?}");

    // The same again: only what was not accepted is asked for, and the rest is followed.
    limited.store(false, Ordering::SeqCst);
    let before = terra.asked().len();
    let child = started(served.command(&url, &[&TWO_YEARS[..], &patient[..]].concat()));
    let late = Accepted { user: "v".to_owned(), of: "daily".to_owned(), from: "2024-01-01".to_owned(), large: true };
    late.send(&served, &[2]).await;
    for _ in 0..3 {
        accepted.recv().await.unwrap().send(&served, &[1, 2]).await;
    }
    let second = ended(child).await;
    assert_eq!((second.status, missing(&second.json()).len()), (0, 0), "{second:?}");
    assert_eq!(terra.asked().len() - before, 4, "the users, and three requests");

    // And again: nothing is left to ask.
    let third = served.run(&url, &TWO_YEARS);
    assert_eq!((third.status, &third.json()["came"]), (0, &json!(12)), "{third:?}");
    assert_eq!(terra.asked().len() - before, 5, "the users alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_clean_and_the_same_command_goes_on() {
    let served = Served::start();
    let stalls = Arc::new(AtomicBool::new(true));
    let is_stalling = Arc::clone(&stalls);
    let (stalled, mut stalling) = unbounded_channel();
    let (terra, _accepted) = terra(move |asked| {
        (asked.path.ends_with("sleep") && is_stalling.load(Ordering::SeqCst)).then(|| {
            stalled.send(()).unwrap();
            Said::Nothing
        })
    })
    .await;
    let url = terra.url("/v2");
    let days = [
        "backfill",
        "--json",
        "--types",
        "daily,sleep",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-02",
        "--user",
        "u",
        "--no-wait",
    ];
    let child = started(served.command(&url, &days));
    stalling.recv().await.unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stopped = ended(child).await;
    assert_eq!(stopped.status, 130, "{stopped:?}");
    let report = stopped.json();
    assert_eq!((&report["accepted"], &report["requests"]), (&json!(1), &json!(2)), "{report}");
    assert!(missing(&report).contains("u sleep 2026-01-01 not_asked"), "{report}");

    stalls.store(false, Ordering::SeqCst);
    let before = terra.asked().len();
    let again = served.run(&url, &days);
    assert_eq!((again.status, &again.json()["accepted"]), (0, &json!(2)), "{again:?}");
    let asked: Vec<_> = terra.asked().into_iter().skip(before).map(|asked| asked.path).collect();
    assert_eq!(asked, ["/v2/sleep"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_said_plainly() {
    let served = Served::start();
    let (terra, _accepted) = terra(|asked| match asked.parameter("user_id") {
        "nobody" => Some(Said::unknown()),
        "inline" => Some(Said::Json(200, json!({"type": "daily", "data": [{}], "user": {}}))),
        "refused" => Some(Said::Json(400, json!({"detail": "no history"}))),
        "key" => Some(Said::Json(401, json!({"detail": "no"}))),
        _ => None,
    })
    .await;
    let run = |users: &[&str], from: &str| {
        let options = ["backfill", "--no-wait", "--types", "daily", "--to", "2026-01-02", "--from", from, "--user"];
        served.run(&terra.url("/v2"), &[&options[..], users].concat())
    };
    let others = run(&["nobody", "inline", "refused", "u"], "2026-01-01");
    assert_eq!(others.status, 1, "{others:?}");
    for told in ["Terra knows no such user", "answered the data itself", "no history", "4 requests: 1 accepted"] {
        assert!(others.out.contains(told), "{told}: {others:?}");
    }
    let key = run(&["key"], "2026-01-01");
    assert!(key.status == 2 && key.err.contains("TERRA_API_KEY"), "{key:?}");
    let backwards = run(&["u"], "2026-01-03");
    assert!(backwards.status == 2 && backwards.err.contains("--from"), "{backwards:?}");
}
