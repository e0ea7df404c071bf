//! One attempt at what a ping leads to.

use super::address::is_public;
use super::body;
use super::client::{Trust, certificate, client, without_answer};
use super::error::{FetchError, FetchSetupError};
use super::hosts::Hosts;
use super::names::{Permitted, SystemNames, ThisMachine};
use super::url::{LocalHost, Target, check_url};
use bytes::Bytes;
use reqwest::dns::Resolve;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap};
use reqwest::{Client, Response};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// The coding that is none.
const IDENTITY: &str = "identity";

/// What one attempt may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The longest body taken, in bytes.
    pub max_bytes: usize,
    /// How long to wait for an answer to begin, and then for each further piece of it.
    pub stall: Duration,
}

impl Default for FetchLimits {
    /// 256 MiB, and ten seconds without a byte.
    fn default() -> Self {
        Self { max_bytes: 256 * 1_024 * 1_024, stall: Duration::from_secs(10) }
    }
}

/// Fetches what pings lead to.
pub struct Fetcher {
    hosts: Hosts,
    limits: FetchLimits,
    /// Made when it is first needed: the system's authorities are read from a file.
    public: OnceLock<Client>,
    local: Option<Client>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Fetcher");
        fields.field("hosts", &self.hosts).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Fetches from these hosts, within these limits. Costs nothing until the first attempt.
    pub fn new(hosts: Hosts, limits: FetchLimits) -> Self {
        Self { hosts, limits, public: OnceLock::new(), local: None }
    }

    /// Fetches from `https://127.0.0.1:<port>` and `https://localhost:<port>` as well, where the server shows a
    /// certificate under this one, given in PEM. For the laptop run and tests; nothing else is trusted there, and this
    /// certificate is trusted nowhere else.
    ///
    /// # Errors
    ///
    /// When the text is not one certificate.
    pub fn trusting_local(self, ca_certificate_pem: &str) -> Result<Self, FetchSetupError> {
        let trust = Trust::Only(certificate(ca_certificate_pem)?);
        let local = client(Arc::new(ThisMachine), trust).map_err(|_| FetchSetupError::LocalCertificate)?;
        Ok(Self { local: Some(local), ..self })
    }

    /// With this client in place of the one for public hosts.
    #[cfg(test)]
    pub(super) fn asking_through(self, public: Client) -> Self {
        Self { public: OnceLock::from(public), ..self }
    }

    /// What this URL leads to, in one attempt that ends at `due` at the latest.
    ///
    /// # Errors
    ///
    /// Whatever stands between; [`FetchError::is_transient`] says whether another attempt may bring it.
    pub async fn fetch(&self, url: &str, due: Instant) -> Result<Bytes, FetchError> {
        let local = if self.local.is_some() { LocalHost::Trusted } else { LocalHost::Refused };
        let target = check_url(url, &self.hosts, local)?;
        // A timeout that has passed lets its future start all the same.
        if due <= Instant::now() {
            return Err(FetchError::Timeout);
        }
        timeout_at(due, self.attempt(target)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn attempt(&self, target: Target) -> Result<Bytes, FetchError> {
        let client = self.client_for(&target)?;
        let asked = client.get(target.into_url()).header(ACCEPT_ENCODING, IDENTITY).send();
        let answer = timeout(self.limits.stall, asked).await.map_err(|_| FetchError::Timeout)?;
        let answer = answer.map_err(|error| without_answer(&error))?;
        judge(&answer)?;
        body::read(answer, self.limits.max_bytes, self.limits.stall).await
    }

    fn client_for(&self, target: &Target) -> Result<Client, FetchError> {
        if target.is_local() {
            return self.local.clone().ok_or(FetchError::Host);
        }
        if let Some(client) = self.public.get() {
            return Ok(client.clone());
        }
        let made = public_client(Arc::new(SystemNames), Trust::System)?;
        Ok(self.public.get_or_init(|| made).clone())
    }
}

/// A client that connects to no address but public ones.
pub(super) fn public_client(names: Arc<dyn Resolve>, trust: Trust) -> Result<Client, FetchSetupError> {
    client(Arc::new(Permitted::new(names, is_public)), trust)
}

/// Whether an answer, by what stands before its body, is what was asked for.
fn judge(answer: &Response) -> Result<(), FetchError> {
    FetchError::of_status(answer.status().as_u16())?;
    if is_encoded(answer.headers()) { Err(FetchError::Encoding) } else { Ok(()) }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let is_identity = |value: &str| value.is_empty() || value.eq_ignore_ascii_case(IDENTITY);
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.to_str().is_ok_and(|codings| codings.split(',').map(str::trim).all(is_identity)))
}
