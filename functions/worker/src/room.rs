//! Many deliveries at once: how many, and how many bytes of bodies are held in memory meanwhile.

use terrace_store::LoggedDelivery;
use tokio::sync::{Semaphore, SemaphorePermit};

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
