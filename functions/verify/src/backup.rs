//! A backup without restoring it: which one is meant, and whether all of it is there.

use std::future::Future;

use domain::{
    backup::{Found, Manifest, Snapshot, Stored, manifest_key},
    component::SnapshotKind,
    restore::{self, Examined, PointSource, Purpose, Replicated, RestoreRun, Set, Wanted, Window},
    run::{
        step::Step,
        verification::{self, Verification},
    },
    words::{
        failure::Failure,
        id::{ComponentName, InstanceId, PlanName, Region},
    },
};
use edge::object_store::{self, ObjectStore};
use futures::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// Which component's, and for which run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    restore: RestoreRun,
    component: ComponentName,
}

/// Each Region's RDS.
pub trait Backups {
    /// The plan's snapshots.
    fn list(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<Snapshot>, Failure>>;
    /// A snapshot by its name.
    fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Found>;
    /// How far an instance's automated backups reach.
    fn window(&self, region: &Region, instance: &InstanceId) -> impl Future<Output = Result<Option<Window>, Failure>>;
    /// What a Region has of the automated backups of an instance of another one.
    fn replicated(
        &self,
        region: &Region,
        from: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<Replicated>, Failure>>;
}

/// Between which times a source can be restored to, and by which ARN where it is of another Region.
async fn points(
    world: &impl Backups,
    region: &Region,
    PointSource { instance, from }: PointSource<'_>,
) -> Result<(Option<Window>, Option<String>), Failure> {
    let Some(from) = from else { return Ok((world.window(region, instance).await?, None)) };
    let found = world.replicated(region, from, instance).await?;
    Ok(found.map_or((None, None), |found| (found.window, Some(found.arn))))
}

/// `Done` with what was found, good or bad; `Pending` while a Region is silent that may hold a part of it.
pub(crate) async fn verify(
    world: &impl Backups,
    store: &impl ObjectStore,
    request: Request,
    now: Timestamp,
) -> Result<Step<Examined>, Failure> {
    let Request { restore: run, component } = request;
    let examined = match run.wanted {
        Wanted::Time(_) | Wanted::LatestTime => {
            let mut sources = Vec::new();
            for source in run.points_in_time_of(&component)? {
                let (window, replicated) = points(world, &run.region, source).await?;
                sources.push((source, window, replicated));
            }
            let chosen = restore::point_in_time(&run.wanted, &sources)?;
            Examined { chosen: Some(chosen), checks: Vec::new() }
        }
        Wanted::Latest | Wanted::Date(_) | Wanted::ScheduledAt(_) | Wanted::Backup(_) => {
            if run.purpose != Purpose::Integrity {
                run.target(&component)?;
            }
            let snapshots = world.list(&run.region, &run.plan.plan).await?;
            let snapshot = restore::choose(&run, &component, &snapshots)?;
            let set = match snapshot {
                Some(snapshot) => Some((snapshot, set_of(world, store, &run, &component, snapshot).await)),
                None => None,
            };
            restore::examine(&run, &component, set.as_ref().map(|(snapshot, set)| (*snapshot, set)), now)
        }
    };
    let what =
        examined.chosen.as_ref().map_or_else(|| "nothing can be restored".to_owned(), |chosen| chosen.origin.name());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), component.name = %component, ?examined, "examined a backup");
    Ok(match verification::sum_up(&examined.checks) {
        Verification::Passed if examined.checks.is_empty() => {
            Step::done(format!("{what}: within reach"), Value::Null, examined.clone())
        }
        Verification::Passed => Step::done(format!("{what}: as it should be"), &examined.checks, examined.clone()),
        Verification::Failed(why) => Step::done(format!("{what}: {why}"), &examined.checks, examined.clone()),
        Verification::Unanswered(why) => Step::under_way(format!("{what}: {why}"), &examined.checks, examined.clone()),
    })
}

/// The most places that a manifest is believed to name: more than AWS has Regions. Each is asked.
const MOST_PLACES: usize = 50;

/// What belongs to a backup beside the snapshot: its manifest, and the copies that the manifest names.
async fn set_of(
    world: &impl Backups,
    store: &impl ObjectStore,
    run: &RestoreRun,
    component: &ComponentName,
    snapshot: &Snapshot,
) -> Set {
    let Ok(label) = &snapshot.label else { return Set { manifest: Ok(None), elsewhere: Vec::new() } };
    let key = manifest_key(&label.plan, &label.schedule, label.scheduled_at);
    let manifest = object_store::read_json::<Manifest>(store, &key).await.map_err(|failure| failure.chain());
    let manifest = manifest.and_then(|found| match found.map(|(manifest, _)| manifest) {
        Some(manifest) if places(&manifest, component).count() > MOST_PLACES => Err(format!(
            "{key}: it names more than {MOST_PLACES} places of one backup; it was not written by this version"
        )),
        manifest => Ok(manifest),
    });
    let known = manifest.as_ref().ok().and_then(Option::as_ref);
    let places = known.into_iter().flat_map(|manifest| places(manifest, component));
    let elsewhere = places.filter(|place| place.region != run.region);
    let elsewhere = join_all(elsewhere.map(|place| world.find(&place.region, snapshot.kind, &snapshot.name))).await;
    Set { manifest, elsewhere }
}

/// Where a manifest says that a component's backup is.
fn places<'m>(manifest: &'m Manifest, component: &ComponentName) -> impl Iterator<Item = &'m Stored> {
    let taken = manifest.part(component).and_then(|part| part.taken.as_ref());
    taken.into_iter().flat_map(|taken| &taken.places)
}

#[cfg(test)]
mod tests;
