//! How a backup or a cleanup ended, for people and for scripts.

use std::process::ExitCode;

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{
    cleanup::{self, RegionTurn},
    run::outcome::UpkeepOutcome,
    state_machine::Upkeep,
};
use serde::Deserialize;

use crate::{
    output::{self, Output},
    run,
};

/// How a run of what keeps the backups in order ended, and why; `None` while it runs. Whatever is not one of its own ends is
/// a failure.
pub(crate) fn ending(upkeep: Upkeep, described: &DescribeExecutionOutput) -> Option<(UpkeepOutcome, String)> {
    if !run::has_ended(described) {
        return None;
    }
    let end = described.error().and_then(|error| upkeep.outcome_of(&error.into()));
    let outcome = if *described.status() == ExecutionStatus::Succeeded {
        UpkeepOutcome::Complete
    } else {
        end.unwrap_or(UpkeepOutcome::Failed)
    };
    // An end that succeeded gives its reason as output, the others as their cause.
    let output: serde_json::Value =
        described.output().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // A cleanup's gives what each Region's turn came to.
    let turns = Vec::<RegionTurn>::deserialize(&output["turns"]).ok().map(|turns| cleanup::because(&turns));
    let told = output["because"].as_str().or(turns.as_deref()).or(described.cause()).or(described.error());
    let because = match told.filter(|text| !text.is_empty()) {
        Some(told) => output::one_line(told),
        None => format!("the engine ended it as {}", described.status().as_str()),
    };
    Some((outcome, because))
}

/// 0, 1, 3 or 6.
pub(crate) fn exit_code(outcome: UpkeepOutcome) -> ExitCode {
    ExitCode::from(match outcome {
        UpkeepOutcome::Complete => 0,
        UpkeepOutcome::Failed => 1,
        UpkeepOutcome::Refused => 3,
        UpkeepOutcome::Partial => 6,
    })
}

/// The end in a line, and where to read on.
pub(crate) fn show(upkeep: Upkeep, outcome: UpkeepOutcome, because: &str, output: &mut Output) {
    output.line(&format!("{}: {because}", outcome.headline()));
    if outcome != UpkeepOutcome::Complete {
        output.line(&format!("RUNBOOK.md, {}.", upkeep.end(outcome)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: ExecutionStatus, error: Option<&str>) -> Option<UpkeepOutcome> {
        let described = DescribeExecutionOutput::builder()
            .execution_arn("arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:a")
            .state_machine_arn("arn")
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .status(status)
            .set_error(error.map(str::to_owned))
            .build();
        ending(Upkeep::Backup, &described.unwrap()).map(|(outcome, _)| outcome)
    }

    #[test]
    fn only_its_own_ends_are_told_as_such_and_anything_else_is_a_failure() {
        assert_eq!(ended(ExecutionStatus::Running, None), None);
        assert_eq!(ended(ExecutionStatus::Succeeded, None), Some(UpkeepOutcome::Complete));
        for (error, outcome) in [
            (Some("BackupPartial"), UpkeepOutcome::Partial),
            (Some("BackupRefused"), UpkeepOutcome::Refused),
            (Some("BackupFailed"), UpkeepOutcome::Failed),
            (Some("CleanupPartial"), UpkeepOutcome::Failed),
            (Some("States.Runtime"), UpkeepOutcome::Failed),
            (None, UpkeepOutcome::Failed),
        ] {
            assert_eq!(ended(ExecutionStatus::Failed, error), Some(outcome), "{error:?}");
        }
        assert_eq!(ended(ExecutionStatus::TimedOut, None), Some(UpkeepOutcome::Failed));
    }
}
