//! `terrace` as a client: which address it asks, when it signs and as whom, and what it says where that goes wrong.

use crate::common::{Server, World, run, said, terrace};
use axum::body::Body;
use axum::response::Response;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI-hush";

/// A command with keys in its environment.
fn signing(home: &Path) -> Command {
    let mut command = terrace(home);
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_SESSION_TOKEN", "token-hush");
    command
}

/// The server under an address that is not this machine's own name.
fn elsewhere(server: &Server) -> String {
    format!("http://0.0.0.0:{}", server.port)
}

fn configure(home: &Path, text: &str) {
    fs::create_dir_all(home.join(".config/terrace")).unwrap();
    fs::write(home.join(".config/terrace/config.toml"), text).unwrap();
}

#[test]
fn users_are_listed_for_people_and_for_programs() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World { users: 25, ..World::small() }));
    let people = run(terrace(home.path()).args(["users", "--limit", "5", "--url", &server.url()]));
    assert_eq!(people.code, Some(0), "{people:?}");
    assert!(
        people.out.contains("u4") && people.out.contains("r-u4") && people.out.ends_with("5 users\n"),
        "{people:?}"
    );
    assert!(people.err.contains("--all"), "{people:?}");
    let programs = run(terrace(home.path()).args(["users", "--all", "--json", "--url", &server.url()]));
    let ids: Vec<Value> =
        programs.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["user_id"].clone()).collect();
    assert_eq!((ids.len(), &ids[24]), (25, &"u24".into()));
}

#[test]
fn records_of_several_types_are_read_on_one_line_each() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let asked = ["records", "u1", "--type", "sleep,daily", "--url", &server.url(), "--json"];
    let some = run(terrace(home.path()).args(asked).args(["--limit", "27", "--updated-since", "2026-07-01T00:00:00Z"]));
    assert_eq!(some.code, Some(0), "{some:?}");
    let lines: Vec<Value> = some.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["type"], &lines[26]["type"]), (27, &"daily".into(), &"sleep".into()));
    assert!(server.asked().iter().all(|asked| asked.query["updated_since"] == "2026-07-01T00:00:00Z"));
    let all = run(terrace(home.path()).args(asked).args(["--all", "--detail", "full"]));
    assert_eq!((all.out.lines().count(), all.err.as_str()), (50, ""));
}

