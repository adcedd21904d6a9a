//! `DeleteDBInstance`: the server and its automated backups go, the callers' snapshots stay.

use std::sync::Arc;

use super::{Call, replication, snapshots};
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::postgres::error::PostgresError;
use crate::postgres::server::Server;
use crate::resources::instance::Status;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::tags::Tags;
use crate::service::Service;
use crate::work::WorkKind;

pub(super) fn delete_instance(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "DBInstanceIdentifier",
        "DeleteAutomatedBackups",
        "FinalDBSnapshotIdentifier",
        "SkipFinalSnapshot",
    ])?;
    let name = call.instance("DBInstanceIdentifier")?;
    if !query.boolean("DeleteAutomatedBackups")?.unwrap_or(true) {
        return Err(Fault::combination("The lab does not retain automated backups of a deleted DB instance."));
    }
    let last = final_snapshot(call)?;
    let server = {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance(&name)?;
        if instance.traits.deletion_protection {
            return Err(Fault::combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again.",
            ));
        }
        match last {
            Some(_) => instance.must_be(&[Status::Available])?,
            None => instance.must_be(&[Status::Available, Status::Stopped, Status::Failed])?,
        }
        if last.is_some() && instance.source.is_some() {
            return Err(Fault::combination("A final snapshot cannot be taken of a read replica."));
        }
        if let Some(last) = &last {
            snapshots::begin_manual(call.service, &mut inventory, &name, last, Tags::new())?;
        }
        let instance = inventory.instance_mut(&name)?;
        instance.status = Status::Deleting;
        Arc::clone(&instance.server)
    };
    let (service, deleted) = (Arc::clone(call.service), name.clone());
    call.service.carry_out(&name, async move {
        if let Some(last) = last {
            snapshots::take(&service, &last, &server).await?;
        }
        remove(&service, &deleted, &server).await
    });
    call.show_instance(&name)
}

/// The snapshot to be taken before, which must be named unless it is declined.
fn final_snapshot(call: &Call<'_>) -> Result<Option<Name>, Fault> {
    let skip = call.query.boolean("SkipFinalSnapshot")?.unwrap_or(false);
    match (skip, call.query.optional("FinalDBSnapshotIdentifier")) {
        (true, None) => Ok(None),
        (false, Some(_)) => call.new_name(ResourceKind::Snapshot, "FinalDBSnapshotIdentifier").map(Some),
        (false, None) => {
            Err(Fault::combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."))
        }
        (true, Some(_)) => Err(Fault::combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with SkipFinalSnapshot.",
        )),
    }
}

async fn remove(service: &Arc<Service>, name: &Name, server: &Server) -> Result<(), PostgresError> {
    service.works.timed(WorkKind::Stop, name, server.stop()).await?;
    let (resource_id, source, orphans) = {
        let mut inventory = service.inventory();
        let Some(instance) = inventory.instances.remove(name) else { return Ok(()) };
        // What another Region has stays there.
        for replicated in inventory.replicated.values_mut().filter(|replicated| replicated.source == *name) {
            replicated.is_fed = false;
        }
        service.announce_hosts(&inventory);
        let orphans: Vec<Name> = inventory
            .replicas_of(name)
            .filter(|replica| promotes_itself(replica, name))
            .map(|r| r.name.clone())
            .collect();
        for orphan in &orphans {
            inventory.set_status(orphan, Status::Modifying);
        }
        (instance.origin.resource_id, instance.source, orphans)
    };
    snapshots::forget_automated(service, &resource_id);
    for orphan in orphans {
        replication::begin_promotion(service, &orphan);
    }
    if let Some(source) = source {
        service.release_slots(&source).await;
    }
    service.discard(server.folder.clone()).await;
    Ok(())
}

/// RDS promotes the replicas of a deleted source in its own Region; those in other Regions stay
/// replicas whose stream has ended, until somebody promotes them.
fn promotes_itself(replica: &crate::resources::instance::Instance, source: &Name) -> bool {
    replica.name.region == source.region && matches!(replica.status, Status::Available | Status::BackingUp)
}
