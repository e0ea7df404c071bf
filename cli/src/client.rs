//! Asking Terrace over HTTP.

use crate::error::CommandError;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// What may stand in a path segment as it is (RFC 3986: unreserved).
const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long an answer may take. The webhook answers within six seconds, a page of large records may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks one Terrace.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// A client for the Terrace at this URL. The URL of the webhook is understood too.
    ///
    /// # Errors
    ///
    /// When the text is no http or https URL.
    pub fn new(url: &str) -> Result<Self, CommandError> {
        let parsed = reqwest::Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"));
        if parsed.is_none_or(|parsed| parsed.query().is_some() || parsed.fragment().is_some()) {
            return Err(CommandError::Usage(format!("{url} is no URL; write one such as http://127.0.0.1:8787")));
        }
        let base = url.trim_end_matches('/').trim_end_matches("/webhook").trim_end_matches('/').to_owned();
        // Whichever provider came first stays; there is only one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(Duration::from_secs(5));
        let http = http.build().map_err(|cause| CommandError::Unreachable { url: base.clone(), cause })?;
        Ok(Self { http, base })
    }

    /// The URL it was made for.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The client below.
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
        if !query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            url.push('?');
            url.push_str(&query);
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
        Err(CommandError::Foreign { url: self.base.clone(), what: "its health is not ok".to_owned() })
    }

    /// The answer to a question, read as `T`.
    ///
    /// # Errors
    ///
    /// When nobody answers, the answer is an error, or it is no `T`.
    pub async fn json<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, CommandError> {
        let body = self.bytes(path, query).await?;
        serde_json::from_slice(&body)
            .map_err(|error| CommandError::Foreign { url: self.base.clone(), what: error.to_string() })
    }

    /// The answer to an order, which is accepted with 202.
    ///
    /// # Errors
    ///
    /// When nobody answers, or the answer is an error.
    pub async fn send(&self, method: Method, path: &[&str], body: Option<String>) -> Result<Bytes, CommandError> {
        let unreachable = |cause: reqwest::Error| CommandError::Unreachable { url: self.base.clone(), cause };
        let request = self.http.request(method, self.url(path, &[])?).body(body.unwrap_or_default());
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(refusal(response).await);
        }
        response.bytes().await.map_err(unreachable)
    }

    /// The answer to a question as it comes.
    ///
    /// # Errors
    ///
    /// When nobody answers, or the answer is an error.
    pub async fn bytes(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Bytes, CommandError> {
        let unreachable = |cause: reqwest::Error| CommandError::Unreachable { url: self.base.clone(), cause };
        let response = self.http.get(self.url(path, query)?).send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        response.bytes().await.map_err(unreachable)
    }
}

/// What an answer other than 200 says.
pub async fn refusal(response: Response) -> CommandError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        message: String,
    }
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    let said = serde_json::from_slice::<Refusal>(&body);
    let (code, message) = match said {
        Ok(said) => (said.error, said.message),
        Err(_) => {
            let reason = status.canonical_reason().unwrap_or("unknown").to_lowercase().replace(' ', "_");
            (reason, String::from_utf8_lossy(&body).chars().take(200).collect())
        }
    };
    CommandError::Refused { status: status.as_u16(), code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_reach_the_server_whole() {
        let client = Client::new("http://127.0.0.1:8787/").unwrap();
        let url =
            client.url(&["users", "a/b c%2F..#?ü", "records"], &[("id", "x/../y&z=1"), ("type", "sleep")]).unwrap();
        assert_eq!(
            url,
            "http://127.0.0.1:8787/users/a%2Fb%20c%252F..%23%3F%C3%BC/records?id=x%2F..%2Fy%26z%3D1&type=sleep"
        );
        assert_eq!(reqwest::Url::parse(&url).unwrap().as_str(), url, "nothing is normalised on the way");
        for cannot in ["", ".", ".."] {
            assert!(client.url(&["users", cannot], &[]).is_err());
        }
    }

    #[test]
    fn the_url_of_the_webhook_is_understood() {
        for url in ["https://x.example/a", "https://x.example/a/", "https://x.example/a/webhook"] {
            assert_eq!(Client::new(url).unwrap().base(), "https://x.example/a");
        }
        for wrong in ["127.0.0.1:8787", "ftp://x", "http://x/?a=1", ""] {
            assert_eq!(Client::new(wrong).unwrap_err().exit_status(), 2, "{wrong}");
        }
    }
}
