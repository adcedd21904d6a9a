//! `CreateDBSnapshot`, `CopyDBSnapshot`, `DeleteDBSnapshot`, and the service's own base backups.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use tracing::error;

use super::super::estate::{Estate, chain};
use super::super::fault::{Code, Fault};
use super::super::folder;
use super::super::installation::PostgresError;
use super::super::instance::{Instance, Origin, Status};
use super::super::inventory::Inventory;
use super::super::name::{Kind, Name};
use super::super::query::Tags;
use super::super::server::Server;
use super::super::snapshot::{Snapshot, SnapshotKind, SnapshotStatus};
use super::super::xml::Xml;
use super::creation::key_of_region;
use super::{Call, warn_of};

pub(super) fn create(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["DBInstanceIdentifier", "DBSnapshotIdentifier", "Tags"])?;
    let name = call.new_name(Kind::Snapshot, "DBSnapshotIdentifier")?;
    let instance_name = call.instance("DBInstanceIdentifier")?;
    let server = {
        let mut inventory = call.estate.inventory();
        inventory.admits_snapshot(&name)?;
        let instance = inventory.instance_mut(&instance_name)?;
        instance.must_be(&[Status::Available])?;
        instance.status = Status::BackingUp;
        begin_manual(call.estate, &mut inventory, &instance_name, &name, query.tags()?)?
    };
    let (estate, snapshot) = (Arc::clone(call.estate), name.clone());
    call.estate.in_background(async move {
        if let Err(error) = take(&estate, &snapshot, &server).await {
            warn_of(&instance_name, "could not take the snapshot", &error);
        }
        back_to_available(&estate, &instance_name);
    });
    call.show_snapshot(&name)
}

/// Enters a caller's snapshot of an instance, and answers the server to take it of.
pub(super) fn begin_manual(
    estate: &Estate,
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
    let folder = estate.snapshot_folder(name)?;
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
        copied_from: None,
        tags: Tags::new(),
    }
}

/// Takes the base backup of a snapshot that was entered.
pub(super) async fn take(estate: &Estate, name: &Name, server: &Server) -> Result<(), PostgresError> {
    let Some(folder) = folder_of(estate, name) else { return Ok(()) };
    let log = folder.with_extension("log");
    let taken = estate.installation.base_backup(server.at(), &folder, None, &log).await;
    finish(estate, name, taken.is_ok());
    taken
}

fn folder_of(estate: &Estate, name: &Name) -> Option<PathBuf> {
    estate.inventory().snapshots.get(name).map(|snapshot| snapshot.folder.clone())
}

fn finish(estate: &Estate, name: &Name, complete: bool) {
    if let Some(snapshot) = estate.inventory().snapshots.get_mut(name) {
        snapshot.status = if complete { SnapshotStatus::Available } else { SnapshotStatus::Failed };
        snapshot.finished = complete.then(|| to_millisecond(Timestamp::now()));
    }
}

/// The end of the time's millisecond, since answers tell it to the millisecond: whoever restores to
/// the earliest time they were told asks for one at which the base was complete.
fn to_millisecond(time: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Ceil);
    time.round(up).unwrap_or(time)
}

/// A promotion may have begun during the backup; then the status is its own.
fn back_to_available(estate: &Estate, name: &Name) {
    if let Ok(instance) = estate.inventory().instance_mut(name)
        && instance.status == Status::BackingUp
    {
        instance.status = Status::Available;
    }
}

/// Takes the base from which points in time are restored, if the instance keeps any. Without one
/// the instance still serves, so a failure is only told.
pub(super) async fn back_up_or_warn(estate: &Estate, instance: &Name) {
    let entered = {
        let mut inventory = estate.inventory();
        let Ok(instance) = inventory.instance_mut(instance) else { return };
        if !instance.is_backed_up() {
            return;
        }
        instance.status = Status::BackingUp;
        let name = instance.name.clone();
        enter_automated(estate, &mut inventory, &name)
    };
    let (base, server) = match entered {
        Ok(entered) => entered,
        Err(fault) => return error!(instance.id = %instance, %fault, "could not enter an automated backup"),
    };
    match take(estate, &base, &server).await {
        Err(error) => warn_of(instance, "could not take the automated backup", &error),
        Ok(()) => begin_window(&mut estate.inventory(), instance, &base),
    }
}

/// The first base itself is the first point in time.
fn begin_window(inventory: &mut Inventory, instance: &Name, base: &Name) {
    let finished = inventory.snapshots.get(base).and_then(|base| base.finished);
    if let Ok(instance) = inventory.instance_mut(instance) {
        instance.restorable_to = instance.restorable_to.or(finished);
    }
}

