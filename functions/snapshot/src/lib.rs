//! `Snapshot`: takes a component's snapshot where it takes writes, and copies it to the Regions that the schedule names.
//!
//! - in: [`Request`], sample in `events/snapshot.json`
//! - out: [`Step<Taken>`]: `Done` once it is available in every Region that will have it, `Pending` (ask again) with what
//!   there is so far, or `Refused` with the reason; where the run's time is over, with that as well
//! - changes: `rds:CreateDBSnapshot` and `rds:CopyDBSnapshot`, or of a cluster `rds:CreateDBClusterSnapshot` and
//!   `rds:CopyDBClusterSnapshot`, each once; deletes nothing; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod copies;
mod original;
mod world;

use domain::{
    backup::{BackupRun, Move, Taken},
    run::step::Step,
    words::{failure::Failure, id::ComponentName},
};
use edge::object_store::ObjectStore;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{Snapshots, World};

/// Of what, and for which backup.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    backup: BackupRun,
    component: ComponentName,
}

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, world: &impl Snapshots, event: Value) -> Result<Step<Taken>, Failure> {
    let Request { backup, component } = edge::parse(event, "Snapshot")?;
    let step = step(store, world, &backup, &component).await?;
    Ok(backup.or_over(step, world.now()))
}

async fn step(
    store: &impl ObjectStore,
    world: &impl Snapshots,
    backup: &BackupRun,
    component: &ComponentName,
) -> Result<Step<Taken>, Failure> {
    // A run may have moved the primary since the backup was opened.
    let active = match original::writes(store, backup, component).await? {
        Ok(active) => active,
        Err(why) => return Ok(Step::pending(why, Value::Null)),
    };
    let backup = BackupRun { active, ..backup.clone() };
    let source = backup.source(component)?;
    let name = backup.snapshot_name(component);
    let found = original::find(world, &source, &name).await;
    let next = backup.plan_original(component, &found);
    info!(plan.name = %backup.plan.plan, component.name = %component, snapshot.id = name, ?found, ?next, "planned the snapshot");
    match next {
        Move::Make if backup.is_over(world.now()) => Ok(Step::pending("it was not begun", &found)),
        Move::Make => original::take(store, world, &backup, component, &source, &name).await,
        Move::Wait(why) => Ok(Step::pending(why, &found)),
        Move::Refuse(why) => Ok(Step::refused(why, &found)),
        Move::Done(original, label) => {
            let taken = Taken::original(&source, &found.region, original, label);
            copies::make(world, &source, original, taken).await
        }
    }
}

#[cfg(test)]
mod tests;
