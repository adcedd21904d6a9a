//! What a run's steps answered, and when each was entered and left.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    failover::{
        approval::Reply, drain::Drained, fencing::Fencing, judgement::Judgement, promotion::Promotion, traffic::Switch,
    },
    run::{
        step::{Outcome, Step},
        verification::Checked,
    },
    state_machine::StateName,
};

/// The whole answers of a run's steps, as far as it came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// `OpenRun`'s, without the run itself.
    pub open_run: Option<Step<()>>,
    /// `JudgeFailover`'s.
    pub judgement: Option<Step<Judgement>>,
    /// The person's answer.
    pub approval: Option<Reply>,
    /// A switchover's newest rehearsal: the one that said no, or the last one.
    pub rehearsal: Option<Step<()>>,
    /// `DrainPrimary`'s.
    pub drain: Option<Step<Drained>>,
    /// `FencePrimary`'s.
    pub fencing: Option<Step<Fencing>>,
    /// `PromoteReplica`'s.
    pub promotion: Option<Step<Promotion>>,
    /// `DnsSwitch`'s.
    pub traffic: Option<Step<Switch>>,
    /// `Verify`'s.
    pub verification: Option<Step<Vec<Checked>>>,
    /// `UndoFencePrimary`'s.
    pub undo: Option<Step<Fencing>>,
    /// The error that ended it, if one did.
    pub error: Option<StepError>,
}

/// An error that a step ended with after its retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// The state.
    pub state: StateName,
    /// The error's name.
    pub error: String,
    /// Its cause.
    pub cause: String,
}

/// A moment of the run, by the engine's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateVisit {
    /// The state.
    pub state: StateName,
    /// When it was entered.
    #[schemars(with = "String")]
    pub entered_at: Timestamp,
    /// When it was left; absent for the one that writes this.
    #[schemars(with = "Option<String>")]
    pub left_at: Option<Timestamp>,
}

impl Record {
    /// Whether the record was asked to lead to the new side, as far as is known.
    #[must_use]
    pub fn has_moved_traffic(&self) -> bool {
        self.traffic.as_ref().is_some_and(|step| step.step != Outcome::Refused)
    }

    /// Whether the old primary was seen to refuse writes before anything took its place.
    pub(super) fn was_seen_shut(&self) -> bool {
        let fencing = self.fencing.as_ref().and_then(|step| step.did.as_ref());
        self.drain.as_ref().is_some_and(|step| step.did.is_some()) || fencing.is_some_and(|did| did.fenced)
    }
}
