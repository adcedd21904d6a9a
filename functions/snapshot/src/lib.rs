//! `Snapshot`: takes a component's snapshot where it takes writes, and copies it to the Regions that the schedule names.
//!
//! - in: [`Request`], sample in `events/snapshot.json`
//! - out: [`Step<Taken>`]: `Done` once it is available in every Region that will have it, `Pending` (ask again) with what
//!   there is so far, or `Refused` with the reason
//! - changes: `rds:CreateDBSnapshot` and `rds:CopyDBSnapshot`, or of a cluster `rds:CreateDBClusterSnapshot` and
//!   `rds:CopyDBClusterSnapshot`, each once; deletes nothing; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    backup::{
        self, BackupRun, Found, LONGEST_REASON_CHARS, Label, Missing, Move, Quota, Snapshot, Source, Stored, Taken,
    },
    component::{ActiveSides, SeenDatabase, SnapshotKind},
    failover::lease::Lease,
    retention::State,
    run::step::Step,
    words::{
        failure::Failure,
        id::{ComponentName, KmsKeyId, Region},
        wording,
    },
};
use edge::{
    clock, component,
    object_store::{self, Bucket, ObjectStore},
    postgres::Postgres,
    snapshots::Acceptance,
};
use futures::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// Of what, and for which backup.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    backup: BackupRun,
    component: ComponentName,
}

