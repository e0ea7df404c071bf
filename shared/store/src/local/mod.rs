//! The store on one machine: everything under one folder, everything on the disk before an answer.
//!
//! The rest of this crate does not know it is here. DynamoDB is answered for in process ([`Database`]), objects are
//! files ([`folder_objects`]) and jobs are files ([`FolderQueue`]). [`Watched`] puts failures between them and the code
//! under test, [`Meter`] counts what AWS would charge for.

mod answer;
mod database;
mod durable;
mod faults;
pub mod folder_objects;
mod folder_queue;
mod holdings;
mod item_size;
mod meter;
mod metered_objects;
mod queue_files;
mod schedule;

pub use database::{Database, client_over};
pub use faults::{Fault, Watched};
pub use folder_queue::{FolderQueue, MAX_ATTEMPTS, SetAside, Taken};
pub use holdings::{Held, Holdings};
pub use meter::{Asked, Meter};
