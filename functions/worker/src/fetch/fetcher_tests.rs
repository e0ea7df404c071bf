//! The fetcher against real https hosts that do what hosts should not.

use super::client::{Trust, certificate, client};
use super::fetcher::public_client;
use super::names::Permitted;
use super::test_host::{Behaviour, TestHost, Then};
use super::{FetchError, FetchLimits, FetchSetupError, Fetcher, Hosts};
use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A host on the list, though the tests have it lead elsewhere.
const BUCKET: &str = "terra-payload-bucket.s3.eu-west-2.amazonaws.com";
const BUCKET_URL: &str = "https://terra-payload-bucket.s3.eu-west-2.amazonaws.com/terra/payload?X-Amz-Signature=secret";
const PAYLOAD: &[u8] = br#"{"type":"daily","data":[]}"#;
const OK: &str = "HTTP/1.1 200 OK";
const MIB: usize = 1_024 * 1_024;

/// Long enough for whatever does not wait on purpose, however busy the machine.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn fetcher(host: &TestHost, limits: FetchLimits) -> Fetcher {
    Fetcher::new(Hosts::default(), limits).trusting_local(&host.authority).unwrap()
}

/// What an attempt at a host on this machine comes to.
async fn ask(host: &TestHost) -> Result<Bytes, FetchError> {
    told(fetcher(host, FetchLimits::default()).fetch(&host.url(), far()).await)
}

/// An outcome, once its texts are seen to tell nothing.
fn told(outcome: Result<Bytes, FetchError>) -> Result<Bytes, FetchError> {
    if let Err(error) = &outcome {
        let texts = format!("{error} {error:?} {}", error.reason());
        for secret in ["127.0.0.1", "localhost", "payload", "secret", "amazonaws", "gzip", "elsewhere"] {
            assert!(!texts.contains(secret), "{texts}");
        }
    }
    outcome
}

async fn ask_one_that(behaviour: Behaviour) -> Result<Bytes, FetchError> {
    ask(&TestHost::local(behaviour).await).await
}

fn with_length(length: usize) -> String {
    format!("{OK}\ncontent-length: {length}")
}

/// A body in chunks, without its end.
fn in_chunks(body: &[u8]) -> Vec<u8> {
    let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    body.chunks(1_000).map(chunk).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_body_comes_whole_however_its_end_is_told() {
    let chunked = format!("{OK}\ntransfer-encoding: chunked");
    for body in [b"".to_vec(), PAYLOAD.to_vec(), (0..3 * MIB).map(|at| (at % 251) as u8).collect()] {
        let in_whole_chunks = [in_chunks(&body), b"0\r\n\r\n".to_vec()].concat();
        let ways = [
            Behaviour::answer(&with_length(body.len()), &body, Then::Stall),
            Behaviour::answer(&chunked, &in_whole_chunks, Then::Stall),
            Behaviour::answer(OK, &body, Then::Close),
        ];
        for way in ways {
            assert!(ask_one_that(way).await.unwrap() == body, "{} bytes", body.len());
        }
    }
}

#[tokio::test]
async fn one_plain_question_is_asked() {
    let mut host = TestHost::local(Behaviour::answer(&with_length(PAYLOAD.len()), PAYLOAD, Then::Close)).await;
    let by_name = format!("https://localhost:{}/a%2Fb?c=%20#d", host.address.port());
    let body = fetcher(&host, FetchLimits::default()).fetch(&by_name, far()).await.unwrap();
    assert_eq!(body, PAYLOAD);
    let mut seen = host.seen();
    seen[2..].sort_unstable();
    let host_line = format!("host: localhost:{}", host.address.port());
    let lines = ["connected", "GET /a%2Fb?c=%20 HTTP/1.1", "accept-encoding: identity", "accept: */*", &host_line];
    assert_eq!(seen, lines);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Elsewhere\nlocation: /elsewhere\ncontent-length: 0");
        let mut host = TestHost::local(Behaviour::answer(&head, b"", Then::Stall)).await;
        assert_eq!(ask(&host).await, Err(FetchError::Redirect));
        assert!(!host.seen().join("\n").contains("elsewhere"));
    }
}

