//! What is made of Terra's API, whatever it says: both hosts, both spellings, and everything that can go wrong on the
//! way, over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use terrace_terra_api::{
    CachedTerra, Down, HistoryType, Limits, Sent, Settings, TerraApi, TerraApiError, Unreadable, Witness,
};
use terrace_tests::FakeTerra;
use terrace_tests::fake_terra::Said;

const KEY: &str = "a-key-of-the-tests";
const PRESENT: &str = "/api/v2";
const OLD: &str = "/v2";

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(5),
        question: Duration::from_secs(20),
        attempts: 3,
        per_second: 1_000,
    }
}

fn at(url: &str, limits: Limits) -> TerraApi {
    let environment = |name: &str| match name {
        "TERRA_DEV_ID" => Some("a-developer".to_owned()),
        "TERRA_API_KEY" => Some(KEY.to_owned()),
        "TERRA_API_URL" => Some(url.to_owned()),
        _ => None,
    };
    TerraApi::new(&Settings::read(&environment).unwrap().unwrap(), limits).unwrap()
}

/// What asking a fake for a user comes to, and how often it was asked.
async fn asking(
    said: impl Fn(usize) -> Said + Send + Sync + 'static,
    limits: Limits,
) -> (Result<(), TerraApiError>, usize) {
    let fake = FakeTerra::new(move |_, before| said(before)).await;
    let came = at(&fake.url(PRESENT), limits).user("u").await.map(|user| assert_eq!(user.user_id, "u"));
    (came, fake.asked().len())
}

fn user(id: &str) -> Value {
    json!({"user_id": id, "provider": "GARMIN", "reference_id": "r", "active": true, "scopes": "A,B",
        "created_at": "2026-07-01T00:00:00+00:00", "last_webhook_update": null})
}

fn found() -> Said {
    Said::Json(200, json!({"user": user("u"), "status": "success", "is_authenticated": true}))
}

#[tokio::test]
async fn both_hosts_are_asked_as_their_documents_say() {
    for path in [PRESENT, OLD] {
        let fake = FakeTerra::new(|asked, _| match asked.parameter("user_id") {
            "a b&c=ü/.." => found(),
            "gone" => Said::unknown(),
            _ => Said::Json(200, json!({"status": "success", "is_authenticated": false})),
        })
        .await;
        let terra = at(&fake.url(path), limits());
        assert_eq!(terra.user("a b&c=ü/..").await.unwrap().scopes.unwrap().names(), ["A", "B"]);
        for unknown in ["gone", "gone from the old host"] {
            assert_eq!(terra.user(unknown).await.unwrap_err(), TerraApiError::UnknownUser);
        }
        let asked = &fake.asked()[0];
        assert_eq!(asked.path, format!("{path}/userInfo"));
        assert_eq!((&*asked.headers["dev-id"], &*asked.headers["x-api-key"]), ("a-developer", KEY));
    }
}

#[tokio::test]
async fn a_reference_has_its_users_in_every_shape() {
    let shapes = [
        json!([user("u"), user("v")]),
        json!({"users": [user("u"), user("v"), {"provider": "of nobody"}], "status": "success"}),
        json!({"user": [user("u"), user("v")]}),
    ];
    for shape in shapes {
        let fake = FakeTerra::new(move |_, _| Said::Json(200, shape.clone())).await;
        let users = at(&fake.url(OLD), limits()).users_of_reference("r").await.unwrap();
        assert_eq!(users.iter().map(|user| user.user_id.as_str()).collect::<Vec<_>>(), ["u", "v"]);
        assert_eq!(fake.asked()[0].parameter("reference_id"), "r");
    }
    for nobody in [Said::unknown(), Said::Json(200, json!([])), Said::Json(200, json!({"users": []}))] {
        let fake = FakeTerra::new(move |_, _| nobody.clone()).await;
        let answer = at(&fake.url(PRESENT), limits()).users_of_reference("r").await;
        assert_eq!(answer.unwrap_err(), TerraApiError::UnknownUser);
    }
}

#[tokio::test]
async fn all_users_are_read_page_by_page_and_from_the_host_without_pages() {
    let names =
        |users: Vec<terrace_terra_api::TerraUser>| users.into_iter().map(|user| user.user_id).collect::<Vec<_>>();
    let paged = FakeTerra::new(|asked, _| match asked.parameter("page") {
        "0" => Said::Json(200, json!({"data": {"next": 1, "max_page": 1, "results": [user("u"), user("v")]}})),
        _ => Said::Json(200, json!({"data": {"next": null, "max_page": 1, "results": [user("w")]}})),
    })
    .await;
    assert_eq!(names(at(&paged.url(PRESENT), limits()).users().await.unwrap()), ["u", "v", "w"]);
    assert_eq!(paged.asked().len(), 2);
    let whole = FakeTerra::new(|_, _| Said::Json(200, json!({"users": [user("u"), user("v")]}))).await;
    assert_eq!(names(at(&whole.url(OLD), limits()).users().await.unwrap()), ["u", "v"]);
    // Pages that lead in a ring are left.
    let ring = FakeTerra::new(|_, _| Said::Json(200, json!({"data": {"next": 0, "results": [user("u")]}}))).await;
    let error = at(&ring.url(PRESENT), limits()).users().await.unwrap_err();
    assert_eq!(error, TerraApiError::Unreadable(Unreadable::Shape));
}

