//! `CreateDBSnapshot`, `DeleteDBSnapshot`, and the service's own base backups.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::error;

use super::{Call, warn_of};
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::error::PostgresError;
use crate::postgres::server::Server;
use crate::resources::instance::{Instance, Status};
use crate::resources::inventory::Inventory;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::snapshot::{Snapshot, SnapshotKind, SnapshotStatus};
use crate::resources::tags::Tags;
use crate::service::Service;
use crate::work::WorkKind;

pub(super) fn create(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["DBInstanceIdentifier", "DBSnapshotIdentifier", "Tags"])?;
    let name = call.new_name(ResourceKind::Snapshot, "DBSnapshotIdentifier")?;
    let instance_name = call.instance("DBInstanceIdentifier")?;
    let server = {
        let mut inventory = call.service.inventory();
        inventory.admits_snapshot(&name)?;
        let instance = inventory.instance_mut(&instance_name)?;
        instance.must_be(&[Status::Available])?;
        instance.status = Status::BackingUp;
        begin_manual(call.service, &mut inventory, &instance_name, &name, query.tags()?)?
    };
    let (service, snapshot) = (Arc::clone(call.service), name.clone());
    call.service.in_background(async move {
        if let Err(error) = take(&service, &snapshot, &server).await {
            warn_of(&instance_name, "could not take the snapshot", &error);
        }
        back_to_available(&service, &instance_name);
    });
    call.show_snapshot(&name)
}

/// Enters a caller's snapshot of an instance, and answers the server to take it of.
pub(super) fn begin_manual(
    service: &Service,
    inventory: &mut Inventory,
    instance: &Name,
    name: &Name,
    asked: Tags,
) -> Result<Arc<Server>, Fault> {
    inventory.admits_snapshot(name)?;
    let instance = inventory.instance(instance)?;
    let mut tags = if instance.traits.copies_tags { instance.tags.clone() } else { Tags::new() };
    tags.extend(asked);
    let server = Arc::clone(&instance.server);
    let folder = service.snapshot_folder(name)?;
    let snapshot = Snapshot { tags, ..of_instance(instance, name.clone(), SnapshotKind::Manual, folder) };
    inventory.snapshots.insert(name.clone(), snapshot);
    Ok(server)
}

fn of_instance(instance: &Instance, name: Name, kind: SnapshotKind, folder: PathBuf) -> Snapshot {
    let now = Timestamp::now();
    Snapshot {
        name,
        kind,
        status: SnapshotStatus::Creating,
        folder,
        instance: instance.name.id.clone(),
        instance_created: instance.created,
        zone: instance.traits.zone.clone(),
        origin: instance.origin.clone(),
        created: now,
        first_created: now,
        finished: None,
        copying: None,
        copied_from: None,
        tags: Tags::new(),
    }
}

/// Takes the base backup of a snapshot that was entered.
pub(super) async fn take(service: &Service, name: &Name, server: &Server) -> Result<(), PostgresError> {
    let Some(folder) = folder_of(service, name) else { return Ok(()) };
    let log = folder.with_extension("log");
    let backup = service.installation.base_backup(server.at(), &folder, None, &log);
    let taken = service.works.timed(WorkKind::BaseBackup, name, backup).await;
    finish(service, name, taken.is_ok());
    taken
}

fn folder_of(service: &Service, name: &Name) -> Option<PathBuf> {
    service.inventory().snapshots.get(name).map(|snapshot| snapshot.folder.clone())
}

/// Enters how a snapshot or a copy ended.
pub(super) fn finish(service: &Service, name: &Name, complete: bool) {
    if let Some(snapshot) = service.inventory().snapshots.get_mut(name) {
        snapshot.end(complete);
    }
}

/// A promotion may have begun during the backup; then the status is its own.
fn back_to_available(service: &Service, name: &Name) {
    if let Ok(instance) = service.inventory().instance_mut(name)
        && instance.status == Status::BackingUp
    {
        instance.status = Status::Available;
    }
}

