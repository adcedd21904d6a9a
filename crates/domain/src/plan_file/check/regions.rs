//! The plan's Regions.

use super::super::finding::Finding;
use crate::{
    plan::{Plan, Policy},
    words::id::Region,
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let regions = &plan.regions;
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
