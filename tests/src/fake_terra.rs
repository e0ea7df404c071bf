//! A small Terra API on this machine, over real HTTP, which says what it is told to say, rightly or not.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// A parameter, or nothing.
    pub fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// What it says.
#[derive(Debug, Clone)]
pub enum Said {
    /// A status and JSON.
    Json(u16, Value),
    /// A status, a header line and a body.
    Raw(u16, &'static str, &'static str),
    /// A redirection to this place.
    Redirect(String),
    /// Nothing, and the connection stays open.
    Nothing,
    /// Nothing, and the connection is closed.
    Close,
    /// The beginning of JSON, and then more and more of it.
    Endless,
}

impl Said {
    /// Terra's way to say that there is nobody of this name.
    pub fn unknown() -> Self {
        Self::Json(404, serde_json::json!({"type": "about:blank", "title": "not found", "detail": "user not found"}))
    }
}

type Script = Arc<dyn Fn(&Asked, usize) -> Said + Send + Sync>;

/// A Terra API, until it is dropped.
pub struct FakeTerra {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl fmt::Debug for FakeTerra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeTerra").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for FakeTerra {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeTerra {
    /// One at a free port. The script hears what is asked, and how often that path was asked before.
    #[expect(clippy::unwrap_used, reason = "a test fails where its API cannot be built")]
    pub async fn new(script: impl Fn(&Asked, usize) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, asked): (Script, _) = (Arc::new(script), Arc::<Mutex<Vec<Asked>>>::default());
        let shared = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serve(stream, Arc::clone(&script), Arc::clone(&shared));
                // A client that goes away in the middle is what some of the tests are about.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { address, asked, serving }
    }

    /// Where it is, with the path that its API lies under.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(stream: TcpStream, script: Script, asked: Arc<Mutex<Vec<Asked>>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(question) = read(&mut stream).await? else { return Ok(()) };
    let before = {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.iter().filter(|earlier| earlier.path == question.path).count();
        asked.push(question.clone());
        before
    };
    let head = |status: u16, line: &str, length: usize| {
        let more = if line.is_empty() { String::new() } else { format!("{line}\r\n") };
        format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n{more}content-length: {length}\r\n\r\n")
    };
    let answer = match script(&question, before) {
        Said::Json(status, body) => {
            let body = body.to_string();
            head(status, "content-type: application/json", body.len()) + &body
        }
        Said::Raw(status, line, body) => head(status, line, body.len()) + body,
        Said::Redirect(place) => head(302, &format!("location: {place}"), 0),
        Said::Nothing => std::future::pending().await,
        Said::Close => return stream.shutdown().await,
        Said::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[").await?;
            loop {
                stream.write_all(&[b' '; 16_384]).await?;
            }
        }
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    stream.shutdown().await
}

/// The head of a request; none has a body.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? <= 2 {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let Some((first, headers)) = lines.split_first() else { return Ok(None) };
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers.iter().filter_map(|line| line.split_once(": "));
    Ok(Some(Asked {
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
    }))
}
