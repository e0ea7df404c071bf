//! Asking Terrace over HTTP: on this machine, or in the cloud with requests that IAM knows.

pub mod address;
pub mod signer;

use crate::client::address::{Address, is_local};
use crate::client::signer::Signer;
use crate::error::CommandError;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{DATE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// What may stand in a path or a query as it is (RFC 3986: unreserved). Signatures are of exactly this spelling.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long an answer may take. The webhook answers within six seconds, a page of large records may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// From how many seconds on a clock is so wrong that signatures do not hold.
const SKEW: i64 = 240;

/// Asks one Terrace.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    signer: Option<Arc<Signer>>,
}

impl Client {
    /// A client for the Terrace at this URL. The URL of the webhook is understood too.
    ///
    /// # Errors
    ///
    /// When the text is no http or https URL.
    pub fn new(url: &str) -> Result<Self, CommandError> {
        Self::at(&Address::of(url))
    }

    /// A client for the Terrace at this address, which signs what it asks where the address needs it.
    ///
    /// # Errors
    ///
    /// When the address has no http or https URL.
    pub fn at(address: &Address) -> Result<Self, CommandError> {
        let base = address.base()?;
        // Whichever provider came first stays; there is only one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(Duration::from_secs(5));
        // Redirects are followed by hand: what signs a request is for nobody else.
        let http = http.redirect(Policy::none()).build();
        let http = http.map_err(|cause| CommandError::Unreachable { url: base.clone(), cause })?;
        let signer = address.signing_region().map(|region| Signer::new(region, address.aws_profile.clone()));
        Ok(Self { http, base, signer: signer.map(Arc::new) })
    }

    /// The URL it was made for.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The client below, which signs nothing.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The URL of a path and parameters. A path cannot carry every text: `.` and `..` would be taken for steps.
    ///
    /// # Errors
    ///
    /// When a segment is one that a path cannot carry.
    pub fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String, CommandError> {
        let mut url = self.base.clone();
        for segment in path {
            if matches!(*segment, "" | "." | "..") {
                let message = format!("no path carries the name {segment:?}; a record is found with --id");
                return Err(CommandError::Usage(message));
            }
            url.push('/');
            url.extend(utf8_percent_encode(segment, &SEGMENT));
        }
        for (at, (name, value)) in query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, &SEGMENT));
            url.push('=');
            url.extend(utf8_percent_encode(value, &SEGMENT));
        }
        Ok(url)
    }

    /// Whether anybody is there.
    ///
    /// # Errors
    ///
    /// When nobody is, or the answer is none of Terrace's.
    pub async fn health(&self) -> Result<(), CommandError> {
        #[derive(Deserialize)]
        struct Health {
            status: String,
        }
        let health: Health = self.json(&["health"], &[]).await?;
        if health.status == "ok" {
            return Ok(());
        }
        Err(self.foreign("its health is not ok"))
    }

    /// The answer to a question, read as `T`.
    ///
    /// # Errors
    ///
    /// When nobody answers, the answer is an error, or it is no `T`.
    pub async fn json<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, CommandError> {
        let body = self.bytes(path, query).await?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(error))
    }

    /// The answer to an order, which is accepted with 202.
    ///
    /// # Errors
    ///
    /// When nobody answers, or the answer is an error.
    pub async fn send(&self, method: Method, path: &[&str], body: Option<String>) -> Result<Bytes, CommandError> {
        let request = self.http.request(method, self.url(path, &[])?).body(body.unwrap_or_default());
        let response = self.carry(request.build()).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(self.refused(response).await);
        }
        response.bytes().await.map_err(|cause| self.unreachable(cause))
    }

    /// The answer to a question as it comes.
    ///
    /// # Errors
    ///
    /// When nobody answers, or the answer is an error.
    pub async fn bytes(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Bytes, CommandError> {
        let mut response = self.carry(self.http.get(self.url(path, query)?).build()).await?;
        if response.status() == StatusCode::TEMPORARY_REDIRECT {
            // A large answer lies where location says, under a URL that is its own permission.
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let plain = !self.base.starts_with("https://");
            let safe = |location: &&str| location.starts_with("https://") || (plain && is_local(location));
            let location = location.filter(safe);
            let location = location.ok_or_else(|| self.foreign("a redirect that leads nowhere safe"))?;
            response = self.http.get(location).send().await.map_err(|cause| self.unreachable(cause))?;
        }
        if response.status() != StatusCode::OK {
            return Err(self.refused(response).await);
        }
        response.bytes().await.map_err(|cause| self.unreachable(cause))
    }

    /// Says that an answer is none of Terrace's.
    pub fn foreign(&self, what: impl ToString) -> CommandError {
        CommandError::Foreign { url: self.base.clone(), what: what.to_string() }
    }

    fn unreachable(&self, cause: reqwest::Error) -> CommandError {
        // A presigned URL is a permission, and is shown to nobody.
        CommandError::Unreachable { url: self.base.clone(), cause: cause.without_url() }
    }

    async fn carry(&self, request: reqwest::Result<Request>) -> Result<Response, CommandError> {
        let mut request = request.map_err(|cause| self.unreachable(cause))?;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).await?;
        }
        self.http.execute(request).await.map_err(|cause| self.unreachable(cause))
    }

    /// What an answer other than the one hoped for says; of a 403 also who asked, and what to look at.
    async fn refused(&self, response: Response) -> CommandError {
        let skew = skew(&response);
        let refused = refusal(response).await;
        let CommandError::Refused { status: 403, message, .. } = &refused else { return refused };
        let advice = match &self.signer {
            _ if is_local(&self.base) => return refused,
            None => "the request was not signed; name the API's region with --region (or `region` in the profile), so \
                     that it is"
                .to_owned(),
            Some(signer) => {
                let clock = skew.map(|skew| format!("this machine's clock is {skew} s off; ")).unwrap_or_default();
                format!(
                    "{clock}it was signed with {}. Check that these are the credentials you mean (`aws sts \
                     get-caller-identity`), that they may do execute-api:Invoke on this API, and that the region is \
                     the API's",
                    signer.identity().await
                )
            }
        };
        CommandError::Forbidden { url: self.base.clone(), message: message.clone(), advice }
    }
}

