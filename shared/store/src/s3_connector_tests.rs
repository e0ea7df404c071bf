use super::*;
use crate::clients::fake_service::{Answer, FakeService, Seen, given};
use crate::objects::Objects;
use object_store::Error;
use object_store::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

const PUT: (u16, &str, &[(&str, &str)]) = (200, "", &[("etag", "\"e\"")]);
const HEAD: [(&str, &str); 2] = [("etag", "\"e\""), ("last-modified", "Wed, 01 Jul 2026 00:00:00 GMT")];

fn objects(service: &FakeService, variables: &[(&str, &str)]) -> Objects {
    let clients = service.clients(variables);
    Objects::new(move || clients.bucket("terrace-log"))
}

async fn put(service: &FakeService) -> Result<(), StoreError> {
    let metadata = [("event", "daily".to_owned())];
    objects(service, &[]).put_content("log/a/b", Bytes::from_static(b"frames"), &metadata).await
}

fn answering(status: u16) -> FakeService {
    FakeService::new(move |_, _| given(status, "<Error/>", &[]))
}

#[tokio::test]
async fn an_object_is_put_with_its_metadata_whatever_is_there() {
    let service = FakeService::new(|_, _| given(PUT.0, PUT.1, PUT.2));
    put(&service).await.unwrap();
    let [seen]: [Seen; 1] = service.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), &seen.body[..]), ("PUT", &b"frames"[..]));
    assert_eq!(seen.uri, "https://terrace-log.s3.eu-west-1.amazonaws.com/log/a/b");
    // One of before is as young as this from then on.
    assert_eq!((seen.header("if-none-match"), seen.header("if-match")), (None, None));
    assert_eq!(seen.header("x-amz-meta-event"), Some("daily"));
    assert_eq!(seen.header("content-length"), Some("6"));
    assert_eq!(seen.header("x-amz-security-token"), Some("test-token"));
    assert!(seen.header("authorization").unwrap().contains("Credential=AKIDTEST/"));
}

