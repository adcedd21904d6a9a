//! A DB cluster: one server behind a cluster's identifier and endpoint. On AWS it has members, which
//! are DB instances; here its writer is all of it, and no listing of instances shows it.

use std::sync::Arc;

use jiff::Timestamp;

use super::answer::{moment, tags};
use super::estate::Estate;
use super::fault::{Code, Fault};
use super::instance::{Origin, Status};
use super::inventory::Inventory;
use super::name::{Kind, Name};
use super::query::Tags;
use super::server::Server;
use super::snapshot::{Snapshot, SnapshotKind};
use super::xml::Xml;

/// The engine that the lab's PostgreSQL stands for.
pub(super) const ENGINE: &str = "aurora-postgresql";

/// A DB cluster.
pub(super) struct Cluster {
    pub(super) name: Name,
    pub(super) status: Status,
    pub(super) server: Arc<Server>,
    pub(super) origin: Origin,
    pub(super) zone: String,
    pub(super) copies_tags: bool,
    pub(super) deletion_protection: bool,
    pub(super) groups: Vec<String>,
    pub(super) tags: Tags,
    /// When it began to serve.
    pub(super) created: Option<Timestamp>,
}

impl Cluster {
    /// Refuses unless it serves and nothing is being done with it.
    pub(super) fn must_be_available(&self) -> Result<(), Fault> {
        if self.status == Status::Available {
            return Ok(());
        }
        let message = format!("DB cluster {} is not in available state: it is {}.", self.name.id, self.status);
        Err(Fault::new(Code::InvalidDbClusterState, message))
    }
}

impl Inventory {
    pub(super) fn cluster(&self, name: &Name) -> Result<&Cluster, Fault> {
        self.clusters.get(name).ok_or_else(|| Kind::Cluster.not_found(&name.id))
    }

    pub(super) fn cluster_mut(&mut self, name: &Name) -> Result<&mut Cluster, Fault> {
        self.clusters.get_mut(name).ok_or_else(|| Kind::Cluster.not_found(&name.id))
    }

    pub(super) fn cluster_snapshot(&self, name: &Name) -> Result<&Snapshot, Fault> {
        self.cluster_snapshots.get(name).ok_or_else(|| Kind::ClusterSnapshot.not_found(&name.id))
    }

    /// How many cluster snapshots a Region has that callers asked for.
    pub(super) fn manual_cluster_snapshots(&self, region: &str) -> usize {
        let counts = |snapshot: &&Snapshot| snapshot.kind == SnapshotKind::Manual && snapshot.name.region == region;
        self.cluster_snapshots.values().filter(counts).count()
    }

    /// Refuses a cluster whose identifier is taken.
    pub(super) fn admits_cluster(&self, name: &Name) -> Result<(), Fault> {
        if self.clusters.contains_key(name) {
            return Err(Fault::new(Code::DbClusterAlreadyExists, format!("DB cluster {} already exists.", name.id)));
        }
        Ok(())
    }

    /// Refuses a snapshot whose identifier is taken, and one more than a Region may have.
    pub(super) fn admits_cluster_snapshot(&self, name: &Name) -> Result<(), Fault> {
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

    /// Every server of the Regions, whatever it is behind.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        let clusters = self.clusters.values().map(|cluster| &cluster.server);
        self.instances.values().map(|instance| &instance.server).chain(clusters)
    }
}

/// A `DBCluster` element.
pub(super) fn show(xml: &mut Xml, estate: &Estate, cluster: &Cluster) {
    let Cluster { name, origin, .. } = cluster;
    xml.element("DBCluster", |xml| {
        xml.text("DBClusterIdentifier", &name.id)
            .text("Engine", ENGINE)
            .text("EngineVersion", &estate.installation.version)
            .text("EngineMode", "provisioned")
            .text("Status", cluster.status)
            .text("MasterUsername", &origin.master_username)
            .optional("DatabaseName", origin.database.as_ref())
            .text("Port", origin.port)
            .text("MultiAZ", false)
            .text("DeletionProtection", cluster.deletion_protection)
            .text("CopyTagsToSnapshot", cluster.copies_tags)
            .text("StorageEncrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("DbClusterResourceId", &origin.resource_id)
            .text("DBClusterArn", name.arn(&estate.account, Kind::Cluster))
            .optional("ClusterCreateTime", cluster.created.map(moment));
        if cluster.created.is_some() {
            xml.text("Endpoint", &cluster.server.host_name);
        }
        xml.element("VpcSecurityGroups", |xml| {
            for group in &cluster.groups {
                xml.element("VpcSecurityGroupMembership", |xml| {
                    xml.text("VpcSecurityGroupId", group).text("Status", "active");
                });
            }
        });
        tags(xml, &cluster.tags);
    });
}

/// A `DBClusterSnapshot` element. As on AWS, a copy does not show when its original was made.
pub(super) fn show_snapshot(xml: &mut Xml, estate: &Estate, snapshot: &Snapshot) {
    let Snapshot { name, origin, .. } = snapshot;
    let source = snapshot.copied_from.as_ref().map(|source| source.arn(&estate.account, Kind::ClusterSnapshot));
    xml.element("DBClusterSnapshot", |xml| {
        xml.text("DBClusterSnapshotIdentifier", &name.id)
            .text("DBClusterIdentifier", &snapshot.instance)
            .text("SnapshotCreateTime", moment(snapshot.created))
            .optional("ClusterCreateTime", snapshot.instance_created.map(moment))
            .text("Engine", ENGINE)
            .text("EngineVersion", &estate.installation.version)
            .text("EngineMode", "provisioned")
            .text("AllocatedStorage", origin.storage_gib)
            .text("Status", snapshot.status.word())
            .text("Port", origin.port)
            .text("MasterUsername", &origin.master_username)
            .text("SnapshotType", snapshot.kind.word())
            .text("PercentProgress", snapshot.percent())
            .optional("SourceDBClusterSnapshotArn", source)
            .text("StorageEncrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("IAMDatabaseAuthenticationEnabled", false)
            .text("DbClusterResourceId", &origin.resource_id)
            .text("DBClusterSnapshotArn", name.arn(&estate.account, Kind::ClusterSnapshot));
        tags(xml, &snapshot.tags);
    });
}
