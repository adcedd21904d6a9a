//! The snapshot of a component where it takes writes: looked for in every Region, and taken where there is none.

use domain::{
    backup::{self, BackupRun, Found, Source, Taken},
    component::ActiveSides,
    failover::lease::Lease,
    run::step::Step,
    words::{failure::Failure, id::ComponentName},
};
use edge::{
    object_store::{self, ObjectStore},
    snapshots::Acceptance,
};
use futures::future::join_all;
use serde_json::Value;

use crate::world::Snapshots;

/// Which side takes writes now of the pair that a component goes with, or why that is not known.
pub(crate) async fn writes(
    store: &impl ObjectStore,
    backup: &BackupRun,
    component: &ComponentName,
) -> Result<Result<ActiveSides, String>, Failure> {
    let opened = backup.active.clone();
    let pair = backup.plan.component(component).and_then(|known| backup.plan.goes_with(known));
    let Some(pair) = pair.filter(|_| backup.follows(component)) else { return Ok(Ok(opened)) };
    let lease = object_store::read_json::<Lease>(store, &object_store::lease_key(&pair)).await?;
    Ok(lease.map_or(Ok(opened.clone()), |(lease, _)| lease.writes().map(|side| opened.with(pair, side))))
}

/// The snapshot as it is found where it is to be. If it was taken elsewhere, before a failover perhaps, that one counts:
/// another one taken now would be of other data. A Region that is silent, or has a thing of this name that is no backup,
/// keeps none from being taken: its copy is told as missing then.
pub(crate) async fn find(world: &impl Snapshots, source: &Source<'_>, name: &str) -> Found {
    let found = world.find(source.region, source.kind(), name).await;
    if found.snapshot != Ok(None) {
        return found;
    }
    let elsewhere = join_all(source.elsewhere().map(|region| world.find(region, source.kind(), name))).await;
    Found::first_there(&elsewhere).cloned().unwrap_or(found)
}

/// Asks for the snapshot, if it is to be and there is room for it.
pub(crate) async fn take(
    store: &impl ObjectStore,
    world: &impl Snapshots,
    backup: &BackupRun,
    component: &ComponentName,
    source: &Source<'_>,
    name: &str,
) -> Result<Step<Taken>, Failure> {
    if let Err(late) = backup.may_be_taken(world.now()) {
        return Ok(Step::refused(late, Value::Null));
    }
    if let Err(full) = backup::room(source.region, source.kind(), world.quota(source.region, source.kind()).await?) {
        return Ok(Step::refused(full, Value::Null));
    }
    let database = world.database(source).await?;
    // Since this step began, too: a primary that is shut out answers us, and holds what nobody else has.
    match writes(store, backup, component).await? {
        Ok(active) if active == backup.active => {}
        Ok(_) => return Ok(Step::pending("the primary was moved just now", Value::Null)),
        Err(why) => return Ok(Step::pending(why, Value::Null)),
    }
    let label = backup.label(component, database);
    let (of, service) = (source.of(), source.kind().service());
    let because = match world.take(source, name, &label).await? {
        Acceptance::Begun => format!("{service} takes `{name}` of `{of}`"),
        Acceptance::Busy => format!("{service} takes no snapshot of `{of}` yet: it is busy with another change"),
        Acceptance::NoRoom => format!("{service} has no room for a snapshot of `{of}` in {} yet", source.region),
    };
    Ok(Step::pending(because, &label.database))
}
