//! The place that pings lead to: bodies behind https on this machine alone.
//!
//! In ping mode Terra sends a URL, and the destination fetches the body from there. Here `terrace simulate` is the one who
//! hands out, and `terrace serve` the one who fetches. Both find the certificate in the folder of data: `serve` makes it
//! there when it starts, and trusts it for URLs of this machine and for no others.

mod identity;
mod listener;

pub use identity::{PingHostIdentity, ensure, find};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Response, StatusCode, Uri};
use bytes::Bytes;
use listener::TlsListener;
use rustls::crypto::ring;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How much chance is in a path, in bytes: whoever was not told it does not find it.
const SECRET_BYTES: usize = 24;

/// Why bodies cannot be handed out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PingHostError {
    /// A file of the certificate cannot be read or written.
    #[error("cannot use {}: {cause}; choose another folder with --data", path.display())]
    File {
        /// The file or its folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// What lies there is no certificate with its key.
    #[error("{} holds no certificate with its key: {cause}; delete it, `terrace serve` makes it anew", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// Why.
        cause: String,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// No port can be used.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
    /// This machine gives no random numbers.
    #[error("this machine gives no random numbers, and without them anybody could guess the URLs")]
    NoChance,
}

/// Hands out bodies until it is dropped.
#[derive(Debug)]
pub struct PingHost {
    port: u16,
    bodies: Arc<Bodies>,
    serving: AbortHandle,
}

/// What is handed out. `Debug` shows no path: whoever has one reads the body.
#[derive(Default)]
struct Bodies {
    by_path: Mutex<Shelf>,
    fetched: Notify,
}

#[derive(Default)]
struct Shelf {
    bodies: HashMap<String, Bytes>,
    /// The paths that nobody asked for yet.
    waiting: HashSet<String>,
}

impl PingHost {
    /// Listens on a free port of 127.0.0.1 under this certificate.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(identity: PingHostIdentity) -> Result<Self, PingHostError> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(PingHostError::Port)?;
        let port = tcp.local_addr().map_err(PingHostError::Port)?.port();
        let bodies = Arc::new(Bodies::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&bodies));
        let serving = axum::serve(TlsListener::new(tcp, identity.into_tls()), router);
        let serving = tokio::spawn(async move { serving.await }).abort_handle();
        Ok(Self { port, bodies, serving })
    }

    /// Puts up a body for as long as the host is there, and says under which URL.
    ///
    /// # Errors
    ///
    /// When the machine gives no random numbers.
    pub fn put_up(&self, body: Bytes) -> Result<String, PingHostError> {
        let mut secret = [0_u8; SECRET_BYTES];
        let random = ring::default_provider().secure_random;
        random.fill(&mut secret).map_err(|_| PingHostError::NoChance)?;
        let path: String = std::iter::once("/".to_owned()).chain(secret.map(|byte| format!("{byte:02x}"))).collect();
        let url = format!("https://127.0.0.1:{}{path}", self.port);
        let mut shelf = self.bodies.shelf();
        shelf.waiting.insert(path.clone());
        shelf.bodies.insert(path, body);
        Ok(url)
    }

    /// Waits until every body was asked for.
    pub async fn all_fetched(&self) {
        loop {
            let changed = self.bodies.fetched.notified();
            if self.bodies.shelf().waiting.is_empty() {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for PingHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bodies {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Nothing panics while it holds the shelf, and what lies on it is whole all the same.
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, path: &str) -> Option<Bytes> {
        let mut shelf = self.shelf();
        let body = shelf.bodies.get(path).cloned()?;
        if shelf.waiting.remove(path) {
            self.fetched.notify_waiters();
        }
        Some(body)
    }
}

impl std::fmt::Debug for Bodies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Bodies({})", self.shelf().bodies.len())
    }
}

async fn answer(State(bodies): State<Arc<Bodies>>, method: Method, uri: Uri) -> Response<Body> {
    let found = (method == Method::GET).then(|| bodies.get(uri.path())).flatten();
    let (status, body) = match found {
        Some(body) => (StatusCode::OK, body),
        None => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    // A body of known length: it goes out with `Content-Length`.
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