#[tokio::test]
async fn a_wrong_key_is_said_at_once() {
    for status in [401, 403] {
        let (came, asked) = asking(move |_| Said::Json(status, json!({"detail": "no"})), limits()).await;
        assert_eq!((came.unwrap_err(), asked), (TerraApiError::Unauthorised { status }, 1));
    }
}

#[tokio::test]
async fn retry_after_is_honoured_where_there_is_time() {
    let limited = |wait: &'static str| move |before| if before == 0 { Said::Raw(429, wait, "{}") } else { found() };
    let began = Instant::now();
    let (came, asked) = asking(limited("retry-after: 1"), limits()).await;
    assert_eq!((came, asked), (Ok(()), 2));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let (came, asked) = asking(limited("retry-after: 3600"), limits()).await;
    let waits = TerraApiError::Limited { retry_after: Some(Duration::from_secs(3_600)) };
    assert!(waits.may_help_again());
    assert_eq!((came.unwrap_err(), asked), (waits, 1));
    let (came, _) =
        asking(|_| Said::Json(200, json!({"type": "processing", "retry_after_seconds": 99})), limits()).await;
    assert_eq!(came.unwrap_err().code(), "limited");
}

#[tokio::test]
async fn what_is_down_is_asked_again_and_then_no_more() {
    let (came, asked) = asking(|before| if before < 2 { Said::Raw(500, "", "oops") } else { found() }, limits()).await;
    assert_eq!((came, asked), (Ok(()), 3));
    let (came, asked) = asking(|_| Said::Raw(502, "", "oops"), limits()).await;
    assert_eq!((came.unwrap_err(), asked), (TerraApiError::Down(Down::Status(502)), 3));
    let (came, asked) = asking(|_| Said::Close, limits()).await;
    assert_eq!((came.unwrap_err(), asked), (TerraApiError::Down(Down::BrokenOff), 3));
    // A port that was free a moment ago.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = at(&format!("http://{nobody}/v2"), limits()).user("u").await.unwrap_err();
    assert_eq!(error, TerraApiError::Down(Down::Unreachable));
}

