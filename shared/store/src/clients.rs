//! The AWS clients, built for a fast start: nothing is read that the environment already says, nothing is connected
//! before the first call, and all of them share one TLS stack, one pool of connections and one notion of "in time".

use crate::error::StoreError;
use crate::objects::Backend;
use crate::s3_connector::{self, Place};
use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::retry::RetrySpec;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a connection may take to be made, TLS included.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// How long one try of a call may take.
pub(crate) const ATTEMPT_WITHIN: Duration = Duration::from_millis(1_800);
/// How long a call may take with all its tries: Terra waits eight seconds for an answer.
pub(crate) const CALL_WITHIN: Duration = Duration::from_secs(4);
/// How often a call is tried.
pub(crate) const ATTEMPTS: u32 = 3;
/// How long to wait at most before the second try; each wait after it is twice as long.
pub(crate) const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// The longest wait before a try.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_millis(500);

const CONNECT: &str = "set up the AWS clients";

/// What looks a variable of the environment up.
pub type Environment<'e> = &'e (dyn Fn(&str) -> Option<String> + Send + Sync);

/// Makes the clients of one account and region. Cheap to clone.
#[derive(Clone)]
pub struct Clients {
    shared: Arc<Shared>,
}

struct Shared {
    sdk: SdkConfig,
    region: Region,
    credentials: SharedCredentialsProvider,
    http: SharedHttpConnector,
    endpoints: Endpoints,
}

/// Addresses that stand in for AWS's own: a local DynamoDB, a gateway, a test.
#[derive(Debug, Default)]
struct Endpoints {
    dynamodb: Option<String>,
    s3: Option<String>,
    sqs: Option<String>,
    ssm: Option<String>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Clients").field("region", &self.shared.region).finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients as the process's environment says, through `http` or else through TLS of their own.
    ///
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, which Lambda sets for the life of a sandbox, are used as they
    /// are and no file is read; without them the SDK's default chain looks for credentials. The region is
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`, else, without keys in the environment, the profile's.
    /// `AWS_ENDPOINT_URL_DYNAMODB`, `_S3`, `_SQS` and `_SSM`, else `AWS_ENDPOINT_URL`, replace AWS's addresses.
    ///
    /// # Errors
    ///
    /// When no region is named.
    pub async fn from_env(http: Option<SharedHttpConnector>) -> Result<Self, StoreError> {
        Self::new(&|name| std::env::var(name).ok(), http).await
    }

    /// Clients as `environment` says; see [`Clients::from_env`].
    ///
    /// # Errors
    ///
    /// When no region is named, or none of the chain's credentials sources can be set up.
    pub async fn new(environment: Environment<'_>, http: Option<SharedHttpConnector>) -> Result<Self, StoreError> {
        let http = http.unwrap_or_else(|| SharedHttpConnector::new(LazyTls::default()));
        let named = present(environment, "AWS_REGION").or_else(|| present(environment, "AWS_DEFAULT_REGION"));
        let sdk = match (keys(environment), named.map(Region::new)) {
            (Some(credentials), Some(region)) => by_hand(credentials, region, http.clone()),
            (Some(_), None) => return Err(no_region()),
            (None, region) => by_chain(region, http.clone()).await,
        };
        let region = sdk.region().cloned().ok_or_else(no_region)?;
        let credentials = sdk.credentials_provider();
        let credentials = credentials.ok_or_else(|| StoreError::refused(CONNECT, "there are no AWS credentials"))?;
        let endpoints = Endpoints::read(environment);
        Ok(Self { shared: Arc::new(Shared { sdk, region, credentials, http, endpoints }) })
    }

    /// The table's client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.shared.sdk).retry_config(retries());
        if let Some(endpoint) = &self.shared.endpoints.dynamodb {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// The job queue's client.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.shared.sdk).retry_config(retries());
        if let Some(endpoint) = &self.shared.endpoints.sqs {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// The client of the signing secrets.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        let mut config = aws_sdk_ssm::config::Builder::from(&self.shared.sdk).retry_config(retries());
        if let Some(endpoint) = &self.shared.endpoints.ssm {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_ssm::Client::from_conf(config.build())
    }

    /// The place of objects that is the S3 bucket of this name.
    ///
    /// # Errors
    ///
    /// When the bucket's name or the endpoint is not one.
    pub fn bucket(&self, name: &str) -> Result<Backend, StoreError> {
        s3_connector::backend(Place {
            bucket: name,
            region: self.shared.region.as_ref(),
            endpoint: self.shared.endpoints.s3.as_deref(),
            http: self.shared.http.clone(),
            credentials: self.shared.credentials.clone(),
        })
    }
}

impl Endpoints {
    fn read(environment: Environment<'_>) -> Self {
        let ignored = present(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::default();
        }
        let of = |name| present(environment, name).or_else(|| present(environment, "AWS_ENDPOINT_URL"));
        Self {
            dynamodb: of("AWS_ENDPOINT_URL_DYNAMODB"),
            s3: of("AWS_ENDPOINT_URL_S3"),
            sqs: of("AWS_ENDPOINT_URL_SQS"),
            ssm: of("AWS_ENDPOINT_URL_SSM"),
        }
    }
}

fn present(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn no_region() -> StoreError {
    StoreError::refused(CONNECT, "no region is named; set AWS_REGION")
}

/// The keys in the environment, where both are there.
fn keys(environment: Environment<'_>) -> Option<Credentials> {
    let mut credentials = Credentials::builder()
        .access_key_id(present(environment, "AWS_ACCESS_KEY_ID")?)
        .secret_access_key(present(environment, "AWS_SECRET_ACCESS_KEY")?)
        .provider_name("environment");
    credentials.set_session_token(present(environment, "AWS_SESSION_TOKEN"));
    credentials.set_account_id(present(environment, "AWS_ACCOUNT_ID").map(Into::into));
    Some(credentials.build())
}

/// A configuration of nothing but what is given: `aws_config`'s loader would look for files and profiles first.
fn by_hand(credentials: Credentials, region: Region, http: SharedHttpConnector) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::lazy().build())
        .http_client(http_client_fn(move |_, _| http.clone()))
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// What the SDK's default chain finds on a machine that is no Lambda.
async fn by_chain(region: Option<Region>, http: SharedHttpConnector) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| http.clone()))
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    match region {
        Some(region) => loader.region(region).load().await,
        // Not the whole chain: its last link asks an address that only instances in AWS have, for seconds.
        None => loader.region(ProfileFileRegionProvider::builder().build()).load().await,
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .operation_attempt_timeout(ATTEMPT_WITHIN)
        .operation_timeout(CALL_WITHIN)
        .build()
}

/// Set on each client and not on what they share, where a service's own defaults would override it.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(MAX_BACKOFF)
        .with_retry_spec(RetrySpec::v2_1().with_non_throttling_initial_backoff(FIRST_BACKOFF))
}

/// TLS with ring, which starts faster and is smaller than the SDK's default. To read the system's root certificates
/// costs more than all else a start does, so that waits for the first call.
#[derive(Debug, Default)]
struct LazyTls {
    built: OnceLock<Connector>,
}

impl LazyTls {
    fn connector() -> Connector {
        Connector::builder()
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_WITHIN).build())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build()
    }
}

impl HttpConnector for LazyTls {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.built.get_or_init(Self::connector).call(request)
    }
}

#[cfg(test)]
#[path = "fake_service.rs"]
pub(crate) mod fake_service;

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
