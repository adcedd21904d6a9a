//! How a run ended, for people and for scripts.

use std::{fmt, process::ExitCode};

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{failover::run::RunKind, record::evidence::Evidence, run::outcome::RunOutcome, words::id::ExecutionArn};
use serde::Serialize;
use serde_json::Value;

use super::has_ended;
use crate::{
    output::{self, Output},
    refusal::Refusal,
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    of: RunKind,
    outcome: RunOutcome,
    because: String,
}

/// The end as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    execution: &'a ExecutionArn,
    outcome: RunOutcome,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
}

/// What a run that is done but for names of the application says, where its own word cannot be read.
const DEGRADED: &str = "the new primary takes writes, and names of the application were not moved";

/// 0, 3, 4, 5 or 6.
pub(crate) fn exit_code(outcome: RunOutcome) -> ExitCode {
    ExitCode::from(match outcome {
        RunOutcome::Done => 0,
        RunOutcome::Refused => 3,
        RunOutcome::Undone => 4,
        RunOutcome::NeedsAPerson => 5,
        RunOutcome::Degraded => 6,
    })
}

impl Ending {
    /// The end of an execution; `None` while it runs. Whatever is not one of our own ends needs a person.
    pub(super) fn of(described: &DescribeExecutionOutput) -> Option<Self> {
        let status = described.status();
        if !has_ended(described) {
            return None;
        }
        let of = described.execution_arn().parse().map_or(RunKind::Failover, |execution| RunKind::of(&execution));
        let output: Value = described.output().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let end = described.error().and_then(|error| of.outcome_of(&error.into()));
        let outcome = match (status, end) {
            (ExecutionStatus::Succeeded, _) if output["outcome"] == RunOutcome::Degraded.as_str() => {
                RunOutcome::Degraded
            }
            (ExecutionStatus::Succeeded, _) => RunOutcome::Done,
            (_, Some(RunOutcome::Refused)) => RunOutcome::Refused,
            (_, Some(RunOutcome::Undone)) => RunOutcome::Undone,
            (_, Some(RunOutcome::Done | RunOutcome::Degraded | RunOutcome::NeedsAPerson) | None) => {
                RunOutcome::NeedsAPerson
            }
        };
        let told = described.cause().or(described.error()).filter(|text| !text.is_empty());
        let because = match (outcome, told) {
            (RunOutcome::Done, _) => {
                "the new primary takes writes, traffic goes to it, and the plan's checks passed".into()
            }
            (RunOutcome::Degraded, _) => output::one_line(output["because"].as_str().unwrap_or(DEGRADED)),
            (_, Some(told)) => output::one_line(told),
            (_, None) => format!("the engine ended it as {}", status.as_str()),
        };
        Some(Self { of, outcome, because })
    }

    pub(super) fn because(&self) -> &str {
        &self.because
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        exit_code(self.outcome)
    }

    pub(super) fn show(
        &self,
        execution: &ExecutionArn,
        evidence: Option<&Evidence>,
        json: bool,
        output: &mut Output,
    ) -> Result<(), Refusal> {
        if json {
            return output.json(&Ended { execution, outcome: self.outcome, because: &self.because, evidence });
        }
        let end = self.of.end(self.outcome);
        let next = match self.outcome {
            RunOutcome::Done => "Restore its replication: until then a second failover is refused.".to_owned(),
            RunOutcome::Degraded => {
                format!("The database is served; move those names by hand. RUNBOOK.md, \"{end}\", now.")
            }
            RunOutcome::Refused => {
                format!("Nothing was changed. RUNBOOK.md, \"{end}\", says what can be done all the same.")
            }
            RunOutcome::Undone => format!("What was changed was changed back. RUNBOOK.md, \"{end}\"."),
            RunOutcome::NeedsAPerson => {
                format!("It is neither done nor undone. RUNBOOK.md, \"{end}\", now.")
            }
        };
        output.line(&self.to_string());
        if let Some(objective) = evidence.and_then(|evidence| evidence.objective.as_ref()) {
            let measured =
                |seconds: Option<f64>| seconds.map_or("not measured".to_owned(), |seconds| format!("{seconds:.3} s"));
            output.line(&format!(
                "recovery time {} of {}, recovery point {} of {}",
                measured(objective.rto_measured_seconds),
                objective.rto,
                measured(objective.rpo_measured_seconds),
                objective.rpo
            ));
        }
        output.line(&next);
        Ok(())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.outcome.headline(), self.because)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(machine: RunKind, status: ExecutionStatus, error: Option<&str>) -> Option<RunOutcome> {
        let described = DescribeExecutionOutput::builder()
            .execution_arn(format!("arn:aws:states:us-west-2:000000000000:execution:{}:a", machine.machine().name()))
            .state_machine_arn("arn")
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .status(status)
            .set_error(error.map(str::to_owned))
            .build();
        Ending::of(&described.unwrap()).map(|ending| ending.outcome)
    }

    #[test]
    fn a_run_that_ended_is_told_by_the_name_of_its_end_or_by_the_engine_s_word() {
        let told = |status, error: Option<&str>, cause: Option<&str>| {
            let described = DescribeExecutionOutput::builder()
                .execution_arn("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a")
                .state_machine_arn("arn")
                .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
                .status(status)
                .set_error(error.map(str::to_owned))
                .set_cause(cause.map(str::to_owned))
                .build();
            super::super::how_it_ended(&described.unwrap())
        };
        assert_eq!(told(ExecutionStatus::Running, None, None), None);
        let refused = told(ExecutionStatus::Failed, Some("FailoverRefused"), Some("it answers again"));
        assert_eq!(refused.unwrap(), "it ended as FailoverRefused: it answers again");
        let aborted = told(ExecutionStatus::Aborted, Some("Stopped"), Some("by hand"));
        assert_eq!(aborted.unwrap(), "it ended as ABORTED: by hand");
    }

    #[test]
    fn only_our_own_ends_are_told_as_such_and_anything_else_needs_a_person() {
        for machine in RunKind::ALL {
            let outcome = |status, end: Option<&str>| {
                outcome(machine, status, end.map(|end| end.replace("Own", machine.machine().title())).as_deref())
            };
            assert_eq!(outcome(ExecutionStatus::Running, None), None);
            assert_eq!(outcome(ExecutionStatus::Succeeded, None), Some(RunOutcome::Done));
            assert_eq!(outcome(ExecutionStatus::Failed, Some("OwnRefused")), Some(RunOutcome::Refused));
            assert_eq!(outcome(ExecutionStatus::Failed, Some("OwnUndone")), Some(RunOutcome::Undone));
            for (status, end) in [
                (ExecutionStatus::Failed, Some("OwnNeedsAPerson")),
                (ExecutionStatus::Failed, Some("AnotherRefused")),
                (ExecutionStatus::Failed, Some("States.Runtime")),
                (ExecutionStatus::Failed, None),
                (ExecutionStatus::TimedOut, None),
                (ExecutionStatus::Aborted, None),
            ] {
                assert_eq!(outcome(status.clone(), end), Some(RunOutcome::NeedsAPerson), "{status:?} {end:?}");
            }
        }
    }
}