#[tokio::test]
async fn what_never_answers_takes_no_longer_than_it_may() {
    let hurried = Limits { attempt: Duration::from_millis(200), attempts: 2, ..limits() };
    let began = Instant::now();
    let (came, asked) = asking(|_| Said::Nothing, hurried).await;
    assert_eq!((came.unwrap_err(), asked), (TerraApiError::Slow, 2));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_is_none_of_terras_is_no_unknown_user() {
    let cases = [
        (Said::Raw(200, "content-type: text/html", "<html>"), Unreadable::NotJson),
        (Said::Raw(404, "content-type: text/html", "<html>"), Unreadable::NotTerra),
        (Said::Json(404, json!({"error": "not_found"})), Unreadable::NotTerra),
        (Said::Json(200, json!({"hello": "world"})), Unreadable::Shape),
        (Said::Json(200, json!({"user": {"provider": "GARMIN"}})), Unreadable::Shape),
        (Said::Endless, Unreadable::TooLong(4 * 1_024 * 1_024)),
    ];
    for (said, reason) in cases {
        let shown = format!("{said:?}");
        let (came, asked) = asking(move |_| said.clone(), limits()).await;
        assert_eq!((came.unwrap_err(), asked), (TerraApiError::Unreadable(reason), 1), "{shown}");
    }
    let refused = Said::Json(400, json!({"title": "bad request", "detail": "x".repeat(1_000)}));
    let (came, _) = asking(move |_| refused.clone(), limits()).await;
    assert_eq!(came.unwrap_err(), TerraApiError::Refused { status: 400, said: "x".repeat(200) });
}

#[tokio::test]
async fn the_key_follows_no_redirect() {
    let other = FakeTerra::new(|_, _| found()).await;
    let place = other.url("/api/v2/userInfo?user_id=u");
    let (came, _) = asking(move |_| Said::Redirect(place.clone()), limits()).await;
    assert_eq!(came.unwrap_err(), TerraApiError::Unreadable(Unreadable::Redirect));
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn no_error_quotes_the_key_the_url_or_the_user() {
    for said in [Said::Close, Said::Raw(500, "", ""), Said::Raw(200, "", "no"), Said::Raw(401, "", "")] {
        let fake = FakeTerra::new(move |_, _| said.clone()).await;
        let error = at(&fake.url(PRESENT), Limits { attempts: 1, ..limits() }).user("somebody").await.unwrap_err();
        let texts = format!("{error} {error:?}");
        assert!(!texts.contains(KEY) && !texts.contains("somebody") && !texts.contains("127.0.0.1"), "{texts}");
    }
}

#[tokio::test]
async fn history_is_asked_for_by_plain_dates_and_to_the_webhook() {
    let fake =
        FakeTerra::new(|_, _| Said::Json(200, json!({"status": "success", "type": "sleep", "reference": "ref"}))).await;
    let sleep = HistoryType::from_name("sleep").unwrap();
    let (from, to) = ("2026-01-01".parse().unwrap(), "2026-07-01".parse().unwrap());
    let sent = at(&fake.url(PRESENT), limits()).send_history("u", sleep, from, to).await.unwrap();
    assert_eq!(sent, Sent::ToWebhook { reference: Some("ref".to_owned()), large: false });
    let asked = &fake.asked()[0];
    assert_eq!(asked.path, "/api/v2/sleep");
    let names = ["user_id", "start_date", "end_date", "to_webhook", "with_samples"];
    assert_eq!(names.map(|name| asked.parameter(name)), ["u", "2026-01-01", "2026-07-01", "true", "true"]);
}

#[tokio::test]
async fn the_athlete_names_the_user_at_the_provider() {
    let shapes = [
        (json!({"athlete": {"provider_user_id": "p"}, "type": "athlete", "user": {}}), Some("p")),
        (json!({"data": [{"provider_user_id": "p"}], "type": "athlete", "user": {}}), Some("p")),
        (json!({"athlete": {}, "user": {"provider_user_id": "p"}}), Some("p")),
        (json!({"athlete": {"provider_user_id": null}, "user": {}}), None),
    ];
    for (shape, named) in shapes {
        let fake = FakeTerra::new(move |_, _| Said::Json(200, shape.clone())).await;
        let answer = at(&fake.url(PRESENT), limits()).provider_user_id("u").await.unwrap();
        assert_eq!(answer.as_deref(), named);
        assert_eq!(fake.asked()[0].parameter("to_webhook"), "false");
    }
}

#[tokio::test]
async fn a_witness_remembers_what_terra_said_and_not_that_it_said_nothing() {
    let down = std::sync::Arc::new(AtomicBool::new(true));
    let is_down = std::sync::Arc::clone(&down);
    let fake = FakeTerra::new(move |asked, _| match asked.parameter("user_id") {
        _ if is_down.load(Ordering::SeqCst) => Said::Raw(500, "", ""),
        "u" if asked.path.ends_with("athlete") => Said::Json(200, json!({"athlete": {"provider_user_id": "p"}})),
        "v" if asked.path.ends_with("athlete") => Said::Raw(401, "", ""),
        "u" | "v" => found(),
        _ => Said::unknown(),
    })
    .await;
    let witness = CachedTerra::new(at(&fake.url(PRESENT), limits()), Duration::from_secs(10));
    assert_eq!(witness.user("u").await, Witness::CouldNotAsk(TerraApiError::Down(Down::Status(500))));
    down.store(false, Ordering::SeqCst);
    let before = fake.asked().len();
    let (one, other) = tokio::join!(witness.user("u"), witness.user("u"));
    assert_eq!(one, other);
    let view = one.known().unwrap();
    assert_eq!((view.provider_user_id.as_deref(), &view.athlete_error), (Some("p"), &None));
    for _ in 0..3 {
        assert_eq!(witness.user("nobody").await, Witness::Unknown);
        assert_eq!(witness.reference("nobody").await, Witness::Unknown);
    }
    assert_eq!(fake.asked().len() - before, 4, "each question once");
    let view = witness.user("v").await.known().unwrap();
    assert_eq!(view.athlete_error, Some(TerraApiError::Unauthorised { status: 401 }));
}

#[tokio::test]
async fn a_witness_has_its_time_and_no_more() {
    let fake = FakeTerra::new(|_, _| Said::Nothing).await;
    let witness = CachedTerra::new(at(&fake.url(PRESENT), limits()), Duration::from_millis(100));
    let began = Instant::now();
    assert_eq!(witness.user("u").await, Witness::CouldNotAsk(TerraApiError::Slow));
    assert!(began.elapsed() < Duration::from_secs(3));
}
