//! The compiled `terrace serve` over real HTTP: what it keeps through a kill, what it refuses to start on, and what it
//! makes of requests that no polite client sends.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

mod served;
mod starting;
mod wire;
