//! What Terra says against what came, how a whole diagnosis is told, and how far it looks.

use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use terrace_query::diagnosis::terra::Terra;
use terrace_query::diagnosis::witness::{Ask, TerraUser, Witness};
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::telemetry::Telemetry;
use terrace_terra::ids::UserId;
use terrace_tests::fake_terra::Said;
use terrace_tests::support::{
    BEGIN, DAY, HOUR, allowed, athlete, auth, codes, data, day, diagnosis, does_not_name, event, names_first, said,
    told, whose,
};
use terrace_tests::{FakeTerra, Terrace};

const U: &str = "/users/u/diagnosis";

/// Terra, as far as it says this of everybody.
#[derive(Debug)]
struct Says(Ask);

#[async_trait]
impl Witness for Says {
    async fn user(&self, _: &UserId<'_>) -> Ask {
        self.0.clone()
    }
}

/// What Terra says where it agrees with what came in [`life`].
fn agreeing() -> TerraUser {
    TerraUser {
        active: Some(true),
        provider: Some("GARMIN".to_owned()),
        reference_id: Some("somebody".to_owned()),
        scopes: Some(vec!["HEALTH_EXPORT".to_owned(), "ACTIVITY_EXPORT".to_owned()]),
        created_at: Some(BEGIN),
        last_webhook_update: Some(BEGIN + HOUR),
        provider_user_id: None,
        most_recent_data_at: Some(BEGIN + HOUR),
    }
}

async fn life() -> Terrace {
    let user = allowed("u", "GARMIN", "ACTIVITY_EXPORT,HEALTH_EXPORT");
    told(&[auth(0, &user), day(HOUR, &user)]).await
}

async fn with(ask: Ask, after: u64) -> Value {
    diagnosis(&life().await.witnessed(Says(ask)), U, after).await
}

#[tokio::test]
async fn where_terra_agrees_nothing_is_found() {
    let fine = with(Ask::Known(agreeing()), 2 * HOUR).await;
    assert!(codes(&fine).is_empty(), "{fine:#}");
    assert_eq!((&fine["witness"]["asked"], &fine["witness"]["says"]["active"]), (&json!("known"), &json!(true)));
}

#[tokio::test]
async fn where_terra_cannot_be_asked_the_diagnosis_answers_and_says_so() {
    let silent = with(Ask::CouldNotAsk("Terra did not answer within 2 seconds"), 2 * HOUR).await;
    assert!(codes(&silent).is_empty(), "{silent:#}");
    let told = json!({"asked": "could_not_ask", "reason": "Terra did not answer within 2 seconds", "says": null});
    assert_eq!(silent["witness"], told);
}

/// Each disagreement is named first; where Terra agrees none is (above).
#[tokio::test]
async fn where_terra_says_something_else() {
    for (code, says) in [
        ("terra_says_inactive", Ask::Known(TerraUser { active: Some(false), ..agreeing() })),
        ("terra_does_not_know", Ask::Unknown),
        ("terra_has_newer_data", Ask::Known(TerraUser { most_recent_data_at: Some(BEGIN + 3 * HOUR), ..agreeing() })),
        ("other_reference", Ask::Known(TerraUser { reference_id: Some("else".to_owned()), ..agreeing() })),
        ("other_scopes", Ask::Known(TerraUser { scopes: Some(vec!["HEALTH_EXPORT".to_owned()]), ..agreeing() })),
    ] {
        names_first(&with(says, 2 * HOUR).await, code);
    }
}

#[tokio::test]
async fn what_terra_sent_and_never_came() {
    let sent = Ask::Known(TerraUser { last_webhook_update: Some(BEGIN + 90 * 60_000), ..agreeing() });
    for (after, word) in [
        (2 * HOUR, "Terra tries again by itself"),
        (11 * HOUR, "Resend it from Terra's dashboard before 2025-07-15"),
        (20 * DAY, "no longer has it in its history"),
    ] {
        let found = with(sent.clone(), after).await;
        names_first(&found, "sent_but_never_came");
        assert!(said(&found, "sent_but_never_came", "next_step").contains(word), "{found:#}");
    }
}

