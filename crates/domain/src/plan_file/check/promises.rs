//! What was promised by tier and by what fails, against the plan's own numbers and against each other.

use std::collections::BTreeSet;

use super::{super::finding::Finding, objectives};
use crate::{
    component::Component,
    plan::{Backup, Disaster, FailureObjective, Plan, Tier},
    words::time_span::TimeSpan,
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    tiers(plan, found);
    components(plan, found);
    failures(plan, found);
    review(plan, found);
}

fn tiers(plan: &Plan, found: &mut Vec<Finding>) {
    let mut names = BTreeSet::new();
    for (index, tier) in plan.objectives.tiers.iter().enumerate() {
        let path = format!("objectives.tiers[{index}]");
        if !names.insert(&tier.name) {
            let what = format!("`{}` is named twice", tier.name);
            found.push(Finding::error(format!("{path}.name"), what, "Give each tier a name of its own."));
        }
        objectives::availability(tier.availability_percent, tier.rto, &path, found);
        if members(plan, tier).any(|component| component.kind().moves().is_some()) {
            moved(plan, tier, &path, found);
        }
        kept(plan, tier, &path, found);
    }
}

/// The components that share a tier's promises.
fn members<'p>(plan: &'p Plan, tier: &'p Tier) -> impl Iterator<Item = &'p Component> {
    plan.components.iter().filter(|component| component.kind().tier() == Some(&tier.name))
}

/// A pair of the tier is failed over by the plan's own numbers.
fn moved(plan: &Plan, tier: &Tier, path: &str, found: &mut Vec<Finding>) {
    let ttl = plan.traffic.iter().map(|traffic| traffic.record.ttl).max().unwrap_or_default();
    let (detection, rto) = (plan.detection(), tier.rto);
    if rto < detection + ttl {
        let what = format!(
            "{rto} is shorter than detection ({detection}) and the record's TTL ({ttl}) together, before anything is recovered"
        );
        let remedy = "Promise a longer RTO, or shorten probe.interval, failuresInARow, holdDown or the TTL.";
        found.push(Finding::error(format!("{path}.rto"), what, remedy));
    }
    let budget = plan.failover.data_loss_budget.time;
    if budget > tier.rpo {
        let what =
            format!("{} may be lost, and failover.dataLossBudget.time lets {budget} go without asking", tier.rpo);
        let remedy = "Lower the budget to the tier's RPO, or promise a longer RPO: a read replica in another Region is \
            asynchronous.";
        found.push(Finding::error(format!("{path}.rpo"), what, remedy));
    }
}

/// The law's years, against what a cleanup leaves.
fn kept(plan: &Plan, tier: &Tier, path: &str, found: &mut Vec<Finding>) {
    let Some(keep) = tier.keep.filter(|_| plan.cleanup.as_ref().is_some_and(|cleanup| cleanup.apply)) else { return };
    for component in members(plan, tier) {
        let longest = schedules_of(plan, component)
            .filter_map(|(_, backup)| Some((backup.retention.reach(backup.schedule.longest_wait()?), &backup.name)));
        if let Some((reach, schedule)) = longest.max().filter(|(reach, _)| *reach < keep) {
            let what = format!(
                "backups of `{}` are to be kept for {}, and the cleanup deletes the last of `{schedule}` after {}",
                component.name(),
                keep.roughly(),
                reach.roughly()
            );
            let remedy = "Keep some for that long, as `yearly: {newest: 7}`, or shorten `keep`.";
            found.push(Finding::warning(format!("{path}.keep"), what, remedy));
        }
    }
}

/// The schedules that back a component up, with their places in the plan.
fn schedules_of<'p>(plan: &'p Plan, component: &'p Component) -> impl Iterator<Item = (usize, &'p Backup)> {
    let all = plan.backups.iter().enumerate();
    all.filter(|(_, backup)| backup.components.contains(component.name()))
}

