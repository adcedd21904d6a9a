//! `CreateDBClusterSnapshot`, `CopyDBClusterSnapshot`, `DescribeDBClusterSnapshots` and
//! `DeleteDBClusterSnapshot`: what [`snapshots`](super::snapshots) and [`copies`](super::copies) do, of clusters.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::error;

use super::copies::{copy_files, copy_of};
use super::listing::{Page, known, snapshot_type};
use super::snapshots::discard;
use super::{Call, warn_of};
use crate::api::answer;
use crate::api::query::Query;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::error::chain;
use crate::postgres::server::Server;
use crate::resources::cluster::{Cluster, ENGINE};
use crate::resources::copying::Copying;
use crate::resources::instance::Status;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::snapshot::{Snapshot, SnapshotKind, SnapshotStatus};
use crate::resources::tags::Tags;
use crate::service::Service;
use crate::work::WorkKind;

pub(super) fn create(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["DBClusterIdentifier", "DBClusterSnapshotIdentifier", "Tags"])?;
    let name = call.new_name(ResourceKind::ClusterSnapshot, "DBClusterSnapshotIdentifier")?;
    let cluster_name = call.here(ResourceKind::Cluster, query.required("DBClusterIdentifier")?)?;
    let (server, folder) = {
        let mut inventory = call.service.inventory();
        inventory.admits_cluster_snapshot(&name)?;
        let cluster = inventory.cluster_mut(&cluster_name)?;
        cluster.must_be_available()?;
        let folder = call.service.snapshot_folder(&name)?;
        let snapshot = of_cluster(cluster, name.clone(), folder.clone(), query.tags()?);
        cluster.status = Status::BackingUp;
        let server = Arc::clone(&cluster.server);
        inventory.cluster_snapshots.insert(name.clone(), snapshot);
        (server, folder)
    };
    let (service, snapshot) = (Arc::clone(call.service), name.clone());
    call.service.in_background(async move { take(&service, &cluster_name, &snapshot, &server, folder).await });
    show(call, &name)
}

fn of_cluster(cluster: &Cluster, name: Name, folder: PathBuf, asked: Tags) -> Snapshot {
    let now = Timestamp::now();
    let mut tags = if cluster.copies_tags { cluster.tags.clone() } else { Tags::new() };
    tags.extend(asked);
    Snapshot {
        name,
        kind: SnapshotKind::Manual,
        status: SnapshotStatus::Creating,
        folder,
        instance: cluster.name.id.clone(),
        instance_created: cluster.created,
        zone: cluster.zone.clone(),
        origin: cluster.origin.clone(),
        created: now,
        first_created: now,
        finished: None,
        copying: None,
        copied_from: None,
        tags,
    }
}

async fn take(service: &Service, cluster: &Name, snapshot: &Name, server: &Server, folder: PathBuf) {
    let log = folder.with_extension("log");
    let taking = service.installation.base_backup(server.at(), &folder, None, &log);
    let taken = service.works.timed(WorkKind::BaseBackup, snapshot, taking).await;
    finish(service, snapshot, taken.is_ok());
    if let Err(error) = taken {
        warn_of(cluster, "could not take the cluster snapshot", &error);
    }
    if let Ok(cluster) = service.inventory().cluster_mut(cluster)
        && cluster.status == Status::BackingUp
    {
        cluster.status = Status::Available;
    }
}

fn finish(service: &Service, name: &Name, complete: bool) {
    if let Some(snapshot) = service.inventory().cluster_snapshots.get_mut(name) {
        snapshot.end(complete);
    }
}

pub(super) fn copy(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "CopyTags",
        "DestinationRegion",
        "KmsKeyId",
        "PreSignedUrl",
        "SourceDBClusterSnapshotIdentifier",
        "SourceRegion",
        "Tags",
        "TargetDBClusterSnapshotIdentifier",
    ])?;
    let name = call.new_name(ResourceKind::ClusterSnapshot, "TargetDBClusterSnapshotIdentifier")?;
    let named = query.required("SourceDBClusterSnapshotIdentifier")?;
    let source_name = ResourceKind::ClusterSnapshot.existing(call.region, &call.service.account, named)?;
    if let Some(url) = query.optional("PreSignedUrl") {
        must_be_this(call, url)?;
    }
    let copies_tags = query.boolean("CopyTags")?.unwrap_or(false);
    let copying = Copying::at(call.service.copy_pace.clone());
    let (from, to) = {
        let mut inventory = call.service.inventory();
        let source = inventory.cluster_snapshot(&source_name)?;
        must_be_available(source)?;
        inventory.admits_cluster_snapshot(&name)?;
        inventory.admits_copy(&inventory.cluster_snapshots, &source_name, &name)?;
        let copy = copy_of(call, source, &name, copies_tags, &copying)?;
        let folders = (source.folder.clone(), copy.folder.clone());
        inventory.cluster_snapshots.insert(name.clone(), copy);
        folders
    };
    let (service, snapshot) = (Arc::clone(call.service), name.clone());
    call.service.in_background(async move {
        let copied = copy_files(&service, &snapshot, copying, from, to).await;
        finish(&service, &snapshot, copied.is_ok());
        if let Err(error) = copied {
            error!(snapshot.id = %snapshot, error = chain(&error), "could not copy the cluster snapshot");
        }
    });
    show(call, &name)
}

