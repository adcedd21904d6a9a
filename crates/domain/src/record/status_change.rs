//! Step Functions' own event of an execution's status, and what people are told of it.

use serde::Deserialize;

use super::notice::{self, Notice};
use crate::{
    state_machine::{StateKind, StateName},
    words::id::ExecutionArn,
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
    /// The notice of it; `None` where the run has told by itself.
    #[must_use]
    pub fn notice(&self) -> Option<Notice> {
        let Self { execution_arn, status, input, error, cause } = self;
        let (input, error) = (input.as_deref(), error.as_deref());
        match status.as_str() {
            "RUNNING" => Some(notice::started(execution_arn, input)),
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
