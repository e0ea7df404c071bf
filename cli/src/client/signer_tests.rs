//! Signatures against those that botocore 1.44.8 made of the same requests, keys and time; and what is said where there
//! is nobody to sign as.

use super::*;
use reqwest::{Client, Method};
use std::time::UNIX_EPOCH;

/// 2026-07-01T12:00:00Z.
const NOON: Duration = Duration::from_secs(1_782_907_200);

fn signed(method: Method, url: &str, body: &'static str, token: Option<&str>) -> Request {
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut request = Client::new().request(method, url).body(body).build().unwrap();
    let keys = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let credentials = Credentials::new(keys.0, keys.1, token.map(str::to_owned), None, "test");
    sign_at(&mut request, &credentials, "eu-west-1", UNIX_EPOCH + NOON).unwrap();
    request
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers().get(name).unwrap().to_str().unwrap()
}

#[test]
fn a_question_with_names_that_need_care_is_signed_as_botocore_signs_it() {
    let url = "https://ab1.execute-api.eu-west-1.amazonaws.com/prod/users/a%2Fb%20c%252F..%23%3F%C3%BC/records\
               ?id=x%2F..%2Fy%26z%3D1%20%2B%2A~&type=sleep&detail=full";
    let request = signed(Method::GET, url, "", None);
    assert_eq!(request.url().as_str(), url);
    assert_eq!(header(&request, "x-amz-date"), "20260701T120000Z");
    assert_eq!(
        header(&request, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260701/eu-west-1/execute-api/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=e1c9274a7455508302e6c7da3543fd4dfed74f6d45081e565318c9be651cd795"
    );
}

#[test]
fn an_order_is_signed_with_its_body_and_the_sessions_token() {
    let url = "https://ab1.execute-api.eu-west-1.amazonaws.com/replays";
    let request = signed(Method::POST, url, r#"{"only":"all"}"#, Some("TOKEN//example=="));
    assert_eq!(header(&request, "x-amz-security-token"), "TOKEN//example==");
    assert_eq!(
        header(&request, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260701/eu-west-1/execute-api/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-security-token, \
         Signature=c16d1eae7d862d37b3f64a213127e0ab11a6b613f8fde67b8bb384e15528b437"
    );
    assert!(!format!("{request:?}").contains("TOKEN"), "what signs is not shown");
}
