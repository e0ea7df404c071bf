//! The table: the names of its keys, indexes and attributes, in one place.
//!
//! One DynamoDB table on demand. A user's whole life is one partition.

use crate::error::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

/// The attributes of items.
pub mod attribute {
    /// Partition key.
    pub const PARTITION: &str = "user_id";
    /// Sort key.
    pub const SORT: &str = "record";

    /// Record: the version of the copy kept, 24 bytes.
    pub const VERSION: &str = "version";
    /// Record: the number of the rule that made the version.
    pub const RULE: &str = "rule";
    /// Record: its start as sent.
    pub const START: &str = "start_time";
    /// Record: its end as sent.
    pub const END: &str = "end_time";
    /// Record: where it stands in `by_start`.
    pub const START_KEY: &str = "start_key";
    /// Record: where the data came from.
    pub const PROVIDER: &str = "provider";
    /// The identifier or user id itself, where the key holds only its hash.
    pub const IDENTIFIER: &str = "identifier";
    /// Record: the sort key of the delivery that set it.
    pub const DELIVERY: &str = "delivery";
    /// Record: when it was last written, in milliseconds since 1970 by the server's clock. Large request: when the
    /// delivery that last told of it was made.
    pub const UPDATED_AT: &str = "updated_at";
    /// Record, delivery: the whole of it, one zstd frame.
    pub const BODY: &str = "body";
    /// Record: its short form, one zstd frame.
    pub const SUMMARY: &str = "summary";
    /// Record: where the whole of it lies in the log.
    pub const SOURCE: &str = "source";
    /// Record: drawn anew whenever a score is set apart from its record, so that who moves or removes what was read
    /// notices that one was.
    pub const TOUCH: &str = "touch";
    /// Record: a delete mark.
    pub const DELETED: &str = "deleted";
    /// Record: what the attribute of a score begins with.
    pub const SCORE: &str = "score:";

    /// Connection: its reference, or `-`; the hash key of `by_reference`.
    pub const REFERENCE: &str = "reference";

    /// Delivery: its event type.
    pub const EVENT: &str = "event";
    /// Delivery: the signature's `t`, in seconds.
    pub const SIGNED_AT: &str = "signed_at";
    /// Delivery: the ordering header, in milliseconds.
    pub const ORDERING: &str = "ordering_ms";
    /// Delivery: the reference header.
    pub const REFERENCE_HEADER: &str = "terra_reference";
    /// Delivery: when it was logged, in milliseconds since 1970 by the server's clock.
    pub const RECEIVED_AT: &str = "received_at";
    /// Delivery: the length of its body in bytes.
    pub const SIZE: &str = "size";
    /// Delivery: the key of the object that holds its body.
    pub const OBJECT: &str = "object";
    /// Delivery: the records it has copies of, and their versions.
    pub const COPIES: &str = "copies";
    /// Delivery: there is nothing to keep of it but the log.
    pub const IGNORED: &str = "ignored";
    /// Delivery: why it was not wholly understood.
    pub const QUARANTINE: &str = "quarantine";
    /// Delivery: the day it was quarantined; the hash key of `by_quarantine`.
    pub const QUARANTINE_DAY: &str = "quarantine_day";
    /// Ping: the name of the delivery that it led to.
    pub const FETCHED: &str = "fetched";

    /// Large request: its reference as sent.
    pub const REQUEST: &str = "request";
    /// Large request: how many chunks there will be, a register.
    pub const EXPECTED: &str = "expected";
    /// Large request: the numbers of the chunks that came, a bucket of them.
    pub const CHUNKS: &str = "chunks";

    /// Job: its kind.
    pub const JOB: &str = "job";
    /// Job: how it stands.
    pub const STATE: &str = "state";
    /// Job: what it did so far, JSON.
    pub const PROGRESS: &str = "progress";
    /// Job: what was asked, JSON.
    pub const ASKED: &str = "asked";
    /// Job: where it goes on.
    pub const CURSOR: &str = "cursor";
    /// Job: when it was asked for, in milliseconds since 1970.
    pub const CREATED_AT: &str = "created_at";

    /// Delivery, large request, job: when DynamoDB may remove it, in seconds since 1970 (TTL).
    pub const EXPIRES_AT: &str = "expires_at";
}

/// A user's sessions by their own clock: `<type>#<start as sent>`.
///
/// Keyed by the record's own time as sent rather than by instant, because that is how records are listed and dated;
/// a range of instants is a range of own times a day wider.
pub const BY_START: &str = "by_start";
/// Every connection under its reference, or under `-`.
pub const BY_REFERENCE: &str = "by_reference";
/// A day's quarantined deliveries.
pub const BY_QUARANTINE: &str = "by_quarantine";

/// Where a connection without a reference stands in `by_reference`.
pub const NO_REFERENCE: &str = "-";

fn string(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(|error| StoreError::refused("describe the table", error))
}

fn keys(hash: &str, range: &str) -> Result<Vec<KeySchemaElement>, StoreError> {
    [(hash, KeyType::Hash), (range, KeyType::Range)]
        .into_iter()
        .map(|(name, key_type)| {
            let element = KeySchemaElement::builder().attribute_name(name).key_type(key_type).build();
            element.map_err(|error| StoreError::refused("describe the table", error))
        })
        .collect()
}

fn index(name: &str, hash: &str, range: &str) -> Result<GlobalSecondaryIndex, StoreError> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(keys(hash, range)?))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .map_err(|error| StoreError::refused("describe the table", error))
}

/// Creates the table where it does not exist yet. For the laptop run and tests; in the cloud Terraform does.
pub async fn create_table(client: &Client, name: &str) -> Result<(), StoreError> {
    use attribute::{PARTITION, QUARANTINE_DAY, REFERENCE, SORT, START_KEY};
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for attribute in [PARTITION, SORT, START_KEY, REFERENCE, QUARANTINE_DAY] {
        request = request.attribute_definitions(string(attribute)?);
    }
    let created = request
        .set_key_schema(Some(keys(PARTITION, SORT)?))
        .global_secondary_indexes(index(BY_START, PARTITION, START_KEY)?)
        .global_secondary_indexes(index(BY_REFERENCE, REFERENCE, PARTITION)?)
        .global_secondary_indexes(index(BY_QUARANTINE, QUARANTINE_DAY, SORT)?)
        .send()
        .await;
    match created {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            return Ok(());
        }
        Err(error) => return Err(StoreError::from_sdk("create the table", error)),
    }
    let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute::EXPIRES_AT).build();
    let expiry = expiry.map_err(|error| StoreError::refused("set the table's expiry", error))?;
    let request = client.update_time_to_live().table_name(name).time_to_live_specification(expiry);
    request.send().await.map_err(|error| StoreError::from_sdk("set the table's expiry", error))?;
    Ok(())
}
