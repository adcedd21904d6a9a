//! Two runs of one schedule: what becomes of the one that begins while the other is still at work.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BackupRun;
use crate::{
    failover::succession::Owner,
    plan::{Backup, LONGEST_BACKUP, Overlap},
    words::{
        id::{ExecutionArn, PlanName, ScheduleName},
        time_span::TimeSpan,
    },
};

/// The run of a schedule that is at work, as it says in the bucket. It is at work for as long as its execution runs: nobody
/// takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtWork {
    /// The execution.
    pub execution: ExecutionArn,
    /// The time that its backup is for.
    #[schemars(with = "String")]
    pub scheduled_at: Timestamp,
    /// Since when it is at work.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// Where it is written which run of a schedule is at work.
#[must_use]
pub fn at_work_key(plan: &PlanName, schedule: &ScheduleName) -> String {
    format!("at-work/{plan}/{schedule}.json")
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is the one at work now, and says so.
    Begin(AtWork),
    /// It goes on: nothing is to be said of it.
    GoOn,
    /// It asks again.
    Wait(String),
    /// It ends, and why.
    Skip(String),
}

/// What becomes of a run, where another one may be at work. `started_at` is when its execution began, and `owner` what the
/// engine says of the other one.
///
/// Where the engine does not say whether that one still runs, it goes on: two backups do less harm than none. A backup that a
/// person orders goes on as well, and keeps no other from its turn.
#[must_use]
pub fn turn(
    run: &BackupRun,
    at_work: Option<&AtWork>,
    owner: Option<&Owner>,
    started_at: Timestamp,
    now: Timestamp,
) -> Turn {
    if run.by.is_some() {
        return Turn::GoOn;
    }
    let ours = AtWork { execution: run.execution.clone(), scheduled_at: run.scheduled_at, since: now };
    let other = match at_work {
        None => return Turn::Begin(ours),
        Some(other) if other.execution == run.execution => return Turn::GoOn,
        Some(other) => other,
    };
    match owner {
        None | Some(Owner::Gone { .. } | Owner::Unknown(_)) => Turn::Begin(ours),
        // Of the same backup: the two of them take it once.
        Some(Owner::Running) if other.scheduled_at == run.scheduled_at => Turn::GoOn,
        Some(Owner::Running) => {
            let longest = run.longest_run();
            let waited = TimeSpan::between(started_at, now);
            let why = format!(
                "run `{}`, for {}, is still at work, since {} ({})",
                other.execution.name(),
                other.scheduled_at,
                other.since,
                TimeSpan::between(other.since, now).roughly()
            );
            match run.plan.backup(&run.schedule).and_then(|backup| backup.overlap).unwrap_or_default() {
                Overlap::Wait if waited < longest => Turn::Wait(format!("waits: {why}")),
                Overlap::Wait => Turn::Skip(format!("waited {longest}, and {why}")),
                Overlap::Skip => Turn::Skip(why),
            }
        }
    }
}

impl BackupRun {
    /// How long it may take.
    #[must_use]
    pub fn longest_run(&self) -> TimeSpan {
        self.plan.backup(&self.schedule).map_or(LONGEST_BACKUP, Backup::longest_run)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn run(overlap: Option<Overlap>) -> BackupRun {
        let text = include_str!("../../../../events/snapshot.json");
        let event: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut run: BackupRun = serde_json::from_value(event["backup"].clone()).unwrap();
        run.plan.backups[0].overlap = overlap;
        run.plan.backups[0].within = Some(TimeSpan::seconds(3_600));
        run
    }

    /// The run of an hour before.
    fn other(run: &BackupRun) -> AtWork {
        AtWork {
            execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:other".parse().unwrap(),
            scheduled_at: run.scheduled_at - 1.hours(),
            since: run.opened_at - 1.hours(),
        }
    }

    fn turn_of(run: &BackupRun, at_work: Option<&AtWork>, owner: Owner, waited_minutes: i64) -> Turn {
        turn(run, at_work, at_work.map(|_| owner).as_ref(), run.opened_at, run.opened_at + waited_minutes.minutes())
    }

    #[test]
    fn a_run_that_meets_another_one_is_skipped_unless_the_plan_has_it_wait() {
        for (overlap, waited_minutes, expected) in [
            (None, 0, "run `other`, for 2026-11-21T01:00:00Z, is still at work, since 2026-11-21T01:00:01.5Z (1h)"),
            (Some(Overlap::Skip), 0, "run `other`"),
            (Some(Overlap::Wait), 0, "waits: run `other`"),
            (Some(Overlap::Wait), 59, "waits: run `other`"),
            (Some(Overlap::Wait), 60, "waited 1h, and run `other`"),
        ] {
            let run = run(overlap);
            let waits = overlap == Some(Overlap::Wait) && waited_minutes < 60;
            let turn = turn_of(&run, Some(&other(&run)), Owner::Running, waited_minutes);
            assert_eq!(matches!(turn, Turn::Wait(_)), waits, "{overlap:?} after {waited_minutes} min: {turn:?}");
            let (Turn::Wait(why) | Turn::Skip(why)) = turn else { panic!("{turn:?}") };
            assert!(why.starts_with(expected), "{why}");
        }
    }

    #[test]
    fn a_run_begins_where_none_is_at_work_or_nobody_can_say() {
        let run = run(None);
        let ours =
            |now: Timestamp| AtWork { execution: run.execution.clone(), scheduled_at: run.scheduled_at, since: now };
        let begins = Turn::Begin(ours(run.opened_at));
        assert_eq!(turn_of(&run, None, Owner::Running, 0), begins);
        for owner in [Owner::gone("ABORTED"), Owner::Unknown("timed out".into())] {
            assert_eq!(turn_of(&run, Some(&other(&run)), owner, 0), begins);
        }
    }

    #[test]
    fn asked_again_it_goes_on_and_so_does_another_run_of_the_same_backup() {
        let run = run(None);
        let mine = AtWork { execution: run.execution.clone(), ..other(&run) };
        assert_eq!(turn(&run, Some(&mine), None, run.opened_at, run.opened_at), Turn::GoOn);
        let same = AtWork { scheduled_at: run.scheduled_at, ..other(&run) };
        assert_eq!(turn_of(&run, Some(&same), Owner::Running, 0), Turn::GoOn);
        assert!(matches!(turn_of(&run, Some(&same), Owner::gone("FAILED"), 0), Turn::Begin(_)));
    }

    #[test]
    fn what_a_person_orders_goes_on_beside_it() {
        let run = BackupRun { by: Some("anna".parse().unwrap()), ..run(None) };
        assert_eq!(turn_of(&run, Some(&other(&run)), Owner::Running, 0), Turn::GoOn);
        assert_eq!(turn_of(&run, None, Owner::Running, 0), Turn::GoOn, "and keeps no other from its turn");
    }
}
