//! Jobs over SQS, as an emulator has it: `make test-sqs` starts one and says where it is. The queues are the ones of the
//! functions, and messages are received, worked on and deleted as Lambda does it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use terrace_ingest::{Ingest, Policy};
use terrace_query::{LargeAnswers, Query};
use terrace_records::Retention;
use terrace_runtime::http::Request;
use terrace_runtime::parts;
use terrace_runtime::settings::{IntakeSettings, QueueUrls};
use terrace_runtime::telemetry::Telemetry;
use terrace_store::clients::Clients;
use terrace_store::local::{Database, folder_objects};
use terrace_store::queue::{Job, JobQueue};
use terrace_store::schema::create_table;
use terrace_store::{Log, Secrets, Table};
use terrace_terra::SigningSecret;
use terrace_tests::delivery::SECRET;
use terrace_tests::terrace::{Lines, TABLE};
use terrace_tests::{Delivery, ObjectHost, Reply};
use terrace_webhook::Webhook;
use terrace_worker::Worker;
use terrace_worker::batch::{Batch, Failures};
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use terrace_worker::worker::Parts;
use tokio::time::Instant;

/// How often a message is handed out before it is dead.
const TRIES: usize = 3;

/// A queue and the one for its dead.
struct Queue {
    client: Client,
    url: String,
    dead: String,
}

impl Queue {
    async fn new(client: &Client, name: &str) -> Self {
        let created = client.create_queue().queue_name(format!("{name}-dead")).send().await.unwrap();
        let dead = created.queue_url.unwrap();
        let arn = QueueAttributeName::QueueArn;
        let asked = client.get_queue_attributes().queue_url(&dead).attribute_names(arn.clone()).send().await.unwrap();
        let policy = json!({"deadLetterTargetArn": asked.attributes.unwrap()[&arn], "maxReceiveCount": TRIES});
        let request = client.create_queue().queue_name(name);
        let request = request.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        let url = request.attributes(QueueAttributeName::VisibilityTimeout, "900").send().await.unwrap().queue_url;
        Self { client: client.clone(), url: url.unwrap(), dead }
    }

    async fn send(&self, body: &str) {
        self.client.send_message().queue_url(&self.url).message_body(body).send().await.unwrap();
    }

    async fn receive(&self, url: &str) -> Vec<Message> {
        let request = self.client.receive_message().queue_url(url).max_number_of_messages(10);
        request.wait_time_seconds(0).send().await.unwrap().messages.unwrap_or_default()
    }

    /// How many messages wait or are at work.
    async fn len(&self) -> u64 {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await.unwrap().attributes.unwrap();
        names.iter().map(|name| attributes[name].parse::<u64>().unwrap()).sum()
    }

    /// Has the worker work off what there is, batch by batch, as Lambda does: what did not fail is deleted, what failed is
    /// handed out again. Says how often each message was handed out, by its body.
    async fn work_off(&self, worker: &Worker) -> BTreeMap<String, usize> {
        let mut handed_out = BTreeMap::<String, usize>::new();
        while self.len().await > 0 {
            let messages = self.receive(&self.url).await;
            for message in &messages {
                *handed_out.entry(message.body.clone().unwrap()).or_default() += 1;
            }
            let failures = worker.work_on(batch(&messages), Instant::now() + Duration::from_secs(600), None).await;
            for message in &messages {
                let receipt = message.receipt_handle.as_deref().unwrap();
                if has_failed(&failures, message) {
                    let request = self.client.change_message_visibility().queue_url(&self.url);
                    request.receipt_handle(receipt).visibility_timeout(0).send().await.unwrap();
                } else {
                    let request = self.client.delete_message().queue_url(&self.url);
                    request.receipt_handle(receipt).send().await.unwrap();
                }
            }
        }
        handed_out
    }

    /// The bodies of the dead, sorted.
    async fn dead(&self) -> Vec<String> {
        let mut bodies: Vec<_> = self.receive(&self.dead).await.into_iter().map(|dead| dead.body.unwrap()).collect();
        bodies.sort();
        bodies
    }
}

fn batch(messages: &[Message]) -> Batch {
    let message = |message: &Message| json!({"messageId": message.message_id, "body": message.body});
    serde_json::from_value(json!({"Records": messages.iter().map(message).collect::<Vec<_>>()})).unwrap()
}

fn has_failed(failures: &Failures, message: &Message) -> bool {
    failures.failed.iter().any(|failure| Some(&failure.id) == message.message_id.as_ref())
}

/// A Terrace whose jobs go through SQS.
struct Terrace {
    webhook: Webhook,
    query: Query,
    worker: Worker,
    sent: Arc<dyn JobQueue>,
    jobs: Queue,
    pings: Queue,
    lines: Lines,
    _folder: TempDir,
}

