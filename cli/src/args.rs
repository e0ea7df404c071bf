//! The command line.

use crate::backfill::BackfillArgs;
use crate::completions::{CompletionsArgs, ManArgs};
use crate::cost::CostArgs;
use crate::deliveries::DeliveriesArgs;
use crate::diagnose::DiagnoseArgs;
use crate::erase::EraseArgs;
use crate::examples;
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
#[expect(
    missing_docs,
    reason = "what each says of itself stands at its options: here it would hide all but its first line"
)]
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(after_long_help = examples::SERVE)]
    Serve(ServeArgs),
    #[command(after_long_help = examples::SIMULATE)]
    Simulate(SimulateArgs),
    #[command(after_long_help = examples::USERS)]
    Users(UsersArgs),
    #[command(after_long_help = examples::RECORDS)]
    Records(RecordsArgs),
    #[command(after_long_help = examples::DELIVERIES)]
    Deliveries(DeliveriesArgs),
    #[command(after_long_help = examples::DIAGNOSE)]
    Diagnose(DiagnoseArgs),
    #[command(after_long_help = examples::EXPORT)]
    Export(ExportArgs),
    #[command(after_long_help = examples::JOBS)]
    Jobs(JobsArgs),
    #[command(after_long_help = examples::REPLAY)]
    Replay(ReplayArgs),
    #[command(after_long_help = examples::ERASE)]
    Erase(EraseArgs),
    #[command(after_long_help = examples::RECONCILE)]
    Reconcile(ReconcileArgs),
    #[command(after_long_help = examples::BACKFILL)]
    Backfill(BackfillArgs),
    #[command(after_long_help = examples::VERIFY)]
    Verify(VerifyArgs),
    #[command(after_long_help = examples::COST)]
    Cost(CostArgs),
    Profiles(ProfilesArgs),
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    #[command(after_long_help = examples::MAN)]
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
            &["cost", "--deliveries", "0"],
            &["cost", "--types", "dayly"],
            &["cost", "--types", "daily", "--body-bytes", "700"],
            &["nothing"],
        ] {
            let error = Cli::try_parse_from([&["terrace"], wrong].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }

    /// A first line for lists, more below it, what its exit status means, and how it is called.
    #[test]
    fn every_command_says_all_of_itself() {
        let mut cli = Cli::command();
        cli.build();
        let commands: Vec<_> = cli.get_subcommands().filter(|command| command.get_name() != "help").cloned().collect();
        assert_eq!(commands.len(), 17);
        for mut command in commands {
            let name = command.get_name().to_owned();
            let (about, long) =
                (command.get_about().unwrap().to_string(), command.get_long_about().map(ToString::to_string));
            assert!(about.len() < 120 && !about.contains('\n'), "{name}: {about}");
            let long = long.unwrap_or_default();
            assert!(long.starts_with(about.trim_end_matches(':')) && long.len() > about.len(), "{name}: {long}");
            let help = command.render_long_help().to_string();
            assert!(help.contains("Exit status: 0 ") && help.contains("terrace "), "{name}: {help}");
            assert!(name == "profiles" || help.contains(&format!("\nExamples:\n  terrace {name}")), "{name}: {help}");
            assert!(!command.render_help().to_string().contains("Exit status"), "{name}: short help is short");
        }
    }

    /// The examples are commands that there are.
    #[test]
    fn examples_are_understood() {
        let mut cli = Cli::command();
        cli.build();
        let mut tried = 0;
        for mut command in cli.get_subcommands().cloned().collect::<Vec<_>>() {
            let help = command.render_long_help().to_string();
            let examples = help.split_once("\nExamples:\n").map(|(_, examples)| examples).unwrap_or_default();
            for line in examples.lines().map(str::trim).filter(|line| line.contains("terrace ")) {
                let (_, line) = line.split_at(line.find("terrace ").unwrap());
                // Behind a hash stands what it does; behind a pipe, another program.
                let line = line.split(['#', '|', '>']).next().unwrap();
                let read = Cli::try_parse_from(line.split_whitespace());
                assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
                tried += 1;
            }
        }
        assert!(tried >= 30, "{tried}");
    }
}
