//! Pings: the body lies elsewhere, behind a URL that dies within minutes.
//!
//! The fetched bytes then go the way of an inline body, under the ping's own headers. What cannot be fetched leaves its
//! ping in quarantine, with the reason.

use crate::error::WorkError;
use crate::fetch::FetchError;
use crate::worker::{Worked, Worker};
use bytes::Bytes;
use std::time::Duration;
use terrace_ingest::plan::Envelope;
use terrace_ingest::{IngestError, Moment, day};
use terrace_records::{LogKey, Partition};
use terrace_store::queue::Job;
use terrace_store::{LoggedDelivery, StoreError};
use terrace_terra::event::{Content, Event};
use terrace_terra::ids::DeliveryId;
use terrace_terra::{UnixSeconds, VerifiedBody};
use tokio::time::{Instant, sleep};

/// How long a URL lives unless its ping says otherwise. Terra page: presigned-url-expiry.
const DEFAULT_LIFE: Duration = Duration::from_secs(600);
/// How long a fetch may take where the URL should be dead by the clock: the clock may be wrong. And the time that is
/// worth beginning with: where less is left, and the URL lives on, another job has more.
const LAST_CHANCE: Duration = Duration::from_secs(20);
/// How long to wait before the second try.
const BEFORE_SECOND: Duration = Duration::from_secs(2);
/// What is kept back of the time there is, for writing down what came of it.
const KEPT_BACK: Duration = Duration::from_secs(3);
/// The reason of a ping that leads to a ping.
const NESTED: &str = "ping_nested";

impl Worker {
    pub(crate) async fn ping(
        &self,
        partition: &str,
        log: &str,
        moment: Moment,
        due: Instant,
    ) -> Result<Worked, WorkError> {
        let partition = Partition::from_stored(partition.to_owned());
        let refused = || StoreError::refused("fetch a ping", "the job names no delivery");
        let key = LogKey::from_sort_key(log).ok_or_else(refused)?;
        let logged = self.log.read(&partition, &key).await?.ok_or(IngestError::Gone)?;
        if logged.fetched.is_some() {
            return Ok(Worked::Done);
        }
        let body = self.log.body(&logged).await?;
        let event = Event::read(VerifiedBody::from_log(&body, UnixSeconds(logged.signed_at)));
        let Content::Ping(ping) = event.content else { return Ok(Worked::Done) };
        let life = ping.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
        // One that lives longer than clocks count outlives the job.
        let dies = moment.came.checked_add(life.saturating_sub(age(&logged, moment))).unwrap_or(due);
        let (least, most) = (moment.came + LAST_CHANCE, due - KEPT_BACK);
        if most < least && most < dies {
            self.queue.send(&Job::Ping { partition: partition.as_str().to_owned(), log: log.to_owned() }).await?;
            return Ok(Worked::HandedOn);
        }
        match self.fetch_twice(&ping.url, dies.max(least).min(most)).await {
            Ok(fetched) => {
                // Without a trace id a delivery is called by its own body, and so is what was fetched.
                let id = DeliveryId::new(key.id()).filter(|id| *id != DeliveryId::of_body(&body));
                self.take_in(&partition, &logged, id, &fetched, moment, due).await
            }
            Err(error) => self.lose(&partition, &key, error.reason(), moment).await,
        }
    }

    /// Two tries, the second where it may help.
    async fn fetch_twice(&self, url: &str, until: Instant) -> Result<Bytes, FetchError> {
        // The first try may take half of the time there is, so that the second has some.
        let half = Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
        match self.fetcher.fetch(url, half).await {
            Err(error) if error.is_transient() => {
                let left = until.saturating_duration_since(Instant::now());
                sleep(BEFORE_SECOND.min(left / 4)).await;
                self.fetcher.fetch(url, until).await
            }
            fetched => fetched,
        }
    }

    async fn take_in(
        &self,
        partition: &Partition,
        ping: &LoggedDelivery,
        trace_id: Option<DeliveryId<'_>>,
        fetched: &[u8],
        moment: Moment,
        due: Instant,
    ) -> Result<Worked, WorkError> {
        let body = VerifiedBody::from_log(fetched, UnixSeconds(ping.signed_at));
        let envelope = Envelope { trace_id, ordering_ms: ping.ordering_ms, reference: ping.reference.as_deref() };
        let Some(taken) = self.ingest.receive_fetched(envelope, body, moment, due - KEPT_BACK).await? else {
            return self.lose(partition, &ping.key, NESTED, moment).await;
        };
        self.log.fetched(partition, &ping.key, &taken.key).await?;
        Ok(Worked::Done)
    }

    async fn lose(
        &self,
        partition: &Partition,
        key: &LogKey,
        reason: &'static str,
        moment: Moment,
    ) -> Result<Worked, WorkError> {
        let marked = self.log.ping_lost(partition, key, reason, &day(moment.now_ms)).await?;
        // Where another job has fetched it meanwhile nothing is lost.
        Ok(if marked { Worked::Lost(reason) } else { Worked::Done })
    }
}

/// How old a ping is: its URL was made with it.
fn age(logged: &LoggedDelivery, moment: Moment) -> Duration {
    Duration::from_millis(moment.now_ms.saturating_sub(logged.key.time_ms()))
}
