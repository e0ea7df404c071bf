//! What it keeps through a kill, and what it refuses to start on.

use crate::served::{SECRET, Served, WITHIN, daily, post, refused, signed, terrace};
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

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
