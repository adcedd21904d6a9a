//! What a schedule asks for that nobody can tell or do of a component, by its kind.

use std::collections::BTreeMap;

use super::super::finding::Finding;
use crate::{
    component::{ActiveSide, Complaint, Component, Kind},
    plan::{Backup, Plan},
};

/// Whether a schedule backs something up, and nothing of it can be restored.
pub(super) fn restores_nothing(plan: &Plan, backup: &Backup) -> bool {
    let is_left = |name| plan.component(name).is_some_and(|known| known.kind().restores().is_none());
    !backup.components.is_empty() && backup.components.iter().all(is_left)
}

pub(super) fn check(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    copies(plan, backup, path, found);
    if backup.alarm.as_ref().is_some_and(|alarm| alarm.smaller_than_bytes.is_some()) {
        for (noun, names) in without(plan, backup, |kind| kind.tells_size()) {
            let what = format!("how large the data of a {noun} is, is not known: it does not watch {names}");
            let remedy = format!("Back {noun}s up by a schedule of their own, without it.");
            found.push(Finding::warning(format!("{path}.alarm.smallerThanBytes"), what, remedy));
        }
    }
    if backup.verification.as_ref().is_some_and(|verification| verification.restore_test.is_some()) {
        for (noun, names) in without(plan, backup, |kind| kind.restores().is_some()) {
            let what = format!("restoring a {noun} is not supported yet: it does not prove the backups of {names}");
            let remedy = format!(
                "Back {noun}s up by a schedule of their own, without it, and restore one by hand from time to time."
            );
            let path = format!("{path}.verification.restoreTest");
            let finding = if restores_nothing(plan, backup) { Finding::error } else { Finding::warning };
            found.push(finding(path, what, remedy));
        }
    }
}

/// A schedule's components.
fn components<'p>(plan: &'p Plan, backup: &'p Backup) -> impl Iterator<Item = &'p Component> {
    backup.components.iter().filter_map(|name| plan.component(name))
}

/// Those components of a schedule that cannot do something, as a sentence lists them, by what each of them is.
fn without(plan: &Plan, backup: &Backup, can: fn(&dyn Kind) -> bool) -> BTreeMap<&'static str, String> {
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for component in components(plan, backup).filter(|component| !can(component.kind())) {
        names.entry(component.kind().noun()).or_default().push(format!("`{}`", component.name()));
    }
    names.into_iter().map(|(noun, names)| (noun, names.join(", "))).collect()
}

/// What stays in its Region is copied nowhere else.
fn copies(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    for component in components(plan, backup) {
        let Some(Complaint { what, remedy, .. }) = component.kind().stays_in_its_region() else { continue };
        let is_at_home = |region| {
            let sides = [ActiveSide::Primary, ActiveSide::Replica];
            sides.iter().all(|side| plan.region_of(plan.backed_up_on(component, *side)) == region)
        };
        if let Some(index) = backup.copies.iter().position(|copy| !is_at_home(&copy.region)) {
            found.push(Finding::error(format!("{path}.copies[{index}]"), what, remedy));
        }
    }
}