#[tokio::test]
async fn whom_terra_alone_knows() {
    let terrace = life().await.witnessed(Says(Ask::Known(agreeing())));
    let found = diagnosis(&terrace, "/users/nobody/diagnosis", 2 * HOUR).await;
    names_first(&found, "known_to_terra_alone");
    does_not_name(&found, "never_connected");
    assert_eq!(found["error"], "not_found");
    let terrace = terrace.witnessed(Says(Ask::Unknown));
    does_not_name(&diagnosis(&terrace, "/users/nobody/diagnosis", 2 * HOUR).await, "known_to_terra_alone");
}

#[tokio::test]
async fn what_ended_here_and_lives_for_terra() {
    let left = [("deauth", "revoked"), ("connection_error", "connection_error")];
    for (event_type, code) in left {
        let terrace = life().await.witnessed(Says(Ask::Known(agreeing())));
        does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "terra_says_active");
        terrace.accept(&event(90 * 60_000, event_type, &whose("u", "GARMIN"))).await;
        // What happened here is the likelier cause: Terra's word is not always up to date.
        assert_eq!(codes(&diagnosis(&terrace, U, 2 * HOUR).await), [code, "terra_says_active"]);
    }
}

#[tokio::test]
async fn what_ended_here_is_not_said_to_be_missing() {
    let terrace = life().await.witnessed(Says(Ask::Unknown));
    terrace.accept(&event(90 * 60_000, "deauth", &whose("u", "GARMIN"))).await;
    assert_eq!(codes(&diagnosis(&terrace, U, 2 * HOUR).await), ["revoked"]);
}

#[tokio::test]
async fn the_account_that_terra_names_counts() {
    let user = whose("u", "FREESTYLELIBRE");
    let account = TerraUser { provider_user_id: Some("from-terra".to_owned()), ..TerraUser::default() };
    let terrace = told(&[auth(0, &user)]).await.witnessed(Says(Ask::Known(account)));
    let found = diagnosis(&terrace, U, 4 * HOUR).await;
    names_first(&found, "wrong_account");
    assert_eq!(said(&found, "wrong_account", "link"), "https://www.libreview.com/patient/from-terra/profile");
}

/// A function of its own does not know what the webhook refused, and says where to look.
#[tokio::test]
async fn where_the_webhook_runs_elsewhere_its_metric_tells() {
    let mut terrace = life().await;
    let (queue, telemetry) = (Arc::new(terrace.queue.clone()), Arc::new(Telemetry::to(Vec::new())));
    terrace.query = Query::new(terrace.table.clone(), terrace.log.clone(), queue, LargeAnswers::Redirected, telemetry);
    let found = diagnosis(&terrace, U, 2 * HOUR).await;
    let told = &found["looked_at"]["signature_failures"];
    assert_eq!(told, &json!({"count": null, "metric": "SignatureMismatch"}));
}

/// The whole of an answer. Only the moments of the server's own clock are left out.
#[tokio::test]
async fn a_whole_diagnosis() {
    let user = allowed("u", "GARMIN", "ACTIVITY_EXPORT,HEALTH_EXPORT");
    let terrace = told(&[auth(0, &user), athlete(60_000, &user, "g-1"), auth(0, &whose("v", "OURA"))]).await;
    for number in 0..5 {
        terrace.accept(&day(number * DAY + HOUR, &user)).await;
    }
    let nameless = data(4 * DAY, "sleep", &user, &json!([{"metadata": {}, "secret": 61_517}]));
    terrace.accept(&nameless.trace("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001")).await;
    let mut whole = diagnosis(&terrace, U, 9 * DAY).await;
    let text = whole.to_string();
    assert!(!text.contains("61517") && !text.contains("secret"), "nothing that was measured is told: {text}");
    for place in
        ["/quarantined/newest/0/received_at", "/types/0/last_record/updated_at", "/types/1/last_record/updated_at"]
    {
        *whole.pointer_mut(place).unwrap() = json!("…");
    }
    for finding in whole["findings"].as_array_mut().unwrap() {
        if finding["code"] == "quarantined" {
            let seen = finding["seen"].as_str().unwrap().split("; the newest").next().unwrap().to_owned();
            finding["seen"] = json!(seen);
        }
    }
    insta::assert_json_snapshot!(whole);
}

