//! Mistakes that receivers of Terra's deliveries were seen to make, each with a test that it is not made here.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

mod handling;
mod repeats;
mod told;
