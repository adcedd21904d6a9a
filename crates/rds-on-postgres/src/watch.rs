//! What the service sees of its instances from time to time, and shows until it looks again: how
//! far an archive reaches, and whether a replica's stream flows. RDS does it every few minutes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use processes::RunAs;
use tracing::debug;

use crate::postgres::error::{PostgresError, chain};
use crate::postgres::folder;
use crate::postgres::server::Server;
use crate::resources::instance::{Status, Stream};
use crate::resources::name::Name;
use crate::resources::window::Window;
use crate::service::Service;

/// How long between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a new replica's stream may take to flow.
const STREAMS_WITHIN: Duration = Duration::from_secs(10);
/// How long one segment may take to reach the archive; the next look finds it else.
const ARCHIVED_WITHIN: Duration = Duration::from_secs(1);

/// Looks at all instances again and again, for as long as the service lives.
pub(crate) async fn keep_watch(service: Arc<Service>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let seen: Vec<(Name, Arc<Server>, bool, bool)> = service
            .inventory()
            .instances
            .values()
            .filter(|instance| instance.status == Status::Available)
            .map(|i| (i.name.clone(), Arc::clone(&i.server), i.source.is_some(), i.is_backed_up()))
            .collect();
        // A frozen host must not keep the others from being seen, so they are looked at together.
        futures::future::join_all(seen.iter().map(async |(name, server, is_replica, is_backed_up)| {
            if *is_replica {
                see_stream(&service, name, server).await;
            } else if *is_backed_up {
                see_archive(&service, name, server).await;
            }
        }))
        .await;
        let fed: Vec<Name> = {
            let inventory = service.inventory();
            inventory.replicated.values().filter(|of| of.is_fed).map(|of| of.name.clone()).collect()
        };
        for name in &fed {
            replicate_backups(&service, name).await;
        }
    }
}

/// What is to be brought to another Region.
struct Crossing {
    /// The base backups that are not there yet.
    bases: Vec<(Timestamp, PathBuf)>,
    archive: PathBuf,
    reached: Timestamp,
    to: PathBuf,
}

/// Brings an instance's automated backups to the Region that they are replicated to, as far as its own Region has them.
/// Of a host that is dead, that is no further than before.
async fn replicate_backups(service: &Service, name: &Name) {
    let Some(crossing) = crossing(service, name) else { return };
    let owner = service.installation.run_as;
    let brought = tokio::task::spawn_blocking(move || bring(&crossing, owner).map(|bases| (bases, crossing.reached)));
    match brought.await.map_err(std::io::Error::other).and_then(|brought| brought) {
        Ok((bases, reached)) => {
            if let Some(of) = service.inventory().replicated.get_mut(name) {
                of.bases.extend(bases);
                of.bases.sort();
                of.reached = Some(reached);
            }
        }
        Err(error) => debug!(backup.id = %name, %error, "could not replicate automated backups"),
    }
}

fn crossing(service: &Service, name: &Name) -> Option<Crossing> {
    let inventory = service.inventory();
    let of = inventory.replicated.get(name).filter(|of| of.is_fed)?;
    let source = inventory.instances.get(&of.source)?;
    let window = Window::of(&inventory, source)?;
    let is_new = |finished: &Timestamp| of.bases.iter().all(|(there, _)| there != finished);
    let bases = window.bases().iter().filter(|(finished, _)| is_new(finished));
    let bases = bases.map(|(finished, base)| (*finished, (*base).to_owned())).collect();
    Some(Crossing { bases, archive: source.server.archive(), reached: window.latest, to: of.folder.clone() })
}

/// Both are never changed again, so that the Regions may share their blocks.
fn bring(crossing: &Crossing, owner: Option<RunAs>) -> std::io::Result<Vec<(Timestamp, PathBuf)>> {
    let Crossing { bases, archive, to, .. } = crossing;
    let wal = to.join("wal");
    folder::make(&wal, owner)?;
    for entry in std::fs::read_dir(archive)? {
        let entry = entry?;
        let there = wal.join(entry.file_name());
        // One that begins with a dot is not whole yet.
        if !entry.file_name().to_string_lossy().starts_with('.') && !there.exists() {
            std::fs::hard_link(entry.path(), there)?;
        }
    }
    let mut brought = Vec::new();
    for (finished, base) in bases {
        let there = to.join(finished.as_nanosecond().to_string());
        folder::remove(&there)?;
        folder::link(base, &there, owner, &|_| Ok(()))?;
        brought.push((*finished, there));
    }
    Ok(brought)
}

/// Waits until a new replica's stream flows; one that does not in time is shown as broken.
pub(crate) async fn await_stream(service: &Service, name: &Name, server: &Server) {
    let deadline = tokio::time::Instant::now() + STREAMS_WITHIN;
    while see_stream(service, name, server).await == Stream::Broken && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The process that receives a server's stream, while it flows.
pub(crate) async fn receiver(server: &Server) -> Option<i32> {
    let login = server.login("postgres").await.ok()?;
    let rows = login.query("SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming'").await.ok()?;
    rows.first()?.try_get(0).ok()
}

/// Sees whether the replica receives its source's stream.
async fn see_stream(service: &Service, name: &Name, server: &Server) -> Stream {
    let flows = async {
        let login = server.login("postgres").await?;
        login.is("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')").await
    };
    let stream = match flows.await {
        Ok(true) => Stream::Replicating,
        Ok(false) | Err(_) => Stream::Broken,
    };
    if let Ok(instance) = service.inventory().instance_mut(name) {
        instance.stream = stream;
    }
    stream
}

/// Completes the archive up to now and notes that it reaches so far.
async fn see_archive(service: &Service, name: &Name, server: &Server) {
    match complete_archive(server).await {
        Ok(Some(reached)) => {
            if let Ok(instance) = service.inventory().instance_mut(name) {
                instance.restorable_to = Some(reached);
            }
        }
        Ok(None) => {}
        Err(error) => debug!(instance.id = %name, error = chain(&error), "could not complete the archive"),
    }
}

/// Ends the current segment and waits for it in the archive. Answers the time up to which
/// everything committed is there, or `None` when the segment is not there yet.
async fn complete_archive(server: &Server) -> Result<Option<Timestamp>, PostgresError> {
    let login = server.login("postgres").await?;
    let reached = Timestamp::now();
    // Without anything new there is nothing to switch, and the answer is the segment before.
    let switched = login.query("SELECT pg_walfile_name(pg_switch_wal())").await?;
    let Some(segment) = switched.first().and_then(|row| row.try_get::<_, String>(0).ok()) else { return Ok(None) };
    let archived = server.archive().join(segment);
    let deadline = tokio::time::Instant::now() + ARCHIVED_WITHIN;
    while !archived.exists() {
        if tokio::time::Instant::now() > deadline {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Some(reached))
}
