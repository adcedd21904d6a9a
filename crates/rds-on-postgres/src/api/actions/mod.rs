//! The API's actions: one function each, which reads its parameters, changes the inventory at
//! once, and leaves what takes time to the background, as RDS does.

mod automated_backups;
mod cluster_snapshots;
mod clusters;
mod copies;
mod creation;
mod deletion;
mod listing;
mod modification;
mod power;
mod replication;
mod restoration;
mod snapshots;
mod tags;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::answer;
use crate::api::query::Query;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::error::{PostgresError, chain};
use crate::resources::instance::{Configuration, Status, Traits};
use crate::resources::name::{Name, ResourceKind};
use crate::service::Service;

/// One request: who is asked, for which Region, what.
pub(crate) struct Call<'c> {
    pub(crate) service: &'c Arc<Service>,
    pub(crate) region: &'c str,
    pub(crate) query: &'c Query,
    /// The KMS keys of the Region that can be used, by each of their names; `None` where that is unknown.
    pub(crate) keys: Option<&'c BTreeSet<String>>,
}

impl Call<'_> {
    /// Refuses a key that does not exist or cannot be used. AWS's own is always there. An alias stands for
    /// itself: AWS takes the key that it names when it is used first, and keeps to that.
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html>
    pub(crate) fn must_be_usable(&self, key: &str) -> Result<(), Fault> {
        let is_known =
            self.keys.is_none_or(|keys| keys.contains(key)) || key.rsplit(':').next() == Some("alias/aws/rds");
        if is_known {
            return Ok(());
        }
        let message = format!(
            "The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it in {}.",
            self.region
        );
        Err(Fault::new(Code::KmsKeyNotAccessible, message))
    }
}

/// Parameters about placement, cost and comfort. On AWS they change nothing of what the lab is
/// for, so they are accepted and have no effect.
const WITHOUT_EFFECT: [&str; 13] = [
    "AllowMajorVersionUpgrade",
    "AutoMinorVersionUpgrade",
    "CACertificateIdentifier",
    "EnablePerformanceInsights",
    "Iops",
    "LicenseModel",
    "MaxAllocatedStorage",
    "MonitoringInterval",
    "NetworkType",
    "PreferredMaintenanceWindow",
    "PubliclyAccessible",
    "StorageThroughput",
    "StorageType",
];

/// Names that an instance carries and shows, and that change nothing of its server.
const CONFIGURATION: [&str; 4] =
    ["DBParameterGroupName", "DBSubnetGroupName", "EnableIAMDatabaseAuthentication", "OptionGroupName"];

/// Does what the request asks, and answers the content of its result.
pub(crate) fn perform(call: &Call<'_>) -> Result<Xml, Fault> {
    match call.query.action()? {
        "AddTagsToResource" => tags::add(call),
        "CopyDBClusterSnapshot" => cluster_snapshots::copy(call),
        "CopyDBSnapshot" => copies::copy(call),
        "CreateDBCluster" => clusters::create(call),
        "CreateDBClusterSnapshot" => cluster_snapshots::create(call),
        "CreateDBInstance" => creation::create(call),
        "CreateDBInstanceReadReplica" => replication::create_replica(call),
        "CreateDBSnapshot" => snapshots::create(call),
        "DeleteDBClusterSnapshot" => cluster_snapshots::delete(call),
        "DeleteDBInstance" => deletion::delete_instance(call),
        "DeleteDBInstanceAutomatedBackup" => automated_backups::delete(call),
        "DeleteDBSnapshot" => snapshots::delete(call),
        "DescribeAccountAttributes" => listing::quotas(call),
        "DescribeDBClusterSnapshots" => cluster_snapshots::describe(call),
        "DescribeDBClusters" => clusters::describe(call),
        "DescribeDBInstanceAutomatedBackups" => listing::automated_backups(call),
        "DescribeDBInstances" => listing::instances(call),
        "DescribeDBSnapshots" => listing::snapshots(call),
        "ListTagsForResource" => tags::list(call),
        "ModifyDBInstance" => modification::modify(call),
        "PromoteReadReplica" => replication::promote(call),
        "RebootDBInstance" => power::reboot(call),
        "RemoveTagsFromResource" => tags::remove(call),
        "RestoreDBInstanceFromDBSnapshot" => restoration::from_snapshot(call),
        "RestoreDBInstanceToPointInTime" => restoration::to_point_in_time(call),
        "StartDBInstance" => power::start(call),
        "StartDBInstanceAutomatedBackupsReplication" => automated_backups::start(call),
        "StopDBInstance" => power::stop(call),
        "StopDBInstanceAutomatedBackupsReplication" => automated_backups::stop(call),
        action => {
            Err(Fault::new(Code::InvalidAction, format!("Could not find operation {action} for version 2014-10-31.")))
        }
    }
}

