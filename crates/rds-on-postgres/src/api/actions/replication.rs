//! `CreateDBInstanceReadReplica` and `PromoteReadReplica`: a standby that follows the stream of its
//! source, in the same Region or another, until it is promoted.

use std::sync::Arc;
use std::time::Instant;

use tracing::info;

use super::creation::key_of_region;
use super::{Call, class, retention, settle};
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::postgres::error::PostgresError;
use crate::postgres::server::Server;
use crate::postgres::settings::Role;
use crate::postgres::slots::slot_of;
use crate::resources::instance::{Origin, Status, Stream, Traits};
use crate::resources::name::{Name, ResourceKind};
use crate::service::{NewInstance, Service, new_resource_id};
use crate::watch;

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
    let name = call.new_name(ResourceKind::Instance, "DBInstanceIdentifier")?;
    let named = query.required("SourceDBInstanceIdentifier")?;
    let source_name = ResourceKind::Instance.existing(call.region, &call.service.account, named)?;
    class(query)?;
    let (source, server, slot) = {
        let mut inventory = call.service.inventory();
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
        let new = NewInstance {
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
            role: Role::Standby(call.service.upstream(&source_server, slot.clone())),
        };
        (source_server, call.service.enter(&mut inventory, new)?, slot)
    };
    let (service, replica) = (Arc::clone(call.service), name.clone());
    call.service.carry_out(&name, async move { follow(&service, &replica, &source, &server, &slot).await });
    call.show_instance(&name)
}

/// A replica begins without backups of its own, and takes the rest from its source. Groups belong
/// to a Region, so a replica elsewhere starts without security groups and with the service's other groups.
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
    service: &Arc<Service>,
    name: &Name,
    source: &Server,
    server: &Server,
    slot: &str,
) -> Result<(), PostgresError> {
    server.installation.base_backup(source.at(), &server.data(), Some(slot), &server.log()).await?;
    server.certify()?;
    server.start().await?;
    watch::await_stream(service, name, server).await;
    settle(service, name).await
}

pub(super) fn promote(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["BackupRetentionPeriod", "DBInstanceIdentifier", "PreferredBackupWindow"])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let retention_days = retention(query)?;
    let timing = call.service.timing();
    // RDS promotes no replica while it is backed up.
    // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Promote.html>
    let promotable =
        if timing.promotion.is_some() { &[Status::Available][..] } else { &[Status::Available, Status::BackingUp] };
    {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance_mut(&name)?;
        if instance.source.is_none() {
            return Err(Fault::instance_state(format!("DB instance {} is not a read replica.", name.id)));
        }
        instance.must_be(promotable)?;
        instance.begin(Status::Modifying, timing.status_lag);
        // RDS turns automated backups on with the promotion, for a day unless told otherwise.
        instance.traits.retention_days = retention_days.unwrap_or(1);
        if let Some(window) = query.optional("PreferredBackupWindow") {
            window.clone_into(&mut instance.traits.backup_window);
        }
    }
    begin_promotion(call.service, &name);
    call.show_instance(&name)
}

/// Promotes a replica that was found fit for it.
pub(super) fn begin_promotion(service: &Arc<Service>, name: &Name) {
    let (working, replica) = (Arc::clone(service), name.clone());
    service.carry_out(name, async move { end_recovery(&working, &replica).await });
}

async fn end_recovery(service: &Arc<Service>, name: &Name) -> Result<(), PostgresError> {
    let Some(server) = service.server(name) else { return Ok(()) };
    let (began, timing) = (Instant::now(), service.timing().promotion);
    if let Some(timing) = timing {
        // As on AWS: the replica is restarted as one, and takes writes only then.
        tokio::time::sleep(timing.begins).await;
        service.inventory().set_status(name, Status::Rebooting);
        let least = Instant::now() + timing.reboots;
        server.stop().await?;
        server.start().await?;
        tokio::time::sleep_until(least.into()).await;
    }
    server.promote().await?;
    info!(instance.id = %name, took.ms = began.elapsed().as_millis(), "promoted the replica");
    let source = {
        let mut inventory = service.inventory();
        let Ok(instance) = inventory.instance_mut(name) else { return Ok(()) };
        instance.stream = Stream::Unseen;
        instance.source.take()
    };
    if let Some(source) = source {
        // The source may be dead or frozen; the replica's own life does not wait for it.
        let releasing = Arc::clone(service);
        service.in_background(async move { releasing.release_slots(&source).await });
    }
    if let Some(timing) = timing {
        service.inventory().set_status(name, Status::BackingUp);
        tokio::time::sleep(timing.first_backup).await;
    }
    settle(service, name).await
}
