//! The compiled `terrace serve` over real HTTP: what it keeps through a kill, what it refuses to start on, and what it
//! makes of requests that no polite client sends.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, sign};

/// What `serve` verifies with unless told otherwise.
const SECRET: &str = "local-development-secret";
/// How long anything may take before the test fails.
const WITHIN: Duration = Duration::from_secs(30);

fn terrace(folder: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    for set in ["PORT", "DATA", "TERRA_SIGNING_SECRET", "TERRACE_MAX_BODY_BYTES"] {
        command.env_remove(set);
    }
    command.arg("serve").arg("--data").arg(folder).args(["--port", "0"]).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A `serve` that runs, and is killed with the test.
struct Served {
    child: Child,
    port: u16,
    /// What it said when it began.
    said: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer, as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Served {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        // The last line of what it says names the way to stop it.
        while !said.contains("Ctrl-C") {
            let Some(line) = lines.next() else { panic!("it ended: {said}") };
            said.push_str(&format!("{}\n", line.unwrap()));
        }
        let port = said.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
        Self { child, port, said }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        stream.set_write_timeout(Some(WITHIN)).unwrap();
        stream
    }

    /// Sends a request as it stands, and reads the answer to its end.
    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read(&mut stream)
    }

    fn get(&self, path: &str) -> Answer {
        self.raw(
            format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port).as_bytes(),
        )
    }

    fn post(&self, body: &[u8]) -> Answer {
        self.raw(&post(&signed(SECRET, body), body))
    }

    /// Waits until it has ended by itself, and says whether it did so in good order.
    fn ends(&mut self) -> bool {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(began.elapsed() < WITHIN, "it does not end");
            std::thread::yield_now();
        }
    }
}

fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A signature header of this body, made now.
fn signed(secret: &str, body: &[u8]) -> String {
    format!("X-Terra-Signature: {}\r\n", sign(&SigningSecret::new(secret).unwrap(), UnixSeconds::now(), body))
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /webhook HTTP/1.1\r\nHost: a-tunnel.example\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn daily(user: &str, steps: u64) -> Vec<u8> {
    format!(r#"{{"type":"daily","user":{{"user_id":"{user}"}},"data":[{{"metadata":{{"start_time":"2026-07-01"}},"steps":{steps}.10}}]}}"#)
        .into_bytes()
}

/// Runs a command that has to end at once, with a failure.
fn refused(mut command: Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let mut served = Served::start(terrace(folder.path(), &[]));
    assert!(served.said.contains("local-development-secret") && served.said.contains("--secret"), "{}", served.said);
    let large: Vec<u8> = {
        let samples: Vec<_> = (0..40_000_u64).map(|at| (at * at * 2_654_435_761 % 1_000_003).to_string()).collect();
        let record = format!(r#"{{"metadata":{{"summary_id":"s"}},"samples":[{}]}}"#, samples.join(","));
        format!(r#"{{"type":"sleep","user":{{"user_id":"u"}},"data":[{record}]}}"#).into_bytes()
    };
    let many: Vec<_> = (0..300).map(|at| format!(r#"{{"timestamp":"2026-07-01T00:00:00.{at:06}Z"}}"#)).collect();
    let many = format!(r#"{{"type":"hormone","user":{{"user_id":"u"}},"data":[{}]}}"#, many.join(",")).into_bytes();
    let answers = [daily("u", 7), large.clone(), many].map(|body| served.post(&body));
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert!(answers[2].body.contains(r#""status":"queued""#), "{:?}", answers[2]);
    served.child.kill().unwrap();
    served.child.wait().unwrap();

    let served = Served::start(terrace(folder.path(), &[]));
    assert!(served.get("/users/u/records/daily/2026-07-01").body.contains(r#""steps":7.10"#));
    let whole = served.get("/users/u/records/sleep/s");
    let record = String::from_utf8(large[large.len() - 200..large.len() - 2].to_vec()).unwrap();
    assert!(whole.body.contains(&record), "the object is there too");
    let began = Instant::now();
    // The job that was queued is done, by this process or by the one that was killed.
    while served.get("/users/u/records?type=hormone&limit=1000").body.matches(r#""type":"hormone""#).count() < 300 {
        assert!(began.elapsed() < WITHIN);
    }
}

#[test]
fn a_folder_serves_one_at_a_time() {
    let folder = TempDir::new().unwrap();
    let mut first = Served::start(terrace(folder.path(), &[]));
    let said = refused(terrace(folder.path(), &[]));
    assert!(said.contains("in use by another `terrace serve`") && said.contains("--data"), "{said}");
    assert!(said.contains(&folder.path().display().to_string()), "{said}");
    assert_eq!(first.get("/health").status, 200, "the first is not disturbed");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert_eq!(Served::start(terrace(folder.path(), &[])).get("/health").status, 200, "a kill leaves no lock");
}

#[test]
fn a_port_in_use_is_named() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.arg("serve").arg("--data").arg(folder.path()).args(["--port", &port]);
    let said = refused(command);
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "in the way").unwrap();
    for place in [file.clone(), file.join("below")] {
        let said = refused(terrace(&place, &[]));
        assert!(said.contains("cannot use the folder") && said.contains("a-file") && said.contains("--data"), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}

#[test]
fn without_a_secret_it_does_not_start_and_says_how_to_set_one() {
    let folder = TempDir::new().unwrap();
    for none in ["", " ", ",", "a,,b"] {
        let said = refused(terrace(folder.path(), &["--secret", none]));
        assert!(said.contains("TERRA_SIGNING_SECRET"), "{none:?}: {said}");
    }
    let mut command = terrace(folder.path(), &[]);
    command.env("TERRA_SIGNING_SECRET", "");
    assert!(refused(command).contains("TERRA_SIGNING_SECRET"));
}

#[test]
fn a_secret_is_set_and_never_shown() {
    let folder = TempDir::new().unwrap();
    let mut command = terrace(folder.path(), &[]);
    command.env("TERRA_SIGNING_SECRET", "first-of-two, second-of-two");
    let served = Served::start(command);
    let body = daily("u", 1);
    for (secret, status) in [("first-of-two", 200), ("second-of-two", 200), (SECRET, 401)] {
        assert_eq!(served.raw(&post(&signed(secret, &body), &body)).status, status, "{secret}");
    }
    assert!(!served.said.contains("of-two"), "{}", served.said);
}

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
