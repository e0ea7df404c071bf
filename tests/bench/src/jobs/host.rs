//! What a ping leads to: a host on this machine that hands out one body over https, to whoever asks.

use crate::error::{BenchError, Doing};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// A host of one body. It ends when dropped.
pub struct Host {
    address: SocketAddr,
    /// The certificate of the authority that vouches for it, in PEM.
    pub authority: String,
    serving: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
enum NoCertificate {
    #[error(transparent)]
    Made(#[from] rcgen::Error),
    #[error(transparent)]
    Used(#[from] rustls::Error),
    #[error("the key is none: {0}")]
    Key(&'static str),
}

impl Host {
    /// A host of this body at a free port.
    ///
    /// # Errors
    ///
    /// When there is no port, or no certificate can be made.
    pub async fn of(body: Bytes) -> Result<Self, BenchError> {
        let (config, authority) = certified().map_err(|error| BenchError::NoFigure(error.to_string()))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing("listen on the loopback")?;
        let address = listener.local_addr().doing("listen on the loopback")?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serve(stream, acceptor.clone(), body.clone());
                // The worker says what it did not get.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Ok(Self { address, authority, serving })
    }

    /// Where it hands the body out.
    pub fn url(&self) -> String {
        format!("https://{}/payload", self.address)
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, body: Bytes) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

/// A certificate for this machine, and that of the authority that signed it.
fn certified() -> Result<(ServerConfig, String), NoCertificate> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(NoCertificate::Key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok((config, authority.pem()))
}