fn enter_automated(estate: &Estate, inventory: &mut Inventory, instance: &Name) -> Result<(Name, Arc<Server>), Fault> {
    let instance = inventory.instance(instance)?;
    let minute = Timestamp::now().strftime("%Y-%m-%d-%H-%M").to_string();
    let base = format!("rds:{}-{minute}", instance.name.id);
    // RDS makes one a day; here two may fall into one minute.
    let free = (1..=60)
        .map(|n| Name::new(&instance.name.region, &if n == 1 { base.clone() } else { format!("{base}-{n}") }))
        .find(|name| !inventory.snapshots.contains_key(name))
        .ok_or_else(|| Fault::new(Code::InternalFailure, "Too many automated backups in one minute."))?;
    let server = Arc::clone(&instance.server);
    let folder = estate.snapshot_folder(&free)?;
    let snapshot = of_instance(instance, free.clone(), SnapshotKind::Automated, folder);
    inventory.snapshots.insert(free.clone(), snapshot);
    Ok((free, server))
}

/// Removes the instance's automated backups.
pub(super) fn forget_automated(estate: &Arc<Estate>, resource_id: &str) {
    let mut inventory = estate.inventory();
    let gone = inventory.snapshots.extract_if(.., |_, snapshot| {
        snapshot.kind == SnapshotKind::Automated && snapshot.origin.resource_id == resource_id
    });
    for (_, snapshot) in gone {
        discard(estate, snapshot.folder);
    }
}

fn discard(estate: &Arc<Estate>, folder: PathBuf) {
    let working = Arc::clone(estate);
    estate.in_background(async move {
        working.discard(folder.with_extension("log")).await;
        working.discard(folder).await;
    });
}

pub(super) fn copy(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "CopyTags",
        "DestinationRegion",
        "KmsKeyId",
        "OptionGroupName",
        "PreSignedUrl",
        "SourceDBSnapshotIdentifier",
        "SourceRegion",
        "Tags",
        "TargetDBSnapshotIdentifier",
    ])?;
    let name = call.new_name(Kind::Snapshot, "TargetDBSnapshotIdentifier")?;
    let named = query.required("SourceDBSnapshotIdentifier")?;
    let source_name = Kind::Snapshot.existing(call.region, &call.estate.account, named)?;
    let copies_tags = query.boolean("CopyTags")?.unwrap_or(false);
    let from = {
        let mut inventory = call.estate.inventory();
        let source = inventory.snapshot(&source_name)?;
        must_be_available(source)?;
        inventory.admits_snapshot(&name)?;
        let mut tags = if copies_tags { source.tags.clone() } else { Tags::new() };
        tags.extend(query.tags()?);
        let copy = Snapshot {
            name: name.clone(),
            kind: SnapshotKind::Manual,
            status: SnapshotStatus::Creating,
            folder: call.estate.snapshot_folder(&name)?,
            origin: Origin { key: copy_key(call, source)?, ..source.origin.clone() },
            created: Timestamp::now(),
            finished: None,
            copied_from: Some(source_name),
            tags,
            ..source.clone()
        };
        let from = source.folder.clone();
        inventory.snapshots.insert(name.clone(), copy);
        from
    };
    let (estate, snapshot) = (Arc::clone(call.estate), name.clone());
    call.estate.in_background(async move { copy_folder(&estate, &snapshot, from).await });
    call.show_snapshot(&name)
}

/// A copy's key: as asked, else the source's. A key is of no use in another Region.
fn copy_key(call: &Call<'_>, source: &Snapshot) -> Result<Option<String>, Fault> {
    let asked = key_of_region(call)?;
    if source.origin.key.is_some() && asked.is_none() && source.name.region != call.region {
        return Err(Fault::combination(
            "The source snapshot is encrypted: KmsKeyId must name a KMS key of the destination Region.",
        ));
    }
    Ok(asked.or_else(|| source.origin.key.clone()))
}

async fn copy_folder(estate: &Estate, name: &Name, from: PathBuf) {
    let Some(to) = folder_of(estate, name) else { return };
    let owner = estate.installation.run_as;
    let copied = tokio::task::spawn_blocking(move || folder::link(&from, &to, owner)).await;
    let copied = copied.map_err(std::io::Error::other).and_then(|copied| copied);
    finish(estate, name, copied.is_ok());
    if let Err(error) = copied {
        error!(snapshot.id = %name, error = chain(&error), "could not copy the snapshot");
    }
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
    let name = call.here(Kind::Snapshot, call.query.required("DBSnapshotIdentifier")?)?;
    let shown = call.show_snapshot(&name)?;
    let mut inventory = call.estate.inventory();
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
    discard(call.estate, folder);
    Ok(shown)
}