impl Call<'_> {
    /// Refuses parameters that are neither of the action's own nor served by every action that
    /// makes or changes an instance.
    fn serve(&self, own: &[&str]) -> Result<(), Fault> {
        self.query.serve_only(&[own, &CONFIGURATION, &WITHOUT_EFFECT].concat())
    }

    /// The instance that a parameter names: of this Region, by its identifier or its ARN.
    fn instance(&self, parameter: &str) -> Result<Name, Fault> {
        self.here(ResourceKind::Instance, self.query.required(parameter)?)
    }

    /// What is named, if it is of this Region; something elsewhere is not found here.
    fn here(&self, kind: ResourceKind, named: &str) -> Result<Name, Fault> {
        let name = kind.existing(self.region, &self.service.account, named)?;
        if name.region == self.region { Ok(name) } else { Err(kind.not_found(named)) }
    }

    /// A name to be given, in this Region.
    fn new_name(&self, kind: ResourceKind, parameter: &str) -> Result<Name, Fault> {
        let id = kind.new_identifier(parameter, self.query.required(parameter)?)?;
        Ok(Name::new(self.region, &id))
    }

    /// The instance as an answer shows it.
    fn show_instance(&self, name: &Name) -> Result<Xml, Fault> {
        let inventory = self.service.inventory();
        let mut xml = Xml::default();
        answer::instance(&mut xml, self.service, &inventory, inventory.instance(name)?);
        Ok(xml)
    }

    /// The snapshot as an answer shows it.
    fn show_snapshot(&self, name: &Name) -> Result<Xml, Fault> {
        let inventory = self.service.inventory();
        let mut xml = Xml::default();
        answer::snapshot(&mut xml, self.service, inventory.snapshot(name)?);
        Ok(xml)
    }

    /// The groups named in the request, if any are.
    fn groups(&self) -> Option<Vec<String>> {
        let groups = self.query.list("VpcSecurityGroupIds", "VpcSecurityGroupId");
        (!groups.is_empty()).then(|| groups.into_iter().map(ToOwned::to_owned).collect())
    }

    /// What RDS gives an instance to be made, unless told otherwise.
    fn plain_traits(&self) -> Traits {
        Traits {
            class: "db.t4g.micro".to_owned(),
            multi_az: false,
            deletion_protection: false,
            copies_tags: false,
            retention_days: 1,
            backup_window: "03:00-03:30".to_owned(),
            zone: format!("{}a", self.region),
            groups: Vec::new(),
            configuration: self.plain_configuration(),
            iam_logins: false,
        }
    }

    fn plain_configuration(&self) -> Configuration {
        Configuration::of_service(self.service.installation.major())
    }

    /// The groups of the configuration: as asked, and for the rest as in `otherwise`.
    fn configuration(&self, otherwise: Configuration) -> Configuration {
        let asked = |parameter| self.query.optional(parameter).map(ToOwned::to_owned);
        Configuration {
            subnet_group: asked("DBSubnetGroupName").unwrap_or(otherwise.subnet_group),
            parameter_group: asked("DBParameterGroupName").unwrap_or(otherwise.parameter_group),
            option_group: asked("OptionGroupName").unwrap_or(otherwise.option_group),
        }
    }

    /// The traits of an instance to be made: as asked, and for the rest as in `inherited`.
    fn traits(&self, inherited: Traits) -> Result<Traits, Fault> {
        let query = self.query;
        Ok(Traits {
            class: class(query)?.unwrap_or(inherited.class),
            multi_az: query.boolean("MultiAZ")?.unwrap_or(inherited.multi_az),
            deletion_protection: query.boolean("DeletionProtection")?.unwrap_or(false),
            copies_tags: query.boolean("CopyTagsToSnapshot")?.unwrap_or(inherited.copies_tags),
            retention_days: retention(query)?.unwrap_or(inherited.retention_days),
            backup_window: query.optional("PreferredBackupWindow").map_or(inherited.backup_window, ToOwned::to_owned),
            zone: query.optional("AvailabilityZone").map_or_else(|| format!("{}a", self.region), ToOwned::to_owned),
            groups: self.groups().unwrap_or(inherited.groups),
            configuration: self.configuration(inherited.configuration),
            // Never inherited: by default, RDS does not let IAM log anybody in.
            iam_logins: query.boolean("EnableIAMDatabaseAuthentication")?.unwrap_or(false),
        })
    }

    fn port(&self, otherwise: u16) -> Result<u16, Fault> {
        let asked = self.query.number("Port", 1150..=65535)?;
        Ok(asked.and_then(|port| u16::try_from(port).ok()).unwrap_or(otherwise))
    }
}

/// RDS keeps automated backups for 35 days at most; 0 days keeps none.
fn retention(query: &Query) -> Result<Option<u32>, Fault> {
    query.number("BackupRetentionPeriod", 0..=35)
}

fn class(query: &Query) -> Result<Option<String>, Fault> {
    match query.optional("DBInstanceClass") {
        Some(class) if !class.starts_with("db.") => {
            Err(Fault::value("DBInstanceClass", class, "a class such as db.t4g.micro"))
        }
        class => Ok(class.map(ToOwned::to_owned)),
    }
}

/// Lets a new instance serve: it takes its first base backup, if it keeps any, and is available.
async fn settle(service: &Arc<Service>, name: &Name) -> Result<(), PostgresError> {
    service.begin_serving(name);
    snapshots::back_up_or_warn(service, name).await;
    service.inventory().set_status(name, Status::Available);
    Ok(())
}

/// Logs what did not work and is not worth failing the instance for.
fn warn_of(name: &Name, what: &str, error: &PostgresError) {
    tracing::warn!(instance.id = %name, error = chain(error), "{what}");
}