/// Takes the base from which points in time are restored, if the instance keeps any. Without one
/// the instance still serves, so a failure is only told.
pub(super) async fn back_up_or_warn(service: &Service, instance: &Name) {
    let entered = {
        let mut inventory = service.inventory();
        let Ok(instance) = inventory.instance_mut(instance) else { return };
        if !instance.is_backed_up() {
            return;
        }
        instance.status = Status::BackingUp;
        let name = instance.name.clone();
        enter_automated(service, &mut inventory, &name)
    };
    let (base, server) = match entered {
        Ok(entered) => entered,
        Err(fault) => return error!(instance.id = %instance, %fault, "could not enter an automated backup"),
    };
    match take(service, &base, &server).await {
        Err(error) => warn_of(instance, "could not take the automated backup", &error),
        Ok(()) => begin_window(&mut service.inventory(), instance, &base),
    }
}

/// The first base itself is the first point in time.
fn begin_window(inventory: &mut Inventory, instance: &Name, base: &Name) {
    let finished = inventory.snapshots.get(base).and_then(|base| base.finished);
    if let Ok(instance) = inventory.instance_mut(instance) {
        instance.restorable_to = instance.restorable_to.or(finished);
    }
}

fn enter_automated(
    service: &Service,
    inventory: &mut Inventory,
    instance: &Name,
) -> Result<(Name, Arc<Server>), Fault> {
    let instance = inventory.instance(instance)?;
    let minute = Timestamp::now().strftime("%Y-%m-%d-%H-%M").to_string();
    let base = format!("rds:{}-{minute}", instance.name.id);
    // RDS makes one a day; here two may fall into one minute.
    let free = (1..=60)
        .map(|n| Name::new(&instance.name.region, &if n == 1 { base.clone() } else { format!("{base}-{n}") }))
        .find(|name| !inventory.snapshots.contains_key(name))
        .ok_or_else(|| Fault::new(Code::InternalFailure, "Too many automated backups in one minute."))?;
    let server = Arc::clone(&instance.server);
    let folder = service.snapshot_folder(&free)?;
    let snapshot = of_instance(instance, free.clone(), SnapshotKind::Automated, folder);
    inventory.snapshots.insert(free.clone(), snapshot);
    Ok((free, server))
}

/// Removes the instance's automated backups.
pub(super) fn forget_automated(service: &Arc<Service>, resource_id: &str) {
    let mut inventory = service.inventory();
    let gone = inventory.snapshots.extract_if(.., |_, snapshot| {
        snapshot.kind == SnapshotKind::Automated && snapshot.origin.resource_id == resource_id
    });
    let gone: Vec<Snapshot> = gone.map(|(_, snapshot)| snapshot).collect();
    for snapshot in gone {
        inventory.break_off_copies(|source| *source == snapshot.name);
        discard(service, snapshot.folder);
    }
}

/// Removes a snapshot's files.
pub(super) fn discard(service: &Arc<Service>, folder: PathBuf) {
    let working = Arc::clone(service);
    service.in_background(async move {
        working.discard(folder.with_extension("log")).await;
        working.discard(folder).await;
    });
}

/// Refuses a snapshot that is not complete.
pub(super) fn must_be_available(snapshot: &Snapshot) -> Result<(), Fault> {
    if snapshot.status == SnapshotStatus::Available {
        return Ok(());
    }
    Err(Fault::new(
        Code::InvalidDbSnapshotState,
        format!("The snapshot {} is not available: it is {}.", snapshot.name.id, snapshot.status.word()),
    ))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBSnapshotIdentifier"])?;
    let name = call.here(ResourceKind::Snapshot, call.query.required("DBSnapshotIdentifier")?)?;
    let shown = call.show_snapshot(&name)?;
    let mut inventory = call.service.inventory();
    let snapshot = inventory.snapshot(&name)?;
    if snapshot.kind == SnapshotKind::Automated {
        return Err(Fault::new(
            Code::InvalidDbSnapshotState,
            format!("The snapshot {} is automated and goes with its DB instance.", name.id),
        ));
    }
    if snapshot.status == SnapshotStatus::Creating {
        must_be_available(snapshot)?;
    }
    let folder = snapshot.folder.clone();
    inventory.snapshots.remove(&name);
    inventory.break_off_copies(|source| *source == name);
    discard(call.service, folder);
    Ok(shown)
}
