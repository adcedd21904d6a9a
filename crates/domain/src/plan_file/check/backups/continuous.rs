//! Backups that are made all the time: points in time, by RDS's automated backups.

use super::super::super::finding::Finding;
use crate::{
    component::{ActiveSide, Component},
    plan::{Backup, Plan},
};

pub(super) fn check(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    components(plan, backup, path, found);
    destination(plan, backup, path, found);
    without_a_run(backup, path, found);
}

fn components(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    for (index, name) in backup.components.iter().enumerate() {
        let path = format!("{path}.components[{index}]");
        let Some(kind) = plan.component(name).map(Component::kind) else { continue };
        let pair = kind.restores().filter(|_| kind.points_in_time(ActiveSide::Primary).is_some());
        match pair {
            None => {
                let what = format!("`{name}` is a {}, which has no points in time", kind.noun());
                found.push(Finding::error(&path, what, "Back it up by a schedule that fires."));
            }
            Some(pair) if pair.point_in_time.is_none() => {
                let what = format!("nothing says how far back a point in time of `{name}` is to reach");
                found.push(Finding::error(&path, what, format!("Set pointInTime of `{name}`, as 7d.")));
            }
            Some(_) => {}
        }
        let first = plan.continuous(name).filter(|first| first.name != backup.name);
        if let Some(first) = first {
            let what = format!("`{}` keeps the points in time of `{name}` already", first.name);
            found.push(Finding::error(
                path,
                what,
                "Name it once: RDS has one set of automated backups of an instance.",
            ));
        }
    }
}

/// RDS replicates an instance's automated backups to one Region, and a restore is made like the plan's side there.
fn destination(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let recovery = &plan.regions.recovery;
    for (index, copy) in backup.copies.iter().enumerate().filter(|(_, copy)| copy.region != *recovery) {
        let what = format!("points in time are replicated to the recovery Region, not to `{}`", copy.region);
        let remedy = format!("Name `{recovery}` alone: RDS replicates automated backups to one Region.");
        found.push(Finding::error(format!("{path}.copies[{index}].region"), what, remedy));
    }
}

/// What is said of runs says nothing here: there is none.
fn without_a_run(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let verification = backup.verification.as_ref();
    let told = [
        ("retention", backup.retention.is_some(), "Leave it out: the pair's pointInTime says how long they are kept."),
        ("within", backup.within.is_some(), "Leave it out: no run makes them."),
        ("overlap", backup.overlap.is_some(), "Leave it out: no run makes them."),
        ("alarm", backup.alarm.is_some(), "Leave it out: readiness looks at how old the newest point in time is."),
        (
            "verification.integrity",
            verification.is_some_and(|verification| verification.integrity.is_some()),
            "Leave it out: only a restore shows whether they are whole. Set restoreTest.",
        ),
        (
            "verification.afterEach",
            verification.is_some_and(|verification| verification.after_each),
            "Leave it out: only a restore shows whether they are whole. Set restoreTest.",
        ),
    ];
    for (field, _, remedy) in told.into_iter().filter(|(_, is_said, _)| *is_said) {
        found.push(Finding::error(format!("{path}.{field}"), "it says nothing of what is continuous", remedy));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::tests::{found, lab};

    fn log() -> Value {
        json!({
            "name": "log", "schedule": "continuous", "components": ["orders"], "copies": [{"region": "us-west-2"}],
            "verification": {"encrypted": false, "restoreTest": "cron(0 7 ? * SUN *)", "readEveryTable": "20s"},
        })
    }

    /// What is found in the lab's plan with this backup besides.
    fn found_with(log: Value, changes: &[(&str, Value)]) -> Vec<String> {
        let both = json!([lab()["backups"][0], log]);
        let days = ("/components/0/pointInTime", json!("7d"));
        let all: Vec<(&str, Value)> = [days, ("/backups", both)].into_iter().chain(changes.iter().cloned()).collect();
        found(&all)
    }

    #[test]
    fn points_in_time_are_of_a_pair_that_says_how_far_back_and_go_to_the_recovery_region() {
        assert_eq!(found_with(log(), &[]), [""; 0]);
        for (pointer, value, expected) in [
            ("/components/0/pointInTime", Value::Null, &["error: backups[1].components[0]"][..]),
            ("/backups/1/copies", json!([]), &["warning: backups[1].copies"]),
            ("/backups/1/copies", json!([{"region": "eu-west-1"}]), &["error: backups[1].copies[0].region"]),
            ("/backups/1/verification/encrypted", json!(true), &["error: backups[1].copies[0].kmsKey"]),
            ("/backups/0/retention", Value::Null, &["error: backups[0].retention"]),
        ] {
            assert_eq!(found_with(log(), &[(pointer, value.clone())]), expected, "{pointer}: {value}");
        }
    }

    #[test]
    fn what_is_said_of_runs_is_not_said_of_what_no_run_makes() {
        for (field, value) in [
            ("retention", json!({"last": 7})),
            ("within", json!("60m")),
            ("overlap", json!("wait")),
            ("alarm", json!({"olderThan": "26h"})),
        ] {
            let mut log = log();
            log[field] = value;
            assert_eq!(found_with(log, &[]), [format!("error: backups[1].{field}")]);
        }
        for (field, value) in [("integrity", json!("cron(0 5 ? * SUN *)")), ("afterEach", json!(true))] {
            let mut log = log();
            log["verification"][field] = value;
            assert_eq!(found_with(log, &[]), [format!("error: backups[1].verification.{field}")]);
        }
    }
}
