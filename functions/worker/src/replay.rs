//! Replay: deliveries from the log are applied again, those in quarantine after a fix, or all of them to make the view
//! anew.
//!
//! Progress and place are written down together after each page, so that an interrupted replay goes on from there and
//! counts nothing twice. Several are applied at once: the view does not depend on their order.

use crate::error::WorkError;
use crate::room::{AT_ONCE, Room, next_of};
use crate::worker::{Worked, Worker};
use futures::stream::{StreamExt, iter};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::ops::{ControlFlow, Range};
use terrace_ingest::{Again, IngestError, Moment};
use terrace_records::Partition;
use terrace_store::jobs::{Only, Replay};
use terrace_store::queue::Job;
use terrace_store::rounds::{Met, RoundPosition};
use terrace_store::{Freshness, JobId, JobItem, JobState, LoggedDelivery, Position, StoreError};
use terrace_terra::ids::UserId;
use tokio::time::Instant;

/// How many deliveries of one user are looked at before progress is written down.
const PAGE: usize = 100;
/// The end of time, as keys have it: thirteen digits of milliseconds.
const END_MS: u64 = 9_999_999_999_999;
/// How many deliveries were found, as progress has it.
const DELIVERIES: &str = "deliveries";
/// How many of them could not be read.
const FAILED: &str = "failed";

/// A delivery that was found.
struct Found {
    /// Whose it is, and what; none where it cannot be read.
    delivery: Option<(Partition, LoggedDelivery)>,
    /// The place right after it.
    after: String,
}

