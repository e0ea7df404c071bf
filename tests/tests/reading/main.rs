//! What was kept is read back: in order, in pages that miss and repeat nothing, to the last digit, and to nobody but
//! the one who was asked for by name.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

mod any_question;
mod asked;
mod contents;
mod deliveries;
mod lists;
mod questions;
mod references;
