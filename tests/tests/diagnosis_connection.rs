//! What ends a connection, whose account it is, and what it may bring: the diagnosis names each cause first where it is,
//! and not at all where nearly the same happened without it.

use http::StatusCode;
use serde_json::{Value, json};
use terrace_tests::support::{
    BEGIN, DAY, HOUR, allowed, athlete, auth, codes, data, day, diagnosis, does_not_name, event, names_first, now,
    said, told, whose,
};
use terrace_tests::{Delivery, Terrace};

const U: &str = "/users/u/diagnosis";

fn garmin() -> Value {
    whose("u", "GARMIN")
}

#[tokio::test]
async fn where_all_is_well_nothing_is_found() {
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin())]).await;
    let fine = diagnosis(&terrace, U, 2 * HOUR).await;
    assert!(codes(&fine).is_empty(), "{fine:#}");
    assert!(fine["summary"].as_str().unwrap().starts_with("Nothing explains missing data"), "{fine:#}");
}

#[tokio::test]
async fn never_connected() {
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin())]).await;
    let answer = terrace.get_at("/users/nobody/diagnosis", &[], BEGIN + DAY).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND.as_u16());
    let nobody: Value = serde_json::from_slice(&answer.body).unwrap();
    names_first(&nobody, "never_connected");
    assert_eq!(nobody["error"], "not_found");
    does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "never_connected");

    // What is known nearby: the id is one of the customer's.
    let near = diagnosis(&terrace, "/users/somebody/diagnosis", DAY).await;
    names_first(&near, "never_connected");
    assert!(near["message"].as_str().unwrap().contains("It is a reference_id: u has it."), "{near:#}");
    assert_eq!(near["same_reference"][0]["user_id"], "u");
}

#[tokio::test]
async fn never_connected_by_reference() {
    let cancelled = json!({"type": "auth_cancelled", "status": "error", "reference_id": "other"});
    let terrace = told(&[auth(0, &garmin()), Delivery::new(cancelled.to_string())]).await;
    let nobody = diagnosis(&terrace, "/references/nobody/diagnosis", DAY).await;
    names_first(&nobody, "never_connected");
    assert!(said(&nobody, "never_connected", "seen").starts_with("No delivery ever named"), "{nobody:#}");
    let failed = diagnosis(&terrace, "/references/other/diagnosis", DAY).await;
    assert!(said(&failed, "never_connected", "seen").contains("1 attempt to connect"), "{failed:#}");
    let user = diagnosis(&terrace, "/references/u/diagnosis", DAY).await;
    assert_eq!((user["error"].as_str(), user["user_id"].as_str()), (Some("not_found"), Some("u")));

    let known = diagnosis(&terrace, "/references/somebody/diagnosis", HOUR).await;
    assert_eq!(known["connections"][0]["user_id"], "u");
    does_not_name(&known["connections"][0], "never_connected");
}

#[tokio::test]
async fn every_connection_of_a_reference_is_told() {
    let oura = whose("v", "OURA");
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin()), auth(0, &oura), event(HOUR, "deauth", &oura)]).await;
    let both = diagnosis(&terrace, "/references/somebody/diagnosis", 2 * HOUR).await;
    let told: Vec<_> = both["connections"].as_array().unwrap().iter().map(codes).collect();
    assert_eq!((told, both["cut_off"].as_bool()), (vec![vec![], vec!["revoked"]], Some(false)), "{both:#}");
}

#[tokio::test]
async fn revoked() {
    for (how, word) in [("deauth", "removed"), ("access_revoked", "provider's side")] {
        let left = [auth(0, &garmin()), day(HOUR, &garmin()), event(2 * HOUR, how, &garmin())];
        let terrace = told(&left).await;
        let gone = diagnosis(&terrace, U, 3 * HOUR).await;
        names_first(&gone, "revoked");
        assert!(said(&gone, "revoked", "means").contains(word), "{gone:#}");
        assert!(said(&gone, "revoked", "next_step").contains("connect again"), "{gone:#}");

        terrace.accept(&auth(150 * 60_000, &garmin())).await;
        does_not_name(&diagnosis(&terrace, U, 3 * HOUR).await, "revoked");
    }
}

#[tokio::test]
async fn revoked_and_connected_anew_under_another_id() {
    let new = whose("v", "GARMIN");
    let terrace = told(&[auth(0, &garmin()), event(HOUR, "deauth", &garmin()), auth(2 * HOUR, &new)]).await;
    let gone = diagnosis(&terrace, U, 3 * HOUR).await;
    names_first(&gone, "revoked");
    assert!(said(&gone, "revoked", "next_step").contains("has v, which is active"), "{gone:#}");
}

