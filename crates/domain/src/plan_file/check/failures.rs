//! What was promised by what fails, against tiers and against what the plan does then.

use std::collections::BTreeSet;

use super::{super::finding::Finding, promises::is_a_line};
use crate::{
    component::{ActiveSide, Component},
    plan::{Disaster, FailureClass, FailureObjective, Plan, Policy},
    words::{id::TierName, time_span::TimeSpan, when::NEWEST_POINT},
};

/// The longest name of a severity.
const LONGEST_LEVEL_CHARS: usize = 40;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let mut classes = BTreeSet::new();
    for (index, failure) in plan.objectives.failures.iter().enumerate() {
        let path = format!("objectives.failures[{index}]");
        if !classes.insert(failure.class) {
            let what = format!("`{}` is named twice", failure.class);
            found.push(Finding::error(format!("{path}.class"), what, "Promise one RTO and one RPO for each class."));
        }
        if failure.rpo == TimeSpan::default() && failure.class.moves_to_the_replica() {
            let what = "nothing may be lost, but a read replica in another Region is asynchronous";
            found.push(Finding::warning(format!("{path}.rpo"), what, "Promise an RPO above zero."));
        }
        if failure.level.as_ref().is_some_and(|level| !is_a_line(level, LONGEST_LEVEL_CHARS)) {
            let remedy = format!("Say it in {LONGEST_LEVEL_CHARS} characters, as level-3.");
            found.push(Finding::error(format!("{path}.level"), "it is empty, long, or holds line breaks", remedy));
        }
        against_wider_ones(plan, failure, &path, found);
        against_tiers(plan, failure, &path, found);
        against_the_answer(plan, failure, &path, found);
        against_what_is_restored(plan, failure, &path, found);
    }
}

/// Each of these takes the one before with it.
const WIDER: [Disaster; 3] = [Disaster::Zone, Disaster::Region, Disaster::SeveralRegions];

/// What is gone with more than itself cannot be back sooner than alone.
fn against_wider_ones(plan: &Plan, failure: &FailureObjective, path: &str, found: &mut Vec<Finding>) {
    let Some(width) = WIDER.iter().position(|class| *class == failure.class) else { return };
    let wider = plan.objectives.failures.iter().filter(|other| WIDER[width + 1..].contains(&other.class));
    for other in wider {
        for (field, verb, of_it, of_the_wider) in
            [("rto", "may take", failure.rto, other.rto), ("rpo", "may lose", failure.rpo, other.rpo)]
        {
            if of_it > of_the_wider {
                let what = format!(
                    "a failure of class {} {verb} {of_it}, and one of class {}, which takes it along, {of_the_wider}",
                    failure.class, other.class
                );
                let remedy = "Promise no more for the wider failure than for what it takes along.";
                found.push(Finding::warning(format!("{path}.{field}"), what, remedy));
            }
        }
    }
}

/// A tier promises whatever fails, and so does the plan for what is of no tier: no failure may take longer.
fn against_tiers(plan: &Plan, failure: &FailureObjective, path: &str, found: &mut Vec<Finding>) {
    let hit = plan.components.iter().filter(|component| hits(failure.class, component));
    let promisers: BTreeSet<Option<&TierName>> = hit.map(|component| component.kind().tier()).collect();
    for (field, of_failure) in [("rto", failure.rto), ("rpo", failure.rpo)] {
        let less = promisers.iter().filter_map(|name| {
            let (who, rto, rpo) = match name {
                None => ("the plan".to_owned(), plan.objectives.rto, plan.objectives.rpo),
                Some(name) => {
                    let tier = plan.objectives.tier(name)?;
                    (format!("tier `{name}`"), tier.rto, tier.rpo)
                }
            };
            let promised = if field == "rto" { rto } else { rpo };
            (promised < of_failure).then(|| format!("{who} promises {promised}"))
        });
        let less: Vec<String> = less.collect();
        if !less.is_empty() {
            let verb = if field == "rto" { "may take" } else { "may lose" };
            let what = format!("a failure of class {} {verb} {of_failure}, but {}", failure.class, less.join(", "));
            let remedy = "Make them one: whoever was promised that counts on it, whatever fails.";
            found.push(Finding::warning(format!("{path}.{field}"), what, remedy));
        }
    }
}

