//! A `serve` that runs, and requests as they stand on the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, sign};

/// What `serve` verifies with unless told otherwise.
pub const SECRET: &str = "local-development-secret";
/// How long anything may take before the test fails.
pub const WITHIN: Duration = Duration::from_secs(30);

pub fn terrace(folder: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    for set in ["PORT", "DATA", "TERRA_SIGNING_SECRET", "TERRACE_MAX_BODY_BYTES"] {
        command.env_remove(set);
    }
    command.arg("serve").arg("--data").arg(folder).args(["--port", "0"]).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A `serve` that runs, and is killed with the test.
pub struct Served {
    pub child: Child,
    pub port: u16,
    /// What it said when it began.
    pub said: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer, as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Served {
    pub fn start(mut command: Command) -> Self {
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

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        stream.set_write_timeout(Some(WITHIN)).unwrap();
        stream
    }

    /// Sends a request as it stands, and reads the answer to its end.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read(&mut stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw(
            format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port).as_bytes(),
        )
    }

    pub fn post(&self, body: &[u8]) -> Answer {
        self.raw(&post(&signed(SECRET, body), body))
    }

    /// Waits until it has ended by itself, and says whether it did so in good order.
    pub fn ends(&mut self) -> bool {
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

pub fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A signature header of this body, made now.
pub fn signed(secret: &str, body: &[u8]) -> String {
    format!("X-Terra-Signature: {}\r\n", sign(&SigningSecret::new(secret).unwrap(), UnixSeconds::now(), body))
}

pub fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /webhook HTTP/1.1\r\nHost: a-tunnel.example\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub fn daily(user: &str, steps: u64) -> Vec<u8> {
    format!(r#"{{"type":"daily","user":{{"user_id":"{user}"}},"data":[{{"metadata":{{"start_time":"2026-07-01"}},"steps":{steps}.10}}]}}"#)
        .into_bytes()
}

/// Runs a command that has to end at once, with a failure.
pub fn refused(mut command: Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}
