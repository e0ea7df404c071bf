//! The memory that a ping costs: a body of 64 MB is fetched, logged and applied by the worker in a process of its own.

use crate::error::BenchError;
use crate::histories::{Kind, sized};
use crate::jobs::host::Host;
use crate::jobs::place::Place;
use crate::jobs::worker;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use terrace_records::{LogKey, Partition};
use terrace_store::frames::unpack;
use terrace_store::{Days, Job, LogBody, RecordBody};
use terrace_terra::ids::UserId;

/// How long the body is that the ping leads to, in bytes.
pub const BYTES: usize = 64 * 1_024 * 1_024;
/// Into how many records it falls: one day with samples, and days of some 200 KB.
pub const SHAPES: [u64; 2] = [1, 320];

const USER: &str = "0c3f2b1e-89e2-43ac-a5b8-000000000064";

/// What a ping came to.
#[derive(Debug, Clone, Copy)]
pub struct PingFigures {
    /// The most memory the worker has had, in bytes.
    pub memory: u64,
    /// How long the job took.
    pub took: Duration,
}

/// Has a ping fetched whose body has so many records.
///
/// # Errors
///
/// When it is not, or when what lies in the log and the table afterwards is not what was sent.
pub async fn measure(records: u64) -> Result<PingFigures, BenchError> {
    let body = Bytes::from(sized(Kind::Days, USER, records, BYTES));
    let place = Place::empty().await?;
    let host = Host::of(body.clone()).await?;
    let ping = json!({"type": "s3_payload", "status": "success", "url": host.url(), "expires_in": 300}).to_string();
    let job = place.ask(&ping, "00000000-0000-4000-8000-000000000064").await?;
    let mut worker = worker::start(place.endpoints.environment(), Some(&host.authority)).await?;
    let took = worker.work(&job).await?;
    // The worker waits for more then, and does nothing any longer.
    worker.cpu().await?;
    let figures = PingFigures { memory: worker.peak_memory()?, took };
    worker.finish().await?;
    check(&place, &job, records, &body).await?;
    Ok(figures)
}

/// Everything has to be there, or the memory it took says nothing.
async fn check(place: &Place, job: &Job, records: u64, body: &[u8]) -> Result<(), BenchError> {
    let wrong = |what: &str| BenchError::NoFigure(format!("a ping of {records} records was worked off, but {what}"));
    let Job::Ping { partition, log } = job else { return Err(wrong("as another job")) };
    let (ping_of, ping) = (Partition::from_stored(partition.clone()), LogKey::from_sort_key(log));
    let ping = place.log.read(&ping_of, &ping.ok_or_else(|| wrong("it has no key"))?).await?;
    let led_to = ping.and_then(|ping| ping.fetched).ok_or_else(|| wrong("its body was not taken in"))?;
    let led_to = LogKey::from_name(&led_to).ok_or_else(|| wrong("it leads to no delivery"))?;
    let user = Partition::of_user(&UserId::new(USER).ok_or_else(|| wrong("it is nobody's"))?);
    let logged = place.log.read(&user, &led_to).await?.ok_or_else(|| wrong("its body is not in the log"))?;
    if logged.size != BYTES as u64 || logged.quarantine.is_some() {
        return Err(wrong("the log says something else of its body"));
    }
    let LogBody::Object(object) = logged.body else { return Err(wrong("its body lies in no object")) };
    let chain = place.endpoints.object(&object).ok_or_else(|| wrong("its object was not put"))?;
    if unpack(&chain)? != body {
        return Err(wrong("its object is not its body"));
    }
    let page = place.table.records(&user, Kind::Days.data_type(), &Days::default(), None, 1_000).await?;
    if page.entries.len() as u64 != records {
        return Err(wrong("the table has another number of records"));
    }
    for record in page.entries {
        let record = record.map_err(|damaged| damaged.error())?;
        let RecordBody::Summary { source, .. } = record.body else { return Err(wrong("a record is in its item")) };
        let frame = usize::try_from(source.start).ok().zip(usize::try_from(source.end).ok());
        let frame = frame.and_then(|(start, end)| chain.get(start..end)).filter(|_| source.object == object);
        let whole = unpack(frame.ok_or_else(|| wrong("a record leads nowhere"))?)?;
        let whole: Option<Dated> = serde_json::from_slice(&whole).ok();
        if whole.is_none_or(|whole| Some(whole.metadata.start_time) != record.start_time) {
            return Err(wrong("a record leads to another one"));
        }
    }
    Ok(())
}

/// As much of a record as tells it from others.
#[derive(Deserialize)]
struct Dated {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    start_time: String,
}
