//! How fast Terra is asked.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Turns at an even pace, which whoever asks takes in order. When Terra asks to wait, everybody does.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// So many turns a second, at least one.
    pub(crate) fn per_second(turns: u32) -> Self {
        Self { every: Duration::from_secs(1) / turns.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits for a turn. A turn that is waited for and given up stays unused.
    pub(crate) async fn turn(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.every;
            turn
        };
        sleep_until(turn).await;
    }

    /// Nobody has a turn for so long, but for those who have one already.
    pub(crate) async fn hold(&self, wait: Duration) {
        let mut next = self.next.lock().await;
        *next = (*next).max(Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_even_and_a_hold_holds_everybody() {
        let (pace, began) = (Pace::per_second(10), Instant::now());
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed().as_millis(), 1_000);
        pace.hold(Duration::from_secs(7)).await;
        tokio::join!(pace.turn(), pace.turn());
        assert_eq!(began.elapsed().as_millis(), 8_100);
        tokio::time::advance(Duration::from_secs(60)).await;
        let later = Instant::now();
        pace.turn().await;
        assert_eq!(later.elapsed().as_millis(), 0, "no turn is waited for that nobody takes");
    }
}
