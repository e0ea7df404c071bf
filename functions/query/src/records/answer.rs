//! A record as it is answered.

use crate::parameters::Detail;
use crate::times::instant;
use serde::Serialize;
use serde_json::value::RawValue;
use terrace_records::scores::merge;
use terrace_records::summary::summarise;
use terrace_store::frames::unpack_text;
use terrace_store::{Log, RecordBody, StoreError, StoredRecord};

/// A record as it is answered. Of a deleted one, which only a list of changes shows, there is neither summary nor data.
#[derive(Debug, Serialize)]
struct RecordAnswer<'r> {
    #[serde(rename = "type")]
    data_type: &'static str,
    id: &'r str,
    start_time: Option<&'r str>,
    end_time: Option<&'r str>,
    provider: Option<&'r str>,
    updated_at: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

/// A record as it is answered. Its summary is in its item; only the whole of a large one is read from the log.
pub async fn read(log: &Log, record: &StoredRecord, detail: Detail) -> Result<Box<RawValue>, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::corrupt("read a record", error);
    let deleted = record.body == RecordBody::Deleted;
    let text = match (detail, &record.body) {
        (_, RecordBody::Deleted) => None,
        (Detail::Summary, RecordBody::Summary { summary, .. }) => Some(unpack_text(summary)?),
        (Detail::Summary, RecordBody::Whole(frame)) => Some(summarise(&unpack_text(frame)?)),
        (Detail::Full, _) => Some(log.whole(record).await?.unwrap_or_else(|| "{}".to_owned())),
    };
    let text = text.map(|text| RawValue::from_string(merge(&text, &record.scores).into_owned()));
    let text = text.transpose().map_err(damaged)?;
    let (summary, data) = if detail == Detail::Full { (None, text) } else { (text, None) };
    let answer = RecordAnswer {
        data_type: record.key.data_type().name(),
        id: &record.identifier,
        start_time: record.start_time.as_deref(),
        end_time: record.end_time.as_deref(),
        provider: record.provider.as_deref(),
        updated_at: instant(record.updated_at),
        deleted,
        summary,
        data,
    };
    serde_json::value::to_raw_value(&answer).map_err(damaged)
}