/// By how many seconds this machine's clock differs from the server's, where that is too much.
fn skew(response: &Response) -> Option<i64> {
    let date = response.headers().get(DATE)?.to_str().ok()?;
    let there = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let skew = jiff::Timestamp::now().as_second() - there.as_second();
    (skew.abs() > SKEW).then_some(skew)
}

/// What an answer other than 200 says.
pub async fn refusal(response: Response) -> CommandError {
    /// Terrace's own errors have both; the gateway's only a message.
    #[derive(Deserialize)]
    struct Refusal {
        error: Option<String>,
        #[serde(default, alias = "Message")]
        message: String,
    }
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    let reason = || status.canonical_reason().unwrap_or("unknown").to_lowercase().replace(' ', "_");
    let (code, message) = match serde_json::from_slice::<Refusal>(&body) {
        Ok(said) if said.error.is_some() || !said.message.is_empty() => {
            (said.error.unwrap_or_else(reason), said.message)
        }
        _ => (reason(), String::from_utf8_lossy(&body).chars().take(200).collect()),
    };
    CommandError::Refused { status: status.as_u16(), code, message, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_reach_the_server_whole() {
        let client = Client::new("http://127.0.0.1:8787/").unwrap();
        let query = [("id", "x/../y&z=1 +*~"), ("type", "sleep")];
        let url = client.url(&["users", "a/b c%2F..#?ü", "records"], &query).unwrap();
        assert_eq!(
            url,
            "http://127.0.0.1:8787/users/a%2Fb%20c%252F..%23%3F%C3%BC/records?id=x%2F..%2Fy%26z%3D1%20%2B%2A~&type=sleep"
        );
        assert_eq!(reqwest::Url::parse(&url).unwrap().as_str(), url, "nothing is normalised on the way");
        for cannot in ["", ".", ".."] {
            assert!(client.url(&["users", cannot], &[]).is_err());
        }
    }
}
