//! The memory that an export costs: `terrace export`, in a process of its own, of a server that makes up pages as they
//! are asked for.

use crate::endpoints::serve;
use crate::error::{BenchError, Doing};
use crate::process::peak_memory;
use axum::Router;
use axum::http::{StatusCode, Uri};
use std::fmt::Write;
use std::fs::{metadata, remove_dir_all};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::time::sleep;

/// How many records are exported.
pub const RECORDS: usize = USERS * EACH;
/// Of how many users.
const USERS: usize = 1_000;
/// How many records each of them has: a page full.
const EACH: usize = 1_000;
/// How often the memory is looked at. Its mark only rises; what is missed lies between the last look and the end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What an export came to.
#[derive(Debug, Clone, Copy)]
pub struct ExportFigures {
    /// The most memory the command has had, in bytes, as JSON lines and as CSV.
    pub memory: [u64; 2],
    /// How long it took.
    pub took: [Duration; 2],
}

/// Has everything exported by this binary, into a folder that is removed afterwards.
///
/// # Errors
///
/// When it does not end well, or has not written everything.
pub async fn measure(terrace: &Path, folder: &Path) -> Result<ExportFigures, BenchError> {
    let (address, server) = serve(Router::new().fallback(|uri: Uri| async move { answer(&uri) })).await?;
    let url = format!("http://{address}");
    let lines = exported(terrace, folder, &url, "jsonl").await?;
    let rows = exported(terrace, folder, &url, "csv").await?;
    server.abort();
    Ok(ExportFigures { memory: [lines.0, rows.0], took: [lines.1, rows.1] })
}

async fn exported(terrace: &Path, folder: &Path, url: &str, format: &str) -> Result<(u64, Duration), BenchError> {
    let out = folder.join(format!("export-{format}"));
    // Left by a run that was stopped.
    drop(remove_dir_all(&out));
    let began = Instant::now();
    let mut command = Command::new(terrace);
    command.arg("export").arg(&out).args(["--url", url, "--format", format]).kill_on_drop(true);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().doing("start terrace")?;
    let mut memory = 0;
    let status = loop {
        if let Some(status) = child.try_wait().doing("wait for terrace")? {
            break status;
        }
        // Between its end and the next look there is nothing to be read.
        let mark = child.id().and_then(|pid| peak_memory(pid).ok());
        memory = memory.max(mark.unwrap_or(0));
        sleep(LOOK_EVERY).await;
    };
    let took = began.elapsed();
    let written = metadata(out.join(format!("daily.{format}"))).map_or(0, |file| file.len());
    drop(remove_dir_all(&out));
    if !status.success() || written < RECORDS as u64 * 50 || memory == 0 {
        return Err(BenchError::NoFigure(format!("terrace export ended with {status} and {written} bytes")));
    }
    Ok((memory, took))
}

/// A page of users, or of one user's days.
fn answer(uri: &Uri) -> (StatusCode, String) {
    match uri.path().trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["users"] => (StatusCode::OK, users(uri.query().unwrap_or_default())),
        ["users", _, "records"] => (StatusCode::OK, days()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    }
}

fn users(query: &str) -> String {
    let given = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.parse::<usize>().ok());
    let begin = given("cursor=").unwrap_or(0);
    let end = USERS.min(begin + given("limit=").unwrap_or(100));
    let users: Vec<String> =
        (begin..end).map(|at| format!(r#"{{"user_id":"user-{at}","reference_id":null,"status":"active"}}"#)).collect();
    let cursor = if end < USERS { format!("\"{end}\"") } else { "null".to_owned() };
    format!(r#"{{"users":[{}],"cursor":{cursor}}}"#, users.join(","))
}

fn days() -> String {
    let mut text = String::from(r#"{"records":["#);
    for day in 0..EACH {
        if day > 0 {
            text.push(',');
        }
        let summary = format!(
            r#"{{"metadata":{{"start_time":"day {day}"}},"distance_data":{{"steps":{day},"distance_meters":{day}.5}}}}"#
        );
        // Nothing can go wrong in writing to a text.
        let written = write!(
            text,
            r#"{{"type":"daily","id":"{day}","start_time":"day {day}","end_time":null,"provider":"GARMIN","updated_at":"2026-07-01T00:00:00.000Z","summary":{summary}}}"#
        );
        debug_assert!(written.is_ok());
    }
    text.push_str(r#"],"cursor":null}"#);
    text
}
