//! `OpenBackup`: reads the request, pins the plan, and says of what a backup is taken, or what is restored of one.
//!
//! - in: [`OpenBackup`], samples in `events/open-backup.json` (a schedule), `events/open-backup-by-hand.json` (a person),
//!   `events/open-backup-verification.json` and `events/open-backup-restore.json`; which of the two is asked for is told by
//!   the execution's state machine
//! - out: [`Step<BackupRun>`] or [`Step<RestoreRun>`]: `Done` with the run that every later step is given
//! - changes: nothing
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use domain::{
    backup::{BackupRequest, BackupRun},
    component::ActiveSides,
    plan::Plan,
    restore::{RestoreRequest, RestoreRun},
    run::step::Step,
    state_machine::StateMachine,
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, PlanName},
    },
};
use edge::object_store::{self, ObjectStore};
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

/// What starts a backup, or a restore of one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OpenBackup {
    execution: ExecutionArn,
    /// When the execution started: the same for each try of this step.
    started_at: Timestamp,
    request: Value,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The backup.
    Backup(Box<Step<BackupRun>>),
    /// The restore.
    Restore(Box<Step<RestoreRun>>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, region: &str, now: Timestamp, event: Value) -> Result<Answer, Failure> {
    let open: OpenBackup = edge::parse(event, "OpenBackup")?;
    Ok(match StateMachine::of(&open.execution) {
        Some(StateMachine::VerifyBackup) => Answer::Restore(Box::new(restore(store, region, now, open).await?)),
        Some(StateMachine::Backup) | None => Answer::Backup(Box::new(backup(store, region, now, open).await?)),
        Some(
            machine @ (StateMachine::Failover
            | StateMachine::Switchover
            | StateMachine::FailoverAll
            | StateMachine::Cleanup),
        ) => return Err(Failure::InvalidInput(format!("execution: `{}` opens no backup", machine.name()))),
    })
}

async fn restore(
    store: &impl ObjectStore,
    region: &str,
    now: Timestamp,
    open: OpenBackup,
) -> Result<Step<RestoreRun>, Failure> {
    let request: RestoreRequest = edge::parse(open.request, "request")?;
    let (plan, plan_version) = object_store::read_plan_here(store, &request.plan, region, "verification").await?;
    let active = active(store, &plan).await?;
    let run = request.open(plan, plan_version, active, open.execution, now)?;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), purpose = ?run.purpose, wanted = ?run.wanted, "opened a restore");
    let components: Vec<&str> = run.components.iter().map(ComponentName::as_str).collect();
    let because = format!("looks for {} of {} in {}", components.join(", "), run.plan.plan, run.region);
    Ok(Step::done(because, Value::Null, run))
}

/// Which side of each pair takes writes.
async fn active(store: &impl ObjectStore, plan: &Plan) -> Result<ActiveSides, Failure> {
    let side = async |name: PlanName| {
        let lease = object_store::read_lease(store, &name).await?;
        Ok((name, lease.map(|(lease, _)| lease.active).unwrap_or_default()))
    };
    let sides = try_join_all(plan.names_of_pairs().map(side)).await?;
    Ok(sides.into_iter().collect())
}

async fn backup(
    store: &impl ObjectStore,
    region: &str,
    now: Timestamp,
    open: OpenBackup,
) -> Result<Step<BackupRun>, Failure> {
    let request: BackupRequest = edge::parse(open.request, "request")?;
    let plan = object_store::read_plan_here(store, &request.plan, region, "backup").await?;
    let active = active(store, &plan.0).await?;
    let run = request.open(plan, active, open.execution, open.started_at, now)?;
    let because = format!("backs up {} by schedule `{}` of {}", run.plan.plan, run.schedule, run.scheduled_at);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), schedule = %run.schedule, "opened a backup");
    Ok(Step::done(because, Value::Null, run))
}

#[cfg(test)]
mod tests;
