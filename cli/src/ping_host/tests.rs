use super::*;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take before a test fails: less than a handshake may.
const WITHIN: Duration = Duration::from_secs(8);

/// A client that trusts these certificates and no others.
fn trusting(certificates: &[&PingHostIdentity]) -> reqwest::Client {
    drop(ring::default_provider().install_default());
    let certificates = certificates.iter().map(|one| reqwest::Certificate::from_pem(one.certificate_pem()).unwrap());
    let client = reqwest::Client::builder().tls_certs_only(certificates).no_proxy().timeout(WITHIN);
    client.pool_max_idle_per_host(0).build().unwrap()
}

fn files(data: &Path) -> (Vec<u8>, Vec<u8>) {
    let read = |name: &str| fs::read(data.join("ping-host").join(name)).unwrap();
    (read("certificate.pem"), read("key.pem"))
}

#[tokio::test]
async fn a_body_is_handed_out_under_its_url_and_under_no_other() {
    let data = TempDir::new().unwrap();
    let identity = ensure(data.path()).unwrap();
    let client = trusting(&[&identity]);
    let host = PingHost::start(identity).await.unwrap();
    let first = host.put_up(Bytes::from_static(b"{\"a\":1.10}")).unwrap();
    let other = host.put_up(Bytes::from(vec![b'x'; 3_000_000])).unwrap();
    assert_ne!(first, other);
    assert!(first.starts_with("https://127.0.0.1:"), "{first}");
    for url in [first.clone(), first.replace("127.0.0.1", "localhost")] {
        // As often as it is asked for: retries lead to the same URL.
        let response = client.get(url).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(10)));
        assert_eq!(response.bytes().await.unwrap(), "{\"a\":1.10}");
    }
    assert_eq!(client.get(&other).send().await.unwrap().bytes().await.unwrap().len(), 3_000_000);

    let root = first.rsplit_once('/').unwrap().0;
    let guessed = format!("{root}/{}", "0".repeat(48));
    let mut shorter = first.clone();
    shorter.pop();
    for unknown in [root.to_owned(), format!("{root}/"), format!("{first}0"), shorter, guessed] {
        assert_eq!(client.get(&unknown).send().await.unwrap().status().as_u16(), 404, "{unknown}");
    }
    assert_eq!(client.post(&first).send().await.unwrap().status().as_u16(), 404);
    drop(host);
}

#[tokio::test]
async fn nobody_fetches_who_does_not_trust_the_certificate_or_speaks_no_tls() {
    let (data, others) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let stranger = trusting(&[&ensure(others.path()).unwrap()]);
    let identity = ensure(data.path()).unwrap();
    let friend = trusting(&[&identity]);
    let host = PingHost::start(identity).await.unwrap();
    let url = host.put_up(Bytes::from_static(b"x")).unwrap();
    assert!(stranger.get(&url).send().await.is_err());
    assert!(friend.get(url.replace("https", "http")).send().await.is_err());
    // A connection that says nothing holds up nobody.
    let address = url.trim_start_matches("https://").split('/').next().unwrap();
    let silent = tokio::net::TcpStream::connect(address).await.unwrap();
    assert_eq!(friend.get(&url).send().await.unwrap().bytes().await.unwrap(), "x");
    drop(silent);
}

#[tokio::test]
async fn it_is_known_when_everything_was_fetched() {
    let data = TempDir::new().unwrap();
    let identity = ensure(data.path()).unwrap();
    let client = trusting(&[&identity]);
    let host = PingHost::start(identity).await.unwrap();
    host.all_fetched().await;
    let urls = [host.put_up(Bytes::from_static(b"1")).unwrap(), host.put_up(Bytes::from_static(b"2")).unwrap()];
    let all = host.all_fetched();
    tokio::pin!(all);
    for url in &urls {
        assert!(futures::poll!(&mut all).is_pending());
        client.get(url).send().await.unwrap();
    }
    all.await;
}

#[tokio::test]
async fn it_ends_with_its_owner() {
    let data = TempDir::new().unwrap();
    let identity = ensure(data.path()).unwrap();
    let client = trusting(&[&identity]);
    let host = PingHost::start(identity).await.unwrap();
    let url = host.put_up(Bytes::from_static(b"x")).unwrap();
    drop(host);
    // What serves notices once it is polled again.
    let ended = async { while client.get(&url).send().await.is_ok() {} };
    tokio::time::timeout(WITHIN, ended).await.unwrap();
}

#[test]
fn the_certificate_is_made_once_and_its_key_is_the_owners_alone() {
    let data = TempDir::new().unwrap();
    assert!(find(data.path()).unwrap().is_none());
    let made = ensure(data.path()).unwrap();
    let before = files(data.path());
    assert_eq!(ensure(data.path()).unwrap().certificate_pem(), made.certificate_pem());
    assert_eq!(find(data.path()).unwrap().unwrap().certificate_der(), made.certificate_der());
    assert_eq!(files(data.path()), before);
    assert!(!format!("{made:?}").contains("KEY"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(data.path().join("ping-host/key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn half_of_it_is_made_anew_and_what_is_damaged_is_told() {
    let data = TempDir::new().unwrap();
    let folder = data.path().join("ping-host");
    let first = ensure(data.path()).unwrap();
    for lost in ["key.pem", "certificate.pem"] {
        fs::remove_file(folder.join(lost)).unwrap();
        // A crash may have left the beginning of either.
        fs::write(folder.join(lost).with_extension("tmp"), "half").unwrap();
        assert!(find(data.path()).unwrap().is_none(), "{lost}");
        assert_ne!(ensure(data.path()).unwrap().certificate_pem(), first.certificate_pem());
    }
    let other = TempDir::new().unwrap();
    ensure(other.path()).unwrap();
    for (name, content) in [("key.pem", files(other.path()).1), ("certificate.pem", b"nonsense".to_vec())] {
        fs::write(folder.join(name), content).unwrap();
        let error = ensure(data.path()).unwrap_err();
        assert!(matches!(error, PingHostError::Damaged { .. }) && error.to_string().contains("delete it"), "{error}");
    }
}
