//! When Terra sends again what was not taken.

use clap::ValueEnum;
use reqwest::StatusCode;
use std::time::Duration;

/// How long Terra waits for an answer. Terra page: ack-fast-process-async-timeout.
const TERRAS_PATIENCE: Duration = Duration::from_secs(8);
const MINUTE: u64 = 60;
/// The waits of Terra's former schedule: 5 and 30 minutes, 1, 2 and 4 hours are Terra's (page
/// retry-policy-and-redelivery); of the rest it says that about eight retries take a little over 24 hours.
const FORMER: [u64; 8] = [
    5 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    2 * 60 * MINUTE,
    4 * 60 * MINUTE,
    5 * 60 * MINUTE,
    6 * 60 * MINUTE,
    6 * 60 * MINUTE,
];
/// Terra's present schedule: so many retries, the first after 30 s, each wait twice the one before.
const CURRENT: (u32, Duration) = (10, Duration::from_secs(30));
/// A schedule that nobody has to wait for.
const QUICK: (u32, Duration, Duration) = (7, Duration::from_millis(100), Duration::from_secs(3));

/// A schedule of retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schedule {
    /// Up to 7 retries, from 0.1 s to 3 s apart, of 503 and 429.
    Quick,
    /// Terra's present one: 10 retries in 8.5 hours, of every answer from 400 and of none within 8 s.
    Current,
    /// Terra's former one: 8 retries in 24.6 hours, of every answer from 500 and of none within 8 s.
    Former,
}

/// A schedule, and how fast time passes in it.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    schedule: Schedule,
    /// How many times faster than Terra's the waits pass.
    speed: u32,
}

impl Retries {
    /// Of this schedule, so many times faster than Terra keeps it.
    pub fn new(schedule: Schedule, speed: u32) -> Self {
        Self { schedule, speed: speed.max(1) }
    }

    /// What is waited before a retry, the first of which is 0; `None` where there is none any more.
    pub fn wait(&self, retry: u32) -> Option<Duration> {
        let doubled = |first: Duration| first.saturating_mul(2_u32.saturating_pow(retry));
        let terras = match self.schedule {
            Schedule::Quick => {
                let (most, first, longest) = QUICK;
                return (retry < most).then(|| doubled(first).min(longest));
            }
            Schedule::Current => (retry < CURRENT.0).then(|| doubled(CURRENT.1)),
            Schedule::Former => FORMER.get(retry as usize).map(|seconds| Duration::from_secs(*seconds)),
        };
        terras.map(|wait| wait / self.speed)
    }

    /// How long an answer may take; `None` where that is the client's to say.
    pub fn patience(&self) -> Option<Duration> {
        (self.schedule != Schedule::Quick).then_some(TERRAS_PATIENCE)
    }

    /// Whether an answer of this status is one after which the delivery is sent again.
    pub fn follow(&self, status: StatusCode) -> bool {
        match self.schedule {
            Schedule::Quick => matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS),
            Schedule::Current => status.as_u16() >= 400,
            Schedule::Former => status.as_u16() >= 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(schedule: Schedule, speed: u32) -> Vec<Duration> {
        let retries = Retries::new(schedule, speed);
        (0..).map_while(|retry| retries.wait(retry)).collect()
    }

    #[test]
    fn schedules_last_as_long_as_terras() {
        let current = waits(Schedule::Current, 1);
        assert_eq!((current.len(), current.iter().sum()), (10, Duration::from_secs(30_690)));
        let former = waits(Schedule::Former, 1);
        let sum: Duration = former.iter().sum();
        assert!(former.len() == 8 && sum > Duration::from_secs(24 * 3_600) && sum < Duration::from_secs(25 * 3_600));
        assert_eq!(waits(Schedule::Quick, 1), waits(Schedule::Quick, 1_000), "nobody waits for it anyway");
        let fast: Duration = waits(Schedule::Current, 3_600).iter().sum();
        assert!(fast < Duration::from_secs(9) && fast > Duration::from_secs(8), "{fast:?}");
        assert_eq!(waits(Schedule::Current, 0), current);
    }

    #[test]
    fn what_is_sent_again_is_as_the_schedule_says() {
        let again = |schedule, status: u16| Retries::new(schedule, 1).follow(StatusCode::from_u16(status).unwrap());
        for (status, quick, current, former) in [
            (200, false, false, false),
            (401, false, true, false),
            (413, false, true, false),
            (429, true, true, false),
            (500, false, true, true),
            (503, true, true, true),
        ] {
            let got = [Schedule::Quick, Schedule::Current, Schedule::Former].map(|schedule| again(schedule, status));
            assert_eq!(got, [quick, current, former], "{status}");
        }
    }
}
