//! A target that fails on purpose, and a sender that keeps Terra's schedule: nothing is lost, nothing is there twice.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// `terrace serve` on a free port, until it is dropped.
struct Target {
    process: Child,
    url: String,
}

impl Target {
    fn failing(share: &str, data: &Path) -> Self {
        let mut command = terrace();
        command.args(["serve", "--port", "0", "--fail", share, "--data"]).arg(data);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let url = url.trim_end_matches("/webhook").to_owned();
        // It goes on talking, and is not to be ended by nobody listening.
        std::thread::spawn(move || said.lines().for_each(drop));
        Self { process, url }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn terrace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.env_remove("TERRA_SIGNING_SECRET").env_remove("PORT").env_remove("DATA");
    command
}

fn simulate(target: &Target, data: &Path, options: &[&str]) -> Output {
    let mut command = terrace();
    command.args(["simulate", "--json", "--url", &target.url, "--data"]).arg(data);
    command.args(options).output().unwrap()
}

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_a_failing_target_acknowledges_is_there_once_and_nothing_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let target = Target::failing("0.3", data.path());
    let options = ["--retries", "current", "--speed", "30000", "--users", "2", "--days", "2", "--large", "0"];
    let output = simulate(&target, data.path(), &options);
    let report = said(&output);
    assert_eq!((output.status.code(), &report["check"]["differences"]), (Some(0), &json!([])), "{report:#}");
    assert!(report["total"]["retries"].as_u64().unwrap() > 20, "{}", report["total"]);
    assert_eq!(report["total"]["failed"], 0);
}

#[test]
fn a_sender_that_gives_up_says_so() {
    let data = tempfile::tempdir().unwrap();
    let target = Target::failing("1", data.path());
    let once = ["--users", "1", "--types", "auth", "--reauths", "0", "--duplicates", "0", "--late", "0"];
    let options = ["--retries", "former", "--speed", "10000000", "--no-check"];
    let output = simulate(&target, data.path(), &[&once[..], &options].concat());
    let report = said(&output);
    assert_eq!((output.status.code(), &report["total"]["retries"]), (Some(1), &json!(8)), "{report:#}");
    assert!(report["failures"][0].as_str().unwrap().contains("after 9 attempts"), "{report:#}");
}

#[test]
fn a_saved_body_is_sent_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let target = Target::failing("0", data.path());
    let file = data.path().join("saved.json");
    let body = r#" {"type":"daily","user":{"user_id":"saved"},"data":[{"metadata":{"start_time":"2026-07-01"}}]} "#;
    std::fs::write(&file, body).unwrap();
    let send = |file: &str, more: &[&str]| {
        let mut command = terrace();
        command.args(["simulate", "--url", &target.url, "--from-file", file]).args(more);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that reads no standard input may be gone by now.
        drop(process.stdin.take().unwrap().write_all(body.as_bytes()));
        process.wait_with_output().unwrap()
    };
    let file = file.to_str().unwrap();
    let first = send(file, &["--trace-id", "7243c4e7-7d2b-4a51-9f0c-6a54c1a3b0d1", "--ordering", "1782897153891"]);
    assert_eq!((first.status.code(), &said(&first)["records"]["stored"]), (Some(0), &json!(1)), "{first:?}");
    assert!(said(&first)["delivery"].as_str().unwrap().contains("7243c4e7-7d2b-4a51-9f0c-6a54c1a3b0d1"));
    let piped = send("-", &["--ordering", "1782897153891"]);
    assert_eq!(said(&piped)["records"]["unchanged"], 1, "{piped:?}");
    let mut command = terrace();
    let name = said(&first)["delivery"].as_str().unwrap().to_owned();
    let kept = command.args(["deliveries", "saved", "--url", &target.url, "--body", &name]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&kept.stdout).trim_end_matches('\n'), body, "{kept:?}");
    let missing = send("/nowhere/at/all", &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read /nowhere/at/all"), "{missing:?}");
    let refused = send(file, &["--secret", "another"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("401"), "{refused:?}");
}
