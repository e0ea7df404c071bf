//! Records with a beginning and an end: activity and sleep.

use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::people::Person;
use crate::simulate::random::{beyond_double, count, happens, measured, one_of, uuid};
use crate::simulate::shapes::local;
use crate::simulate::shapes::samples::{device, heart_rate_data, heart_rates};
use fastrand::Rng;
use jiff::civil::Date;

/// An activity of a day, complete, with so many heart rates.
pub fn activity(rng: &mut Rng, person: &Person, date: Date, samples: u32) -> Json {
    let from = rng.u32(18_000..70_000);
    let lasts = rng.u32(600..9_000);
    let metadata = object([
        ("name", text(one_of(rng, &["Morning Run", "Radtour – Fluß", "Swim", "散歩", "Intervals 4×1\u{a0}km"]))),
        ("summary_id", text(summary_id(rng))),
        ("start_time", text(local(person, date, from))),
        ("end_time", text(local(person, date, from + lasts))),
        ("type", count(rng, 0, 140)),
        ("upload_type", whole(1)),
    ]);
    let samples = heart_rates(rng, person, date, from, 1, samples);
    let distance = object([
        ("distance_meters", measured(rng, 300.0, 42_195.0)),
        ("steps", count(rng, 300, 50_000)),
        ("elevation", object([("gain_actual_meters", measured(rng, 0.0, 900.0)), ("loss_actual_meters", Json::Null)])),
    ]);
    let position = object([
        ("start_pos_lat_lng_deg", Json::List(vec![measured(rng, -90.0, 90.0), measured(rng, -180.0, 180.0)])),
        ("center_pos_lat_lng_deg", Json::Null),
    ]);
    object([
        ("metadata", metadata),
        ("device_data", device(rng)),
        ("distance_data", object([("summary", distance)])),
        ("calories_data", object([("total_burned_calories", measured(rng, 40.0, 2_500.0))])),
        ("heart_rate_data", heart_rate_data(rng, samples)),
        ("position_data", position),
        ("power_data", object([("avg_watts", Json::Null), ("max_watts", beyond_double(rng))])),
        ("movement_data", object([("avg_speed_meters_per_second", measured(rng, 0.5, 12.0))])),
        ("active_durations_data", object([("activity_seconds", whole(lasts))])),
    ])
}

/// An identifier: a UUID nearly always, else something that no path or key should stumble over.
fn summary_id(rng: &mut Rng) -> String {
    let usual = uuid(rng);
    if !happens(rng, 0.06) {
        return usual;
    }
    match rng.u8(0..5) {
        0 => format!("runs/2026/../{usual}?detail=full#1"),
        1 => format!("{usual} with spaces, %2F and ü"),
        2 => format!("sha256:{usual}"),
        3 => format!("{usual}-{}", "long".repeat(250)),
        _ => format!("..{usual}"),
    }
}

/// The sleep of the night that ends on a day; a nap where `nap`.
pub fn sleep(rng: &mut Rng, person: &Person, date: Date, nap: bool) -> Json {
    let from = if nap { rng.u32(46_000..56_000) } else { rng.u32(600..7_000) };
    let lasts = if nap { rng.u32(900..4_000) } else { rng.u32(18_000..31_000) };
    let mut metadata = object([
        ("start_time", text(local(person, date, from))),
        ("end_time", text(local(person, date, from + lasts))),
        ("is_nap", Json::Bool(nap)),
        ("upload_type", whole(3)),
    ]);
    // Some providers give sleeps no id of their own; those are told apart by start and end.
    match rng.u8(0..10) {
        0 => {}
        1 => metadata.set("summary_id", Json::Null),
        _ => metadata.set("summary_id", text(summary_id(rng))),
    }
    let asleep = object([
        ("duration_asleep_state_seconds", whole(lasts)),
        ("duration_deep_sleep_state_seconds", count(rng, 1_000, 8_000)),
        ("duration_REM_sleep_state_seconds", measured(rng, 1_000.0, 8_000.0)),
        ("num_REM_events", count(rng, 0, 7)),
    ]);
    let level = |at: u32, rng: &mut Rng| {
        object([("timestamp", text(local(person, date, from + at * 300))), ("level", whole(rng.u8(0..7)))])
    };
    let hypnogram = Json::List((0..lasts / 600).map(|at| level(at, rng)).collect());
    let durations = object([
        ("asleep", asleep),
        ("awake", object([("duration_awake_state_seconds", count(rng, 0, 4_000)), ("num_wakeup_events", Json::Null)])),
        ("hypnogram_samples", hypnogram),
        ("sleep_efficiency", measured(rng, 60.0, 100.0)),
    ]);
    let breaths = object([("avg_breaths_per_min", measured(rng, 9.0, 20.0)), ("samples", Json::List(Vec::new()))]);
    let samples = heart_rates(rng, person, date, from, 300, lasts / 1_200);
    object([
        ("metadata", metadata),
        ("sleep_durations_data", durations),
        ("heart_rate_data", heart_rate_data(rng, samples)),
        ("respiration_data", object([("breaths_data", breaths)])),
        ("readiness_data", object([("readiness", measured(rng, 20.0, 100.0)), ("recovery_level", Json::Null)])),
        ("temperature_data", object([("delta", measured(rng, -1.0, 1.0))])),
    ])
}
