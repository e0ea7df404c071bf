//! `terrace`: the command line.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Terra API webhooks, received and kept.
#[derive(Debug, Parser)]
#[command(version)]
struct Terrace {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive deliveries and answer for them, on this machine.
    Serve(terrace_cli::serve::ServeArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve(args) = Terrace::parse().command;
    match terrace_cli::serve::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        #[expect(clippy::print_stderr, reason = "a command talks to people")]
        Err(error) => {
            eprintln!("terrace: {error}");
            ExitCode::FAILURE
        }
    }
}
