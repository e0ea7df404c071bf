//! The command line.

use crate::backfill::BackfillArgs;
use crate::completions::{CompletionsArgs, ManArgs};
use crate::deliveries::DeliveriesArgs;
use crate::diagnose::DiagnoseArgs;
use crate::erase::EraseArgs;
use crate::export::args::ExportArgs;
use crate::jobs::JobsArgs;
use crate::profiles::ProfilesArgs;
use crate::reconcile::ReconcileArgs;
use crate::records::RecordsArgs;
use crate::replay::ReplayArgs;
use crate::serve::ServeArgs;
use crate::simulate::args::SimulateArgs;
use crate::users::UsersArgs;
use crate::verify::VerifyArgs;
use clap::{Parser, Subcommand};

/// Terrace keeps the health data that Terra API sends: every delivery as it came, one up-to-date record per user and
/// identifier.
#[derive(Debug, Parser)]
#[command(name = "terrace", version, propagate_version = true, after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What is said of exit statuses below the help.
const EXIT_STATUS: &str = "\
Exit status:
  0    done, nothing differs
  1    the server said no, a job failed, something differs or is damaged, or the output cannot be written
  2    wrong usage, or nobody could be asked: no such profile, no credentials, no answer
  130  stopped by Ctrl-C";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run Terrace on this machine, everything in one folder.
    Serve(ServeArgs),
    /// Send realistic Terra deliveries to a URL, then read everything back and compare.
    Simulate(SimulateArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Users(UsersArgs),
    /// Show a user's connection and records.
    Records(RecordsArgs),
    /// Show a user's deliveries, or the body of one.
    Deliveries(DeliveriesArgs),
    /// Say why a user's data may be missing.
    Diagnose(DiagnoseArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Export(ExportArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Jobs(JobsArgs),
    /// Apply deliveries from the log again.
    Replay(ReplayArgs),
    /// Erase everything that is kept of somebody.
    Erase(EraseArgs),
    /// Compare Terra's view of its connections with ours, and mend ours.
    Reconcile(ReconcileArgs),
    /// Ask Terra to send history to the webhook, and follow it until it came.
    Backfill(BackfillArgs),
    /// Make the view anew from the log, and compare.
    Verify(VerifyArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Profiles(ProfilesArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Completions(CompletionsArgs),
    #[expect(missing_docs, reason = "what it says of itself stands at its options, whole")]
    Man(ManArgs),
}

/// Where Terrace answers.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8787";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["terrace", "simulate", "--types", "daily,sleep", "--late", "1"]).unwrap();
        let Command::Simulate(args) = cli.command else { panic!("simulate") };
        assert_eq!(
            (args.types.as_slice(), args.late, args.users),
            (&["daily".to_owned(), "sleep".to_owned()][..], 1.0, 20)
        );
    }

    #[test]
    fn wrong_options_are_refused() {
        for wrong in [
            &["simulate", "--late", "1.5"][..],
            &["simulate", "--types", "dayly"],
            &["simulate", "--users", "0"],
            &["simulate", "--start-date", "2026-02-30"],
            &["simulate", "--at", "yesterday"],
            &["simulate", "--pings", "-0.1"],
            &["simulate", "--requests", "101"],
            &["records"],
            &["records", "u", "--id", "x", "--from", "2026-07-01"],
            &["deliveries", "u", "--from", "soon"],
            &["diagnose"],
            &["diagnose", "u", "--reference", "r"],
            &["replay", "--from", "soon"],
            &["erase"],
            &["erase", "u", "--reference", "r"],
            &["verify", "--table", "t"],
            &["users", "--url", "http://x", "--profile", "p"],
            &["users", "--all", "--limit", "5"],
            &["records", "u", "--type", "dayly"],
            &["records", "u", "--updated-since", "2026-07-01"],
            &["jobs"],
            &["export"],
            &["export", "out", "--concurrency", "0"],
            &["completions", "cmd"],
            &["reconcile", "--yes"],
            &["backfill", "--from", "2026-01-01", "--to", "2026-01-02"],
            &["backfill", "--all", "--from", "2026-01-01", "--to", "2026-01-02", "--types", "hormone"],
            &["backfill", "--all", "--from", "2026-01-01", "--to", "2026-01-02", "--span", "1826"],
            &["nothing"],
        ] {
            let error = Cli::try_parse_from([&["terrace"], wrong].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
