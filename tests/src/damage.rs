//! Items of the table, damaged on purpose: as somebody else's hand, a restore in part or a version that knew less leaves
//! them.

use crate::terrace::{TABLE, Terrace};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// Removes an attribute of an item, or puts another value in its place.
#[expect(clippy::unwrap_used, reason = "a test fails where it cannot write")]
pub async fn damage(terrace: &Terrace, (user, record): (&str, &str), attribute: &str, value: Option<AttributeValue>) {
    let update = terrace.client.update_item().table_name(TABLE).key("user_id", text(user)).key("record", text(record));
    let update = update.expression_attribute_names("#attribute", attribute);
    let update = update.condition_expression("attribute_exists(user_id)");
    let update = match value {
        None => update.update_expression("REMOVE #attribute"),
        Some(value) => update.update_expression("SET #attribute = :value").expression_attribute_values(":value", value),
    };
    update.send().await.unwrap();
}

/// A text as a value.
#[must_use]
pub fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Bytes as a value.
#[must_use]
pub fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
