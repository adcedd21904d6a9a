//! How a run ended, for people and for scripts.

use std::process::ExitCode;

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{evidence::Evidence, id::ExecutionArn};
use serde::Serialize;

use crate::{output::Output, refusal::Refusal};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    kind: Kind,
    because: String,
}

/// The state machine's ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Done,
    Refused,
    Undone,
    NeedsAPerson,
}

/// The end as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    execution: &'a ExecutionArn,
    outcome: Kind,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
}

impl Ending {
    /// The end of an execution; `None` while it runs. Whatever is not one of our own ends needs a person.
    pub(super) fn of(described: &DescribeExecutionOutput) -> Option<Self> {
        let status = described.status();
        if matches!(status, ExecutionStatus::Running | ExecutionStatus::PendingRedrive) {
            return None;
        }
        let kind = match (status, described.error()) {
            (ExecutionStatus::Succeeded, _) => Kind::Done,
            (_, Some("FailoverRefused")) => Kind::Refused,
            (_, Some("FailoverUndone")) => Kind::Undone,
            _ => Kind::NeedsAPerson,
        };
        let told = described.cause().or(described.error()).filter(|text| !text.is_empty());
        let because = match (kind, told) {
            (Kind::Done, _) => "the new primary takes writes, traffic goes to it, and the plan's checks passed".into(),
            (_, Some(told)) => told.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
            (_, None) => format!("the engine ended it as {}", status.as_str()),
        };
        Some(Self { kind, because })
    }

    /// 0, 3, 4 or 5.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Done => 0,
            Kind::Refused => 3,
            Kind::Undone => 4,
            Kind::NeedsAPerson => 5,
        })
    }

    pub(super) fn show(
        &self,
        execution: &ExecutionArn,
        evidence: Option<&Evidence>,
        json: bool,
        output: &mut Output,
    ) -> Result<(), Refusal> {
        if json {
            return output.json(&Ended { execution, outcome: self.kind, because: &self.because, evidence });
        }
        let (headline, next) = match self.kind {
            Kind::Done => ("done", "Restore its replication: until then a second failover is refused."),
            Kind::Refused => {
                ("refused", "Nothing was changed. RUNBOOK.md, FailoverRefused, says what can be done all the same.")
            }
            Kind::Undone => ("undone", "What was changed was changed back. RUNBOOK.md, FailoverUndone."),
            Kind::NeedsAPerson => {
                ("NEEDS A PERSON", "It is neither done nor undone. RUNBOOK.md, FailoverNeedsAPerson, now.")
            }
        };
        output.line(&format!("{headline}: {}", self.because));
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
        output.line(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: ExecutionStatus, error: Option<&str>) -> Option<Kind> {
        let described = DescribeExecutionOutput::builder()
            .execution_arn("arn")
            .state_machine_arn("arn")
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .status(status)
            .set_error(error.map(str::to_owned))
            .build();
        Ending::of(&described.unwrap()).map(|ending| ending.kind)
    }

    #[test]
    fn only_our_own_ends_are_told_as_such_and_anything_else_needs_a_person() {
        assert_eq!(kind(ExecutionStatus::Running, None), None);
        assert_eq!(kind(ExecutionStatus::Succeeded, None), Some(Kind::Done));
        assert_eq!(kind(ExecutionStatus::Failed, Some("FailoverRefused")), Some(Kind::Refused));
        assert_eq!(kind(ExecutionStatus::Failed, Some("FailoverUndone")), Some(Kind::Undone));
        for (status, error) in [
            (ExecutionStatus::Failed, Some("FailoverNeedsAPerson")),
            (ExecutionStatus::Failed, Some("States.Runtime")),
            (ExecutionStatus::Failed, None),
            (ExecutionStatus::TimedOut, None),
            (ExecutionStatus::Aborted, None),
        ] {
            assert_eq!(kind(status.clone(), error), Some(Kind::NeedsAPerson), "{status:?} {error:?}");
        }
    }
}
