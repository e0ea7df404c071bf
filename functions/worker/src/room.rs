//! Many deliveries at once: how many, and how many bytes of bodies are held in memory meanwhile.

use crate::error::WorkError;
use futures::stream::{Stream, TryStreamExt};
use std::ops::ControlFlow;
use terrace_store::LoggedDelivery;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// How many deliveries are at work at once.
pub(crate) const AT_ONCE: usize = 16;
/// How many bytes the bodies at work may have: as many as the largest one alone.
const BODIES: u32 = 256 * 1_024 * 1_024;

/// Room for bodies.
#[derive(Debug)]
pub(crate) struct Room(Semaphore);

impl Room {
    /// All of it.
    pub fn new() -> Self {
        Self(Semaphore::new(BODIES as usize))
    }

    /// Waits until there is room for the body of a delivery, which is held until what is given back goes.
    pub async fn hold(&self, logged: &LoggedDelivery) -> Option<SemaphorePermit<'_>> {
        let bytes = u32::try_from(logged.size).unwrap_or(BODIES).clamp(1, BODIES);
        // None where it is closed, which it never is.
        self.0.acquire_many(bytes).await.ok()
    }
}

/// What the next of many comes to; `Break` where a job that has done something had better hand on the rest: its time is over
/// while this one is at work, or the store is asked for more than it takes.
pub(crate) async fn next_of<T>(
    many: &mut (impl Stream<Item = Result<T, WorkError>> + Unpin),
    has_done_something: bool,
    due: Instant,
) -> Result<ControlFlow<(), Option<T>>, WorkError> {
    let next = many.try_next();
    let next = match has_done_something {
        true => match timeout_at(due, next).await {
            Ok(next) => next,
            Err(_) => return Ok(ControlFlow::Break(())),
        },
        false => next.await,
    };
    match next {
        Err(error) if has_done_something && error.is_transient() => Ok(ControlFlow::Break(())),
        next => next.map(ControlFlow::Continue),
    }
}
