//! `terrace export`: everything once, whatever stops it on the way; and nothing half-written under the name of a whole
//! file.

use crate::common::{Asked, Ran, Server, World, files, run, said, terrace};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take before the test fails.
const WITHIN: Duration = Duration::from_secs(60);

fn export(home: &TempDir, server: &Server, folder: &str, options: &[&str]) -> Command {
    let mut command = terrace(home.path());
    command.arg("export").arg(home.path().join(folder)).args(["--url", &server.url()]);
    // Saved after each page, unless a test says otherwise.
    if !options.contains(&"--save-every") {
        command.args(["--save-every", "0"]);
    }
    command.args(options);
    command
}

fn whole(home: &TempDir, server: &Server, folder: &str, options: &[&str]) -> BTreeMap<String, String> {
    let ran = run(&mut export(home, server, folder, options));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    data(&home.path().join(folder))
}

/// The files but the manifest. None may be partial.
fn data(folder: &Path) -> BTreeMap<String, String> {
    let mut files = files(folder);
    let manifest: Value = serde_json::from_str(&files.remove("manifest.json").unwrap()).unwrap();
    assert_eq!(manifest["state"], "whole");
    assert!(files.keys().all(|name| !name.ends_with("partial")), "{:?}", files.keys());
    files
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn everything_is_there_once_and_in_order() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let ran = run(&mut export(&home, &server, "out", &["--json"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["users"], &report["records"], &report["types"]["sleep"]), (&3.into(), &150.into(), &75.into()));

    let files = data(&home.path().join("out"));
    assert_eq!(files.keys().collect::<Vec<_>>(), ["daily.jsonl", "sleep.jsonl"]);
    for (name, text) in &files {
        let expected: Vec<(String, String)> =
            (0..3).flat_map(|user| (0..25).map(move |id| (format!("u{user}"), id.to_string()))).collect();
        let found: Vec<_> = lines(text)
            .iter()
            .map(|line| (line["user_id"].as_str().unwrap().to_owned(), line["id"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(found, expected, "{name}");
        assert!(text.contains("\"steps\":7.10") && text.contains(r#""reference_id":"r-u1""#), "as it was sent");
    }
    assert!(
        server
            .asked()
            .iter()
            .filter(|asked| asked.path.ends_with("records"))
            .all(|asked| { asked.query["detail"] == "full" && !asked.query.contains_key("type") })
    );

    let before = server.asked().len();
    let again = run(&mut export(&home, &server, "out", &[]));
    assert_eq!((again.code, server.asked().len()), (Some(0), before), "{again:?}");
    assert!(again.err.contains("whole already"), "{again:?}");
    assert_eq!(data(&home.path().join("out")), files);
}

#[test]
fn only_what_is_asked_for_is_read() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let options = ["--user", "u2", "--user", "u0", "--user", "u2", "--type", "sleep", "--from", "2026-07-01"];
    let more = ["--updated-since", "2026-07-01T00:00:00Z", "--detail", "summary"];
    let files = whole(&home, &server, "out", &[&options[..], &more].concat());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["sleep.jsonl"]);
    let users: Vec<_> = lines(&files["sleep.jsonl"]).iter().map(|line| line["user_id"].clone()).collect();
    assert_eq!((users.len(), &users[0], &users[49]), (50, &"u2".into(), &"u0".into()));
    for asked in server.asked().iter().filter(|asked| asked.path.ends_with("records")) {
        let got = |name: &str| asked.query[name].as_str();
        assert_eq!(
            (got("type"), got("from"), got("updated_since"), got("detail")),
            ("sleep", "2026-07-01", "2026-07-01T00:00:00Z", "summary")
        );
    }
}

#[test]
fn rows_have_a_column_for_each_value() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let files = whole(&home, &server, "out", &["--format", "csv", "--type", "sleep,daily"]);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["daily.csv", "sleep.csv"]);
    let mut rows = files["daily.csv"].lines();
    assert_eq!(
        rows.next().unwrap(),
        "user_id,reference_id,type,id,start_time,end_time,provider,updated_at,distance_data.of,distance_data.steps,\
         metadata.start_time"
    );
    assert_eq!(rows.next().unwrap(), "u0,r-u0,daily,0,day 0,,GARMIN,2026-07-01T00:00:00.000Z,u0,0.10,day 0");
    assert_eq!(rows.count(), 74);
}

/// Holds the server's answers to one question back, says that it was asked, and lets the test go on with it.
struct Held {
    asked: Receiver<()>,
    go_on: Sender<()>,
}

/// A world where the `number`th question waits until the test lets it go.
fn held(number: usize) -> (World, Held) {
    held_in(World::small(), number)
}

fn held_in(world: World, number: usize) -> (World, Held) {
    let (tell, asked) = channel();
    let (go_on, wait) = channel();
    let wait = Mutex::new(wait);
    let tell = Mutex::new(tell);
    let first = Box::new(move |question: &Asked| {
        if question.number == number {
            tell.lock().unwrap().send(()).unwrap();
            // The test lets it go by letting go of its end.
            wait.lock().unwrap().recv().unwrap_err();
        }
        None
    });
    (World { first, ..world }, Held { asked, go_on })
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran { code: output.status.code(), out: String::new(), err: String::from_utf8(output.stderr).unwrap() }
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn what_is_killed_anywhere_goes_on_to_the_same_files() {
    for format in ["jsonl", "csv"] {
        let options = ["--format", format, "--concurrency", "2"];
        let home = tempfile::tempdir().unwrap();
        let expected = whole(&home, &Server::start(World::small()), "expected", &options);
        for number in [1, 2, 3, 5, 8, 11, 14, 16] {
            let (world, held) = held(number);
            let server = Server::start(world);
            let mut child = spawn(&mut export(&home, &server, &format!("{format}{number}"), &options));
            held.asked.recv_timeout(WITHIN).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            drop(held.go_on);
            // What was written behind the last manifest is cut off.
            let folder = home.path().join(format!("{format}{number}"));
            for name in ["daily", "sleep"] {
                let path = folder.join(format!("{name}.jsonl.partial"));
                if let Ok(text) = fs::read(&path) {
                    fs::write(&path, [&text[..], b"{\"torn"].concat()).unwrap();
                }
            }
            assert_eq!(whole(&home, &server, &format!("{format}{number}"), &options), expected, "{format} {number}");
        }
    }
}

#[test]
fn what_is_killed_among_many_users_goes_on_with_the_others() {
    // Three pages of users, one page of records each.
    let many = || World { users: 25, records: 5, ..World::small() };
    let home = tempfile::tempdir().unwrap();
    let expected = whole(&home, &Server::start(many()), "expected", &[]);
    assert_eq!(expected["daily.jsonl"].lines().count(), 125);
    for number in [4, 11, 12, 13, 20, 27] {
        let (world, held) = held_in(many(), number);
        let server = Server::start(world);
        let out = format!("out{number}");
        let mut child = spawn(&mut export(&home, &server, &out, &["--concurrency", "3"]));
        held.asked.recv_timeout(WITHIN).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(held.go_on);
        assert_eq!(whole(&home, &server, &out, &["--concurrency", "5"]), expected, "{number}");
    }
}

#[test]
fn what_was_read_before_an_interruption_is_not_read_again() {
    let (world, held) = held(9);
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let expected = whole(&home, &Server::start(World::small()), "expected", &[]);
    // Nothing is saved but at the interruption.
    let options = ["--concurrency", "1", "--save-every", "1000000"];
    let child = spawn(&mut export(&home, &server, "out", &options));
    held.asked.recv_timeout(WITHIN).unwrap();
    interrupt(&child);
    let ran = ended(child);
    drop(held.go_on);
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.err.contains("the same command goes on"), "{ran:?}");
    let records = |asked: &[Asked]| asked.iter().filter(|asked| asked.path.ends_with("records")).count();
    let before = records(&server.asked());
    assert_eq!(whole(&home, &server, "out", &options), expected);
    // Five pages a user; at most those that waited to be written are read anew.
    let after = records(&server.asked()) - before;
    assert!(before + after <= 15 + 3, "{before} before, {after} after");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_half_written_counts() {
    let (world, held) = held(2);
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let expected = whole(&home, &Server::start(World::small()), "expected", &[]);
    let child = spawn(&mut export(&home, &server, "out", &[]));
    held.asked.recv_timeout(WITHIN).unwrap();
    let partial = home.path().join("out/sleep.jsonl.partial");
    // Whatever is written there finds no room.
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    drop(held.go_on);
    let ran = ended(child);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("sleep.jsonl.partial") && ran.err.contains("make room"), "{ran:?}");
    assert!(!home.path().join("out/daily.jsonl").exists() && !home.path().join("out/sleep.jsonl").exists());
    fs::remove_file(&partial).unwrap();
    assert_eq!(whole(&home, &server, "out", &[]), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn rows_that_find_no_room_leave_the_lines_and_are_made_again() {
    let (world, held) = held(16);
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let options = ["--format", "csv"];
    let expected = whole(&home, &Server::start(World::small()), "expected", &options);
    let child = spawn(&mut export(&home, &server, "out", &options));
    held.asked.recv_timeout(WITHIN).unwrap();
    let partial = home.path().join("out/sleep.csv.partial");
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    drop(held.go_on);
    let ran = ended(child);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("sleep.csv.partial") && ran.err.contains("make room"), "{ran:?}");
    assert!(home.path().join("out/daily.csv").exists() && !home.path().join("out/sleep.csv").exists());
    fs::remove_file(&partial).unwrap();
    let before = server.asked().len();
    assert_eq!(whole(&home, &server, "out", &options), expected);
    assert_eq!(server.asked().len(), before, "nothing is read again");
}

#[test]
fn a_folder_that_is_not_this_exports_is_refused() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    whole(&home, &server, "out", &[]);
    for (options, said) in [
        (&["--format", "csv"][..], "--format, --detail"),
        (&["--type", "daily"], "--type"),
        (&["--user", "u1"], "--user"),
        (&["--reference", "r-u1"], "--reference"),
        (&["--from", "2026-07-01"], "--from"),
    ] {
        let ran = run(&mut export(&home, &server, "out", options));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(said) && ran.err.contains("name a new folder"), "{ran:?}");
    }
    fs::create_dir(home.path().join("mine")).unwrap();
    fs::write(home.path().join("mine/thesis.txt"), "all of it").unwrap();
    let ran = run(&mut export(&home, &server, "mine", &[]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("not empty"), "{ran:?}");
    assert_eq!(files(&home.path().join("mine")).len(), 1);

    let ran = run(&mut export(&home, &server, "mine/thesis.txt", &[]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let mut nowhere = terrace(home.path());
    let ran = run(nowhere.args(["export", "/proc/no/such", "--url", &server.url()]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("cannot write /proc/no/such"), "{ran:?}");

    let manifest = home.path().join("out/manifest.json");
    fs::write(&manifest, "{").unwrap();
    let ran = run(&mut export(&home, &server, "out", &[]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("manifest.json"), "{ran:?}");
    let wrong = run(&mut export(&home, &server, "other", &["--format", "csv", "--detail", "full"]));
    assert_eq!((wrong.code, home.path().join("other").exists()), (Some(2), false), "{wrong:?}");
}

#[test]
fn two_exports_do_not_write_to_one_folder() {
    let (world, held) = held(2);
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let child = spawn(&mut export(&home, &server, "out", &[]));
    held.asked.recv_timeout(WITHIN).unwrap();
    let second = run(&mut export(&home, &server, "out", &[]));
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.err.contains("another terrace"), "{second:?}");
    drop(held.go_on);
    assert_eq!(ended(child).code, Some(0));
    data(&home.path().join("out"));
}

#[test]
fn a_file_that_lost_lines_is_not_gone_on_with() {
    let (world, held) = held(9);
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let child = spawn(&mut export(&home, &server, "out", &["--concurrency", "1"]));
    held.asked.recv_timeout(WITHIN).unwrap();
    interrupt(&child);
    assert_eq!(ended(child).code, Some(130));
    drop(held.go_on);
    fs::write(home.path().join("out/daily.jsonl.partial"), "{}\n").unwrap();
    let ran = run(&mut export(&home, &server, "out", &["--concurrency", "1"]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("daily.jsonl.partial") && ran.err.contains("shorter"), "{ran:?}");
}

#[test]
fn a_busy_server_is_asked_again_and_one_that_says_no_is_told() {
    let home = tempfile::tempdir().unwrap();
    let expected = whole(&home, &Server::start(World::small()), "expected", &[]);
    let busy = World::small_but(|asked| (asked.number % 3 == 1).then(|| said(503, String::new())));
    assert_eq!(whole(&home, &Server::start(busy), "busy", &[]), expected);

    // The sixth question is refused, once.
    let once = World::small_but(|asked| {
        (asked.number == 6).then(|| said(500, r#"{"error":"internal","message":"damaged"}"#.to_owned()))
    });
    let server = Server::start(once);
    let ran = run(&mut export(&home, &server, "refused", &[]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("damaged") && ran.err.contains("the same command goes on"), "{ran:?}");
    assert_eq!(whole(&home, &server, "refused", &[]), expected);

    let unknown = run(&mut export(&home, &server, "unknown", &["--user", "u9"]));
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("--user u9"), "{unknown:?}");
}

#[test]
fn a_type_that_leads_out_of_the_folder_is_none() {
    let world = World::small_but(|asked| {
        let records = r#"{"records":[{"type":"../out","id":"1"}],"cursor":null}"#;
        asked.path.ends_with("records").then(|| said(200, records.to_owned()))
    });
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    let ran = run(&mut export(&home, &server, "out", &[]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(files(&home.path().join("out")).keys().collect::<Vec<_>>(), ["manifest.json"]);
}

#[test]
fn a_user_that_no_path_carries_is_left_out_and_told() {
    let world = World::small_but(|asked| {
        let users =
            r#"{"users":[{"user_id":"a/b","reference_id":null},{"user_id":"u1","reference_id":null}],"cursor":null}"#;
        (asked.path == "/users").then(|| said(200, users.to_owned()))
    });
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    for _ in 0..2 {
        let ran = run(&mut export(&home, &server, "out", &[]));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("1 users are left out") && ran.out.contains("50 records of 1 users"), "{ran:?}");
    }
}

#[test]
fn what_is_damaged_there_is_counted_and_told() {
    let world = World::small_but(|asked| match asked.path.as_str() {
        "/users" => {
            let user = r#"{"user_id":"u1","reference_id":null}"#;
            Some(said(200, format!(r#"{{"users":[{user}],"damaged":1,"cursor":null}}"#)))
        }
        "/references/r" => Some(said(200, r#"{"connections":[],"damaged":1,"cursor":null}"#.to_owned())),
        path if path.ends_with("/records") => {
            let record = r#"{"type":"daily","id":"1"}"#;
            let cursor = if asked.query.contains_key("cursor") { "null" } else { r#""next""# };
            Some(said(200, format!(r#"{{"records":[{record}],"damaged":2,"cursor":{cursor}}}"#)))
        }
        _ => None,
    });
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(world));
    for options in [&[][..], &["--reference", "r"]] {
        let folder = format!("out{}", options.len());
        // The second time the export is whole already, and as damaged as it was.
        for _ in 0..2 {
            let ran = run(&mut export(&home, &server, &folder, &[options, &["--json"]].concat()));
            assert_eq!(ran.code, Some(1), "{ran:?}");
            assert!(ran.err.contains("4 records are left out") && ran.err.contains("1 users are left out"), "{ran:?}");
            let report: Value = serde_json::from_str(&ran.out).unwrap();
            assert_eq!((&report["records"], &report["damaged_records"]), (&2.into(), &4.into()));
        }
        let manifest = files(&home.path().join(&folder)).remove("manifest.json").unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let progress = &manifest["progress"];
        assert_eq!((&progress["damaged_records"], &progress["damaged_users"]), (&4.into(), &1.into()), "{manifest}");
        assert_eq!(manifest["state"], "whole");
    }
}
