//! What of a partition is on its way to another or to nowhere, and is not shown, however far the job is.

use terrace_records::erasure::made_ms;
use terrace_records::{Connection, Erasure, PartitionKind, Status};
use terrace_store::StoredRecord;

/// What of a partition is not shown.
#[derive(Debug, Clone, Copy)]
pub enum Hidden {
    /// Nothing is hidden.
    Nothing,
    /// All of it is on its way to another.
    All,
    /// What an erase takes.
    Erased(Erasure),
}

impl Hidden {
    /// What is hidden in the partition of this connection.
    pub fn of(connection: &Connection, kind: PartitionKind) -> Self {
        match connection.status() {
            Status::Replaced => Self::All,
            _ => connection.erasure(kind).map_or(Self::Nothing, Self::Erased),
        }
    }

    /// Whether a record made at this time is hidden, in milliseconds since 1970.
    pub fn hides(self, made_ms: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Erased(erasure) => erasure.takes(made_ms),
        }
    }
}

/// When the copy that is kept was made, in milliseconds since 1970.
pub fn made(record: &StoredRecord) -> u64 {
    made_ms(Some(record.key.data_type()), &record.version)
}
