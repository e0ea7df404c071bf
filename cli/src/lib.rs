//! `terrace`: serve on a laptop, simulate deliveries, read and export records, diagnose, erase, replay, verify, and put right
//! what Terra's API knows better; here or in the cloud.

pub mod args;
pub mod backfill;
pub mod client;
pub mod completions;
pub mod connect;
pub mod cost;
pub mod damaged;
pub mod deliveries;
pub mod diagnose;
pub mod erase;
pub mod error;
pub mod examples;
pub mod export;
pub mod jobs;
pub mod ping_host;
pub mod profiles;
pub mod reconcile;
pub mod records;
pub mod replay;
pub mod serve;
pub mod shared_args;
pub mod simulate;
pub mod terminal;
pub mod terra;
pub mod users;
pub mod verify;

use crate::args::{Cli, Command};
use crate::error::CommandError;
use std::future::Future;
use std::process::ExitCode;

/// The exit status of a command that Ctrl-C ended, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Carries out a command.
pub async fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        // These three have endings of their own for Ctrl-C.
        Command::Serve(args) => serve::run(args).await.map(|()| ExitCode::SUCCESS).map_err(CommandError::from),
        Command::Backfill(args) => backfill::run(args).await,
        Command::Reconcile(args) => reconcile::run(args).await,
        Command::Simulate(args) => until_interrupted(simulate::run(args)).await,
        Command::Users(args) => until_interrupted(users::run(args)).await,
        Command::Records(args) => until_interrupted(records::run(args)).await,
        Command::Deliveries(args) => until_interrupted(deliveries::run(args)).await,
        Command::Diagnose(args) => until_interrupted(diagnose::run(args)).await,
        // It keeps what came so far.
        Command::Export(args) => export::run(args).await,
        Command::Jobs(args) => until_interrupted(jobs::run(args)).await,
        Command::Replay(args) => until_interrupted(replay::run(args)).await,
        Command::Erase(args) => until_interrupted(erase::run(args)).await,
        Command::Verify(args) => until_interrupted(verify::run(args)).await,
        Command::Cost(args) => until_interrupted(cost::run(args)).await,
        Command::Profiles(args) => profiles::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
    };
    done.unwrap_or_else(|error| {
        terminal::complain(&format!("terrace: {error}"));
        ExitCode::from(error.exit_status())
    })
}

async fn until_interrupted(
    command: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    tokio::select! {
        done = command => done,
        _ = tokio::signal::ctrl_c() => {
            terminal::complain("terrace: stopped");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}
