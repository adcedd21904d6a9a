//! `AddTagsToResource`, `RemoveTagsFromResource` and `ListTagsForResource`.

use super::Call;
use crate::api::answer;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::resources::inventory::Inventory;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::tags::{TAGS_AT_MOST, Tags};

pub(super) fn add(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["ResourceName", "Tags"])?;
    let added = call.query.tags()?;
    if added.is_empty() {
        return Err(Fault::new(Code::MissingParameter, "The request must contain the parameter Tags."));
    }
    let mut inventory = call.service.inventory();
    let tags = of_resource(call, &mut inventory)?;
    let mut all = tags.clone();
    all.extend(added);
    if all.len() > TAGS_AT_MOST {
        return Err(Fault::value("Tags", all.len(), "at most 50 tags on one resource"));
    }
    *tags = all;
    Ok(Xml::default())
}

pub(super) fn remove(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["ResourceName", "TagKeys"])?;
    let keys = call.query.list("TagKeys", "member");
    if keys.is_empty() {
        return Err(Fault::new(Code::MissingParameter, "The request must contain the parameter TagKeys."));
    }
    of_resource(call, &mut call.service.inventory())?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(Xml::default())
}

pub(super) fn list(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["Filters", "ResourceName"])?;
    let mut xml = Xml::default();
    answer::tags(&mut xml, of_resource(call, &mut call.service.inventory())?);
    Ok(xml)
}

/// What has tags.
const KINDS: [ResourceKind; 5] = [
    ResourceKind::Instance,
    ResourceKind::Snapshot,
    ResourceKind::Cluster,
    ResourceKind::ClusterSnapshot,
    ResourceKind::AutomatedBackup,
];

/// The tags of the resource that the request names by its ARN.
fn of_resource<'i>(call: &Call<'_>, inventory: &'i mut Inventory) -> Result<&'i mut Tags, Fault> {
    let arn = call.query.required("ResourceName")?;
    let read = |kind: ResourceKind| {
        let name = kind.existing(call.region, &call.service.account, arn).ok();
        name.filter(|name| arn.starts_with("arn:") && name.region == call.region)
    };
    let found: Option<(ResourceKind, Name)> = KINDS.into_iter().find_map(|kind| Some((kind, read(kind)?)));
    match found {
        None => Err(Fault::new(Code::InvalidParameterValue, format!("Invalid resource name: {arn}"))),
        Some((ResourceKind::Instance, name)) => Ok(&mut inventory.instance_mut(&name)?.tags),
        Some((ResourceKind::Snapshot, name)) => match inventory.snapshots.get_mut(&name) {
            Some(snapshot) => Ok(&mut snapshot.tags),
            None => Err(ResourceKind::Snapshot.not_found(&name.id)),
        },
        Some((ResourceKind::Cluster, name)) => Ok(&mut inventory.cluster_mut(&name)?.tags),
        Some((ResourceKind::ClusterSnapshot, name)) => match inventory.cluster_snapshots.get_mut(&name) {
            Some(snapshot) => Ok(&mut snapshot.tags),
            None => Err(ResourceKind::ClusterSnapshot.not_found(&name.id)),
        },
        Some((ResourceKind::AutomatedBackup, name)) => match inventory.replicated.get_mut(&name) {
            Some(replicated) => Ok(&mut replicated.tags),
            None => Err(ResourceKind::AutomatedBackup.not_found(&name.id)),
        },
    }
}
