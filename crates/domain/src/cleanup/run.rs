//! What starts a cleanup, and the run that is made of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    plan::Plan,
    words::id::{ExecutionArn, Person, PlanName, Region},
};

/// What starts a cleanup: EventBridge Scheduler, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupRequest {
    /// The plan.
    pub plan: PlanName,
    /// Whether to delete. A schedule does as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<bool>,
    /// Who asks, where a person does. Without a word on `apply`, nothing is deleted for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

impl CleanupRequest {
    /// Whether to delete: as the request says; else as the plan does, if nobody asks by hand.
    #[must_use]
    pub fn applies(&self, plan: &Plan) -> bool {
        let by_plan = self.by.is_none() && plan.cleanup.as_ref().is_some_and(|cleanup| cleanup.apply);
        self.apply.unwrap_or(by_plan)
    }

    /// Makes a run of a request, of all Regions that have backups of the plan's.
    #[must_use]
    pub fn open(self, (plan, plan_version): (Plan, String), execution: ExecutionArn, now: Timestamp) -> CleanupRun {
        let (apply, regions) = (self.applies(&plan), plan.backup_regions());
        CleanupRun { execution, plan, plan_version, apply, by: self.by, regions, opened_at: now }
    }
}

/// What `OpenCleanup` makes and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupRun {
    /// The execution.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: Plan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// Whether to delete.
    pub apply: bool,
    /// Who asked, where a person did.
    pub by: Option<Person>,
    /// Where, side by side.
    pub regions: Vec<Region>,
    /// When the run opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

impl CleanupRun {
    /// Where a Region's report is kept.
    #[must_use]
    pub fn report_key(&self, region: &Region) -> String {
        report_key(&self.plan.plan, &self.execution, region)
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let (plan, regions) = (&self.plan.plan, self.regions.len());
        let does = if self.apply { "deletes what no rule keeps" } else { "deletes nothing" };
        format!("looks at the backups of {plan} in {regions} Regions, and {does}")
    }
}

/// Where the report of a cleanup of a Region is kept.
#[must_use]
pub fn report_key(plan: &PlanName, execution: &ExecutionArn, region: &Region) -> String {
    format!("reports/{plan}/cleanup/{}/{region}.json", execution.name())
}
