//! The command for the people on call.
//!
//! One module for each noun: plans, approvals, failovers, switchovers, backups, their proofs, cleanups, evidence, reports, readiness, status. What is printed is printed by
//! [`output`]; a command that cannot do what it was asked says so with a [`Refusal`].

mod approval;
mod backup;
mod backups;
mod cleanup;
mod drill;
mod engine;
mod evidence;
mod failover;
mod lab;
mod lease;
mod output;
mod pair;
mod plan;
mod proof;
mod readiness;
mod refusal;
mod report;
mod request;
mod run;
mod status;
mod switchover;
mod take_over;
mod upkeep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;
use refusal::Refusal;

/// Disaster recovery for databases on AWS: plans, failovers, approvals, drills.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = ENVIRONMENT)]
struct Lifeboat {
    #[command(subcommand)]
    command: Command,
}

/// Told with every `--help` of the command as a whole.
const ENVIRONMENT: &str = "\
AWS is reached with the usual configuration (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, ~/.aws). Recovery is run from a
plan's recovery Region: give that one as --region.

Exit codes: 0 done; 1 it could not be done, or a plan has errors; 2 the command line is wrong; and of a run
3 refused, 4 undone, 5 needs a person, 6 incomplete; of a report 7 a target is missed, 8 one is not measured.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks plans, prints their schema and stacks, says what they cost, applies them.
    #[command(subcommand)]
    Plan(plan::Command),
    /// Answers a run that waits for a person.
    Approve(approval::Command),
    /// Starts a failover by hand and follows it to its end.
    Failover(failover::Command),
    /// Moves a working primary to its recovery Region, as planned.
    Switchover(switchover::Command),
    /// Takes an old primary over from its guard: a person keeps it fenced from then on.
    TakeOver(take_over::Command),
    /// Shows a plan's lease, and corrects it by a person's word.
    Lease(lease::Command),
    /// Takes a backup by one of the plan's schedules, now or for a time that was missed.
    Backup(backup::Command),
    /// Lists a plan's backups: age, size, verified or not, and what keeps each.
    Backups(backups::Command),
    /// Proves a backup by restoring it into isolation, and tears it down.
    Verify(proof::Verify),
    /// Restores a backup, or a point in time, to a new instance.
    Restore(proof::Restore),
    /// Lists the backups that no retention rule keeps, and deletes them with --apply.
    Cleanup(cleanup::Command),
    /// Kept for drills in an AWS account; those on this machine are `lifeboat lab drill`.
    #[command(hide = true)]
    Drill(drill::Command),
    /// Brings AWS, the engine and a plan's system up on this machine, and makes disasters there.
    #[command(subcommand)]
    Lab(lab::Command),
    /// Prints the schema of evidence, writes a drill's page.
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Reports what runs kept over some time, against the plan's targets.
    Report(report::Command),
    /// Checks everything that the next failover needs.
    Readiness(readiness::Command),
    /// Shows the primary, replication, lease, last run, watch, and what would happen if the primary died now.
    Status(status::Command),
}

fn main() -> ExitCode {
    let command = Lifeboat::parse().command;
    let mut output = Output::standard();
    let done = match command {
        Command::Plan(command) => command.run(&mut output),
        Command::Approve(command) => wait_for(command.run(&mut output)),
        Command::Failover(command) => wait_for(command.run(&mut output)),
        Command::Switchover(command) => wait_for(command.run(&mut output)),
        Command::TakeOver(command) => wait_for(command.run(&mut output)),
        Command::Lease(command) => wait_for(command.run(&mut output)),
        Command::Backup(command) => wait_for(command.run(&mut output)),
        Command::Backups(command) => wait_for(command.run(&mut output)),
        Command::Verify(command) => wait_for(command.run(&mut output)),
        Command::Restore(command) => wait_for(command.run(&mut output)),
        Command::Cleanup(command) => wait_for(command.run(&mut output)),
        Command::Drill(command) => Err(command.run()),
        Command::Lab(command) => command.supervised().and_then(|command| wait_for(command.run(&mut output))),
        Command::Evidence(command) => command.run(&mut output),
        Command::Report(command) => wait_for(command.run(&mut output)),
        Command::Readiness(command) => wait_for(command.run(&mut output)),
        Command::Status(command) => wait_for(command.run(&mut output)),
    };
    done.and_then(|code| output.is_whole().map(|()| code)).unwrap_or_else(|refusal| {
        output.refuse(&refusal);
        refusal.exit_code()
    })
}

/// Runs a command that talks to AWS. The runtime is made here, not around `main`: some commands must act before any
/// thread is started.
fn wait_for(command: impl Future<Output = Result<ExitCode, Refusal>>) -> Result<ExitCode, Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Refusal::failed(
            format!("the system gives no event loop: {error}"),
            "Look at this machine's limits (ulimit -a).",
        )
    })?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_shows_an_example() {
        let command = Lifeboat::command();
        command.clone().debug_assert();
        let mut open = vec![command];
        while let Some(command) = open.pop() {
            open.extend(command.get_subcommands().cloned());
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("lifeboat "), "{} has no example", command.get_name());
            }
        }
    }

    #[test]
    fn a_drill_without_a_lab_names_the_command_for_this_machine_whatever_is_asked_for() {
        for (asked, named) in [
            (&["lifeboat", "drill"][..], "`lifeboat lab drill`."),
            (&["lifeboat", "drill", "--help"], "`lifeboat lab drill --help`."),
            (&["lifeboat", "drill", "blip", "--runs", "10"], "`lifeboat lab drill blip --runs 10`."),
        ] {
            let Command::Drill(command) = Lifeboat::try_parse_from(asked).unwrap().command else { panic!("{asked:?}") };
            let refusal = command.run();
            assert!(refusal.to_string().ends_with(&format!("Run {named}")), "{refusal}");
            assert!(matches!(refusal, Refusal::Usage { .. }), "its exit code is 2");
        }
    }
}
