//! Clusters.

use super::super::finding::Finding;
use crate::{
    component::{ActiveSide, Cluster, ClusterEngine, Component},
    plan::{Backup, Plan},
};

/// A plan can do nothing else for a cluster than back it up.
pub(super) fn check(plan: &Plan, cluster: &Cluster, path: &str, found: &mut Vec<Finding>) {
    if !plan.backups.iter().any(|backup| backup.components.contains(&cluster.name)) {
        let what = "no schedule backs this cluster up, and nothing else is done for a cluster";
        found.push(Finding::warning(path, what, "Name it in the components of one of `backups`."));
    }
}

/// Whether a schedule backs up clusters and nothing else.
pub(super) fn are_all_of(plan: &Plan, backup: &Backup) -> bool {
    let is_cluster = |name| matches!(plan.component(name), Some(Component::Cluster(_)));
    !backup.components.is_empty() && backup.components.iter().all(is_cluster)
}

/// What a schedule asks for that nobody can tell or do of a cluster.
pub(super) fn schedule(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let name = |component: &Component| match component {
        Component::Cluster(cluster) => Some(format!("`{}`", cluster.name)),
        Component::PostgresPair(_) => None,
    };
    let named = backup.components.iter().filter_map(|name| plan.component(name));
    let clusters: Vec<String> = named.filter_map(name).collect();
    if clusters.is_empty() {
        return;
    }
    let clusters = clusters.join(", ");
    neptune(plan, backup, path, found);
    if backup.alarm.as_ref().is_some_and(|alarm| alarm.smaller_than_bytes.is_some()) {
        let what = format!("how large the data of a cluster is, is not known: it does not watch {clusters}");
        let remedy = "Back clusters up by a schedule of their own, without it.";
        found.push(Finding::warning(format!("{path}.alarm.smallerThanBytes"), what, remedy));
    }
    if backup.verification.as_ref().is_some_and(|verification| verification.restore_test.is_some()) {
        let what = format!("restoring a cluster is not supported yet: it does not prove the backups of {clusters}");
        let remedy =
            "Back clusters up by a schedule of their own, without it, and restore one by hand from time to time.";
        let path = format!("{path}.verification.restoreTest");
        let finding = if are_all_of(plan, backup) { Finding::error } else { Finding::warning };
        found.push(finding(path, what.as_str(), remedy));
    }
}

/// Neptune copies its snapshots within a Region only.
fn neptune(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    for component in backup.components.iter().filter_map(|name| plan.component(name)) {
        let Component::Cluster(cluster @ Cluster { engine: ClusterEngine::Neptune, .. }) = component else { continue };
        let is_at_home = |region| {
            [ActiveSide::Primary, ActiveSide::Replica].iter().all(|side| plan.region_of(cluster.on(*side).0) == region)
        };
        if let Some(index) = backup.copies.iter().position(|copy| !is_at_home(&copy.region)) {
            let what =
                format!("Neptune copies no snapshot to another Region: `{}` would have no such backup", cluster.name);
            let remedy =
                "Back it up by a schedule of its own without copies, and export its data for the other Region.";
            found.push(Finding::error(format!("{path}.copies[{index}]"), what, remedy));
        }
    }
}
