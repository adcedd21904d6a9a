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
    backup::{self, BackupRun, Found, Kind, Label, Missing, Move, Quota, Shot, Snapshot, Source, Stored, Taken, What},
    failure::Failure,
    id::{ComponentName, KmsKeyId, Region},
    plan::BackupCopy,
    step::Step,
};
use edge::{
    aws, clock,
    postgres::{Postgres, Server},
    rds::{Asked, Rds},
    shelf::Bucket,
};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let world = World { postgres: Postgres::from_env(bucket).await.map_err(|failure| failure.chain())? };
    edge::serve(|event| handle(&world, event)).await
}

/// Of what, and for which backup.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    backup: BackupRun,
    component: ComponentName,
}

/// Each Region's RDS, and the database.
trait Snapshots {
    fn find(&self, region: &Region, kind: Kind, name: &str) -> impl Future<Output = Found>;
    fn quota(&self, region: &Region, kind: Kind) -> impl Future<Output = Result<Quota, Failure>>;
    fn shot(&self, source: &Source<'_>) -> impl Future<Output = Result<Shot, Failure>>;
    fn take(&self, source: &Source<'_>, name: &str, label: &Label) -> impl Future<Output = Result<Asked, Failure>>;
    fn copy(
        &self,
        source: &Source<'_>,
        arn: &str,
        to: &Region,
        name: &str,
        key: Option<&KmsKeyId>,
    ) -> impl Future<Output = Result<Asked, Failure>>;
}

async fn handle(world: &impl Snapshots, event: Value) -> Result<Step<Taken>, Failure> {
    let Request { backup, component } = edge::parse(event, "Snapshot")?;
    let source = backup.source(&component)?;
    let name = backup.snapshot_name(&component);
    let found = world.find(source.region, source.kind(), &name).await;
    let next = backup::plan(&found);
    info!(plan.name = %backup.plan.plan, component.name = %component, snapshot.id = name, ?found, ?next, "planned the snapshot");
    match next {
        Move::Make => take(world, &backup, &component, &source, &name).await,
        Move::Wait(why) => Ok(Step::pending(why, &found)),
        Move::Refuse(why) => Ok(Step::refused(why, &found)),
        Move::Done(original, label) => {
            let taken = Taken {
                component: component.clone(),
                of: source.of(),
                snapshot: name.clone(),
                shot: label.shot.clone(),
                places: vec![stored(source.region, original)],
                missing: Vec::new(),
            };
            copies(world, &source, taken).await
        }
    }
}

async fn take(
    world: &impl Snapshots,
    backup: &BackupRun,
    component: &ComponentName,
    source: &Source<'_>,
    name: &str,
) -> Result<Step<Taken>, Failure> {
    if let Err(full) = backup::room(source.region, source.kind(), world.quota(source.region, source.kind()).await?) {
        return Ok(Step::refused(full, Value::Null));
    }
    let shot = world.shot(source).await?;
    let label = backup.label(component, shot);
    let of = source.of();
    let because = match world.take(source, name, &label).await? {
        Asked::Begun => format!("RDS takes `{name}` of `{of}`"),
        Asked::Busy => format!("RDS takes no snapshot of `{of}` yet: it is busy with another change"),
        Asked::NoRoom => format!("RDS has no room for a snapshot of `{of}` in {} yet", source.region),
    };
    Ok(Step::pending(because, &label.shot))
}

/// Copies side by side: what one Region cannot take must not keep another from it.
async fn copies(world: &impl Snapshots, source: &Source<'_>, mut taken: Taken) -> Result<Step<Taken>, Failure> {
    let (arn, name) = (taken.places[0].arn.clone(), taken.snapshot.clone());
    let turns = source.destinations().map(|copy| copied(world, source, &arn, copy, &name));
    let mut under_way = Vec::new();
    for (copy, turn) in source.destinations().zip(join_all(turns).await) {
        match turn? {
            Turn::There(place) => taken.places.push(place),
            Turn::UnderWay(why) => under_way.push(why),
            Turn::Never(because) => taken.missing.push(Missing { region: copy.region.clone(), because }),
        }
    }
    if !under_way.is_empty() {
        return Ok(Step::under_way(under_way.join("; "), Value::Null, taken));
    }
    let because = match taken.missing.as_slice() {
        [] => format!("`{name}` is in {}", names(taken.places.iter().map(|place| &place.region))),
        missing => missing.iter().map(|missing| missing.because.as_str()).collect::<Vec<_>>().join("; "),
    };
    Ok(Step::done(because, Value::Null, taken))
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
    source: &Source<'_>,
    arn: &str,
    copy: &BackupCopy,
    name: &str,
) -> Result<Turn, Failure> {
    let region = &copy.region;
    let found = world.find(region, source.kind(), name).await;
    let next = backup::plan(&found);
    info!(region = %region, snapshot.id = name, ?found, ?next, "planned the copy");
    match next {
        Move::Done(copy, _) => Ok(Turn::There(stored(region, copy))),
        Move::Wait(why) => Ok(Turn::UnderWay(why)),
        Move::Refuse(why) => Ok(Turn::Never(why)),
        Move::Make => {
            if let Err(full) = backup::room(region, source.kind(), world.quota(region, source.kind()).await?) {
                return Ok(Turn::Never(full));
            }
            Ok(match world.copy(source, arn, region, name, copy.kms_key.as_ref()).await {
                Ok(Asked::Begun) => Turn::UnderWay(format!("{region}: the copy was asked for")),
                // Of the twenty copies that may run at once into a Region.
                Ok(Asked::NoRoom) => Turn::UnderWay(format!("{region}: RDS makes no further copy yet")),
                Ok(Asked::Busy) => Turn::UnderWay(format!("{region}: RDS does not copy `{name}` yet")),
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

struct World {
    postgres: Postgres,
}

impl World {
    async fn rds(region: &Region) -> Rds {
        Rds::far(region, REGION_PATIENCE).await
    }
}

impl Snapshots for World {
    async fn find(&self, region: &Region, kind: Kind, name: &str) -> Found {
        Self::rds(region).await.find(kind, name).await
    }

    async fn quota(&self, region: &Region, kind: Kind) -> Result<Quota, Failure> {
        Self::rds(region).await.snapshot_quota(kind).await
    }

    async fn shot(&self, source: &Source<'_>) -> Result<Shot, Failure> {
        match source.what {
            What::Side { pair, side } => {
                let server = Server { side, database: &pair.database, login: &pair.login };
                self.postgres.ready(&server).await?;
                self.postgres.shot(&server, DATABASE_PATIENCE).await
            }
            What::Cluster { cluster, id } => {
                Self::rds(source.region).await.cluster(id).await?.shot(cluster, clock::now())
            }
        }
    }

    async fn take(&self, source: &Source<'_>, name: &str, label: &Label) -> Result<Asked, Failure> {
        let rds = Self::rds(source.region).await;
        match source.what {
            What::Side { side, .. } => rds.take_snapshot(&side.instance, name, &label.tags()).await,
            What::Cluster { id, .. } => rds.take_cluster_snapshot(id, name, &label.tags()).await,
        }
    }

    async fn copy(
        &self,
        source: &Source<'_>,
        arn: &str,
        to: &Region,
        name: &str,
        key: Option<&KmsKeyId>,
    ) -> Result<Asked, Failure> {
        let rds = Self::rds(to).await;
        match source.what {
            What::Side { .. } => rds.copy_snapshot(arn, name, key).await,
            What::Cluster { .. } => rds.copy_cluster_snapshot(arn, name, key).await,
        }
    }
}

#[cfg(test)]
mod tests;
