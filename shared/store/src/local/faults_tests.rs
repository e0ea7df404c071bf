//! A fault before a call leaves nothing behind, one after it leaves all of it.

use super::super::Database;
use super::*;
use crate::error::StoreError;
use crate::schema::create_table;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use std::time::Duration;

const TABLE: &str = "terrace";
const FAULTS: [Fault; 4] = [Fault::Internal, Fault::Throttled, Fault::NoAnswer, Fault::Connection];

async fn database() -> Database {
    let database = Database::in_memory().unwrap();
    create_table(&database.client(), TABLE).await.unwrap();
    database
}

/// A client that tries once and does not wait for long.
fn impatient(watched: &Watched) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
    let config = watched.client().config().to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    Client::from_conf(config.build())
}

async fn put(client: &Client, record: &str) -> Result<(), StoreError> {
    let sent = client
        .put_item()
        .table_name(TABLE)
        .item("user_id", AttributeValue::S("user-1".into()))
        .item("record", AttributeValue::S(record.into()))
        .send()
        .await;
    sent.map(|_| ()).map_err(|error| StoreError::from_sdk("put an item", error))
}

async fn count(database: &Database) -> i32 {
    database.client().scan().table_name(TABLE).send().await.unwrap().count()
}

#[tokio::test]
async fn before_a_call_nothing_is_written_and_after_it_everything() {
    for fault in FAULTS {
        let database = database().await;
        let before = Watched::new(database.http_client()).before(move |_, _| fault);
        let error = put(&impatient(&before), "connection").await.unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error}");
        assert_eq!(count(&database).await, 0, "{fault:?}");

        let after = Watched::new(database.http_client()).after(move |_, _| fault);
        let error = put(&impatient(&after), "connection").await.unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error}");
        assert_eq!(count(&database).await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn the_sdk_tries_again_and_each_attempt_counts() {
    let database = database().await;
    let watched = Watched::new(database.http_client()).after(|operation, number| match (operation, number) {
        ("PutItem", 2) => Fault::Connection,
        _ => Fault::None,
    });
    let client = watched.client();
    put(&client, "a").await.unwrap();
    put(&client, "b").await.unwrap();
    assert_eq!((watched.calls(), count(&database).await), (3, 2));
}

#[tokio::test]
async fn one_sequence_runs_through_several_clients() {
    let (first, second) = (database().await, database().await);
    let calls = Arc::new(AtomicUsize::new(0));
    let plan = |_: &str, number: usize| if number == 2 { Fault::Internal } else { Fault::None };
    let one = Watched::new(first.http_client()).counting(calls.clone()).before(plan);
    let other = Watched::new(second.http_client()).counting(calls.clone()).before(plan);
    put(&impatient(&one), "a").await.unwrap();
    put(&impatient(&other), "a").await.unwrap_err();
    put(&impatient(&one), "b").await.unwrap();
    assert_eq!((calls.load(Ordering::SeqCst), count(&first).await, count(&second).await), (3, 2, 0));
}

/// Set in the process that is to end in the middle, which is this test run once more.
const FOLDER: &str = "TERRACE_TEST_ABORT_FOLDER";

#[tokio::test]
async fn a_process_that_ends_after_a_write_has_written_it() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let database = Database::open(folder.as_ref()).unwrap();
        create_table(&database.client(), TABLE).await.unwrap();
        let fatal = |_: &str, number: usize| if number == 1 { Fault::Abort } else { Fault::None };
        put(&Watched::new(database.http_client()).after(fatal).client(), "connection").await.unwrap();
        // Reached only where the fault did not come: the exit code tells.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "local::faults::tests::a_process_that_ends_after_a_write_has_written_it";
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let ended = again.args(["--exact", name]).env(FOLDER, folder.path()).output().unwrap();
    assert!(!ended.status.success());
    assert_eq!(count(&Database::open(folder.path()).unwrap()).await, 1);
}
