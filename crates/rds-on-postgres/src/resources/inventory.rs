//! All that the account has: instances, clusters and snapshots, by Region.

mod clusters;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use tracing::warn;

use crate::fault::{Code, Fault};
use crate::postgres::ingress::{ClosedGroups, Ingress};
use crate::postgres::server::Server;
use crate::resources::cluster::Cluster;
use crate::resources::instance::{Instance, Status};
use crate::resources::name::{Name, ResourceKind};
use crate::resources::replicated::Replicated;
use crate::resources::snapshot::{Snapshot, SnapshotKind, SnapshotStatus};

/// What exists now.
pub(crate) struct Inventory {
    pub(crate) instances: BTreeMap<Name, Instance>,
    pub(crate) snapshots: BTreeMap<Name, Snapshot>,
    pub(crate) clusters: BTreeMap<Name, Cluster>,
    pub(crate) cluster_snapshots: BTreeMap<Name, Snapshot>,
    /// Automated backups that are replicated from another Region, by their names in this one.
    pub(crate) replicated: BTreeMap<Name, Replicated>,
    /// The security groups of each Region that do not let everybody in, as last heard.
    closed_groups: BTreeMap<String, ClosedGroups>,
    /// How many manual snapshots a Region may have.
    pub(crate) snapshot_quota: usize,
    /// How many manual snapshots of clusters a Region may have.
    pub(crate) cluster_snapshot_quota: usize,
    /// How many instances a Region may have.
    pub(crate) instance_quota: usize,
    /// How many copies from other Regions may be under way into a Region, of instances' snapshots and of clusters' each.
    pub(crate) copy_quota: usize,
}

// What an account has unless it is raised.
// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html>
const SNAPSHOT_QUOTA: usize = 100;
const INSTANCE_QUOTA: usize = 40;
const COPY_QUOTA: usize = 20;

impl Default for Inventory {
    fn default() -> Self {
        Self {
            instances: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            clusters: BTreeMap::new(),
            cluster_snapshots: BTreeMap::new(),
            replicated: BTreeMap::new(),
            closed_groups: BTreeMap::new(),
            snapshot_quota: SNAPSHOT_QUOTA,
            cluster_snapshot_quota: SNAPSHOT_QUOTA,
            instance_quota: INSTANCE_QUOTA,
            copy_quota: COPY_QUOTA,
        }
    }
}

