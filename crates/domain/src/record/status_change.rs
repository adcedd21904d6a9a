//! Step Functions' own event of an execution's status, and what people are told of it.

use serde::Deserialize;

use super::notice::{self, Notice};
use crate::{
    failover::{request::FailoverRequest, run::RunKind},
    state_machine::{StateKind, StateMachine, StateName},
    words::{
        id::{ExecutionArn, PlanName},
        time_span::TimeSpan,
    },
};

/// Step Functions' event, of which only what is needed is looked at: AWS adds fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    execution_arn: ExecutionArn,
    status: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    cause: Option<String>,
}

impl StatusChange {
    /// The plan, or the pair of one, that a failover which began is to move.
    #[must_use]
    pub fn begins_failover_of(&self) -> Option<PlanName> {
        let is_a_failover = StateMachine::of(&self.execution_arn) == Some(StateMachine::Failover);
        let input = self.input.as_deref().filter(|_| is_a_failover && self.status == "RUNNING")?;
        FailoverRequest::plan_of(RunKind::Failover, &serde_json::from_str(input).ok()?)
    }

    /// The notice of it, with how long a failover is expected to take by its plan; `None` where the run has told by itself.
    #[must_use]
    pub fn notice(&self, expected: Option<TimeSpan>) -> Option<Notice> {
        let Self { execution_arn, status, input, error, cause } = self;
        let (input, error) = (input.as_deref(), error.as_deref());
        match status.as_str() {
            "RUNNING" => Some(notice::started(execution_arn, input, expected)),
            // Our own ends come through CloseRun and Notify; their names are their errors.
            "FAILED" if error.is_some_and(is_our_own_end) => None,
            status => {
                let cause = cause.as_deref().or(error).unwrap_or("none given");
                Some(notice::broken(execution_arn, input, status, cause))
            }
        }
    }
}

fn is_our_own_end(error: &str) -> bool {
    StateName::from(error).kind() == Some(StateKind::End)
}
