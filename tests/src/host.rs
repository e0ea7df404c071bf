//! A real https host of objects on this machine, which answers as it is told to, rightly or not.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a host says when it is asked for an object.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// The object.
    Body(Vec<u8>),
    /// This status, and an answer of its own.
    Status(u16),
    /// Go to this place.
    Redirect(String),
    /// Nothing, and the connection stays open.
    Stall,
    /// Nothing, and the connection is closed.
    Close,
    /// The beginning of the object, and then the connection is closed.
    Cut(Vec<u8>),
    /// The object without a word of its length, and then more and more of it.
    Endless,
}

/// What a host has and what it was asked for, by path.
#[derive(Default)]
struct Shelf {
    replies: HashMap<String, Vec<Reply>>,
    asked: HashMap<String, usize>,
}

/// A host on this machine, until it is dropped.
pub struct ObjectHost {
    address: SocketAddr,
    authority: String,
    shelf: Arc<Mutex<Shelf>>,
    serving: tokio::task::JoinHandle<()>,
}

impl fmt::Debug for ObjectHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectHost").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for ObjectHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn open(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::unwrap_used, reason = "a test fails where its host cannot be built")]
impl ObjectHost {
    /// A host at a free port, with nothing on it: what it does not have is a 404.
    pub async fn new() -> Self {
        let (config, authority) = certified();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Arc::<Mutex<Shelf>>::default();
        let (acceptor, shared) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&shelf));
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serve(stream, acceptor.clone(), Arc::clone(&shared));
                // A client that goes away in the middle is what half of the tests are about.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { address, authority, shelf, serving }
    }

    /// Puts an object there under a name, and says by which URL it is read. Of several replies each is given once, the
    /// last for good.
    pub fn put(&self, name: &str, replies: impl IntoIterator<Item = Reply>) -> String {
        let path = format!("/payloads/{name}?X-Amz-Signature=0a1b2c3d");
        open(&self.shelf).replies.insert(path.clone(), replies.into_iter().collect());
        format!("https://{}{path}", self.address)
    }

    /// How often an object was asked for.
    pub fn asked(&self, url: &str) -> usize {
        let path = url.split_once(&self.address.to_string()).map_or(url, |(_, path)| path);
        open(&self.shelf).asked.get(path).copied().unwrap_or(0)
    }

    /// The certificate of the authority that vouches for it, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What fetches from here.
    pub fn fetcher(&self, limits: FetchLimits) -> Fetcher {
        fetcher(&self.authority, limits)
    }
}

/// What fetches from a host that this authority vouches for.
#[expect(clippy::unwrap_used, reason = "a test fails where there is nothing to fetch with")]
pub fn fetcher(authority: &str, limits: FetchLimits) -> Fetcher {
    Fetcher::new(Hosts::default(), limits).trusting_local(authority).unwrap()
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shelf: Arc<Mutex<Shelf>>) -> io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let (mut path, mut line) = (None, String::new());
    while stream.read_line(&mut line).await? > 2 {
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
        line.clear();
    }
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} Whatever\r\n{more}\r\n\r\n").into_bytes();
    let answer = match reply(&shelf, path.unwrap_or_default()) {
        Reply::Body(body) => [head(200, &format!("content-length: {}", body.len())), body].concat(),
        Reply::Status(status) => [head(status, "content-length: 7"), b"{\"a\":1}".to_vec()].concat(),
        Reply::Redirect(place) => head(302, &format!("location: {place}\r\ncontent-length: 0")),
        Reply::Stall => std::future::pending().await,
        Reply::Close => return stream.shutdown().await,
        Reply::Cut(body) => [head(200, &format!("content-length: {}", body.len() + 1)), body].concat(),
        Reply::Endless => {
            stream.write_all(&head(200, "content-type: application/json")).await?;
            loop {
                stream.write_all(&[b' '; 4_096]).await?;
            }
        }
    };
    stream.write_all(&answer).await?;
    stream.flush().await?;
    stream.shutdown().await
}

fn reply(shelf: &Mutex<Shelf>, path: String) -> Reply {
    let mut shelf = open(shelf);
    let asked = shelf.asked.entry(path.clone()).or_default();
    *asked += 1;
    let at = *asked - 1;
    let replies = shelf.replies.get(&path).map(Vec::as_slice).unwrap_or_default();
    replies.get(at).or(replies.last()).cloned().unwrap_or(Reply::Status(404))
}

/// A server's certificate for this machine, and that of the authority that signed it.
#[expect(clippy::unwrap_used, reason = "a test fails where its host cannot be built")]
fn certified() -> (ServerConfig, String) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1", "localhost"].map(str::to_owned);
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    (config, authority.pem())
}
