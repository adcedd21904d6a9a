//! `OpenBackup`: reads the request, pins the plan, and says of what a backup is taken, or what is restored of one.
//!
//! - in: [`OpenBackup`], samples in `events/open-backup.json` (a schedule), `events/open-backup-by-hand.json` (a person),
//!   `events/open-backup-verification.json` and `events/open-backup-restore.json`; which of the two is asked for is told by
//!   the execution's state machine
//! - out: [`Step<BackupRun>`] or [`Step<RestoreRun>`]: `Done` with the run that every later step is given
//! - changes: nothing
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use domain::{
    backup::{BackupRequest, BackupRun, whole_second},
    component::ActiveSide,
    failover::lease::Lease,
    plan::Plan,
    restore::{RestoreRequest, RestoreRun},
    run::step::Step,
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn},
    },
};
use edge::shelf::{self, Shelf};
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
pub async fn handle(shelf: &impl Shelf, region: &str, now: Timestamp, event: Value) -> Result<Answer, Failure> {
    let open: OpenBackup = edge::parse(event, "OpenBackup")?;
    Ok(match open.execution.machine() {
        "lifeboat-verify-backup" => Answer::Restore(Box::new(restore(shelf, region, now, open).await?)),
        _ => Answer::Backup(Box::new(backup(shelf, region, now, open).await?)),
    })
}

async fn restore(
    shelf: &impl Shelf,
    region: &str,
    now: Timestamp,
    open: OpenBackup,
) -> Result<Step<RestoreRun>, Failure> {
    let request: RestoreRequest = edge::parse(open.request, "request")?;
    let (plan, plan_version) = shelf::read_plan_here(shelf, &request.plan, region, "verification").await?;
    let active = active(shelf, &plan).await?;
    let run = request.open(plan, plan_version, active, open.execution, now)?;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), purpose = ?run.purpose, wanted = ?run.wanted, "opened a restore");
    let components: Vec<&str> = run.components.iter().map(ComponentName::as_str).collect();
    let because = format!("looks for {} of {} in {}", components.join(", "), run.plan.plan, run.region);
    Ok(Step::done(because, Value::Null, run))
}

/// Which side takes writes.
async fn active(shelf: &impl Shelf, plan: &Plan) -> Result<ActiveSide, Failure> {
    let lease = shelf::read_json::<Lease>(shelf, &shelf::lease_key(&plan.plan)).await?;
    Ok(lease.map(|(lease, _)| lease.active).unwrap_or_default())
}

async fn backup(
    shelf: &impl Shelf,
    region: &str,
    now: Timestamp,
    open: OpenBackup,
) -> Result<Step<BackupRun>, Failure> {
    let OpenBackup { execution, started_at, request } = open;
    let BackupRequest { plan, schedule, scheduled_at, by } = edge::parse(request, "request")?;
    let (plan, plan_version) = shelf::read_plan_here(shelf, &plan, region, "backup").await?;
    let Some(components) = plan.backup(&schedule).map(|backup| backup.components.clone()) else {
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
    let active = active(shelf, &plan).await?;
    let because = format!("backs up {} by schedule `{schedule}` of {scheduled_at}", plan.plan);
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
    };
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), schedule = %run.schedule, "opened a backup");
    Ok(Step::done(because, Value::Null, run))
}

#[cfg(test)]
mod tests {
    use edge::shelf::fake::Memory;

    use super::*;

    const SCHEDULED: &str = include_str!("../../../events/open-backup.json");
    const VERIFICATION: &str = include_str!("../../../events/open-backup-verification.json");
    const RESTORE: &str = include_str!("../../../events/open-backup-restore.json");
    const BY_HAND: &str = include_str!("../../../events/open-backup-by-hand.json");

    fn shelf() -> Memory {
        Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
    }

    async fn open(event: &str, change: impl FnOnce(&mut Value)) -> Result<Step<BackupRun>, Failure> {
        let mut event = serde_json::from_str(event).unwrap();
        change(&mut event);
        match handle(&shelf(), "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await? {
            Answer::Backup(step) => Ok(*step),
            Answer::Restore(_) => panic!("a backup was asked for"),
        }
    }

