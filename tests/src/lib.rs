//! What the tests share: a whole Terrace in process, deliveries to post to it and orders to give, its lines as they were
//! written, a host that pings lead to, faults in the way, and what a naive reading of the promises says that it should
//! hold.

pub mod damage;
pub mod delivery;
pub mod erased;
pub mod events;
pub mod fake_terra;
pub mod gate;
pub mod hold;
pub mod host;
pub mod items;
pub mod killed;
pub mod model;
pub mod noise;
pub mod older;
pub mod orders;
pub mod sent;
pub mod support;
pub mod terrace;

pub use delivery::Delivery;
pub use fake_terra::FakeTerra;
pub use gate::{Gate, Side};
pub use hold::Hold;
pub use host::{ObjectHost, Reply};
pub use terrace::{Settled, Terrace};
