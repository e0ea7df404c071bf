//! The runners of jobs, beside the port: one for pings, one for everything else, and the daily round.

use crate::serve::laptop::Laptop;
use std::sync::Arc;
use std::time::Duration;
use terrace_store::StoreError;
use terrace_store::local::{FolderQueue, Taken};
use terrace_store::queue::{Job, JobQueue};
use terrace_worker::Worked;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often what has expired is removed, as DynamoDB does by itself.
const EXPIRE_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often the daily round goes.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a job may take at a time: as long as it may as a function.
const WORK_WITHIN: Duration = Duration::from_secs(14 * 60);

/// Works on the jobs of a queue until told to stop; the one at work is finished first.
pub async fn run(laptop: Arc<Laptop>, queue: FolderQueue, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => return,
            taken = queue.next() => match taken {
                Ok(taken) => work(&laptop, &queue, taken).await,
                Err(error) => {
                    laptop.telemetry.failure("take a job", &error);
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn work(laptop: &Laptop, queue: &FolderQueue, taken: Taken) {
    let settled = match laptop.worker.work(taken.job(), Instant::now() + WORK_WITHIN).await {
        Ok(Worked::Done | Worked::HandedOn | Worked::Lost(_)) => queue.done(taken).await,
        Err(_) => queue.failed(taken).await.map(drop),
    };
    if let Err(error) = settled {
        laptop.telemetry.failure("settle a job", &error);
    }
}

/// Keeps the hours: removes what has expired, and queues the daily round.
pub async fn keep_hours(laptop: Arc<Laptop>, mut stopped: watch::Receiver<bool>) {
    let every = |span| {
        let mut ticks = interval(span);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let (mut expire, mut sweep) = (every(EXPIRE_EVERY), every(SWEEP_EVERY));
    loop {
        let failed: Result<(), StoreError> = tokio::select! {
            biased;
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => return,
            _ = expire.tick() => laptop.database.remove_expired().await.map(drop),
            _ = sweep.tick() => laptop.jobs.send(&Job::Sweep { after: None }).await,
        };
        if let Err(error) = failed {
            laptop.telemetry.failure("keep the hours", &error);
        }
    }
}
