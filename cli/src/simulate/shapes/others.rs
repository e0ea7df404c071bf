//! Records that are neither of a day nor sessions: athlete, hormone, planned workout, health observation, lab report.

use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::people::Person;
use crate::simulate::random::{beyond_double, count, happens, measured, one_of, snowflake, uuid};
use crate::simulate::shapes::local;
use fastrand::Rng;
use jiff::civil::Date;

/// A profile.
pub fn athlete(rng: &mut Rng) -> Json {
    object([
        ("first_name", text(one_of(rng, &["Zoë", "Jürgen", "Aiko", "N'Dour", "Ana María"]))),
        ("last_name", text(one_of(rng, &["Ångström", "O\u{2019}Neill", "Smith", "ناصر"]))),
        ("sex", text(one_of(rng, &["male", "female", "other"]))),
        ("date_of_birth", text("1991-04-12")),
        ("age", count(rng, 18, 90)),
        ("city", text("Köln")),
        ("email", Json::Null),
        ("joined_provider", text("2021-03-04T00:00:00.000000+00:00")),
    ])
}

/// A hormone reading of a day.
pub fn hormone(rng: &mut Rng, person: &Person, date: Date) -> Json {
    object([
        ("timestamp", text(local(person, date, rng.u32(18_000..30_000)))),
        ("lh_mIU_per_ml", measured(rng, 0.0, 60.0)),
        ("e3g_ng_per_ml", measured(rng, 0.0, 500.0)),
        ("pdg_ug_per_ml", beyond_double(rng)),
        ("hcg_mIU_per_ml", Json::Null),
        ("fsh_mIU_per_ml", measured(rng, 0.0, 30.0)),
    ])
}

/// A workout planned for a day. Its id lies in one of the three places in which it was ever seen.
pub fn planned_workout(rng: &mut Rng, person: &Person, date: Date) -> Json {
    let mut planned = object([
        ("planned_date", text(date.to_string())),
        ("created_at", text(local(person, date, 3_600))),
        ("is_external", Json::Bool(happens(rng, 0.3))),
        ("provider_workout_id", text(rng.u32(..).to_string())),
    ]);
    let (id, place) = (snowflake(rng), rng.u8(0..4));
    match place {
        0 => planned.set("metadata", object([("id", text(id)), ("summary_id", text("not-this"))])),
        1 => planned.set("metadata", object([("summary_id", text(id))])),
        _ => planned.set("planned_workout_id", text(id)),
    }
    let step = |order: u8, rng: &mut Rng| {
        object([
            ("order", whole(order)),
            ("name", text(one_of(rng, &["Warm up", "Intervall", "Cool down"]))),
            ("durations", Json::List(vec![object([("seconds", measured(rng, 30.0, 900.0))])])),
            ("targets", Json::List(vec![object([("hr_bpm_low", count(rng, 90, 120)), ("hr_bpm_high", Json::Null)])])),
        ])
    };
    let steps = (0..rng.u8(1..4)).map(|order| step(order, rng)).collect();
    planned.set("details", object([("steps", Json::List(steps))]));
    planned.set("athlete_metrics", object([("ftp_watts", measured(rng, 120.0, 380.0))]));
    planned
}

/// A clinical observation of a day.
pub fn health_observation(rng: &mut Rng, person: &Person, date: Date) -> Json {
    let metadata = object([
        ("summary_id", text(uuid(rng))),
        ("start_time", text(local(person, date, rng.u32(20_000..80_000)))),
        ("end_time", Json::Null),
    ]);
    let code = object([("system", text("http://loinc.org")), ("code", text("8480-6"))]);
    let observation = object([
        ("observation_type", text(one_of(rng, &["blood_pressure_systolic", "body_temperature", "symptom"]))),
        ("status", whole(1)),
        ("codes", Json::List(vec![code])),
        ("value", object([("numeric", measured(rng, 30.0, 180.0)), ("units", text("mm[Hg]"))])),
        ("note", Json::Null),
    ]);
    object([("metadata", metadata), ("observation_data", observation)])
}

/// A lab report that was read.
pub fn lab_report(rng: &mut Rng, reference: &str, session: &str, date: Date) -> Json {
    let result = |name: &str, rng: &mut Rng| {
        object([
            ("source", object([("name", text(name)), ("value", text("14.20")), ("units", text("g/dL"))])),
            ("measurement", object([("type", text("numeric")), ("numeric", measured(rng, 0.0, 300.0))])),
            ("interpretation", object([("flag", text(one_of(rng, &["normal", "high", "low"]))), ("note", Json::Null)])),
        ])
    };
    let results: Vec<_> = ["Haemoglobin", "Ferritin", "β-Carotene"].iter().map(|name| result(name, rng)).collect();
    object([
        ("session_id", text(session)),
        ("reference_id", text(reference)),
        ("report_date", text(date.to_string())),
        ("report_locale", text("en-GB")),
        ("results_count", whole(results.len())),
        ("results", Json::List(results)),
        ("panels", Json::List(Vec::new())),
    ])
}

/// A lab report that could not be read.
pub fn lab_report_failure(reference: &str, session: &str) -> Json {
    let error = object([
        ("code", text("file_unreadable")),
        ("message", text("The uploaded file could not be read.")),
        ("retriable", Json::Bool(false)),
    ]);
    object([("session_id", text(session)), ("reference_id", text(reference)), ("error", error)])
}
