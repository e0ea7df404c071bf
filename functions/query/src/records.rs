//! Records.

use crate::connections::NO_SUCH_USER;
use crate::cursor::Question;
use crate::error::QueryError;
use crate::parameters::{Detail, RecordsQuestion};
use crate::times::instant;
use futures::stream::{StreamExt, iter};
use serde::Serialize;
use serde_json::value::RawValue;
use terrace_records::erasure::made_ms;
use terrace_records::scores::merge;
use terrace_records::summary::summarise;
use terrace_records::{Erasure, Partition, RecordKey, Status};
use terrace_runtime::http::MAX_ANSWER_BYTES;
use terrace_store::frames::unpack_text;
use terrace_store::{Log, Position, RecordBody, StoreError, StoredRecord, Table};
use terrace_terra::DataType;
use terrace_terra::ids::Identifier;

/// How many whole records are read at once.
const CONCURRENT_READS: usize = 4;
/// How many pages of the table make one page of an answer at most: deleted records fill pages too.
const MAX_PAGES: usize = 40;
/// What a page has besides its records.
const ENVELOPE_BYTES: usize = 4_096;

/// A page of records.
#[derive(Debug, Serialize)]
pub struct RecordsAnswer {
    records: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

/// A record as it is answered.
#[derive(Debug, Serialize)]
struct RecordAnswer<'r> {
    #[serde(rename = "type")]
    data_type: &'static str,
    id: &'r str,
    start_time: Option<&'r str>,
    end_time: Option<&'r str>,
    provider: Option<&'r str>,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

/// Reads records.
#[derive(Debug, Clone, Copy)]
pub struct Records<'s> {
    /// The view.
    pub table: &'s Table,
    /// The log, where the whole of large records lies.
    pub log: &'s Log,
}

