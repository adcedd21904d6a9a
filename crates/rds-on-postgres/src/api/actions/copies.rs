//! `CopyDBSnapshot`: within a Region or from another one, at the lab's pace.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::error;

use super::Call;
use super::creation::key_of_region;
use super::snapshots::{finish, must_be_available};
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::postgres::error::chain;
use crate::postgres::folder;
use crate::resources::copying::{Copying, Leash};
use crate::resources::instance::Origin;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::snapshot::{Snapshot, SnapshotKind, SnapshotStatus};
use crate::resources::tags::Tags;
use crate::service::Service;
use crate::work::WorkKind;

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
    let name = call.new_name(ResourceKind::Snapshot, "TargetDBSnapshotIdentifier")?;
    let named = query.required("SourceDBSnapshotIdentifier")?;
    let source_name = ResourceKind::Snapshot.existing(call.region, &call.service.account, named)?;
    let copies_tags = query.boolean("CopyTags")?.unwrap_or(false);
    let copying = Copying::at(call.service.copy_pace.clone());
    let (from, to) = {
        let mut inventory = call.service.inventory();
        let source = inventory.snapshot(&source_name)?;
        must_be_available(source)?;
        inventory.admits_snapshot(&name)?;
        inventory.admits_copy(&inventory.snapshots, &source_name, &name)?;
        let copy = copy_of(call, source, &name, copies_tags, &copying)?;
        let folders = (source.folder.clone(), copy.folder.clone());
        inventory.snapshots.insert(name.clone(), copy);
        folders
    };
    let (service, snapshot) = (Arc::clone(call.service), name.clone());
    call.service.in_background(async move { copy_folder(&service, &snapshot, copying, from, to).await });
    call.show_snapshot(&name)
}

/// The copy that a call asks for, as it begins.
pub(super) fn copy_of(
    call: &Call<'_>,
    source: &Snapshot,
    name: &Name,
    copies_tags: bool,
    copying: &Arc<Copying>,
) -> Result<Snapshot, Fault> {
    let mut tags = if copies_tags { source.tags.clone() } else { Tags::new() };
    tags.extend(call.query.tags()?);
    Ok(Snapshot {
        name: name.clone(),
        kind: SnapshotKind::Manual,
        status: SnapshotStatus::Creating,
        folder: call.service.snapshot_folder(name)?,
        origin: Origin { key: copy_key(call, source)?, ..source.origin.clone() },
        created: Timestamp::now(),
        finished: None,
        copying: Some(Arc::clone(copying)),
        copied_from: Some(source.name.clone()),
        tags,
        ..source.clone()
    })
}

/// A copy's key: as asked, else the source's. A key is of no use in another Region.
fn copy_key(call: &Call<'_>, source: &Snapshot) -> Result<Option<String>, Fault> {
    let asked = key_of_region(call)?;
    if source.origin.key.is_some() && asked.is_none() && source.name.region != call.region {
        return Err(Fault::combination(
            "The source snapshot is encrypted: KmsKeyId must name a KMS key of the destination Region.",
        ));
    }
    if let Some(key) = &source.origin.key
        && source.name.region == call.region
    {
        // What is encrypted can be read with its key only. The keys of another Region are not known here.
        call.must_be_usable(key)?;
    }
    Ok(asked.or_else(|| source.origin.key.clone()))
}

async fn copy_folder(service: &Service, name: &Name, copying: Arc<Copying>, from: PathBuf, to: PathBuf) {
    let copied = copy_files(service, name, copying, from, to).await;
    finish(service, name, copied.is_ok());
    if let Err(error) = copied {
        error!(snapshot.id = %name, error = chain(&error), "could not copy the snapshot");
    }
}

/// Copies a snapshot's files. A copy that does not become complete leaves none.
pub(super) async fn copy_files(
    service: &Service,
    name: &Name,
    copying: Arc<Copying>,
    from: PathBuf,
    to: PathBuf,
) -> std::io::Result<()> {
    let _leash = Leash(Arc::clone(&copying));
    let owner = service.installation.run_as;
    let copied = tokio::task::spawn_blocking(move || {
        copying.expect(folder::bytes(&from)?);
        let linked = folder::link(&from, &to, owner, &|bytes| copying.pass(bytes));
        linked.or_else(|error| folder::remove(&to).and(Err(error)))
    });
    let copied = service.works.timed(WorkKind::Copy, name, copied).await;
    copied.map_err(std::io::Error::other).and_then(|copied| copied)
}
