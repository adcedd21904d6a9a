//! The application's names that a run did not move, for the person who moves them.

use std::fmt;

use super::Switch;
use crate::{
    plan::{MovedName, PairPlan},
    run::step::Step,
};

/// A name of the application that was not seen to lead to the new side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmoved {
    /// The name, and where it is to lead.
    pub name: MovedName,
    /// Why it was not moved.
    pub because: String,
}

/// Those of a plan, by the last answer of the step that moves them.
#[must_use]
pub fn unmoved(plan: &PairPlan, step: &Step<Switch>) -> Vec<Unmoved> {
    let Some(switch) = &step.did else { return Vec::new() };
    let was_seen = |name: &MovedName| switch.names.iter().any(|it| it.name == name.name && it.seen_at.is_some());
    let because = |name: &MovedName| switch.left.iter().find(|left| left.name == name.name).map(|left| &left.because);
    let names = plan.traffic.application().filter(|name| !was_seen(name));
    names.map(|name| Unmoved { because: because(&name).unwrap_or(&step.because).clone(), name }).collect()
}

impl fmt::Display for Unmoved {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MovedName { zone, name, primary, recovery, .. } = &self.name;
        write!(
            to,
            "`{name}`, {} in zone {zone}: it may still lead to `{primary}`; set it to lead to `{recovery}`. Why it was not moved: {}",
            recovery.record_type(),
            self.because
        )
    }
}
