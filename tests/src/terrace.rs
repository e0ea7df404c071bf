//! A whole Terrace in process: the handlers that Lambda runs, over DynamoDB in memory and folders that end with it.

use crate::delivery::{Delivery, SECRET};
use crate::gate::Gate;
use aws_sdk_dynamodb::Client;
use bytes::Bytes;
use futures::stream::TryStreamExt;
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, Method};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use terrace_ingest::{Ingest, Policy};
use terrace_query::diagnosis::witness::Witness;
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::http::{Answer, Request};
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::local::{Database, FolderQueue};
use terrace_store::schema::create_table;
use terrace_store::{Log, Secrets, Table};
use terrace_terra::SigningSecret;
use terrace_webhook::Webhook;
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use terrace_worker::worker::Parts;
use terrace_worker::{Worked, Worker};
use tokio::time::Instant;

/// The table's name.
pub const TABLE: &str = "terrace";

/// Lines as they were written.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Everything written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The last line.
    pub fn last(&self) -> Value {
        self.text().lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole Terrace.
#[derive(Debug)]
pub struct Terrace {
    /// What receives deliveries.
    pub webhook: Webhook,
    /// What answers questions.
    pub query: Query,
    /// What works on jobs.
    pub worker: Worker,
    /// What takes deliveries in.
    pub ingest: Ingest,
    /// The jobs.
    pub queue: FolderQueue,
    /// The table.
    pub table: Table,
    /// The log.
    pub log: Log,
    /// A client of the database, for looking at items.
    pub client: Client,
    /// What was written to the log lines.
    pub lines: Lines,
    /// The folder of objects and jobs, where it is this one's own.
    folder: Option<TempDir>,
}

/// How the work of jobs ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// How many jobs of each kind were done.
    pub done: BTreeMap<&'static str, usize>,
    /// How many of them were only done in part, and handed on the rest.
    pub handed_on: usize,
    /// Why pings did not lead to a body.
    pub lost: Vec<&'static str>,
}

impl Settled {
    /// How many jobs of this kind were done.
    pub fn of(&self, kind: &str) -> usize {
        self.done.get(kind).copied().unwrap_or(0)
    }
}

#[expect(clippy::unwrap_used, reason = "a test fails where its Terrace cannot be built or read")]
impl Terrace {
    /// A new one, empty, in memory.
    pub async fn new() -> Self {
        Self::with(Database::in_memory().unwrap().client()).await
    }

