//! A handler behind the Lambda Runtime API.

use crate::http::{Answer, Request};
use bytes::Bytes;
pub use lambda_http::Error;
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::{Body, RequestExt, Response, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What is kept back of an invocation's time, to hand on what is left and to answer.
const KEPT_BACK: Duration = Duration::from_secs(5);

/// Serves invocations until the sandbox ends.
pub async fn serve<Handler, Answering>(handler: Handler) -> Result<(), Error>
where
    Handler: Fn(Request) -> Answering + Send + Sync,
    Answering: Future<Output = Answer> + Send,
{
    let handler = &handler;
    lambda_http::run(service_fn(move |event: lambda_http::Request| async move {
        let answer = handler(request_of(event)).await;
        response_of(answer)
    }))
    .await
}

/// Serves batches of messages until the sandbox ends. The handler is told when the time of the invocation is over.
pub async fn serve_batches<Batch, Failures, Handler, Working>(handler: Handler) -> Result<(), Error>
where
    Batch: DeserializeOwned,
    Failures: Serialize,
    Handler: Fn(Batch, Instant) -> Working + Send + Sync,
    Working: Future<Output = Failures> + Send,
{
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Batch>| async move {
        let due = Instant::now() + event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        // The sandbox is stopped then, whatever it is at.
        Ok::<_, Error>(handler(event.payload, due - KEPT_BACK).await)
    }))
    .await
}

/// The request of an event. The path is the raw one, which API Gateway has decoded once; lambda_http's own has been
/// normalised on the way.
fn request_of(event: lambda_http::Request) -> Request {
    let path = event.raw_http_path().to_owned();
    let query = event.query_string_parameters();
    let query = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (head, body) = event.into_parts();
    let body = match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    };
    Request { method: head.method, path, query, headers: head.headers, body }
}

fn response_of(answer: Answer) -> Result<Response<Body>, Error> {
    let mut response = Response::builder().status(answer.status).header("content-type", answer.content_type);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    // A body that is no text, which a logged delivery may be, goes out in base64.
    let body = match String::from_utf8(answer.body.into()) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    Ok(response.body(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{
        "version": "2.0", "routeKey": "$default", "rawPath": "/users/../a b/%/records", "rawQueryString": "type=daily&id=a%2Fb",
        "headers": {"x-terra-signature": "t=1,v1=00", "host": "example.com"},
        "queryStringParameters": {"type": "daily", "id": "a/b"},
        "requestContext": {"accountId": "1", "apiId": "a", "domainName": "example.com", "http": {"method": "GET",
            "path": "/users/../a b/%/records", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0},
        "body": "eyJhIjoxfQ==", "isBase64Encoded": true}"#;

    #[test]
    fn a_path_arrives_as_the_gateway_sent_it_and_a_body_byte_for_byte() {
        let request = request_of(lambda_http::request::from_str(EVENT).unwrap());
        assert_eq!(request.path, "/users/../a b/%/records");
        let query: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(query.contains(&("id", "a/b")) && query.contains(&("type", "daily")));
        assert_eq!(request.body, r#"{"a":1}"#);
        assert_eq!(request.header("X-Terra-Signature"), Some("t=1,v1=00"));
    }

    #[test]
    fn an_answer_goes_out_whole() {
        let response = response_of(Answer::unavailable()).unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let binary = response_of(Answer::bytes(200, "application/octet-stream", vec![0xff])).unwrap();
        assert!(matches!(binary.body(), Body::Binary(bytes) if bytes == &[0xff]));
    }
}
