//! `DescribeDBInstances`, `DescribeDBSnapshots` and `DescribeDBInstanceAutomatedBackups`: by name, by
//! filter, page by page.

use super::Call;
use crate::api::answer;
use crate::api::query::{Filter, Query};
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::resources::instance::{Instance, Origin};
use crate::resources::name::{Name, ResourceKind};
use crate::resources::replicated::Replicated;
use crate::resources::snapshot::Snapshot;
use crate::resources::window::Window;

pub(super) fn instances(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["DBInstanceIdentifier", "Filters", "MaxRecords", "Marker"])?;
    let filters = known(query, &["db-instance-id", "dbi-resource-id", "engine", "db-cluster-id", "domain"])?;
    let page = Page::asked(query)?;
    let inventory = call.service.inventory();
    let found: Vec<&Instance> = match query.optional("DBInstanceIdentifier") {
        Some(named) => vec![inventory.instance(&call.here(ResourceKind::Instance, named)?)?],
        None => inventory.instances.values().filter(|instance| instance.name.region == call.region).collect(),
    };
    let passes = |instance: &&Instance| {
        filters.iter().all(|filter| match filter.name {
            "db-instance-id" => call.is_named(filter, ResourceKind::Instance, &instance.name),
            "dbi-resource-id" => filter.values.contains(&instance.origin.resource_id.as_str()),
            "engine" => filter.values.contains(&"postgres"),
            // No instance of the lab belongs to a cluster or a domain.
            _ => false,
        })
    };
    let found = found.into_iter().filter(passes).collect();
    let (shown, marker) = page.cut(found, |instance| &instance.name.id);
    let mut xml = Xml::default();
    xml.optional("Marker", marker).element("DBInstances", |xml| {
        for instance in shown {
            answer::instance(xml, call.service, &inventory, instance);
        }
    });
    Ok(xml)
}

pub(super) fn snapshots(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "DBInstanceIdentifier",
        "DBSnapshotIdentifier",
        "DbiResourceId",
        "Filters",
        "IncludePublic",
        "IncludeShared",
        "Marker",
        "MaxRecords",
        "SnapshotType",
    ])?;
    let filters = known(query, &["db-instance-id", "db-snapshot-id", "dbi-resource-id", "engine", "snapshot-type"])?;
    let kind = snapshot_type(query)?;
    let page = Page::asked(query)?;
    let inventory = call.service.inventory();
    let found: Vec<&Snapshot> = match query.optional("DBSnapshotIdentifier") {
        Some(named) => vec![inventory.snapshot(&call.here(ResourceKind::Snapshot, named)?)?],
        None => inventory.snapshots.values().filter(|snapshot| snapshot.name.region == call.region).collect(),
    };
    let instance =
        query.optional("DBInstanceIdentifier").map(|named| call.here(ResourceKind::Instance, named)).transpose()?;
    let passes = |snapshot: &&Snapshot| {
        kind.is_none_or(|kind| kind == snapshot.kind.word())
            && instance.as_ref().is_none_or(|instance| instance.id == snapshot.instance)
            && query.optional("DbiResourceId").is_none_or(|id| id == snapshot.origin.resource_id)
            && filters.iter().all(|filter| match filter.name {
                "db-instance-id" => {
                    call.is_named(filter, ResourceKind::Instance, &Name::new(call.region, &snapshot.instance))
                }
                "db-snapshot-id" => call.is_named(filter, ResourceKind::Snapshot, &snapshot.name),
                "dbi-resource-id" => filter.values.contains(&snapshot.origin.resource_id.as_str()),
                "snapshot-type" => filter.values.contains(&snapshot.kind.word()),
                _ => filter.values.contains(&"postgres"),
            })
    };
    let found = found.into_iter().filter(passes).collect();
    let (shown, marker) = page.cut(found, |snapshot| &snapshot.name.id);
    let mut xml = Xml::default();
    xml.optional("Marker", marker).element("DBSnapshots", |xml| {
        for snapshot in shown {
            answer::snapshot(xml, call.service, snapshot);
        }
    });
    Ok(xml)
}

