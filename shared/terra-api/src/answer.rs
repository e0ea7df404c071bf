//! One answer of Terra's: its status, its headers, its body within a limit.

use crate::error::{Down, TerraApiError, Unreadable};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// How much of what Terra says is kept, in characters.
const MAX_SAID: usize = 200;
/// What a number of seconds is greater than where it is a moment.
const A_MOMENT: u64 = 1_000_000_000;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body.
    pub(crate) body: Value,
    /// The `terra-reference` header.
    pub(crate) reference: Option<String>,
}

/// Why there is none, and how long Terra asks to be left alone.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: TerraApiError,
    pub(crate) wait: Option<Duration>,
}

impl From<TerraApiError> for Failure {
    fn from(error: TerraApiError) -> Self {
        Self { error, wait: None }
    }
}

/// Reads a response to its end.
pub(crate) async fn read(response: Response, max_bytes: usize) -> Result<Answer, Failure> {
    let status = response.status();
    let wait = wait(response.headers(), Timestamp::now());
    let header = response.headers().get("terra-reference").and_then(|value| value.to_str().ok());
    let reference = header.filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(error) = without_body(status, wait) {
        return Err(Failure { error, wait });
    }
    let body = bounded(response, max_bytes).await?;
    let json = serde_json::from_slice::<Value>(&body);
    if !status.is_success() {
        return Err(refused(status, json.ok().as_ref()).into());
    }
    let body = json.map_err(|_| TerraApiError::Unreadable(Unreadable::NotJson))?;
    // The old contract's way to say: not yet.
    if body.get("type").and_then(Value::as_str) == Some("processing") {
        let wait = body.get("retry_after_seconds").and_then(Value::as_u64).map(Duration::from_secs).or(wait);
        return Err(Failure { error: TerraApiError::Limited { retry_after: wait }, wait });
    }
    Ok(Answer { body, reference })
}

/// What the status alone says.
fn without_body(status: StatusCode, wait: Option<Duration>) -> Option<TerraApiError> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some(TerraApiError::Unauthorised { status: status.as_u16() })
        }
        StatusCode::TOO_MANY_REQUESTS => Some(TerraApiError::Limited { retry_after: wait }),
        StatusCode::REQUEST_TIMEOUT => Some(TerraApiError::Slow),
        _ if status.is_server_error() => Some(TerraApiError::Down(Down::Status(status.as_u16()))),
        _ if status.is_redirection() => Some(TerraApiError::Unreadable(Unreadable::Redirect)),
        _ => None,
    }
}

/// What an answer of 4xx says. A 404 that is not in Terra's words is some other server's.
fn refused(status: StatusCode, body: Option<&Value>) -> TerraApiError {
    let text = |name| body.and_then(|body| body.get(name)).and_then(Value::as_str).filter(|text| !text.is_empty());
    let said = ["detail", "message", "title"].into_iter().find_map(text);
    match (status, said) {
        (StatusCode::NOT_FOUND, Some(_)) => TerraApiError::UnknownUser,
        (StatusCode::NOT_FOUND, None) => TerraApiError::Unreadable(Unreadable::NotTerra),
        (_, said) => {
            let said = said.unwrap_or("it does not say why").chars().take(MAX_SAID).collect();
            TerraApiError::Refused { status: status.as_u16(), said }
        }
    }
}

async fn bounded(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, TerraApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| without_answer(&error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(TerraApiError::Unreadable(Unreadable::TooLong(max_bytes)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why no answer came. Of the cause its kind alone is kept: its text has the URL.
pub(crate) fn without_answer(error: &reqwest::Error) -> TerraApiError {
    if error.is_timeout() {
        TerraApiError::Slow
    } else if error.is_connect() {
        TerraApiError::Down(Down::Unreachable)
    } else {
        TerraApiError::Down(Down::BrokenOff)
    }
}

/// How long the headers ask to wait: `Retry-After`, in seconds or as a date, else the reset of Terra's own limits, in
/// seconds or as a moment.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |moment: Timestamp| Duration::try_from(moment.duration_since(now)).unwrap_or_default();
    let asked = retry_after.and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => jiff::fmt::rfc2822::parse(text).ok().map(|moment| until(moment.timestamp())),
    });
    let own = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-terra-ratelimit-") && name.as_str().contains("reset"));
    let reset = || {
        let numbers = own.filter_map(|(_, value)| value.to_str().ok()?.trim().parse::<u64>().ok());
        numbers.max().map(|number| {
            let moment = i64::try_from(number).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            if number < A_MOMENT { Duration::from_secs(number) } else { until(moment.unwrap_or(now)) }
        })
    };
    asked.or_else(reset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    #[test]
    fn waits_in_every_spelling() {
        let now: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        let cases = [
            ("retry-after", "7", Some(7)),
            ("retry-after", "Wed, 01 Jul 2026 00:01:00 GMT", Some(60)),
            ("retry-after", "Tue, 30 Jun 2026 00:01:00 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("x-terra-ratelimit-reset", "90", Some(90)),
            ("x-terra-ratelimit-hour-reset", "1782864030", Some(30)),
            ("x-ratelimit-reset", "90", None),
        ];
        for (name, value, seconds) in cases {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            assert_eq!(wait(&headers, now), seconds.map(Duration::from_secs), "{name}: {value}");
        }
    }
}
