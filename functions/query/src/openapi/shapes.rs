//! Bodies whose types know nothing of documents: errors, those of the webhook, and those of jobs.

use super::takes::type_name;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{IntoResponses, ToSchema};

/// Why there is no answer.
#[derive(ToSchema)]
pub struct ErrorAnswer {
    /// A code for programs.
    #[schema(example = "bad_request")]
    pub error: String,
    /// What to do.
    pub message: String,
    /// The id that goes on, where the one asked for was replaced.
    #[schema(required = false)]
    pub replaced_by: Option<String>,
}

/// A record.
#[derive(ToSchema)]
pub struct RecordAnswer {
    /// Its type.
    #[schema(rename = "type", schema_with = type_name)]
    pub data_type: String,
    /// Its identifier.
    pub id: String,
    /// When it began, as sent.
    #[schema(required = true)]
    pub start_time: Option<String>,
    /// When it ended, as sent.
    #[schema(required = true)]
    pub end_time: Option<String>,
    /// Where the data came from.
    #[schema(required = true)]
    pub provider: Option<String>,
    /// When it was last written.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// It was deleted; only in a list of changes, and then without `summary` and `data`.
    #[schema(required = false)]
    pub deleted: bool,
    /// Its scalars and short arrays, with `detail=summary`.
    #[schema(required = false, value_type = Object)]
    pub summary: (),
    /// The record as Terra sent it, to the last digit, with `detail=full`.
    #[schema(required = false, value_type = Object)]
    pub data: (),
}

/// What a delivery is answered.
#[derive(ToSchema)]
pub struct Acknowledged {
    /// `stored`, `queued`, `ignored` or `quarantined`.
    pub status: String,
    /// The event's type.
    pub event: String,
    /// The delivery's name.
    pub delivery: String,
    /// What became of its records.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub records: (),
}

/// A replay to order.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Of this user alone.
    #[schema(required = false, min_length = 1)]
    pub user_id: Option<String>,
    /// Deliveries of this day or later, by UTC.
    #[schema(required = false, format = Date)]
    pub from: Option<String>,
    /// Deliveries of this day or earlier.
    #[schema(required = false, format = Date)]
    pub to: Option<String>,
    /// Which of them: those in quarantine, or all.
    #[schema(required = false, schema_with = only)]
    pub only: String,
    /// Say what would be done, and do nothing.
    #[schema(required = false)]
    pub dry_run: bool,
}

fn only() -> utoipa::openapi::Object {
    let names = ["quarantined", "all"];
    utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some(names)).build()
}

/// A job that was asked for.
#[derive(ToSchema)]
pub struct JobAnswer {
    /// Its id.
    pub job: String,
    /// `erase` or `replay`.
    pub kind: String,
    /// `queued`, `running`, `done` or `failed`.
    pub status: String,
    /// What was asked of a replay.
    #[schema(required = false, value_type = Replay)]
    pub asked: (),
    /// What it did so far, by name.
    pub progress: BTreeMap<String, u64>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last worked on.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What may come in place of any answer.
#[derive(IntoResponses)]
pub enum Refused {
    /// The question is wrong; the message says what to write instead.
    #[response(status = 400)]
    Wrong(ErrorAnswer),
    /// A laptop is asked by a name that is not its own.
    #[response(status = 403)]
    Elsewhere(ErrorAnswer),
    /// There is nothing of this name; the message says what is known nearby.
    #[response(status = 404)]
    Unknown(ErrorAnswer),
    /// The table or the bucket is damaged, or refuses.
    #[response(status = 500)]
    Damaged(ErrorAnswer),
    /// Ask again.
    #[response(status = 503)]
    Unavailable(ErrorAnswer),
}

/// What may come in place of an answer of any length.
#[derive(IntoResponses)]
pub enum Large {
    /// The answer is larger than 4 MB, and lies for a minute where `location` says.
    #[response(status = 307)]
    Elsewhere(ErrorAnswer),
}
