//! Requests and answers, the same behind API Gateway and on a laptop.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Serialize;

/// The most that an answer may have, in bytes: Lambda hands back 6 MB, escaped and wrapped.
pub const MAX_ANSWER_BYTES: usize = 4 * 1_024 * 1_024;

/// A request, its path and query decoded once and otherwise as sent: nothing is normalised or collapsed.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The path, decoded.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as sent.
    pub body: Bytes,
}

impl Request {
    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// The content type of JSON.
pub const JSON: &str = "application/json";

impl Answer {
    /// An answer in JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::bytes(status, JSON, body),
            Err(_) => Self::error(500, "internal", "the answer could not be written; this is a defect"),
        }
    }

    /// An answer of these bytes.
    pub fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }

    /// An error: a code for programs, and a sentence on what to do.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        #[derive(Serialize)]
        struct Error<'a> {
            error: &'a str,
            message: &'a str,
        }
        let body = serde_json::to_vec(&Error { error: code, message }).unwrap_or_default();
        Self::bytes(status, JSON, body)
    }

    /// Not durable, send it again.
    pub fn unavailable() -> Self {
        Self::error(503, "unavailable", "nothing was promised: send the same request again").with("retry-after", "5")
    }

    /// There is nothing under this path.
    pub fn no_such_path() -> Self {
        Self::error(404, "not_found", "there is nothing under this path; the README lists what there is")
    }

    /// The path takes other methods.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        Self::error(405, "method_not_allowed", &format!("this path takes {allowed}")).with("allow", allowed)
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_json_with_a_code_and_a_word() {
        let answer = Answer::unavailable();
        assert_eq!((answer.status, answer.content_type), (503, JSON));
        assert_eq!(answer.headers, [("retry-after", "5".to_owned())]);
        let body = r#"{"error":"unavailable","message":"nothing was promised: send the same request again"}"#;
        assert_eq!(answer.body, body);
        assert_eq!(Answer::method_not_allowed("GET").headers, [("allow", "GET".to_owned())]);
    }
}
