//! As whom Terra's API is asked in the cloud: a parameter says it, read when a diagnosis first needs it.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use terrace_query::diagnosis::terra_parameter::TerraOfParameter;
use terrace_query::diagnosis::witness::Witness;
use terrace_store::{KeptParameter, SecretSource, StoreError};
use terrace_tests::fake_terra::Said;
use terrace_tests::support::{HOUR, allowed, auth, day, diagnosis, told};
use terrace_tests::{FakeTerra, Terrace};
use zeroize::Zeroizing;

const U: &str = "/users/u/diagnosis";

/// A parameter that can be changed and can fail.
#[derive(Debug, Clone, Default)]
struct Parameter {
    text: Arc<Mutex<Option<String>>>,
    reads: Arc<AtomicUsize>,
}

#[async_trait]
impl SecretSource for Parameter {
    async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let text = self.text.lock().unwrap().clone();
        text.map(Zeroizing::new).ok_or_else(|| StoreError::refused("read the key of Terra's API", "AccessDenied"))
    }
}

impl Parameter {
    fn set(&self, text: &str) {
        *self.text.lock().unwrap() = Some(text.to_owned());
    }

    fn witness(&self, url: &str) -> Arc<dyn Witness> {
        let url = url.to_owned();
        let set = move |name: &str| (name == "TERRA_API_URL").then(|| url.clone());
        Arc::new(TerraOfParameter::new(KeptParameter::new(Box::new(self.clone())), &set).unwrap())
    }
}

async fn life() -> Terrace {
    let user = allowed("u", "GARMIN", "ACTIVITY_EXPORT,HEALTH_EXPORT");
    told(&[auth(0, &user), day(HOUR, &user)]).await
}

async fn knowing() -> FakeTerra {
    let user = json!({"user": {"user_id": "u", "provider": "GARMIN", "active": false}, "status": "success"});
    FakeTerra::new(move |_, _| Said::Json(200, user.clone())).await
}

async fn asked(terrace: &Terrace) -> Value {
    diagnosis(terrace, U, 2 * HOUR).await.get("witness").cloned().unwrap()
}

#[tokio::test]
async fn terra_is_asked_as_whom_the_parameter_says() {
    let terra = knowing().await;
    let parameter = Parameter::default();
    parameter.set(r#"{"dev_id":"dev-of-the-tests","api_key":"key-of-the-tests"}"#);
    let terrace = life().await.asking(parameter.witness(&terra.url("/v2")));
    assert_eq!(parameter.reads.load(Ordering::SeqCst), 0, "nothing is read before it is needed");
    for _ in 0..3 {
        let witness = asked(&terrace).await;
        assert_eq!((&witness["asked"], &witness["says"]["active"]), (&json!("known"), &json!(false)), "{witness}");
        assert!(!witness.to_string().contains("of-the-tests"), "{witness}");
    }
    assert_eq!(parameter.reads.load(Ordering::SeqCst), 1, "and then it is kept");
    let asked = terra.asked();
    assert!(!asked.is_empty());
    for request in &asked {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!((header("dev-id"), header("x-api-key")), (Some("dev-of-the-tests"), Some("key-of-the-tests")));
    }
}

#[tokio::test]
async fn without_a_key_nobody_is_asked_and_the_answer_says_why() {
    for (text, reason) in [
        (None, "the parameter with the key of Terra's API cannot be read"),
        (Some("{}"), "no developer id and API key of Terra are set"),
        (Some(r#"{"dev_id":"","api_key":""}"#), "no developer id and API key of Terra are set"),
        (
            Some(r#"{"dev_id":"d"}"#),
            "the parameter with the key of Terra's API does not hold both a developer id and a key",
        ),
        (Some("a-raw-key"), "the parameter with the key of Terra's API does not hold both a developer id and a key"),
        (
            Some(r#"{"dev_id":"d","api_key":"a\u0001b"}"#),
            "the parameter with the key of Terra's API does not hold both a developer id and a key",
        ),
    ] {
        let terra = knowing().await;
        let parameter = Parameter::default();
        if let Some(text) = text {
            parameter.set(text);
        }
        let terrace = life().await.asking(parameter.witness(&terra.url("/v2")));
        let witness = asked(&terrace).await;
        assert_eq!(witness, json!({"asked": "could_not_ask", "reason": reason, "says": null}), "{text:?}");
        assert!(terra.asked().is_empty(), "{text:?}");
    }
}

#[tokio::test]
async fn a_parameter_that_could_not_be_read_is_read_again() {
    let terra = knowing().await;
    let parameter = Parameter::default();
    let terrace = life().await.asking(parameter.witness(&terra.url("/v2")));
    assert_eq!(asked(&terrace).await["asked"], "could_not_ask");
    parameter.set(r#"{"dev_id":"d","api_key":"k"}"#);
    assert_eq!(asked(&terrace).await["asked"], "known");
}

#[test]
fn the_key_goes_nowhere_unsafe() {
    let kept = KeptParameter::new(Box::new(Parameter::default()));
    let unsafe_url = |name: &str| (name == "TERRA_API_URL").then(|| "http://api.tryterra.co/v2".to_owned());
    assert!(TerraOfParameter::new(kept, &unsafe_url).unwrap_err().to_string().contains("TERRA_API_URL"));
}