#[tokio::test]
async fn a_status_has_its_reason_and_is_asked_for_once() {
    let table = [
        (400, FetchError::Expired { status: 400 }),
        (403, FetchError::Expired { status: 403 }),
        (404, FetchError::Expired { status: 404 }),
        (410, FetchError::Expired { status: 410 }),
        (206, FetchError::Status { status: 206 }),
        (429, FetchError::Status { status: 429 }),
        (500, FetchError::Status { status: 500 }),
        (503, FetchError::Status { status: 503 }),
    ];
    for (status, error) in table {
        let mut host = TestHost::local(Behaviour::status(status)).await;
        assert_eq!(ask(&host).await, Err(error));
        assert_eq!(host.seen().iter().filter(|line| *line == "connected").count(), 1);
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    for coding in ["gzip", "GZIP", "br", "identity, gzip", "gzip\ncontent-encoding: identity", "aws-chunked"] {
        let head = format!("{}\ncontent-encoding: {coding}", with_length(PAYLOAD.len()));
        let outcome = ask_one_that(Behaviour::answer(&head, PAYLOAD, Then::Stall)).await;
        assert_eq!(outcome, Err(FetchError::Encoding), "{coding}");
    }
    for none in ["identity", "Identity", ""] {
        let head = format!("{}\ncontent-encoding: {none}", with_length(PAYLOAD.len()));
        assert_eq!(ask_one_that(Behaviour::answer(&head, PAYLOAD, Then::Stall)).await.unwrap(), PAYLOAD, "{none}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let limits = FetchLimits { max_bytes: 10_000, ..FetchLimits::default() };
    let body = [7; 10_001];
    let chunked = format!("{OK}\ntransfer-encoding: chunked");
    let too_large = [
        // None of the body ever comes: the head is enough.
        Behaviour::answer(&with_length(10_001), b"", Then::Stall),
        Behaviour::answer(&with_length(1_000_000_000_000_000), b"", Then::Stall),
        Behaviour::answer(&with_length(usize::MAX - 2), b"", Then::Stall),
        Behaviour::answer(&chunked, &in_chunks(&body), Then::Stall),
        Behaviour::answer(OK, &body, Then::Close),
        // The end of the body never comes: the limit is enough.
        Behaviour::answer(OK, b"7", Then::Repeat),
    ];
    for behaviour in too_large {
        let host = TestHost::local(behaviour).await;
        let outcome = fetcher(&host, limits).fetch(&host.url(), far()).await;
        assert_eq!(told(outcome), Err(FetchError::TooLarge));
    }
    let host = TestHost::local(Behaviour::answer(OK, &body[1..], Then::Close)).await;
    assert_eq!(fetcher(&host, limits).fetch(&host.url(), far()).await.unwrap().len(), 10_000);
}

#[tokio::test]
async fn a_body_that_ends_early_is_none() {
    let chunked = format!("{OK}\ntransfer-encoding: chunked");
    let broken_off = [
        Behaviour::answer(&with_length(PAYLOAD.len() + 1), PAYLOAD, Then::Close),
        Behaviour::answer(&with_length(PAYLOAD.len() + 1), PAYLOAD, Then::Drop),
        Behaviour::answer(&with_length(1), b"", Then::Close),
        Behaviour::answer(&chunked, &in_chunks(PAYLOAD), Then::Close),
        // Without a length or chunks, only TLS says that this was the end.
        Behaviour::answer(OK, PAYLOAD, Then::Drop),
        Behaviour::Answer(b"HTTP/1.1 20".to_vec(), Then::Close),
        Behaviour::Answer(b"no http at all\r\n\r\n".to_vec(), Then::Close),
        Behaviour::Answer(Vec::new(), Then::Close),
    ];
    for (index, behaviour) in broken_off.into_iter().enumerate() {
        let mut host = TestHost::local(behaviour).await;
        let error = ask(&host).await.unwrap_err();
        assert_eq!((error, error.is_transient()), (FetchError::BrokenOff, true), "{index}");
        assert_eq!(host.seen().iter().filter(|line| *line == "connected").count(), 1);
    }
}

/// Hosts that keep one waiting: for TLS, for a head, for the rest of a head, for a body, for the rest of one.
fn slow() -> [Behaviour; 5] {
    [
        Behaviour::NoTls,
        Behaviour::Answer(Vec::new(), Then::Stall),
        Behaviour::Answer(b"HTTP/1.1 200 OK\r\nx-".to_vec(), Then::Stall),
        Behaviour::answer(&with_length(PAYLOAD.len()), b"", Then::Stall),
        Behaviour::answer(&with_length(PAYLOAD.len() + 1), PAYLOAD, Then::Stall),
    ]
}

#[tokio::test]
async fn silence_ends_the_attempt() {
    let limits = FetchLimits { stall: Duration::from_millis(250), ..FetchLimits::default() };
    for behaviour in slow() {
        let host = TestHost::local(behaviour).await;
        let start = Instant::now();
        let error = told(fetcher(&host, limits).fetch(&host.url(), far()).await).unwrap_err();
        assert_eq!((error, error.is_transient()), (FetchError::Timeout, true));
        assert!(start.elapsed() >= limits.stall && start.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn the_deadline_ends_the_attempt() {
    let limits = FetchLimits { stall: Duration::from_secs(60), max_bytes: usize::MAX };
    for behaviour in slow() {
        let host = TestHost::local(behaviour).await;
        let due = Instant::now() + Duration::from_millis(250);
        assert_eq!(told(fetcher(&host, limits).fetch(&host.url(), due).await), Err(FetchError::Timeout));
        assert!(Instant::now() >= due && due.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test]
async fn the_deadline_ends_a_body_that_never_ends() {
    let limits = FetchLimits { max_bytes: usize::MAX, ..FetchLimits::default() };
    let host = TestHost::local(Behaviour::answer(OK, b"7", Then::Repeat)).await;
    let due = Instant::now() + Duration::from_millis(250);
    assert_eq!(told(fetcher(&host, limits).fetch(&host.url(), due).await), Err(FetchError::Timeout));
}

#[tokio::test]
async fn after_the_deadline_nothing_is_asked() {
    let mut host = TestHost::local(Behaviour::status(200)).await;
    let fetcher = fetcher(&host, FetchLimits::default());
    assert_eq!(told(fetcher.fetch(&host.url(), Instant::now()).await), Err(FetchError::Timeout));
    assert_eq!(told(fetcher.fetch("http://x", Instant::now()).await), Err(FetchError::NotHttps));
    // The host would have seen the first by the time it has seen the second.
    assert_eq!(fetcher.fetch(&host.url(), far()).await.unwrap(), b"".as_slice());
    assert_eq!(host.seen().iter().filter(|line| *line == "connected").count(), 1);
}

#[tokio::test]
async fn nobody_there_is_worth_another_attempt() {
    let host = TestHost::local(Behaviour::Hangup).await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fetcher = fetcher(&host, FetchLimits::default());
    for url in [host.url(), format!("https://{closed}/")] {
        let error = told(fetcher.fetch(&url, far()).await).unwrap_err();
        assert_eq!((error, error.is_transient()), (FetchError::Unreachable, true));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused_before_anything_is_asked() {
    let answer = Behaviour::answer(&with_length(PAYLOAD.len()), PAYLOAD, Then::Close);
    let mut host = TestHost::local(answer.clone()).await;
    let other = TestHost::local(answer.clone()).await;
    let trusting_another = fetcher(&other, FetchLimits::default());
    assert_eq!(told(trusting_another.fetch(&host.url(), far()).await), Err(FetchError::Certificate));
    assert_eq!(host.seen(), ["connected"]);
    let mut misnamed = TestHost::new(&["127.0.0.2", "example.com"], answer).await;
    assert_eq!(ask(&misnamed).await, Err(FetchError::Certificate));
    assert_eq!(misnamed.seen(), ["connected"]);
}

#[tokio::test]
async fn this_machine_is_refused_unless_a_certificate_for_it_is_given() {
    let mut host = TestHost::local(Behaviour::status(200)).await;
    let fetcher = Fetcher::new(Hosts::default(), FetchLimits::default());
    assert_eq!(told(fetcher.fetch(&host.url(), far()).await), Err(FetchError::Host));
    assert_eq!(ask(&host).await.unwrap(), b"".as_slice());
    assert_eq!(host.seen().iter().filter(|line| *line == "connected").count(), 1);
    let twice = host.authority.repeat(2);
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for wrong in ["", "no certificate", empty, &twice] {
        let outcome = Fetcher::new(Hosts::default(), FetchLimits::default()).trusting_local(wrong);
        assert_eq!(outcome.err(), Some(FetchSetupError::LocalCertificate), "{wrong}");
    }
}

/// A resolver that has every name lead to these addresses.
struct Fixed(Vec<SocketAddr>);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// A resolver that fails, or that never answers.
struct Broken {
    hangs: bool,
}

impl Resolve for Broken {
    fn resolve(&self, _: Name) -> Resolving {
        if self.hangs {
            Box::pin(std::future::pending())
        } else {
            Box::pin(std::future::ready(Err("no such name".into())))
        }
    }
}

/// A host that is the bucket's, at an address of this machine.
async fn bucket() -> TestHost {
    TestHost::new(&[BUCKET], Behaviour::answer(&with_length(PAYLOAD.len()), PAYLOAD, Then::Close)).await
}

fn trust_in(host: &TestHost) -> Trust {
    Trust::Only(certificate(&host.authority).unwrap())
}

fn asking_through(public: reqwest::Client) -> Fetcher {
    Fetcher::new(Hosts::default(), FetchLimits::default()).asking_through(public)
}

#[tokio::test]
async fn a_listed_name_that_leads_to_this_machine_is_refused_before_connecting() {
    let mut host = bucket().await;
    let names = Arc::new(Fixed(vec![host.address]));
    let fetcher = asking_through(public_client(names.clone(), trust_in(&host)).unwrap());
    let error = told(fetcher.fetch(BUCKET_URL, far()).await).unwrap_err();
    assert_eq!((error, error.is_transient()), (FetchError::Address, false));
    // The same question through a client that may connect to this machine reaches the host: the address was in the
    // way, and nothing else. Had the first question been asked, the host would have seen it by now.
    let permitted = Permitted::new(names, |address| address.is_loopback());
    let permissive = asking_through(client(Arc::new(permitted), trust_in(&host)).unwrap());
    assert_eq!(permissive.fetch(BUCKET_URL, far()).await.unwrap(), PAYLOAD);
    let seen = host.seen();
    assert_eq!(seen.iter().filter(|line| *line == "connected").count(), 1);
    assert!(seen.contains(&format!("host: {BUCKET}")), "{seen:?}");
}

#[tokio::test]
async fn of_several_addresses_only_the_permitted_are_connected_to() {
    let mut host = bucket().await;
    // Whoever connects to 0.0.0.0 connects to this machine, though the address is not loopback's.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let trapped = SocketAddr::from(([0, 0, 0, 0], trap.local_addr().unwrap().port()));
    let names = Fixed(vec![trapped, host.address]);
    let permitted = Permitted::new(Arc::new(names), |address| address.is_loopback());
    let fetcher = asking_through(client(Arc::new(permitted), trust_in(&host)).unwrap());
    assert_eq!(fetcher.fetch(BUCKET_URL, far()).await.unwrap(), PAYLOAD);
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert!(!host.seen().is_empty());
}

#[tokio::test]
async fn a_listed_name_needs_a_certificate_of_its_own() {
    let host = TestHost::new(&["example.com"], Behaviour::status(200)).await;
    let permitted = Permitted::new(Arc::new(Fixed(vec![host.address])), |_| true);
    let fetcher = asking_through(client(Arc::new(permitted), trust_in(&host)).unwrap());
    assert_eq!(told(fetcher.fetch(BUCKET_URL, far()).await), Err(FetchError::Certificate));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_worth_another_attempt() {
    let host = bucket().await;
    let nowhere: [Arc<dyn Resolve>; 2] = [Arc::new(Fixed(Vec::new())), Arc::new(Broken { hangs: false })];
    for names in nowhere {
        let fetcher = asking_through(public_client(names, trust_in(&host)).unwrap());
        assert_eq!(told(fetcher.fetch(BUCKET_URL, far()).await), Err(FetchError::Unreachable));
    }
    let fetcher = asking_through(public_client(Arc::new(Broken { hangs: true }), trust_in(&host)).unwrap());
    let due = Instant::now() + Duration::from_millis(50);
    assert_eq!(told(fetcher.fetch(BUCKET_URL, due).await), Err(FetchError::Timeout));
}

#[test]
fn a_fetcher_hides_its_hosts() {
    let hosts = Hosts::parse("secret.example.com").unwrap();
    let shown = format!("{:?}", Fetcher::new(hosts, FetchLimits::default()));
    assert!(shown.contains("named: 1") && !shown.contains("secret"), "{shown}");
}

/// Runs itself once more, in a process whose environment names a proxy.
#[tokio::test]
async fn no_proxy_of_the_environment_is_asked() {
    const CHILD: &str = "TERRACE_TEST_PROXY_CHILD";
    const NAME: &str = "fetch::fetcher_tests::no_proxy_of_the_environment_is_asked";
    if std::env::var_os(CHILD).is_some() {
        let host = bucket().await;
        let permitted = Permitted::new(Arc::new(Fixed(vec![host.address])), |_| true);
        let fetcher = asking_through(client(Arc::new(permitted), trust_in(&host)).unwrap());
        assert_eq!(fetcher.fetch(BUCKET_URL, far()).await.unwrap(), PAYLOAD);
        return;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, &url);
    }
    let child = child.env_remove("NO_PROXY").env_remove("no_proxy").env(CHILD, "1").args([NAME, "--exact"]);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