/// The automated backups of instances that keep any, and those that are replicated to the Region; the lab retains none of
/// deleted ones in their own Region.
pub(super) fn automated_backups(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "DBInstanceAutomatedBackupsArn",
        "DBInstanceIdentifier",
        "DbiResourceId",
        "Filters",
        "Marker",
        "MaxRecords",
    ])?;
    let filters = known(query, &["db-instance-id", "dbi-resource-id", "status"])?;
    let named =
        query.optional("DBInstanceIdentifier").map(|named| call.here(ResourceKind::Instance, named)).transpose()?;
    let arn = query.optional("DBInstanceAutomatedBackupsArn");
    if let Some(named) = arn.filter(|named| !named.starts_with("arn:")) {
        return Err(Fault::value("DBInstanceAutomatedBackupsArn", named, "an ARN"));
    }
    let arn = arn.map(|named| call.here(ResourceKind::AutomatedBackup, named)).transpose()?;
    let resource_id = query.optional("DbiResourceId");
    let page = Page::asked(query)?;
    let inventory = call.service.inventory();
    let is_asked = |source: &Name, origin: &Origin, status: &str| {
        named.as_ref().is_none_or(|name| name == source)
            && resource_id.is_none_or(|id| id.eq_ignore_ascii_case(&origin.resource_id))
            && filters.iter().all(|filter| match filter.name {
                "db-instance-id" => {
                    filter.values.contains(&source.id.as_str()) || call.is_named(filter, ResourceKind::Instance, source)
                }
                "dbi-resource-id" => filter.values.contains(&origin.resource_id.as_str()),
                _ => filter.values.contains(&status),
            })
    };
    let own = inventory.instances.values().filter(|instance| {
        let status = Window::of(&inventory, instance).map_or("creating", |_| "active");
        let is_here = instance.name.region == call.region && instance.is_backed_up() && arn.is_none();
        is_here && is_asked(&instance.name, &instance.origin, status)
    });
    let replicated = inventory.replicated.values().filter(|replicated| {
        let is_here = replicated.name.region == call.region && arn.as_ref().is_none_or(|arn| *arn == replicated.name);
        is_here && is_asked(&replicated.source, &replicated.origin, replicated.status())
    });
    let mut found: Vec<AutomatedBackup<'_>> =
        own.map(AutomatedBackup::Own).chain(replicated.map(AutomatedBackup::Replicated)).collect();
    found.sort_by(|one, other| one.id().cmp(other.id()));
    if found.is_empty()
        && let Some(asked) =
            query.optional("DBInstanceIdentifier").or(resource_id).or(query.optional("DBInstanceAutomatedBackupsArn"))
    {
        return Err(Fault::new(
            Code::DbInstanceAutomatedBackupNotFound,
            format!("No automated backup for DB instance {asked} was found."),
        ));
    }
    let (shown, marker) = page.cut(found, AutomatedBackup::id);
    let mut xml = Xml::default();
    xml.optional("Marker", marker).element("DBInstanceAutomatedBackups", |xml| {
        for backup in shown {
            match backup {
                AutomatedBackup::Own(instance) => answer::automated_backup(xml, call.service, &inventory, instance),
                AutomatedBackup::Replicated(replicated) => answer::replicated_backup(xml, call.service, replicated),
            }
        }
    });
    Ok(xml)
}

/// What a listing shows.
enum AutomatedBackup<'i> {
    Own(&'i Instance),
    Replicated(&'i Replicated),
}

impl AutomatedBackup<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Own(instance) => &instance.name.id,
            Self::Replicated(replicated) => &replicated.name.id,
        }
    }
}

