//! The compiled `terrace`: one that serves, and commands that ask it and a Terra API of the tests.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use terrace_terra::UnixSeconds;
use terrace_terra::headers::{ORDERING, REFERENCE, SIGNATURE, TRACE_ID};
use terrace_terra::signature::{SigningSecret, sign};

/// What deliveries are signed with.
pub const SECRET: &str = "a-secret-of-the-tests";

/// A `terrace` with none of the settings of whoever runs the tests.
pub fn terrace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    for set in ["PORT", "DATA", "TERRACE_RETENTION", "TERRA_DEV_ID", "TERRA_API_KEY", "TERRA_API_URL"] {
        command.env_remove(set);
    }
    command.env("TERRA_SIGNING_SECRET", SECRET).stdin(Stdio::null());
    command
}

/// A `serve` that runs, and is killed with the test.
pub struct Served {
    child: Child,
    folder: TempDir,
    /// Where it answers.
    pub url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Done {
    /// The exit status.
    pub status: i32,
    /// What it wrote.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Done {
    /// What it wrote, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Served {
    /// Serves from a folder of its own.
    pub fn start() -> Self {
        // Of the tests' own requests; whichever came first stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let mut command = terrace();
        command.args(["serve", "--port", "0", "--data"]).arg(folder.path().join("data"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.split(' ').find_map(|word| word.strip_suffix("/webhook")).unwrap().to_owned();
        // The rest of what it says is read, so that it can go on.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, folder, url }
    }

    /// A command against it and a Terra API. What it keeps lies in the folder of the test.
    pub fn command(&self, terra: &str, arguments: &[&str]) -> Command {
        let mut command = terrace();
        command.env("TERRA_DEV_ID", "a-developer").env("TERRA_API_KEY", "a-key-of-the-tests");
        command.env("TERRA_API_URL", terra).current_dir(self.folder.path());
        command.args(arguments).args(["--url", &self.url]);
        command
    }

    /// The same, to its end.
    pub fn run(&self, terra: &str, arguments: &[&str]) -> Done {
        self.command(terra, arguments).output().unwrap().into()
    }

    /// Posts a delivery, which has to be taken.
    pub async fn post(&self, body: &Value, ordering_ms: u64, trace_id: &str, reference: &str) {
        let body = body.to_string();
        let signature = sign(&SigningSecret::new(SECRET).unwrap(), UnixSeconds::now(), body.as_bytes());
        let request = reqwest::Client::new().post(format!("{}/webhook", self.url)).header(SIGNATURE, signature);
        let request = request.header(TRACE_ID, trace_id).header(ORDERING, ordering_ms).header(REFERENCE, reference);
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
}
