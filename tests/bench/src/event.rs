//! A delivery as API Gateway hands it over: an HTTP API event, payload 2.0.

use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use terrace_terra::signature::sign;
use terrace_terra::time::UnixSeconds;
use terrace_terra::{SigningSecret, headers};

/// What the deliveries are signed with.
pub const SECRET: &str = "a-secret-for-the-bench";

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

/// The event of a body, signed now.
pub fn http_event(body: &str, number: u64, secret: &SigningSecret) -> String {
    let now_ms = now_ms();
    let signature = sign(secret, UnixSeconds(now_ms / 1_000), body.as_bytes());
    json!({
        "version": "2.0",
        "routeKey": "POST /webhook",
        "rawPath": "/webhook",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "example.execute-api.us-east-1.amazonaws.com",
            "user-agent": "axios/1.7.9",
            "x-amzn-trace-id": "Root=1-00000000-000000000000000000000000",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            headers::SIGNATURE: signature,
            headers::TRACE_ID: format!("00000000-0000-4000-8000-{number:012x}"),
            headers::ORDERING: now_ms.to_string(),
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "example",
            "http": {
                "method": "POST",
                "path": "/webhook",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "axios/1.7.9",
            },
            "requestId": format!("bench-{number}"),
            "routeKey": "POST /webhook",
            "stage": "$default",
            "time": "01/Jul/2026:09:12:33 +0000",
            "timeEpoch": now_ms,
        },
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
}

/// The event of a question: a path and a query string.
pub fn question_event(path: &str, query: &str) -> String {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "accept": "*/*", "host": "example.execute-api.us-east-1.amazonaws.com" },
        "queryStringParameters": query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect::<serde_json::Map<String, serde_json::Value>>(),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "example",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench" },
            "requestId": "bench",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jul/2026:09:12:33 +0000",
            "timeEpoch": now_ms(),
        },
        "isBase64Encoded": false,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{LARGE, daily};
    use serde_json::Value;
    use terrace_terra::signature::{Tolerance, verify};

    #[test]
    fn a_body_comes_out_of_its_event_as_it_was_signed() {
        let (body, secret) = (r#"{"type":"daily","of":"J\u00fcrgen \"x\" \n"}"#, SigningSecret::new(SECRET).unwrap());
        let event: Value = serde_json::from_str(&http_event(body, 7, &secret)).unwrap();
        assert_eq!((&event["version"], &event["rawPath"]), (&Value::from("2.0"), &Value::from("/webhook")));
        assert_eq!(event["requestContext"]["http"]["method"], "POST");
        assert_eq!((&event["isBase64Encoded"], &event["body"]), (&Value::from(false), &Value::from(body)));
        let header = event["headers"][headers::SIGNATURE].as_str();
        let now = UnixSeconds(now_ms() / 1_000);
        let sent = event["body"].as_str().unwrap().as_bytes();
        verify(header, sent, std::slice::from_ref(&secret), now, Tolerance::default()).unwrap();
        let others = [SigningSecret::new("another").unwrap()];
        assert!(verify(header, sent, &others, now, Tolerance::default()).is_err());
    }
    #[test]
    fn the_largest_fits_into_an_invocation() {
        let secret = SigningSecret::new("a secret").unwrap();
        let event = http_event(&daily(LARGE, 3), 3, &secret);
        assert!(event.len() < 6 * 1_024 * 1_024, "{}", event.len());
    }
}
