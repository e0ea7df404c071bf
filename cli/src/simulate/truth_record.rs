//! The truth about one record: all its copies, and which of them counts.

use crate::simulate::json::Json;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Where a delivery's copies stand.
#[derive(Debug, Clone)]
pub struct Place {
    /// When they were emitted, in milliseconds since 1970; 0 if nothing says.
    pub emitted_ms: u64,
    /// 0 where the header said so; else the signature's `t`.
    pub signed_at: u64,
    /// Where they came from.
    pub provider: Option<String>,
}

/// A place among the copies of a record: emission, coverage, time of signature, digest.
type Order = (u64, u32, u64, u64);

/// A copy of a record.
#[derive(Debug, Clone)]
pub struct Copy {
    order: Order,
    /// The element as sent, a part of the body.
    element: Bytes,
    deleted: bool,
    provider: Option<String>,
}

/// A record that has to be read.
#[derive(Debug, Clone)]
pub struct ExpectedRecord {
    /// Its type.
    pub data_type: &'static str,
    /// Its identifier.
    pub id: String,
    /// When it began, as sent.
    pub start_time: Option<String>,
    /// When it ended, as sent.
    pub end_time: Option<String>,
    /// Where it came from.
    pub provider: Option<String>,
    /// What Terra sent of it, the newest scores in place.
    pub data: Json,
}

impl Copy {
    /// Reads an element of an event; `None` where nothing identifies it.
    pub fn read(
        event: &str,
        body: &Bytes,
        raw: &RawValue,
        place: &Place,
    ) -> serde_json::Result<Option<(&'static str, String, Self)>> {
        let element = Json::read(raw.get())?;
        let Some((data_type, id)) = identify::record(event, &element) else { return Ok(None) };
        let enrichment = element.get("data_enrichment").map_or(0, Json::leaves);
        let coverage = element.leaves() - enrichment;
        let digest = xxh3_64(raw.get().as_bytes());
        let is = |path: &[&str], mark: &str| matches!(element.at(path), Some(Json::Number(number)) if number == mark);
        let deleted = match data_type {
            "activity" => is(&["metadata", "upload_type"], "4"),
            "health_observation" => is(&["observation_data", "status"], "3"),
            _ => false,
        };
        let copy = Self {
            order: (place.emitted_ms, coverage, place.signed_at, digest),
            element: body.slice_ref(raw.get().as_bytes()),
            deleted,
            provider: place.provider.clone(),
        };
        Ok(Some((data_type, id, copy)))
    }

    fn json(&self) -> serde_json::Result<Json> {
        Json::read(&String::from_utf8_lossy(&self.element))
    }
}

impl ExpectedRecord {
    /// What has to be read of a record with these copies; `None` where the greatest says that it is no more.
    pub fn of(data_type: &'static str, id: &str, copies: &[&Copy]) -> serde_json::Result<Option<Self>> {
        let Some(greatest) = copies.iter().max_by_key(|copy| copy.order) else { return Ok(None) };
        if greatest.deleted {
            return Ok(None);
        }
        let mut data = greatest.json()?;
        // Each score has the value of the greatest copy that had one.
        let mut scores: BTreeMap<String, (Order, Json)> = BTreeMap::new();
        for copy in copies {
            for (name, value) in copy.json()?.get("data_enrichment").map(Json::members).unwrap_or_default() {
                if matches!(value, Json::Null) || scores.get(name).is_some_and(|(order, _)| *order >= copy.order) {
                    continue;
                }
                scores.insert(name.clone(), (copy.order, value.clone()));
            }
        }
        if !scores.is_empty() {
            if !matches!(data.get("data_enrichment"), Some(Json::Object(_))) {
                data.set("data_enrichment", Json::Object(Vec::new()));
            }
            for (name, (_, value)) in scores {
                data.set_in("data_enrichment", &name, value);
            }
        }
        let (start_time, end_time) = identify::times(data_type, &data);
        let (id, provider) = (id.to_owned(), greatest.provider.clone());
        Ok(Some(Self { data_type, id, start_time, end_time, provider, data }))
    }
}

/// What records are called.
pub mod identify {
    use super::Json;
    use bytes::Bytes;
    use serde::Deserialize;
    use serde_json::value::RawValue;
    use std::collections::HashMap;

    /// The elements of an event, as sent.
    pub fn elements<'b>(body: &'b Bytes, event: &str) -> serde_json::Result<Vec<&'b RawValue>> {
        #[derive(Deserialize)]
        struct Members<'b>(#[serde(borrow)] HashMap<String, &'b RawValue>);
        let Members(members) = serde_json::from_slice(body)?;
        let member = |name: &str| members.get(name).copied();
        Ok(match event {
            "lab_report" => vec![serde_json::from_slice(body)?],
            "athlete" => member("athlete").into_iter().collect(),
            "lab_report.completed" | "lab_report.failed" => member("data").into_iter().collect(),
            "activity" | "body" | "daily" | "health_observation" | "hormone" | "menstruation" | "nutrition"
            | "planned_workout" | "sleep" => match member("data") {
                Some(data) => serde_json::from_str(data.get())?,
                None => Vec::new(),
            },
            _ => Vec::new(),
        })
    }

    /// The type and the identifier of an element.
    pub fn record(event: &str, element: &Json) -> Option<(&'static str, String)> {
        let named = |path: &[&str]| element.at(path).and_then(Json::as_text).map(str::to_owned);
        let summary_id = || named(&["metadata", "summary_id"]);
        let day = || named(&["metadata", "start_time"]).map(|start| start.chars().take(10).collect::<String>());
        Some(match event {
            "activity" => ("activity", summary_id()?),
            "health_observation" => ("health_observation", summary_id()?),
            "sleep" => (
                "sleep",
                summary_id().or_else(|| {
                    Some(format!("{}--{}", named(&["metadata", "start_time"])?, named(&["metadata", "end_time"])?))
                })?,
            ),
            "planned_workout" => (
                "planned_workout",
                named(&["planned_workout_id"]).or_else(|| named(&["metadata", "id"])).or_else(summary_id)?,
            ),
            "body" => ("body", day()?),
            "daily" => ("daily", day()?),
            "menstruation" => ("menstruation", day()?),
            "nutrition" => ("nutrition", day()?),
            "hormone" => ("hormone", named(&["timestamp"])?),
            "athlete" => ("athlete", "athlete".to_owned()),
            "lab_report" | "lab_report.completed" => ("lab_report", named(&["session_id"])?),
            "lab_report.failed" => ("lab_report_failure", named(&["session_id"])?),
            _ => return None,
        })
    }

    /// When a record began and ended, as sent.
    pub fn times(data_type: &str, element: &Json) -> (Option<String>, Option<String>) {
        let named = |path: &[&str]| element.at(path).and_then(Json::as_text).map(str::to_owned);
        let start = match data_type {
            "hormone" => named(&["timestamp"]),
            "planned_workout" => named(&["planned_date"]),
            "lab_report" => named(&["report_date"]),
            _ => named(&["metadata", "start_time"]),
        };
        (start, named(&["metadata", "end_time"]))
    }
}