/// What is counted of a delivery, by its names in a job's progress.
type Counted = Vec<(&'static str, u64)>;
/// A page of deliveries, and where the next one begins.
type Page = (Vec<Found>, Option<String>);

impl Worker {
    pub(crate) async fn replay(&self, id: &JobId, moment: Moment, due: Instant) -> Result<Worked, WorkError> {
        // Without its item nobody knows what was asked.
        let Some(mut item) = self.table.job(id).await? else { return Ok(Worked::Done) };
        let Some(replay) = item.replay.clone().filter(|_| item.state != JobState::Done) else {
            return Ok(Worked::Done);
        };
        let (times, room) = (times(&replay), Room::new());
        item.state = JobState::Running;
        let mut has_applied = false;
        // Where nothing was found that is said as well.
        item.progress.entry(DELIVERIES.to_owned()).or_default();
        loop {
            let (found, next) = self.page(&replay, &times, item.cursor.as_deref(), &item, moment).await?;
            let (mut reached, mut over) = (None, false);
            let mut applied =
                iter(found).map(|found| self.apply_again(&replay, &times, found, &room, moment)).buffered(AT_ONCE);
            while !over {
                let (counts, after) = match next_of(&mut applied, has_applied, due).await? {
                    ControlFlow::Continue(Some(applied)) => applied,
                    ControlFlow::Continue(None) => break,
                    ControlFlow::Break(()) => {
                        over = true;
                        break;
                    }
                };
                for (name, number) in counts {
                    *item.progress.entry(name.to_owned()).or_default() += number;
                }
                (reached, has_applied) = (Some(after), true);
                over = Instant::now() >= due;
            }
            drop(applied);
            item.cursor = if over { reached.or(item.cursor) } else { next };
            if item.cursor.is_none() && !over {
                item.state = JobState::Done;
            }
            self.table.put_job(&item, Moment::now().now_ms).await?;
            if item.state == JobState::Done {
                return Ok(Worked::Done);
            }
            if over || Instant::now() >= due {
                self.queue.send(&Job::Replay { id: id.clone() }).await?;
                return Ok(Worked::HandedOn);
            }
        }
    }

    /// Applies a delivery again, where it is one that was asked for. Says what is counted of it, and where it is.
    async fn apply_again(
        &self,
        replay: &Replay,
        times: &Range<u64>,
        Found { delivery, after }: Found,
        room: &Room,
        moment: Moment,
    ) -> Result<(Counted, String), WorkError> {
        let Some((partition, logged)) = delivery else { return Ok((vec![(DELIVERIES, 1), (FAILED, 1)], after)) };
        let wanted = replay.only == Only::All || logged.quarantine.is_some();
        if !wanted || !times.contains(&logged.key.time_ms()) {
            return Ok((Vec::new(), after));
        }
        let _room = room.hold(&logged).await;
        let mut counted = vec![(DELIVERIES, 1)];
        if !replay.dry_run {
            let copies = logged.copies.iter().flatten().map(|copy| copy.record.clone());
            self.table.drop_unreadable(&partition, &copies.collect::<Vec<_>>()).await?;
        }
        match self.ingest.replay(&partition, &logged, replay.dry_run, moment).await {
            Ok(Again::Applied(counts)) => {
                counted.extend([("applied", 1), ("records_stored", counts.stored as u64)]);
            }
            Ok(Again::Ignored) => counted.push(("ignored", 1)),
            Ok(Again::Fetching) => counted.push(("fetching", 1)),
            Ok(Again::Quarantined) => counted.push(("quarantined", 1)),
            Err(error) if error.is_transient() => return Err(error.into()),
            // One that is damaged or gone does not stop the others.
            Err(IngestError::Gone | IngestError::Store(_)) => counted.push((FAILED, 1)),
            Err(error) => return Err(error.into()),
        }
        Ok((counted, after))
    }

    async fn page(
        &self,
        replay: &Replay,
        times: &Range<u64>,
        cursor: Option<&str>,
        item: &JobItem,
        moment: Moment,
    ) -> Result<Page, WorkError> {
        match (&replay.user_id, replay.only) {
            (Some(user), _) => self.of_user(user, times, cursor).await,
            (None, Only::All) => self.of_everybody(cursor).await,
            (None, Only::Quarantined) => self.of_quarantine(replay, cursor, item, moment).await,
        }
    }

    async fn of_user(&self, user: &str, times: &Range<u64>, cursor: Option<&str>) -> Result<Page, WorkError> {
        let user = UserId::new(user).ok_or(WorkError::Nobody)?;
        let partition = Partition::of_user(&user);
        let after = cursor.map(|record| Position { record: record.to_owned(), start_key: None });
        let page = self.log.deliveries(&partition, times.clone(), after.as_ref(), PAGE).await?;
        let read = page.entries.into_iter().map(|logged| {
            let after = logged.key.sort_key();
            Found { delivery: Some((partition.clone(), logged)), after }
        });
        let damaged = page.damaged.into_iter().map(|after| Found { delivery: None, after });
        let mut found: Vec<_> = read.chain(damaged).collect();
        // A replay that stops goes on right after the last one it came to.
        found.sort_unstable_by(|one, other| one.after.cmp(&other.after));
        Ok((found, page.next.map(|next| next.record)))
    }

    async fn of_everybody(&self, cursor: Option<&str>) -> Result<Page, WorkError> {
        let after = cursor.and_then(RoundPosition::from_text);
        let (met, next) = self.table.round(after.as_ref(), Freshness::Latest).await?;
        let found = met.into_iter().filter_map(|met| match met {
            Met::Delivery(partition, logged) => {
                let after = RoundPosition::of_delivery(&partition, &logged.key).to_text();
                Some(Found { delivery: Some((partition, *logged)), after })
            }
            Met::Damaged(at, _) => Some(Found { delivery: None, after: at.to_text() }),
            Met::Pointer(_) | Met::Other => None,
        });
        Ok((found.collect(), next.map(|next| next.to_text())))
    }

    /// The days of quarantine, one after the other. A delivery is quarantined on the day it came or later, which clocks
    /// may put a day before its own: days before that hold nothing.
    async fn of_quarantine(
        &self,
        replay: &Replay,
        cursor: Option<&str>,
        item: &JobItem,
        moment: Moment,
    ) -> Result<Page, WorkError> {
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
        let place = |day: Date, after: Option<RoundPosition>| {
            serde_json::json!([day.to_string(), after.map(|after| after.to_text())]).to_string()
        };
        for (partition, key) in keys {
            let after = place(day, Some(RoundPosition::of_delivery(&partition, &key)));
            match self.log.read(&partition, &key).await {
                Ok(Some(logged)) => found.push(Found { delivery: Some((partition, logged)), after }),
                // It has expired or was erased just now.
                Ok(None) => {}
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(_) => found.push(Found { delivery: None, after }),
            }
        }
        let next = match next {
            Some(next) => Some(place(day, Some(next))),
            None => {
                let tomorrow = day.tomorrow().ok().filter(|next| *next <= date(moment.now_ms));
                tomorrow.map(|next| place(next, None))
            }
        };
        Ok((found, next))
    }

    fn first_day(&self, replay: &Replay, item: &JobItem) -> Date {
        let asked = replay.from.as_deref().and_then(|from| from.parse::<Date>().ok());
        let days = i64::try_from(self.log_days).unwrap_or(3_650) + 1;
        let kept = date(item.created_at).checked_sub(jiff::Span::new().days(days)).unwrap_or(Date::MIN);
        let first = asked.map(|asked| asked.yesterday().unwrap_or(asked));
        first.map_or(kept, |first| first.max(kept))
    }
}

fn date(time_ms: u64) -> Date {
    let moment = i64::try_from(time_ms).ok().and_then(|time_ms| Timestamp::from_millisecond(time_ms).ok());
    TimeZone::UTC.to_datetime(moment.unwrap_or_default()).date()
}

/// The delivery times that a replay asks for, in milliseconds since 1970.
fn times(replay: &Replay) -> Range<u64> {
    let day = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
    let from = day(&replay.from).map_or(0, begins);
    let to = day(&replay.to).map_or(END_MS, |day| day.tomorrow().map_or(END_MS, begins));
    from..to
}

/// When a day begins by UTC, in milliseconds since 1970; 0 for every day before.
fn begins(date: Date) -> u64 {
    let since = date.duration_since(jiff::civil::date(1970, 1, 1)).as_millis();
    u64::try_from(since).unwrap_or(0)
}
