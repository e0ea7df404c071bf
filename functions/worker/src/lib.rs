//! Jobs: the work that follows an answer.
//!
//! The worker takes its parts as arguments, so that the function, the laptop run and the tests run the very same one.
//! Every job may come twice, be interrupted at any point and be done again: what it did stays, and it finds the rest.
//!
//! * [`worker`]: one job, whatever it is; and [`batch`]: a message queue's batch of them.
//! * [`ping`]: fetches the body that a ping leads to, through [`fetch`], and takes it in.
//! * [`rekey`]: brings records under the id that goes on.
//! * [`erase`]: removes what is kept of somebody, and of whom else [`marks`] says.
//! * [`replay`]: applies deliveries from the log again.
//! * [`sweep`]: the daily round.

pub mod batch;
pub mod erase;
pub mod error;
pub mod fetch;
pub mod marks;
pub mod ping;
pub mod rekey;
pub mod replay;
mod room;
mod round;
pub mod sweep;
pub mod worker;

pub use error::WorkError;
pub use worker::{Worked, Worker};
