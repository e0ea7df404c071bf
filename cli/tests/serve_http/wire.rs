//! Requests that no polite client sends, and the end.

use crate::served::{SECRET, Served, WITHIN, daily, post, read, refused, signed, terrace};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

#[test]
fn a_body_over_the_limit_is_drained_and_told_of_ping_mode() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    let long = vec![b' '; 25 * 1_024 * 1_024];
    // All of it is sent before anything is read: were it not drained, the connection would break here.
    let answer = served.raw(&post(&signed(SECRET, &long), &long));
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.body.contains("too_large") && answer.body.contains("ping mode"), "{answer:?}");
    assert_eq!(served.post(&daily("u", 1)).status, 200);
    // The same without a length.
    let mut stream = served.connect();
    stream
        .write_all(b"POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    for _megabyte in 0..12 {
        stream.write_all(b"100000\r\n").unwrap();
        stream.write_all(&vec![b' '; 1_024 * 1_024]).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read(&mut stream).status, 413);
}

#[test]
fn a_limit_is_set_by_the_environment() {
    let folder = TempDir::new().unwrap();
    let mut command = terrace(folder.path(), &[]);
    command.env("TERRACE_MAX_BODY_BYTES", "2000");
    let served = Served::start(command);
    assert_eq!(served.post(&vec![b' '; 2_001]).status, 413);
    assert_eq!(served.post(&vec![b' '; 2_000]).status, 200);
    let other = TempDir::new().unwrap();
    let mut command = terrace(other.path(), &[]);
    command.env("TERRACE_MAX_BODY_BYTES", "much");
    assert!(refused(command).contains("TERRACE_MAX_BODY_BYTES"));
}

#[test]
fn a_body_in_chunks_is_verified_as_one() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    let body = daily("chunked", 5);
    let mut request = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\ntErRa-SiGnAtUrE: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        signed(SECRET, &body).split_once(": ").unwrap().1.trim()
    )
    .into_bytes();
    for chunk in body.chunks(7) {
        request.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
    }
    request.extend(b"0\r\n\r\n");
    assert_eq!(served.raw(&request).status, 200);
    assert!(served.get("/users/chunked/records/daily/2026-07-01").body.contains(r#""steps":5.10"#));
    let unsigned = served.raw(&post("", &body));
    assert_eq!(unsigned.status, 401);
    assert!(unsigned.head.contains("content-type: application/json"), "{unsigned:?}");
}

#[test]
fn no_spelling_of_a_path_leads_to_another_user() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    let users = ["canary", "..", ".", "a b", "é", "%", "a?b", "a#b", "%2F", "."];
    for user in users {
        assert_eq!(served.post(&daily(user, 77)).status, 200);
    }
    let marker = r#""user_id":"canary""#;
    assert!(served.get("/users/canary").body.contains(marker));
    assert!(served.get("/users/%63anary").body.contains(marker), "a path is decoded once");
    for (path, user) in [
        ("/users/..", ".."),
        ("/users/%2e%2e", ".."),
        ("/users/.", "."),
        ("/users/a%20b", "a b"),
        ("/users/%C3%A9", "é"),
        ("/users/%25", "%"),
        ("/users/%252F", "%2F"),
        ("/users/a%3Fb", "a?b"),
        ("/users/a%23b", "a#b"),
    ] {
        let answer = served.get(path);
        assert!(answer.status == 200 && answer.body.contains(&format!(r#""user_id":"{user}""#)), "{path}: {answer:?}");
    }
    for (path, status) in [
        ("/users/a%2F..%2Fcanary", 400),
        ("/users/..%2fcanary", 400),
        ("/users/x/..%2F..%2Fcanary", 400),
        ("/users/%FF", 400),
        ("/users/a/../canary", 404),
        ("/users/./canary", 404),
        ("/users/../users/canary", 404),
        ("//users/canary", 404),
        ("/users//canary", 404),
        ("/users/canary/", 404),
        ("/users/canary%00", 404),
        ("/users/%2563anary", 404),
        ("/users/canary;x", 404),
        ("/users/canary%23", 404),
        ("/USERS/canary", 404),
        ("/users/x?user_id=canary", 400),
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(!answer.body.contains(marker), "{path}");
    }
    assert!(served.get("/users/x/..%2Fcanary").body.contains("?id="), "it says what to do instead");
    let absolute =
        served.raw(b"GET http://localhost/users/canary HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(absolute.status, 200);
}

#[test]
fn an_identifier_that_a_path_cannot_carry_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    let body = r##"{"type":"sleep","user":{"user_id":"u"},"data":[{"metadata":{"summary_id":"a/b #?&=%2F+é"}}]}"##;
    assert_eq!(served.post(body.as_bytes()).status, 200);
    let answer = served.get("/users/u/records?id=a%2Fb+%23%3F%26%3D%252F%2B%C3%A9&detail=full");
    assert!(answer.body.contains("a/b #?&=%2F+é"), "{answer:?}");
}

#[test]
fn questions_by_another_name_are_refused_and_deliveries_are_not() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    assert_eq!(served.post(&daily("u", 1)).status, 200, "through a tunnel");
    let answer = served.raw(b"GET /users/u HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(!answer.body.contains("user_id"));
}

#[test]
fn nonsense_on_the_wire_stops_nobody() {
    let folder = TempDir::new().unwrap();
    let served = Served::start(terrace(folder.path(), &[]));
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    ] {
        let mut stream = served.connect();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 5"), "{answer:?}");
    }
    assert_eq!(served.post(&daily("u", 1)).status, 200);
}

#[cfg(unix)]
#[test]
fn told_to_stop_it_ends_in_good_order() {
    for signal in ["-TERM", "-INT"] {
        let folder = TempDir::new().unwrap();
        let mut served = Served::start(terrace(folder.path(), &[]));
        // A request is under way when the signal comes: the server asks for its body, and gets it when it no longer
        // takes new ones.
        let body = daily("u", 9);
        let request = post(&format!("{}Expect: 100-continue\r\n", signed(SECRET, &body)), &body);
        let (head, body) = request.split_at(request.len() - body.len());
        let mut stream = served.connect();
        stream.write_all(head).unwrap();
        let mut asked_for = [0; 25];
        stream.read_exact(&mut asked_for).unwrap();
        assert_eq!(&asked_for, b"HTTP/1.1 100 Continue\r\n\r\n");
        let told = Command::new("kill").args([signal, &served.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", served.port)).is_ok() {
            assert!(began.elapsed() < WITHIN, "it still listens");
        }
        stream.write_all(body).unwrap();
        assert_eq!(read(&mut stream).status, 200, "{signal}: what is under way is answered");
        assert!(served.ends(), "{signal}");
        let served = Served::start(terrace(folder.path(), &[]));
        assert!(served.get("/users/u/records/daily/2026-07-01").body.contains(r#""steps":9.10"#), "{signal}");
    }
}
