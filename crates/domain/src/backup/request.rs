//! What starts a backup, and the run that is made of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackupRun, whole_second};
use crate::{
    component::ActiveSides,
    plan::Plan,
    words::{
        failure::Failure,
        id::{ExecutionArn, Person, PlanName, ScheduleName},
    },
};

/// What starts a backup: EventBridge Scheduler, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupRequest {
    /// The plan.
    pub plan: PlanName,
    /// Which of its schedules.
    pub schedule: ScheduleName,
    /// The time that it is for; absent where a person asks for one now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub scheduled_at: Option<Timestamp>,
    /// Who asks, where a person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

impl BackupRequest {
    /// Makes a run of a request, or says what is wrong with it. Without a time of its own it is for the one that its
    /// execution started at.
    ///
    /// # Errors
    /// `InvalidInput`, with the field.
    pub fn open(
        self,
        (plan, plan_version): (Plan, String),
        active: ActiveSides,
        execution: ExecutionArn,
        started_at: Timestamp,
        now: Timestamp,
    ) -> Result<BackupRun, Failure> {
        let Self { schedule, scheduled_at, by, .. } = self;
        let Some(backup) = plan.backup(&schedule).filter(|backup| !backup.is_continuous()) else {
            return Err(Failure::InvalidInput(format!(
                "request.schedule: plan `{}` has no schedule `{schedule}`; it has: {}",
                plan.plan,
                plan.schedule_names()
            )));
        };
        let scheduled_at = scheduled_at.unwrap_or(started_at);
        if scheduled_at > now {
            return Err(Failure::InvalidInput(format!("request.scheduledAt: {scheduled_at} is in the future")));
        }
        let (components, longest) = (backup.components.clone(), backup.longest_run());
        let until = now.checked_add(longest.duration()).unwrap_or(Timestamp::MAX);
        let run = BackupRun {
            execution,
            plan,
            plan_version,
            schedule,
            components,
            scheduled_at: whole_second(scheduled_at),
            by,
            active,
            opened_at: now,
            until: whole_second(until),
            proof: None,
        };
        Ok(BackupRun { proof: run.own_proof(), ..run })
    }
}
