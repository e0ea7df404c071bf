//! Connections over TLS for axum to serve.

use axum::serve::Listener;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take; whoever stops half-way holds nothing for longer.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

type Shaken = Option<(TlsStream<TcpStream>, SocketAddr)>;

/// Accepts connections, and shakes hands with several at once: a slow one does not hold up the others.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: FuturesUnordered<BoxFuture<'static, Shaken>>,
}

impl TlsListener {
    /// Over these connections, with this configuration.
    pub fn new(tcp: TcpListener, tls: Arc<ServerConfig>) -> Self {
        Self { tcp, acceptor: TlsAcceptor::from(tls), handshakes: FuturesUnordered::new() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, address) = Listener::accept(&mut self.tcp) => {
                    let handshake = timeout(HANDSHAKE_WITHIN, self.acceptor.accept(stream));
                    self.handshakes.push(Box::pin(async move {
                        // Whoever does not trust the certificate hangs up: no business of ours.
                        Some((handshake.await.ok()?.ok()?, address))
                    }));
                }
                Some(shaken) = self.handshakes.next() => {
                    if let Some(connection) = shaken {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
