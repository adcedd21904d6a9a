//! `Cleanup`: judges a Region's backups by the plan's retention, deletes what nothing keeps, and says why of each.
//!
//! - in: [`Cleanup`], samples in `events/cleanup-open.json` (the request), `events/cleanup.json` (one Region) and
//!   `events/cleanup-restored.json` (what a test restored)
//! - out: for the request [`Step<CleanupRun>`]; for a Region [`Step<Cleaned>`]: `Done`, or `Pending` where more is to go; for
//!   what a test restored [`Step<()>`]: `Done` once it is gone, `Pending`, or `Refused` where it is not the test's
//! - changes: snapshots that are tagged as the plan's and that no rule keeps, each looked at again right before it is
//!   deleted, and instances that a test of the plan's restored and left, if the run applies; the instance of a test that
//!   is over; a report; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    backup::{Found, Snapshot},
    cleanup::{self, CleanupRequest, CleanupRun, NotDeleted, Report, Verdict},
    component::SnapshotKind,
    failover::succession::Owner,
    plan::Plan,
    restore::{self, RestoreRun, SeenInstance, Stray, Teardown},
    run::step::Step,
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, InstanceId, PlanName, Region},
    },
};
use edge::{
    clock, component,
    object_store::{self, Condition, ObjectStore},
    rds::{Acceptance, Rds},
    states::States,
};
use futures::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

