//! Samples over time.

use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::people::Person;
use crate::simulate::random::{count, measured};
use crate::simulate::shapes::local;
use fastrand::Rng;
use jiff::civil::Date;

/// Heart rates, one every `step` seconds.
pub fn heart_rates(rng: &mut Rng, person: &Person, date: Date, from: u32, step: u32, number: u32) -> Json {
    let sample = |at: u32| {
        object([
            ("timestamp", text(local(person, date, from + at * step))),
            ("bpm", whole(rng.u16(48..185))),
            ("timer_duration_seconds", whole(format!("{}.0", at * step))),
        ])
    };
    Json::List((0..number).map(sample).collect())
}

/// `heart_rate_data` with a summary and samples.
pub fn heart_rate_data(rng: &mut Rng, samples: Json) -> Json {
    let zone = |zone: u8, rng: &mut Rng| {
        object([
            ("zone", whole(zone)),
            ("start_percentage", whole(f64::from(zone) * 20.0)),
            ("duration_seconds", measured(rng, 0.0, 3_600.0)),
            ("name", Json::Null),
        ])
    };
    let summary = object([
        ("avg_hr_bpm", measured(rng, 55.0, 150.0)),
        ("max_hr_bpm", count(rng, 120, 195)),
        ("min_hr_bpm", count(rng, 40, 60)),
        ("resting_hr_bpm", count(rng, 42, 65)),
        ("avg_hrv_rmssd", measured(rng, 18.0, 110.0)),
        ("avg_hrv_sdnn", Json::Null),
        ("hr_zone_data", Json::List((0..5).map(|at| zone(at, rng)).collect())),
    ]);
    object([("summary", summary), ("detailed", object([("hr_samples", samples)]))])
}

/// A device, with a name that needs more than ASCII.
pub fn device(rng: &mut Rng) -> Json {
    let name = ["Fenix 8", "Charge 6", "Ring 4 – größer", "脈拍計", "Polar H10 ❤"];
    object([
        ("name", text(*rng.choice(&name).unwrap_or(&"Fenix 8"))),
        ("serial_number", text(format!("{:012x}", rng.u64(..1 << 48)))),
        ("software_version", Json::Null),
        ("activation_timestamp", Json::Null),
        ("other_devices", Json::List(Vec::new())),
    ])
}
