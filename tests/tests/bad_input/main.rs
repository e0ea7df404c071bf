//! Signed, and yet not as it should be: it is acknowledged, it is in the log byte for byte, it is marked, and its good
//! neighbours are stored.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

mod anything;
mod bodies;
mod fields;
mod kept;
mod names;
