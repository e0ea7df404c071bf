//! From names to addresses: the second gate. A resolver of our own hands the client the addresses it connects to, so
//! that what was judged is what is connected to, however often the name's owner changes his mind.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::lookup_host;

/// Why a name leads nowhere though it has addresses: none of them may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address that may be connected to")]
pub(super) struct NoPermittedAddress;

/// Gives out those addresses alone that are permitted.
pub(super) struct Permitted {
    names: Arc<dyn Resolve>,
    is_permitted: fn(IpAddr) -> bool,
}

impl Permitted {
    pub(super) fn new(names: Arc<dyn Resolve>, is_permitted: fn(IpAddr) -> bool) -> Self {
        Self { names, is_permitted }
    }
}

impl Resolve for Permitted {
    fn resolve(&self, name: Name) -> Resolving {
        let is_permitted = self.is_permitted;
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let (permitted, others): (Vec<_>, Vec<_>) =
                resolving.await?.partition(|address| is_permitted(address.ip()));
            if permitted.is_empty() && !others.is_empty() {
                return Err(NoPermittedAddress.into());
            }
            let permitted: Addrs = Box::new(permitted.into_iter());
            Ok(permitted)
        })
    }
}

/// The names that the system knows.
pub(super) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 leaves the port to the URL.
            let addresses: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// This machine, whatever the name.
pub(super) struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, _: Name) -> Resolving {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let addresses: Addrs = Box::new(std::iter::once(address));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}