/// The account's quotas in the Region, of which the lab has three.
pub(super) fn quotas(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&[])?;
    let inventory = call.service.inventory();
    let mut xml = Xml::default();
    xml.element("AccountQuotas", |xml| {
        for (name, used, most) in [
            ("DBInstances", inventory.instances_in(call.region), inventory.instance_quota),
            (
                "ManualClusterSnapshots",
                inventory.manual_cluster_snapshots(call.region),
                inventory.cluster_snapshot_quota,
            ),
            ("ManualSnapshots", inventory.manual_snapshots(call.region), inventory.snapshot_quota),
        ] {
            xml.element("AccountQuota", |xml| {
                xml.text("AccountQuotaName", name).text("Used", used).text("Max", most);
            });
        }
    });
    Ok(xml)
}

impl Call<'_> {
    /// Whether one of the filter's values is the name or its ARN.
    pub(super) fn is_named(&self, filter: &Filter<'_>, kind: ResourceKind, name: &Name) -> bool {
        let is =
            |value: &&str| kind.existing(self.region, &self.service.account, value).is_ok_and(|named| named == *name);
        filter.values.iter().any(is)
    }
}

/// The type asked for. Nothing is shared with the lab's account, nor managed by AWS Backup.
pub(super) fn snapshot_type(query: &Query) -> Result<Option<&str>, Fault> {
    match query.optional("SnapshotType") {
        Some(kind) if !["manual", "automated", "shared", "public", "awsbackup"].contains(&kind) => {
            Err(Fault::value("SnapshotType", kind, "manual, automated, shared, public or awsbackup"))
        }
        kind => Ok(kind),
    }
}

/// The request's filters, each of which must be one that the action knows.
pub(super) fn known<'q>(query: &'q Query, names: &[&str]) -> Result<Vec<Filter<'q>>, Fault> {
    let filters = query.filters()?;
    match filters.iter().find(|filter| !names.contains(&filter.name)) {
        None => Ok(filters),
        Some(filter) => {
            Err(Fault::new(Code::InvalidParameterValue, format!("Unrecognized filter name: {}", filter.name)))
        }
    }
}

/// Which part of a listing is asked for.
pub(super) struct Page {
    after: Option<String>,
    records: usize,
}

impl Page {
    /// A marker is the identifier that the page before ended with, behind a word that tells it
    /// from other texts.
    const MARK: &str = "after-";

    pub(super) fn asked(query: &Query) -> Result<Self, Fault> {
        let after = match query.optional("Marker") {
            None => None,
            Some(marker) => match marker.strip_prefix(Self::MARK) {
                Some(id) => Some(id.to_owned()),
                None => return Err(Fault::value("Marker", marker, "one that an answer gave")),
            },
        };
        let records = query.number("MaxRecords", 20..=100)?.unwrap_or(100);
        Ok(Self { after, records: usize::try_from(records).unwrap_or(100) })
    }

    /// The page of `all`, which are in the order of their identifiers, and the next one's marker.
    pub(super) fn cut<T>(&self, all: Vec<T>, id: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
        let is_seen = |item: &T| self.after.as_deref().is_some_and(|after| id(item) <= after);
        let mut rest: Vec<T> = all.into_iter().skip_while(is_seen).collect();
        if rest.len() <= self.records {
            return (rest, None);
        }
        rest.truncate(self.records);
        let marker = rest.last().map(|last| format!("{}{}", Self::MARK, id(last)));
        (rest, marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_everything_once() {
        let all: Vec<String> = (100..150).map(|n| format!("db{n}")).collect();
        let mut page = Page { after: None, records: 20 };
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let (shown, marker) = page.cut(all.clone(), |id| id);
            sizes.push(shown.len());
            seen.extend(shown);
            let Some(marker) = marker else { break };
            page.after = marker.strip_prefix(Page::MARK).map(ToOwned::to_owned);
        }
        assert_eq!(sizes, [20, 20, 10]);
        assert_eq!(seen, all);
    }

    #[test]
    fn a_full_last_page_has_no_marker() {
        let page = Page { after: None, records: 2 };
        assert_eq!(page.cut(vec!["a", "b"], |id| id), (vec!["a", "b"], None));
    }
}
