//! `AddTagsToResource`, `RemoveTagsFromResource` and `ListTagsForResource`.

use super::super::answer;
use super::super::fault::{Code, Fault};
use super::super::inventory::Inventory;
use super::super::name::{Kind, Name};
use super::super::query::Tags;
use super::super::xml::Xml;
use super::Call;

/// AWS's limit of tags on one resource.
const TAGS_AT_MOST: usize = 50;

pub(super) fn add(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["ResourceName", "Tags"])?;
    let added = call.query.tags()?;
    if added.is_empty() {
        return Err(Fault::new(Code::MissingParameter, "The request must contain the parameter Tags."));
    }
    let mut inventory = call.estate.inventory();
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
    of_resource(call, &mut call.estate.inventory())?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(Xml::default())
}

pub(super) fn list(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["Filters", "ResourceName"])?;
    let mut xml = Xml::default();
    answer::tags(&mut xml, of_resource(call, &mut call.estate.inventory())?);
    Ok(xml)
}

/// The tags of the resource that the request names by its ARN.
fn of_resource<'i>(call: &Call<'_>, inventory: &'i mut Inventory) -> Result<&'i mut Tags, Fault> {
    let arn = call.query.required("ResourceName")?;
    let read = |kind: Kind| {
        let name = kind.existing(call.region, &call.estate.account, arn).ok();
        name.filter(|name| arn.starts_with("arn:") && name.region == call.region)
    };
    let found: Option<(Kind, Name)> = [Kind::Instance, Kind::Snapshot, Kind::Cluster, Kind::ClusterSnapshot]
        .into_iter()
        .find_map(|kind| Some((kind, read(kind)?)));
    match found {
        None => Err(Fault::new(Code::InvalidParameterValue, format!("Invalid resource name: {arn}"))),
        Some((Kind::Instance, name)) => Ok(&mut inventory.instance_mut(&name)?.tags),
        Some((Kind::Snapshot, name)) => match inventory.snapshots.get_mut(&name) {
            Some(snapshot) => Ok(&mut snapshot.tags),
            None => Err(Kind::Snapshot.not_found(&name.id)),
        },
        Some((Kind::Cluster, name)) => Ok(&mut inventory.cluster_mut(&name)?.tags),
        Some((Kind::ClusterSnapshot, name)) => match inventory.cluster_snapshots.get_mut(&name) {
            Some(snapshot) => Ok(&mut snapshot.tags),
            None => Err(Kind::ClusterSnapshot.not_found(&name.id)),
        },
    }
}
