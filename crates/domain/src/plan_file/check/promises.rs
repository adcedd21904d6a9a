//! What was promised by tier, and by whom, against the plan's own numbers.

use std::collections::BTreeSet;

use super::{
    super::finding::Finding,
    objectives::{self, Promise},
};
use crate::{
    component::Component,
    plan::{Plan, Tier},
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    tiers(plan, found);
    components(plan, found);
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
        let traffic: Vec<_> = plan
            .traffic
            .iter()
            .enumerate()
            .filter(|(_, traffic)| members(plan, tier).any(|component| *component.name() == traffic.component))
            .collect();
        if !traffic.is_empty() {
            objectives::moved(plan, &Promise { path: path.clone(), rto: tier.rto, rpo: tier.rpo, traffic }, found);
        }
        texts(tier, &path, found);
        kept(plan, tier, &path, found);
    }
}

/// The components that share a tier's promises.
fn members<'p>(plan: &'p Plan, tier: &'p Tier) -> impl Iterator<Item = &'p Component> {
    plan.components.iter().filter(|component| component.kind().tier() == Some(&tier.name))
}

/// The longest name of a service or of data.
const LONGEST_TEXT_CHARS: usize = 100;

/// What people read on the plan's page.
fn texts(tier: &Tier, path: &str, found: &mut Vec<Finding>) {
    let all = [("services", &tier.services), ("data", &tier.data)];
    for (field, texts) in all {
        for index in
            texts.iter().enumerate().filter(|(_, text)| !is_a_line(text, LONGEST_TEXT_CHARS)).map(|(index, _)| index)
        {
            let remedy = format!("Say it in one line of at most {LONGEST_TEXT_CHARS} characters.");
            let path = format!("{path}.{field}[{index}]");
            found.push(Finding::error(path, "it is empty, long, or holds line breaks", remedy));
        }
    }
}

/// Whether a text is one line that says something.
pub(super) fn is_a_line(text: &str, most_chars: usize) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control) && text.chars().count() <= most_chars
}

/// How far back backups are to reach, against what a cleanup leaves.
fn kept(plan: &Plan, tier: &Tier, path: &str, found: &mut Vec<Finding>) {
    let Some(keep) = tier.keep.filter(|_| plan.cleanup.as_ref().is_some_and(|cleanup| cleanup.apply)) else { return };
    for component in members(plan, tier) {
        let longest = plan.schedules_of(component).filter_map(|backup| Some((backup.reach()?, &backup.name)));
        if let Some((reach, schedule)) = longest.max().filter(|(reach, _)| *reach < keep) {
            let what = format!(
                "backups of `{}` are to reach back {}, and the cleanup leaves none of `{schedule}` that is older than {}",
                component.name(),
                keep.roughly(),
                reach.roughly()
            );
            let remedy = "Keep some for that long, as `yearly: {newest: 8}` for seven years, or shorten `keep`.";
            found.push(Finding::warning(format!("{path}.keep"), what, remedy));
        }
    }
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
    // Together, several may leave less time between two backups than each of them.
    let mut schedules = plan.schedules_of(component);
    let (Some(backup), None) = (schedules.next(), schedules.next()) else { return };
    let (Some(wait), schedule) = (backup.schedule.longest_wait(), &backup.name) else { return };
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