/// What a cleanup begins with, and what it is of one Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Cleanup {
    /// Reads the request and pins the plan.
    Open(Open),
    /// Cleans one Region.
    Region(Box<OneRegion>),
    /// Tears down what a test restored.
    Restored(Box<OneRestored>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    execution: ExecutionArn,
    request: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRegion {
    cleanup: CleanupRun,
    region: Region,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRestored {
    restore: RestoreRun,
    component: ComponentName,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The run that every later step is given.
    Opened(Box<Step<CleanupRun>>),
    /// What was done in a Region.
    Cleaned(Step<Cleaned>),
    /// What a test restored is gone.
    TornDown(Step<()>),
}

/// What was done in a Region. Names and reasons are in its report: there may be more of them than a state hands on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    region: Region,
    /// Backups that are there.
    there: usize,
    /// Backups that were deleted.
    deleted: usize,
    /// Backups that no rule keeps and that are there.
    going: usize,
    /// Restored instances that were torn down.
    torn_down: usize,
    /// Backups and instances that could not be deleted.
    failed: usize,
    /// The report's key in the Region's bucket.
    report: String,
}

/// A Region's snapshots, and what was restored of them.
pub trait Estate {
    /// The plan's snapshots.
    fn list(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<Snapshot>, Failure>>;
    /// A snapshot by its name.
    fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Found>;
    /// Deletes a snapshot.
    fn delete(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Result<(), Failure>>;
    /// The instances that were restored for the plan.
    fn restores(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<SeenInstance>, Failure>>;
    /// An instance that was restored.
    fn restored(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<SeenInstance>, Failure>>;
    /// Deletes an instance.
    fn tear_down(&self, region: &Region, instance: &InstanceId) -> impl Future<Output = Result<Acceptance, Failure>>;
    /// What is known of the execution that restored one.
    fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> impl Future<Output = Owner>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    world: &impl Estate,
    here: &str,
    event: Value,
) -> Result<Answer, Failure> {
    match edge::parse(event, "Cleanup")? {
        Cleanup::Open(open) => opened(store, here, world.now(), open).await.map(|step| Answer::Opened(Box::new(step))),
        Cleanup::Region(of) => cleaned(store, world, &of.cleanup, &of.region).await.map(Answer::Cleaned),
        Cleanup::Restored(of) => torn_down(world, &of.restore, &of.component).await.map(Answer::TornDown),
    }
}

async fn opened(store: &impl ObjectStore, here: &str, now: Timestamp, open: Open) -> Result<Step<CleanupRun>, Failure> {
    let request: CleanupRequest = edge::parse(open.request, "request")?;
    let (plan, plan_version) = object_store::read_plan_here(store, &request.plan, here, "cleanup").await?;
    let apply = request.applies(&plan);
    let regions = plan.backup_regions();
    let because = format!(
        "looks at the backups of {} in {} Regions, and {}",
        plan.plan,
        regions.len(),
        if apply { "deletes what no rule keeps" } else { "deletes nothing" }
    );
    let run =
        CleanupRun { execution: open.execution, plan, plan_version, apply, by: request.by, regions, opened_at: now };
    Ok(Step::done(because, Value::Null, run))
}

/// How many are deleted before the state machine is told how far it is.
const DELETES_IN_A_TURN: usize = 20;

async fn cleaned(
    store: &impl ObjectStore,
    world: &impl Estate,
    run: &CleanupRun,
    region: &Region,
) -> Result<Step<Cleaned>, Failure> {
    let key = run.report_key(region);
    let before = object_store::read_json::<Report>(store, &key).await?.map(|(report, _)| report);
    let snapshots = world.list(region, &run.plan.plan).await?;
    let restored = world.restores(region, &run.plan.plan).await?;
    let mut verdicts = cleanup::judge(&run.plan, snapshots, world.now());
    cleanup::spare(&mut verdicts, &restored);
    if verdicts.iter().any(|verdict| !verdict.stays) {
        cleanup::spare_sources(&mut verdicts, &run.plan, &held_elsewhere(world, run, region).await);
    }
    let restores = strays(world, &run.plan, restored).await;
    let mut report = Report::of(run, region, (verdicts, restores), before, world.now());
    let going: Vec<Verdict> = report.untried().cloned().collect();
    let left: Vec<InstanceId> = report.strays().map(|stray| stray.instance.clone()).collect();
    info!(plan.name = %run.plan.plan, region = %region, there = report.verdicts.len(), going = going.len(), strays = left.len(), apply = run.apply, "planned the cleanup");
    // The reasons are written down before anything is gone.
    object_store::write_json(store, &key, &report, Condition::Always).await?;
    if !run.apply || going.is_empty() && left.is_empty() {
        return Ok(Step::done(report.summary(), Value::Null, counted(&report, key)));
    }
    for verdict in going.iter().take(DELETES_IN_A_TURN) {
        let (kind, name) = (verdict.kind, verdict.snapshot.as_str());
        // The listing is some seconds old: a hold that was tagged since is honoured.
        let (now, elsewhere) = look_again(world, run, region, verdict).await;
        let gone = match &now.snapshot {
            Err(why) => Err(format!("it could not be looked at again before it was to go: {why}")),
            Ok(None) => Ok(()),
            Ok(Some(seen)) => match cleanup::still_goes(verdict, &run.plan, seen, &elsewhere) {
                Ok(()) => world.delete(region, kind, name).await.map_err(|failure| failure.chain()),
                Err(why) => {
                    info!(snapshot.id = name, region = %region, why, "spared a backup that was to go");
                    report.spared(kind, name, &why);
                    continue;
                }
            },
        };
        match gone {
            Ok(()) => report.gone(kind, name),
            Err(because) => report.failed.push(NotDeleted { name: name.to_owned(), because }),
        }
    }
    for instance in &left {
        let because = match world.tear_down(region, instance).await {
            Ok(Acceptance::Begun) => {
                report.torn_down(instance);
                continue;
            }
            Ok(Acceptance::Busy | Acceptance::NoRoom) => {
                "RDS does not delete it in the state that it is in: ask again later".into()
            }
            Err(failure) => failure.chain(),
        };
        report.failed.push(NotDeleted { name: instance.to_string(), because });
    }
    object_store::write_json(store, &key, &report, Condition::Always).await?;
    let told = counted(&report, key);
    if going.len() > DELETES_IN_A_TURN {
        return Ok(Step::under_way(report.summary(), Value::Null, told));
    }
    Ok(Step::done(report.summary(), Value::Null, told))
}

/// What the plan's other Regions hold.
async fn held_elsewhere(
    world: &impl Estate,
    run: &CleanupRun,
    here: &Region,
) -> Vec<(Region, Result<Vec<Snapshot>, String>)> {
    let others = run.regions.iter().filter(|region| *region != here);
    let listings = others.map(async |region| {
        let listed = world.list(region, &run.plan.plan).await;
        (region.clone(), listed.map_err(|failure| failure.chain()))
    });
    join_all(listings).await
}

/// A backup right before it would go, in its own Region and by its name in the others.
async fn look_again(world: &impl Estate, run: &CleanupRun, here: &Region, verdict: &Verdict) -> (Found, Vec<Found>) {
    let (kind, name) = (verdict.kind, verdict.snapshot.as_str());
    let others = run.regions.iter().filter(|region| *region != here);
    let elsewhere = join_all(others.map(|region| world.find(region, kind, name)));
    tokio::join!(world.find(here, kind, name), elsewhere)
}

/// What tests restored and left there. One that RDS deletes already is gone soon; one that the plan names is in use.
async fn strays(world: &impl Estate, plan: &Plan, restored: Vec<SeenInstance>) -> Vec<Stray> {
    let mut strays = Vec::new();
    for seen in restored {
        if let (Ok(of), true) = (&seen.provenance, seen.status != "deleting") {
            strays.push(if plan.names(&seen.instance) {
                Stray { instance: seen.instance, stays: true, because: "the plan names it".to_owned() }
            } else {
                restore::stray(seen.instance, of, &world.owner(&of.execution, of.asked_at).await)
            });
        }
    }
    strays
}

async fn torn_down(world: &impl Estate, run: &RestoreRun, component: &ComponentName) -> Result<Step<()>, Failure> {
    let instance = run.instance(component)?;
    let seen = world.restored(&run.region, &instance).await?;
    let next = restore::tear_down(run, component, seen.as_ref());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?seen, ?next, "planned the teardown");
    Ok(match next {
        Teardown::Gone => Step::done(format!("`{instance}` is gone"), &seen, ()),
        Teardown::Wait(why) => Step::pending(why, &seen),
        Teardown::Refuse(why) => Step::refused(why, &seen),
        Teardown::Delete => Step::pending(
            match world.tear_down(&run.region, &instance).await? {
                Acceptance::Begun => format!("RDS deletes `{instance}`"),
                Acceptance::Busy | Acceptance::NoRoom => {
                    format!("RDS does not delete `{instance}` yet: it is changing")
                }
            },
            &seen,
        ),
    })
}

fn counted(report: &Report, key: String) -> Cleaned {
    Cleaned {
        region: report.region.clone(),
        there: report.verdicts.len(),
        deleted: report.deleted.len(),
        going: report.going().count(),
        torn_down: report.torn_down.len(),
        failed: report.failed.len(),
        report: key,
    }
}

/// How long a Region may take to answer each call.
const REGION_PATIENCE: Duration = Duration::from_secs(4);

/// Each Region's RDS, and Step Functions.
pub struct World;

impl Estate for World {
    async fn list(&self, region: &Region, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        component::snapshots_of(plan, region, REGION_PATIENCE).await
    }

    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        component::find(kind, region, REGION_PATIENCE, name).await
    }

    async fn delete(&self, region: &Region, kind: SnapshotKind, name: &str) -> Result<(), Failure> {
        component::snapshots(kind, region, REGION_PATIENCE).await.delete(name).await
    }

    async fn restores(&self, region: &Region, plan: &PlanName) -> Result<Vec<SeenInstance>, Failure> {
        Rds::far(region, REGION_PATIENCE).await.restored_of(plan).await
    }

    async fn restored(&self, region: &Region, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Rds::far(region, REGION_PATIENCE).await.restored(instance).await
    }

    async fn tear_down(&self, region: &Region, instance: &InstanceId) -> Result<Acceptance, Failure> {
        Rds::far(region, REGION_PATIENCE).await.tear_down(instance).await
    }

    async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        States::from_env().await.owner(execution, began).await
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}

#[cfg(test)]
mod tests;
