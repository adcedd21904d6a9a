//! Clusters and their snapshots as the API's answers show them.

use super::{moment, tags};
use crate::api::xml::Xml;
use crate::resources::cluster::{Cluster, ENGINE};
use crate::resources::name::ResourceKind;
use crate::resources::snapshot::Snapshot;
use crate::service::Service;

/// A `DBCluster` element.
pub(crate) fn cluster(xml: &mut Xml, service: &Service, cluster: &Cluster) {
    let Cluster { name, origin, .. } = cluster;
    xml.element("DBCluster", |xml| {
        xml.text("DBClusterIdentifier", &name.id)
            .text("Engine", ENGINE)
            .text("EngineVersion", &service.installation.version)
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
            .text("DBClusterArn", name.arn(&service.account, ResourceKind::Cluster))
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
pub(crate) fn cluster_snapshot(xml: &mut Xml, service: &Service, snapshot: &Snapshot) {
    let Snapshot { name, origin, .. } = snapshot;
    let source =
        snapshot.copied_from.as_ref().map(|source| source.arn(&service.account, ResourceKind::ClusterSnapshot));
    xml.element("DBClusterSnapshot", |xml| {
        xml.text("DBClusterSnapshotIdentifier", &name.id)
            .text("DBClusterIdentifier", &snapshot.instance)
            .text("SnapshotCreateTime", moment(snapshot.created))
            .optional("ClusterCreateTime", snapshot.instance_created.map(moment))
            .text("Engine", ENGINE)
            .text("EngineVersion", &service.installation.version)
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
            .text("DBClusterSnapshotArn", name.arn(&service.account, ResourceKind::ClusterSnapshot));
        tags(xml, &snapshot.tags);
    });
}