#[tokio::test(start_paused = true)]
async fn writers_in_each_others_way_try_again() {
    let busy = answering(409);
    assert!(put(&busy).await.unwrap_err().is_transient());
    assert_eq!(busy.seen().len(), 3);
    let passing =
        FakeService::new(|before, _| if before == 0 { given(409, "", &[]) } else { given(PUT.0, PUT.1, PUT.2) });
    put(&passing).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_put_that_gets_no_answer_is_tried_again_and_given_up_in_time() {
    let once = FakeService::new(|before, _| match before {
        0 => Answer::Never,
        1 => Answer::Broken,
        _ => given(PUT.0, PUT.1, PUT.2),
    });
    put(&once).await.unwrap();
    assert_eq!(once.seen()[2].body, "frames");

    let never = FakeService::new(|_, _| Answer::Never);
    let started = Instant::now();
    assert!(put(&never).await.unwrap_err().is_transient());
    assert!(started.elapsed() <= CALL_WITHIN + Duration::from_millis(100), "{:?}", started.elapsed());
    assert!(never.seen().len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn failures_say_whether_they_pass() {
    for status in [500, 503, 429] {
        let service = answering(status);
        assert!(put(&service).await.unwrap_err().is_transient(), "{status}");
        assert_eq!(service.seen().len(), 3, "{status}");
    }
    for status in [401, 403, 404] {
        let service = answering(status);
        let error = put(&service).await.unwrap_err();
        assert!(!error.is_transient() && !error.to_string().contains("log/a"), "{error}");
        assert_eq!(service.seen().len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_read_by_its_range_and_again_when_it_breaks_off() {
    let service = FakeService::new(|before, _| {
        let range = [HEAD[0], HEAD[1], ("content-length", "3"), ("content-range", "bytes 2-4/9")];
        if before == 0 { Answer::Stalled("c") } else { given(206, "cde", &range) }
    });
    let objects = objects(&service, &[]);
    assert_eq!(objects.get_range("log/a/b", 2..5).await.unwrap().unwrap(), "cde");
    let seen = service.seen();
    assert_eq!((seen.len(), seen[1].header("range")), (2, Some("bytes=2-4")));
}

#[tokio::test]
async fn only_what_was_not_put_again_is_removed() {
    let july_ms = 1_782_864_000_000;
    for (before_ms, removes) in [(july_ms, false), (july_ms + 1, true)] {
        let service = FakeService::new(|_, seen| match seen.method.as_str() {
            "HEAD" => given(200, "", &[HEAD[0], HEAD[1], ("content-length", "6")]),
            _ => given(200, "<DeleteResult><Deleted><Key>log/a/b</Key></Deleted></DeleteResult>", &[]),
        });
        objects(&service, &[]).remove_older("log/a/b", before_ms).await.unwrap();
        let methods: Vec<_> = service.seen().into_iter().map(|seen| seen.method).collect();
        assert_eq!(methods.len(), 1 + usize::from(removes), "{methods:?}");
    }
    let gone = answering(404);
    objects(&gone, &[]).remove_older("log/a/b", july_ms).await.unwrap();
    assert_eq!(gone.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_whole_object_or_none_is_read() {
    let service = FakeService::new(|_, seen| {
        let whole = [HEAD[0], HEAD[1], ("content-length", "6")];
        if seen.uri.ends_with('b') { given(200, "frames", &whole) } else { given(404, "<Error/>", &[]) }
    });
    let objects = objects(&service, &[]);
    assert_eq!(objects.get("log/a/b").await.unwrap().unwrap(), "frames");
    assert_eq!(objects.get("log/a/c").await.unwrap(), None);
}

#[tokio::test]
async fn a_url_is_signed_for_its_time_where_the_bucket_is() {
    let service = answering(500);
    let url = async |variables: &[(&str, &str)]| {
        let objects = objects(&service, variables);
        objects.signed_url("log/a/b", Duration::from_secs(60)).await.unwrap().unwrap()
    };
    let own = url(&[]).await;
    assert!(own.starts_with("https://terrace-log.s3.eu-west-1.amazonaws.com/log/a/b?"), "{own}");
    for part in ["X-Amz-Expires=60", "X-Amz-Signature=", "X-Amz-Security-Token=test-token"] {
        assert!(own.contains(part), "{part} in {own}");
    }
    let local = url(&[("AWS_ENDPOINT_URL", "http://every:1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9/")]).await;
    assert!(local.starts_with("http://127.0.0.1:9/terrace-log/log/a/b?"), "{local}");
    let dotted = service.clients(&[]).bucket("terrace.log").unwrap().signer.unwrap();
    let dotted = dotted.signed_url(http::Method::GET, &Path::from("a"), Duration::from_secs(60)).await.unwrap();
    assert_eq!((dotted.host_str(), dotted.path()), (Some("s3.eu-west-1.amazonaws.com"), "/terrace.log/a"));
    assert!(service.seen().is_empty());
}

/// Gives credentials that last as long as it says, and fails from the third time on.
#[derive(Debug)]
struct Passing {
    lasts: Duration,
    loads: Arc<AtomicU32>,
}

impl ProvideCredentials for Passing {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let load = self.loads.fetch_add(1, Ordering::SeqCst);
        let found = if load < 2 {
            let expires = Some(SystemTime::now() + self.lasts);
            Ok(aws_credential_types::Credentials::new(format!("AKID{load}"), "key", None, expires, "test"))
        } else {
            Err(CredentialsError::not_loaded("gone"))
        };
        aws_credential_types::provider::future::ProvideCredentials::ready(found)
    }
}

fn passing(lasts: u64) -> (Credentials, Arc<AtomicU32>) {
    let loads = Arc::new(AtomicU32::new(0));
    let provider = Passing { lasts: Duration::from_secs(lasts), loads: Arc::clone(&loads) };
    (Credentials::new(SharedCredentialsProvider::new(provider)), loads)
}

#[tokio::test]
async fn credentials_are_kept_until_shortly_before_they_expire() {
    let (lasting, loads) = passing(3_600);
    for _call in 0..5 {
        assert_eq!(lasting.get_credential().await.unwrap().key_id, "AKID0");
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);

    let (short, loads) = passing(60);
    assert_eq!(short.get_credential().await.unwrap().key_id, "AKID0");
    assert_eq!(short.get_credential().await.unwrap().key_id, "AKID1");
    assert_eq!(short.get_credential().await.unwrap().key_id, "AKID1", "the old ones serve while they last");
    assert_eq!(loads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn no_credentials_are_a_refusal() {
    let (gone, loads) = passing(0);
    loads.store(2, Ordering::SeqCst);
    assert!(matches!(gone.get_credential().await, Err(Error::Unauthenticated { .. })));
}