impl Terrace {
    /// One with queues of its own, by this name, that fetches pings from Terra's hosts.
    async fn new(name: &str) -> Self {
        Self::fetching(name, Fetcher::new(Hosts::default(), FetchLimits::default())).await
    }

    async fn fetching(name: &str, fetcher: Fetcher) -> Self {
        let clients = Clients::from_env(None).await.unwrap();
        let jobs = Queue::new(&clients.sqs(), &format!("{name}-jobs")).await;
        let pings = Queue::new(&clients.sqs(), &format!("{name}-pings")).await;
        let queue = parts::queues(&clients, &QueueUrls { jobs: jobs.url.clone(), pings: pings.url.clone() });
        let folder = tempfile::tempdir().unwrap();
        let client = Database::in_memory().unwrap().client();
        create_table(&client, TABLE).await.unwrap();
        let table = Table::new(client, TABLE);
        let log = Log::new(table.clone(), Arc::new(folder_objects::objects(folder.path())));
        let policy = Policy { log_days: 90, retention: Retention::Keep };
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&queue), policy);
        let lines = Lines::default();
        let telemetry = Arc::new(Telemetry::to(lines.clone()));
        let secrets = Secrets::fixed(vec![SigningSecret::new(SECRET).unwrap()]);
        let worker = Worker::new(Parts {
            ingest: ingest.clone(),
            table: table.clone(),
            log: log.clone(),
            queue: Arc::clone(&queue),
            fetcher,
            log_days: 90,
            telemetry: Arc::clone(&telemetry),
        });
        let webhook = Webhook::new(secrets, ingest, IntakeSettings::default(), Arc::clone(&telemetry));
        let query = Query::new(table, log, Arc::clone(&queue), LargeAnswers::Streamed, telemetry);
        Self { webhook, query, worker, sent: queue, jobs, pings, lines, _folder: folder }
    }

    async fn post(&self, body: &Value) -> Value {
        let answer = self.webhook.handle(&Delivery::new(body.to_string()).request()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn ask(&self, method: &str, path: &str) -> Value {
        let (method, path, query) = (method.parse().unwrap(), path.to_owned(), Vec::new());
        let (headers, body) = (http::HeaderMap::new(), bytes::Bytes::new());
        let answer = self.query.handle(&Request { method, path, query, headers, body }).await;
        serde_json::from_slice(&answer.body).unwrap()
    }
}

fn many(user: &str) -> Value {
    let data: Vec<_> = (0..205).map(|n| json!({"metadata": {"start_time": format!("{}-01-01", 1_700 + n)}})).collect();
    json!({"type": "daily", "user": {"user_id": user}, "data": data})
}

#[tokio::test]
async fn a_poison_message_ends_with_the_dead_ones_while_the_others_are_done() {
    let terrace = Terrace::new("poison").await;
    let poison = ["no job at all", r#"{"job":"unheard_of"}"#, r#"{"job":"apply","partition":"u","log":"no log key"}"#];
    terrace.jobs.send(poison[0]).await;
    assert_eq!(terrace.post(&many("u")).await["status"], "queued");
    terrace.jobs.send(poison[1]).await;
    let reauth = json!({"type": "user_reauth", "old_user": {"user_id": "u"}, "new_user": {"user_id": "v"}});
    assert_eq!(terrace.post(&reauth).await["status"], "queued");
    terrace.jobs.send(poison[2]).await;
    let replay = terrace.ask("POST", "/replays").await;
    let handed_out = terrace.jobs.work_off(&terrace.worker).await;
    for body in poison {
        assert_eq!(handed_out[body], TRIES, "{body}");
    }
    let mut sorted = poison.map(str::to_owned);
    sorted.sort();
    assert_eq!(terrace.jobs.dead().await, sorted);
    assert_eq!(handed_out.len(), poison.len() + 3, "{handed_out:?}");
    let records = terrace.ask("GET", "/users/v/records").await;
    assert_eq!(records["records"].as_array().map(Vec::len), Some(100), "a page of them");
    assert_eq!(terrace.ask("GET", "/users/u/records").await["records"], json!([]));
    let job = terrace.ask("GET", &format!("/jobs/{}", replay["job"].as_str().unwrap())).await;
    assert_eq!((&job["status"], &job["progress"]), (&json!("done"), &json!({"deliveries": 0})));
    let failed = terrace.lines.text().lines().filter(|line| line.contains(r#""JobsFailed":1"#)).count();
    assert_eq!(failed, poison.len() * TRIES, "each try is counted");
}

/// The queue hides for a quarter of an hour what it handed out.
#[tokio::test]
async fn what_could_not_be_begun_is_handed_out_again_soon() {
    let terrace = Terrace::new("again").await;
    let clients = Clients::from_env(None).await.unwrap();
    let urls = QueueUrls { jobs: terrace.jobs.url.clone(), pings: terrace.pings.url.clone() };
    let receipts = parts::receipts(&clients, urls);
    for (queue, other) in [(&terrace.jobs, &terrace.pings), (&terrace.pings, &terrace.jobs)] {
        queue.send(r#"{"job":"sweep"}"#).await;
        for (from, comes_back) in [(queue, true), (other, false)] {
            let messages = queue.receive(&queue.url).await;
            let name = from.url.rsplit('/').next().unwrap();
            let record = json!({
                "messageId": "m", "body": messages[0].body, "receiptHandle": messages[0].receipt_handle,
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
                "attributes": {"ApproximateReceiveCount": "1"},
            });
            let batch = serde_json::from_value(json!({"Records": [record]})).unwrap();
            let failures = terrace.worker.work_on(batch, Instant::now(), Some(&receipts)).await;
            assert_eq!(failures.failed.len(), 1, "it was not begun");
            // Longer than it takes to come back, and much shorter than the queue hides it.
            let mut again = Vec::new();
            for _ in 0..if comes_back { 20 } else { 1 } {
                let request = terrace.jobs.client.receive_message().queue_url(&queue.url);
                let request = request.wait_time_seconds(i32::from(comes_back));
                again.extend(request.send().await.unwrap().messages.unwrap_or_default());
                if !again.is_empty() {
                    break;
                }
            }
            assert_eq!(again.len(), usize::from(comes_back));
            if let [again] = again.as_slice() {
                let request = terrace.jobs.client.change_message_visibility().queue_url(&queue.url);
                let request = request.receipt_handle(again.receipt_handle.as_deref().unwrap());
                request.visibility_timeout(0).send().await.unwrap();
            }
        }
    }
    assert!(terrace.lines.text().contains("have a job tried again soon"), "of the wrong queue: a line says so");
}

#[tokio::test]
async fn pings_go_to_a_queue_of_their_own() {
    let terrace = Terrace::new("pings").await;
    assert_eq!(terrace.post(&many("u")).await["status"], "queued");
    let ping = json!({"type": "s3_payload", "url": "https://example.com/payload", "expires_in": 300});
    assert_eq!(terrace.post(&ping).await["status"], "queued");
    terrace.sent.send(&Job::Sweep { after: None }).await.unwrap();
    assert_eq!((terrace.pings.len().await, terrace.jobs.len().await), (1, 2));
    let handed_out = terrace.pings.work_off(&terrace.worker).await;
    let message = handed_out.keys().next().unwrap();
    assert!(matches!(Job::from_message(message), Some(Job::Ping { .. })), "{message}");
    assert!(!message.contains("example"), "{message}");
    assert_eq!(handed_out.values().copied().collect::<Vec<_>>(), [1], "it was tried, and is in quarantine");
    assert!(terrace.lines.text().contains("PingsLost") && terrace.pings.dead().await.is_empty());
    assert_eq!(terrace.jobs.len().await, 2, "nothing else was touched");
    let handed_out = terrace.jobs.work_off(&terrace.worker).await;
    assert_eq!((handed_out.len(), terrace.jobs.dead().await.len()), (2, 0));
}

#[tokio::test]
async fn a_ping_is_fetched_from_its_host_and_an_erase_that_is_ordered_takes_what_it_led_to() {
    let host = ObjectHost::new().await;
    let url = host.put("object", [Reply::Status(503), Reply::Body(many("pinged").to_string().into_bytes())]);
    let terrace = Terrace::fetching("fetched", host.fetcher(FetchLimits::default())).await;
    assert_eq!(terrace.post(&json!({"type": "s3_payload", "url": url, "expires_in": 300})).await["status"], "queued");
    let handed_out = terrace.pings.work_off(&terrace.worker).await;
    assert_eq!(handed_out.values().copied().collect::<Vec<_>>(), [1], "both tries are one job's");
    let records = terrace.ask("GET", "/users/pinged/records").await;
    assert_eq!(records["records"].as_array().map(Vec::len), Some(100), "a page of them");
    let ordered = terrace.ask("DELETE", "/users/pinged").await;
    terrace.jobs.work_off(&terrace.worker).await;
    let job = terrace.ask("GET", &format!("/jobs/{}", ordered["job"].as_str().unwrap())).await;
    let progress = json!({"items": 205 + 1});
    assert_eq!((&job["status"], &job["progress"]), (&json!("done"), &progress), "records, and the delivery");
    assert_eq!(terrace.ask("GET", "/users/pinged").await["status"], "erased");
    assert_eq!((terrace.jobs.dead().await.len(), terrace.pings.dead().await.len()), (0, 0));
}
