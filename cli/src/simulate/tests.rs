use super::*;
use crate::args::{Cli, Command};
use crate::simulate::plan::Kind;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use clap::Parser;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use terrace_terra::signature::{Tolerance, verify};
use terrace_terra::{Content, DataType, Event, EventType, SigningSecret, UnixSeconds};

fn args(given: &[&str]) -> SimulateArgs {
    match Cli::try_parse_from([&["terrace", "simulate"], given].concat()).unwrap().command {
        Command::Simulate(args) => args,
        other => panic!("{other:?}"),
    }
}

fn now() -> Timestamp {
    "2026-07-02T09:12:33Z".parse().unwrap()
}

fn sendings(given: &[&str]) -> Vec<Sending> {
    let world = args(given).world(now()).unwrap();
    plan(&world, world.events())
}

#[test]
fn a_seed_repeats_a_run_and_another_one_makes_another() {
    let run =
        |given: &[&str]| sendings(given).iter().map(|one| (line(one), one.event.body.clone())).collect::<Vec<_>>();
    let first = run(&["--seed", "7", "--users", "3", "--days", "4"]);
    assert_eq!(first, run(&["--seed", "7", "--users", "3", "--days", "4"]));
    assert_ne!(first, run(&["--seed", "8", "--users", "3", "--days", "4"]));
    let users = |given: &[&str]| -> HashSet<String> {
        sendings(given).iter().filter_map(|one| one.event.user_id.clone()).collect()
    };
    let base = users(&["--seed", "7", "--users", "3", "--days", "4", "--large", "0"]);
    for other in [
        &["--days", "5"][..],
        &["--at", "2026-07-02T00:00:01Z"],
        &["--late", "0.06"],
        &["--types", "daily"],
        &["--pings", "0"],
        &["--reauths", "0"],
        &["--requests", "1"],
    ] {
        let other = users(&[&["--seed", "7", "--users", "3", "--large", "0"][..], other].concat());
        assert!(base.is_disjoint(&other), "another run has other users");
    }
    assert!(users(&["--users", "3", "--days", "1"]).is_disjoint(&users(&["--users", "3", "--days", "1"])));
}

#[test]
fn the_command_shown_repeats_the_run() {
    let given = args(&["--users", "2", "--days", "2", "--types", "daily,auth", "--late", "0.5"]);
    let world = given.world(now()).unwrap();
    let shown = repeat(&given, &world);
    let Command::Simulate(again) = Cli::try_parse_from(shown.split_whitespace()).unwrap().command else { panic!() };
    assert_eq!(again.world(now()).unwrap().run(), world.run());
    assert!(shown.contains("--data .terrace"), "{shown}");

    let given = args(&["--requests", "7", "--reauths", "0.9", "--pings", "0.7", "--data", "/a b/it's"]);
    let mut world = given.world(now()).unwrap();
    assert!(repeat(&given, &world).contains(r"--requests 7 --reauths 0.9 --pings 0.7 --data '/a b/it'\''s'"));
    // Where there were none the run had none.
    world.pings = 0.0;
    let shown = repeat(&given, &world);
    assert!(shown.contains("--pings 0") && !shown.contains("--data"), "{shown}");
}

