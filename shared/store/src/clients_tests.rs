use super::fake_service::{Answer, FakeService, KEYS, given, lookup};
use super::*;
use aws_credential_types::provider::ProvideCredentials;
use futures::FutureExt;
use tokio::time::Instant;

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

/// A call to the table, as the store makes them.
async fn call(clients: &Clients) -> Result<(), StoreError> {
    let answer = clients.dynamodb().list_tables().send().await;
    answer.map(drop).map_err(|error| StoreError::from_sdk("list the tables", error))
}

#[test]
fn keys_in_the_environment_are_used_as_they_are() {
    // Outside of a runtime and in one poll: there is no file, no process and no address that could be asked.
    let clients = Clients::new(&lookup(&KEYS), None).now_or_never().unwrap().unwrap();
    let found = clients.shared.credentials.provide_credentials().now_or_never().unwrap().unwrap();
    assert_eq!((found.access_key_id(), found.secret_access_key()), ("AKIDTEST", "test-key"));
    assert_eq!((found.session_token(), found.expiry()), (Some("test-token"), None));
    assert_eq!(clients.shared.region.as_ref(), "eu-west-1");
    assert!(!format!("{clients:?}").contains("test-"));
}

#[test]
fn a_region_has_to_be_named() {
    let without = [KEYS[0], KEYS[1], ("AWS_REGION", " ")];
    let error = Clients::new(&lookup(&without), None).now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().contains("AWS_REGION") && !error.is_transient(), "{error}");
    let second = [without[0], without[1], without[2], ("AWS_DEFAULT_REGION", "us-east-2")];
    let clients = Clients::new(&lookup(&second), None).now_or_never().unwrap().unwrap();
    assert_eq!(clients.shared.region.as_ref(), "us-east-2");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_is_given_up_in_time() {
    let service = FakeService::new(|_, _| Answer::Never);
    let clients = service.clients(&[]);
    let started = Instant::now();
    assert!(call(&clients).await.unwrap_err().is_transient());
    assert!(started.elapsed() <= Duration::from_millis(4_100), "{:?}", started.elapsed());
    assert!(service.seen().len() >= 2, "a try that gets no answer leaves time for another");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_tried_again_and_may_be_later() {
    let throttled = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}"#;
    let service = FakeService::new(move |_, _| given(400, throttled, &[JSON]));
    let started = Instant::now();
    assert!(call(&service.clients(&[])).await.unwrap_err().is_transient());
    assert_eq!(service.seen().len(), 3);
    assert!(started.elapsed() <= MAX_BACKOFF * 2, "{:?}", started.elapsed());

    let passing = FakeService::new(move |before, _| match before {
        0 => Answer::Broken,
        1 => given(500, "{}", &[JSON]),
        _ => given(200, r#"{"TableNames":[]}"#, &[JSON]),
    });
    call(&passing.clients(&[])).await.unwrap();
    assert_eq!(passing.seen().len(), 3);
}

#[tokio::test]
async fn calls_are_signed_and_go_where_the_environment_says() {
    let service = FakeService::new(|_, _| given(200, "{}", &[JSON]));
    let hosts = async |variables: &[(&str, &str)]| {
        let (clients, before) = (service.clients(variables), service.seen().len());
        call(&clients).await.unwrap();
        clients.sqs().list_queues().send().await.unwrap();
        clients.ssm().get_parameter().name("a").send().await.unwrap();
        service.seen()[before..].iter().map(|seen| seen.uri.clone()).collect::<Vec<_>>()
    };
    let own = hosts(&[]).await;
    assert_eq!(
        own,
        [
            "https://dynamodb.eu-west-1.amazonaws.com/",
            "https://sqs.eu-west-1.amazonaws.com/",
            "https://ssm.eu-west-1.amazonaws.com/"
        ]
    );
    let (every, one) = (("AWS_ENDPOINT_URL", "http://every:1"), ("AWS_ENDPOINT_URL_SQS", "http://queue:2"));
    assert_eq!(hosts(&[every, one]).await, ["http://every:1/", "http://queue:2/", "http://every:1/"]);
    assert_eq!(hosts(&[every, one, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]).await, own);
    let seen = service.seen();
    assert!(seen.iter().all(|seen| seen.header("authorization").unwrap().contains("Credential=AKIDTEST/")));
    assert!(seen.iter().all(|seen| seen.header("x-amz-security-token") == Some("test-token")));
}
