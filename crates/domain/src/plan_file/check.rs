//! What types cannot check: that names exist, that Regions differ, that the numbers can be true together.

mod alarms;
mod backups;
mod buckets;
mod capabilities;
mod components;
mod engine;
mod failures;
mod health;
mod identities;
mod names;
mod objectives;
mod others;
mod promises;
mod recovery;
mod regions;
mod schedules;
mod stack;
mod targets;
mod traffic;
mod verification;
mod watch;

#[cfg(test)]
mod tests;

pub use engine::{EngineSeen, check_engine};
pub use others::{Other, check_against};

use super::finding::Finding;
use crate::{plan::Plan, words::time_span::TimeSpan};

/// How often CloudWatch looks at a high-resolution alarm.
pub(super) const ALARM_PERIOD: TimeSpan = TimeSpan::seconds(10);

/// The most components: as many as one inline Map runs at once, and as the history of a backup holds.
pub const MOST_COMPONENTS: u64 = 40;

/// The most components that one schedule proves: as many as the history of an execution holds.
pub const MOST_PROVED: u64 = 20;

/// The most Regions that hold a plan's backups: as many as the history of a cleanup holds.
pub const MOST_BACKUP_REGIONS: u64 = 16;

/// The most snapshots of one backup, of its components in all of their Regions: as many as one state's input holds.
pub const MOST_SNAPSHOTS: u64 = 200;

/// Finds what types cannot, without places: the reader of the text knows those.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Finding> {
    let mut found = Vec::new();
    summary(plan, &mut found);
    regions::check(plan, &mut found);
    objectives::check(plan, &mut found);
    promises::check(plan, &mut found);
    targets::check(plan, &mut found);
    failures::check(plan, &mut found);
    components::check(plan, &mut found);
    identities::check(plan, &mut found);
    traffic::check(plan, &mut found);
    watch::check(plan, &mut found);
    health::check(plan, &mut found);
    recovery::check(plan, &mut found);
    schedules::check(plan, &mut found);
    backups::check(plan, &mut found);
    names::check(plan, &mut found);
    verification::check(plan, &mut found);
    alarms::check(plan, &mut found);
    stack::check(plan, &mut found);
    found
}

/// The longest summary: it is the first line of every notification.
const LONGEST_SUMMARY_CHARS: usize = 200;

fn summary(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.summary.trim().is_empty() || plan.summary.chars().any(char::is_control) {
        found.push(Finding::error(
            "summary",
            "it is empty or holds line breaks",
            "Say in one line what this system is: the person who is paged reads it.",
        ));
    }
    if plan.summary.chars().count() > LONGEST_SUMMARY_CHARS {
        found.push(Finding::error("summary", "it is long", format!("Say it in {LONGEST_SUMMARY_CHARS} characters.")));
    }
}
