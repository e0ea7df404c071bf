//! What a ping leads to: in Terra's ping mode a delivery is no data but a URL to fetch it from.

mod address;
mod hosts;
mod s3;

pub use address::is_public;
pub use hosts::{Hosts, HostsError};
