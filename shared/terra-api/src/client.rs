//! Asking Terra one question: at an even pace, within a time, again where that may help.

use crate::answer::{Answer, Failure, read, without_answer};
use crate::error::TerraApiError;
use crate::pace::Pace;
use crate::settings::{SettingError, Settings, is_local};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Client, Url, redirect, retry};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What is waited before the second attempt where Terra does not say; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long and how often Terra is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long one attempt may take, from the first byte sent to the last one read.
    pub attempt: Duration,
    /// How long one question may take, with every attempt and wait.
    pub question: Duration,
    /// How many attempts there are at most.
    pub attempts: u32,
    /// How many requests a second.
    pub per_second: u32,
}

impl Default for Limits {
    /// For a command that somebody waits for.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(30),
            question: Duration::from_secs(90),
            attempts: 4,
            per_second: 10,
        }
    }
}

impl Limits {
    /// For an answer over HTTP, which is sent with or without what Terra says.
    pub fn quick() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(4),
            question: Duration::from_secs(6),
            attempts: 2,
            ..Self::default()
        }
    }
}

/// A client of Terra's REST API. Copies share one pace.
#[derive(Debug, Clone)]
pub struct TerraApi {
    http: Client,
    url: Url,
    limits: Limits,
    pace: Arc<Pace>,
}

impl TerraApi {
    /// A client as the settings say.
    ///
    /// # Errors
    ///
    /// When the id or the key cannot be sent, or there is no TLS.
    pub fn new(settings: &Settings, limits: Limits) -> Result<Self, SettingError> {
        // Whichever provider came first stays; there is only one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let headers = HeaderMap::from_iter([
            (reqwest::header::HeaderName::from_static("dev-id"), settings.dev_id_header()?),
            (reqwest::header::HeaderName::from_static("x-api-key"), settings.key.header()?),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let http = Client::builder()
            .default_headers(headers)
            .connect_timeout(limits.connect)
            .timeout(limits.attempt)
            .referer(false)
            .retry(retry::never())
            // The key would go with it.
            .redirect(redirect::Policy::none());
        let http = if is_local(&settings.url) { http.no_proxy() } else { http };
        let http = http.build().map_err(|_| SettingError::Tls)?;
        Ok(Self { http, url: settings.url.clone(), limits, pace: Arc::new(Pace::per_second(limits.per_second)) })
    }

    /// Asks until there is an answer, no attempt is left, or waiting for the next would take too long.
    pub(crate) async fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Answer, TerraApiError> {
        let url = self.url_of(path, query);
        let until = Instant::now() + self.limits.question;
        let mut usual_wait = FIRST_WAIT;
        for attempt in 1.. {
            self.pace.turn().await;
            let Failure { error, wait } = match self.attempt(url.clone(), max_bytes).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = wait.unwrap_or_else(|| usual_wait.mul_f64(1.0 + fastrand::f64() / 2.0));
            let in_time = Instant::now().checked_add(wait).is_some_and(|at| at < until);
            if !error.may_help_again() || attempt >= self.limits.attempts || !in_time {
                return Err(error);
            }
            if matches!(error, TerraApiError::Limited { .. }) {
                self.pace.hold(wait).await;
            }
            sleep(wait).await;
            usual_wait *= 2;
        }
        Err(TerraApiError::Slow)
    }

    async fn attempt(&self, url: Url, max_bytes: usize) -> Result<Answer, Failure> {
        let response = self.http.get(url).send().await.map_err(|error| without_answer(&error))?;
        read(response, max_bytes).await
    }

    fn url_of(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}
