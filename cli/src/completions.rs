//! What shells and `man` know of the command line: `terrace completions` and `terrace man`.

use crate::args::Cli;
use crate::error::CommandError;
use crate::terminal;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print what a shell needs to complete `terrace` and its options.
///
/// It goes where the shell looks for it, which the examples show.
///
/// Exit status: 0 it is printed, 1 it cannot be, 2 wrong usage.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual page, or write one for each command into a folder.
///
/// The folder is made where it is missing.
///
/// Exit status: 0 it is written, 1 it cannot be, 2 wrong usage.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The folder that the pages are written to.
    pub folder: Option<PathBuf>,
}

/// Prints completions.
///
/// # Errors
///
/// When the output cannot be written.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "terrace", &mut script);
    terminal::write(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints or writes manual pages.
///
/// # Errors
///
/// When they cannot be written.
pub fn man(args: &ManArgs) -> Result<ExitCode, CommandError> {
    match &args.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)?;
        }
        None => {
            let mut page = Vec::new();
            Man::new(Cli::command()).render(&mut page)?;
            terminal::write(&page)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