impl Records<'_> {
    /// One record with all that Terra sent of it.
    pub async fn one(
        &self,
        partition: &Partition,
        data_type: DataType,
        id: &Identifier<'_>,
    ) -> Result<Box<RawValue>, QueryError> {
        const UNKNOWN: QueryError = QueryError::Unknown("there is no such record, or it was deleted");
        let record = self.table.record(partition, &RecordKey::new(data_type, id)).await?;
        let record = record.filter(|record| record.body != RecordBody::Deleted).ok_or(UNKNOWN)?;
        if self.hidden(partition).await?.hides(made(&record)) {
            return Err(UNKNOWN);
        }
        self.answer(partition, &record, Detail::Full).await?.ok_or(UNKNOWN)
    }

    /// A page of records.
    pub async fn list(&self, partition: &Partition, asked: &RecordsQuestion<'_>) -> Result<RecordsAnswer, QueryError> {
        let question = Question::of([
            Some("records"),
            Some(partition.as_str()),
            asked.data_type.map(DataType::name),
            asked.days.from.as_deref(),
            asked.days.to.as_deref(),
        ]);
        let after = asked.cursor.map(|cursor| position(question, cursor, asked.data_type)).transpose()?;
        let mut page = match &asked.id {
            Some(id) => self.of_id(partition, id, asked).await?,
            None => self.of_days(partition, asked, after.clone()).await?,
        };
        // Looked at after the records: a mark that was set before they were written is seen.
        if !page.records.is_empty() {
            let hidden = self.hidden(partition).await?;
            page.records.retain(|(made_ms, _)| !hidden.hides(*made_ms));
            page.next = page.next.filter(|_| !hidden.hides(u64::MAX));
        }
        if page.records.is_empty() && after.is_none() && self.table.connection(partition).await?.is_none() {
            let known = partition.as_str().starts_with("reference:") || self.has_deliveries(partition).await?;
            if !known {
                return Err(QueryError::Unknown(NO_SUCH_USER));
            }
        }
        let cursor = page.next.take().map(|next| question.cursor(next));
        Ok(RecordsAnswer { records: page.records.into_iter().map(|(_, record)| record).collect(), cursor })
    }

    async fn hidden(&self, partition: &Partition) -> Result<Hidden, QueryError> {
        let connection = self.table.connection(partition).await?.map(|stored| stored.connection).unwrap_or_default();
        Ok(match connection.status() {
            Status::Replaced => Hidden::All,
            _ => connection.erasure(partition.kind()).map_or(Hidden::Nothing, Hidden::Erased),
        })
    }

    async fn has_deliveries(&self, partition: &Partition) -> Result<bool, QueryError> {
        let page = self.log.deliveries(partition, 0..9_999_999_999_999, None, 1).await?;
        Ok(!page.entries.is_empty() || !page.damaged.is_empty())
    }

    async fn of_id(
        &self,
        partition: &Partition,
        id: &Identifier<'_>,
        asked: &RecordsQuestion<'_>,
    ) -> Result<AnswerPage, QueryError> {
        let mut page = AnswerPage::default();
        for data_type in DataType::ALL.into_iter().filter(|one| asked.data_type.is_none_or(|asked| asked == *one)) {
            let record = self.table.record(partition, &RecordKey::new(data_type, id)).await?;
            if let Some(record) = record.filter(|record| record.body != RecordBody::Deleted) {
                let answer = self.answer(partition, &record, asked.detail).await?;
                page.records.extend(answer.map(|answer| (made(&record), answer)));
            }
        }
        Ok(page)
    }

    async fn of_days(
        &self,
        partition: &Partition,
        asked: &RecordsQuestion<'_>,
        mut after: Option<Position>,
    ) -> Result<AnswerPage, QueryError> {
        let begin = after.as_ref().and_then(|after| RecordKey::from_sort_key(&after.record)).map(|key| key.data_type());
        let types = DataType::ALL.into_iter().filter(|one| asked.data_type.is_none_or(|asked| asked == *one));
        let mut page = AnswerPage::default();
        let mut pages = 0;
        for data_type in types.skip_while(|one| begin.is_some_and(|begin| *one != begin)) {
            loop {
                let room = asked.limit - page.records.len();
                if room == 0 || (pages >= MAX_PAGES && after.is_some()) {
                    page.next = after.or(page.last.take());
                    return Ok(page);
                }
                pages += 1;
                let found = self.table.records(partition, data_type, &asked.days, after.as_ref(), room).await?;
                if !self.fill(&mut page, partition, &found.entries, asked.detail).await? {
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

    /// Adds records to a page. `false` if it is full.
    async fn fill(
        &self,
        page: &mut AnswerPage,
        partition: &Partition,
        found: &[StoredRecord],
        detail: Detail,
    ) -> Result<bool, QueryError> {
        let answers: Vec<_> =
            found.iter().map(|record| async move { (record, self.answer(partition, record, detail).await) }).collect();
        let mut answers = iter(answers).buffered(CONCURRENT_READS);
        while let Some((record, answer)) = answers.next().await {
            let Some(answer) = answer? else { continue };
            let bytes = page.bytes + answer.get().len() + 1;
            if bytes + ENVELOPE_BYTES > MAX_ANSWER_BYTES && !page.records.is_empty() {
                return Ok(false);
            }
            page.bytes = bytes;
            page.records.push((made(record), answer));
            page.last = Some(record.position());
        }
        Ok(true)
    }

    /// A record as it is answered; `None` for one that an erase has taken meanwhile.
    async fn answer(
        &self,
        partition: &Partition,
        record: &StoredRecord,
        detail: Detail,
    ) -> Result<Option<Box<RawValue>>, QueryError> {
        match self.read(record, detail).await {
            Ok(answer) => Ok(Some(answer)),
            Err(_) if self.hidden(partition).await?.hides(made(record)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&self, record: &StoredRecord, detail: Detail) -> Result<Box<RawValue>, StoreError> {
        let text = match (detail, &record.body) {
            (Detail::Summary, RecordBody::Summary { summary, .. }) => unpack_text(summary)?,
            (Detail::Summary, RecordBody::Whole(frame)) => summarise(&unpack_text(frame)?),
            (_, _) => self.log.whole(record).await?.unwrap_or_else(|| "{}".to_owned()),
        };
        let merged = merge(&text, &record.scores).into_owned();
        let damaged = |error: serde_json::Error| StoreError::corrupt("read a record", error);
        let text = RawValue::from_string(merged).map_err(damaged)?;
        let (summary, data) = if detail == Detail::Full { (None, Some(text)) } else { (Some(text), None) };
        let answer = RecordAnswer {
            data_type: record.key.data_type().name(),
            id: &record.identifier,
            start_time: record.start_time.as_deref(),
            end_time: record.end_time.as_deref(),
            provider: record.provider.as_deref(),
            updated_at: instant(record.updated_at),
            summary,
            data,
        };
        serde_json::value::to_raw_value(&answer).map_err(damaged)
    }
}

/// What of a partition is on its way to another or to nowhere, and is not shown, however far the job is.
#[derive(Debug, Clone, Copy)]
enum Hidden {
    /// Nothing is.
    Nothing,
    /// All of it is on its way to another.
    All,
    /// What an erase takes.
    Erased(Erasure),
}

impl Hidden {
    /// Whether a record made at this time is hidden, in milliseconds since 1970.
    fn hides(self, made_ms: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Erased(erasure) => erasure.takes(made_ms),
        }
    }
}

/// When the copy that is kept was made, in milliseconds since 1970.
fn made(record: &StoredRecord) -> u64 {
    made_ms(Some(record.key.data_type()), &record.version)
}

/// A page under construction.
#[derive(Debug, Default)]
struct AnswerPage {
    /// Each with the time when it was made.
    records: Vec<(u64, Box<RawValue>)>,
    bytes: usize,
    last: Option<Position>,
    next: Option<Position>,
}

/// Reads a cursor, which has to lead to a record of the type asked for.
fn position(question: Question, cursor: &str, data_type: Option<DataType>) -> Result<Position, QueryError> {
    let position = question.position(cursor)?;
    let found = RecordKey::from_sort_key(&position.record).map(|key| key.data_type());
    let leads = found.is_some_and(|found| {
        data_type.is_none_or(|asked| asked == found) && found.is_daily() == position.start_key.is_none()
    });
    if leads { Ok(position) } else { Err(QueryError::bad("the cursor leads nowhere; take it from the last answer")) }
}
