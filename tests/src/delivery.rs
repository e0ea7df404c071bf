//! Deliveries as Terra would send them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use terrace_runtime::http::Request;
use terrace_terra::signature::{SigningSecret, sign};
use terrace_terra::{UnixSeconds, headers};

/// What test deliveries are signed with.
pub const SECRET: &str = "a-secret-of-the-tests";

/// A delivery under construction.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The body.
    pub body: Bytes,
    /// The signature's `t`; the present second unless set.
    pub signed_at: u64,
    /// The trace id.
    pub trace_id: Option<String>,
    /// The ordering header, as text so that it may be odd.
    pub ordering: Option<String>,
    /// The reference header.
    pub reference: Option<String>,
    /// The signature header in place of a true one.
    pub signature: Option<Option<String>>,
}

impl Delivery {
    /// A delivery of this body, signed now, without headers of use.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let signed_at = UnixSeconds::now().0;
        Self { body: body.into(), signed_at, trace_id: None, ordering: None, reference: None, signature: None }
    }

    /// Under this trace id.
    #[must_use]
    pub fn trace(mut self, id: &str) -> Self {
        self.trace_id = Some(id.to_owned());
        self
    }

    /// With this ordering header, in milliseconds.
    #[must_use]
    pub fn ordered(mut self, millis: u64) -> Self {
        self.ordering = Some(millis.to_string());
        self
    }

    /// With this reference header.
    #[must_use]
    pub fn referring(mut self, reference: &str) -> Self {
        self.reference = Some(reference.to_owned());
        self
    }

    /// Signed at this second.
    #[must_use]
    pub fn signed(mut self, seconds: u64) -> Self {
        self.signed_at = seconds;
        self
    }

    /// With this signature header, or none, in place of a true one.
    #[must_use]
    pub fn signature(mut self, header: Option<&str>) -> Self {
        self.signature = Some(header.map(str::to_owned));
        self
    }

    /// The request that carries it.
    #[expect(clippy::unwrap_used, reason = "a test fails where its delivery cannot be written")]
    pub fn request(&self) -> Request {
        let secret = SigningSecret::new(SECRET).unwrap();
        let signature = match &self.signature {
            Some(given) => given.clone(),
            None => Some(sign(&secret, UnixSeconds(self.signed_at), &self.body)),
        };
        let mut map = HeaderMap::new();
        let pairs = [
            (headers::SIGNATURE, &signature),
            (headers::TRACE_ID, &self.trace_id),
            (headers::ORDERING, &self.ordering),
            (headers::REFERENCE, &self.reference),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                map.insert(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        let path = "/webhook".to_owned();
        Request { method: Method::POST, path, query: Vec::new(), headers: map, body: self.body.clone() }
    }
}
