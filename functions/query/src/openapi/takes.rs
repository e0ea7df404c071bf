//! What paths take, as the document says it. A test asks for each of these, and for none else.

use crate::parameters::{DEFAULT_LIMIT, MAX_LIMIT};
use terrace_terra::DataType;
use utoipa::IntoParams;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};

/// Whose.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfUser {
    /// Terra's `user_id`.
    #[param(min_length = 1)]
    pub user_id: String,
}

/// Whose.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfReference {
    /// Your name for an end user: Terra's `reference_id`.
    #[param(min_length = 1)]
    pub reference_id: String,
}

/// Which record.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfRecord {
    /// Its type.
    #[param(rename = "type", schema_with = type_name)]
    pub data_type: String,
    /// Its identifier. One that a path cannot carry is read with `?id=` from the list.
    #[param(min_length = 1)]
    pub id: String,
}

/// Which delivery.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfDelivery {
    /// Its name, as the list and the webhook's answer give it.
    #[param(min_length = 1)]
    pub delivery: String,
}

/// Which job.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfJob {
    /// Its id, as the order's answer gave it.
    #[param(min_length = 1)]
    pub job: String,
}

/// How much of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many entries, at most.
    #[param(schema_with = limit)]
    pub limit: Option<usize>,
    /// Where to go on: `cursor` of the last answer. Good for the same question alone.
    pub cursor: Option<String>,
}

/// Which deliveries.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BetweenDays {
    /// From this day on, by UTC.
    #[param(format = Date)]
    pub from: Option<String>,
    /// Up to this day.
    #[param(format = Date)]
    pub to: Option<String>,
}

/// Which records.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRecords {
    /// Of these types; without it of all. Several may be written with commas too.
    #[param(rename = "type", schema_with = types)]
    pub data_type: Option<Vec<String>>,
    /// Of this identifier; not together with `from`, `to` or `updated_since`.
    pub id: Option<String>,
    /// From here on: a day of the record's own clock (`2026-07-01`), or an instant (RFC 3339).
    #[param(schema_with = day_or_moment)]
    pub from: Option<String>,
    /// Up to here, inclusive: a day or an instant.
    #[param(schema_with = day_or_moment)]
    pub to: Option<String>,
    /// Written at or after this time, deleted ones among them: an instant (RFC 3339), or milliseconds since 1970.
    #[param(schema_with = since)]
    pub updated_since: Option<String>,
    /// How much of each record.
    #[param(schema_with = detail)]
    pub detail: Option<String>,
}

/// What is known already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Known {
    /// The `ETag` of an answer that is held already.
    #[param(rename = "If-None-Match")]
    pub if_none_match: Option<String>,
}

/// Which type is missed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Missed {
    /// The type whose records are missed; without it any.
    #[param(rename = "type", schema_with = type_name)]
    pub data_type: Option<String>,
}

/// How Terra signs.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Signed {
    /// `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>`. Older deliveries call it `terra-signature`.
    #[param(rename = "X-Terra-Signature")]
    pub signature: String,
    /// The id of the delivery.
    #[param(rename = "X-Terra-Trace-Id")]
    pub trace_id: Option<String>,
    /// When Terra made what it sends, in milliseconds since 1970.
    #[param(rename = "X-Terra-Ordering-Timestamp")]
    pub ordering: Option<String>,
    /// What joins the deliveries that follow one request.
    #[param(rename = "Terra-Reference")]
    pub reference: Option<String>,
}

fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// The name of a type.
pub fn type_name() -> Object {
    one_of(DataType::ALL.iter().map(|data_type| data_type.name()))
}

fn types() -> Schema {
    ArrayBuilder::new().items(type_name()).build().into()
}

fn detail() -> Object {
    one_of(["summary", "full"])
}

fn limit() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()))
        .build()
}

fn text(pattern: &str, example: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples([example]).build()
}

fn day_or_moment() -> Object {
    text(r"^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$", "2026-07-01")
}

fn since() -> Object {
    text(r"^(\d+|\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))$", "2026-07-01T07:00:00Z")
}
