//! What came and did not get through, and what did not come: the diagnosis names each cause first where it is, and not at
//! all where nearly the same happened without it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use terrace_tests::damage::damage;
use terrace_tests::items::text;
use terrace_tests::support::{
    BEGIN, DAY, HOUR, allowed, athlete, auth, codes, data, day, diagnosis, does_not_name, names_first, now, said, told,
    whose,
};
use terrace_tests::{Delivery, Terrace};

const U: &str = "/users/u/diagnosis";
const MINUTE: u64 = 60_000;

fn garmin() -> Value {
    whose("u", "GARMIN")
}

/// The diagnosis as of a moment.
async fn at(terrace: &Terrace, moment: u64) -> Value {
    diagnosis(terrace, U, moment - BEGIN).await
}

/// A life with a day's data each day, the last on day `last`.
fn steady(user: &Value, last: u64) -> Vec<Delivery> {
    let days = (0..=last).map(|number| day(number * DAY + HOUR, user));
    [auth(0, user)].into_iter().chain(days).collect()
}

#[tokio::test]
async fn quarantined() {
    let terrace = told(&steady(&garmin(), 1)).await;
    let seen = DAY + 2 * HOUR;
    does_not_name(&diagnosis(&terrace, U, seen).await, "quarantined");
    let nameless = data(DAY + HOUR, "sleep", &garmin(), &json!([{"metadata": {}}]));
    terrace.accept(&nameless).await;
    let found = diagnosis(&terrace, U, seen).await;
    names_first(&found, "quarantined");
    assert!(said(&found, "quarantined", "seen").contains("1 unidentified"), "{found:#}");
    assert_eq!(found["quarantined"]["newest"][0]["reason"], "unidentified");
    // Long afterwards it is not why nothing comes.
    assert_eq!(codes(&diagnosis(&terrace, U, 9 * DAY).await), ["silent", "quarantined"]);
}

#[tokio::test]
async fn ping_lost() {
    let terrace = told(&steady(&garmin(), 1)).await;
    let url = "https://bucket.s3.eu-west-2.amazonaws.com.example/x";
    let ping = json!({"type": "s3_payload", "status": "success", "url": url, "expires_in": 300, "user": garmin()});
    terrace.accept(&Delivery::new(ping.to_string()).ordered(BEGIN + DAY + HOUR)).await;
    does_not_name(&diagnosis(&terrace, U, DAY + 2 * HOUR).await, "ping_lost");
    terrace.settle().await;
    let found = diagnosis(&terrace, U, DAY + 2 * HOUR).await;
    names_first(&found, "ping_lost");
    does_not_name(&found, "quarantined");
    assert!(said(&found, "ping_lost", "seen").contains("ping_host"), "{found:#}");
    assert_eq!(codes(&diagnosis(&terrace, U, 9 * DAY).await), ["silent", "ping_lost"]);
}

#[tokio::test]
async fn job_failed() {
    let terrace = told(&steady(&garmin(), 1)).await;
    let many: Vec<_> = (0..300).map(|id| json!({"metadata": {"summary_id": format!("s{id}")}})).collect();
    let answer = terrace.accept(&data(DAY + HOUR, "sleep", &garmin(), &json!(many))).await;
    assert_eq!(answer["status"], "queued");
    // A job that was just queued is none that failed.
    does_not_name(&at(&terrace, now() + MINUTE).await, "job_failed");
    let found = at(&terrace, now() + HOUR).await;
    names_first(&found, "job_failed");
    assert_eq!(
        (found["unapplied"]["count"].as_u64(), &found["unapplied"]["newest"][0]["event"]),
        (Some(1), &json!("sleep"))
    );
    terrace.settle().await;
    does_not_name(&at(&terrace, now() + HOUR).await, "job_failed");
}

#[tokio::test]
async fn signature_failures() {
    let terrace = told(&[auth(0, &garmin()), day(HOUR, &garmin())]).await;
    does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "signature_failures");
    let wrong = format!("t={},v1={}", now() / 1_000, "0".repeat(64));
    // What is no signature at all is anybody's.
    assert_eq!(terrace.post(&day(HOUR, &garmin()).signature(Some("nonsense"))).await.status, 401);
    does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "signature_failures");
    assert_eq!(terrace.post(&day(HOUR, &garmin()).signature(Some(&wrong))).await.status, 401);
    let found = diagnosis(&terrace, U, 2 * HOUR).await;
    names_first(&found, "signature_failures");
    assert!(said(&found, "signature_failures", "seen").starts_with("1 delivery was refused"), "{found:#}");
    assert_eq!(found["looked_at"]["signature_failures"], json!({"count": 1, "metric": "SignatureMismatch"}));
    // Somebody of whom nothing ever came is told of it too.
    let nobody = diagnosis(&terrace, "/users/nobody/diagnosis", 2 * HOUR).await;
    assert_eq!(codes(&nobody), ["never_connected", "signature_failures"]);

    // What comes of the user afterwards shows that it is not theirs.
    let refused = now();
    while now() == refused {
        std::hint::spin_loop();
    }
    terrace.accept(&day(2 * HOUR, &garmin())).await;
    does_not_name(&diagnosis(&terrace, U, 3 * HOUR).await, "signature_failures");
}

