//! What the rest of the crate relies on, asked of the database through the SDK.

use super::*;
use crate::schema::{self, create_table};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TimeToLiveStatus};
use std::collections::HashMap;

const TABLE: &str = "terrace";

type Item = HashMap<String, AttributeValue>;

fn key(record: &str) -> Item {
    HashMap::from([
        ("user_id".to_owned(), AttributeValue::S("user-1".into())),
        ("record".to_owned(), AttributeValue::S(record.into())),
    ])
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

async fn database() -> (Database, Client) {
    let database = Database::in_memory().unwrap();
    let client = database.client();
    create_table(&client, TABLE).await.unwrap();
    (database, client)
}

/// The write that keeps the greater version; the item it lost to where it lost.
async fn keep_greater(client: &Client, version: &[u8]) -> Result<(), Item> {
    let sent = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("daily#2025-01-01")))
        .update_expression("SET #v = :v")
        .condition_expression("attribute_not_exists(#v) OR #v < :v")
        .expression_attribute_names("#v", "version")
        .expression_attribute_values(":v", binary(version))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match sent.map_err(|error| error.into_service_error()) {
        Ok(_) => Ok(()),
        Err(UpdateItemError::ConditionalCheckFailedException(refused)) => Err(refused.item.unwrap_or_default()),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_lesser_version_loses_and_is_told_what_to() {
    let (_database, client) = database().await;
    keep_greater(&client, &[0, 1, 0x80]).await.unwrap();
    keep_greater(&client, &[0, 1, 0xFF]).await.unwrap();
    // Bytes compare unsigned, and a prefix is less than what it begins.
    for less in [&[0, 1, 0xFF][..], &[0, 1, 0x7F], &[0, 1], &[0, 0, 0xFF, 0xFF]] {
        let kept = keep_greater(&client, less).await.unwrap_err();
        assert_eq!(kept["version"], binary(&[0, 1, 0xFF]), "{less:?}");
        assert_eq!(kept["user_id"], AttributeValue::S("user-1".into()));
    }
    keep_greater(&client, &[1]).await.unwrap();
}

#[tokio::test]
async fn an_update_returns_what_was_asked_for() {
    let (_database, client) = database().await;
    let sent = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("connection")))
        .update_expression("SET erased = :t REMOVE nothing")
        .expression_attribute_values(":t", AttributeValue::N("5".into()))
        .return_values(ReturnValue::AllNew)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.attributes().unwrap()["erased"], AttributeValue::N("5".into()));
    assert!(sent.request_id().unwrap().starts_with("local-"));
}

#[tokio::test]
async fn a_reopened_folder_has_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/data");
    let opened = Database::open(&root).unwrap();
    create_table(&opened.client(), TABLE).await.unwrap();
    keep_greater(&opened.client(), &[7]).await.unwrap();
    // What a process leaves that ends here, without closing anything: the file and its write-ahead log.
    let left = folder.path().join("left");
    std::fs::create_dir(&left).unwrap();
    for name in [FILE.to_owned(), format!("{FILE}-wal")] {
        std::fs::copy(root.join(&name), left.join(&name)).unwrap();
    }
    for root in [&left, &root] {
        let again = Database::open(root).unwrap();
        create_table(&again.client(), TABLE).await.unwrap();
        assert_eq!(keep_greater(&again.client(), &[7]).await.unwrap_err()["version"], binary(&[7]));
    }
}

#[tokio::test]
async fn a_folder_that_is_a_file_and_a_file_that_is_no_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"text").unwrap();
    assert!(!Database::open(&file).unwrap_err().is_transient());
    std::fs::write(folder.path().join(FILE), b"not a database, and long enough to be seen as none").unwrap();
    assert!(!Database::open(folder.path()).unwrap_err().is_transient());
}

#[tokio::test]
async fn expired_items_go_when_asked_and_not_before() {
    let (database, client) = database().await;
    let described = client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    let described = described.time_to_live_description().unwrap().clone();
    assert_eq!(described.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    assert_eq!(described.attribute_name(), Some(schema::attribute::EXPIRES_AT));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (record, expires) in [("log#1", Some(now - 3600)), ("log#2", Some(now + 3600)), ("connection", None)] {
        let mut item = key(record);
        if let Some(expires) = expires {
            item.insert("expires_at".into(), AttributeValue::N(expires.to_string()));
        }
        client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }
    let count = async || client.scan().table_name(TABLE).send().await.unwrap().count();
    assert_eq!(count().await, 3);
    assert_eq!(database.remove_expired().await.unwrap(), 1);
    assert_eq!(count().await, 2);
    let expired = client.get_item().table_name(TABLE).set_key(Some(key("log#1"))).send().await.unwrap();
    assert!(expired.item().is_none());
}

#[test]
fn a_database_that_is_not_synced_is_refused() {
    let error = check_durable(":memory:").unwrap_err();
    assert!(error.to_string().contains("bundled SQLite"), "{error}");
}

#[tokio::test]
async fn errors_have_the_codes_that_the_store_decides_by() {
    let (_database, client) = database().await;
    let missing = client.get_item().table_name("other").set_key(Some(key("connection"))).send().await.unwrap_err();
    assert!(missing.as_service_error().unwrap().is_resource_not_found_exception());
    assert_eq!(missing.raw_response().unwrap().status().as_u16(), 400);

    let mut item = key("connection");
    item.insert("record".into(), AttributeValue::S(String::new()));
    let empty = client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap_err();
    assert_eq!(empty.code(), Some("ValidationException"));
    assert!(StoreError::from_sdk("put an item", empty).is_invalid());

    let unknown = client.list_backups().send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("UnknownOperationException"));
    assert!(!StoreError::from_sdk("list the backups", unknown).is_transient());
}

#[tokio::test]
async fn queries_page_and_indexes_hold_what_has_their_attributes() {
    let (_database, client) = database().await;
    for day in 1..=5 {
        let mut item = key(&format!("daily#2025-01-0{day}"));
        if day % 2 == 1 {
            item.insert("start_key".into(), AttributeValue::S(format!("daily#2025-01-0{day}T00:00:00")));
        }
        client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }
    let query = |index: Option<&str>, start: Option<Item>| {
        client
            .query()
            .table_name(TABLE)
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("user_id = :u")
            .expression_attribute_values(":u", AttributeValue::S("user-1".into()))
            .limit(2)
            .set_exclusive_start_key(start)
            .send()
    };
    for (index, expected) in [(None, 5), (Some(schema::BY_START), 3)] {
        let (mut found, mut start) = (0, None);
        loop {
            let page = query(index, start).await.unwrap();
            found += page.count();
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
    }
}
