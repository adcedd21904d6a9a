//! Instances and snapshots as the API's answers show them.

mod clusters;

use jiff::Timestamp;

use crate::api::xml::Xml;
use crate::resources::instance::{Configuration, Instance, Pending, Stream};
use crate::resources::inventory::Inventory;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::replicated::Replicated;
use crate::resources::snapshot::Snapshot;
use crate::resources::tags::Tags;
use crate::resources::window::Window;
use crate::service::Service;

pub(crate) use clusters::{cluster, cluster_snapshot};

/// The answers' namespace.
pub(crate) const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// A `DBInstance` element.
pub(crate) fn instance(xml: &mut Xml, service: &Service, inventory: &Inventory, instance: &Instance) {
    let Instance { name, origin, traits, .. } = instance;
    xml.element("DBInstance", |xml| {
        xml.text("DBInstanceIdentifier", &name.id)
            .text("DBInstanceClass", &traits.class)
            .text("Engine", "postgres")
            .text("EngineVersion", &service.installation.version)
            .text("DBInstanceStatus", instance.shown())
            .text("MasterUsername", &origin.master_username)
            .optional("DBName", origin.database.as_ref())
            .text("AllocatedStorage", origin.storage_gib)
            .text("BackupRetentionPeriod", traits.retention_days)
            .text("PreferredBackupWindow", &traits.backup_window)
            .text("AvailabilityZone", &traits.zone)
            .text("MultiAZ", traits.multi_az)
            .text("DeletionProtection", traits.deletion_protection)
            .text("CopyTagsToSnapshot", traits.copies_tags)
            .text("PubliclyAccessible", false)
            .text("AutoMinorVersionUpgrade", false)
            .text("IAMDatabaseAuthenticationEnabled", traits.iam_logins)
            .text("StorageEncrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("DbiResourceId", &origin.resource_id)
            .text("DBInstanceArn", name.arn(&service.account, ResourceKind::Instance))
            .optional("InstanceCreateTime", instance.created.map(moment))
            .optional("LatestRestorableTime", instance.restorable_to.map(moment));
        // As on AWS, there is no endpoint before the first start.
        if instance.created.is_some() {
            xml.element("Endpoint", |xml| {
                xml.text("Address", &instance.server.host_name).text("Port", origin.port);
            });
        }
        xml.element("VpcSecurityGroups", |xml| {
            for (group, status) in instance.shown_groups() {
                xml.element("VpcSecurityGroupMembership", |xml| {
                    xml.text("VpcSecurityGroupId", group).text("Status", status);
                });
            }
        });
        if let Some(until) = instance.server.certified_until() {
            xml.element("CertificateDetails", |xml| {
                xml.text("CAIdentifier", "lifeboat-lab").text("ValidTill", moment(until));
            });
        }
        configuration(xml, &traits.configuration, &instance.pending);
        xml.element("PendingModifiedValues", |xml| pending(xml, &instance.pending));
        replication(xml, service, inventory, instance);
        replications(xml, service, inventory, name);
        tags(xml, &instance.tags);
    });
}

fn configuration(xml: &mut Xml, groups: &Configuration, pending: &Pending) {
    xml.element("DBSubnetGroup", |xml| {
        xml.text("DBSubnetGroupName", &groups.subnet_group);
    });
    xml.element("DBParameterGroups", |xml| {
        xml.element("DBParameterGroup", |xml| {
            xml.text("DBParameterGroupName", &groups.parameter_group)
                .text("ParameterApplyStatus", if pending.parameters { "pending-reboot" } else { "in-sync" });
        });
    });
    xml.element("OptionGroupMemberships", |xml| {
        xml.element("OptionGroupMembership", |xml| {
            xml.text("OptionGroupName", &groups.option_group).text("Status", "in-sync");
        });
    });
}

fn pending(xml: &mut Xml, pending: &Pending) {
    xml.optional("DBInstanceClass", pending.class.as_ref())
        .optional("MultiAZ", pending.multi_az)
        .optional("BackupRetentionPeriod", pending.retention_days)
        .optional("MasterUserPassword", pending.password.as_ref().map(|_| "****"));
}

fn replication(xml: &mut Xml, service: &Service, inventory: &Inventory, instance: &Instance) {
    // An instance of the same Region is named by its identifier, another by its ARN.
    let seen_from_here = |other: &Name| {
        if other.region == instance.name.region {
            other.id.clone()
        } else {
            other.arn(&service.account, ResourceKind::Instance)
        }
    };
    xml.element("ReadReplicaDBInstanceIdentifiers", |xml| {
        for replica in inventory.replicas_of(&instance.name) {
            xml.text("ReadReplicaDBInstanceIdentifier", seen_from_here(&replica.name));
        }
    });
    let Some(source) = &instance.source else { return };
    xml.text("ReadReplicaSourceDBInstanceIdentifier", seen_from_here(source));
    let status = match instance.stream {
        _ if !inventory.instances.contains_key(source) => "terminated",
        Stream::Unseen => return,
        Stream::Replicating => "replicating",
        Stream::Broken => "error",
    };
    xml.element("StatusInfos", |xml| {
        xml.element("DBInstanceStatusInfo", |xml| {
            xml.text("StatusType", "read replication").text("Normal", status == "replicating").text("Status", status);
        });
    });
}

/// A `DBSnapshot` element.
pub(crate) fn snapshot(xml: &mut Xml, service: &Service, snapshot: &Snapshot) {
    let Snapshot { name, origin, .. } = snapshot;
    let elsewhere = snapshot.copied_from.as_ref().filter(|source| source.region != name.region);
    xml.element("DBSnapshot", |xml| {
        xml.text("DBSnapshotIdentifier", &name.id)
            .text("DBInstanceIdentifier", &snapshot.instance)
            .text("SnapshotCreateTime", moment(snapshot.created))
            .text("OriginalSnapshotCreateTime", moment(snapshot.first_created))
            .optional("InstanceCreateTime", snapshot.instance_created.map(moment))
            .text("Engine", "postgres")
            .text("EngineVersion", &service.installation.version)
            .text("AllocatedStorage", origin.storage_gib)
            .text("Status", snapshot.status.word())
            .text("Port", origin.port)
            .text("AvailabilityZone", &snapshot.zone)
            .text("MasterUsername", &origin.master_username)
            .text("SnapshotType", snapshot.kind.word())
            .text("PercentProgress", snapshot.percent())
            .optional("SourceRegion", elsewhere.map(|source| &source.region))
            .optional(
                "SourceDBSnapshotIdentifier",
                snapshot.copied_from.as_ref().map(|source| source.arn(&service.account, ResourceKind::Snapshot)),
            )
            .text("Encrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("IAMDatabaseAuthenticationEnabled", false)
            .text("DbiResourceId", &origin.resource_id)
            .text("DBSnapshotArn", name.arn(&service.account, ResourceKind::Snapshot));
        tags(xml, &snapshot.tags);
    });
}

/// A `DBInstanceAutomatedBackup` element. As on AWS, it is `creating` until the first base backup is complete.
pub(crate) fn automated_backup(xml: &mut Xml, service: &Service, inventory: &Inventory, instance: &Instance) {
    let Instance { name, origin, traits, .. } = instance;
    let window = Window::of(inventory, instance);
    xml.element("DBInstanceAutomatedBackup", |xml| {
        xml.text("DBInstanceIdentifier", &name.id)
            .text("DbiResourceId", &origin.resource_id)
            .text("DBInstanceArn", name.arn(&service.account, ResourceKind::Instance))
            .text("Region", &name.region)
            .text("Status", if window.is_some() { "active" } else { "creating" })
            .text("BackupRetentionPeriod", traits.retention_days)
            .text("PreferredBackupWindow", &traits.backup_window)
            .text("Engine", "postgres")
            .text("EngineVersion", &service.installation.version)
            .text("AllocatedStorage", origin.storage_gib)
            .text("Port", origin.port)
            .text("AvailabilityZone", &traits.zone)
            .text("MasterUsername", &origin.master_username)
            .text("OptionGroupName", &traits.configuration.option_group)
            .text("Encrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("IAMDatabaseAuthenticationEnabled", traits.iam_logins)
            .optional("InstanceCreateTime", instance.created.map(moment));
        restore_window(xml, window.as_ref());
        replications(xml, service, inventory, name);
    });
}

/// The same of what another Region has of an instance's.
pub(crate) fn replicated_backup(xml: &mut Xml, service: &Service, replicated: &Replicated) {
    let Replicated { name, source, origin, traits, .. } = replicated;
    xml.element("DBInstanceAutomatedBackup", |xml| {
        xml.text("DBInstanceIdentifier", &source.id)
            .text("DbiResourceId", &origin.resource_id)
            .text("DBInstanceArn", source.arn(&service.account, ResourceKind::Instance))
            .text("DBInstanceAutomatedBackupsArn", name.arn(&service.account, ResourceKind::AutomatedBackup))
            .text("Region", &source.region)
            .text("Status", replicated.status())
            .text("BackupRetentionPeriod", replicated.retention_days)
            .text("PreferredBackupWindow", &traits.backup_window)
            .text("Engine", "postgres")
            .text("EngineVersion", &service.installation.version)
            .text("AllocatedStorage", origin.storage_gib)
            .text("Port", origin.port)
            .text("MasterUsername", &origin.master_username)
            .text("OptionGroupName", &traits.configuration.option_group)
            .text("Encrypted", origin.key.is_some())
            .optional("KmsKeyId", origin.key.as_ref())
            .text("IAMDatabaseAuthenticationEnabled", traits.iam_logins)
            .optional("InstanceCreateTime", replicated.source_created.map(moment));
        restore_window(xml, Window::replicated(replicated).as_ref());
        tags(xml, &replicated.tags);
    });
}

fn restore_window(xml: &mut Xml, window: Option<&Window<'_>>) {
    let Some(window) = window else { return };
    xml.element("RestoreWindow", |xml| {
        xml.text("EarliestTime", moment(window.earliest)).text("LatestTime", moment(window.latest));
    });
}

/// Where an instance's automated backups are replicated to.
fn replications(xml: &mut Xml, service: &Service, inventory: &Inventory, source: &Name) {
    let Some(to) = inventory.replicated_to(source) else { return };
    xml.element("DBInstanceAutomatedBackupsReplications", |xml| {
        xml.element("DBInstanceAutomatedBackupsReplication", |xml| {
            xml.text("DBInstanceAutomatedBackupsArn", to.arn(&service.account, ResourceKind::AutomatedBackup));
        });
    });
}

/// A `TagList` element.
pub(crate) fn tags(xml: &mut Xml, tags: &Tags) {
    xml.element("TagList", |xml| {
        for (key, value) in tags {
            xml.element("Tag", |xml| {
                xml.text("Key", key).text("Value", value);
            });
        }
    });
}

/// A time as RDS writes it, to the millisecond.
pub(crate) fn moment(time: Timestamp) -> String {
    format!("{time:.3}")
}
