//! Sending bodies that were saved, byte for byte.

use crate::client::{Client, refusal};
use crate::error::CommandError;
use crate::terminal;
use bytes::Bytes;
use clap::Args;
use reqwest::StatusCode;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terrace_terra::headers::{ORDERING, REFERENCE, SIGNATURE, TRACE_ID};
use terrace_terra::signature::sign;
use terrace_terra::{SigningSecret, UnixSeconds};

/// What is sent in place of a simulation.
#[derive(Debug, Clone, Default, Args)]
pub struct Saved {
    /// Send this saved body as it is, signed now, in place of a simulation; `-` reads it from the standard input. Several
    /// are sent one after the other.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "at", "start_date", "types", "list", "no_check"])]
    pub from_file: Vec<PathBuf>,
    /// With --from-file: the X-Terra-Trace-Id.
    #[arg(long, value_name = "ID", requires = "from_file")]
    pub trace_id: Option<String>,
    /// With --from-file: the X-Terra-Ordering-Timestamp, in milliseconds since 1970.
    #[arg(long, value_name = "MS", requires = "from_file")]
    pub ordering: Option<u64>,
    /// With --from-file: the terra-reference.
    #[arg(long, value_name = "TEXT", requires = "from_file")]
    pub reference: Option<String>,
}

/// Sends what was saved and prints what the webhook answers, a line each. The exit status is 1 where one was not taken.
///
/// # Errors
///
/// When a file cannot be read, or nobody answers.
pub async fn send(saved: &Saved, client: &Client, secret: &str) -> Result<ExitCode, CommandError> {
    let secret = SigningSecret::new(secret)?;
    let bodies: Vec<Bytes> = saved.from_file.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let mut all_taken = true;
    for (file, body) in saved.from_file.iter().zip(bodies) {
        let mut request = client.http().post(client.url(&["webhook"], &[])?);
        request = request.header("content-type", "application/json");
        request = request.header(SIGNATURE, sign(&secret, UnixSeconds::now(), &body));
        for (name, value) in [(TRACE_ID, &saved.trace_id), (REFERENCE, &saved.reference)] {
            request = value.iter().fold(request, |request, value| request.header(name, value));
        }
        request = saved.ordering.iter().fold(request, |request, ordering| request.header(ORDERING, *ordering));
        let unreachable = |cause| CommandError::Unreachable { url: client.base().to_owned(), cause };
        let response = request.body(body).send().await.map_err(unreachable)?;
        if response.status() == StatusCode::OK {
            let answer = response.bytes().await.map_err(unreachable)?;
            terminal::say(&String::from_utf8_lossy(&answer))?;
        } else {
            all_taken = false;
            terminal::complain(&format!("{}: {}", file.display(), refusal(response).await));
        }
    }
    Ok(if all_taken { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<Bytes, CommandError> {
    let read = if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(file)
    };
    read.map(Bytes::from).map_err(|cause| CommandError::Usage(format!("cannot read {}: {cause}", file.display())))
}
