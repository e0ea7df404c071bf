//! Where Terrace keeps things: the view, the log, the job queue and the signing secrets.
//!
//! Everything that is asked of AWS is asked here, and nobody else names an AWS type. The same code runs on a laptop,
//! where the feature `local` answers for DynamoDB in process and a folder stands in for S3.
//!
//! - [`Table`] applies copies of records and updates of connections to the view, and reads it.
//! - [`Log`] keeps deliveries, before they are acted on, in the tier that is cheaper for their size.
//! - [`Objects`] are the larger tier's, built when first needed.
//! - [`Secrets`] know how fresh they have to be.

mod batch;
pub mod clients;
pub mod connections;
pub mod copies;
mod deliveries;
pub mod erasing;
pub mod error;
pub mod frames;
mod item;
pub mod jobs;
pub mod kept;
pub mod ledger;
pub mod listed;
#[cfg(feature = "local")]
pub mod local;
pub mod log;
pub mod mending;
pub mod moving;
pub mod newest;
pub mod objects;
pub mod parameter;
pub mod queue;
pub mod reader;
pub mod receipts;
pub mod requests;
pub mod rounds;
mod s3_connector;
pub mod schema;
pub mod secrets;
pub mod successor;
mod table;
pub mod view;
pub mod view_items;

pub use batch::Freshness;
pub use connections::StoredConnection;
pub use copies::CopyOf;
pub use deliveries::Deliveries;
pub use error::StoreError;
pub use jobs::{JobId, JobItem, JobState, Progress, Replay};
pub use kept::KeptParameter;
pub use listed::{DamagedRecord, Listed};
pub use log::{Log, LogBody, LogEntry, LoggedDelivery};
pub use objects::Objects;
pub use queue::{Job, JobQueue, Queues, Subject};
pub use reader::{Days, Page, Position, StoredRecord};
pub use secrets::{SecretSource, Secrets};
pub use successor::Successor;
pub use table::{Bookmark, Table};
pub use view::{Applied, Provenance, RecordBody, Source};
