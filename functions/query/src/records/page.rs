//! A page of records: type after type, and within a type by date, or by key where changes are followed.

use super::hidden::{Hidden, made};
use super::{Answered, Records};
use crate::error::QueryError;
use crate::parameters::{Detail, RecordsQuestion};
use futures::stream::{StreamExt, iter};
use serde_json::value::RawValue;
use terrace_records::{Partition, RecordKey};
use terrace_runtime::http::MAX_ANSWER_BYTES;
use terrace_store::{Listed, Page, Position, StoreError, StoredRecord};
use terrace_terra::DataType;

/// How many whole records are read at once.
const CONCURRENT_READS: usize = 4;
/// How many pages of the table make one page of an answer at most: what is left out fills pages too.
const MAX_PAGES: usize = 40;
/// What a page has besides its records.
const ENVELOPE_BYTES: usize = 4_096;

/// A page under construction.
#[derive(Debug, Default)]
pub struct AnswerPage {
    /// Each with the time when it was made.
    records: Vec<(u64, Box<RawValue>)>,
    /// Those that cannot be read, each with the time when it was made.
    damaged: Vec<u64>,
    bytes: usize,
    last: Option<Position>,
    next: Option<Position>,
}

/// A page as it is answered.
#[derive(Debug)]
pub struct Finished {
    /// The records.
    pub records: Vec<Box<RawValue>>,
    /// How many of the page cannot be read.
    pub damaged: usize,
    /// Where the next page begins.
    pub next: Option<Position>,
}

impl AnswerPage {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.damaged.is_empty()
    }

    /// Leaves out what is hidden.
    pub fn hide(&mut self, hidden: Hidden) {
        self.records.retain(|(made_ms, _)| !hidden.hides(*made_ms));
        self.damaged.retain(|made_ms| !hidden.hides(*made_ms));
        self.next = self.next.take().filter(|_| !hidden.hides(u64::MAX));
    }

    /// The page as it is answered.
    pub fn finish(self) -> Finished {
        let records = self.records.into_iter().map(|(_, record)| record).collect();
        Finished { records, damaged: self.damaged.len(), next: self.next }
    }

    /// Adds what came of reading an entry of the list. `false` if there is no room left for it.
    fn add(&mut self, entry: &Listed, answered: Answered, place: Option<Position>) -> bool {
        let made_ms = entry.as_ref().map_or_else(|damaged| damaged.made_ms, made);
        match answered {
            Answered::Record(answer) => {
                let bytes = self.bytes + answer.get().len() + 1;
                if bytes + ENVELOPE_BYTES > MAX_ANSWER_BYTES && !self.records.is_empty() {
                    return false;
                }
                self.bytes = bytes;
                self.records.push((made_ms, answer));
            }
            Answered::Damaged(_) => self.damaged.push(made_ms),
            Answered::Gone => return true,
        }
        self.last = place.or(self.last.take());
        true
    }
}

impl Records<'_> {
    /// A page of what is asked for, after a place in the list.
    pub(super) async fn page(
        &self,
        partition: &Partition,
        asked: &RecordsQuestion<'_>,
        mut after: Option<Position>,
    ) -> Result<AnswerPage, QueryError> {
        let begin = after.as_ref().and_then(|after| RecordKey::from_sort_key(&after.record)).map(|key| key.data_type());
        let types = asked.types().skip_while(|one| begin.is_some_and(|begin| *one != begin));
        let mut page = AnswerPage::default();
        let mut pages = 0;
        for data_type in types {
            loop {
                let room = asked.limit - page.records.len();
                if room == 0 || (pages >= MAX_PAGES && after.is_some()) {
                    page.next = after.or(page.last.take());
                    return Ok(page);
                }
                pages += 1;
                let mut found = self.found(partition, data_type, asked, after.as_ref(), room).await?;
                let all = found.entries.len() <= room;
                found.entries.truncate(room);
                if !self.fill(&mut page, partition, &found.entries, asked).await? || !all {
                    page.next = page.last.take();
                    return Ok(page);
                }
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(page)
    }

    /// What the table has of one type, as far as it is asked for. There may be more of it than there is room for.
    async fn found(
        &self,
        partition: &Partition,
        data_type: DataType,
        asked: &RecordsQuestion<'_>,
        after: Option<&Position>,
        room: usize,
    ) -> Result<Page<Listed>, StoreError> {
        let range = &asked.range;
        let Some(since) = asked.updated_since else {
            let mut found = self.table.records(partition, data_type, &range.days(), after, room).await?;
            found.entries.retain(|entry| entry.as_ref().map_or(true, |record| range.has_moment_of(record)));
            return Ok(found);
        };
        let mut found = self.table.changed(partition, data_type, since, after).await?;
        // A deleted one has no start any more, and may be one that who follows the range still has.
        let in_range = |record: &StoredRecord| range.has_day_of(record) && range.has_moment_of(record);
        let listed = |record: &StoredRecord| record.is_deleted() || in_range(record);
        found.entries.retain(|entry| entry.as_ref().map_or(true, listed));
        Ok(found)
    }

    /// Adds entries to a page. `false` if it is full before all of them are in it.
    async fn fill(
        &self,
        page: &mut AnswerPage,
        partition: &Partition,
        found: &[Listed],
        asked: &RecordsQuestion<'_>,
    ) -> Result<bool, QueryError> {
        let mut answers = self.answers(partition, found, asked.detail);
        while let Some((entry, answer)) = answers.next().await {
            let place =
                entry.as_ref().map_or_else(|damaged| damaged.position.clone(), |record| Some(record.position()));
            if !page.add(entry, answer?, place.map(|place| asked.place_of(place))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A page of these records alone.
    pub(super) async fn page_of(
        &self,
        partition: &Partition,
        found: &[Listed],
        detail: Detail,
    ) -> Result<AnswerPage, QueryError> {
        let mut page = AnswerPage::default();
        let mut answers = self.answers(partition, found, detail);
        while let Some((entry, answer)) = answers.next().await {
            page.add(entry, answer?, None);
        }
        Ok(page)
    }

    /// Entries as they are answered, several read at once.
    fn answers<'f>(
        &'f self,
        partition: &'f Partition,
        found: &'f [Listed],
        detail: Detail,
    ) -> impl StreamExt<Item = (&'f Listed, Result<Answered, QueryError>)> + Unpin + 'f {
        let answer = |entry: &'f Listed| async move {
            let answered = match entry {
                Ok(record) => self.answer(partition, record, detail).await,
                Err(damaged) => Ok(Answered::Damaged(damaged.error())),
            };
            (entry, answered)
        };
        let answers: Vec<_> = found.iter().map(answer).collect();
        Box::pin(iter(answers).buffered(CONCURRENT_READS))
    }
}
