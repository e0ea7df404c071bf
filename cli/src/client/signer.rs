//! Requests signed for IAM (SigV4), by whoever the usual AWS chain finds. The one place outside of the store that names
//! AWS types.

use crate::error::CommandError;
use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use reqwest::Request;
use reqwest::header::HeaderValue;
use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// The service that is asked: API Gateway.
const SERVICE: &str = "execute-api";
/// Credentials that live no longer than this are looked for anew.
const MARGIN: Duration = Duration::from_secs(60);

/// Signs requests to one region.
pub struct Signer {
    region: String,
    /// A profile of the AWS configuration, in place of the whole chain.
    aws_profile: Option<String>,
    /// Looked for at the first request: what is never sent needs no credentials.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    provider: Option<SharedCredentialsProvider>,
    credentials: Option<Credentials>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Signer {
    /// Signs for this region, as this profile or as whoever the chain finds.
    pub fn new(region: String, aws_profile: Option<String>) -> Self {
        Self { region, aws_profile, held: Mutex::default() }
    }

    /// Signs a request as it stands.
    ///
    /// # Errors
    ///
    /// When there are no credentials, or they have expired.
    pub async fn sign(&self, request: &mut Request) -> Result<(), CommandError> {
        let credentials = self.credentials().await?;
        sign_at(request, &credentials, &self.region, SystemTime::now())
            .map_err(|error| CommandError::Usage(format!("the request cannot be signed: {}", told(error.as_ref()))))
    }

    /// Who signed, in words that lead to where it can be changed.
    pub async fn identity(&self) -> String {
        let key = match &self.held.lock().await.credentials {
            Some(credentials) => credentials.access_key_id().to_owned(),
            None => return "nobody".to_owned(),
        };
        let from = match &self.aws_profile {
            Some(profile) => format!("AWS profile {profile}"),
            None if std::env::var("AWS_ACCESS_KEY_ID").is_ok_and(|known| known == key) => {
                "AWS_ACCESS_KEY_ID in the environment".to_owned()
            }
            None => match std::env::var("AWS_PROFILE") {
                Ok(profile) => format!("the AWS chain with AWS_PROFILE={profile}"),
                Err(_) => "the AWS chain".to_owned(),
            },
        };
        format!("access key {key} (from {from}) for region {}", self.region)
    }

    async fn credentials(&self) -> Result<Credentials, CommandError> {
        let mut held = self.held.lock().await;
        let good =
            |credentials: &&Credentials| credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + MARGIN);
        if let Some(credentials) = held.credentials.as_ref().filter(good) {
            return Ok(credentials.clone());
        }
        let provider = match held.provider.take() {
            Some(provider) => provider,
            None => self.provider().await,
        };
        let found = provider.provide_credentials().await;
        held.provider = Some(provider);
        let credentials = found.map_err(|error| CommandError::Credentials(self.none(&error)))?;
        held.credentials = Some(credentials.clone());
        Ok(credentials)
    }

    /// A profile that is named wins over keys in the environment, as it does for `aws --profile`.
    async fn provider(&self) -> SharedCredentialsProvider {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let region = Region::new(self.region.clone());
        let config = ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http);
        match &self.aws_profile {
            Some(profile) => {
                let builder = ProfileFileCredentialsProvider::builder().configure(&config);
                SharedCredentialsProvider::new(builder.profile_name(profile).build())
            }
            None => {
                let chain = DefaultCredentialsChain::builder().configure(config).region(region);
                SharedCredentialsProvider::new(chain.build().await)
            }
        }
    }

    fn none(&self, error: &dyn Error) -> String {
        let why = told(error);
        let profile = self.aws_profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        let with = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
        let advice = if ["SSO", "sso"].iter().any(|word| why.contains(word)) {
            format!("log in again with `aws sso login{with}`")
        } else {
            format!("`aws sts get-caller-identity{with}` has to work; name a profile with --aws-profile")
        };
        format!("{why}; {advice}")
    }
}

/// Signs a request as of a time.
fn sign_at(
    request: &mut Request,
    credentials: &Credentials,
    region: &str,
    time: SystemTime,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder().identity(&identity).region(region).name(SERVICE).time(time);
    let params = params.settings(SigningSettings::default()).build()?.into();
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let (method, url) = (request.method().as_str(), request.url().as_str());
    let signable = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(body))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let (headers, _) = instructions.into_parts();
    for header in headers {
        let mut value = HeaderValue::from_str(header.value())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header.name(), value);
    }
    Ok(())
}

/// An error with all its causes: the outermost often says nothing but that something failed.
pub fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = inner.source();
    }
    told
}

#[cfg(test)]
#[path = "signer_tests.rs"]
mod tests;