/// What is left out because it cannot be read is never passed over in silence.
#[test]
fn what_is_damaged_there_is_told() {
    let home = tempfile::tempdir().unwrap();
    let world = World::small_but(|asked| {
        let list = ["users", "records", "deliveries"].into_iter().find(|list| asked.path.ends_with(list))?;
        // Two pages, with three of them damaged.
        let (damaged, cursor) = if asked.query.contains_key("cursor") { (1, "null") } else { (2, r#""next""#) };
        Some(said(200, format!(r#"{{"{list}":[],"damaged":{damaged},"cursor":{cursor}}}"#)))
    });
    let server = Server::start(world);
    for (arguments, what) in [
        (&["users", "--all"][..], "3 users are left out"),
        (&["records", "u1", "--all"], "3 records are left out"),
        (&["records", "u1"], "3 records are left out"),
        (&["deliveries", "u1"], "3 deliveries are left out"),
    ] {
        for json in [&[][..], &["--json"]] {
            let ran = run(terrace(home.path()).args(arguments).args(json).args(["--url", &server.url()]));
            assert_eq!(ran.code, Some(1), "{ran:?}");
            assert!(ran.err.contains(what) && ran.err.contains("terrace replay --all"), "{ran:?}");
        }
    }
}

#[test]
fn this_machine_is_never_asked_with_a_signature() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}", server.port);
        let ran = run(signing(home.path()).args(["users", "--region", "eu-west-1", "--url", &url]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    for asked in server.asked() {
        assert!(asked.headers.keys().all(|name| name != "authorization" && !name.as_str().starts_with("x-amz")));
    }
}

#[test]
fn others_are_asked_with_one_and_a_redirect_gets_none_of_it() {
    let bucket = Server::start(World::small());
    let location = format!("{}/users?signed=1", bucket.url());
    let server = Server::start(World::small_but(move |_| {
        Some(Response::builder().status(307).header("location", location.as_str()).body(Body::empty()).unwrap())
    }));
    let home = tempfile::tempdir().unwrap();
    let ran = run(signing(home.path()).args(["users", "--region", "eu-west-1", "--url", &elsewhere(&server)]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.ends_with("3 users\n"), "{ran:?}");
    let asked = server.asked();
    let authorization = asked[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/")), "{authorization}");
    assert!(authorization.contains("/eu-west-1/execute-api/aws4_request"), "{authorization}");
    assert_eq!(asked[0].headers["x-amz-security-token"], "token-hush");
    for asked in bucket.asked() {
        assert!(asked.headers.keys().all(|name| name != "authorization" && !name.as_str().starts_with("x-amz")));
    }
}

#[test]
fn a_redirect_to_where_anybody_listens_is_not_followed() {
    let server = Server::start(World::small_but(|_| {
        let location = "http://elsewhere.example/";
        Some(Response::builder().status(307).header("location", location).body(Body::empty()).unwrap())
    }));
    let home = tempfile::tempdir().unwrap();
    let ran = run(terrace(home.path()).args(["users", "--url", &server.url()]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("nowhere safe"), "{ran:?}");
}

#[test]
fn who_was_refused_is_told_and_what_to_check() {
    let server = Server::start(World::small_but(|_| Some(said(403, r#"{"message":"Forbidden"}"#.to_owned()))));
    let home = tempfile::tempdir().unwrap();
    let url = elsewhere(&server);
    let signed = run(signing(home.path()).args(["users", "--region", "eu-west-1", "--url", &url]));
    assert_eq!(signed.code, Some(1), "{signed:?}");
    for said in ["Forbidden", KEY, "AWS_ACCESS_KEY_ID in the environment", "eu-west-1", "execute-api:Invoke"] {
        assert!(signed.err.contains(said), "{said}: {signed:?}");
    }
    assert!(!signed.err.contains("hush"), "{signed:?}");
    let unsigned = run(signing(home.path()).args(["users", "--url", &url]));
    assert_eq!(unsigned.code, Some(1), "{unsigned:?}");
    assert!(unsigned.err.contains("not signed") && unsigned.err.contains("--region"), "{unsigned:?}");
}

#[test]
fn a_clock_that_is_off_is_told() {
    let server = Server::start(World::small_but(|_| {
        let refused = Response::builder().status(403).header("date", "Wed, 01 Jul 2020 12:00:00 GMT");
        Some(refused.body(Body::from(r#"{"message":"Signature expired"}"#)).unwrap())
    }));
    let home = tempfile::tempdir().unwrap();
    let ran = run(signing(home.path()).args(["users", "--region", "eu-west-1", "--url", &elsewhere(&server)]));
    assert!(ran.err.contains("clock is") && ran.err.contains("Signature expired"), "{ran:?}");
}

#[test]
fn nobody_to_sign_as_is_told_before_anything_is_asked() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let asked = ["users", "--region", "eu-west-1", "--url", &elsewhere(&server)];
    let nobody = run(terrace(home.path()).args(asked));
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(nobody.err.contains("no AWS credentials") && nobody.err.contains("get-caller-identity"), "{nobody:?}");

    let sso = "[profile health]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = reader\n\
               [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://work.awsapps.example/start\n";
    fs::create_dir_all(home.path().join(".aws/sso/cache")).unwrap();
    fs::write(home.path().join(".aws/config"), sso).unwrap();
    // The SHA-1 of the session's name.
    let token = r#"{"accessToken":"hush","expiresAt":"2020-01-01T00:00:00Z","region":"eu-west-1","startUrl":"https://work.awsapps.example/start"}"#;
    for cached in [false, true] {
        if cached {
            let name = "e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json";
            fs::write(home.path().join(".aws/sso/cache").join(name), token).unwrap();
        }
        let expired = run(terrace(home.path()).args(asked).args(["--aws-profile", "health"]));
        assert_eq!(expired.code, Some(2), "{expired:?}");
        assert!(expired.err.contains("`aws sso login --profile health`"), "{expired:?}");
        assert!(!expired.err.contains("hush"), "{expired:?}");
    }
    let unknown = run(signing(home.path()).args(asked).args(["--aws-profile", "nobody"]));
    assert_eq!(unknown.code, Some(2), "a profile that is named wins over keys: {unknown:?}");
    assert!(unknown.err.contains("nobody"), "{unknown:?}");
    assert!(server.asked().is_empty());
}

#[test]
fn a_program_may_hand_out_the_keys() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let keys = r#"echo '{"Version":1,"AccessKeyId":"AKIDPROGRAM","SecretAccessKey":"hush"}'"#;
    fs::write(home.path().join("keys.sh"), keys).unwrap();
    fs::create_dir_all(home.path().join(".aws")).unwrap();
    let program = format!("[profile health]\ncredential_process = sh {}\n", home.path().join("keys.sh").display());
    fs::write(home.path().join(".aws/config"), program).unwrap();
    configure(
        home.path(),
        &format!("[profile prod]\nurl = '{0}'\n", elsewhere(&server))
            .replace("[profile prod]", "[profile.prod]\nregion = 'eu-west-1'\naws_profile = 'health'"),
    );
    let ran = run(signing(home.path()).env("PATH", "/usr/bin:/bin").args(["users", "--profile", "prod"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(server.asked()[0].headers["authorization"].to_str().unwrap().contains("AKIDPROGRAM"));
}

#[test]
fn profiles_name_addresses_and_what_is_said_last_wins() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(World::small()));
    let aws = "https://ab1.execute-api.eu-west-1.amazonaws.com";
    configure(home.path(), &format!("[profile.here]\nurl = '{}'\n\n[profile.prod]\nurl = '{aws}'\n", server.url()));
    let by_option = run(terrace(home.path()).args(["users", "--profile", "here"]).env("TERRACE_PROFILE", "prod"));
    assert_eq!(by_option.code, Some(0), "{by_option:?}");
    let by_variable = run(terrace(home.path()).arg("users").env("TERRACE_PROFILE", "here"));
    assert_eq!(by_variable.code, Some(0), "{by_variable:?}");
    let by_url = run(terrace(home.path()).args(["users", "--url", &server.url()]).env("TERRACE_PROFILE", "nobody"));
    assert_eq!(by_url.code, Some(0), "{by_url:?}");

    let listed = run(terrace(home.path()).args(["profiles", "--json"]).env("TERRACE_PROFILE", "prod"));
    let lines: Vec<Value> = listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["profile"], &lines[0]["region"]), (&"here".into(), &Value::Null));
    assert_eq!((&lines[1]["region"], &lines[1]["selected"]), (&"eu-west-1".into(), &true.into()));
    let shown = run(terrace(home.path()).arg("profiles"));
    assert!(shown.out.contains("not signed") && shown.out.contains("config.toml"), "{shown:?}");

    for (profile, text, said) in [
        ("staging", None, "here, prod"),
        ("prod", Some("[profile.prod]\nurl = 1\n"), "line 2"),
        ("prod", Some("no toml"), "line 1"),
    ] {
        if let Some(text) = text {
            configure(home.path(), text);
        }
        let wrong = run(terrace(home.path()).args(["users", "--profile", profile]));
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(wrong.err.contains(said) && wrong.err.contains("config.toml"), "{wrong:?}");
    }
}

#[test]
fn a_host_that_nobody_reaches_is_told_with_the_cause() {
    let home = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let local = run(terrace(home.path()).args(["users", "--url", &format!("http://127.0.0.1:{port}")]));
    assert_eq!(local.code, Some(2), "{local:?}");
    assert!(local.err.contains("refused") && local.err.contains("make run"), "{local:?}");
    let far = run(terrace(home.path()).args(["users", "--url", "https://no-such-host.invalid"]));
    assert_eq!(far.code, Some(2), "{far:?}");
    assert!(far.err.contains("no-such-host.invalid") && far.err.contains("terrace profiles"), "{far:?}");
}

#[test]
fn shells_and_man_know_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(terrace(home.path()).args(["completions", shell]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(["export", "profiles", "updated-since"].iter().all(|word| ran.out.contains(word)), "{shell}");
    }
    let pages = home.path().join("man");
    assert_eq!(run(terrace(home.path()).arg("man").arg(&pages)).code, Some(0));
    assert!(fs::read_to_string(pages.join("terrace-export.1")).unwrap().contains("partial"));
    assert!(run(terrace(home.path()).arg("man")).out.contains("Exit status"));
}
