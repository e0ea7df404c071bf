//! Orders: erase somebody, replay deliveries. An order is a job; its item tells how far it is.

use crate::error::QueryError;
use crate::parameters;
use crate::times::{instant, now_ms};
use jiff::civil::Date;
use serde::Serialize;
use terrace_records::{ConnectionUpdate, Partition};
use terrace_runtime::http::Answer;
use terrace_store::jobs::Replay;
use terrace_store::queue::{Job, JobQueue, Subject};
use terrace_store::{JobId, JobItem, Progress, Table};
use terrace_terra::ids::UserId;

/// What may be written in an order for a replay.
const HOW: &str = "write JSON such as {\"user_id\": \"…\", \"from\": \"2026-07-01\", \"to\": \"2026-07-31\", \
                   \"only\": \"quarantined\" or \"all\", \"dry_run\": true}; every member may be left out";

/// Takes orders.
#[derive(Debug, Clone, Copy)]
pub struct Orders<'s> {
    /// Where the items of jobs lie.
    pub table: &'s Table,
    /// Where jobs wait.
    pub queue: &'s dyn JobQueue,
}

/// A job as it is answered.
#[derive(Debug, Serialize)]
struct JobAnswer<'j> {
    job: &'j str,
    kind: &'j str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<&'j Replay>,
    progress: &'j Progress,
    created_at: String,
    updated_at: String,
}

impl<'j> From<&'j JobItem> for JobAnswer<'j> {
    fn from(item: &'j JobItem) -> Self {
        Self {
            job: item.id.as_str(),
            kind: &item.kind,
            status: item.state.name(),
            asked: item.replay.as_ref(),
            progress: &item.progress,
            created_at: instant(item.created_at),
            updated_at: instant(item.updated_at),
        }
    }
}

impl Orders<'_> {
    /// Orders that everything of somebody is erased. A user is marked before the answer, so that nothing of theirs is
    /// read any more.
    pub async fn erase(&self, subject: Subject, query: &[(String, String)]) -> Result<Answer, QueryError> {
        parameters::none(query)?;
        let now_ms = now_ms();
        let item = JobItem::queued(JobId::random(), "erase", None, now_ms);
        self.table.put_job(&item, now_ms).await?;
        let marked = match &subject {
            Subject::User(user) => UserId::new(user.clone()),
            Subject::Reference(_) => None,
        };
        let job = Job::Erase { subject, at_ms: now_ms, id: Some(item.id.clone()) };
        self.queue.send(&job).await?;
        if let Some(user) = marked {
            let partition = Partition::of_user(&user);
            if self.table.is_known(&partition).await? {
                self.table.update_connection(&partition, &user, ConnectionUpdate::of_erased(now_ms)).await?;
            }
        }
        Ok(Answer::json(202, &JobAnswer::from(&item)))
    }

    /// Orders a replay.
    pub async fn replay(&self, body: &[u8], query: &[(String, String)]) -> Result<Answer, QueryError> {
        parameters::none(query)?;
        let replay = read(body)?;
        let now_ms = now_ms();
        let item = JobItem::queued(JobId::random(), "replay", Some(replay), now_ms);
        self.table.put_job(&item, now_ms).await?;
        self.queue.send(&Job::Replay { id: item.id.clone() }).await?;
        Ok(Answer::json(202, &JobAnswer::from(&item)))
    }

    /// How far a job is.
    pub async fn job(&self, id: &str) -> Result<Answer, QueryError> {
        const UNKNOWN: QueryError = QueryError::Unknown("there is no such job, or it ended more than 30 days ago");
        let id = JobId::new(id).ok_or(UNKNOWN)?;
        let item = self.table.job(&id).await?.ok_or(UNKNOWN)?;
        Ok(Answer::json(200, &JobAnswer::from(&item)))
    }
}

/// Reads an order for a replay. An empty body asks for the whole quarantine.
fn read(body: &[u8]) -> Result<Replay, QueryError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    // Structs may also be written as JSON arrays as far as serde is concerned.
    let object = body.trim_ascii_start().starts_with(b"{");
    let replay: Option<Replay> = serde_json::from_slice(body).ok().filter(|_| object);
    let replay = replay.ok_or_else(|| QueryError::bad(HOW))?;
    let date = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) if text.len() == 10 => text.parse::<Date>().map(Some).map_err(|_| not_a_date(name)),
        Some(_) => Err(not_a_date(name)),
    };
    let (from, to) = (date("from", &replay.from)?, date("to", &replay.to)?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(QueryError::bad("from lies after to; both are days, inclusive"));
    }
    if replay.user_id.as_deref() == Some("") {
        return Err(QueryError::bad("user_id is empty; leave it out to mean everybody"));
    }
    Ok(replay)
}

fn not_a_date(name: &str) -> QueryError {
    QueryError::bad(format!("{name} is no date; write YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_store::jobs::Only;

    #[test]
    fn an_order_says_what_it_means_or_is_told_how() {
        assert_eq!(read(b"").unwrap(), Replay::default());
        let all = read(br#"{"only":"all","from":"2026-07-01","to":"2026-07-01","dry_run":true}"#).unwrap();
        assert_eq!((all.only, all.dry_run), (Only::All, true));
        for (body, said) in [
            (&b"[]"[..], "write JSON"),
            (b"{\"only\":\"some\"}", "write JSON"),
            (b"{\"since\":\"2026-07-01\"}", "write JSON"),
            (b"\xff", "write JSON"),
            (b"{\"from\":\"yesterday\"}", "from is no date"),
            (b"{\"to\":\"2026-02-30\"}", "to is no date"),
            (b"{\"from\":\"2026-07-02\",\"to\":\"2026-07-01\"}", "from lies after to"),
            (b"{\"user_id\":\"\"}", "user_id is empty"),
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.answer().status, 400);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