    /// A new one over this client, with folders of its own.
    pub async fn with(client: Client) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut terrace = Self::within(client, folder.path()).await;
        terrace.folder = Some(folder);
        terrace
    }

    /// One over this client and the folders within this one, which may be there from before.
    pub async fn within(client: Client, folder: &Path) -> Self {
        Self::gated(client, folder, &Gate::open()).await
    }

    /// One whose objects and jobs pass through a gate; the client's calls do where the gate made it.
    pub async fn gated(client: Client, folder: &Path, gate: &Gate) -> Self {
        let intake = IntakeSettings::default();
        Self::told(client, folder, gate, intake, Fetcher::new(Hosts::default(), FetchLimits::default())).await
    }

    /// One that is told how to keep things, and what to fetch pings with.
    pub async fn told(client: Client, folder: &Path, gate: &Gate, intake: IntakeSettings, fetcher: Fetcher) -> Self {
        create_table(&client, TABLE).await.unwrap();
        let queue = FolderQueue::open(&folder.join("jobs")).unwrap();
        let table = Table::new(client.clone(), TABLE);
        let log = Log::new(table.clone(), Arc::new(gate.objects(folder.join("objects"))));
        let jobs = gate.queue(queue.clone());
        let policy = Policy { log_days: intake.log_days, retention: intake.retention };
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&jobs), policy);
        let lines = Lines::default();
        let telemetry = Arc::new(Telemetry::to(lines.clone()));
        let secrets = Secrets::fixed(vec![SigningSecret::new(SECRET).unwrap()]);
        let worker = Worker::new(Parts {
            ingest: ingest.clone(),
            table: table.clone(),
            log: log.clone(),
            queue: Arc::clone(&jobs),
            fetcher,
            log_days: intake.log_days,
            telemetry: Arc::clone(&telemetry),
        });
        Self {
            webhook: Webhook::new(secrets, ingest.clone(), intake, Arc::clone(&telemetry)),
            query: Query::new(table.clone(), log.clone(), jobs, LargeAnswers::Streamed, telemetry).beside_webhook(),
            worker,
            ingest,
            queue,
            table,
            log,
            client,
            lines,
            folder: None,
        }
    }

    /// A new one, empty, in memory, whose calls pass through a gate.
    pub async fn behind(gate: &Gate, intake: IntakeSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = gate.client(&Database::in_memory().unwrap());
        let fetcher = Fetcher::new(Hosts::default(), FetchLimits::default());
        let mut terrace = Self::told(client, folder.path(), gate, intake, fetcher).await;
        terrace.folder = Some(folder);
        terrace
    }

    /// Posts a delivery.
    pub async fn post(&self, delivery: &Delivery) -> Answer {
        self.webhook.handle(&delivery.request()).await
    }

    /// Posts a delivery that has to be acknowledged, and reads the answer.
    pub async fn accept(&self, delivery: &Delivery) -> Value {
        let answer = self.post(delivery).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Asks a question: a path as the gateway decodes it, and parameters.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        self.query.handle(&Request { method: Method::GET, path: path.to_owned(), query, headers, body }).await
    }

    /// Asks a question as of a moment, in milliseconds since 1970.
    pub async fn get_at(&self, path: &str, query: &[(&str, &str)], now_ms: u64) -> Answer {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let request = Request { method: Method::GET, path: path.to_owned(), query, headers, body };
        self.query.handle_at(&request, now_ms).await
    }

    /// The same, with somebody who can ask Terra.
    #[must_use]
    pub fn witnessed(self, witness: impl Witness + 'static) -> Self {
        self.asking(Arc::new(witness))
    }

    /// The same, with whom a setting speaks of.
    #[must_use]
    pub fn asking(mut self, witness: Arc<dyn Witness>) -> Self {
        self.query = self.query.with_witness(witness);
        self
    }

    /// Asks a question of whose answer something is known already: the tags in `If-None-Match`.
    pub async fn get_knowing(&self, path: &str, query: &[(&str, &str)], tags: &str) -> Answer {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, tags.parse().unwrap());
        self.query
            .handle(&Request { method: Method::GET, path: path.to_owned(), query, headers, body: Bytes::new() })
            .await
    }

    /// Asks a question that has to have an answer, and reads it. Its numbers keep their digits only as text.
    pub async fn read(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let answer = self.get(path, query).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Orders that everything at a path is erased, and reads the answer, which has to be that it will be.
    pub async fn delete(&self, path: &str) -> Value {
        let (headers, query, body) = (HeaderMap::new(), Vec::new(), Bytes::new());
        let request = Request { method: Method::DELETE, path: path.to_owned(), query, headers, body };
        let answer = self.query.handle(&request).await;
        assert_eq!(answer.status, 202, "{path}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The keys of all objects in a folder of the bucket, sorted.
    pub async fn objects(&self, folder: &str) -> Vec<String> {
        let found: Vec<_> = self.log.objects().list(folder).try_collect().await.unwrap();
        let mut keys: Vec<_> = found.into_iter().map(|found| found.key).collect();
        keys.sort();
        keys
    }

    /// Every item of the table, sorted by its keys.
    pub async fn items(&self) -> Vec<std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>> {
        let mut items = Vec::new();
        let mut pages = self.client.scan().table_name(TABLE).consistent_read(true).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            items.push(item.unwrap());
        }
        let key = |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
            ["user_id", "record"].map(|name| item.get(name).and_then(|value| value.as_s().ok()).cloned())
        };
        items.sort_by_key(key);
        items
    }

    /// Works on the jobs until none waits. Every job has to succeed.
    pub async fn settle(&self) -> Settled {
        self.settle_within(Duration::from_secs(600)).await
    }

    /// The same, where each job is to stop after so long.
    pub async fn settle_within(&self, span: Duration) -> Settled {
        let mut settled = Settled::default();
        while !self.queue.is_empty() {
            let taken = self.queue.next().await.unwrap();
            let worked = self.worker.work(taken.job(), Instant::now() + span).await.unwrap();
            match worked {
                Worked::Lost(reason) => settled.lost.push(reason),
                Worked::HandedOn => settled.handed_on += 1,
                Worked::Done => {}
            }
            *settled.done.entry(taken.job().name()).or_default() += 1;
            self.queue.done(taken).await.unwrap();
        }
        settled
    }
}
