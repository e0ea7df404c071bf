//! What an older version left in the log.

use crate::terrace::Terrace;
use bytes::Bytes;
use terrace_records::{LogKey, Partition};
use terrace_store::frames::Packer;
use terrace_store::{LogBody, LogEntry};
use terrace_terra::UnixSeconds;
use terrace_terra::ids::DeliveryId;

/// Enters a delivery as a version would that understood nothing of it.
#[expect(clippy::unwrap_used, reason = "a test fails where it is not entered")]
pub async fn enter_unknown(terrace: &Terrace, partition: &Partition, id: &str, body: &[u8], today: &str) -> LogKey {
    let now = UnixSeconds::now().0;
    let key = LogKey::new(now * 1_000, &DeliveryId::new(id.to_owned()).unwrap(), body);
    let frame = Packer::new().unwrap().pack(body).unwrap();
    let body = if frame.len() <= 4_096 {
        LogBody::Inline(frame)
    } else {
        let object = format!("log/{}/{}", partition.folder(), "0".repeat(64));
        terrace.log.put_object(&object, Bytes::from(frame), &[]).await.unwrap();
        LogBody::Object(object)
    };
    let entry = LogEntry {
        partition,
        key: &key,
        event: "unknown",
        signed_at: now,
        ordering_ms: None,
        reference: None,
        size: 1,
        body,
        copies: &[],
        ignored: true,
        quarantine: Some("unknown_type"),
        now_ms: now * 1_000,
        today: today.to_owned(),
        expires_at: now + 1_000_000,
    };
    assert!(terrace.log.enter(entry).await.unwrap());
    key
}