#[tokio::test]
async fn connection_error() {
    let terrace =
        told(&[auth(0, &garmin()), day(HOUR, &garmin()), event(2 * HOUR, "connection_error", &garmin())]).await;
    names_first(&diagnosis(&terrace, U, 3 * HOUR).await, "connection_error");
    terrace.accept(&day(150 * 60_000, &garmin())).await;
    does_not_name(&diagnosis(&terrace, U, 3 * HOUR).await, "connection_error");
}

fn reauth(after: u64, old: &Value, new: &Value) -> Delivery {
    let body = json!({"type": "user_reauth", "status": "warning", "old_user": old, "new_user": new});
    Delivery::new(body.to_string()).ordered(BEGIN + after)
}

#[tokio::test]
async fn replaced() {
    let new = whose("v", "GARMIN");
    let life = [auth(0, &garmin()), day(HOUR, &garmin()), reauth(2 * HOUR, &garmin(), &new), day(3 * HOUR, &new)];
    let terrace = told(&life).await;
    let old = diagnosis(&terrace, U, 4 * HOUR).await;
    names_first(&old, "replaced");
    assert!(said(&old, "replaced", "seen").contains("v goes on"), "{old:#}");
    assert!(said(&old, "replaced", "seen").contains("daily at 2025-07-01T03:00:00.000Z"), "{old:#}");
    assert_eq!(old["replaced_by"]["user_id"], "v");
    assert!(old["types"].as_array().unwrap().iter().all(|one| one["last_record"].is_null()), "{old:#}");
    let gone_on = diagnosis(&terrace, "/users/v/diagnosis", 4 * HOUR).await;
    does_not_name(&gone_on, "replaced");
    assert_eq!(gone_on["types"][0]["last_record"]["start_time"], "2025-07-01T00:00:00Z");

    // The first id goes on again: what it once had is elsewhere, and no job has failed over it.
    terrace.accept(&reauth(4 * HOUR, &new, &garmin())).await;
    terrace.settle().await;
    does_not_name(&diagnosis(&terrace, U, now() + HOUR - BEGIN).await, "job_failed");
    names_first(&diagnosis(&terrace, "/users/v/diagnosis", 5 * HOUR).await, "replaced");
}

#[tokio::test]
async fn erased() {
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin())]).await;
    does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "erased");
    terrace.delete("/users/u").await;
    // Before the job too.
    for _ in 0..2 {
        let gone = diagnosis(&terrace, U, 2 * HOUR).await;
        names_first(&gone, "erased");
        assert_eq!((gone["types"].as_array().unwrap().len(), &gone["connection"]["provider"]), (0, &Value::Null));
        assert_eq!(gone["looked_at"]["deliveries"], 0);
        terrace.settle().await;
    }
    // Connected again, it lives, and what was before stays gone.
    terrace.accept(&auth(now() + 1_000 - BEGIN, &garmin())).await;
    let anew = diagnosis(&terrace, U, now() + HOUR - BEGIN).await;
    assert_eq!((codes(&anew), anew["types"].as_array().unwrap().len()), (vec!["not_synced_yet"], 0), "{anew:#}");
}

/// Accounts in which there is nothing, and what leads to them.
#[tokio::test]
async fn wrong_account_without_data() {
    for (provider, account, link, word) in [
        ("FREESTYLELIBRE", "ab-1", Some("https://www.libreview.com/patient/ab-1/profile"), "Glucose History"),
        ("MYFITNESSPAL", "jo.do", Some("https://www.myfitnesspal.com/food/diary/jo.do"), "diary sharing"),
        ("FITBIT", "7XK", None, "tap the avatar"),
    ] {
        let user = whose("u", provider);
        let terrace = told(&[auth(0, &user), athlete(60_000, &user, account)]).await;
        let wrong = diagnosis(&terrace, U, 4 * HOUR).await;
        names_first(&wrong, "wrong_account");
        let next = said(&wrong, "wrong_account", "next_step");
        assert!(next.contains(account) && next.contains(word), "{wrong:#}");
        assert!(link.is_none_or(|link| link == said(&wrong, "wrong_account", "link")), "{wrong:#}");

        // A day on which there is nothing is no data.
        terrace.accept(&data(HOUR, "daily", &user, &json!([]))).await;
        names_first(&diagnosis(&terrace, U, 4 * HOUR).await, "wrong_account");
        terrace.accept(&day(HOUR, &user)).await;
        does_not_name(&diagnosis(&terrace, U, 4 * HOUR).await, "wrong_account");
    }
}

#[tokio::test]
async fn wrong_account_named_by_an_email() {
    let user = whose("u", "MYFITNESSPAL");
    for (account, email) in [("jo@example.com", true), ("jo", false)] {
        let terrace = told(&[auth(0, &user), athlete(60_000, &user, account)]).await;
        let wrong = diagnosis(&terrace, U, 4 * HOUR).await;
        names_first(&wrong, "wrong_account");
        assert_eq!(said(&wrong, "wrong_account", "means").contains("typed their email"), email, "{wrong:#}");
    }
}