#[tokio::test]
async fn a_long_life_is_looked_at_from_its_end_and_the_answer_says_so() {
    let user = whose("u", "OURA");
    let terrace = told(&[auth(0, &user)]).await;
    for number in 0..505_u64 {
        let body = json!([{"metadata": {"start_time": "2025-07-01"}, "number": number}]);
        terrace.accept(&data(HOUR + number * 1_000, "daily", &user, &body)).await;
    }
    let found = diagnosis(&terrace, U, 2 * HOUR).await;
    assert!(codes(&found).is_empty(), "{found:#}");
    let looked_at = &found["looked_at"];
    assert_eq!((looked_at["deliveries"].as_u64(), looked_at["cut_off"].as_bool()), (Some(500), Some(true)));
    assert_eq!(looked_at["since"], "2025-07-01T01:00:05.000Z");
    assert_eq!(found["types"][0]["last_delivery"], "2025-07-01T01:08:24.000Z");
}

#[tokio::test]
async fn the_latest_record_is_the_one_of_the_latest_date() {
    let user = whose("u", "OURA");
    let sleep = |id: &str, start: &str| json!([{"metadata": {"summary_id": id, "start_time": start}}]);
    let deleted = json!([{"metadata": {"summary_id": "a", "start_time": "2025-07-01T08:00:00Z", "upload_type": 4}}]);
    let life = [
        auth(0, &user),
        data(1_000, "sleep", &user, &sleep("b", "2025-06-30T23:00:00+02:00")),
        data(2_000, "sleep", &user, &sleep("c", "2025-06-28T23:00:00+02:00")),
        // Without a date it has no place among the dated.
        data(3_000, "sleep", &user, &json!([{"metadata": {"summary_id": "d"}}])),
        data(4_000, "activity", &user, &deleted),
    ];
    let found = diagnosis(&told(&life).await, U, HOUR).await;
    let types: Vec<_> = found["types"].as_array().unwrap().iter().collect();
    let start = |number: usize| types.get(number).map(|one| (&one["type"], &one["last_record"]["start_time"]));
    assert_eq!(start(0), Some((&json!("activity"), &Value::Null)));
    assert_eq!(start(1), Some((&json!("sleep"), &json!("2025-06-30T23:00:00+02:00"))));
}

/// The same through the client of Terra's API, over HTTP.
#[tokio::test]
async fn terras_api_is_asked_where_it_is_configured() {
    let user = json!({"user": {"user_id": "u", "provider": "GARMIN", "reference_id": "somebody", "active": false},
        "status": "success", "is_authenticated": true});
    for (said, asked, code) in [
        (Said::Json(200, user), "known", Some("terra_says_inactive")),
        (Said::unknown(), "unknown", Some("terra_does_not_know")),
        (Said::Json(401, json!({"detail": "no"})), "could_not_ask", None),
        (Said::Raw(429, "retry-after: 3600", ""), "could_not_ask", None),
        (Said::Raw(500, "", "oops"), "could_not_ask", None),
        (Said::Raw(200, "", "<html>"), "could_not_ask", None),
    ] {
        let terra = FakeTerra::new(move |_, _| said.clone()).await;
        let url = terra.url("/v2");
        let set = |name: &str| match name {
            "TERRA_DEV_ID" => Some("dev".to_owned()),
            "TERRA_API_KEY" => Some("key".to_owned()),
            "TERRA_API_URL" => Some(url.clone()),
            _ => None,
        };
        let witness = Terra::configured(&set).unwrap().unwrap();
        let found = diagnosis(&life().await.asking(witness), U, 2 * HOUR).await;
        assert_eq!(found["witness"]["asked"], asked, "{found:#}");
        assert_eq!(codes(&found).first().copied(), code, "{found:#}");
        assert!(!found.to_string().contains("\"key\""), "{found:#}");
    }
    assert!(Terra::configured(&|_| None).unwrap().is_none());
    let half = Terra::configured(&|name| (name == "TERRA_DEV_ID").then(|| "dev".to_owned())).unwrap_err();
    assert!(half.to_string().contains("TERRA_API_KEY"), "{half}");
}
