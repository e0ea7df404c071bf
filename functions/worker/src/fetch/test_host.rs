//! A real https host for tests, which answers as it is told to, rightly or not.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What becomes of a connection after the answer was sent.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// It is closed as TLS has it.
    Close,
    /// It is dropped without a word.
    Drop,
    /// It stays open, and nothing comes any more.
    Stall,
    /// The last byte is sent again and again.
    Repeat,
}

/// What a host does.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Reads a request and answers.
    Answer(Vec<u8>, Then),
    /// Accepts a connection and never says a word.
    NoTls,
    /// Closes a connection before TLS.
    Hangup,
}

impl Behaviour {
    /// Answers with this head, its lines separated by `\n`, and this body.
    pub(super) fn answer(head: &str, body: &[u8], then: Then) -> Self {
        let head = head.replace('\n', "\r\n") + "\r\n\r\n";
        Self::Answer([head.as_bytes(), body].concat(), then)
    }

    /// Answers with this status alone.
    pub(super) fn status(status: u16) -> Self {
        Self::answer(&format!("HTTP/1.1 {status} Whatever\ncontent-length: 0"), b"", Then::Close)
    }
}

/// A host on this machine, until it is dropped.
pub(super) struct TestHost {
    pub(super) address: SocketAddr,
    /// The certificate of the authority that vouches for it, in PEM.
    pub(super) authority: String,
    /// A line for each connection, and then the request's lines.
    seen: mpsc::UnboundedReceiver<String>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TestHost {
    /// A host of these names, at a free port.
    pub(super) async fn new(names: &[&str], behaviour: Behaviour) -> Self {
        let (config, authority) = certified(names);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (see, seen) = mpsc::unbounded_channel();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                see.send("connected".to_owned()).unwrap();
                // A client that goes away in the middle is what half of the tests are about.
                let serving = serve(stream, acceptor.clone(), behaviour.clone(), see.clone());
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { address, authority, seen, serving }
    }

    /// A host that is this machine.
    pub(super) async fn local(behaviour: Behaviour) -> Self {
        Self::new(&["127.0.0.1", "localhost"], behaviour).await
    }

    /// A URL of it by its address.
    pub(super) fn url(&self) -> String {
        format!("https://{}/terra/payload?X-Amz-Signature=secret", self.address)
    }

    /// What it has seen so far.
    pub(super) fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    behaviour: Behaviour,
    see: mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let (answer, then) = match behaviour {
        Behaviour::Answer(answer, then) => (answer, then),
        Behaviour::NoTls => std::future::pending().await,
        Behaviour::Hangup => return stream.shutdown().await,
    };
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        see.send(line.trim_end().to_owned()).unwrap();
        line.clear();
    }
    stream.write_all(&answer).await?;
    stream.flush().await?;
    match then {
        Then::Close => stream.shutdown().await,
        Then::Drop => Ok(()),
        Then::Stall => std::future::pending().await,
        Then::Repeat => loop {
            stream.write_all(&[*answer.last().unwrap(); 4_096]).await?;
        },
    }
}

/// A server's certificate for these names, and that of the authority that signed it.
fn certified(names: &[&str]) -> (ServerConfig, String) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    (config, authority.pem())
}
