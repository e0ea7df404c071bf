//! Replay: deliveries from the log are applied again, those in quarantine after a fix, or all of them to make the view
//! anew.
//!
//! Progress and place are written down together after each page, so that an interrupted replay goes on from there and
//! counts nothing twice.

use crate::error::WorkError;
use crate::worker::{Worked, Worker};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::ops::Range;
use terrace_ingest::{Again, IngestError, Moment};
use terrace_records::Partition;
use terrace_store::jobs::{Only, Replay};
use terrace_store::queue::Job;
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::{JobId, JobItem, JobState, LoggedDelivery, Position, StoreError};
use terrace_terra::ids::UserId;
use tokio::time::Instant;

/// How many deliveries of one user are looked at before progress is written down.
const PAGE: usize = 100;
/// The end of time, as keys have it: thirteen digits of milliseconds.
const END_MS: u64 = 9_999_999_999_999;

/// A page of deliveries, and where the next one begins.
type Found = (Vec<(Partition, LoggedDelivery)>, Option<String>);

impl Worker {
    pub(crate) async fn replay(&self, id: &JobId, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        // Without its item nobody knows what was asked.
        let Some(mut item) = self.table.job(id).await? else { return Ok(Worked::Done) };
        let Some(replay) = item.replay.clone().filter(|_| item.state != JobState::Done) else {
            return Ok(Worked::Done);
        };
        let times = times(&replay);
        item.state = JobState::Running;
        loop {
            let (found, next) = self.page(&replay, &times, item.cursor.as_deref(), &item, moment).await?;
            for (partition, logged) in found {
                let wanted = replay.only == Only::All || logged.quarantine.is_some();
                if wanted && times.contains(&logged.key.time_ms()) {
                    self.apply_again(&partition, &logged, replay.dry_run, &mut item, moment).await?;
                }
            }
            item.cursor = next;
            if item.cursor.is_none() {
                item.state = JobState::Done;
            }
            self.table.put_job(&item, Moment::now().now_ms).await?;
            if item.state == JobState::Done {
                return Ok(Worked::Done);
            }
            if Instant::now() >= due {
                self.queue.send(&Job::Replay { id: id.clone() }).await?;
                return Ok(Worked::HandedOn);
            }
        }
    }

    async fn apply_again(
        &self,
        partition: &Partition,
        logged: &LoggedDelivery,
        dry_run: bool,
        item: &mut JobItem,
        moment: Moment,
    ) -> Result<(), WorkError> {
        let mut count = |name: &str, number: usize| {
            *item.progress.entry(name.to_owned()).or_default() += number as u64;
        };
        count("deliveries", 1);
        match self.ingest.replay(partition, logged, dry_run, moment).await {
            Ok(Again::Applied(counts)) => {
                count("applied", 1);
                count("records_stored", counts.stored);
            }
            Ok(Again::Ignored) => count("ignored", 1),
            Ok(Again::Fetching) => count("fetching", 1),
            Ok(Again::Quarantined) => count("quarantined", 1),
            Err(error) if error.is_transient() => return Err(error.into()),
            // One that is damaged or gone does not stop the others.
            Err(IngestError::Gone | IngestError::Store(_)) => count("failed", 1),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn page(
        &self,
        replay: &Replay,
        times: &Range<u64>,
        cursor: Option<&str>,
        item: &JobItem,
        moment: Moment,
    ) -> Result<Found, WorkError> {
        match (&replay.user_id, replay.only) {
            (Some(user), _) => self.of_user(user, times, cursor).await,
            (None, Only::All) => self.of_everybody(cursor).await,
            (None, Only::Quarantined) => self.of_quarantine(replay, cursor, item, moment).await,
        }
    }

    async fn of_user(&self, user: &str, times: &Range<u64>, cursor: Option<&str>) -> Result<Found, WorkError> {
        let user = UserId::new(user).ok_or(WorkError::Nobody)?;
        let partition = Partition::of_user(&user);
        let after = cursor.map(|record| Position { record: record.to_owned(), start_key: None });
        let page = self.log.deliveries(&partition, times.clone(), after.as_ref(), PAGE).await?;
        let found = page.entries.into_iter().map(|logged| (partition.clone(), logged)).collect();
        Ok((found, page.next.map(|next| next.record)))
    }

    async fn of_everybody(&self, cursor: Option<&str>) -> Result<Found, WorkError> {
        let after = cursor.and_then(RoundPosition::from_text);
        let (met, next) = self.table.round(after.as_ref()).await?;
        let deliveries = met.into_iter().filter_map(|met| match met {
            Met::Delivery(partition, logged) => Some((partition, *logged)),
            Met::Pointer(_) | Met::Other => None,
        });
        Ok((deliveries.collect(), next.map(|next| next.to_text())))
    }

    /// The days of quarantine, one after the other. A delivery is quarantined on the day it came or later, so days
    /// before the first asked for hold nothing.
    async fn of_quarantine(
        &self,
        replay: &Replay,
        cursor: Option<&str>,
        item: &JobItem,
        moment: Moment,
    ) -> Result<Found, WorkError> {
        let lost = || StoreError::corrupt("go on with a replay", "its item does not say where it stopped");
        let (day, after) = match cursor {
            Some(cursor) => {
                let (day, after) = serde_json::from_str::<(String, Option<String>)>(cursor).map_err(|_| lost())?;
                (day.parse::<Date>().map_err(|_| lost())?, after)
            }
            None => (self.first_day(replay, item), None),
        };
        let after = after.as_deref().and_then(RoundPosition::from_text);
        let (keys, next) = self.log.quarantined_on(&day.to_string(), after.as_ref()).await?;
        let mut found = Vec::with_capacity(keys.len());
        for (partition, key) in keys {
            let logged = self.log.read(&partition, &key).await?;
            found.extend(logged.map(|logged| (partition, logged)));
        }
        let next = match next {
            Some(next) => Some((day, Some(next.to_text()))),
            None => day.tomorrow().ok().filter(|next| *next <= date(moment.now_ms)).map(|next| (next, None)),
        };
        Ok((found, next.map(|(day, after)| serde_json::json!([day.to_string(), after]).to_string())))
    }

    fn first_day(&self, replay: &Replay, item: &JobItem) -> Date {
        let asked = replay.from.as_deref().and_then(|from| from.parse::<Date>().ok());
        let days = i64::try_from(self.log_days).unwrap_or(3_650) + 1;
        let kept = date(item.created_at).checked_sub(jiff::Span::new().days(days)).unwrap_or(Date::MIN);
        asked.map_or(kept, |asked| asked.max(kept))
    }
}

fn date(time_ms: u64) -> Date {
    let moment = i64::try_from(time_ms).ok().and_then(|time_ms| Timestamp::from_millisecond(time_ms).ok());
    TimeZone::UTC.to_datetime(moment.unwrap_or_default()).date()
}

/// The delivery times that a replay asks for, in milliseconds since 1970.
fn times(replay: &Replay) -> Range<u64> {
    let begins = |date: Date| {
        let begins = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        u64::try_from(begins.as_millisecond()).ok()
    };
    let day = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
    let from = day(&replay.from).and_then(begins).unwrap_or(0);
    let to = day(&replay.to).and_then(|day| day.tomorrow().ok()).and_then(begins).unwrap_or(END_MS);
    from..to
}