fn components(plan: &Plan, found: &mut Vec<Finding>) {
    for (index, component) in plan.components.iter().enumerate() {
        let Some(name) = component.kind().tier() else { continue };
        let path = format!("components[{index}].tier");
        match plan.objectives.tier(name) {
            None => found.push(Finding::error(path, format!("there is no tier `{name}`"), tier_names(plan))),
            Some(tier) => cadence(plan, component, tier, &path, found),
        }
    }
}

fn tier_names(plan: &Plan) -> String {
    let names: Vec<String> = plan.objectives.tiers.iter().map(|tier| tier.name.to_string()).collect();
    if names.is_empty() {
        return "Write it under objectives.tiers, with its RTO and RPO.".to_owned();
    }
    format!("Name one of: {}.", names.join(", "))
}

/// What only backups hold is lost back to the last one.
fn cadence(plan: &Plan, component: &Component, tier: &Tier, path: &str, found: &mut Vec<Finding>) {
    if component.kind().replicates() {
        return;
    }
    let waits =
        schedules_of(plan, component).filter_map(|(_, backup)| Some((backup.schedule.longest_wait()?, &backup.name)));
    let Some((wait, schedule)) = waits.min() else { return };
    if wait >= tier.rpo {
        let what = format!(
            "tier `{}` may lose {}, and up to {wait} pass between two backups of `{}` by `{schedule}`, and then the next \
             one takes its time",
            tier.name,
            tier.rpo,
            component.name()
        );
        found.push(Finding::warning(path, what, "Back it up more often, or promise a longer RPO."));
    }
}

fn failures(plan: &Plan, found: &mut Vec<Finding>) {
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
        against_tiers(plan, failure, &path, found);
    }
}

/// A tier promises whatever fails, so that no failure may take longer.
fn against_tiers(plan: &Plan, failure: &FailureObjective, path: &str, found: &mut Vec<Finding>) {
    let hit =
        plan.objectives.tiers.iter().filter(|tier| members(plan, tier).any(|component| hits(failure.class, component)));
    let hit: Vec<&Tier> = hit.collect();
    for (field, of_failure, of_tier) in
        [("rto", failure.rto, (|tier| tier.rto) as fn(&Tier) -> TimeSpan), ("rpo", failure.rpo, |tier| tier.rpo)]
    {
        let shorter = hit.iter().filter(|tier| of_tier(tier) < of_failure);
        let shorter: Vec<String> =
            shorter.map(|tier| format!("tier `{}` promises {}", tier.name, of_tier(tier))).collect();
        if !shorter.is_empty() {
            let verb = if field == "rto" { "may take" } else { "may lose" };
            let what = format!("a failure of class {} {verb} {of_failure}, but {}", failure.class, shorter.join(", "));
            let remedy = "Make them one: whoever is in that tier counts on its promise, whatever fails.";
            found.push(Finding::warning(format!("{path}.{field}"), what, remedy));
        }
    }
}

/// Whether what fails takes a component with it.
fn hits(class: Disaster, component: &Component) -> bool {
    match class {
        Disaster::Database => component.kind().moves().is_some(),
        Disaster::Zone | Disaster::Region | Disaster::SeveralRegions => true,
        Disaster::Application | Disaster::Network | Disaster::Corruption | Disaster::Breach | Disaster::Deletion => {
            false
        }
    }
}

/// The longest name of whoever answers for a plan.
const LONGEST_OWNER_CHARS: usize = 100;

fn review(plan: &Plan, found: &mut Vec<Finding>) {
    if let Some(owner) = &plan.owner
        && (owner.trim().is_empty()
            || owner.chars().any(char::is_control)
            || owner.chars().count() > LONGEST_OWNER_CHARS)
    {
        let remedy = format!("Name a person, a team or a role in {LONGEST_OWNER_CHARS} characters.");
        found.push(Finding::error("owner", "it is empty, long, or holds line breaks", remedy));
    }
    if plan.review_by.is_some() && plan.owner.is_none() {
        let what = "nobody is named who reviews it";
        found.push(Finding::warning("reviewBy", what, "Name who answers for the plan as its `owner`."));
    }
}

#[cfg(test)]
mod tests;
