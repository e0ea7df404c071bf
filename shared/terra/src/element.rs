//! One element of a data event: its identifier, its times, its delete mark and its scores.

use crate::ids::Identifier;
use crate::lenient;
use crate::time::date_as_sent;
use crate::types::DataType;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The most scores taken from one element; Terra documents fewer than twenty for any type.
pub const MAX_SCORES: usize = 40;
/// The longest score, in bytes of JSON, that is kept apart from its record.
pub const MAX_SCORE_BYTES: usize = 2_048;

/// An element of a data event that can be told from others of its user and type.
#[derive(Debug)]
pub struct Element<'a> {
    /// The element as sent, to the last digit and space.
    pub raw: &'a RawValue,
    /// Names the record among those of its user and type.
    pub identifier: Identifier<'a>,
    /// When it began, as sent.
    pub start_time: Option<Cow<'a, str>>,
    /// When it ended, as sent.
    pub end_time: Option<Cow<'a, str>>,
    /// Whether the element says that the record is to be deleted: an activity's `upload_type` 4, a health
    /// observation's `status` 3.
    pub deleted: bool,
    /// The enrichment scores that are not null, as sent.
    pub scores: Vec<Score<'a>>,
}

/// One value of `data_enrichment`: a scalar or an object of contributors.
///
/// Terra may send a score as null after it had a value, so each is kept on its own (Terra skill "coalesce enrichment
/// scores").
#[derive(Debug, Clone)]
pub struct Score<'a> {
    /// Its name: ASCII letters, digits and underscores.
    pub name: Cow<'a, str>,
    /// Its value as sent, never null.
    pub value: &'a RawValue,
}

/// Why an element cannot be kept as a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unidentified {
    /// It is not a JSON object, or names one member twice.
    NotAnObject,
    /// Nothing in it identifies it.
    NoIdentifier,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    data_enrichment: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::raw")]
    observation_data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    planned_workout_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    planned_date: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    report_date: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    summary_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    start_time: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    end_time: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::number")]
    upload_type: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Observation {
    #[serde(default, deserialize_with = "lenient::number")]
    status: Option<i64>,
}

/// Terra schema `UploadType`: marked for deletion. Sleep numbers its upload types otherwise, where 4 deletes nothing.
const UPLOAD_TYPE_DELETE: i64 = 4;
/// Terra schema `ObservationStatus`: entered in error.
const STATUS_ENTERED_IN_ERROR: i64 = 3;

impl<'a> Element<'a> {
    /// Reads an element of a data event of this type.
    pub fn read(data_type: DataType, raw: &'a RawValue) -> Result<Self, Unidentified> {
        let fields: Fields<'a> = lenient::as_struct(Some(raw)).ok_or(Unidentified::NotAnObject)?;
        let metadata: Metadata<'a> = lenient::as_struct(fields.metadata).unwrap_or_default();
        let identifier = identifier(data_type, &fields, &metadata).ok_or(Unidentified::NoIdentifier)?;
        let deleted = match data_type {
            DataType::Activity => metadata.upload_type == Some(UPLOAD_TYPE_DELETE),
            DataType::HealthObservation => {
                let observation: Observation = lenient::as_struct(fields.observation_data).unwrap_or_default();
                observation.status == Some(STATUS_ENTERED_IN_ERROR)
            }
            _ => false,
        };
        let scores = fields.data_enrichment.map(scores).unwrap_or_default();
        let start_time = metadata.start_time.or(match data_type {
            DataType::Hormone => fields.timestamp,
            DataType::PlannedWorkout => fields.planned_date,
            DataType::LabReport => fields.report_date,
            _ => None,
        });
        Ok(Self { raw, identifier, start_time, end_time: metadata.end_time, deleted, scores })
    }
}

/// The identifiers of Terra's data models, in the order in which they are tried (contract, section 7).
fn identifier<'a>(data_type: DataType, fields: &Fields<'a>, metadata: &Metadata<'a>) -> Option<Identifier<'a>> {
    let text = match data_type {
        DataType::Activity | DataType::HealthObservation => metadata.summary_id.clone(),
        DataType::Sleep => metadata.summary_id.clone().or_else(|| {
            let (start, end) = (metadata.start_time.as_deref()?, metadata.end_time.as_deref()?);
            Some(Cow::Owned(format!("{start}--{end}")))
        }),
        DataType::PlannedWorkout => {
            let of_schema = fields.planned_workout_id.clone();
            of_schema.or_else(|| metadata.id.clone()).or_else(|| metadata.summary_id.clone())
        }
        DataType::Body | DataType::Daily | DataType::Menstruation | DataType::Nutrition => {
            metadata.start_time.as_deref().and_then(date_as_sent).map(|date| Cow::Owned(date.to_owned()))
        }
        DataType::Hormone => fields.timestamp.clone(),
        DataType::Athlete => Some(Cow::Borrowed("athlete")),
        DataType::LabReport | DataType::LabReportFailure => fields.session_id.clone(),
    };
    text.and_then(Identifier::new)
}

/// The members of an object, in the order sent.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The scores of a `data_enrichment` object that can be kept on their own. A name given twice counts as its last.
pub fn scores(data_enrichment: &RawValue) -> Vec<Score<'_>> {
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(data_enrichment.get()) else { return Vec::new() };
    let mut kept: Vec<Score<'_>> = Vec::new();
    for (name, value) in members {
        let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || name.is_empty() || value.get() == "null" || value.get().len() > MAX_SCORE_BYTES {
            continue;
        }
        kept.retain(|score| score.name != name);
        if kept.len() < MAX_SCORES {
            kept.push(Score { name, value });
        }
    }
    kept
}

#[cfg(test)]
#[path = "element_tests.rs"]
mod tests;
