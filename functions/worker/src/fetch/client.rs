//! HTTPS clients that ask one question and follow nothing.

use super::error::{FetchError, FetchSetupError};
use super::names::NoPermittedAddress;
use reqwest::dns::Resolve;
use reqwest::{Certificate, Client, redirect, retry};
use std::error::Error;
use std::io;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to be made, from the name to the end of the TLS handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Whose certificates hold.
pub(super) enum Trust {
    /// Those of the authorities that the system trusts.
    System,
    /// Those under this certificate, and no others.
    Only(Certificate),
}

/// A client that connects to what `names` gives out.
///
/// No connection is kept: a sandbox sleeps for longer than any host waits, and so each attempt is judged anew. The
/// body is never decoded, even if another part of the program has reqwest built with the means for it.
pub(super) fn client(names: Arc<dyn Resolve>, trust: Trust) -> Result<Client, FetchSetupError> {
    // Whichever provider came first stays; there is only one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = Client::builder()
        .dns_resolver(names)
        .no_proxy()
        .https_only(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_WITHIN);
    let client = match trust {
        Trust::System => client,
        Trust::Only(certificate) => client.tls_certs_only([certificate]),
    };
    client.build().map_err(|_| FetchSetupError::Tls)
}

/// Reads the one certificate of a PEM text.
pub(super) fn certificate(pem: &str) -> Result<Certificate, FetchSetupError> {
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    match <[Certificate; 1]>::try_from(certificates) {
        Ok([certificate]) => Ok(certificate),
        Err(_) => Err(FetchSetupError::LocalCertificate),
    }
}

/// Why no answer came. Of the cause its kind alone is kept: its text has the URL.
pub(super) fn without_answer(error: &reqwest::Error) -> FetchError {
    for cause in causes(error) {
        if cause.is::<NoPermittedAddress>() {
            return FetchError::Address;
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref() {
            return FetchError::Certificate;
        }
    }
    if error.is_builder() {
        FetchError::BadUrl
    } else if error.is_timeout() {
        FetchError::Timeout
    } else if error.is_connect() {
        FetchError::Unreachable
    } else {
        FetchError::BrokenOff
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        let error = *error;
        // The source of an I/O error is that of the error it wraps, and leaves that one out.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
