//! From a verified delivery to the log, the view and jobs; the same for a webhook, a job and a laptop.
//!
//! * [`plan`]: what a delivery asks for. Pure.
//! * [`tiers`]: how its body is packed, and where each record of it lies.
//! * [`receive`]: the order of writes: log, records, connection, job; and what is answered.
//! * [`apply`]: the records and the connections of a plan.
//! * [`again`]: deliveries from the log, once more.
//! * [`receipt`]: what came of it.

pub mod again;
pub mod apply;
pub mod error;
pub mod plan;
pub mod receipt;
pub mod receive;
pub mod tiers;

pub use again::Again;
pub use error::IngestError;
pub use receipt::{Counts, Receipt, Status};
pub use receive::{Fetched, Ingest, Moment, Policy, day};
