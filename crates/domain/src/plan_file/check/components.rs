//! The components, each by its kind.

use std::collections::BTreeSet;

use super::{
    super::finding::{Finding, quoted},
    MOST_COMPONENTS, buckets,
};
use crate::{
    component::{Complaint, Component},
    plan::{Check, Plan},
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.components.len() as u64 > MOST_COMPONENTS {
        let what = format!("{} components are more than one run takes", plan.components.len());
        found.push(Finding::error("components", what, format!("Write plans of at most {MOST_COMPONENTS}.")));
    }
    let mut names = BTreeSet::new();
    for (index, component) in plan.components.iter().enumerate() {
        let path = format!("components[{index}]");
        if !names.insert(component.name()) {
            let what = format!("`{}` is another component's name too", component.name());
            found.push(Finding::error(format!("{path}.name"), what, "Give each component a name of its own."));
        }
        if component.kind().moves().is_some() {
            check_moves(plan, component, &path, found);
        } else if component.kind().snapshots().is_some() {
            check_is_backed_up(plan, component, &path, found);
        }
        check_checks(plan, component, &path, found);
        buckets::check(plan, component, &path, found);
        let complaints = component.kind().check(plan.side_regions());
        found.extend(complaints.into_iter().map(|complaint| finding(&path, complaint)));
    }
}

/// A kind's complaint, at the place of the component.
fn finding(path: &str, Complaint { is_error, field, what, remedy }: Complaint) -> Finding {
    let path = if field.is_empty() { path.to_owned() } else { format!("{path}.{field}") };
    if is_error { Finding::error(path, what, remedy) } else { Finding::warning(path, what, remedy) }
}

fn check_moves(plan: &Plan, component: &Component, path: &str, found: &mut Vec<Finding>) {
    let leads_astray = plan.traffic.iter().any(|traffic| plan.pair_of(traffic).is_none());
    if !leads_astray && plan.traffic.iter().all(|traffic| traffic.component != *component.name()) {
        let what = "no traffic leads to it: a failover leaves it where it is";
        found.push(Finding::warning(path, what, "Name it in `traffic`, with the record that its clients use."));
    }
}

/// A plan can do nothing else for what a failover does not move.
fn check_is_backed_up(plan: &Plan, component: &Component, path: &str, found: &mut Vec<Finding>) {
    if plan.schedules_of(component).next().is_none() {
        let noun = component.kind().noun();
        let what = format!("no schedule backs this {noun} up, and nothing else is done for a {noun}");
        found.push(Finding::warning(path, what, "Name it in the components of one of `backups`."));
    }
}

/// What is to tell whether something works is one of the plan's checks.
fn check_checks(plan: &Plan, component: &Component, path: &str, found: &mut Vec<Finding>) {
    let mut named = BTreeSet::new();
    for (index, check) in component.kind().checks().iter().enumerate() {
        let path = format!("{path}.checks[{index}]");
        if plan.verify.iter().all(|known| known.name() != check) {
            let names: Vec<&str> = plan.verify.iter().map(Check::name).collect();
            let remedy = match names.as_slice() {
                [] => "Write it under `verify`.".to_owned(),
                names => format!("Name one of `verify`: {}.", names.join(", ")),
            };
            found.push(Finding::error(&path, format!("`verify` has no check {}", quoted(check)), remedy));
        }
        if !named.insert(check) {
            found.push(Finding::error(&path, format!("{} is named twice", quoted(check)), "Name it once."));
        }
    }
}