    #[tokio::test]
    async fn a_schedule_says_for_which_time_and_a_person_means_now() {
        for (event, at) in [(SCHEDULED, "2026-11-21T02:00:00Z"), (BY_HAND, "2026-11-21T02:00:03Z")] {
            let run = open(event, |_| ()).await.unwrap().did.unwrap();
            assert_eq!(run.scheduled_at.to_string(), at);
            assert_eq!((run.schedule.as_str(), run.plan_version.as_str()), ("daily", "1"));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_request_is_named_before_anything_is_begun() {
        for (pointer, value, says) in [
            ("schedule", Value::from("hourly"), "no schedule `hourly`; it has: daily"),
            ("plan", "other".into(), "no plan `other`"),
            ("plan", "No Plan".into(), "request: plan"),
            ("scheduledAt", "2030-01-01T00:00:00Z".into(), "in the future"),
            ("surprise", true.into(), "surprise"),
        ] {
            let failure = open(SCHEDULED, |event| event["request"][pointer] = value).await.unwrap_err();
            assert!(failure.chain().contains(says), "{}", failure.chain());
        }
    }

    #[tokio::test]
    async fn a_lease_that_cannot_be_read_is_told_with_what_mends_it() {
        let shelf = shelf().with("leases/lab.json", "");
        let event = serde_json::from_str(SCHEDULED).unwrap();
        let told = handle(&shelf, "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await.unwrap_err();
        assert_eq!(
            told.to_string(),
            "leases/lab.json cannot be read: the text ends too early (line 1, column 0). RUNBOOK.md, Correcting the lease"
        );
    }

    async fn open_restore(event: &str, change: impl FnOnce(&mut Value)) -> Result<RestoreRun, Failure> {
        let mut event = serde_json::from_str(event).unwrap();
        change(&mut event);
        match handle(&shelf(), "us-west-2", "2026-11-21T06:00:09Z".parse().unwrap(), event).await? {
            Answer::Restore(step) => Ok(step.did.unwrap()),
            Answer::Backup(_) => panic!("a restore was asked for"),
        }
    }

    #[tokio::test]
    async fn a_restore_goes_to_the_recovery_region_and_a_point_in_time_to_where_the_primary_is() {
        let test = open_restore(VERIFICATION, |_| ()).await.unwrap();
        assert_eq!((test.region.as_str(), test.components.len()), ("us-west-2", 1));
        let kept = open_restore(RESTORE, |_| ()).await.unwrap();
        assert_eq!(kept.region.as_str(), "us-east-1");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_restore_is_named_before_anything_is_made() {
        for (event, pointer, value, says) in [
            (VERIFICATION, "schedule", Value::from("hourly"), "no schedule `hourly`; it has: daily"),
            (VERIFICATION, "schedule", Value::Null, "name a schedule of the plan, or a component"),
            (VERIFICATION, "component", "customers".into(), "schedule `daily` backs up no `customers`"),
            (VERIFICATION, "region", "eu-west-1".into(), "no side in eu-west-1: name us-east-1 or us-west-2"),
            (VERIFICATION, "purpose", "replace".into(), "purpose"),
            (VERIFICATION, "wanted", "oldest".into(), "wanted"),
            (VERIFICATION, "wanted", serde_json::json!({ "backup": "Not--A Name" }), "wanted"),
            (RESTORE, "component", "customers".into(), "no component `customers`"),
            (RESTORE, "region", "us-west-2".into(), "restored where the primary is, in us-east-1"),
            (RESTORE, "purpose", "integrity".into(), "no backup that could be looked at"),
            (RESTORE, "wanted", serde_json::json!({ "time": "2026-11-21T06:00:10Z" }), "in the future"),
        ] {
            let failure = open_restore(event, |event| event["request"][pointer] = value).await.unwrap_err();
            assert_eq!(failure.name(), "InvalidInput");
            assert!(failure.chain().contains(says), "{}", failure.chain());
        }
    }

    #[tokio::test]
    async fn another_region_refuses() {
        let event = serde_json::from_str(SCHEDULED).unwrap();
        let failure = handle(&shelf(), "us-east-1", Timestamp::UNIX_EPOCH, event).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
    }
}