#[tokio::test]
async fn repeats_of_a_ping_lead_to_one_url_and_no_list_shows_it() {
    let data = tempfile::TempDir::new().unwrap();
    let given = ["--seed", "7", "--users", "3", "--days", "6", "--pings", "0.5", "--large", "0", "--late", "0.4"];
    let mut sendings = sendings(&given);
    let listed: Vec<_> = sendings.iter().map(line).collect();
    let host = PingHost::start(crate::ping_host::ensure(data.path()).unwrap()).await.unwrap();
    pings::put_up(&mut sendings, &host).unwrap();
    assert_eq!(sendings.iter().map(line).collect::<Vec<_>>(), listed);
    let mut urls: HashMap<_, HashSet<String>> = HashMap::new();
    let mut kinds = HashSet::new();
    for sending in &sendings {
        if !sending.ping {
            assert_eq!(sending.body, sending.event.body);
            continue;
        }
        let ping: serde_json::Value = serde_json::from_slice(&sending.body).unwrap();
        assert_eq!(
            (&ping["type"], &ping["status"], &ping["expires_in"]),
            (&"s3_payload".into(), &"success".into(), &600.into())
        );
        assert!(sending.event.is_data && line(sending).contains(&format!(" of={}", sending.event.name)));
        kinds.insert(sending.kind.name());
        urls.entry(Arc::as_ptr(&sending.event)).or_default().insert(ping["url"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, HashSet::from(["first", "duplicate", "late"]));
    assert!(urls.values().all(|urls| urls.len() == 1));
    let all: HashSet<_> = urls.values().flatten().collect();
    assert!(all.len() == urls.len() && all.len() > 50, "each event has a URL of its own");
    assert!(all.iter().all(|url| url.starts_with("https://127.0.0.1:") && url.rsplit('/').next().unwrap().len() == 48));
}

#[test]
fn half_of_the_large_deliveries_go_as_pings_if_any_do() {
    let large = |pings: &str| {
        let sendings = sendings(&["--seed", "3", "--users", "2", "--days", "1", "--large", "12", "--pings", pings]);
        let large = sendings.iter().filter(|one| one.kind == Kind::First && one.event.body.len() > 1_000_000);
        large.map(|one| one.ping).collect::<Vec<_>>()
    };
    let pings = large("0.01");
    let share = pings.iter().filter(|ping| **ping).count() as f64 / pings.len() as f64;
    assert!((0.2..0.8).contains(&share), "{pings:?}");
    assert!(large("0").iter().all(|ping| !ping));
}

#[test]
fn every_data_type_and_every_notice_is_sent_and_understood() {
    let sendings = sendings(&["--seed", "1", "--users", "24", "--days", "20", "--large", "0"]);
    let (mut data_types, mut names) = (BTreeSet::new(), HashSet::new());
    for sending in &sendings {
        let body = terrace_terra::VerifiedBody::from_log(&sending.event.body, UnixSeconds(sending.signed_at));
        names.insert(sending.name());
        if let Content::Records { data_type, elements } = Event::read(body).content {
            assert!(!elements.is_empty());
            data_types.insert(data_type);
        }
    }
    assert_eq!(data_types, DataType::ALL.into_iter().collect());
    let sent: HashSet<_> = names.iter().map(|name| EventType::from_name(name)).collect();
    for event_type in EventType::ALL {
        assert!(sent.contains(event_type), "{event_type}");
    }
    assert!(sent.contains(&EventType::Unknown));
}

#[test]
fn times_are_credible_and_shares_are_kept() {
    let sendings = sendings(&["--seed", "3", "--users", "12", "--days", "10", "--large", "0", "--reorder", "0.5"]);
    let of = |kind: Kind| sendings.iter().filter(|one| one.kind == kind).count() as f64;
    let first = of(Kind::First);
    assert!((0.08..0.12).contains(&(of(Kind::Duplicate) / first)));
    assert!((0.03..0.07).contains(&(of(Kind::Late) / first)));
    let without = sendings.iter().filter(|one| one.ordering_ms.is_none()).count() as f64;
    assert!((0.07..0.13).contains(&(without / sendings.len() as f64)));
    let data = sendings.iter().filter(|one| one.event.is_data).count() as f64;
    let pings = sendings.iter().filter(|one| one.ping).count() as f64;
    assert!((0.03..0.07).contains(&(pings / data)));
    let midnight = "2026-07-02T00:00:00Z".parse::<Timestamp>().unwrap().as_second() as u64;
    for sending in &sendings {
        assert!(sending.signed_at * 1_000 >= sending.event.emitted_ms, "signed before it was emitted");
        assert!((midnight - 6_000..=midnight).contains(&sending.signed_at), "a server would not take it");
    }
    let anew = |one: &&Sending| one.kind == Kind::Late && one.signed_at > one.event.emitted_ms / 1_000 + 3;
    assert!((0.25..0.75).contains(&(sendings.iter().filter(anew).count() as f64 / of(Kind::Late))));
    let out_of_order = sendings.windows(2).filter(|pair| pair[0].event.emitted_ms > pair[1].event.emitted_ms).count();
    assert!(out_of_order as f64 / first > 0.2);
    let moments: Vec<_> =
        sendings.iter().filter(|one| one.kind == Kind::First).map(|one| one.event.emitted_ms).collect();
    assert!(moments.iter().collect::<HashSet<_>>().len() < moments.len(), "some are of one millisecond");
}

#[test]
fn large_deliveries_are_large() {
    let sendings = sendings(&["--seed", "3", "--users", "1", "--days", "1", "--large", "2"]);
    let large: Vec<_> =
        sendings.iter().filter(|one| one.kind == Kind::First && one.event.body.len() > 2_000_000).collect();
    let records = |sending: &Sending| match Event::read(terrace_terra::VerifiedBody::from_log(
        &sending.event.body,
        UnixSeconds(0),
    ))
    .content
    {
        Content::Records { elements, .. } => elements.len(),
        _ => 0,
    };
    assert!(large.iter().all(|one| one.event.body.len() < 9_000_000));
    assert!(large.iter().any(|one| one.event.name == "daily" && records(one) == 1));
    assert!(large.iter().any(|one| one.event.name == "activity" && records(one) > 200));
}

#[test]
fn a_moment_that_no_server_takes_is_refused() {
    for at in ["2026-07-01T09:12:32Z", "2026-07-02T09:12:34Z"] {
        assert_eq!(args(&["--at", at]).world(now()).unwrap_err().exit_status(), 2, "{at}");
    }
    assert!(args(&["--at", "2026-07-01T09:12:33Z"]).world(now()).is_ok());
}

/// A webhook that verifies, refuses every delivery `refusals` times, and keeps what it was sent.
#[derive(Default)]
struct Webhook {
    refusals: u32,
    seen: Mutex<HashMap<Bytes, u32>>,
}

impl Webhook {
    fn answer(&self, uri: &Uri, headers: &HeaderMap, body: Bytes) -> (StatusCode, String) {
        if uri.path() == "/health" {
            return (StatusCode::OK, r#"{"status":"ok","version":"1"}"#.to_owned());
        }
        let secret = SigningSecret::new("s").unwrap();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if verify(header("x-terra-signature"), &body, &[secret], UnixSeconds::now(), Tolerance::default()).is_err() {
            return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_signature","message":"no"}"#.to_owned());
        }
        let mut seen = self.seen.lock().unwrap();
        let times = seen.entry(body).or_default();
        *times += 1;
        if *times <= self.refusals {
            return (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"unavailable","message":"later"}"#.to_owned());
        }
        let answer =
            r#"{"status":"stored","delivery":"d","records":{"stored":1,"unchanged":0,"stale":0,"rejected":0}}"#;
        (StatusCode::OK, answer.to_owned())
    }
}

async fn simulated(webhook: Webhook, secret: &str) -> (Report, usize) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let webhook = Arc::new(webhook);
    let serving = Arc::clone(&webhook);
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| async move { serving.answer(&uri, &headers, body) };
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let args = args(&[
        "--url",
        &url,
        "--users",
        "1",
        "--days",
        "1",
        "--large",
        "0",
        "--no-check",
        "--pings",
        "0",
        "--duplicates",
        "0",
        "--late",
        "0",
    ]);
    let world = args.world(Timestamp::now()).unwrap();
    let client = Client::new(&args.url).unwrap();
    client.health().await.unwrap();
    let sender = Sender::new(&client, secret, Retries::new(retries::Schedule::Quick, 1)).unwrap();
    let sendings = plan(&world, world.events());
    let number = sendings.len();
    let report = carry_out(&args, &client, &sender, sendings, 1, String::new()).await.unwrap();
    server.abort();
    (report, number)
}

#[tokio::test]
async fn a_delivery_that_is_not_durable_is_sent_again() {
    let (report, number) = simulated(Webhook { refusals: 1, ..Webhook::default() }, "s").await;
    assert_eq!((report.total.sent, report.total.retries, report.total.failed), (number as u64, number as u64, 0));
    assert_eq!((report.exit_status(), report.total.stored), (0, number as u64));
}

#[tokio::test]
async fn a_delivery_that_is_refused_is_a_failure_and_not_sent_again() {
    let (report, number) = simulated(Webhook::default(), "another secret").await;
    assert_eq!((report.total.failed, report.total.retries, report.exit_status()), (number as u64, 0, 1));
    assert!(report.failures[0].contains("invalid_signature"), "{}", report.failures[0]);
}

#[tokio::test]
async fn nobody_there_is_said_with_what_to_do() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error =
        run(args(&["--url", &url, "--users", "1", "--days", "1", "--large", "0", "--pings", "0"])).await.unwrap_err();
    assert_eq!(error.exit_status(), 2);
    assert!(error.to_string().contains("make run"), "{error}");
}
