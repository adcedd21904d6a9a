//! `OpenBackup`: reads the request, pins the plan, and says of what a backup is taken, or what is restored of one.
//!
//! - in: [`OpenBackup`], samples in `events/open-backup.json` (a schedule), `events/open-backup-by-hand.json` (a person),
//!   `events/open-backup-verification.json` and `events/open-backup-restore.json`; which of the two is asked for is told by
//!   the execution's state machine
//! - out: [`Step<BackupRun>`] or [`Step<RestoreRun>`]: `Done` with the run that every later step is given; of a backup whose
//!   schedule's run before is still at work `Pending` (ask again), or `Refused` with the run and the reason
//! - changes: which run of the schedule is at work; safe to repeat. Of a restore nothing
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use domain::{
    backup::{self, AtWork, BackupRequest, BackupRun, Turn},
    component::ActiveSides,
    plan::Plan,
    restore::{RestoreRequest, RestoreRun},
    run::step::{Outcome, Step},
    state_machine::StateMachine,
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, PlanName},
    },
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::Owners,
};
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
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    region: &str,
    now: Timestamp,
    event: Value,
) -> Result<Answer, Failure> {
    let open: OpenBackup = edge::parse(event, "OpenBackup")?;
    Ok(match StateMachine::of(&open.execution) {
        Some(StateMachine::VerifyBackup) => Answer::Restore(Box::new(restore(store, region, now, open).await?)),
        Some(StateMachine::Backup) | None => Answer::Backup(Box::new(backup(store, owners, region, now, open).await?)),
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
    owners: &impl Owners,
    region: &str,
    now: Timestamp,
    open: OpenBackup,
) -> Result<Step<BackupRun>, Failure> {
    let request: BackupRequest = edge::parse(open.request, "request")?;
    let plan = object_store::read_plan_here(store, &request.plan, region, "backup").await?;
    let active = active(store, &plan.0).await?;
    let run = request.open(plan, active, open.execution, open.started_at, now)?;
    let key = backup::at_work_key(&run.plan.plan, &run.schedule);
    let (at_work, etag) = object_store::read_json::<AtWork>(store, &key).await?.unzip();
    let owner = match &at_work {
        Some(other) if other.execution != run.execution => Some(owners.owner(&other.execution, other.since).await),
        Some(_) | None => None,
    };
    let turn = backup::turn(&run, at_work.as_ref(), owner.as_ref(), open.started_at, now);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), schedule = %run.schedule, ?owner, ?turn, "opened a backup");
    match turn {
        Turn::Begin(ours) => {
            let condition = etag.map_or(Condition::Absent, Condition::Unchanged);
            object_store::write_json(store, &key, &ours, condition).await?;
        }
        Turn::GoOn => {}
        Turn::Wait(why) => return Ok(Step::pending(why, &at_work)),
        // With the run: its plan says who is told.
        Turn::Skip(why) => return Ok(Step { step: Outcome::Refused, ..Step::done(why, &at_work, run) }),
    }
    let because = format!("backs up {} by schedule `{}` of {}", run.plan.plan, run.schedule, run.scheduled_at);
    Ok(Step::done(because, Value::Null, run))
}

#[cfg(test)]
mod tests;