#[tokio::test]
async fn wrong_account_with_old_data_alone() {
    let user = whose("u", "FITBIT");
    for (date, wrong) in [("2024-01-05", true), ("2025-06-28", false)] {
        let old = data(HOUR, "daily", &user, &json!([{"metadata": {"start_time": date}}]));
        let terrace = told(&[auth(0, &user), old]).await;
        let found = diagnosis(&terrace, U, 3 * HOUR).await;
        match wrong {
            true => names_first(&found, "wrong_account"),
            false => does_not_name(&found, "wrong_account"),
        }
    }
}

#[tokio::test]
async fn a_provider_that_ended() {
    let user = whose("u", "FITBIT");
    let terrace = told(&[auth(0, &user), day(HOUR, &user)]).await;
    let ended = 1_793_577_600_000 - BEGIN;
    names_first(&diagnosis(&terrace, U, ended).await, "provider_retired");
    does_not_name(&diagnosis(&terrace, U, ended - 1).await, "provider_retired");
}

#[tokio::test]
async fn scope_missing() {
    let half = allowed("u", "GARMIN", "ACTIVITY_EXPORT");
    let terrace = told(&[auth(0, &half)]).await;
    let missing = diagnosis(&terrace, U, HOUR).await;
    names_first(&missing, "scope_missing");
    assert!(said(&missing, "scope_missing", "seen").contains("ACTIVITY_EXPORT: not what daily, sleep needs"));
    let asked = diagnosis(&terrace, "/users/u/diagnosis?type=activity", HOUR).await;
    does_not_name(&asked, "scope_missing");

    // What comes all the same is allowed all the same, whatever we make of the words.
    terrace.accept(&day(30_000, &half)).await;
    terrace.accept(&data(31_000, "activity", &half, &json!([{"metadata": {"summary_id": "a"}}]))).await;
    let rest = diagnosis(&terrace, U, HOUR).await;
    assert!(said(&rest, "scope_missing", "seen").ends_with("not what sleep needs."), "{rest:#}");

    // Granted later, or words that nobody here knows.
    for scopes in ["ACTIVITY_EXPORT,HEALTH_EXPORT", "all"] {
        let body = json!({"type": "permission_change", "user": allowed("u", "GARMIN", scopes)});
        terrace.accept(&Delivery::new(body.to_string()).ordered(BEGIN + 60_000)).await;
        does_not_name(&diagnosis(&terrace, U, HOUR).await, "scope_missing");
    }
    // Taken back.
    let body = json!({"type": "permission_change", "user": allowed("u", "GARMIN", "")});
    terrace.accept(&Delivery::new(body.to_string()).ordered(BEGIN + 120_000)).await;
    names_first(&diagnosis(&terrace, U, HOUR).await, "scope_missing");
}

#[tokio::test]
async fn type_not_delivered() {
    let user = whose("u", "FREESTYLELIBRE");
    let glucose = data(HOUR, "body", &user, &json!([{"metadata": {"start_time": "2025-07-01"}}]));
    let terrace = told(&[auth(0, &user), glucose]).await;
    for (missed, word) in [("sleep", "FreeStyle Libre has no sleep"), ("lab_report", "reference_id")] {
        let none = diagnosis(&terrace, &format!("{U}?type={missed}"), 2 * HOUR).await;
        names_first(&none, "type_not_delivered");
        assert!(said(&none, "type_not_delivered", "means").contains(word), "{none:#}");
    }
    does_not_name(&diagnosis(&terrace, "/users/u/diagnosis?type=body", 2 * HOUR).await, "type_not_delivered");
    does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "type_not_delivered");
}

#[tokio::test]
async fn type_never_came() {
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin())]).await;
    names_first(&diagnosis(&terrace, "/users/u/diagnosis?type=sleep", 2 * HOUR).await, "type_never_came");
    does_not_name(&diagnosis(&terrace, "/users/u/diagnosis?type=daily", 2 * HOUR).await, "type_never_came");
    let wrong = terrace.get_at("/users/u/diagnosis", &[("type", "dayly")], BEGIN).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST.as_u16());
}

/// What is in quarantine before anything else is known makes no connection, and is no reason to say that nobody knows.
#[tokio::test]
async fn who_is_named_by_nothing_but_what_was_not_understood_is_known() {
    let terrace = Terrace::new().await;
    terrace.accept(&Delivery::new(r#"{"type":"route","user":{"user_id":"u"},"data":[1]}"#)).await;
    let answer = terrace.get_at(U, &[], BEGIN).await;
    assert_eq!(answer.status, StatusCode::OK.as_u16());
    let known: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(codes(&known), ["never_connected", "quarantined"]);
}