/// Whether what fails takes a component with it.
fn hits(class: Disaster, component: &Component) -> bool {
    match class {
        Disaster::Database => component.kind().moves().is_some(),
        Disaster::Zone
        | Disaster::Region
        | Disaster::SeveralRegions
        | Disaster::Corruption
        | Disaster::Breach
        | Disaster::Deletion => true,
        // Where the database goes on, no promise of its own is broken.
        Disaster::Application | Disaster::Network => false,
    }
}

/// What the plan answers takes its time, or is nothing at all.
fn against_the_answer(plan: &Plan, failure: &FailureObjective, path: &str, found: &mut Vec<Finding>) {
    let (class, name) = match failure.class {
        Disaster::Database => (FailureClass::Database, "database"),
        Disaster::Zone => (FailureClass::Zone, "zone"),
        Disaster::Region => (FailureClass::Region, "region"),
        Disaster::SeveralRegions => (FailureClass::SeveralRegions, "severalRegions"),
        // No policy answers the others by moving a database.
        Disaster::Application | Disaster::Network | Disaster::Corruption | Disaster::Breach | Disaster::Deletion => {
            return;
        }
    };
    let path = format!("{path}.rto");
    if let Some(expected) = plan.failover.expected.filter(|expected| *expected > failure.rto) {
        let what =
            format!("{} is promised, and a failover is expected to take {expected} (failover.expected)", failure.rto);
        let remedy = "Make them one: expect what drills measured, or promise a longer RTO.";
        found.push(Finding::warning(path.clone(), what, remedy));
    }
    let deadline = match plan.failover.policy.of(class) {
        Policy::Never => {
            let what = format!("{} is promised, and failover.policy.{name} is never", failure.rto);
            let remedy = "Set it to automatic or approval, or promise nothing for it.";
            return found.push(Finding::warning(path, what, remedy));
        }
        Policy::Approval => plan.failover.approval_deadline,
        Policy::Automatic => TimeSpan::default(),
    };
    let (detection, ttl) = (plan.detection_of(class), plan.longest_ttl());
    if failure.rto < detection + deadline + ttl {
        let asked = if deadline == TimeSpan::default() {
            String::new()
        } else {
            format!(", the time that a person has ({deadline})")
        };
        let what = format!(
            "{} is shorter than detection ({detection}){asked} and the record's TTL ({ttl}) together",
            failure.rto
        );
        found.push(Finding::warning(path, what, "Promise a longer RTO, or shorten one of them."));
    }
}

/// What was damaged or deleted comes back as it was at some time before.
fn against_what_is_restored(plan: &Plan, failure: &FailureObjective, path: &str, found: &mut Vec<Finding>) {
    if !failure.class.is_undone_by_a_backup() {
        return;
    }
    for component in &plan.components {
        let waits = || plan.schedules_of(component).filter_map(|backup| backup.schedule.longest_wait());
        let (reach, how) = match component.kind().points_in_time(ActiveSide::Primary) {
            Some(_) => (Some(NEWEST_POINT), "RDS restores it to a time"),
            None => (waits().min(), "its backups are made"),
        };
        if let Some(reach) = reach.filter(|reach| *reach > failure.rpo) {
            let what = format!(
                "{} may be lost in a {}, and `{}` comes back as it was up to {reach} before: so often {how}",
                failure.rpo,
                failure.class,
                component.name()
            );
            found.push(Finding::warning(
                format!("{path}.rpo"),
                what,
                "Promise a longer RPO, or back it up more often.",
            ));
        }
    }
}

#[cfg(test)]
mod tests;
