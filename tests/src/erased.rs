//! What may be left of somebody who was erased.

use crate::items::text;
use crate::terrace::Terrace;
use serde_json::{Value, json};
use terrace_records::Partition;
use terrace_terra::ids::UserId;

/// The attributes of a tombstone: its keys, that it stands under no reference, and the registers that say that it was
/// erased, why, and which ids it had to do with.
const KEPT: [&str; 9] =
    ["user_id", "record", "reference", "identifier", "auth", "revoked", "replaced", "renewed", "erased"];

/// The folder of a user's objects.
#[expect(clippy::unwrap_used, reason = "a test fails where its user is none")]
pub fn folder(user: &str) -> String {
    format!("log/{}", Partition::of_user(&UserId::new(user).unwrap()).folder())
}

/// Asserts that nothing is left of what came under a user's id but the tombstone of their connection.
pub async fn only_a_tombstone(terrace: &Terrace, user: &str, what: &str) {
    let items = terrace.items().await;
    let own: Vec<_> = items.iter().filter(|item| text(item, "user_id") == user).collect();
    let keys: Vec<_> = own.iter().map(|item| text(item, "record")).collect();
    assert_eq!(keys, ["connection"], "{what}");
    for name in own.iter().flat_map(|item| item.keys()) {
        let linked = name.starts_with("replaces:") || name.starts_with("goes_on:");
        assert!(linked || KEPT.contains(&name.as_str()), "the tombstone has {name}: {what}");
    }
    assert!(own.iter().all(|item| ["", "-"].contains(&text(item, "reference"))), "{what}");
    assert_eq!(terrace.objects(&folder(user)).await, Vec::<String>::new(), "{what}");
    shows_nothing(terrace, user, what).await;
}

/// Asserts that nothing of a user is shown, however much of it is still there.
pub async fn shows_nothing(terrace: &Terrace, user: &str, what: &str) {
    let connection = terrace.read(&format!("/users/{user}"), &[]).await;
    let of = |name: &str| connection.get(name).cloned().unwrap_or_default();
    assert_eq!(of("status"), "erased", "{what}");
    assert_eq!((of("provider"), of("reference_id")), (Value::Null, Value::Null), "{what}");
    assert_eq!((of("scopes"), of("last_delivery")), (json!([]), json!({})), "{what}");
    for (path, list) in [("records", "records"), ("deliveries", "deliveries"), ("requests", "requests")] {
        let read = terrace.read(&format!("/users/{user}/{path}"), &[]).await;
        assert_eq!(read.get(list), Some(&json!([])), "{path}: {what}");
    }
}
