//! The runner of jobs: one after the other, beside the port.

use crate::serve::laptop::Laptop;
use std::sync::Arc;
use std::time::Duration;
use terrace_ingest::Moment;
use terrace_store::queue::Job;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often what has expired is removed, as DynamoDB does by itself.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Works on jobs until told to stop; the one at work is finished first.
pub async fn run(laptop: Arc<Laptop>, mut stopped: watch::Receiver<bool>) {
    let mut sweep = interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => return,
            _ = sweep.tick() => {
                if let Err(error) = laptop.database.remove_expired().await {
                    laptop.telemetry.failure("remove expired items", &error);
                }
            }
            taken = laptop.queue.next() => match taken {
                Ok(taken) => work(&laptop, taken).await,
                Err(error) => {
                    laptop.telemetry.failure("take a job", &error);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn work(laptop: &Laptop, taken: terrace_store::local::Taken) {
    let settled = match taken.job() {
        Job::Apply { partition, log } => match laptop.ingest.apply_logged(partition, log, Moment::now()).await {
            Ok(_) => laptop.queue.done(taken).await,
            Err(error) => {
                laptop.telemetry.failure("apply a delivery", &error);
                laptop.queue.failed(taken).await.map(drop)
            }
        },
        // This version has nobody for them; they wait for one that has.
        Job::Rekey { .. } | Job::Erase { .. } => laptop.queue.park(taken).await,
    };
    if let Err(error) = settled {
        laptop.telemetry.failure("settle a job", &error);
    }
}
