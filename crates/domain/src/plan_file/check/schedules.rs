//! When something is done.

use super::super::finding::Finding;
use crate::{
    plan::{Backup, Plan},
    words::id::Schedule,
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    for (index, backup) in plan.backups.iter().enumerate() {
        check_backup(backup, &format!("backups[{index}]"), found);
    }
    if let Some(cleanup) = &plan.cleanup {
        check_schedule(&cleanup.schedule, "cleanup.schedule", found);
    }
}

fn check_backup(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    check_schedule(&backup.schedule, &format!("{path}.schedule"), found);
    let Some(verification) = &backup.verification else { return };
    for (name, schedule) in [("integrity", &verification.integrity), ("restoreTest", &verification.restore_test)] {
        if let Some(schedule) = schedule {
            check_schedule(schedule, &format!("{path}.verification.{name}"), found);
        }
    }
}

fn check_schedule(schedule: &Schedule, path: &str, found: &mut Vec<Finding>) {
    if let Some(fault) = schedule.fault() {
        let remedy = "Write it as EventBridge Scheduler reads it, as cron(0 2 * * ? *).";
        found.push(Finding::error(path, fault.to_string(), remedy));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::hold;
    use crate::plan_file::read;

    #[test]
    fn each_schedule_is_one_that_fires() {
        for path in [
            "backups[0].schedule",
            "backups[0].verification.integrity",
            "backups[0].verification.restoreTest",
            "cleanup.schedule",
        ] {
            let pointer = format!("/{}", path.replace("[0]", "/0").replace('.', "/"));
            hold(&[
                (&pointer, json!("cron(59 2 * * ? *)"), &[]),
                (&pointer, json!("cron(60 2 * * ? *)"), &[&format!("error: {path}")]),
                (&pointer, json!("cron(0 2 30 2 ? *)"), &[&format!("error: {path}")]),
            ]);
        }
    }

    #[test]
    fn a_schedule_that_is_refused_is_told_with_its_place_and_field() {
        let text = include_str!("../../../../../plans/lab.yaml").replace("cron(0 2 * * ? *)", "cron(60 2 * * ? *)");
        assert_eq!(
            read(&text, "lab.yaml").unwrap_err().to_string(),
            "lab.yaml:72:15: error: backups[0].schedule: the minutes `60` are not within 0 to 59. \
             Write it as EventBridge Scheduler reads it, as cron(0 2 * * ? *)."
        );
    }
}
