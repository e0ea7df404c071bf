//! What is delivered: daily data after Terra's schema, made here, no two alike.

use fastrand::Rng;

/// How long a body should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodySize {
    /// As the table calls it.
    pub name: &'static str,
    /// In bytes; a body comes out at most a sample's length over it.
    pub bytes: usize,
}

/// A day's totals: most of what Terra sends.
pub const SMALL: BodySize = BodySize { name: "0.7 KB", bytes: 700 };
/// A day with a heart rate every half minute.
pub const MEDIUM: BodySize = BodySize { name: "300 KB", bytes: 300_000 };
/// A day with a heart rate every other second.
pub const LARGE: BodySize = BodySize { name: "4 MB", bytes: 4_000_000 };

/// How many users the deliveries are of.
const USERS: u64 = 20;

/// One daily delivery of about `size`, the `number`th: users take turns, and each one's next delivery is a newer copy
/// of the same day, as when a watch syncs again.
pub fn daily(size: BodySize, number: u64) -> String {
    let mut rng = Rng::with_seed(number);
    let user = number % USERS;
    let steps = 900 + number * 7;
    let (meters, burned) = (rng.u32(7_000..210_000), rng.u32(14_000..42_000));
    let (active, resting) = (rng.u32(600..14_000), rng.u32(42..65));
    let (meters, burned) = (f64::from(meters) / 10.0, f64::from(burned) / 10.0);
    let head = format!(
        concat!(
            r#"{{"type":"daily","version":"2022-03-16","user":{{"user_id":"0c3f2b1e-89e2-43ac-a5b8-{user:012x}","#,
            r#""provider":"GARMIN","last_webhook_update":"2026-07-01T09:12:33.891000+00:00","#,
            r#""scopes":"ACTIVITY_EXPORT,HEALTH_EXPORT","reference_id":"bench-user-{user}","active":true}},"#,
            r#""data":[{{"metadata":{{"start_time":"2026-07-01T00:00:00.000000+01:00","#,
            r#""end_time":"2026-07-02T00:00:00.000000+01:00","upload_type":1}},"#,
            r#""device_data":{{"name":"Fenix 8","serial_number":"{number:012x}"}},"#,
            r#""distance_data":{{"steps":{steps},"distance_meters":{meters}}},"#,
            r#""calories_data":{{"total_burned_calories":{burned}}},"#,
            r#""active_durations_data":{{"activity_seconds":{active}}},"#,
            r#""heart_rate_data":{{"summary":{{"resting_hr_bpm":{resting}}},"detailed":{{"hr_samples":["#,
        ),
        user = user,
        number = number,
        steps = steps,
        meters = meters,
        burned = burned,
        active = active,
        resting = resting,
    );
    let mut body = head;
    samples(&mut rng, &mut body, "2026-07-01", size.bytes.saturating_sub(TAIL.len()));
    body.push_str(TAIL);
    body
}

const TAIL: &str = "]}}}]}";

/// The longest sample with the comma before it, in bytes.
pub const SAMPLE: usize = 94;

/// Heart rates of a day until the body is as long as it should be: a walk, at times that are not quite even.
pub fn samples(rng: &mut Rng, body: &mut String, date: &str, bytes: usize) {
    let number = bytes.saturating_sub(body.len()).div_ceil(SAMPLE).max(1);
    let step = 86_400_000 / u64::try_from(number).unwrap_or(1).max(1);
    let (mut bpm, mut at_ms) = (70_i32, 0_u64);
    while body.len() + SAMPLE < bytes {
        bpm = (bpm + rng.i32(-4..5)).clamp(44, 188);
        at_ms += rng.u64(step / 2..=step + step / 2).max(1);
        let (seconds, micros) = (at_ms / 1_000 % 86_400, at_ms % 1_000 * 1_000);
        let comma = if body.ends_with('[') { "" } else { "," };
        body.push_str(&format!(
            concat!(
                r#"{comma}{{"timestamp":"{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}+01:00","bpm":{bpm},"#,
                r#""timer_duration_seconds":{whole}.{thousandths:03}}}"#,
            ),
            comma = comma,
            date = date,
            hour = seconds / 3_600,
            minute = seconds / 60 % 60,
            second = seconds % 60,
            micros = micros,
            bpm = bpm,
            whole = at_ms / 1_000,
            thousandths = at_ms % 1_000,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_length_asked_for_and_no_two_are_alike() {
        for size in [SMALL, MEDIUM, LARGE] {
            let (one, other) = (daily(size, 1), daily(size, 1 + USERS));
            assert!((size.bytes * 9 / 10..=size.bytes + 100).contains(&one.len()), "{}", one.len());
            assert_ne!(one, other);
            let (one, other): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(&one).unwrap(), serde_json::from_str(&other).unwrap());
            assert_eq!(one["user"]["user_id"], other["user"]["user_id"]);
        }
    }
}