#[tokio::test]
async fn retry_window_closing() {
    // Made seven hours ago, and here only now.
    for (late, closing) in [(7 * HOUR, true), (MINUTE, false)] {
        let made = now() - late;
        let user = json!({"user": garmin(), "type": "daily", "data": [{"metadata": {"start_time": "2025-07-02"}}]});
        let terrace = told(&[auth(0, &garmin()), Delivery::new(user.to_string()).ordered(made)]).await;
        let found = at(&terrace, now()).await;
        match closing {
            true => names_first(&found, "retry_window_closing"),
            false => does_not_name(&found, "retry_window_closing"),
        }
        // Once it has closed nothing can be saved any more.
        does_not_name(&at(&terrace, made + 9 * HOUR).await, "retry_window_closing");
    }
}

#[tokio::test]
async fn large_request_unfinished() {
    let terrace = told(&steady(&garmin(), 1)).await;
    let request = json!({"type": "large_request_sending", "user": garmin(), "reference": "q", "expected_payloads": 2});
    terrace.accept(&Delivery::new(request.to_string()).ordered(BEGIN + DAY)).await;
    for number in 1..=2 {
        let found = diagnosis(&terrace, U, DAY + 2 * HOUR).await;
        names_first(&found, "large_request_unfinished");
        assert!(
            said(&found, "large_request_unfinished", "seen").contains(&format!("q {} of 2", number - 1)),
            "{found:#}"
        );
        assert_eq!(found["unfinished_requests"][0]["expected"], 2);
        let chunk = day(DAY + HOUR + number, &garmin()).referring("q");
        terrace.accept(&chunk.trace(&format!("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b001:chunk:{number}"))).await;
    }
    let found = diagnosis(&terrace, U, DAY + 2 * HOUR).await;
    does_not_name(&found, "large_request_unfinished");
    assert!(found["unfinished_requests"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn not_synced_yet() {
    for (provider, word, delay) in [
        ("GARMIN", "circle arrows", "2 min"),
        ("GOOGLE", "30 to 60 minutes", "1 h"),
        ("GOOGLEFIT", "30 to 60 minutes", "1 h"),
        ("OURA", "pull down to sync", "15 min"),
    ] {
        let user = whose("u", provider);
        // Just connected.
        let terrace = told(&[auth(0, &user)]).await;
        let waits = diagnosis(&terrace, U, HOUR).await;
        names_first(&waits, "not_synced_yet");
        assert!(said(&waits, "not_synced_yet", "next_step").contains(word), "{waits:#}");
        assert!(said(&waits, "not_synced_yet", "means").contains(delay), "{waits:#}");

        // Data came, then none for most of a day.
        terrace.accept(&day(HOUR, &user)).await;
        does_not_name(&diagnosis(&terrace, U, 2 * HOUR).await, "not_synced_yet");
        names_first(&diagnosis(&terrace, U, 20 * HOUR).await, "not_synced_yet");
    }
}

#[tokio::test]
async fn silent() {
    let oura = whose("u", "OURA");
    let terrace = told(&steady(&oura, 6)).await;
    let found = diagnosis(&terrace, U, 10 * DAY).await;
    names_first(&found, "silent");
    assert!(said(&found, "silent", "seen").contains("usually some comes every 1 d"), "{found:#}");
    assert_eq!(found["types"][0]["usual_interval_seconds"], DAY / 1_000);
    does_not_name(&found, "not_synced_yet");
    does_not_name(&diagnosis(&terrace, U, 8 * DAY).await, "silent");
    // Who sends once a week is not silent after four days.
    let weekly: Vec<_> = (0..5).map(|week| day(week * 7 * DAY, &oura)).collect();
    let terrace = told(&[vec![auth(0, &oura)], weekly].concat()).await;
    does_not_name(&diagnosis(&terrace, U, 32 * DAY).await, "silent");
}

#[tokio::test]
async fn silent_in_one_type() {
    let oura = whose("u", "OURA");
    let sleep = |number: u64| {
        let id = json!([{"metadata": {"summary_id": number.to_string(), "start_time": "2025-07-01T22:00:00Z"}}]);
        data(number * DAY, "sleep", &oura, &id)
    };
    let terrace = told(&steady(&oura, 9)).await;
    for number in 0..5 {
        terrace.accept(&sleep(number)).await;
    }
    let seen = 9 * DAY + 2 * HOUR;
    let found = diagnosis(&terrace, U, seen).await;
    names_first(&found, "silent");
    assert!(said(&found, "silent", "seen").contains("no sleep since 2025-07-05"), "{found:#}");
    names_first(&diagnosis(&terrace, "/users/u/diagnosis?type=sleep", seen).await, "silent");
    does_not_name(&diagnosis(&terrace, "/users/u/diagnosis?type=daily", seen).await, "silent");
    terrace.accept(&sleep(9)).await;
    does_not_name(&diagnosis(&terrace, U, seen).await, "silent");
}

/// MyFitnessPal's diary may be closed while the connection lives.
#[tokio::test]
async fn a_diary_that_was_closed() {
    let user = whose("u", "MYFITNESSPAL");
    let terrace = told(&steady(&user, 6)).await;
    terrace.accept(&athlete(HOUR, &user, "jo")).await;
    let found = diagnosis(&terrace, U, 10 * DAY).await;
    names_first(&found, "wrong_account");
    assert_eq!(said(&found, "wrong_account", "link"), "https://www.myfitnesspal.com/food/diary/jo");
    assert!(said(&found, "wrong_account", "next_step").contains("not shared means that sharing is off"), "{found:#}");
    does_not_name(&diagnosis(&terrace, U, 7 * DAY).await, "wrong_account");
}

#[tokio::test]
async fn background_delivery_on_phones() {
    let apple = ["Low Power Mode", "Background App Refresh", "backfill", "1.6.12"];
    let android = ["unrestricted battery use"];
    for (provider, code, words) in [
        ("APPLE", "apple_background_delivery", &apple[..]),
        ("SAMSUNG", "health_connect_background", &android),
        ("HEALTH_CONNECT", "health_connect_background", &android),
    ] {
        let user = allowed("u", provider, "STEPS,SLEEP_ANALYSIS,WORKOUT_TYPE");
        let terrace = told(&[auth(0, &user)]).await;
        // Nothing ever came.
        does_not_name(&diagnosis(&terrace, U, 30 * MINUTE).await, code);
        let found = diagnosis(&terrace, U, 9 * HOUR).await;
        names_first(&found, code);
        let next = said(&found, code, "next_step");
        assert!(words.iter().all(|word| next.contains(word)), "{next}");
        assert!(said(&found, code, "link").starts_with("https://docs.tryterra.co/"), "{found:#}");
        // It came, and stopped.
        terrace.accept(&day(9 * HOUR, &user)).await;
        does_not_name(&diagnosis(&terrace, U, 12 * HOUR).await, code);
        names_first(&diagnosis(&terrace, U, 2 * DAY).await, code);
    }
    let terrace = told(&[auth(0, &garmin())]).await;
    does_not_name(&diagnosis(&terrace, U, 9 * HOUR).await, "apple_background_delivery");
}

/// Items that cannot be read are counted, and named where what is missing may lie in them.
#[tokio::test]
async fn damaged() {
    // Once the newest delivery, which brought the latest day; and once an older one, of a day that is there.
    for (number, first) in [(3, true), (0, false)] {
        let terrace = told(&steady(&garmin(), 3)).await;
        let seen = 3 * DAY + 2 * HOUR;
        let neighbour = diagnosis(&terrace, U, seen).await;
        does_not_name(&neighbour, "damaged");
        assert_eq!(neighbour["looked_at"]["damaged"], json!({"deliveries": 0, "records": 0, "marks": 0}));
        let made = BEGIN + number * DAY + HOUR;
        let items = terrace.items().await;
        let log =
            items.iter().map(|item| text(item, "record")).find(|record| record.starts_with(&format!("log#{made}")));
        damage(&terrace, ("u", log.unwrap()), "signed_at", None).await;
        let found = diagnosis(&terrace, U, seen).await;
        assert_eq!(found["looked_at"]["damaged"]["deliveries"], 1);
        match first {
            true => names_first(&found, "damaged"),
            false => assert_eq!(codes(&found).last(), Some(&"damaged"), "{found:#}"),
        }
        assert!(said(&found, "damaged", "seen").contains("1 delivery in the log."), "{found:#}");
        // Long afterwards it is not why nothing comes.
        assert_eq!(codes(&diagnosis(&terrace, U, 9 * DAY).await), ["silent", "damaged"]);
    }
}

/// Of the latest records and of the connection it matters whenever it was.
#[tokio::test]
async fn damaged_records_and_marks() {
    let lost = |record: &'static str, attribute: &'static str| async move {
        let terrace = told(&steady(&garmin(), 3)).await;
        damage(&terrace, ("u", record), attribute, Some(AttributeValue::N("1".to_owned()))).await;
        diagnosis(&terrace, U, 9 * DAY).await
    };
    let found = lost("daily#2025-07-04", "version").await;
    names_first(&found, "damaged");
    assert!(said(&found, "damaged", "seen").contains("1 latest record of a type."), "{found:#}");
    assert_eq!(found["types"][0]["last_record"], Value::Null);
    let found = lost("connection", "scopes").await;
    names_first(&found, "damaged");
    assert!(said(&found, "damaged", "seen").contains("1 mark of the connection."), "{found:#}");
    // A record that is not the latest of its type does not matter here.
    does_not_name(&lost("daily#2025-07-02", "version").await, "damaged");
}
