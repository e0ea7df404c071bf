//! What is said where something is stored that cannot be read: it is left out, and never in silence.

use crate::terminal;
use std::process::ExitCode;

/// Says how much is left out, and what to do about it. The exit status is 1 where anything is.
pub fn told(damaged: u64, what: &str) -> ExitCode {
    if damaged == 0 {
        return ExitCode::SUCCESS;
    }
    terminal::complain(&format!(
        "terrace: {damaged} {what} are left out: what is stored of them cannot be read; `terrace replay --all` makes records \
         and marks anew from deliveries that are whole, `terrace verify` names those that are not"
    ));
    ExitCode::FAILURE
}
