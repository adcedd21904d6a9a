//! Names that are made of a schedule's and a component's: of snapshots, alarms and CloudFormation's resources.

use std::collections::BTreeMap;

use super::super::finding::Finding;
use crate::{
    plan::Plan,
    synth::logical_id,
    words::id::{ComponentName, ScheduleName},
};

/// What cannot be told apart is what has the same logical id: that one has no hyphens, so that it says least.
pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    pairs(plan, found);
    let mut schedules = BTreeMap::new();
    let mut series = Series::default();
    for (index, backup) in plan.backups.iter().enumerate() {
        let path = format!("backups[{index}]");
        let first = *schedules.entry(logical_id(backup.name.as_str())).or_insert(&backup.name);
        if *first != backup.name {
            let what = format!("schedules `{first}` and `{}` cannot be told apart in the plan's stack", backup.name);
            found.push(Finding::error(format!("{path}.name"), what, REMEDY));
            continue;
        }
        for (nth, component) in backup.components.iter().enumerate() {
            let Some((schedule, other)) = series.taken(&backup.name, component) else { continue };
            let (what, path) = if *schedule == backup.name {
                let what = format!("components `{other}` and `{component}` cannot be told apart in the plan's stack");
                (what, format!("{path}.components[{nth}]"))
            } else {
                let what = format!(
                    "backups of `{other}` by `{schedule}` and of `{component}` by `{}` would be called the same",
                    backup.name
                );
                (what, format!("{path}.name"))
            };
            found.push(Finding::error(path, what, REMEDY));
        }
    }
}

/// Each pair's watch and alarms are resources of the plan's stack.
fn pairs(plan: &Plan, found: &mut Vec<Finding>) {
    let mut seen = BTreeMap::new();
    for (index, component) in plan.traffic.iter().map(|traffic| &traffic.component).enumerate() {
        let first = *seen.entry(logical_id(component.as_str())).or_insert(component);
        if first != component {
            let what = format!("pairs `{first}` and `{component}` cannot be told apart in the plan's stack");
            found.push(Finding::error(format!("traffic[{index}].component"), what, REMEDY));
        }
    }
}

const REMEDY: &str = "Rename one, so that they differ in more than where a hyphen is.";

/// Which schedule and component first had a name.
type Owner<'p> = (&'p ScheduleName, &'p ComponentName);

/// What is named after a schedule and a component.
#[derive(Default)]
struct Series<'p> {
    /// The component stands first, as in a snapshot's name.
    snapshots: BTreeMap<String, Owner<'p>>,
    /// The schedule stands first, as in an alarm's.
    alarms: BTreeMap<String, Owner<'p>>,
}

impl<'p> Series<'p> {
    /// Names one; whose name it is already, where that is another's.
    fn taken(&mut self, schedule: &'p ScheduleName, component: &'p ComponentName) -> Option<Owner<'p>> {
        let this = (schedule, component);
        let snapshots = *self.snapshots.entry(logical_id(&format!("{component}-{schedule}"))).or_insert(this);
        let alarms = *self.alarms.entry(logical_id(&format!("{schedule}-{component}"))).or_insert(this);
        [snapshots, alarms].into_iter().find(|owner| *owner != this)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::{
        super::Severity,
        check,
        tests::{lab, pair},
    };
    use crate::{
        plan::Plan,
        synth::{Place, synth},
    };

    /// The lab's plan with these schedules, of these components.
    fn plan(of: &[(&str, &[&str])]) -> Plan {
        let mut plan = lab();
        let names: BTreeSet<&str> = of.iter().flat_map(|(_, components)| components.iter().copied()).collect();
        plan["traffic"][0]["component"] = json!(names.first());
        let components = names.iter().map(|name| pair(name));
        let components: Value = components.collect();
        let backups = of.iter().map(|(name, components)| {
            let mut backup = plan["backups"][0].clone();
            (backup["name"], backup["components"]) = (json!(name), json!(components));
            backup
        });
        let backups: Value = backups.collect();
        (plan["components"], plan["backups"]) = (components, backups);
        serde_json::from_value(plan).unwrap()
    }

    fn errors(plan: &Plan) -> Vec<String> {
        let errors = check(plan).into_iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| format!("{}: {}", finding.path, finding.what)).collect()
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused_where_it_comes_second() {
        for (first, second, expected) in [
            // Snapshots.
            (
                ("daily", &["orders-db"][..]),
                ("db-daily", &["orders"][..]),
                "backups[1].name: backups of `orders-db` by `daily` and of `orders` by `db-daily` would be called the same",
            ),
            (("daily", &["orders-1"]), ("daily1", &["orders1"]), ""),
            // The schedules themselves.
            (
                ("day-1", &["orders"]),
                ("day1", &["stock"]),
                "backups[1].name: schedules `day-1` and `day1` cannot be told apart in the plan's stack",
            ),
            (("day-1", &["orders"]), ("day-2", &["orders"]), ""),
            // Alarms.
            (
                ("a", &["b-c"]),
                ("a-b", &["c"]),
                "backups[1].name: backups of `b-c` by `a` and of `c` by `a-b` would be called the same",
            ),
            (
                ("a", &["x"]),
                ("b", &["x-1", "y", "x1"]),
                "backups[1].components[2]: components `x-1` and `x1` cannot be told apart in the plan's stack",
            ),
            (("a", &["x-1"]), ("b", &["x1"]), ""),
            (("a", &["ab"]), ("b", &["a-b"]), ""),
        ] {
            let expected: Vec<&str> = Some(expected).filter(|expected| !expected.is_empty()).into_iter().collect();
            assert_eq!(errors(&plan(&[first, second])), expected);
        }
    }

    /// What a template has of a kind, by logical id and by the name that AWS knows it by.
    fn counts(template: &Value, kind: &str, name: &str) -> (usize, usize) {
        let of_kind = || template["Resources"].as_object().into_iter().flatten().filter(|(_, of)| of["Type"] == kind);
        let names: BTreeSet<String> = of_kind().map(|(_, of)| of["Properties"][name].to_string()).collect();
        (of_kind().count(), names.len())
    }

    fn any_names(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
        let all = vec!["a", "b", "a-b", "b-a", "ab", "a1", "a-1", "b-a-1", "b1", "a-b1"];
        prop::sample::subsequence(all, 1..=most).prop_shuffle()
    }

    proptest! {
        #[test]
        fn the_stack_of_a_plan_without_errors_lacks_no_schedule_and_no_alarm(
            schedules in any_names(4), components in prop::collection::vec(any_names(3), 4),
        ) {
            let of: Vec<_> = schedules.iter().copied().zip(components.iter().map(Vec::as_slice)).collect();
            let plan = plan(&of);
            if !errors(&plan).is_empty() {
                return Ok(());
            }
            let template = synth(&plan, Place::Recovery).unwrap();
            // A backup, its two proofs; the cleanup.
            let expected = of.len() * 3 + 1;
            prop_assert_eq!(counts(&template, "AWS::Scheduler::Schedule", "Name"), (expected, expected));
            // Too old, too small; and those of any plan.
            let expected = of.iter().map(|(_, components)| components.len() * 2).sum::<usize>() + 8;
            prop_assert_eq!(counts(&template, "AWS::CloudWatch::Alarm", "AlarmName"), (expected, expected));
            let series: BTreeSet<String> =
                of.iter().flat_map(|(name, of)| of.iter().map(move |of| format!("{of}-{name}"))).collect();
            prop_assert_eq!(series.len(), of.iter().map(|(_, of)| of.len()).sum::<usize>());
        }
    }
}
