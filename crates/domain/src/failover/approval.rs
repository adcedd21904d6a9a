//! A person's word on a failover: what is kept while it is waited for, and how it is given.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::words::id::{ExecutionArn, Person};

/// What is kept when a person is asked, for anybody who may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// The execution that waits.
    pub execution: ExecutionArn,
    /// What answers it.
    pub task_token: String,
    /// Why it asks.
    pub because: String,
    /// Until when silence is not an answer; a heartbeat gives as long again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

/// The person's answer, as the state machine reads it and the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Yes or no.
    pub decision: Decision,
    /// Who says so.
    pub by: Person,
    /// Why.
    pub why: String,
    /// Whether a loss above the plan's budget is consented to as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_data_loss: bool,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Fail over.
    Approve,
    /// Do not.
    Deny,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_spelt_as_the_state_machine_reads_it() {
        let answer = Answer {
            decision: Decision::Approve,
            by: "anna".parse().unwrap(),
            why: "it burns".into(),
            accept_data_loss: false,
        };
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(text, r#"{"decision":"approve","by":"anna","why":"it burns"}"#);
    }
}
