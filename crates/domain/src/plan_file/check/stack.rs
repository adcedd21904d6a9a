//! The plan's own stack.

use serde_json::Map;

use super::super::{Severity, finding::Finding};
use crate::{
    plan::Plan,
    synth::{Place, synth},
};

/// CloudFormation's most for one template. Its other limit, 1 MB, is further away: a test holds that.
const MOST_RESOURCES: usize = 500;

/// Comes last: a plan with other errors may be of any size, and is not made into a stack.
pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if found.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    // The recovery Region's is the largest.
    let template = synth(plan, Place::Recovery).unwrap_or_default();
    let count = template["Resources"].as_object().map_or(0, Map::len);
    if count > MOST_RESOURCES {
        let what = format!("the plan's stack has {count} resources, and CloudFormation takes {MOST_RESOURCES}");
        let remedy = "Back fewer components up by each schedule, or write a plan of its own for some of them.";
        found.push(Finding::error("backups", what, remedy));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{
            check,
            tests::{lab, pair},
        },
        *,
    };

    /// CloudFormation's largest template, read from a bucket.
    const LARGEST_BYTES: usize = 1_000_000;

    /// The lab's plan with so many components and schedules, each schedule of all components; every name and text as
    /// long as it may be.
    fn plan(components: usize, schedules: usize) -> Plan {
        let mut plan = lab();
        plan["plan"] = json!("p".repeat(40));
        let names: Vec<String> = (10..10 + components).map(|n| format!("{}{n}", "c".repeat(38))).collect();
        let all = names.iter().map(|name| pair(name));
        let all: Value = all.collect();
        let backups = (10..10 + schedules).map(|n| {
            let mut backup = plan["backups"][0].clone();
            backup["name"] = json!(format!("{}{n}", "s".repeat(18)));
            backup["components"] = json!(names);
            backup["schedule"] = json!(format!("cron(0{} 2 * * ? *)", ",0".repeat(119)));
            backup["verification"]["integrity"] = backup["schedule"].clone();
            backup["verification"]["restoreTest"] = backup["schedule"].clone();
            backup["alarm"] = json!({"olderThan": "167h", "smallerThanBytes": u64::MAX});
            backup
        });
        let backups: Value = backups.collect();
        plan["traffic"][0]["component"] = json!(names[0]);
        (plan["components"], plan["backups"]) = (all, backups);
        serde_json::from_value(plan).unwrap()
    }

    fn errors(plan: &Plan) -> Vec<String> {
        let errors = check(plan).into_iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.what).collect()
    }

    #[test]
    fn a_stack_that_cloudformation_does_not_take_is_refused() {
        // Of each schedule: a backup, two proofs, two alarms of each component. Of the plan: 19.
        for (components, schedules, unlooked, count) in [(12, 18, 5, 500), (12, 18, 4, 501), (20, 20, 0, 879)] {
            let expected =
                (count > 500).then(|| format!("the plan's stack has {count} resources, and CloudFormation takes 500"));
            let mut plan = plan(components, schedules);
            let verifications = plan.backups.iter_mut().filter_map(|backup| backup.verification.as_mut());
            verifications.take(unlooked).for_each(|verification| verification.integrity = None);
            assert_eq!(errors(&plan), Vec::from_iter(expected), "{components} by {schedules}");
        }
    }

    #[test]
    fn a_plan_with_another_error_is_not_made_into_a_stack() {
        let mut plan = plan(20, 20);
        plan.summary.clear();
        assert_eq!(errors(&plan), ["it is empty or holds line breaks"]);
    }

    #[test]
    fn a_stack_of_as_many_resources_as_there_may_be_is_smaller_than_cloudformation_s_largest() {
        for (components, schedules) in [(19, 12), (40, 5), (1, 20)] {
            let template = synth(&plan(components, schedules), Place::Recovery).unwrap();
            let count = template["Resources"].as_object().unwrap().len();
            let bytes = format!("{template:#}").len();
            assert!(bytes * MOST_RESOURCES / count < LARGEST_BYTES, "{count} resources in {bytes} bytes");
        }
    }

    /// The longest text that EventBridge Scheduler and EventBridge hand to a target.
    const LARGEST_INPUT_BYTES: usize = 262_144;

    #[test]
    fn what_a_schedule_of_all_components_starts_names_none_of_them() {
        let inputs = |components| {
            let template = synth(&plan(components, 5), Place::Recovery).unwrap();
            let resources = template["Resources"].as_object().unwrap().values();
            let inputs = resources.filter_map(|resource| resource["Properties"]["Target"]["Input"].as_str());
            inputs.map(str::len).max().unwrap()
        };
        let (one, all) = (inputs(1), inputs(40));
        assert_eq!(one, all, "what it is given does not grow with the plan");
        assert!(all < LARGEST_INPUT_BYTES, "{all} bytes");
    }
}
