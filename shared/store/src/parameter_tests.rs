use super::*;
use crate::clients::fake_service::{Answer, FakeService, given};

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

async fn read(service: &FakeService) -> Result<Zeroizing<String>, StoreError> {
    SsmParameter::new(service.clients(&[]), "/terrace/secrets", Holds::SigningSecrets).read().await
}

#[tokio::test]
async fn the_key_of_terras_api_has_a_setting_of_its_own() {
    let missing = given_error("ParameterNotFound");
    let parameter = SsmParameter::new(missing.clients(&[]), "/terrace/terra-api", Holds::TerraApi);
    let text = parameter.read().await.unwrap_err().to_string();
    assert!(text.contains("TERRACE_TERRA_API_PARAMETER") && !text.contains("/terrace/"), "{text}");
}

#[tokio::test]
async fn the_parameter_is_read_decrypted() {
    let value = r#"{"Parameter":{"Name":"/terrace/secrets","Type":"SecureString","Value":"[\"one\"]"}}"#;
    let service = FakeService::new(move |_, _| given(200, value, &[JSON]));
    assert_eq!(*read(&service).await.unwrap(), r#"["one"]"#);
    let seen = service.seen();
    let asked: serde_json::Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(asked, serde_json::json!({"Name": "/terrace/secrets", "WithDecryption": true}));
    assert_eq!(seen[0].header("x-amz-target"), Some("AmazonSSM.GetParameter"));
}

#[tokio::test]
async fn a_missing_parameter_names_the_setting() {
    let missing = given_error("ParameterNotFound");
    let error = read(&missing).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("TERRACE_SECRETS_PARAMETER") && !text.contains("/terrace/secrets"), "{text}");
    assert!(!error.is_transient());
    let empty = FakeService::new(|_, _| given(200, "{}", &[JSON]));
    assert!(read(&empty).await.unwrap_err().to_string().contains("TERRACE_SECRETS_PARAMETER"));
}

#[tokio::test(start_paused = true)]
async fn other_failures_say_whether_they_pass() {
    assert!(read(&given_error("ThrottlingException")).await.unwrap_err().is_transient());
    assert!(read(&FakeService::new(|_, _| Answer::Never)).await.unwrap_err().is_transient());
    let denied = read(&given_error("AccessDeniedException")).await.unwrap_err();
    assert!(!denied.is_transient() && denied.to_string().contains("AccessDeniedException"), "{denied}");
}

fn given_error(code: &'static str) -> FakeService {
    FakeService::new(move |_, _| {
        given(400, &format!(r#"{{"__type":"{code}","message":"of /terrace/secrets"}}"#), &[JSON])
    })
}
