//! The plan's Regions.

use super::super::finding::Finding;
use crate::{
    plan::{Plan, Policy},
    synth::Place,
    words::{distance, id::Region},
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
}

/// A name that only looks like a Region's: whatever is to be done there fails when it is needed.
fn unknown(plan: &Plan, found: &mut Vec<Finding>) {
    let places = Place::of(plan).map(|(place, region)| (format!("regions.{}", place.name()), region));
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
