//! S3 through the connector that the SDKs use, instead of an HTTP client and a TLS stack of its own.
//!
//! Calls are tried again here and not in `object_store`, which takes the 409 of two writers in each other's way for an
//! object that is there, and starts a try without regard to how long it may take.

use crate::clients::{ATTEMPT_WITHIN, ATTEMPTS, CALL_WITHIN, FIRST_BACKOFF, MAX_BACKOFF};
use crate::error::StoreError;
use crate::objects::Backend;
use async_trait::async_trait;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector as SdkConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest as SdkRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    CredentialProvider, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How much longer a try may take for each MiB that it sends.
const ALLOWANCE_PER_MIB: Duration = Duration::from_millis(100);
/// Credentials are replaced while they still last this long, so that a URL signed with them outlives its minute.
const CREDENTIALS_LAST: Duration = Duration::from_secs(120);

/// A bucket, and the way to it.
pub(crate) struct Place<'p> {
    pub(crate) bucket: &'p str,
    pub(crate) region: &'p str,
    /// An address that stands in for AWS's own.
    pub(crate) endpoint: Option<&'p str>,
    pub(crate) http: SharedHttpConnector,
    pub(crate) credentials: SharedCredentialsProvider,
}

/// The objects of a bucket.
pub(crate) fn backend(place: Place<'_>) -> Result<Backend, StoreError> {
    let mut s3 = AmazonS3Builder::new()
        .with_bucket_name(place.bucket)
        .with_region(place.region)
        .with_credentials(Arc::new(Credentials::new(place.credentials)))
        .with_retry(RetryConfig { max_retries: 0, retry_timeout: CALL_WITHIN, backoff: BackoffConfig::default() })
        .with_http_connector(Connector { http: place.http });
    s3 = match place.endpoint {
        Some(endpoint) => s3.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://")),
        // AWS's certificates cover one label before `s3`, so a name with a dot has to stand in the path.
        None => s3.with_virtual_hosted_style_request(!place.bucket.contains('.')),
    };
    let s3 = s3.build().map_err(|_| StoreError::refused("set up the bucket", "its name or endpoint is not one"))?;
    let s3 = Arc::new(s3);
    Ok(Backend { store: Arc::clone(&s3) as _, signer: Some(s3), keeps_metadata: true, lists_in_order: true })
}

#[derive(Debug)]
struct Connector {
    http: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service { http: self.http.clone() }))
    }
}

/// Answers with the whole body, so that one that breaks off is asked for again. What is read here is a few MiB at most.
#[derive(Debug)]
struct Service {
    http: SharedHttpConnector,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let deadline = Instant::now() + CALL_WITHIN + allowance(&request);
        let mut tried = 0;
        loop {
            let outcome = self.attempt(request.clone(), deadline).await;
            tried += 1;
            let pause = backoff(tried);
            if !may_pass(&outcome) || tried == ATTEMPTS || Instant::now() + pause >= deadline {
                return settled(outcome);
            }
            sleep(pause).await;
        }
    }
}

impl Service {
    async fn attempt(&self, request: HttpRequest, deadline: Instant) -> Result<HttpResponse, HttpError> {
        let within = deadline.min(Instant::now() + ATTEMPT_WITHIN + allowance(&request));
        let request = SdkRequest::try_from(request.map(SdkBody::from_body_1_x))
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let answer = timeout_at(within, self.http.call(request)).await.map_err(late)?.map_err(unreached)?;
        let answer = answer.try_into_http1x().map_err(|error| HttpError::new(HttpErrorKind::Decode, error))?;
        let (head, body) = answer.into_parts();
        Ok(HttpResponse::from_parts(head, whole(body).await?.into()))
    }
}

/// Reads a body to its end. It may take its time as long as something comes.
async fn whole(mut body: SdkBody) -> Result<Bytes, HttpError> {
    let mut read = Vec::new();
    while let Some(frame) = timeout(ATTEMPT_WITHIN, body.frame()).await.map_err(late)? {
        let frame = frame.map_err(|error| HttpError::new_boxed(HttpErrorKind::Interrupted, error))?;
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
    }
    Ok(read.into())
}

fn allowance(request: &HttpRequest) -> Duration {
    let mib = u32::try_from(request.body().content_length() >> 20).unwrap_or(u32::MAX);
    ALLOWANCE_PER_MIB.saturating_mul(mib)
}

/// A random wait that doubles, so that many who failed together do not come back together.
fn backoff(tried: u32) -> Duration {
    let longest = FIRST_BACKOFF.saturating_mul(1 << tried.saturating_sub(1).min(16)).min(MAX_BACKOFF);
    let random = RandomState::new().build_hasher().finish() % 1_000;
    longest.mul_f64((500.0 + random as f64 / 2.0) / 1_000.0)
}

/// Whether the same request may fare better in a moment.
fn may_pass(outcome: &Result<HttpResponse, HttpError>) -> bool {
    match outcome {
        Ok(answer) => {
            let status = answer.status();
            status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT
                || status == StatusCode::CONFLICT
        }
        Err(error) => !matches!(error.kind(), HttpErrorKind::Unknown | HttpErrorKind::Decode),
    }
}

/// A last 409 is a failure: S3 gives it when another change of the key came between, a removal too, and `object_store`
/// would take it for an object that is there.
fn settled(outcome: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    match outcome {
        Ok(answer) if answer.status() == StatusCode::CONFLICT => {
            Err(HttpError::new(HttpErrorKind::Interrupted, std::io::Error::other("others change the same object")))
        }
        outcome => outcome,
    }
}

fn late(elapsed: tokio::time::error::Elapsed) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, elapsed)
}

fn unreached(error: ConnectorError) -> HttpError {
    let kind = match &error {
        error if error.is_user() => HttpErrorKind::Unknown,
        error if error.is_timeout() => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error)
}

/// The SDK's credentials as `object_store` wants them, kept until shortly before they expire.
struct Credentials {
    provider: SharedCredentialsProvider,
    known: Mutex<Option<Known>>,
}

struct Known {
    credential: Arc<AwsCredential>,
    expires: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, known: Mutex::new(None) }
    }

    async fn load(&self) -> Result<Known, CredentialsError> {
        let loading = timeout(CALL_WITHIN, self.provider.provide_credentials());
        let found = loading.await.map_err(|_| CredentialsError::provider_timed_out(CALL_WITHIN))??;
        let credential = AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        };
        Ok(Known { credential: Arc::new(credential), expires: found.expiry() })
    }
}

impl Known {
    fn lasts(&self, time: Duration) -> bool {
        self.expires.is_none_or(|expires| expires > SystemTime::now() + time)
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        // Held while they are loaded: many that wait load them once.
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.lasts(CREDENTIALS_LAST)) {
            return Ok(Arc::clone(&known.credential));
        }
        match self.load().await {
            Ok(loaded) => Ok(Arc::clone(&known.insert(loaded).credential)),
            Err(error) => match known.as_ref().filter(|known| known.lasts(Duration::ZERO)) {
                Some(old) => Ok(Arc::clone(&old.credential)),
                None => Err(no_credentials(error)),
            },
        }
    }
}

fn no_credentials(error: CredentialsError) -> object_store::Error {
    let source = Box::new(error);
    match *source {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
            object_store::Error::Unauthenticated { path: String::new(), source }
        }
        _ => object_store::Error::Generic { store: "S3", source },
    }
}

#[cfg(test)]
#[path = "s3_connector_tests.rs"]
mod tests;
