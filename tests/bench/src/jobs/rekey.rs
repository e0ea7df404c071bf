//! The write units that a re-key costs: a user's records go under another id, by the worker's own code.

use crate::error::BenchError;
use crate::histories::{Kind, history};
use crate::jobs::place::Place;
use crate::jobs::worker;
use crate::measure::count;
use serde_json::json;
use std::time::Duration;
use terrace_records::Partition;
use terrace_store::{Days, RecordBody};
use terrace_terra::ids::UserId;

/// How many records the user has.
pub const RECORDS: u64 = 10_000;
/// How many of them come in one delivery.
const IN_A_DELIVERY: u64 = 1_000;
/// How long a record is as sent, in bytes: one that packs into just under 1 KiB, the most that lies in an item whole.
const BYTES: usize = 4_850;
/// The bounds of what such a record packs into, in bytes.
const PACKED: std::ops::RangeInclusive<usize> = 900..=1_024;

const OLD: &str = "0c3f2b1e-89e2-43ac-a5b8-00000000001d";
const NEW: &str = "0c3f2b1e-89e2-43ac-a5b8-00000000002d";

/// What a re-key came to.
#[derive(Debug, Clone, Copy)]
pub struct RekeyFigures {
    /// Write units for each record, indexes included.
    pub units: f64,
    /// How long the job took.
    pub took: Duration,
}

/// Has a user's records re-keyed.
///
/// # Errors
///
/// When they are not, or when they are not all under the new id afterwards, and none under the old one.
pub async fn measure(kind: Kind) -> Result<RekeyFigures, BenchError> {
    let place = Place::empty().await?;
    for first in (0..RECORDS).step_by(usize::try_from(IN_A_DELIVERY).unwrap_or(1)) {
        let body = history(kind, OLD, first..first + IN_A_DELIVERY, BYTES);
        place.fill(&body, &format!("00000000-0000-4000-8000-{first:012x}")).await?;
    }
    let reauth = json!({"type": "user_reauth", "old_user": {"user_id": OLD, "provider": "GARMIN"},
        "new_user": {"user_id": NEW, "provider": "GARMIN"}});
    let job = place.ask(&reauth.to_string(), "00000000-0000-4000-8000-0000000000ee").await?;
    let before = stored(&place, kind, OLD).await?;
    let mut worker = worker::start(place.endpoints.environment(), None).await?;
    place.endpoints.take();
    let took = worker.work(&job).await?;
    let (counts, _) = place.endpoints.take();
    worker.finish().await?;
    let wrong = |what: String| BenchError::NoFigure(format!("a user was re-keyed, but {what}"));
    // DynamoDB charges for what it refuses, and the engine does not tell.
    if counts.errors > 0 {
        return Err(wrong(format!("DynamoDB refused {} calls of {:?}", counts.errors, counts.calls)));
    }
    let (left, after) = (stored(&place, kind, OLD).await?, stored(&place, kind, NEW).await?);
    if !left.is_empty() || after.len() as u64 != RECORDS || after != before {
        return Err(wrong(format!("{} records are left and {} of {RECORDS} there", left.len(), after.len())));
    }
    Ok(RekeyFigures { units: counts.write_units / count(RECORDS), took })
}

/// The records of a user, each by its key and its body, which has to be about 1 KiB and in its item.
async fn stored(place: &Place, kind: Kind, user: &str) -> Result<Vec<(String, Vec<u8>)>, BenchError> {
    let wrong = |what: &str| BenchError::NoFigure(format!("a record to be re-keyed {what}"));
    let partition = Partition::of_user(&UserId::new(user).ok_or_else(|| wrong("is nobody's"))?);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = place.table.records(&partition, kind.data_type(), &Days::default(), after.as_ref(), 1_000).await?;
        for record in page.entries {
            let record = record.map_err(|damaged| damaged.error())?;
            let key = record.key.sort_key().to_owned();
            match record.body {
                RecordBody::Whole(packed) if PACKED.contains(&packed.len()) => found.push((key, packed)),
                RecordBody::Whole(packed) => return Err(wrong(&format!("packs into {} bytes", packed.len()))),
                _ => return Err(wrong("does not lie in its item")),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}
