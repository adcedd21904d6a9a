//! A person's word on a failover: what is kept while it is waited for, and how it is given.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::caller::Proof;
use crate::words::id::{CallerArn, ExecutionArn, Person};

/// What is kept when a person is asked, for anybody who may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRequest {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Who it was by AWS's word, where that was proved: `by` is only said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<CallerArn>,
}

impl Answer {
    /// Who says so, as people are told: who they say they are, and who they are by AWS's word.
    #[must_use]
    pub fn named(&self) -> String {
        let proved = self.proved.as_ref().map(|who| format!(" ({who})")).unwrap_or_default();
        format!("{}{proved}", self.by)
    }
}

/// An answer as it is given: with a proof of who gives it, and without AWS's word on that.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    decision: Decision,
    by: Person,
    why: String,
    #[serde(default)]
    accept_data_loss: bool,
    /// Who gives it, for STS to say.
    #[serde(default)]
    pub proof: Option<Proof>,
}

impl Given {
    /// The answer, of whom AWS names.
    #[must_use]
    pub fn proved(self, proved: Option<CallerArn>) -> Answer {
        let Self { decision, by, why, accept_data_loss, proof: _ } = self;
        Answer { decision, by, why, accept_data_loss, proved }
    }
}

/// What came as an answer. The holder of the token can send anything, and the record keeps it as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Reply {
    /// An answer.
    Answer(Answer),
    /// Something else, which approves nothing.
    Other(Value),
}

impl Reply {
    /// Whether it says no, whatever else it lacks.
    #[must_use]
    pub fn denies(&self) -> bool {
        match self {
            Self::Answer(answer) => answer.decision == Decision::Deny,
            Self::Other(value) => value["decision"] == "deny",
        }
    }

    /// The answer, where it says yes.
    #[must_use]
    pub fn approves(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) if answer.decision == Decision::Approve => Some(answer),
            Self::Answer(_) | Self::Other(_) => None,
        }
    }

    /// Who says so, where that is told.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) => Some(answer.by.as_str()),
            Self::Other(value) => value["by"].as_str(),
        }
    }

    /// Why, where that is told.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) => Some(&answer.why),
            Self::Other(value) => value["why"].as_str(),
        }
    }
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
            proved: None,
        };
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(text, r#"{"decision":"approve","by":"anna","why":"it burns"}"#);
    }

    #[test]
    fn a_reply_is_kept_as_it_came_whether_it_is_an_answer_or_not() {
        for (text, denies, by) in [
            (r#"{"decision":"approve","by":"anna","why":"it burns"}"#, false, Some("anna")),
            (r#"{"decision":"deny","by":"anna","why":"no"}"#, true, Some("anna")),
            (r#"{"decision":"deny"}"#, true, None),
            (r#""yes""#, false, None),
            ("null", false, None),
        ] {
            let reply: Reply = serde_json::from_str(text).unwrap();
            assert_eq!((reply.denies(), reply.by()), (denies, by), "{text}");
            assert_eq!(serde_json::to_string(&reply).unwrap(), text);
        }
    }
}
