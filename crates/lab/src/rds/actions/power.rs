//! `StopDBInstance`, `StartDBInstance` and `RebootDBInstance`.

use std::sync::Arc;

use super::super::fault::Fault;
use super::super::instance::Status;
use super::super::name::Kind;
use super::super::query::Tags;
use super::super::xml::Xml;
use super::{Call, snapshots};

pub(super) fn stop(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBInstanceIdentifier", "DBSnapshotIdentifier"])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let snapshot = match call.query.optional("DBSnapshotIdentifier") {
        Some(_) => Some(call.new_name(Kind::Snapshot, "DBSnapshotIdentifier")?),
        None => None,
    };
    let server = {
        let mut inventory = call.estate.inventory();
        let instance = inventory.instance(&name)?;
        instance.must_be(&[Status::Available])?;
        if instance.source.is_some() || inventory.replicas_of(&name).next().is_some() {
            return Err(Fault::instance_state(format!(
                "DB instance {} is a read replica or has one, and cannot be stopped.",
                name.id
            )));
        }
        if let Some(snapshot) = &snapshot {
            snapshots::begin_manual(call.estate, &mut inventory, &name, snapshot, Tags::new())?;
        }
        let instance = inventory.instance_mut(&name)?;
        instance.status = Status::Stopping;
        Arc::clone(&instance.server)
    };
    let (estate, stopped) = (Arc::clone(call.estate), name.clone());
    call.estate.carry_out(&name, async move {
        if let Some(snapshot) = snapshot {
            snapshots::take(&estate, &snapshot, &server).await?;
        }
        server.stop().await?;
        estate.inventory().set_status(&stopped, Status::Stopped);
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
    if is_failover && !call.estate.inventory().instance(&name)?.traits.multi_az {
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
        let mut inventory = call.estate.inventory();
        let instance = inventory.instance_mut(&name)?;
        instance.must_be(&[from])?;
        instance.status = through;
        Arc::clone(&instance.server)
    };
    let (estate, revived) = (Arc::clone(call.estate), name.clone());
    call.estate.carry_out(&name, async move {
        server.stop().await?;
        estate.revive(&revived, &server).await?;
        estate.inventory().set_status(&revived, Status::Available);
        Ok(())
    });
    call.show_instance(&name)
}
