//! The commands of a client against `terrace serve`: what was delivered comes out again as it was sent.

use crate::common::{Ran, files, run, terrace};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, sign};

/// A `serve` that runs, and is killed with the test.
struct Served {
    child: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    fn start(home: &Path) -> Self {
        let mut command = terrace(home);
        command.args(["serve", "--port", "0", "--data"]).arg(home.join("data")).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            said.push_str(&line.unwrap());
            // The last line of what it says names the way to stop it.
            if said.contains("Ctrl-C") {
                break;
            }
        }
        let port = said.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
        Self { child, port }
    }

    fn deliver(&self, body: &str) {
        let secret = SigningSecret::new("local-development-secret").unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signature = sign(&secret, UnixSeconds(now), body.as_bytes());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "POST /webhook HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nterra-signature: {signature}\r\n\
             Content-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// A command that asks this server.
    fn ask(&self, home: &Path, arguments: &[&str]) -> Ran {
        let url = format!("http://127.0.0.1:{}", self.port);
        let ran = run(terrace(home).args(arguments).args(["--url", &url]));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    }
}

/// An id that a path has to carry with care.
const USER: &str = "a b ü?#%2F";

fn delivery(data_type: &str, data: &str) -> String {
    format!(
        r#"{{"type":"{data_type}","user":{{"user_id":"{USER}","provider":"GARMIN","reference_id":"r1"}},"data":[{data}]}}"#
    )
}

#[test]
fn what_was_delivered_comes_out_as_it_was_sent() {
    let home = tempfile::tempdir().unwrap();
    let served = Served::start(home.path());
    let day = |day: u32| {
        format!(
            "{{\"metadata\":{{\"start_time\":\"2026-07-{day:02}T00:00:00+01:00\"}},\r\n \"distance_data\":{{\"steps\":{day}12345678901234567890.10}}}}"
        )
    };
    served.deliver(&delivery("daily", &[day(1), day(2), day(3)].join(",")));
    let night = r#"{"metadata":{"summary_id":"night","start_time":"2026-07-01T22:00:00+01:00","end_time":"2026-07-02T06:00:00+01:00"},"sleep_durations_data":{"asleep":{"duration_asleep_state_seconds":25200}}}"#;
    served.deliver(&delivery("sleep", night));

    let out = home.path().join("out").display().to_string();
    served.ask(home.path(), &["export", &out, "--user", USER, "--type", "daily,sleep", "--to", "2026-07-02"]);
    let written = files(Path::new(&out));
    let days: Vec<&str> = written["daily.jsonl"].lines().collect();
    assert_eq!(days.len(), 2);
    assert!(days[1].ends_with(&format!("\"data\":{}}}", day(2).replace("\r\n", "  "))), "{}", days[1]);
    let read: Value = serde_json::from_str(days[0]).unwrap();
    assert_eq!((&read["user_id"], &read["reference_id"]), (&USER.into(), &"r1".into()));
    assert!(written["sleep.jsonl"].trim_end().ends_with(&format!("\"data\":{night}}}")), "{}", written["sleep.jsonl"]);

    let rows = home.path().join("rows").display().to_string();
    served.ask(home.path(), &["export", &rows, "--user", USER, "--format", "csv"]);
    let rows = files(Path::new(&rows));
    assert!(rows["daily.csv"].lines().nth(3).unwrap().contains(",312345678901234567890.10,"), "{}", rows["daily.csv"]);
    assert!(rows["sleep.csv"].contains(",25200"), "{}", rows["sleep.csv"]);

    let report = r#"{"session_id":"s","reference_id":"r1","results":[{"value":"1.10"}]}"#;
    served.deliver(&format!(r#"{{"type":"lab_report.completed","data":{report}}}"#));
    let person = home.path().join("person").display().to_string();
    let told = served.ask(home.path(), &["export", &person, "--reference", "r1", "--user", USER, "--json"]);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&told["records"], &told["types"]["daily"]), (&5.into(), &3.into()), "each once: {told}");
    let reports = &files(Path::new(&person))["lab_report.jsonl"];
    assert!(reports.starts_with(r#"{"user_id":null,"reference_id":"r1","#) && reports.contains(r#""value":"1.10""#));

    let listed = served.ask(home.path(), &["records", USER, "--type", "sleep,daily", "--json"]);
    assert_eq!(listed.out.lines().count(), 4, "{listed:?}");
    let of_reference = served.ask(home.path(), &["users", "--reference", "r1", "--json"]);
    assert!(of_reference.out.contains(USER), "{of_reference:?}");
    assert_eq!(served.ask(home.path(), &["deliveries", USER, "--json"]).out.lines().count(), 2);

    let order = served.ask(home.path(), &["erase", USER, "--yes", "--no-wait", "--json"]);
    let order: Value = serde_json::from_str(&order.out).unwrap();
    let done = served.ask(home.path(), &["jobs", order["job"].as_str().unwrap(), "--wait"]);
    assert!(done.out.contains("is done"), "{done:?}");
    let nothing = home.path().join("nothing").display().to_string();
    let nothing = served.ask(home.path(), &["export", &nothing, "--user", USER, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&nothing.out).unwrap()["records"], 0);
}
