//! Jobs as they are written, and what SQS is sent and answers.

use super::*;
use crate::receipts::Receipts;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Answers every request with one status and body, and keeps what it was sent.
#[derive(Debug, Clone)]
struct Service {
    status: u16,
    answer: &'static str,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn answering(status: u16, answer: &'static str) -> Self {
        Self { status, answer, sent: Arc::default() }
    }

    fn client(&self) -> Client {
        let service = self.clone();
        let http: SharedHttpClient = http_client_fn(move |_, _| SharedHttpConnector::new(service.clone()));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .endpoint_url("http://sqs.invalid")
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        Client::from_conf(config)
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        self.sent.lock().unwrap().push(body);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(self.status.try_into().unwrap(), SdkBody::from(self.answer))))
    }
}

fn apply() -> Job {
    Job::Apply { partition: "user-1".into(), log: "log#1#a#b".into() }
}

#[test]
fn jobs_are_tagged_json() {
    let cases = [
        (apply(), r#"{"job":"apply","partition":"user-1","log":"log#1#a#b"}"#),
        (Job::Rekey { old: "a".into(), new: "b".into() }, r#"{"job":"rekey","old":"a","new":"b"}"#),
        (
            Job::Erase { subject: Subject::User("a".into()), at_ms: 7, id: None },
            r#"{"job":"erase","subject":{"user":"a"},"at_ms":7}"#,
        ),
        (Job::Sweep { after: None }, r#"{"job":"sweep"}"#),
    ];
    for (job, json) in cases {
        assert_eq!(serde_json::to_string(&job).unwrap(), json);
        assert_eq!(serde_json::from_str::<Job>(json).unwrap(), job);
    }
}

#[test]
fn a_job_shown_names_no_person() {
    let shown = format!("{:?} {:?}", apply(), Job::Rekey { old: "user-1".into(), new: "user-2".into() });
    assert_eq!(shown, r#"Job("apply") Job("rekey")"#);
}

#[tokio::test]
async fn a_message_is_the_job_and_the_client_is_built_once_and_late() {
    let service = Service::answering(200, r#"{"MessageId":"1"}"#);
    let (builds, client) = (Arc::new(AtomicUsize::new(0)), service.client());
    let counted = builds.clone();
    let queue = SqsQueue::new("http://sqs.invalid/1/jobs", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        client.clone()
    });
    assert_eq!(builds.load(Ordering::SeqCst), 0);
    queue.send(&apply()).await.unwrap();
    queue.send(&apply()).await.unwrap();
    assert_eq!(builds.load(Ordering::SeqCst), 1);

    let sent = service.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 2);
    let message: serde_json::Value = serde_json::from_str(&sent[0]).unwrap();
    assert_eq!(message["QueueUrl"], "http://sqs.invalid/1/jobs");
    assert_eq!(serde_json::from_str::<Job>(message["MessageBody"].as_str().unwrap()).unwrap(), apply());
}

#[tokio::test]
async fn a_failing_service_is_to_be_tried_again_and_a_refusing_one_is_not() {
    for (status, transient) in [(500, true), (503, true), (403, false)] {
        let service =
            Service::answering(status, r#"{"__type":"com.amazon.coral.service#Whatever","message":"user-1"}"#);
        let client = service.client();
        let error =
            SqsQueue::new("http://sqs.invalid/1/jobs", move || client.clone()).send(&apply()).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{status}");
        assert!(!error.to_string().contains("user-1"), "{error}");
    }
}

#[tokio::test]
async fn what_was_handed_out_comes_back_when_it_is_told_to() {
    let service = Service::answering(200, "{}");
    let client = service.clone();
    let urls = ["jobs", "pings"].map(|name| format!("https://sqs.invalid/123456789012/terrace-{name}"));
    let receipts = Receipts::new(urls, move || client.client());
    let arn = |name: &str| format!("arn:aws:sqs:eu-west-2:123456789012:{name}");
    receipts.come_back(&arn("terrace-pings"), "a-receipt", Duration::from_secs(15)).await.unwrap();
    let [sent]: [String; 1] = service.sent.lock().unwrap().clone().try_into().unwrap();
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let url = "https://sqs.invalid/123456789012/terrace-pings";
    assert_eq!(sent, serde_json::json!({"QueueUrl": url, "ReceiptHandle": "a-receipt", "VisibilityTimeout": 15}));
    for odd in ["another", "pings", "", "terrace-pings/x"] {
        assert!(receipts.come_back(&arn(odd), "a-receipt", Duration::ZERO).await.is_err(), "{odd}");
    }
    let failing = Service::answering(400, r#"{"__type":"com.amazonaws.sqs#ReceiptHandleIsInvalid"}"#);
    let receipts = Receipts::new([url.to_owned()], move || failing.client());
    assert!(receipts.come_back(&arn("terrace-pings"), "a-receipt", Duration::ZERO).await.is_err());
}
