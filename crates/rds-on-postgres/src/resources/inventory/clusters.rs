//! The part of the inventory that clusters are.

use super::Inventory;
use crate::fault::{Code, Fault};
use crate::resources::cluster::Cluster;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::snapshot::{Snapshot, SnapshotKind};

impl Inventory {
    pub(crate) fn cluster(&self, name: &Name) -> Result<&Cluster, Fault> {
        self.clusters.get(name).ok_or_else(|| ResourceKind::Cluster.not_found(&name.id))
    }

    pub(crate) fn cluster_mut(&mut self, name: &Name) -> Result<&mut Cluster, Fault> {
        self.clusters.get_mut(name).ok_or_else(|| ResourceKind::Cluster.not_found(&name.id))
    }

    pub(crate) fn cluster_snapshot(&self, name: &Name) -> Result<&Snapshot, Fault> {
        self.cluster_snapshots.get(name).ok_or_else(|| ResourceKind::ClusterSnapshot.not_found(&name.id))
    }

    /// How many cluster snapshots a Region has that callers asked for.
    pub(crate) fn manual_cluster_snapshots(&self, region: &str) -> usize {
        let counts = |snapshot: &&Snapshot| snapshot.kind == SnapshotKind::Manual && snapshot.name.region == region;
        self.cluster_snapshots.values().filter(counts).count()
    }

    /// Refuses a cluster whose identifier is taken.
    pub(crate) fn admits_cluster(&self, name: &Name) -> Result<(), Fault> {
        if self.clusters.contains_key(name) {
            return Err(Fault::new(Code::DbClusterAlreadyExists, format!("DB cluster {} already exists.", name.id)));
        }
        Ok(())
    }

    /// Refuses a snapshot whose identifier is taken, and one more than a Region may have.
    pub(crate) fn admits_cluster_snapshot(&self, name: &Name) -> Result<(), Fault> {
        if self.cluster_snapshots.contains_key(name) {
            return Err(Fault::new(
                Code::DbClusterSnapshotAlreadyExists,
                format!(
                    "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
                    name.id
                ),
            ));
        }
        if self.manual_cluster_snapshots(&name.region) >= self.cluster_snapshot_quota {
            return Err(Fault::new(
                Code::SnapshotQuotaExceeded,
                format!("Cannot create more than {} manual cluster snapshots.", self.cluster_snapshot_quota),
            ));
        }
        Ok(())
    }
}