impl Inventory {
    /// Every server of the Regions, whatever it is behind.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        let clusters = self.clusters.values().map(|cluster| &cluster.server);
        self.instances.values().map(|instance| &instance.server).chain(clusters)
    }

    /// How many snapshots a Region has that callers asked for.
    pub(crate) fn manual_snapshots(&self, region: &str) -> usize {
        let counts = |snapshot: &&Snapshot| snapshot.kind == SnapshotKind::Manual && snapshot.name.region == region;
        self.snapshots.values().filter(counts).count()
    }

    /// How many instances a Region has, whatever their status.
    pub(crate) fn instances_in(&self, region: &str) -> usize {
        self.instances.keys().filter(|name| name.region == region).count()
    }

    pub(crate) fn instance(&self, name: &Name) -> Result<&Instance, Fault> {
        self.instances.get(name).ok_or_else(|| ResourceKind::Instance.not_found(&name.id))
    }

    pub(crate) fn instance_mut(&mut self, name: &Name) -> Result<&mut Instance, Fault> {
        self.instances.get_mut(name).ok_or_else(|| ResourceKind::Instance.not_found(&name.id))
    }

    pub(crate) fn snapshot(&self, name: &Name) -> Result<&Snapshot, Fault> {
        self.snapshots.get(name).ok_or_else(|| ResourceKind::Snapshot.not_found(&name.id))
    }

    pub(crate) fn replicated(&self, name: &Name) -> Result<&Replicated, Fault> {
        self.replicated.get(name).ok_or_else(|| ResourceKind::AutomatedBackup.not_found(&name.id))
    }

    /// Where an instance's automated backups are replicated to: to one Region at most.
    pub(crate) fn replicated_to(&self, source: &Name) -> Option<&Name> {
        let mut all = self.replicated.values();
        all.find(|replicated| replicated.is_fed && replicated.source == *source).map(|replicated| &replicated.name)
    }

    /// Refuses an instance whose identifier is taken, and one more than a Region may have.
    pub(crate) fn admits_instance(&self, name: &Name) -> Result<(), Fault> {
        if self.instances.contains_key(name) {
            return Err(Fault::new(Code::DbInstanceAlreadyExists, format!("DB instance {} already exists.", name.id)));
        }
        if self.instances_in(&name.region) >= self.instance_quota {
            return Err(Fault::new(
                Code::InstanceQuotaExceeded,
                format!("Cannot create more than {} DB instances.", self.instance_quota),
            ));
        }
        Ok(())
    }

    /// Refuses a caller's snapshot whose identifier is taken, and one more than a Region may have.
    pub(crate) fn admits_snapshot(&self, name: &Name) -> Result<(), Fault> {
        if self.snapshots.contains_key(name) {
            return Err(Fault::new(
                Code::DbSnapshotAlreadyExists,
                format!(
                    "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
                    name.id
                ),
            ));
        }
        if self.manual_snapshots(&name.region) >= self.snapshot_quota {
            return Err(Fault::new(
                Code::SnapshotQuotaExceeded,
                format!("Cannot create more than {} manual snapshots.", self.snapshot_quota),
            ));
        }
        Ok(())
    }

    /// Refuses one more copy from another Region than may be under way into a Region, in RDS's words.
    /// <https://github.com/pbudzon/aws-maintenance/issues/19>
    pub(crate) fn admits_copy(&self, snapshots: &BTreeMap<Name, Snapshot>, of: &Name, to: &Name) -> Result<(), Fault> {
        let under_way = snapshots.values().filter(|copy| {
            let from_elsewhere = copy.copied_from.as_ref().is_some_and(|source| source.region != to.region);
            from_elsewhere && copy.name.region == to.region && copy.status == SnapshotStatus::Creating
        });
        if of.region == to.region || under_way.count() < self.copy_quota {
            return Ok(());
        }
        let message = format!("Cannot copy more than {} snapshots across regions", self.copy_quota);
        Err(Fault::new(Code::SnapshotQuotaExceeded, message))
    }

    /// Lets the copies under way of such sources fail.
    pub(crate) fn break_off_copies(&mut self, of: impl Fn(&Name) -> bool) {
        break_off(&mut self.snapshots, of);
    }

    /// The same for snapshots of clusters.
    pub(crate) fn break_off_cluster_copies(&mut self, of: impl Fn(&Name) -> bool) {
        break_off(&mut self.cluster_snapshots, of);
    }

    /// The instances that follow `source`.
    pub(crate) fn replicas_of(&self, source: &Name) -> impl Iterator<Item = &Instance> {
        self.instances.values().filter(move |instance| instance.source.as_ref() == Some(source))
    }

    /// The first address from `first` to the end of its network that no instance has.
    pub(crate) fn free_address(&self, first: Ipv4Addr) -> Result<Ipv4Addr, Fault> {
        let taken: BTreeSet<Ipv4Addr> = self.servers().map(|server| server.address).collect();
        let [a, b, c, d] = first.octets();
        (d..255).map(|last| Ipv4Addr::new(a, b, c, last)).find(|address| !taken.contains(address)).ok_or_else(|| {
            Fault::new(Code::InsufficientDbInstanceCapacity, "The lab has no address left for another DB instance.")
        })
    }

    /// Records which security groups of the Region do not let everybody in, and makes it so.
    pub(crate) fn close_groups(&mut self, region: &str, groups: ClosedGroups) {
        if self.closed_groups.insert(region.to_owned(), groups.clone()).unwrap_or_default() == groups {
            return;
        }
        for instance in self.instances.values().filter(|instance| instance.name.region == region) {
            self.set_ingress(instance);
        }
    }

    /// Opens or closes the instance's ingress as its security groups say. Done while the inventory is
    /// held, so that of two changes the newer one is what stands in the end.
    pub(crate) fn set_ingress(&self, instance: &Instance) {
        let closed = self.closed_groups.get(&instance.name.region);
        let ingress = closed.map_or(Ingress::Everybody, |closed| closed.ingress(&instance.traits.groups));
        if let Err(error) = instance.server.set_ingress(ingress) {
            warn!(instance.id = %instance.name, ?ingress, %error, "could not apply the security groups");
        }
    }

    /// Changes the status of an instance that may be gone by now.
    pub(crate) fn set_status(&mut self, name: &Name, status: Status) {
        if let Some(instance) = self.instances.get_mut(name) {
            instance.status = status;
        }
    }
}

fn break_off(snapshots: &mut BTreeMap<Name, Snapshot>, of: impl Fn(&Name) -> bool) {
    for copy in snapshots.values_mut().filter(|snapshot| snapshot.copied_from.as_ref().is_some_and(&of)) {
        if copy.status == SnapshotStatus::Creating
            && let Some(copying) = &copy.copying
        {
            copying.break_off();
            copy.status = SnapshotStatus::Failed;
        }
    }
}
