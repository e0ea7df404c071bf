//! What the tests share: a whole Terrace in process, deliveries to post to it, its lines as they were written, faults
//! in its way, and what a naive reading of the promises says that it should hold.

pub mod delivery;
pub mod gate;
pub mod items;
pub mod model;
pub mod sent;
pub mod terrace;

pub use delivery::Delivery;
pub use gate::{Gate, Side};
pub use terrace::{Settled, Terrace};
