//! What a ping leads to: in Terra's ping mode a delivery is no data but a URL to fetch it from.
//!
//! The URL came in a signed body and is treated as hostile all the same: whoever can make Terra send a URL must not be
//! able to make this function ask anything of the network it runs in. Two gates stand one behind the other.
//! [`check_url`] lets only https to a host on a list pass; and the names of these hosts are resolved by a resolver of
//! our own, which gives out none but public addresses ([`is_public`]), to the very connection that is made. No redirect
//! is followed, no proxy asked.
//!
//! No text here, and no `Debug`, tells a URL, a host or what a host said: a signed URL is a key.

mod address;
mod body;
mod client;
mod error;
mod fetcher;
mod hosts;
mod names;
mod s3;
mod url;

#[cfg(test)]
mod fetcher_tests;
#[cfg(test)]
mod test_host;

pub use address::is_public;
pub use error::{FetchError, FetchSetupError};
pub use fetcher::{FetchLimits, Fetcher};
pub use hosts::{Hosts, HostsError};
pub use url::{LocalHost, Target, check_url};
