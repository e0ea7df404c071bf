//! The compiled `terrace`, and a server that makes up pages as they are asked for: of as many records as a test wants, and
//! with whatever failures it wants.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The how-many-th question it is, from 1 on.
    pub number: usize,
    /// The path as it came.
    pub path: String,
    /// The parameters.
    pub query: HashMap<String, String>,
    /// The headers.
    pub headers: http::HeaderMap,
}

/// An answer in place of the one that would be given.
pub type Instead = Option<Response<Body>>;

/// What there is to be asked for.
pub struct World {
    /// How many users there are: `u0`, `u1`, ….
    pub users: usize,
    /// How many records of each type each of them has.
    pub records: usize,
    /// How many entries a page has at most, whatever is asked for.
    pub page: usize,
    /// Looks at each question first.
    pub first: Box<dyn Fn(&Asked) -> Instead + Send + Sync>,
}

impl World {
    /// Three users of twenty-five records of two types, ten on a page.
    pub fn small() -> Self {
        Self { users: 3, records: 25, page: 10, first: Box::new(|_| None) }
    }

    /// The same, where each question is looked at first.
    pub fn small_but(first: impl Fn(&Asked) -> Instead + Send + Sync + 'static) -> Self {
        Self { first: Box::new(first), ..Self::small() }
    }
}

/// The types that every user has records of, as the server answers them.
pub const TYPES: [&str; 2] = ["daily", "sleep"];

/// A server that runs until the test ends.
#[derive(Clone)]
pub struct Server {
    /// Its port.
    pub port: u16,
    world: Arc<World>,
    number: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one.
    pub fn start(world: World) -> Self {
        let (sender, port) = channel();
        let server = Self { port: 0, world: Arc::new(world), number: Arc::default(), asked: Arc::default() };
        let state = server.clone();
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                sender.send(listener.local_addr().unwrap().port()).unwrap();
                let app = axum::Router::new().fallback(answer).with_state(state);
                axum::serve(listener, app).await.unwrap();
            });
        });
        Self { port: port.recv().unwrap(), ..server }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let number = server.number.fetch_add(1, Ordering::SeqCst) + 1;
    let (head, _) = request.into_parts();
    let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let asked = Asked { number, path: head.uri.path().to_owned(), query, headers: head.headers };
    // Of a million records nobody looks at what was asked.
    if number <= 1_000 {
        server.asked.lock().unwrap().push(asked.clone());
    }
    // What blocks is another thread's to wait for.
    let of = asked.clone();
    let world = Arc::clone(&server.world);
    if let Some(instead) = tokio::task::spawn_blocking(move || (world.first)(&of)).await.unwrap() {
        return instead;
    }
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["users"] => said(200, users(&server.world, &asked)),
        ["users", user] if known(&server.world, user) => said(200, user_json(user)),
        ["users", user, "records"] if known(&server.world, user) => said(200, records(&server.world, user, &asked)),
        _ => said(404, r#"{"error":"not_found","message":"nothing is known of this user"}"#.to_owned()),
    }
}

/// An answer.
pub fn said(status: u16, body: String) -> Response {
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

fn known(world: &World, user: &str) -> bool {
    user.strip_prefix('u').and_then(|number| number.parse().ok()).is_some_and(|number: usize| number < world.users)
}

fn user_json(user: &str) -> String {
    let last = r#"{"daily":"2026-07-01T00:00:00.000Z"}"#;
    format!(
        r#"{{"user_id":"{user}","provider":"GARMIN","reference_id":"r-{user}","status":"active","scopes":[],"last_delivery":{last},"replaced_by":null,"replaces":[]}}"#
    )
}

/// The part of a list that a question is about, and the next cursor as JSON.
fn part(world: &World, number: usize, asked: &Asked) -> (std::ops::Range<usize>, String) {
    let begin = asked.query.get("cursor").map_or(0, |cursor| cursor.trim_start_matches('c').parse().unwrap());
    let limit = asked.query.get("limit").map_or(100, |limit| limit.parse().unwrap()).min(world.page);
    let end = number.min(begin + limit);
    (begin..end, if end < number { format!("\"c{end}\"") } else { "null".to_owned() })
}

fn users(world: &World, asked: &Asked) -> String {
    let (part, cursor) = part(world, world.users, asked);
    let users: Vec<String> = part.map(|number| user_json(&format!("u{number}"))).collect();
    format!(r#"{{"users":[{}],"cursor":{cursor}}}"#, users.join(","))
}

fn records(world: &World, user: &str, asked: &Asked) -> String {
    let types: Vec<&str> = TYPES
        .into_iter()
        .filter(|one| asked.query.get("type").is_none_or(|types| types.split(',').any(|asked| asked == *one)))
        .collect();
    let (part, cursor) = part(world, world.records * types.len(), asked);
    let mut text = String::from(r#"{"records":["#);
    let (first, full) = (part.start, asked.query.get("detail").is_some_and(|detail| detail == "full"));
    for at in part {
        if at > first {
            text.push(',');
        }
        let (data_type, number) = (types[at / world.records], at % world.records);
        // As Terra may send it: with white space within, and digits that no float has.
        let content = format!(
            "{{\"metadata\":{{\"start_time\":\"day {number}\"}},\n \"distance_data\":{{\"steps\":{number}.10,\"of\":\"{user}\"}}}}"
        );
        let name = if full { "data" } else { "summary" };
        write!(
            text,
            r#"{{"type":"{data_type}","id":"{number}","start_time":"day {number}","end_time":null,"provider":"GARMIN","updated_at":"2026-07-01T00:00:00.000Z","{name}":{content}}}"#
        )
        .unwrap();
    }
    write!(text, r#"],"cursor":{cursor}}}"#).unwrap();
    text
}

/// `terrace` in a home of its own, with nothing of this machine's AWS.
pub fn terrace(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran { code: status.code(), out: String::from_utf8(stdout).unwrap(), err: String::from_utf8(stderr).unwrap() }
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status; none where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

/// Every file of a folder, by name.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}
