//! Records: one by its name, and lists of them.
//!
//! * [`page`]: a page of a list.
//! * [`answer`]: a record as it is answered.
//! * [`etag`]: how it is known that somebody has it already.
//! * [`hidden`]: what is on its way to another or to nowhere.

pub mod answer;
pub mod etag;
pub mod hidden;
pub mod page;

use self::etag::Etag;
use self::hidden::{Hidden, made};
use self::page::{AnswerPage, Finished};
use crate::connections;
use crate::cursor::{Place, Question};
use crate::error::{Damage, QueryError, is_zero};
use crate::nearby::{self, Whose};
use crate::openapi::shapes::RecordAnswer;
use crate::parameters::{Detail, RecordsQuestion};
use crate::times::{instant, now_ms};
use serde::Serialize;
use serde_json::value::RawValue;
use terrace_records::{Connection, Partition, RecordKey, Status};
use terrace_runtime::http::{Answer, JSON};
use terrace_runtime::telemetry::Telemetry;
use terrace_store::{Log, StoreError, StoredRecord, Table};
use terrace_terra::ids::Identifier;
use utoipa::ToSchema;

/// How long before its answer a list of changes may miss a write, in milliseconds. A record bears the time when the
/// function that wrote it began, and Lambda lets one run for fifteen minutes; clocks differ by less than a minute.
const LATE_MS: u64 = 16 * 60 * 1_000;

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordsAnswer {
    #[schema(value_type = Vec<RecordAnswer>)]
    records: Vec<Box<RawValue>>,
    /// How many of this page cannot be read: their items, or the objects that they lie in, are damaged.
    #[serde(skip_serializing_if = "is_zero")]
    damaged: usize,
    /// Where to go on; null at the end.
    #[schema(required = true)]
    cursor: Option<String>,
    /// Of a list of changes: what to ask for next time.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_updated_since: Option<String>,
    /// The id that the records of this one went over to.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
}

/// Reads records.
#[derive(Debug, Clone, Copy)]
pub struct Records<'s> {
    /// The view.
    pub table: &'s Table,
    /// The log, where the whole of large records lies.
    pub log: &'s Log,
    /// The tags of what whoever asks has already: the header `If-None-Match`.
    pub known: Option<&'s str>,
    /// Where it is said that some cannot be read.
    pub telemetry: &'s Telemetry,
}

/// What came of reading a record.
#[derive(Debug)]
enum Answered {
    /// The record as it is answered.
    Record(Box<RawValue>),
    /// It cannot be read.
    Damaged(StoreError),
    /// An erase has taken it meanwhile.
    Gone,
}

