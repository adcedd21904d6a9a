//! `DeleteDBInstance`: the server and its automated backups go, the callers' snapshots stay.

use std::sync::Arc;

use super::super::estate::Estate;
use super::super::fault::Fault;
use super::super::installation::PostgresError;
use super::super::instance::Status;
use super::super::name::{Kind, Name};
use super::super::query::Tags;
use super::super::server::Server;
use super::super::work::WorkKind;
use super::super::xml::Xml;
use super::{Call, replication, snapshots};

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
        let mut inventory = call.estate.inventory();
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
            snapshots::begin_manual(call.estate, &mut inventory, &name, last, Tags::new())?;
        }
        let instance = inventory.instance_mut(&name)?;
        instance.status = Status::Deleting;
        Arc::clone(&instance.server)
    };
    let (estate, deleted) = (Arc::clone(call.estate), name.clone());
    call.estate.carry_out(&name, async move {
        if let Some(last) = last {
            snapshots::take(&estate, &last, &server).await?;
        }
        remove(&estate, &deleted, &server).await
    });
    call.show_instance(&name)
}

/// The snapshot to be taken before, which must be named unless it is declined.
fn final_snapshot(call: &Call<'_>) -> Result<Option<Name>, Fault> {
    let skip = call.query.boolean("SkipFinalSnapshot")?.unwrap_or(false);
    match (skip, call.query.optional("FinalDBSnapshotIdentifier")) {
        (true, None) => Ok(None),
        (false, Some(_)) => call.new_name(Kind::Snapshot, "FinalDBSnapshotIdentifier").map(Some),
        (false, None) => {
            Err(Fault::combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."))
        }
        (true, Some(_)) => Err(Fault::combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with SkipFinalSnapshot.",
        )),
    }
}

async fn remove(estate: &Arc<Estate>, name: &Name, server: &Server) -> Result<(), PostgresError> {
    estate.works.timed(WorkKind::Stop, name, server.stop()).await?;
    let (resource_id, source, orphans) = {
        let mut inventory = estate.inventory();
        let Some(instance) = inventory.instances.remove(name) else { return Ok(()) };
        estate.announce_hosts(&inventory);
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
    snapshots::forget_automated(estate, &resource_id);
    for orphan in orphans {
        replication::begin_promotion(estate, &orphan);
    }
    if let Some(source) = source {
        estate.release_slots(&source).await;
    }
    estate.discard(server.folder.clone()).await;
    Ok(())
}

/// RDS promotes the replicas of a deleted source in its own Region; those in other Regions stay
/// replicas whose stream has ended, until somebody promotes them.
fn promotes_itself(replica: &super::super::instance::Instance, source: &Name) -> bool {
    replica.name.region == source.region && matches!(replica.status, Status::Available | Status::BackingUp)
}
