//! What a plan protects: a room for each kind of component.
//!
//! All that is particular to a kind is in its room: what the plan says of one, what may be wrong with that, and what can
//! be done with it. Everything else asks a component's [`Kind`] and never matches on what a component is: the one match is
//! [`Component::kind`], beside that of [`SnapshotKind`], whose rows are in the rooms too. CONTRIBUTING.md, "Adding a kind of component", lists what else a kind touches.

mod active_side;
mod bucket;
mod cluster;
mod complaint;
mod database;
mod login;
mod postgres_pair;
mod service;
mod snapshot;

#[cfg(test)]
mod tests;

use crate::words::id::{ComponentName, InstanceId, Region, TierName};

pub use active_side::{ActiveSide, ActiveSides};
pub use bucket::{Bucket, Change, Lifecycle, LifecycleRule, Named, ReplicationRule, SeenBucket, Setting, Stage, Store};
pub use cluster::{Cluster, ClusterEngine, SeenCluster};
pub use complaint::Complaint;
pub use database::SeenDatabase;
pub use login::{Credential, Login, Tls};
pub(crate) use postgres_pair::STORAGE_GIB;
pub use postgres_pair::{AfterPromotion, NextSide, PostgresPair, RestoreSettings, Side, StorageType};
pub use service::Service;
pub use snapshot::{Resource, SnapshotStorage};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use snapshot::Snapshots;

/// One thing the plan protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a plan has at most 40 of them")]
pub enum Component {
    /// A PostgreSQL primary on RDS and its read replica in the recovery Region.
    PostgresPair(PostgresPair),
    /// A cluster of Aurora, DocumentDB or Neptune. It is backed up; a failover does not move it.
    Cluster(Cluster),
    /// A bucket of S3. S3 replicates it; nothing of it is backed up.
    Bucket(Bucket),
    /// A service that is promised and checked. Nothing of it is kept or moved.
    Service(Service),
}

/// The kinds that came after the first version of the plan language, each with the version that brought it.
pub(crate) const SINCE: &[(&str, u32)] = &[("bucket", 4), ("service", 4)];

impl Component {
    /// What its kind answers.
    #[must_use]
    pub fn kind(&self) -> &dyn Kind {
        match self {
            Self::PostgresPair(pair) => pair,
            Self::Cluster(cluster) => cluster,
            Self::Bucket(bucket) => bucket,
            Self::Service(service) => service,
        }
    }

    /// The component's name.
    #[must_use]
    pub fn name(&self) -> &ComponentName {
        self.kind().name()
    }
}

/// A kind of snapshots: a service lists, counts and deletes those of one kind apart from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotKind {
    /// RDS's, of a DB instance.
    Instance,
    /// RDS's, of a cluster: Aurora, DocumentDB or Neptune.
    Cluster,
}

impl SnapshotKind {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Instance, Self::Cluster];

    /// What is particular to it, from the room of what its snapshots are of.
    fn particulars(self) -> &'static Snapshots {
        match self {
            Self::Instance => &postgres_pair::SNAPSHOTS,
            Self::Cluster => &cluster::SNAPSHOTS,
        }
    }
}

impl From<PostgresPair> for Component {
    fn from(pair: PostgresPair) -> Self {
        Self::PostgresPair(pair)
    }
}

/// What every kind of component is asked. What one cannot do, it need not answer.
pub trait Kind {
    /// The component's name.
    fn name(&self) -> &ComponentName;

    /// The tier whose promises it shares; without one, the plan's own objectives are its.
    fn tier(&self) -> Option<&TierName>;

    /// What one of this kind is called in a sentence, as in "`reports` is a cluster".
    fn noun(&self) -> &'static str;

    /// What it runs, where that differs within its kind.
    fn engine(&self) -> Option<&'static str> {
        None
    }

    /// What is wrong with it by itself, without regard to the rest of its plan.
    fn check(&self, regions: SideRegions<'_>) -> Vec<Complaint> {
        let _ = regions;
        Vec::new()
    }

    /// What it is in its Regions: no two components are the same.
    fn identities(&self) -> Vec<Identity>;

    /// Of which kind its snapshots are, where schedules back one of this kind up.
    fn snapshots(&self) -> Option<SnapshotKind> {
        None
    }

    /// What is backed up of it while this side takes writes: on which side that is, and by which id its service knows it.
    fn backed_up(&self, active: ActiveSide) -> Option<(ActiveSide, &str)> {
        let _ = active;
        None
    }

    /// Whether it has data that can be lost.
    fn holds_data(&self) -> bool {
        true
    }

    /// The checks of `verify` that tell whether it works, by their names.
    fn checks(&self) -> &[String] {
        &[]
    }

    /// The bucket whose settings are looked at and set.
    fn bucket(&self) -> Option<&Bucket> {
        None
    }

    /// Why a backup of it is not copied to another Region, and what to do instead.
    fn stays_in_its_region(&self) -> Option<Complaint> {
        None
    }

    /// As what its snapshots are billed; absent where that is next to nothing.
    fn storage(&self) -> Option<SnapshotStorage> {
        None
    }

    /// Whether a backup tells how large its data was.
    fn tells_size(&self) -> bool {
        false
    }

    /// Whether its recovery side follows it all the time, so that not only backups hold its data.
    fn replicates(&self) -> bool {
        self.moves().is_some()
    }

    /// How it is logged in to.
    fn login(&self) -> Option<&Login> {
        None
    }

    /// The pair that a failover moves, where it can.
    fn moves(&self) -> Option<&PostgresPair> {
        None
    }

    /// The pair that a backup of it is restored as, where that is supported.
    fn restores(&self) -> Option<&PostgresPair> {
        None
    }

    /// The instance whose automated backups can be restored to any time that they reach to, while this side takes writes.
    fn points_in_time(&self, active: ActiveSide) -> Option<&InstanceId> {
        let _ = active;
        None
    }
}

impl dyn Kind + '_ {
    /// The pair that a backup of it is restored as.
    ///
    /// # Errors
    /// Why that is not supported.
    pub fn restored_as(&self) -> Result<&PostgresPair, String> {
        self.restores().ok_or_else(|| {
            let engine = self.engine().map(|engine| format!(" ({engine})")).unwrap_or_default();
            let (name, noun) = (self.name(), self.noun());
            format!("restoring a {noun} is not supported yet: `{name}` is one{engine}; restore its snapshot by hand")
        })
    }
}

/// The Regions of a plan's sides.
#[derive(Debug, Clone, Copy)]
pub struct SideRegions<'p> {
    /// Where it runs.
    pub primary: &'p Region,
    /// Where it recovers.
    pub recovery: &'p Region,
}

/// One of those things that a component is, and where its plan says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The field within the component, as `primary.instance`.
    pub field: &'static str,
    /// In which side's Region.
    pub side: ActiveSide,
    /// What it is, as `instance`: of each noun a Region has one by an id.
    pub noun: &'static str,
    /// Its identifier.
    pub id: String,
}
