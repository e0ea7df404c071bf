//! Jobs as a message queue hands them out, many at once: one that fails, or is none, harms no other, is told by a metric
//! and ends with the dead ones.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use terrace_records::Retention;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::jobs::{JobItem, Replay};
use terrace_store::local::{Database, FolderQueue};
use terrace_store::queue::{Job, JobQueue, Subject};
use terrace_store::{JobId, JobState};
use terrace_terra::UnixSeconds;
use terrace_tests::items::timeless;
use terrace_tests::noise::noise;
use terrace_tests::orders::{job, order_replay};
use terrace_tests::{Delivery, Gate, Terrace};
use terrace_worker::batch::{Batch, Failures};
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use tokio::time::Instant;

/// A batch as SQS hands it to a function (AWS: "Using Lambda with Amazon SQS").
fn batch(bodies: &[&str]) -> Batch {
    let message = |(at, body): (usize, &&str)| {
        json!({
            "messageId": format!("m{at}"), "receiptHandle": "AQEB…", "body": body, "md5OfBody": "0",
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "eu-west-2",
            "eventSourceARN": "arn:aws:sqs:eu-west-2:123456789012:jobs"
        })
    };
    let messages: Vec<_> = bodies.iter().enumerate().map(message).collect();
    serde_json::from_value(json!({"Records": messages})).unwrap()
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

fn failed(failures: &Failures) -> Vec<&str> {
    failures.failed.iter().map(|failure| failure.id.as_str()).collect()
}

/// The lines of jobs, each as its job, its outcome and whether it counts as failed.
fn lines(terrace: &Terrace) -> Vec<(String, String, bool)> {
    let text = terrace.lines.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_jobs = lines.filter(|line| line.get("job").is_some());
    of_jobs
        .map(|line| {
            let said = |name: &str| line[name].as_str().unwrap().to_owned();
            let metrics = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"];
            let counted = line["JobsFailed"] == 1 && metrics == &json!([{"Name": "JobsFailed", "Unit": "Count"}]);
            (said("job"), said("outcome"), counted)
        })
        .collect()
}

/// So many records that a job applies them, and that job's message.
async fn handed_over(terrace: &Terrace, user: &str) -> String {
    let data: Vec<_> = (0..205).map(|n| json!({"metadata": {"start_time": format!("{}-01-01", 1_700 + n)}})).collect();
    let body = json!({"type": "daily", "user": {"user_id": user}, "data": data});
    assert_eq!(terrace.accept(&Delivery::new(body.to_string())).await["status"], "queued");
    let taken = terrace.queue.next().await.unwrap();
    let message = serde_json::to_string(taken.job()).unwrap();
    terrace.queue.done(taken).await.unwrap();
    message
}

async fn records(terrace: &Terrace, user: &str) -> usize {
    let records = terrace.read(&format!("/users/{user}/records"), &[("limit", "1000")]).await;
    records["records"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_message_that_is_no_job_harms_no_other() {
    let terrace = Terrace::new().await;
    let (first, last) = (handed_over(&terrace, "first").await, handed_over(&terrace, "last").await);
    let odd = [
        "",
        "{",
        "null",
        "[]",
        "\u{0}",
        r#"{"job":"unheard_of"}"#,
        r#"{"job":"apply"}"#,
        r#"{"job":"apply","partition":7,"log":[]}"#,
        r#"{"job":"replay","id":7}"#,
        r#"{"job":"erase","subject":{"nobody":"x"},"at_ms":1}"#,
        r#"{"JOB":"apply"}"#,
    ];
    let mut bodies = vec![first.as_str()];
    bodies.extend(odd);
    bodies.push(&last);
    let failures = terrace.worker.work_on(batch(&bodies), far(), None).await;
    let expected: Vec<_> = (1..=odd.len()).map(|at| format!("m{at}")).collect();
    assert_eq!(failed(&failures), expected);
    let answer = serde_json::to_value(&failures).unwrap();
    assert_eq!(answer["batchItemFailures"][0], json!({"itemIdentifier": "m1"}), "as SQS reads it");
    assert_eq!((records(&terrace, "first").await, records(&terrace, "last").await), (205, 205));
    let lines = lines(&terrace);
    assert_eq!(
        lines.iter().filter(|(job, outcome, counted)| job == "unknown" && outcome == "failed" && *counted).count(),
        odd.len()
    );
    assert_eq!(
        lines.iter().filter(|(job, outcome, counted)| job == "apply" && outcome == "done" && !*counted).count(),
        2
    );
    assert_eq!(lines.len(), odd.len() + 2);
    let all_done = terrace.worker.work_on(batch(&[&first, &last]), far(), None).await;
    assert_eq!(serde_json::to_value(&all_done).unwrap(), json!({"batchItemFailures": []}), "done twice is done");
    assert_eq!(
        failed(&terrace.worker.work_on(serde_json::from_value(json!({})).unwrap(), far(), None).await),
        Vec::<&str>::new()
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_done_is_reported_and_counted() {
    let terrace = Terrace::new().await;
    let good = handed_over(&terrace, "u").await;
    let jobs = [
        Job::Apply { partition: "u".into(), log: "no log key".into() },
        Job::Ping { partition: "u".into(), log: "no log key".into() },
        Job::Rekey { old: String::new(), new: "v".into() },
        Job::Erase { subject: Subject::User(String::new()), at_ms: 1, id: None },
        Job::Erase { subject: Subject::Reference(String::new()), at_ms: 1, id: None },
    ];
    let mut messages: Vec<_> = jobs.iter().map(|job| serde_json::to_string(job).unwrap()).collect();
    messages.push(good);
    let bodies: Vec<_> = messages.iter().map(String::as_str).collect();
    let failures = terrace.worker.work_on(batch(&bodies), far(), None).await;
    assert_eq!(failed(&failures), ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(records(&terrace, "u").await, 205);
    let counted: Vec<_> = lines(&terrace).into_iter().map(|(job, _, counted)| (job, counted)).collect();
    let expected =
        [("apply", true), ("ping", true), ("rekey", true), ("erase", true), ("erase", true), ("apply", false)];
    assert_eq!(counted, expected.map(|(job, counted)| (job.to_owned(), counted)));
    // What a job was about and is no more is done.
    let gone = "log#1782897153891#d#84f2c8ee187fe1fa";
    let jobs = [
        Job::Apply { partition: "u".into(), log: gone.into() },
        Job::Ping { partition: "u".into(), log: gone.into() },
        Job::Rekey { old: "nobody".into(), new: "v".into() },
        Job::Erase { subject: Subject::User("nobody".into()), at_ms: 1, id: None },
        Job::Replay { id: JobId::random() },
    ];
    let before = timeless(&terrace).await;
    let messages: Vec<_> = jobs.iter().map(|job| serde_json::to_string(job).unwrap()).collect();
    let bodies: Vec<_> = messages.iter().map(String::as_str).collect();
    assert_eq!(failed(&terrace.worker.work_on(batch(&bodies), far(), None).await), Vec::<&str>::new());
    assert_eq!(timeless(&terrace).await, before, "and leaves no trace");
}

#[tokio::test]
async fn what_there_is_no_time_for_is_not_begun() {
    let terrace = Terrace::new().await;
    let (first, last) = (handed_over(&terrace, "first").await, handed_over(&terrace, "last").await);
    for left in [0, 1, 4] {
        let due = Instant::now() + Duration::from_secs(left);
        let failures = terrace.worker.work_on(batch(&[&first, "no job", &last]), due, None).await;
        assert_eq!(failed(&failures), ["m0", "m1", "m2"], "{left}");
    }
    assert_eq!(
        (records(&terrace, "first").await, lines(&terrace).len()),
        (0, 0),
        "nothing failed, it was not its turn"
    );
    assert_eq!(failed(&terrace.worker.work_on(batch(&[&first, &last]), far(), None).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_job_that_is_given_up_says_so_in_its_item() {
    let terrace = Terrace::new().await;
    terrace.accept(&Delivery::new("{")).await;
    let id = order_replay(&terrace, &json!({})).await;
    let (known, now) = (JobId::new(&id).unwrap(), UnixSeconds::now().0 * 1_000);
    let replay = Some(Replay::default());
    let lost =
        JobItem { cursor: Some("nowhere".into()), ..JobItem::queued(known.clone(), "replay", replay.clone(), now) };
    terrace.table.put_job(&lost, now).await.unwrap();
    let message = serde_json::to_string(&Job::Replay { id: known.clone() }).unwrap();
    assert_eq!(failed(&terrace.worker.work_on(batch(&[&message]), far(), None).await), ["m0"]);
    assert_eq!(job(&terrace, &id).await["status"], "failed");
    // Once it is mended it goes on.
    let mended = JobItem { state: JobState::Failed, ..JobItem::queued(known, "replay", replay, now) };
    terrace.table.put_job(&mended, now).await.unwrap();
    assert_eq!(failed(&terrace.worker.work_on(batch(&[&message]), far(), None).await), Vec::<&str>::new());
    assert_eq!(job(&terrace, &id).await["status"], "done");
}

/// On a laptop as well: what is no job is dead at once, what cannot be done after its tries, and the others are done.
#[tokio::test(start_paused = true)]
async fn a_folder_of_jobs_is_worked_off_around_what_is_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = folder.path().join("jobs");
    fs::create_dir(&jobs).unwrap();
    for (name, text) in
        [("a", ""), ("b", "{"), ("c", r#"{"job":{"job":"unheard_of"},"attempts":0}"#), ("d", "\u{0}\u{1}")]
    {
        fs::write(jobs.join(format!("{name}.json")), text).unwrap();
    }
    let terrace = Terrace::within(Database::in_memory().unwrap().client(), folder.path()).await;
    let impossible = Job::Apply { partition: "u".into(), log: "no log key".into() };
    terrace.queue.send(&impossible).await.unwrap();
    let good = Job::from_message(&handed_over_in(&terrace, "u").await).unwrap();
    terrace.queue.send(&good).await.unwrap();
    let mut tries = 0;
    while !terrace.queue.is_empty() {
        let taken = terrace.queue.next().await.unwrap();
        match terrace.worker.work(taken.job(), far()).await {
            Ok(_) => terrace.queue.done(taken).await.unwrap(),
            Err(_) => {
                tries += 1;
                terrace.queue.failed(taken).await.unwrap();
            }
        }
    }
    assert_eq!((tries, records(&terrace, "u").await), (8, 205));
    assert_eq!(terrace.queue.set_aside().await.unwrap().dead, 5);
}

/// The same beside other jobs in the queue.
async fn handed_over_in(terrace: &Terrace, user: &str) -> String {
    let aside = Terrace::new().await;
    let message = handed_over(&aside, user).await;
    let body = aside.read(&format!("/users/{user}/deliveries"), &[]).await;
    let name = body["deliveries"][0]["delivery"].as_str().unwrap().to_owned();
    let body = aside.get(&format!("/users/{user}/deliveries/{name}"), &[]).await.body;
    let signed_at = name.get(..10).unwrap().parse().unwrap();
    assert_eq!(terrace.accept(&Delivery::new(body).signed(signed_at)).await["status"], "queued");
    message
}

/// What a message may have of what it is about: whose it is, and what the delivery is called. Nothing that a body says of
/// them, no URL and no identifier of a record.
#[tokio::test]
async fn a_message_holds_nothing_of_a_body() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let (client, gate) = (Database::in_memory().unwrap().client(), Gate::open());
    let intake = IntakeSettings { retention: Retention::Erase, ..IntakeSettings::default() };
    let fetcher = Fetcher::new(Hosts::default(), FetchLimits::default());
    let terrace = Terrace::told(client, folder.path(), &gate, intake, fetcher).await;
    let user =
        |id: &str| json!({"user_id": id, "provider": "PROVIDER", "reference_id": "REFERENCE", "scopes": "SCOPES"});
    let many: Vec<_> = (0..205)
        .map(|n| json!({"metadata": {"summary_id": format!("SUMMARY{n}"), "start_time": "2026-07-01"}, "n": noise(n, 3)}))
        .collect();
    let bodies = [
        json!({"type": "sleep", "user": user("u"), "data": many}),
        json!({"type": "s3_payload", "url": "https://URL.example/PATH?X-Amz-Signature=SECRET", "expires_in": 300}),
        json!({"type": "s3_payload", "url": "https://URL.example/PATH", "user_id": "u", "reference_id": "named"}),
        json!({"type": "user_reauth", "old_user": user("u"), "new_user": user("v"), "message": "MESSAGE"}),
        json!({"type": "daily", "user": user("u"), "data": [{"metadata": {"start_time": "2026-07-01"}, "STEPS": 7}]}),
        json!({"type": "deauth", "user": user("w"), "message": "MESSAGE"}),
    ];
    let now = UnixSeconds::now().0;
    for (number, body) in bodies.iter().enumerate() {
        let odd = if number % 2 == 0 { "an ODD/id" } else { "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001" };
        assert_eq!(terrace.accept(&Delivery::new(body.to_string()).trace(odd).signed(now)).await["status"], "queued");
    }
    order_replay(&terrace, &json!({"user_id": "u", "from": "2026-07-01"})).await;
    let messages = messages(&folder.path().join("jobs"));
    let kinds = ["apply", "ping", "rekey", "erase", "replay"];
    assert!(kinds.iter().all(|kind| messages.contains(&format!(r#""job":"{kind}""#))), "{messages}");
    for secret in [
        "PROVIDER",
        "REFERENCE",
        "SCOPES",
        "SUMMARY",
        "STEPS",
        "MESSAGE",
        "URL",
        "PATH",
        "SECRET",
        "ODD",
        "http",
        "2026",
        "sleep",
        "daily",
        "data",
    ] {
        assert!(!messages.contains(secret), "{secret}: {messages}");
    }
}

/// The messages that wait in a folder, as they lie there.
fn messages(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let jobs = files.filter(|path| path.extension().is_some_and(|known| known == "json"));
    jobs.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Pings and other jobs lie in queues of their own.
#[tokio::test]
async fn a_ping_never_waits_behind_other_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| FolderQueue::open(&folder.path().join(name)).unwrap();
    let (pings, jobs) = (open("pings"), open("jobs"));
    let both =
        terrace_store::Queues { pings: std::sync::Arc::new(pings.clone()), jobs: std::sync::Arc::new(jobs.clone()) };
    let all = [
        Job::Ping { partition: "p".into(), log: "l".into() },
        Job::Apply { partition: "p".into(), log: "l".into() },
        Job::Rekey { old: "o".into(), new: "n".into() },
        Job::Erase { subject: Subject::User("u".into()), at_ms: 1, id: None },
        Job::Replay { id: JobId::random() },
        Job::Sweep { after: None },
    ];
    for job in &all {
        both.send(job).await.unwrap();
    }
    assert_eq!((pings.len(), jobs.len()), (1, 5));
    assert_eq!(*pings.next().await.unwrap().job(), all[0]);
}
