//! What Terrace keeps, and the rules that decide between copies of it. Pure: no I/O, no clock.
//!
//! * [`version`]: the place of a copy in one total order; the greatest copy is kept.
//! * [`copy`]: a record as one delivery tells it, and what repeats within a delivery come to.
//! * [`decision`]: what becomes of a copy, given what is stored.
//! * [`scores`]: enrichment scores, each kept on its own, and their way back into a record.
//! * [`connection`]: what is known of a Terra user, as registers that any order of arrival leaves the same.
//! * [`erasure`]: what an erase takes.
//! * [`retention`]: what is done with the data of somebody who left.
//! * [`request`]: large requests, whose chunks are counted.
//! * [`key`]: where each of these lies in the table.
//! * [`scan`], [`coverage`], [`summary`]: one walk over a record's bytes, and what is learnt on it.

pub mod connection;
pub mod copy;
pub mod coverage;
pub mod decision;
pub mod erasure;
pub mod key;
pub mod request;
pub mod retention;
pub mod scan;
pub mod scores;
pub mod summary;
pub mod version;

pub use connection::{Connection, ConnectionUpdate, Register, Status};
pub use copy::{RecordCopy, Repeats};
pub use decision::Standing;
pub use erasure::Erasure;
pub use key::{LogKey, Partition, PartitionKind, RecordKey};
pub use request::{Request, RequestUpdate};
pub use retention::Retention;
pub use version::{Emission, Version};
