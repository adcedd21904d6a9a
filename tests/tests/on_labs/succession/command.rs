//! Commands, as RUNBOOK writes them.

use std::collections::BTreeSet;

use domain::{failover::run::RunKind, run::outcome::RunOutcome, words::id::ExecutionArn};
use tests::{labs, repository};

use super::world::{Ended, World};

/// The commands of ours in a heading's section, each on its line.
fn commands(heading: &str) -> Vec<String> {
    let text = repository::text("RUNBOOK.md");
    let is_heading = |line: &str| line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let (mut inside, mut fenced, mut found) = (false, false, Vec::new());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && is_heading(line) {
            inside = line.trim_start_matches('#').trim() == heading;
        } else if inside && fenced && line.trim_start().starts_with("lifeboat ") {
            found.push(line.trim().to_owned());
        }
    }
    found
}

/// The first command under a heading of RUNBOOK that begins so.
pub(super) fn first(heading: &str, begins: &str) -> String {
    let found = commands(heading);
    let first = found.iter().find(|command| command.starts_with(begins)).cloned();
    first.unwrap_or_else(|| panic!("RUNBOOK, \"{heading}\", names no `{begins} …`, only {found:?}"))
}

impl World<'_> {
    /// Gives the command that begins so under a heading of RUNBOOK, and follows the run to its end.
    pub(super) async fn order(&self, heading: &str, begins: &str) -> Ended {
        self.give(&first(heading, begins)).await
    }

    /// Gives a command that starts a run, and follows it to its end.
    pub(super) async fn give(&self, command: &str) -> Ended {
        let before = self.runs().await;
        let code = self.run(command).await;
        let after = self.runs().await;
        let mut begun = after.difference(&before);
        let run = begun.next().unwrap_or_else(|| panic!("`{command}` started no run: exit code {code}"));
        let ended = self.ended(run).await;
        let expected = match ended.outcome() {
            Some(RunOutcome::Done) => 0,
            Some(RunOutcome::Refused) => 3,
            Some(RunOutcome::Undone) => 4,
            Some(RunOutcome::Degraded) => 6,
            Some(RunOutcome::NeedsAPerson) | None => 5,
        };
        assert_eq!(code, expected, "`{command}` and {}: {}", ended.end, ended.because);
        ended
    }

    /// Runs a command of ours in a shell, as RUNBOOK says to; gives its exit code.
    pub(super) async fn run(&self, command: &str) -> i32 {
        // The same words twice are one order, and may be given 20 times: each of ours has its own.
        let command = command.replace("YOU", "anna").replace("REASON", "'the reason is mended'");
        let command = command.replacen("--why ", &format!("--why {}:' '", self.row()), 1);
        let mut shell = labs::shell(self.lab, &command);
        // The lab's own services go on meanwhile.
        let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let code = output.status.code().unwrap();
        let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', " | ");
        let (out, err) = (told(&output.stdout), told(&output.stderr));
        assert!(!matches!(code, 1 | 2 | 127), "`{command}` could not be given: {out} {err}");
        code
    }

    async fn runs(&self) -> BTreeSet<ExecutionArn> {
        let mut runs = BTreeSet::new();
        for kind in RunKind::ALL {
            let listed = self.states.list_executions().state_machine_arn(self.machine_arn(kind)).send().await.unwrap();
            runs.extend(listed.executions().iter().map(|run| run.execution_arn().parse().unwrap()));
        }
        runs
    }
}
