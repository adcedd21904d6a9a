//! Which adapter talks to a component. What a component is, and of which kind a snapshot, is matched on here and nowhere else
//! outside of `domain`.

use std::time::Duration;

use domain::{
    backup::{Found, Snapshot, Source},
    component::{Component, SeenDatabase, SnapshotKind},
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};

use crate::{
    clock,
    postgres::{Postgres, Server},
    rds::{ClusterSnapshots, InstanceSnapshots, Rds},
    snapshots::SnapshotService,
};

/// The service that keeps a kind of snapshots, in a Region that may be gone: `patience` for each call.
pub async fn snapshots(kind: SnapshotKind, region: &Region, patience: Duration) -> Box<dyn SnapshotService> {
    match kind {
        SnapshotKind::Instance => Box::new(InstanceSnapshots(Rds::far(region, patience).await)),
        SnapshotKind::Cluster => Box::new(ClusterSnapshots(Rds::far(region, patience).await)),
    }
}

/// A backup's snapshot in a Region: one that does not answer is an answer too.
pub async fn find(kind: SnapshotKind, region: &Region, patience: Duration, name: &str) -> Found {
    let snapshot = snapshots(kind, region, patience).await.find(name).await;
    Found { region: region.clone(), snapshot: snapshot.map_err(|failure| failure.chain()) }
}

/// Every snapshot in a Region that is tagged as this plan's, of each kind.
///
/// # Errors
/// As AWS answers; `AwsRejected` where there are more than can be looked through: of a part nothing is concluded.
pub async fn snapshots_of(plan: &PlanName, region: &Region, patience: Duration) -> Result<Vec<Snapshot>, Failure> {
    let mut found = Vec::new();
    for kind in SnapshotKind::ALL {
        found.extend(snapshots(kind, region, patience).await.list(plan).await?);
    }
    Ok(found)
}

/// Looks at what is backed up, just before it is: a database is given `within`, a Region `patience` for each call.
///
/// # Errors
/// As the database or AWS answers.
pub async fn look(
    source: &Source<'_>,
    postgres: &Postgres,
    within: Duration,
    patience: Duration,
) -> Result<SeenDatabase, Failure> {
    match source.component {
        Component::PostgresPair(pair) => {
            let server = Server { side: source.side.of(pair), database: &pair.database, login: &pair.login };
            postgres.ready(&server).await?;
            postgres.database(&server, within).await
        }
        Component::Cluster(cluster) => {
            let seen = Rds::far(source.region, patience).await.cluster(cluster.on(source.side)).await?;
            seen.database(cluster, clock::now())
        }
        Component::Bucket(_) | Component::Service(_) => {
            let (name, noun) = (source.component.name(), source.component.kind().noun());
            Err(Failure::InvalidInput(format!("plan: `{name}` is a {noun}, which no schedule backs up")))
        }
    }
}
