//! `terrace`.

use clap::Parser;
use std::process::ExitCode;
use terrace_cli::args::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    terrace_cli::run(Cli::parse()).await
}
