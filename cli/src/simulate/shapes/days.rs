//! Records of a day: daily, body, nutrition, menstruation.

use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::people::Person;
use crate::simulate::random::{beyond_double, count, happens, measured, one_of};
use crate::simulate::shapes::samples::{device, heart_rate_data, heart_rates};
use crate::simulate::shapes::{local, next_day};
use fastrand::Rng;
use jiff::civil::Date;

fn metadata(person: &Person, date: Date) -> Json {
    object([
        ("start_time", text(local(person, date, 0))),
        ("end_time", text(local(person, next_day(date), 0))),
        ("upload_type", whole(1)),
        ("timestamp_localization", whole(u8::from(!person.offset.is_empty()))),
    ])
}

/// Totals of a day, complete, with so many heart rates, one every `step` seconds.
pub fn daily(rng: &mut Rng, person: &Person, date: Date, step: u32, number: u32) -> Json {
    let samples = heart_rates(rng, person, date, 0, step, number);
    let distance = object([
        ("steps", count(rng, 900, 24_000)),
        ("distance_meters", measured(rng, 700.0, 21_000.0)),
        ("floors_climbed", count(rng, 0, 30)),
        ("swimming", object([("num_strokes", Json::Null), ("pool_length_meters", Json::Null)])),
    ]);
    let calories = object([
        ("total_burned_calories", measured(rng, 1_400.0, 4_200.0)),
        ("BMR_calories", measured(rng, 1_300.0, 1_900.0)),
        ("net_activity_calories", measured(rng, 50.0, 2_200.0)),
    ]);
    let durations = object([
        ("activity_seconds", count(rng, 0, 14_000)),
        ("rest_seconds", measured(rng, 20_000.0, 60_000.0)),
        ("standing_hours_count", Json::Null),
        ("low_intensity_seconds", count(rng, 0, 9_000)),
    ]);
    let stress = object([
        ("avg_stress_level", measured(rng, 5.0, 80.0)),
        ("max_stress_level", count(rng, 30, 100)),
        ("body_battery_samples", Json::List(Vec::new())),
    ]);
    object([
        ("metadata", metadata(person, date)),
        ("device_data", device(rng)),
        ("distance_data", distance),
        ("calories_data", calories),
        ("active_durations_data", durations),
        ("heart_rate_data", heart_rate_data(rng, samples)),
        ("stress_data", stress),
        ("oxygen_data", object([("avg_saturation_percentage", measured(rng, 91.0, 100.0))])),
        ("MET_data", object([("avg_level", beyond_double(rng))])),
    ])
}

/// Body measurements of a day.
pub fn body(rng: &mut Rng, person: &Person, date: Date) -> Json {
    let measurement = |hour: u32, rng: &mut Rng| {
        object([
            ("measurement_time", text(local(person, date, hour * 3_600 + rng.u32(0..3_600)))),
            ("weight_kg", measured(rng, 48.0, 118.0)),
            ("bodyfat_percentage", measured(rng, 8.0, 36.0)),
            ("BMI", measured(rng, 18.0, 34.0)),
            ("muscle_mass_g", beyond_double(rng)),
            ("water_percentage", Json::Null),
        ])
    };
    let measurements = (6..8 + rng.u32(0..3)).map(|hour| measurement(hour, rng)).collect();
    let glucose = object([
        ("day_avg_blood_glucose_mg_per_dL", measured(rng, 70.0, 150.0)),
        ("blood_glucose_samples", Json::List(Vec::new())),
    ]);
    object([
        ("metadata", metadata(person, date)),
        ("measurements_data", object([("measurements", Json::List(measurements))])),
        ("glucose_data", glucose),
        ("hydration_data", object([("day_total_water_consumption_ml", count(rng, 500, 4_000))])),
        ("temperature_data", object([("body_temperature_samples", Json::List(Vec::new()))])),
    ])
}

/// Nutrition of a day.
pub fn nutrition(rng: &mut Rng, person: &Person, date: Date) -> Json {
    let macros = |rng: &mut Rng| {
        object([
            ("calories", measured(rng, 120.0, 1_100.0)),
            ("protein_g", measured(rng, 2.0, 70.0)),
            ("carbohydrates_g", measured(rng, 5.0, 160.0)),
            ("fat_g", measured(rng, 1.0, 60.0)),
            ("sodium_mg", Json::Null),
        ])
    };
    let meal = |at: u8, rng: &mut Rng| {
        object([
            ("name", text(one_of(rng, &["Müsli", "Ramen 🍜", "Soup \"of the day\"", "Bread\nand butter"]))),
            ("type", whole(at)),
            ("timestamp", text(local(person, date, 25_200 + u32::from(at) * 16_000))),
            ("macros", macros(rng)),
        ])
    };
    let summary = object([("macros", macros(rng)), ("water_ml", count(rng, 0, 3_500))]);
    let meals = (0..rng.u8(1..5)).map(|at| meal(at, rng)).collect();
    object([
        ("metadata", metadata(person, date)),
        ("summary", summary),
        ("meals", Json::List(meals)),
        ("drink_samples", Json::List(Vec::new())),
    ])
}

/// Menstruation data of a day.
pub fn menstruation(rng: &mut Rng, person: &Person, date: Date) -> Json {
    let data = object([
        ("period_start_date", text(date.to_string())),
        ("day_in_cycle", count(rng, 1, 30)),
        ("period_length_days", count(rng, 3, 7)),
        ("cycle_length_days", count(rng, 25, 33)),
        ("current_phase", count(rng, 0, 4)),
        ("is_predicted_cycle", Json::Bool(happens(rng, 0.5))),
        ("last_updated_time", text(local(person, date, 30_000))),
    ]);
    object([("metadata", metadata(person, date)), ("menstruation_data", data)])
}
