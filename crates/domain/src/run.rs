//! A run: one execution of a state machine for a plan, as its steps hand it on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ExecutionArn, Generation, Person},
    lease::Holder,
    plan::{Plan, PostgresPair},
};

/// What `OpenRun` makes and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// Who owns the run and its lease.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: Plan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// This run's generation.
    pub generation: Generation,
    /// Why it runs.
    pub trigger: Trigger,
    /// The holder that ended without releasing the lease, which this run took over.
    pub taken_over: Option<Holder>,
    /// A person's consent to lose more than the budget.
    pub consent: Option<Consent>,
    /// When the lease was taken.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

impl Run {
    /// The pair whose primary is moved. A plan without one never opens a run.
    #[must_use]
    pub fn pair(&self) -> Option<&PostgresPair> {
        self.plan.traffic_pair()
    }
}

/// Why a run was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Trigger {
    /// A CloudWatch alarm.
    Alarm {
        /// The alarm.
        alarm: String,
        /// When it changed its state.
        #[schemars(with = "String")]
        at: Timestamp,
        /// CloudWatch's reason.
        reason: String,
    },
    /// A person, from the console or the command.
    Person {
        /// Who.
        by: Person,
        /// Why.
        why: String,
    },
}

/// A named consent to lose more than the plan's budget, for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// Who consents.
    pub by: Person,
    /// Why.
    pub why: String,
}
