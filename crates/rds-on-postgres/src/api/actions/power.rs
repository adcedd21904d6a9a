//! `StopDBInstance`, `StartDBInstance` and `RebootDBInstance`.

use std::sync::Arc;

use super::{Call, snapshots};
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::resources::instance::Status;
use crate::resources::name::ResourceKind;
use crate::resources::tags::Tags;

pub(super) fn stop(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBInstanceIdentifier", "DBSnapshotIdentifier"])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let snapshot = match call.query.optional("DBSnapshotIdentifier") {
        Some(_) => Some(call.new_name(ResourceKind::Snapshot, "DBSnapshotIdentifier")?),
        None => None,
    };
    let server = {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance(&name)?;
        instance.must_be(&[Status::Available])?;
        if instance.source.is_some() || inventory.replicas_of(&name).next().is_some() {
            return Err(Fault::instance_state(format!(
                "DB instance {} is a read replica or has one, and cannot be stopped.",
                name.id
            )));
        }
        if let Some(snapshot) = &snapshot {
            snapshots::begin_manual(call.service, &mut inventory, &name, snapshot, Tags::new())?;
        }
        let instance = inventory.instance_mut(&name)?;
        instance.status = Status::Stopping;
        Arc::clone(&instance.server)
    };
    let (service, stopped) = (Arc::clone(call.service), name.clone());
    call.service.carry_out(&name, async move {
        if let Some(snapshot) = snapshot {
            snapshots::take(&service, &snapshot, &server).await?;
        }
        server.stop().await?;
        service.inventory().set_status(&stopped, Status::Stopped);
        Ok(())
    });
    call.show_instance(&name)
}

pub(super) fn start(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBInstanceIdentifier"])?;
    revive(call, Status::Stopped, Status::Starting)
}

pub(super) fn reboot(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBInstanceIdentifier", "ForceFailover"])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let is_failover = call.query.boolean("ForceFailover")?.unwrap_or(false);
    if is_failover && !call.service.inventory().instance(&name)?.traits.multi_az {
        return Err(Fault::combination(
            "ForceFailover cannot be specified since the instance is not configured for Multi-AZ.",
        ));
    }
    revive(call, Status::Available, Status::Rebooting)
}

/// Starts the server, anew if it runs.
fn revive(call: &Call<'_>, from: Status, through: Status) -> Result<Xml, Fault> {
    let name = call.instance("DBInstanceIdentifier")?;
    let server = {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance_mut(&name)?;
        instance.must_be(&[from])?;
        instance.status = through;
        Arc::clone(&instance.server)
    };
    let (service, revived) = (Arc::clone(call.service), name.clone());
    call.service.carry_out(&name, async move {
        server.stop().await?;
        service.revive(&revived, &server).await?;
        service.inventory().set_status(&revived, Status::Available);
        Ok(())
    });
    call.show_instance(&name)
}
