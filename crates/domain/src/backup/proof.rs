//! The look at a backup that follows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::BackupRun;
use crate::words::digest;

/// What proves a backup once it is whole: a run of `lifeboat-verify-backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The run's name: the same for each try of the same backup run.
    pub run: String,
    /// Its request.
    pub request: Value,
}

impl BackupRun {
    /// The look at this backup, where the plan has one after each.
    pub(super) fn own_proof(&self) -> Option<Proof> {
        let verification = self.plan.backup(&self.schedule)?.verification.as_ref()?;
        let request = || {
            json!({
                "plan": self.plan.plan,
                "schedule": self.schedule,
                "purpose": "integrity",
                "wanted": { "scheduledAt": self.scheduled_at },
            })
        };
        let run = || format!("{}-{}-{}", self.plan.plan, self.schedule, digest::short(self.execution.as_str()));
        verification.after_each.then(|| Proof { run: run(), request: request() })
    }
}
