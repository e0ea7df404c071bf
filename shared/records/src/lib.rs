//! What Terrace keeps, and the rules that decide between copies of it. Pure: no I/O, no clock.
//!
//! * [`version`]: the place of a copy in one total order; the greatest copy is kept.
//! * [`copy`]: a record as one delivery tells it, and what repeats within a delivery come to.
//! * [`decision`]: what becomes of a copy, given what is stored.
//! * [`scores`]: enrichment scores, each kept on its own, and their way back into a record.
//! * [`connection`]: what is known of a Terra user, as registers that any order of arrival leaves the same.
//! * [`key`]: where each of these lies in the table.
//! * [`scan`], [`coverage`], [`summary`]: one walk over a record's bytes, and what is learnt on it.

pub mod connection;
pub mod copy;
pub mod coverage;
pub mod decision;
pub mod key;
pub mod scan;
pub mod scores;
pub mod summary;
pub mod version;

pub use connection::{Connection, ConnectionUpdate, Register, Status};
pub use copy::{RecordCopy, Repeats};
pub use decision::Standing;
pub use key::{LogKey, Partition, RecordKey};
pub use version::{Emission, Version};