/// Each Region's snapshots, and what they are of.
pub trait Snapshots {
    /// A snapshot by its name.
    fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Found>;
    /// How many snapshots there may be.
    fn quota(&self, region: &Region, kind: SnapshotKind) -> impl Future<Output = Result<Quota, Failure>>;
    /// What is known of what is backed up, just before.
    fn database(&self, source: &Source<'_>) -> impl Future<Output = Result<SeenDatabase, Failure>>;
    /// Asks for a snapshot.
    fn take(&self, source: &Source<'_>, name: &str, label: &Label)
    -> impl Future<Output = Result<Acceptance, Failure>>;
    /// Asks for a copy.
    fn copy(
        &self,
        of: &Snapshot,
        to: &Region,
        key: Option<&KmsKeyId>,
    ) -> impl Future<Output = Result<Acceptance, Failure>>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, world: &impl Snapshots, event: Value) -> Result<Step<Taken>, Failure> {
    let Request { backup, component } = edge::parse(event, "Snapshot")?;
    // A run may have moved the primary since the backup was opened.
    let active = match writes(store, &backup, &component).await? {
        Ok(active) => active,
        Err(why) => return Ok(Step::pending(why, Value::Null)),
    };
    let backup = BackupRun { active, ..backup };
    let source = backup.source(&component)?;
    let name = backup.snapshot_name(&component);
    let mut found = world.find(source.region, source.kind(), &name).await;
    // It was taken elsewhere, before a failover perhaps: another one taken now would be of other data.
    if found.snapshot == Ok(None)
        && let Some(elsewhere) = elsewhere(world, &source, &name).await
    {
        found = elsewhere;
    }
    let next = backup::plan(&found);
    info!(plan.name = %backup.plan.plan, component.name = %component, snapshot.id = name, ?found, ?next, "planned the snapshot");
    match next {
        Move::Make => take(store, world, &backup, &component, &source, &name).await,
        Move::Wait(why) => Ok(Step::pending(why, &found)),
        Move::Refuse(why) => Ok(Step::refused(why, &found)),
        Move::Done(original, label) => {
            if let Err(why) = backup.is_of(&component, label) {
                return Ok(Step::refused(
                    format!("{}: {} is another backup: {why}", found.region, original.arn),
                    &found,
                ));
            }
            let taken = Taken {
                component: component.clone(),
                of: original.of.clone().unwrap_or_else(|| source.of()),
                snapshot: name.clone(),
                database: label.database.clone(),
                places: vec![stored(&found.region, original)],
                missing: Vec::new(),
            };
            copies(world, &source, original, taken).await
        }
    }
}

/// Which side takes writes now of the pair that a component goes with, or why that is not known.
async fn writes(
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

/// The same backup in another Region, there or being made. One that is silent, or has a thing of this name that is no
/// backup, keeps none from being taken: its copy is told as missing then.
async fn elsewhere(world: &impl Snapshots, source: &Source<'_>, name: &str) -> Option<Found> {
    let found = join_all(source.elsewhere().map(|region| world.find(region, source.kind(), name))).await;
    let is = |found: &Found, wanted: &[State]| {
        let snapshot = found.snapshot.as_ref().ok().and_then(Option::as_ref);
        snapshot.is_some_and(|snapshot| snapshot.label.is_ok() && wanted.contains(&snapshot.state()))
    };
    let there = found.iter().find(|found| is(found, &[State::Available]));
    there.or_else(|| found.iter().find(|found| is(found, &[State::Making, State::Unknown]))).cloned()
}

async fn take(
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

/// Copies side by side: what one Region cannot take must not keep another from it.
async fn copies(
    world: &impl Snapshots,
    source: &Source<'_>,
    original: &Snapshot,
    mut taken: Taken,
) -> Result<Step<Taken>, Failure> {
    let name = taken.snapshot.clone();
    let regions: Vec<Region> = source.regions().filter(|region| **region != taken.places[0].region).cloned().collect();
    let turns = regions.iter().map(|region| copied(world, original, region, source.key_in(region)));
    let mut under_way = Vec::new();
    for (region, turn) in regions.iter().zip(join_all(turns).await) {
        match turn? {
            Turn::There(place) => taken.places.push(place),
            Turn::UnderWay(why) => under_way.push(why),
            Turn::Never(because) => taken.missing.push(Missing::new(region.clone(), &because)),
        }
    }
    if !under_way.is_empty() {
        return Ok(Step::under_way(told(&under_way.join("; ")), Value::Null, taken));
    }
    let because = match taken.missing.as_slice() {
        [] => format!("`{name}` is in {}", names(taken.places.iter().map(|place| &place.region))),
        missing => missing.iter().map(|missing| missing.because.as_str()).collect::<Vec<_>>().join("; "),
    };
    Ok(Step::done(told(&because), Value::Null, taken))
}

/// Of all Regions, as far as a component's part has room for it.
fn told(because: &str) -> String {
    wording::start_of(because, LONGEST_REASON_CHARS)
}

fn stored(region: &Region, snapshot: &Snapshot) -> Stored {
    Stored {
        region: region.clone(),
        arn: snapshot.arn.clone(),
        allocated_gib: snapshot.allocated_gib,
        encrypted: snapshot.encrypted,
    }
}

/// How far a copy is.
enum Turn {
    There(Stored),
    UnderWay(String),
    Never(String),
}

async fn copied(
    world: &impl Snapshots,
    original: &Snapshot,
    region: &Region,
    key: Option<&KmsKeyId>,
) -> Result<Turn, Failure> {
    let (kind, name) = (original.kind, original.name.as_str());
    let found = world.find(region, kind, name).await;
    let next = backup::plan(&found);
    info!(region = %region, snapshot.id = name, ?found, ?next, "planned the copy");
    match next {
        Move::Done(copy, _) => Ok(match backup::same_data(original, copy) {
            Ok(()) => Turn::There(stored(region, copy)),
            Err(why) => Turn::Never(format!("{region}: {} is not a copy of {}: {why}", copy.arn, original.arn)),
        }),
        Move::Wait(why) => Ok(Turn::UnderWay(why)),
        Move::Refuse(why) => Ok(Turn::Never(why)),
        Move::Make => {
            if let Err(full) = backup::room(region, kind, world.quota(region, kind).await?) {
                return Ok(Turn::Never(full));
            }
            Ok(match world.copy(original, region, key).await {
                Ok(Acceptance::Begun) => Turn::UnderWay(format!("{region}: the copy was asked for")),
                // There is room for the snapshot: it is of the copies that there is none, twenty into a Region unless raised.
                Ok(Acceptance::NoRoom) => Turn::UnderWay(format!(
                    "{region}: {} makes no further copy yet, as many run into it as the account may have at once",
                    kind.service()
                )),
                Ok(Acceptance::Busy) => {
                    Turn::UnderWay(format!("{region}: {} does not copy `{name}` yet", kind.service()))
                }
                // For what it asks, as a key that is not there: the other Regions' copies go on.
                Err(rejected @ (Failure::AwsRejected { .. } | Failure::AwsDenied { .. })) => {
                    Turn::Never(rejected.chain())
                }
                Err(failure) => return Err(failure),
            })
        }
    }
}

fn names<'r>(regions: impl Iterator<Item = &'r Region>) -> String {
    regions.map(Region::as_str).collect::<Vec<_>>().join(", ")
}

/// How long a Region may take to answer each call.
const REGION_PATIENCE: Duration = Duration::from_secs(4);

/// How long the database may take.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// Each Region's snapshots, and the databases.
pub struct World {
    postgres: Postgres,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket).await? })
    }
}

impl Snapshots for World {
    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        component::find(kind, region, REGION_PATIENCE, name).await
    }

    async fn quota(&self, region: &Region, kind: SnapshotKind) -> Result<Quota, Failure> {
        component::snapshots(kind, region, REGION_PATIENCE).await.quota().await
    }

    async fn database(&self, source: &Source<'_>) -> Result<SeenDatabase, Failure> {
        component::look(source, &self.postgres, DATABASE_PATIENCE, REGION_PATIENCE).await
    }

    async fn take(&self, source: &Source<'_>, name: &str, label: &Label) -> Result<Acceptance, Failure> {
        let service = component::snapshots(source.kind(), source.region, REGION_PATIENCE).await;
        service.take(source, name, &label.tags()).await
    }

    async fn copy(&self, of: &Snapshot, to: &Region, key: Option<&KmsKeyId>) -> Result<Acceptance, Failure> {
        component::snapshots(of.kind, to, REGION_PATIENCE).await.copy(of, key).await
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}

#[cfg(test)]
mod tests;
