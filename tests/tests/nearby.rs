//! Who asks for what is not there is told what is known nearby.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it has to be"
)]

use serde_json::{Value, json};
use terrace_terra::UnixSeconds;
use terrace_tests::{Delivery, Terrace};

fn auth(user: &str, reference: &str) -> Delivery {
    Delivery::new(json!({"type": "auth", "user": {"user_id": user, "reference_id": reference}}).to_string())
}

fn daily(user: &str) -> Delivery {
    let data = json!([{"metadata": {"start_time": "2026-07-01"}}]);
    Delivery::new(json!({"type": "daily", "user": {"user_id": user}, "data": data}).to_string())
}

fn reauth(old: &str, new: &str, second: u64) -> Delivery {
    let body = json!({"type": "user_reauth", "old_user": {"user_id": old}, "new_user": {"user_id": new}});
    Delivery::new(body.to_string()).ordered((UnixSeconds::now().0 + second) * 1_000)
}

async fn refused(terrace: &Terrace, path: &str) -> (Value, String) {
    let answer = terrace.get(path, &[]).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["error"]), (404, &json!("not_found")), "{path}");
    let message = body["message"].as_str().unwrap().to_owned();
    (body, message)
}

#[tokio::test]
async fn an_id_that_was_replaced_leads_to_the_one_that_goes_on() {
    let terrace = Terrace::new().await;
    terrace.accept(&daily("one")).await;
    terrace.accept(&reauth("one", "two", 1)).await;
    terrace.settle().await;
    let path = "/users/one/records/daily/2026-07-01";
    let (body, message) = refused(&terrace, path).await;
    assert_eq!(body["replaced_by"], "two");
    assert!(message.contains("/users/two"), "{message}");
    terrace.accept(&reauth("two", "three", 2)).await;
    terrace.settle().await;
    for (path, by) in [(path, "three"), ("/users/two/records/daily/none", "three")] {
        assert_eq!(refused(&terrace, path).await.0["replaced_by"], by, "{path}");
    }
    let list = terrace.read("/users/one/records", &[]).await;
    assert_eq!(list, json!({"records": [], "cursor": null, "replaced_by": "three"}));
    let list = terrace.read("/users/one/records", &[("id", "2026-07-01")]).await;
    assert_eq!(list["replaced_by"], "three");
    assert_eq!(terrace.read("/users/one", &[]).await["replaced_by"], "two", "the connection says what it was told");
    let (body, message) = refused(&terrace, "/users/three/records/daily/2030-01-01").await;
    assert!(body.get("replaced_by").is_none() && message.contains("no such record"), "{message}");
    assert!(terrace.read("/users/three/records", &[]).await.get("replaced_by").is_none());
}

#[tokio::test]
async fn a_reference_taken_for_a_user_and_a_user_taken_for_a_reference_are_told() {
    let terrace = Terrace::new().await;
    terrace.accept(&auth("the-user", "the-reference")).await;
    let report = json!({"type": "lab_report.completed", "data": {"session_id": "s", "reference_id": "lab-alone"}});
    terrace.accept(&Delivery::new(report.to_string())).await;
    for reference in ["the-reference", "lab-alone"] {
        for rest in ["", "/records", "/deliveries", "/requests", "/records/daily/2026-07-01"] {
            let (_, message) = refused(&terrace, &format!("/users/{reference}{rest}")).await;
            assert!(message.contains("/references/{reference_id}"), "{reference}{rest}: {message}");
        }
    }
    for rest in ["", "/records", "/records/lab_report/s"] {
        let (_, message) = refused(&terrace, &format!("/references/the-user{rest}")).await;
        assert!(message.contains("/users/{user_id}"), "{rest}: {message}");
        let (_, message) = refused(&terrace, &format!("/references/nobody{rest}")).await;
        assert!(message.contains("no connection has this reference"), "{rest}: {message}");
    }
    assert_eq!(
        terrace.read("/references/the-reference/records", &[]).await["records"],
        json!([]),
        "an end user who is known may have no records of their own yet"
    );
}

#[tokio::test]
async fn an_id_written_otherwise_is_told() {
    let terrace = Terrace::new().await;
    terrace.accept(&daily("7243c4e7-7d2b-4a51-9f0c")).await;
    for written in ["7243C4E7-7D2B-4A51-9F0C", " 7243c4e7-7d2b-4a51-9f0c\n"] {
        let (_, message) = refused(&terrace, &format!("/users/{written}")).await;
        assert!(message.contains("lower case"), "{message}");
    }
    let (_, message) = refused(&terrace, "/users/7243c4e7").await;
    assert!(message.contains("no delivery named it") && !message.contains("but"), "{message}");
}
