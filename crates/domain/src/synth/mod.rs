//! A plan's own stack in each of its Regions: what watches it, starts its runs, backs it up, and who hears of it.
//!
//! A CloudFormation template beside the engine's, whose functions and machines it imports by the names of [`engine`]. It
//! makes no role. Whatever has a name in the account has the plan's name in it, so that two plans never meet. The same
//! plan makes the same text, so that a change of the plan is a change that a reviewer can read.

mod alarm;
mod alarms;
mod backups;
mod dashboard;
mod ends;
pub mod engine;
mod guard;
mod health;
mod language;
pub mod metric;
mod readiness;
mod routed;
mod rule;
mod start;
mod watch;

pub(crate) use alarms::MOST_TOPICS;
pub use alarms::watches_the_lag;
pub use language::Language;
pub(crate) use language::left_empty;

use serde_json::{Map, Value, json};

use crate::{
    plan::Plan,
    words::id::{PlanName, Region},
};

/// Which of a plan's Regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where recovery is run from.
    Recovery,
    /// Where the system runs.
    Primary,
    /// A third place to look from.
    Witness,
}

impl Place {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Recovery, Self::Primary, Self::Witness];

    /// Those that a plan has, each with its Region.
    pub fn of(plan: &Plan) -> impl Iterator<Item = (Self, &Region)> {
        Self::ALL.into_iter().filter_map(|place| Some((place, place.region(plan)?)))
    }

    /// Which of a plan's Regions this one is, if it is one.
    #[must_use]
    pub fn at(region: &Region, plan: &Plan) -> Option<Self> {
        Self::of(plan).find_map(|(place, of_the_plan)| (of_the_plan == region).then_some(place))
    }

    /// The Region of a plan; a plan may have no witness.
    #[must_use]
    pub fn region(self, plan: &Plan) -> Option<&Region> {
        match self {
            Self::Recovery => Some(&plan.regions.recovery),
            Self::Primary => Some(&plan.regions.primary),
            Self::Witness => plan.regions.witness.as_ref(),
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Primary => "primary",
            Self::Witness => "witness",
        }
    }
}

/// What a plan's stack is called, in each Region.
#[must_use]
pub fn stack_name(plan: &PlanName) -> String {
    format!("lifeboat-plan-{plan}")
}

/// The template of a plan's stack in one of its Regions; `None` where nothing belongs: a witness only looks when it is
/// asked.
#[must_use]
pub fn synth(plan: &Plan, place: Place) -> Option<Value> {
    let mut resources = Resources::default();
    for pair in plan.pairs() {
        let of_a_further = || format!("Pair{}", logical_id(pair.traffic.component.as_str()));
        resources.of = if pair.plan == plan.plan { String::new() } else { of_a_further() };
        match place {
            Place::Recovery => {
                watch::add(&pair, &mut resources);
                guard::add(&pair, &mut resources);
                start::add(&pair, &mut resources);
                readiness::add(&pair, &mut resources);
                ends::add_runs(&pair, &mut resources);
                alarms::add_of_pair(&pair, &mut resources);
                routed::add(&pair, &mut resources);
            }
            // A run may be started there by hand: it is refused, which a person is to hear.
            Place::Primary => ends::add_runs(&pair, &mut resources),
            Place::Witness => return None,
        }
    }
    resources.of = String::new();
    health::add(plan, place, &mut resources);
    if place == Place::Recovery {
        ends::add_backups(plan, &mut resources);
        backups::add(plan, &mut resources);
        alarms::add_of_plan(plan, &mut resources);
        dashboard::add(plan, &mut resources);
    }
    Some(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("Lifeboat - plan {} in its {} Region, made by lifeboat plan synth", plan.plan, place.name()),
        "Resources": resources.by_id,
    }))
}

/// What a plan's things are called in the account: alarms, rules, groups, queues, and what its snapshots' names begin with.
pub(crate) fn names(plan: &Plan) -> impl Iterator<Item = String> {
    let templates = Place::ALL.into_iter().filter_map(|place| synth(plan, place));
    let resources = templates.flat_map(|template| template["Resources"].as_object().cloned().unwrap_or_default());
    let of_resources = resources.filter_map(|(_, resource)| {
        let properties = &resource["Properties"];
        // A schedule is called within its group, and a record within its zone.
        let keys = ["AlarmName", "DashboardName", "QueueName", "Name"]
            .into_iter()
            .filter(|_| properties["GroupName"].is_null() && properties["HostedZoneId"].is_null());
        keys.into_iter().find_map(|key| properties[key].as_str().map(str::to_owned))
    });
    let series = plan.scheduled().flat_map(move |backup| {
        let of = backup.components.iter();
        of.map(|component| format!("lifeboat-{}-{component}-{}", plan.plan, backup.name)).collect::<Vec<_>>()
    });
    of_resources.chain(series)
}

/// The resources of a template, by logical id.
#[derive(Debug, Default)]
struct Resources {
    by_id: Map<String, Value>,
    /// What the ids of a further pair's resources begin with.
    of: String,
}

impl Resources {
    /// The logical id that a resource has in the template.
    fn id(&self, id: &str) -> String {
        format!("{}{id}", self.of)
    }

    fn add(&mut self, id: impl AsRef<str>, resource: Value) {
        self.by_id.insert(self.id(id.as_ref()), resource);
    }
}

/// `every-hour` as `EveryHour`: a logical id has no hyphens. Of two names it can make one, as of `day-1` and `day1`:
/// [`crate::plan_file::check`] refuses a plan with such names.
pub(crate) fn logical_id(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests;
