//! What the tests share: a whole Terrace in process, deliveries to post to it, and its lines as they were written.

pub mod delivery;
pub mod terrace;

pub use delivery::Delivery;
pub use terrace::{Settled, Terrace};
