//! When something is done.

use jiff::Timestamp;

use super::super::finding::Finding;
use crate::{
    plan::{Backup, Plan},
    watch::probe,
    words::id::Schedule,
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    for (index, backup) in plan.backups.iter().enumerate() {
        check_backup(backup, &format!("backups[{index}]"), found);
    }
    if let Some(cleanup) = &plan.cleanup {
        check_schedule(&cleanup.schedule, "cleanup.schedule", found);
    }
    at_once(plan, found);
}

/// From when on it is looked whether two schedules meet: the first day of 2027, and a year from then.
const FROM: Timestamp = Timestamp::constant(1_798_761_600, 0);
const UNTIL: Timestamp = Timestamp::constant(1_798_761_600 + 365 * 24 * 3_600, 0);

/// So many of the rarer schedule's times are looked at: who meets, meets within them.
const MOST_TIMES: usize = 100;

/// Two schedules of one component that fire at the same minute: one of them finds it at work.
fn at_once(plan: &Plan, found: &mut Vec<Finding>) {
    for (index, later) in plan.backups.iter().enumerate() {
        for earlier in &plan.backups[..index] {
            let Some(shared) = later.components.iter().find(|name| earlier.components.contains(name)) else { continue };
            let both = earlier.schedule.schedule().zip(later.schedule.schedule());
            let Some(at) = both.and_then(|(earlier, later)| meeting(earlier, later)) else { continue };
            let what = format!(
                "`{}` and `{}` both back `{shared}` up at {}, and one snapshot of it is made at a time",
                earlier.name,
                later.name,
                at.strftime("%H:%M")
            );
            let remedy = "Let one begin at another minute.";
            found.push(Finding::warning(format!("backups[{index}].schedule"), what, remedy));
        }
    }
}

/// When two schedules fire at once for the first time.
fn meeting(one: &Schedule, other: &Schedule) -> Option<Timestamp> {
    let (rare, frequent) = if one.mean_wait() >= other.mean_wait() { (one, other) } else { (other, one) };
    rare.times(FROM, UNTIL, MOST_TIMES)?.into_iter().find(|at| {
        let minute_after = probe::later(*at, probe::EVERY);
        frequent.times(*at, minute_after, 1).is_some_and(|times| times.contains(at))
    })
}

fn check_backup(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    if let Some(schedule) = backup.schedule.schedule() {
        check_schedule(schedule, &format!("{path}.schedule"), found);
    }
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

    use super::super::tests::{found, hold, lab};
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

    #[test]
    fn two_schedules_of_a_component_do_not_begin_at_the_same_minute() {
        for (first, second, meet) in [
            ("cron(0 2 * * ? *)", "cron(0 * * * ? *)", true),
            ("cron(0 * * * ? *)", "cron(0 2 * * ? *)", true),
            ("cron(15 2 * * ? *)", "cron(0 * * * ? *)", false),
            ("cron(15 2 * * ? *)", "cron(*/5 * * * ? *)", true),
            ("cron(0 2 ? * SUN *)", "cron(0 2 1 * ? *)", true),
            ("cron(0 2 ? * SUN *)", "cron(0 2 ? * MON *)", false),
            // From when a rate counts nobody knows.
            ("cron(0 2 * * ? *)", "rate(1 hour)", false),
        ] {
            let (mut one, mut other) = (lab()["backups"][0].clone(), lab()["backups"][0].clone());
            (one["schedule"], other["schedule"]) = (json!(first), json!(second));
            other["name"] = json!("other");
            for backup in [&mut one, &mut other] {
                (backup["alarm"], backup["within"], backup["retention"]) =
                    (json!(null), json!("1m"), json!({"last": 3}));
            }
            let expected = if meet { vec!["warning: backups[1].schedule"] } else { vec![] };
            assert_eq!(found(&[("/backups", json!([one, other]))]), expected, "{first} and {second}");
        }
    }
}
