//! `CreateDBInstanceReadReplica` and `PromoteReadReplica`: a standby that follows the stream of its
//! source, in the same Region or another, and its life of its own.

use std::sync::Arc;
use std::time::Instant;

use tracing::info;

use super::super::estate::{Birth, Estate, new_resource_id, slot_of};
use super::super::fault::Fault;
use super::super::installation::PostgresError;
use super::super::instance::{Origin, Status, Stream, Traits};
use super::super::name::{Kind, Name};
use super::super::server::Server;
use super::super::settings::Role;
use super::super::watch;
use super::super::xml::Xml;
use super::creation::key_of_region;
use super::{Call, class, retention, settle};
use crate::manners::Manners;

const SERVED: [&str; 14] = [
    "AvailabilityZone",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DBInstanceIdentifier",
    "DeletionProtection",
    "DestinationRegion",
    "KmsKeyId",
    "MultiAZ",
    "Port",
    "PreSignedUrl",
    "SourceDBInstanceIdentifier",
    "SourceRegion",
    "Tags",
    "VpcSecurityGroupIds",
];

pub(super) fn create_replica(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    call.serve(&SERVED)?;
    let name = call.new_name(Kind::Instance, "DBInstanceIdentifier")?;
    let named = query.required("SourceDBInstanceIdentifier")?;
    let source_name = Kind::Instance.existing(call.region, &call.estate.account, named)?;
    class(query)?;
    let (source, server, slot) = {
        let mut inventory = call.estate.inventory();
        let source = inventory.instance(&source_name)?;
        source.must_be(&[Status::Available, Status::BackingUp])?;
        if !source.is_backed_up() {
            return Err(Fault::instance_state(
                "Automated backups are not enabled for this database instance. To enable automated backups, use \
                 ModifyDBInstance to set the backup retention period to a non-zero value.",
            ));
        }
        let resource_id = new_resource_id()?;
        let slot = slot_of(&resource_id);
        let source_server = Arc::clone(&source.server);
        let birth = Birth {
            name: name.clone(),
            origin: Origin {
                port: call.port(source.origin.port)?,
                key: replica_key(call, &source_name, source.origin.key.as_ref())?,
                resource_id,
                ..source.origin.clone()
            },
            traits: replica_traits(call, &source_name, &source.traits)?,
            source: Some(source_name),
            tags: query.tags()?,
            role: Role::Standby(call.estate.upstream(&source_server, slot.clone())),
        };
        (source_server, call.estate.enter(&mut inventory, birth)?, slot)
    };
    let (estate, replica) = (Arc::clone(call.estate), name.clone());
    call.estate.carry_out(&name, async move { follow(&estate, &replica, &source, &server, &slot).await });
    call.show_instance(&name)
}

/// A replica begins without backups of its own, and takes the rest from its source. Groups belong
/// to a Region, so a replica elsewhere starts with no security groups and the service's own others.
fn replica_traits(call: &Call<'_>, source: &Name, traits: &Traits) -> Result<Traits, Fault> {
    let (groups, configuration) = if source.region == call.region {
        (traits.groups.clone(), traits.configuration.clone())
    } else {
        (Vec::new(), call.plain_configuration())
    };
    call.traits(Traits { retention_days: 0, multi_az: false, groups, configuration, ..traits.clone() })
}

/// An encrypted source's replica is encrypted; in another Region, with a key of that Region.
fn replica_key(call: &Call<'_>, source: &Name, key: Option<&String>) -> Result<Option<String>, Fault> {
    match (key, key_of_region(call)?) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Fault::combination(
            "KmsKeyId is given, but the source DB instance is not encrypted; its replicas cannot be either.",
        )),
        (Some(_), Some(own)) => Ok(Some(own)),
        (Some(key), None) if source.region == call.region => {
            call.must_be_usable(key)?;
            Ok(Some(key.clone()))
        }
        (Some(_), None) => Err(Fault::combination(
            "The source DB instance is encrypted: KmsKeyId must name a KMS key of the destination Region.",
        )),
    }
}

async fn follow(
    estate: &Arc<Estate>,
    name: &Name,
    source: &Server,
    server: &Server,
    slot: &str,
) -> Result<(), PostgresError> {
    server.installation.base_backup(source.at(), &server.data(), Some(slot), &server.log()).await?;
    server.certify()?;
    server.start().await?;
    watch::await_stream(estate, name, server).await;
    settle(estate, name).await
}

pub(super) fn promote(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["BackupRetentionPeriod", "DBInstanceIdentifier", "PreferredBackupWindow"])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let retention_days = retention(query)?;
    let while_backing_up = call.estate.manners().promotes_while_backing_up();
    let promotable = if while_backing_up { &[Status::Available, Status::BackingUp][..] } else { &[Status::Available] };
    {
        let mut inventory = call.estate.inventory();
        let instance = inventory.instance_mut(&name)?;
        if instance.source.is_none() {
            return Err(Fault::instance_state(format!("DB instance {} is not a read replica.", name.id)));
        }
        instance.must_be(promotable)?;
        instance.begin(Status::Modifying, call.estate.manners().status_lag());
        // RDS turns automated backups on with the promotion, for a day unless told otherwise.
        instance.traits.retention_days = retention_days.unwrap_or(1);
        if let Some(window) = query.optional("PreferredBackupWindow") {
            window.clone_into(&mut instance.traits.backup_window);
        }
    }
    begin_promotion(call.estate, &name);
    call.show_instance(&name)
}

/// Promotes a replica that was found fit for it.
pub(super) fn begin_promotion(estate: &Arc<Estate>, name: &Name) {
    let (working, replica) = (Arc::clone(estate), name.clone());
    estate.carry_out(name, async move { end_recovery(&working, &replica).await });
}

async fn end_recovery(estate: &Arc<Estate>, name: &Name) -> Result<(), PostgresError> {
    let Some(server) = estate.server(name) else { return Ok(()) };
    let (began, manners) = (Instant::now(), estate.manners());
    if let Some(first) = manners.promotion_begins() {
        // As on AWS: the replica is restarted as one, and takes writes only then.
        tokio::time::sleep(first).await;
        estate.inventory().set_status(name, Status::Rebooting);
        let least = Instant::now() + manners.promotion_reboots();
        server.stop().await?;
        server.start().await?;
        tokio::time::sleep_until(least.into()).await;
    }
    server.promote().await?;
    info!(instance.id = %name, took.ms = began.elapsed().as_millis(), "promoted the replica");
    let source = {
        let mut inventory = estate.inventory();
        let Ok(instance) = inventory.instance_mut(name) else { return Ok(()) };
        instance.stream = Stream::Unseen;
        instance.source.take()
    };
    if let Some(source) = source {
        // The source may be dead or frozen; the replica's own life does not wait for it.
        let releasing = Arc::clone(estate);
        estate.in_background(async move { releasing.release_slots(&source).await });
    }
    if manners != Manners::Instant {
        estate.inventory().set_status(name, Status::BackingUp);
        tokio::time::sleep(manners.first_backup()).await;
    }
    settle(estate, name).await
}
