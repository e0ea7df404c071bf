//! The compiled `terrace` as a client: of a server that makes up what it answers, and of `terrace serve`.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

mod asking;
mod common;
mod export;
#[cfg(target_os = "linux")]
mod memory;
mod served;