/// Refuses a signed URL of something else than this request of the source's Region.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBClusterSnapshot.html>
fn must_be_this(call: &Call<'_>, url: &str) -> Result<(), Fault> {
    let signed = Query::parse(url.split_once('?').map_or("", |(_, query)| query).as_bytes())?;
    let names = ["SourceDBClusterSnapshotIdentifier", "TargetDBClusterSnapshotIdentifier", "KmsKeyId"];
    let is_this = signed.action()? == "CopyDBClusterSnapshot"
        && names.iter().all(|name| signed.optional(name) == call.query.optional(name))
        && signed.optional("DestinationRegion") == Some(call.region)
        && signed.optional("X-Amz-Signature").is_some();
    if is_this {
        return Ok(());
    }
    Err(Fault::value("PreSignedUrl", "given", "the same request, signed, of the source's Region for this one"))
}

fn must_be_available(snapshot: &Snapshot) -> Result<(), Fault> {
    if snapshot.status == SnapshotStatus::Available {
        return Ok(());
    }
    let message = format!("The snapshot {} is not available: it is {}.", snapshot.name.id, snapshot.status.word());
    Err(Fault::new(Code::InvalidDbClusterSnapshotState, message))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBClusterSnapshotIdentifier"])?;
    let name = call.here(ResourceKind::ClusterSnapshot, call.query.required("DBClusterSnapshotIdentifier")?)?;
    let shown = show(call, &name)?;
    let mut inventory = call.service.inventory();
    let snapshot = inventory.cluster_snapshot(&name)?;
    if snapshot.status == SnapshotStatus::Creating {
        must_be_available(snapshot)?;
    }
    let folder = snapshot.folder.clone();
    inventory.cluster_snapshots.remove(&name);
    inventory.break_off_cluster_copies(|source| *source == name);
    discard(call.service, folder);
    Ok(shown)
}

fn show(call: &Call<'_>, name: &Name) -> Result<Xml, Fault> {
    let mut xml = Xml::default();
    answer::cluster_snapshot(&mut xml, call.service, call.service.inventory().cluster_snapshot(name)?);
    Ok(xml)
}

pub(super) fn describe(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "DBClusterIdentifier",
        "DBClusterSnapshotIdentifier",
        "Filters",
        "IncludePublic",
        "IncludeShared",
        "Marker",
        "MaxRecords",
        "SnapshotType",
    ])?;
    let filters = known(query, &["db-cluster-id", "db-cluster-snapshot-id", "engine", "snapshot-type"])?;
    let kind = snapshot_type(query)?;
    let page = Page::asked(query)?;
    let cluster =
        query.optional("DBClusterIdentifier").map(|named| call.here(ResourceKind::Cluster, named)).transpose()?;
    let inventory = call.service.inventory();
    let found: Vec<&Snapshot> = match query.optional("DBClusterSnapshotIdentifier") {
        Some(named) => vec![inventory.cluster_snapshot(&call.here(ResourceKind::ClusterSnapshot, named)?)?],
        None => inventory.cluster_snapshots.values().filter(|snapshot| snapshot.name.region == call.region).collect(),
    };
    let passes = |snapshot: &&Snapshot| {
        kind.is_none_or(|kind| kind == snapshot.kind.word())
            && cluster.as_ref().is_none_or(|cluster| cluster.id == snapshot.instance)
            && filters.iter().all(|filter| match filter.name {
                "db-cluster-id" => {
                    call.is_named(filter, ResourceKind::Cluster, &Name::new(call.region, &snapshot.instance))
                }
                "db-cluster-snapshot-id" => call.is_named(filter, ResourceKind::ClusterSnapshot, &snapshot.name),
                "snapshot-type" => filter.values.contains(&snapshot.kind.word()),
                _ => filter.values.contains(&ENGINE),
            })
    };
    let found = found.into_iter().filter(passes).collect();
    let (shown, marker) = page.cut(found, |snapshot| &snapshot.name.id);
    let mut xml = Xml::default();
    xml.optional("Marker", marker).element("DBClusterSnapshots", |xml| {
        for snapshot in shown {
            answer::cluster_snapshot(xml, call.service, snapshot);
        }
    });
    Ok(xml)
}
