//! One Region's turn: its backups are judged, the reasons are written down, and what nothing keeps is deleted.

use domain::{
    backup::{Found, Snapshot},
    cleanup::{self, CleanupRun, LastLook, Report, Verdict},
    plan::Plan,
    restore::{self, SeenInstance, Stray},
    run::step::Step,
    words::{
        failure::Failure,
        id::{InstanceId, Region},
    },
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    rds::Acceptance,
};
use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;
use tracing::info;

use crate::world::BackupCatalog;

/// What was done in a Region. Names and reasons are in its report: there may be more of them than a state hands on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    /// The Region.
    pub region: Region,
    /// Backups that are there.
    pub there: usize,
    /// Backups that were deleted.
    pub deleted: usize,
    /// Backups that no rule keeps and that are there.
    pub going: usize,
    /// Restored instances that were torn down.
    pub torn_down: usize,
    /// Backups and instances that could not be deleted.
    pub failed: usize,
    /// The report's key in the Region's bucket.
    pub report: String,
}

impl Cleaned {
    fn of(report: &Report, key: String) -> Self {
        Self {
            region: report.region.clone(),
            there: report.verdicts.len(),
            deleted: report.deleted.len(),
            going: report.going().count(),
            torn_down: report.torn_down.len(),
            failed: report.failed.len(),
            report: key,
        }
    }
}

/// Cleans a Region, as far as one turn goes.
pub(crate) async fn clean(
    store: &impl ObjectStore,
    catalog: &impl BackupCatalog,
    run: &CleanupRun,
    region: &Region,
) -> Result<Step<Cleaned>, Failure> {
    let key = run.report_key(region);
    let before = object_store::read_json::<Report>(store, &key).await?.map(|(report, _)| report);
    let mut report = judge(catalog, run, region, before).await?;
    let due = report.deletions();
    info!(plan.name = %run.plan.plan, region = %region, there = report.verdicts.len(), going = report.going().count(), strays = report.strays().count(), apply = run.apply, "planned the cleanup");
    // The reasons are written down before anything is gone.
    object_store::write_json(store, &key, &report, Condition::Always).await?;
    if !due.is_empty() {
        for verdict in &due.backups {
            delete(catalog, run, verdict, &mut report).await;
        }
        for instance in &due.instances {
            tear_down(catalog, instance, &mut report).await;
        }
        object_store::write_json(store, &key, &report, Condition::Always).await?;
    }
    let (because, cleaned) = (report.summary(), Cleaned::of(&report, key));
    Ok(if due.is_last {
        Step::done(because, Value::Null, cleaned)
    } else {
        Step::under_way(because, Value::Null, cleaned)
    })
}

/// Looks at all that is there, and says of each what becomes of it.
async fn judge(
    catalog: &impl BackupCatalog,
    run: &CleanupRun,
    region: &Region,
    before: Option<Report>,
) -> Result<Report, Failure> {
    let plan = &run.plan;
    let snapshots = catalog.list(region, &plan.plan).await?;
    let restored = catalog.restores(region, &plan.plan).await?;
    let mut verdicts = cleanup::judge(plan, snapshots, catalog.now());
    cleanup::spare(&mut verdicts, &restored);
    if verdicts.iter().any(|verdict| !verdict.stays) {
        cleanup::spare_sources(&mut verdicts, plan, &held_elsewhere(catalog, run, region).await);
    }
    let strays = strays(catalog, plan, restored).await;
    Ok(Report::of(run, region, (verdicts, strays), before, catalog.now()))
}

/// What the plan's other Regions hold.
async fn held_elsewhere(
    catalog: &impl BackupCatalog,
    run: &CleanupRun,
    here: &Region,
) -> Vec<(Region, Result<Vec<Snapshot>, String>)> {
    let others = run.regions.iter().filter(|region| *region != here);
    let listings = others.map(async |region| {
        let listed = catalog.list(region, &run.plan.plan).await;
        (region.clone(), listed.map_err(|failure| failure.chain()))
    });
    join_all(listings).await
}

/// What becomes of what was restored and left there.
async fn strays(catalog: &impl BackupCatalog, plan: &Plan, restored: Vec<SeenInstance>) -> Vec<Stray> {
    let mut strays = Vec::new();
    for seen in restored {
        let Some(of) = seen.left_by() else { continue };
        strays.push(if plan.names(&seen.instance) {
            Stray::of_the_plan(seen.instance)
        } else {
            let owner = catalog.owner(&of.execution, of.asked_at).await;
            restore::stray(seen.instance.clone(), of, &owner)
        });
    }
    strays
}

/// Deletes a backup, if it is to go still.
async fn delete(catalog: &impl BackupCatalog, run: &CleanupRun, verdict: &Verdict, report: &mut Report) {
    let region = report.region.clone();
    let (kind, name) = (verdict.kind, verdict.snapshot.as_str());
    let (now, elsewhere) = look_again(catalog, run, &region, verdict).await;
    let deleted = match cleanup::last_look(verdict, &run.plan, &now, &elsewhere) {
        LastLook::Delete => catalog.delete(&region, kind, name).await.map_err(|failure| failure.chain()),
        LastLook::Gone => Ok(()),
        LastLook::Unseen(why) => Err(why),
        LastLook::Stays(why) => {
            info!(snapshot.id = name, region = %region, why, "spared a backup that was to go");
            return report.spared(kind, name, &why);
        }
    };
    match deleted {
        Ok(()) => report.gone(kind, name),
        Err(because) => report.not_deleted(name, because),
    }
}

/// A backup right before it would go, in its own Region and by its name in the others.
async fn look_again(
    catalog: &impl BackupCatalog,
    run: &CleanupRun,
    here: &Region,
    verdict: &Verdict,
) -> (Found, Vec<Found>) {
    let (kind, name) = (verdict.kind, verdict.snapshot.as_str());
    let others = run.regions.iter().filter(|region| *region != here);
    let elsewhere = join_all(others.map(|region| catalog.find(region, kind, name)));
    tokio::join!(catalog.find(here, kind, name), elsewhere)
}

/// Deletes an instance that a test left.
async fn tear_down(catalog: &impl BackupCatalog, instance: &InstanceId, report: &mut Report) {
    match catalog.tear_down(&report.region, instance).await {
        Ok(Acceptance::Begun) => report.torn_down(instance),
        Ok(Acceptance::Busy | Acceptance::NoRoom) => {
            let why = "RDS does not delete it in the state that it is in: ask again later";
            report.not_deleted(instance.as_str(), why.to_owned());
        }
        Err(failure) => report.not_deleted(instance.as_str(), failure.chain()),
    }
}
