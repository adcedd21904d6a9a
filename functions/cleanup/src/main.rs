//! `Cleanup`: judges a Region's backups by the plan's retention, deletes what nothing keeps, and says why of each.
//!
//! - in: [`Cleanup`], samples in `events/cleanup-open.json` (the request) and `events/cleanup.json` (one Region)
//! - out: for the request [`Step<CleanupRun>`]; for a Region [`Step<Cleaned>`]: `Done`, or `Pending` where more is to go
//! - changes: snapshots that are tagged as the plan's and that no rule keeps, if the run applies; a report; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    backup::Snapshot,
    cleanup::{self, CleanupRequest, CleanupRun, NotDeleted, Report},
    failure::Failure,
    id::{ExecutionArn, PlanName, Region},
    step::Step,
};
use edge::{
    aws, clock,
    rds::Rds,
    shelf::{self, Bucket, Condition, Shelf},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let here = edge::config::region().map_err(|failure| failure.chain())?;
    edge::serve(|event| handle(&bucket, &World, &here, event)).await
}

/// What a cleanup begins with, and what it is of one Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Cleanup {
    /// Reads the request and pins the plan.
    Open(Open),
    /// Cleans one Region.
    Region(Box<OneRegion>),
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

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Opened(Box<Step<CleanupRun>>),
    Cleaned(Step<Cleaned>),
}

/// What was done in a Region. Names and reasons are in its report: there may be more of them than a state hands on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    region: Region,
    /// Backups that are there.
    there: usize,
    /// Backups that were deleted.
    deleted: usize,
    /// Backups that no rule keeps and that are there.
    going: usize,
    /// Backups that could not be deleted.
    failed: usize,
    /// The report's key in the Region's bucket.
    report: String,
}

/// A Region's snapshots.
trait Snapshots {
    fn list(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<Snapshot>, Failure>>;
    fn delete(&self, region: &Region, name: &str) -> impl Future<Output = Result<(), Failure>>;
    fn now(&self) -> Timestamp;
}

async fn handle(shelf: &impl Shelf, world: &impl Snapshots, here: &str, event: Value) -> Result<Answer, Failure> {
    match edge::parse(event, "Cleanup")? {
        Cleanup::Open(open) => opened(shelf, here, world.now(), open).await.map(|step| Answer::Opened(Box::new(step))),
        Cleanup::Region(of) => cleaned(shelf, world, &of.cleanup, &of.region).await.map(Answer::Cleaned),
    }
}

async fn opened(shelf: &impl Shelf, here: &str, now: Timestamp, open: Open) -> Result<Step<CleanupRun>, Failure> {
    let request: CleanupRequest = edge::parse(open.request, "request")?;
    let (plan, plan_version) = shelf::read_plan_here(shelf, &request.plan, here, "cleanup").await?;
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
    shelf: &impl Shelf,
    world: &impl Snapshots,
    run: &CleanupRun,
    region: &Region,
) -> Result<Step<Cleaned>, Failure> {
    let key = run.report_key(region);
    let before = shelf::read_json::<Report>(shelf, &key).await?.map(|(report, _)| report);
    let snapshots = world.list(region, &run.plan.plan).await?;
    let verdicts = cleanup::judge(&run.plan, snapshots, world.now());
    let mut report = Report::of(run, region, verdicts, before, world.now());
    let going: Vec<String> = report.going().map(|verdict| verdict.snapshot.clone()).collect();
    info!(plan.name = %run.plan.plan, region = %region, there = report.verdicts.len(), going = going.len(), apply = run.apply, "planned the cleanup");
    // The reasons are written down before anything is gone.
    shelf::write_json(shelf, &key, &report, Condition::Always).await?;
    if !run.apply || going.is_empty() {
        return Ok(Step::done(report.summary(), Value::Null, counted(&report, key)));
    }
    for name in going.iter().take(DELETES_IN_A_TURN) {
        match world.delete(region, name).await {
            Ok(()) => report.gone(name),
            Err(failure) => report.failed.push(NotDeleted { snapshot: name.clone(), because: failure.chain() }),
        }
    }
    shelf::write_json(shelf, &key, &report, Condition::Always).await?;
    let told = counted(&report, key);
    if going.len() > DELETES_IN_A_TURN && report.failed.is_empty() {
        return Ok(Step::under_way(report.summary(), Value::Null, told));
    }
    Ok(Step::done(report.summary(), Value::Null, told))
}

fn counted(report: &Report, key: String) -> Cleaned {
    Cleaned {
        region: report.region.clone(),
        there: report.verdicts.len(),
        deleted: report.deleted.len(),
        going: report.going().count(),
        failed: report.failed.len(),
        report: key,
    }
}

/// How long a Region may take to answer each call.
const REGION_PATIENCE: Duration = Duration::from_secs(4);

struct World;

impl Snapshots for World {
    async fn list(&self, region: &Region, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        Rds::far(region, REGION_PATIENCE).await.snapshots_of(plan).await
    }

    async fn delete(&self, region: &Region, name: &str) -> Result<(), Failure> {
        Rds::far(region, REGION_PATIENCE).await.delete_snapshot(name).await
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}

#[cfg(test)]
mod tests;
