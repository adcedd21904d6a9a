//! The plan's Regions.

use super::super::finding::Finding;
use crate::{
    component::{Component, NextSide},
    plan::{Plan, Policy, Regions},
    synth::Place,
    words::{
        distance,
        id::{ComponentName, Region},
    },
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let regions = &plan.regions;
    unknown(plan, found);
    if regions.recovery == regions.primary {
        let what = format!("it is `{}`, the primary Region too", regions.recovery);
        found.push(Finding::error("regions.recovery", what, "Name another Region: this one may be lost as a whole."));
    } else if partition(&regions.recovery) != partition(&regions.primary) {
        let what = format!("`{}` and `{}` are in different partitions of AWS", regions.recovery, regions.primary);
        found.push(Finding::error(
            "regions.recovery",
            what,
            "Name a Region of the same partition: RDS replicates within one.",
        ));
    }
    witness(plan, found);
    next(plan, found);
}

/// The most further recovery Regions: a snapshot is copied to each.
const MOST_NEXT: usize = 5;

/// Further recovery Regions: each another one, and one where there is something to restore.
fn next(plan: &Plan, found: &mut Vec<Finding>) {
    let Regions { primary, recovery, next, .. } = &plan.regions;
    if next.len() > MOST_NEXT {
        let what = format!("{} further recovery Regions are more than a plan has", next.len());
        found.push(Finding::error("regions.next", what, format!("Name at most {MOST_NEXT}.")));
    }
    for (index, region) in next.iter().enumerate() {
        let path = format!("regions.next[{index}]");
        let others = [(primary, "the primary Region"), (recovery, "the recovery Region")];
        let named = others.into_iter().find(|(other, _)| *other == region).map(|(_, what)| what);
        let twice = next[..index].contains(region).then_some("named before it");
        if let Some(what) = named.or(twice) {
            let what = format!("`{region}` is {what} too");
            found.push(Finding::error(&path, what, "Name a further Region, each once."));
            continue;
        }
        if partition(region) != partition(primary) {
            let what = format!("`{region}` and `{primary}` are in different partitions of AWS");
            found.push(Finding::error(&path, what, "Name a Region of the same partition: RDS copies within one."));
        }
        restored_in(plan, region, &path, found);
    }
    for (index, component) in plan.components.iter().enumerate() {
        let sides = component.kind().restores().into_iter().flat_map(|pair| pair.next.iter().enumerate());
        for (side, NextSide { region, .. }) in sides.filter(|(_, side)| !next.contains(&side.region)) {
            let path = format!("components[{index}].next[{side}].region");
            let what = format!("`{region}` is none of regions.next");
            found.push(Finding::error(path, what, "Name it there as well, or name one of those."));
        }
    }
}

/// What lies in a further recovery Region, and whether it can be restored there.
fn restored_in(plan: &Plan, region: &Region, path: &str, found: &mut Vec<Finding>) {
    let copied = |component: &&Component| {
        plan.schedules_of(component).any(|backup| backup.copies.iter().any(|copy| copy.region == *region))
    };
    let names = |of: Vec<&ComponentName>| of.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let kept = || plan.components.iter().filter(|component| component.kind().snapshots().is_some());
    let here: Vec<&ComponentName> = kept().filter(copied).map(Component::name).collect();
    let elsewhere: Vec<&ComponentName> = kept().filter(|component| !copied(component)).map(Component::name).collect();
    if here.is_empty() {
        let remedy = "Add it to `copies` of a schedule, or take it out.";
        return found.push(Finding::warning(path, "no backup is copied to it: there is nothing to restore", remedy));
    }
    if !elsewhere.is_empty() {
        let what = format!("no backup of {} is copied to it", names(elsewhere));
        found.push(Finding::warning(path, what, "Add it to `copies` of a schedule that backs them up."));
    }
    let unsaid = kept().filter(copied).filter_map(|component| component.kind().restores());
    let unsaid: Vec<_> = unsaid.filter(|pair| pair.next_in(region).is_none()).map(|pair| &pair.name).collect();
    if !unsaid.is_empty() {
        let what =
            format!("it is not said what {} is restored as there, so that no order can restore it", names(unsaid));
        found.push(Finding::warning(path, what, "Add it to `next` of the pair, with its security group and class."));
    }
}

/// A name that only looks like a Region's: whatever is to be done there fails when it is needed.
fn unknown(plan: &Plan, found: &mut Vec<Finding>) {
    let places = Place::of(plan).map(|(place, region)| (format!("regions.{}", place.name()), region));
    let next = plan.regions.next.iter().enumerate();
    let places = places.chain(next.map(|(index, region)| (format!("regions.next[{index}]"), region)));
    let copies = plan.backups.iter().enumerate().flat_map(|(index, backup)| {
        let copies = backup.copies.iter().enumerate();
        copies.map(move |(copy, to)| (format!("backups[{index}].copies[{copy}].region"), &to.region))
    });
    for (path, region) in places.chain(copies).filter(|(_, region)| !distance::is_known(region)) {
        let remedy =
            "Name one of AWS's Regions, as us-east-2. One that is newer than this release needs a newer release.";
        found.push(Finding::error(path, format!("AWS has no Region `{region}`"), remedy));
    }
}

fn witness(plan: &Plan, found: &mut Vec<Finding>) {
    let regions = &plan.regions;
    let others = [("primary", &regions.primary), ("recovery", &regions.recovery)];
    match &regions.witness {
        Some(witness) => {
            for (name, _) in others.into_iter().filter(|(_, region)| *region == witness) {
                let what = format!("it is `{witness}`, the {name} Region too");
                found.push(Finding::error(
                    "regions.witness",
                    what,
                    "Name a third Region: it is there to look from somewhere else.",
                ));
            }
        }
        None => {
            let policy = &plan.failover.policy;
            for (name, answer) in [("region", policy.region), ("zone", policy.zone)] {
                if answer == Policy::Automatic {
                    let what = format!("it is missing, and failover.policy.{name} is automatic");
                    let remedy =
                        format!("Name a third Region to look from, or set failover.policy.{name} to approval.");
                    found.push(Finding::error("regions.witness", what, remedy));
                }
            }
        }
    }
}

/// The part of AWS that a Region belongs to. Nothing replicates from one to another.
pub(super) fn partition(region: &Region) -> &'static str {
    let code = region.as_str();
    match code {
        _ if code.starts_with("us-gov-") => "aws-us-gov",
        _ if code.starts_with("cn-") => "aws-cn",
        _ => "aws",
    }
}
