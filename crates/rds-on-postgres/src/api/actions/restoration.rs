//! `RestoreDBInstanceFromDBSnapshot` and `RestoreDBInstanceToPointInTime`: a new server from a
//! base backup, and from the archive of the WAL that followed it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::snapshots::must_be_available;
use super::{Call, settle};
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::error::PostgresError;
use crate::postgres::folder;
use crate::postgres::installation::last_lines;
use crate::postgres::server::Server;
use crate::postgres::settings::Role;
use crate::resources::instance::{Instance, Origin, Traits};
use crate::resources::inventory::Inventory;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::tags::Tags;
use crate::resources::window::Window;
use crate::service::{NewInstance, Service, new_resource_id};
use crate::work::WorkKind;

/// What both ways of restoring serve.
const SERVED: [&str; 12] = [
    "AllocatedStorage",
    "AvailabilityZone",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DeletionProtection",
    "Engine",
    "MultiAZ",
    "Port",
    "PreferredBackupWindow",
    "Tags",
    "VpcSecurityGroupIds",
];

/// PostgreSQL's word for a target after the last commit of the archive.
const TARGET_NOT_REACHED: &str = "recovery ended before configured recovery target was reached";

pub(super) fn from_snapshot(call: &Call<'_>) -> Result<Xml, Fault> {
    call.serve(&[&SERVED[..], &["DBInstanceIdentifier", "DBSnapshotIdentifier"]].concat())?;
    let name = call.new_name(ResourceKind::Instance, "DBInstanceIdentifier")?;
    let snapshot_name = call.here(ResourceKind::Snapshot, call.query.required("DBSnapshotIdentifier")?)?;
    must_be_postgres(call)?;
    let (base, server) = {
        let mut inventory = call.service.inventory();
        let snapshot = inventory.snapshot(&snapshot_name)?.clone();
        must_be_available(&snapshot)?;
        let traits = call.traits(call.plain_traits())?;
        let server = enter(call, &mut inventory, &name, &snapshot.origin, traits, Role::Primary)?;
        (snapshot.folder, server)
    };
    begin(call, &name, base, server);
    call.show_instance(&name)
}

pub(super) fn to_point_in_time(call: &Call<'_>) -> Result<Xml, Fault> {
    let own = [
        "RestoreTime",
        "SourceDBInstanceAutomatedBackupsArn",
        "SourceDBInstanceIdentifier",
        "SourceDbiResourceId",
        "TargetDBInstanceIdentifier",
        "UseLatestRestorableTime",
    ];
    call.serve(&[&SERVED[..], &own].concat())?;
    let name = call.new_name(ResourceKind::Instance, "TargetDBInstanceIdentifier")?;
    must_be_postgres(call)?;
    let until = target(call)?;
    let (base, server) = {
        let mut inventory = call.service.inventory();
        let Source { window, id, archive, traits, origin } = source(call, &inventory)?;
        let base = base_for(window, &id, until)?;
        let role = Role::Restoring { archive, until };
        // Its security groups and its configuration are the service's own, not the source's.
        let configuration = call.plain_configuration();
        let traits = call.traits(Traits { groups: Vec::new(), configuration, ..traits })?;
        (base, enter(call, &mut inventory, &name, &origin, traits, role)?)
    };
    begin(call, &name, base, server);
    call.show_instance(&name)
}

/// What a point in time is restored from.
struct Source<'i> {
    window: Option<Window<'i>>,
    id: String,
    archive: PathBuf,
    traits: Traits,
    origin: Origin,
}

/// The instance to restore, by its identifier or by the one that is never used again; or what is here of one elsewhere.
fn source<'i>(call: &Call<'_>, inventory: &'i Inventory) -> Result<Source<'i>, Fault> {
    let query = call.query;
    let own = |instance: &'i Instance| Source {
        window: Window::of(inventory, instance),
        id: instance.name.id.clone(),
        archive: instance.server.archive(),
        traits: instance.traits.clone(),
        origin: instance.origin.clone(),
    };
    let named = ["SourceDBInstanceIdentifier", "SourceDbiResourceId", "SourceDBInstanceAutomatedBackupsArn"];
    match named.map(|name| query.optional(name)) {
        [Some(named), None, None] => Ok(own(inventory.instance(&call.here(ResourceKind::Instance, named)?)?)),
        [None, Some(id), None] => inventory
            .instances
            .values()
            .find(|instance| instance.name.region == call.region && instance.origin.resource_id == id)
            .map(own)
            .ok_or_else(|| ResourceKind::Instance.not_found(id)),
        [None, None, Some(arn)] => {
            let replicated = inventory.replicated(&call.here(ResourceKind::AutomatedBackup, arn)?)?;
            Ok(Source {
                window: Window::replicated(replicated),
                id: replicated.source.id.clone(),
                archive: replicated.archive(),
                traits: Traits { zone: format!("{}a", call.region), ..replicated.traits.clone() },
                origin: replicated.origin.clone(),
            })
        }
        _ => Err(Fault::combination(format!("Exactly one of {} must be given.", named.join(", ")))),
    }
}