impl Records<'_> {
    /// One record with all that Terra sent of it.
    pub async fn one(&self, whose: &Whose<'_>, name: &str, id: &Identifier<'_>) -> Result<Answer, QueryError> {
        let data_type = crate::parameters::data_type(name)?;
        let partition = whose.partition();
        let record = self.table.record(&partition, &RecordKey::new(data_type, id)).await;
        let record = match record {
            // What is hidden is not there, whatever is left of it.
            Err(error) if error.is_corrupt() && self.hides_all(&partition).await? => None,
            record => record.map_err(Damage::of(Damage::RECORD))?,
        };
        let record = record.filter(|record| !record.is_deleted());
        let connection = self.connection(&partition).await?;
        let hidden = Hidden::of(&connection, partition.kind());
        let Some(record) = record.filter(|record| !hidden.hides(made(record))) else {
            return Err(nearby::no_such_record(self.table, whose, &connection).await?);
        };
        let etag = Etag::of([&record], Detail::Full);
        if etag.is_in(self.known) {
            return Ok(unchanged(&etag));
        }
        match self.answer(&partition, &record, Detail::Full).await? {
            Answered::Record(answer) => Ok(tagged(Answer::json(200, &answer), &etag)),
            Answered::Damaged(error) => Err(Damage::of(Damage::RECORD)(error)),
            Answered::Gone => Err(nearby::no_such_record(self.table, whose, &connection).await?),
        }
    }

    /// A page of records.
    pub async fn list(&self, whose: &Whose<'_>, asked: &RecordsQuestion<'_>) -> Result<Answer, QueryError> {
        let partition = whose.partition();
        match &asked.id {
            Some(id) => self.of_id(whose, &partition, id, asked).await,
            None => self.of_types(whose, &partition, asked).await,
        }
    }

    /// The records of one identifier, which are of different types.
    async fn of_id(
        &self,
        whose: &Whose<'_>,
        partition: &Partition,
        id: &Identifier<'_>,
        asked: &RecordsQuestion<'_>,
    ) -> Result<Answer, QueryError> {
        let keys: Vec<RecordKey> = asked.types().map(|data_type| RecordKey::new(data_type, id)).collect();
        let mut found = self.table.records_of(partition, &keys).await?;
        let hidden = Hidden::of(&self.connection(partition).await?, partition.kind());
        found.retain(|entry| match entry {
            Ok(record) => !record.is_deleted() && !hidden.hides(made(record)),
            Err(damaged) => !hidden.hides(damaged.made_ms),
        });
        let etag = Etag::of(found.iter().flatten(), asked.detail);
        let whole = found.iter().all(Result::is_ok);
        if whole && !found.is_empty() && etag.is_in(self.known) {
            return Ok(unchanged(&etag));
        }
        let page = self.page_of(partition, &found, asked.detail).await?;
        let replaced_by = self.look_around(whose, partition, &page).await?;
        let Finished { records, damaged, .. } = self.finish(page);
        let answer = RecordsAnswer { records, damaged, cursor: None, next_updated_since: None, replaced_by };
        let answer = Answer::json(200, &answer);
        // Once it is mended it is another answer to the same versions.
        Ok(if damaged == 0 { tagged(answer, &etag) } else { answer })
    }

    async fn of_types(
        &self,
        whose: &Whose<'_>,
        partition: &Partition,
        asked: &RecordsQuestion<'_>,
    ) -> Result<Answer, QueryError> {
        let bound_to = asked.bound_to();
        let parts =
            [Some("records"), Some(partition.as_str())].into_iter().chain(bound_to.iter().map(Option::as_deref));
        let question = Question::of(parts);
        let after = asked.cursor.map(|cursor| question.place(cursor)).transpose()?;
        if after.as_ref().is_some_and(|place| !asked.has_place(&place.position)) {
            return Err(QueryError::bad("the cursor leads nowhere; take it from the last answer"));
        }
        // Of the first page, whichever this is: what was written while the others were read may be missing from it.
        let next_since = after.as_ref().and_then(|place| place.next_since);
        let next_since =
            asked.updated_since.map(|since| next_since.unwrap_or_else(|| now_ms().saturating_sub(LATE_MS).max(since)));
        let first = after.is_none();
        let mut page = self.page(partition, asked, after.map(|place| place.position)).await?;
        // Looked at after the records: a mark that was set before they were written is seen.
        if !page.is_empty() {
            page.hide(Hidden::of(&self.connection(partition).await?, partition.kind()));
        }
        let replaced_by = if first { self.look_around(whose, partition, &page).await? } else { None };
        let Finished { records, damaged, next } = self.finish(page);
        let cursor = next.map(|position| question.cursor_to(Place { position, next_since }));
        let next_updated_since = next_since.map(instant);
        Ok(Answer::json(200, &RecordsAnswer { records, damaged, cursor, next_updated_since, replaced_by }))
    }

    /// Where nothing was found: whether there is such a user or reference at all, and the id that it goes on under.
    async fn look_around(
        &self,
        whose: &Whose<'_>,
        partition: &Partition,
        page: &AnswerPage,
    ) -> Result<Option<String>, QueryError> {
        if !page.is_empty() {
            return Ok(None);
        }
        let Some(stored) = connections::read(self.table, partition).await? else {
            return match self.table.is_known(partition).await? {
                true => Ok(None),
                false => nearby::nobody(self.table, whose).await.map(|()| None),
            };
        };
        match stored.connection.status() {
            Status::Replaced => nearby::goes_on_under(self.table, whose).await,
            _ => Ok(None),
        }
    }

    async fn connection(&self, partition: &Partition) -> Result<Connection, QueryError> {
        Ok(connections::read(self.table, partition).await?.map(|stored| stored.connection).unwrap_or_default())
    }

    /// Whether nothing of a partition is shown.
    async fn hides_all(&self, partition: &Partition) -> Result<bool, QueryError> {
        Ok(Hidden::of(&self.connection(partition).await?, partition.kind()).hides(u64::MAX))
    }

    /// The page as it is answered; that some of it cannot be read is said in a line.
    fn finish(&self, page: AnswerPage) -> Finished {
        let finished = page.finish();
        if finished.damaged > 0 {
            self.telemetry.failure("list records", &format_args!("{} of a page cannot be read", finished.damaged));
        }
        finished
    }

    /// A record as it is answered.
    async fn answer(
        &self,
        partition: &Partition,
        record: &StoredRecord,
        detail: Detail,
    ) -> Result<Answered, QueryError> {
        match answer::read(self.log, record, detail).await {
            Ok(answer) => Ok(Answered::Record(answer)),
            Err(error) => {
                let hidden = Hidden::of(&self.connection(partition).await?, partition.kind());
                match error {
                    _ if hidden.hides(made(record)) => Ok(Answered::Gone),
                    error if error.is_corrupt() => Ok(Answered::Damaged(error)),
                    error => Err(error.into()),
                }
            }
        }
    }
}

/// An answer that may be kept, as long as it is asked each time whether it still holds.
fn tagged(answer: Answer, etag: &Etag) -> Answer {
    answer.with("etag", etag.as_str()).with("cache-control", "private, no-cache")
}

/// Who asks has it already.
fn unchanged(etag: &Etag) -> Answer {
    tagged(Answer::bytes(304, JSON, Vec::new()), etag)
}