/// The time to restore to; `None` is the latest there is.
fn target(call: &Call<'_>) -> Result<Option<Timestamp>, Fault> {
    let latest = call.query.boolean("UseLatestRestorableTime")?.unwrap_or(false);
    match (call.query.optional("RestoreTime"), latest) {
        (None, true) => Ok(None),
        (Some(time), false) => time
            .parse()
            .map(Some)
            .map_err(|_| Fault::value("RestoreTime", time, "a time in UTC such as 2026-01-01T12:00:00Z")),
        (Some(_), true) | (None, false) => {
            Err(Fault::combination("Exactly one of RestoreTime and UseLatestRestorableTime=true must be given."))
        }
    }
}

/// The newest base backup that was complete at the time to restore to.
fn base_for(window: Option<Window<'_>>, source: &str, until: Option<Timestamp>) -> Result<PathBuf, Fault> {
    let Some(window) = window else {
        return Err(Fault::new(
            Code::PointInTimeRestoreNotEnabled,
            format!("Point in time restore is not enabled for {source}: it has no automated backup."),
        ));
    };
    let beyond = |word: &str, limit: Timestamp| {
        Fault::new(
            Code::InvalidParameterValue,
            format!("The specified instance cannot be restored to a time {word} than {limit:.3}."),
        )
    };
    match until {
        Some(until) if until > window.latest => Err(beyond("later", window.latest)),
        Some(_) | None => {
            let base = window.base(until).ok_or_else(|| beyond("earlier", window.earliest))?;
            Ok(base.to_owned())
        }
    }
}

fn must_be_postgres(call: &Call<'_>) -> Result<(), Fault> {
    match call.query.optional("Engine") {
        Some(engine) if engine != "postgres" => {
            Err(Fault::value("Engine", engine, "the engine of the backup, postgres"))
        }
        Some(_) | None => Ok(()),
    }
}

fn enter(
    call: &Call<'_>,
    inventory: &mut Inventory,
    name: &Name,
    origin: &Origin,
    traits: Traits,
    role: Role,
) -> Result<Arc<Server>, Fault> {
    // What is encrypted can be read with its key only.
    if let Some(key) = &origin.key {
        call.must_be_usable(key)?;
    }
    // RDS restores into no less than the source had.
    let least = origin.storage_gib;
    let storage_gib = call.query.number("AllocatedStorage", least..=65536)?.unwrap_or(least);
    let origin =
        Origin { port: call.port(origin.port)?, resource_id: new_resource_id()?, storage_gib, ..origin.clone() };
    let tags: Tags = call.query.tags()?;
    let new = NewInstance { name: name.clone(), origin, traits, source: None, tags, role };
    call.service.enter(inventory, new)
}

fn begin(call: &Call<'_>, name: &Name, base: PathBuf, server: Arc<Server>) {
    let (service, restored) = (Arc::clone(call.service), name.clone());
    call.service.carry_out(name, async move { restore(&service, &restored, &base, &server).await });
}

async fn restore(service: &Arc<Service>, name: &Name, base: &Path, server: &Server) -> Result<(), PostgresError> {
    freeze_archive(server).await?;
    let started = start_from(service, name, base, server).await;
    let archive = started.is_err().then(|| target_not_reached(server)).flatten();
    match archive {
        None => started?,
        // Nothing was committed between the archive's last transaction and the time asked for,
        // which the archive covers: its end is the state of that time.
        Some(archive) => {
            server.stop().await?;
            server.set_role(Role::Restoring { archive, until: None });
            start_from(service, name, base, server).await?;
        }
    }
    settle(service, name).await
}

/// Lets the server replay what is archived now and nothing that comes later: its source goes on, and a second try must
/// not find more than the first.
async fn freeze_archive(server: &Server) -> Result<(), PostgresError> {
    let Role::Restoring { archive, until } = server.role() else { return Ok(()) };
    let frozen = server.archive().with_file_name("restored-wal");
    let (from, to, owner) = (archive, frozen.clone(), server.installation.run_as);
    let linked = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        folder::make(&to, owner)?;
        for entry in std::fs::read_dir(&from)? {
            let entry = entry?;
            // One that begins with a dot is not whole yet.
            if !entry.file_name().to_string_lossy().starts_with('.') {
                std::fs::hard_link(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    });
    linked.await.map_err(std::io::Error::other)??;
    server.set_role(Role::Restoring { archive: frozen, until });
    Ok(())
}

/// The archive of a server that ended because it found no transaction as late as its target. It
/// may have ended before it was ready or after.
fn target_not_reached(server: &Server) -> Option<PathBuf> {
    match server.role() {
        Role::Restoring { archive, until: Some(_) } => {
            last_lines(&server.log()).contains(TARGET_NOT_REACHED).then_some(archive)
        }
        Role::Restoring { .. } | Role::Primary | Role::Standby(_) => None,
    }
}

/// Starts a server on a fresh copy of the base and waits until it accepts writes.
async fn start_from(service: &Service, name: &Name, base: &Path, server: &Server) -> Result<(), PostgresError> {
    let (from, to, owner) = (base.to_owned(), server.data(), server.installation.run_as);
    let copied = tokio::task::spawn_blocking(move || {
        folder::remove(&to)?;
        folder::copy(&from, &to, owner)
    });
    service.works.timed(WorkKind::Files, name, copied).await.map_err(std::io::Error::other)??;
    server.certify()?;
    let start = async {
        server.start().await?;
        match server.role() {
            Role::Restoring { .. } => server.wait_until_restored().await,
            Role::Primary | Role::Standby(_) => Ok(()),
        }
    };
    service.works.timed(WorkKind::Start, name, start).await
}
