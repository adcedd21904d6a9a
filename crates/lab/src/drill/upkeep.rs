//! The runs that keep the backups in order: started, followed live to their end, and what they left.

use std::{collections::BTreeMap, time::Duration, time::Instant};

use domain::{
    backup::{BackupRequest, Manifest, Part, Taken, manifest_key},
    cleanup::{self, CleanupRequest, Report},
    plan::{Backup, Plan},
    restore::{Purpose, RestorePart, RestoreRecord, RestoreRequest, Wanted, record_key},
    state_machine::{StateKind, StateName, Upkeep},
    words::id::{ExecutionArn, Person},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    DrillError, Observer,
    follow::{End, LOOK_AGAIN, Left, Runs},
};
use crate::{
    lab::Lab,
    report::{Actor, Ending, Event, Record, RunResult, TimelineEntry, Turn, turns_until},
    system::SystemError,
};

/// How long a run may take: a large database's restore as well.
const PATIENCE: Duration = Duration::from_secs(900);

/// What is ordered.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// A backup for a time.
    Backup(Timestamp),
    /// A backup's restore, by a person where it is to be kept.
    Restore(Purpose, Wanted),
    /// A cleanup, as the plan has it.
    Cleanup,
}

/// A run that has ended.
pub(super) struct Ended {
    /// What it came to.
    pub(super) result: RunResult,
    /// When it began.
    pub(super) began_at: Timestamp,
    /// When it ended.
    pub(super) at: Timestamp,
    /// What was told of it.
    pub(super) timeline: Vec<TimelineEntry>,
    /// State by state.
    pub(super) turns: Vec<Turn>,
}

impl Order {
    /// What it is for.
    fn upkeep(&self) -> Upkeep {
        match self {
            Self::Backup(_) => Upkeep::Backup,
            Self::Restore(..) => Upkeep::VerifyBackup,
            Self::Cleanup => Upkeep::Cleanup,
        }
    }

    fn input<T>(&self, plan: &Plan<T>) -> Result<Value, DrillError> {
        let backup = schedule(plan)?;
        let (name, schedule) = (plan.plan.clone(), backup.name.clone());
        let by: Option<Person> = "the drill".parse().ok();
        let written = match self.clone() {
            Self::Backup(at) => {
                serde_json::to_value(BackupRequest { plan: name, schedule, scheduled_at: Some(at), by })
            }
            Self::Restore(purpose, wanted) => serde_json::to_value(RestoreRequest {
                plan: name,
                schedule: Some(schedule),
                component: None,
                purpose,
                wanted,
                region: None,
                by: by.filter(|_| purpose == Purpose::Keep),
            }),
            Self::Cleanup => serde_json::to_value(CleanupRequest { plan: name, apply: None, by: None }),
        };
        Ok(written.map_err(|error| unusable(plan, &error.to_string()))?)
    }
}

/// The plan's first schedule of backups.
pub(super) fn schedule<T>(plan: &Plan<T>) -> Result<&Backup, SystemError> {
    plan.backups.first().ok_or_else(|| unusable(plan, "it has no schedule of backups"))
}

fn unusable<T>(plan: &Plan<T>, why: &str) -> SystemError {
    SystemError::Plan { plan: plan.plan.to_string(), why: why.to_owned() }
}

impl Lab {
    /// Starts a run.
    pub(super) async fn order(&self, order: &Order) -> Result<ExecutionArn, DrillError> {
        let mut runs = Runs::of_machine(self, order.upkeep().machine()).await?;
        runs.start(&order.input(&self.system.plan)?).await
    }

    /// Follows a run to its end, telling each answer of a step that says something new, and reads what it left.
    pub(super) async fn ordered(
        &self,
        order: &Order,
        run: &ExecutionArn,
        (name, expected): (&str, Ending),
        observer: &dyn Observer,
    ) -> Result<Ended, DrillError> {
        let runs = Runs::of_machine(self, order.upkeep().machine()).await?;
        let (began, mut seen, mut said, mut timeline) = (Instant::now(), 0, BTreeMap::new(), Vec::new());
        let end = loop {
            let end = runs.end(run).await?;
            let left = runs.outputs(run).await?;
            for left in left.iter().skip(seen) {
                if let Some(entry) = news(left, &mut said) {
                    observer.happened(&entry);
                    timeline.push(entry);
                }
            }
            seen = left.len();
            if let Some(end) = end {
                break end;
            }
            if began.elapsed() > PATIENCE {
                return Err(SystemError::Late { what: format!("the end of run {run}"), limit: PATIENCE }.into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        observer.happened(&end.entry());
        timeline.push(end.entry());
        let history = runs.states(self).history(run).await?;
        let record = self.record(order, run).await?;
        let actual = ending(order.upkeep(), &end);
        let told = record.as_ref().filter(|_| actual == Ending::Complete).map(Record::summary);
        Ok(Ended {
            result: RunResult {
                name: name.to_owned(),
                expected,
                actual: Some(actual),
                because: told.unwrap_or(end.cause),
                execution: Some(run.to_string()),
                transitions: Some(history.transitions),
                evidence: None,
                record,
            },
            began_at: end.began_at,
            at: end.at,
            timeline,
            turns: turns_until(&history.visits, end.at),
        })
    }

    async fn record(&self, order: &Order, run: &ExecutionArn) -> Result<Option<Record>, DrillError> {
        let plan = &self.system.plan;
        Ok(match order {
            Order::Backup(at) => {
                let key = manifest_key(&plan.plan, &schedule(plan)?.name, *at);
                self.left::<Manifest>(key).await?.map(|manifest| Record::Backup(Box::new(manifest)))
            }
            Order::Restore(..) => {
                let record = self.left::<RestoreRecord>(record_key(&plan.plan, run)).await?;
                record.map(|record| Record::Restore(Box::new(record)))
            }
            Order::Cleanup => {
                let mut reports = Vec::new();
                for region in plan.backup_regions() {
                    reports.extend(self.left::<Report>(cleanup::report_key(&plan.plan, run, &region)).await?);
                }
                Some(Record::Cleanup(reports))
            }
        })
    }

    async fn left<T: DeserializeOwned>(&self, key: String) -> Result<Option<T>, DrillError> {
        let text = self.system.object(&self.aws, &key).await?;
        let read = text.map(|text| serde_json::from_str(&text)).transpose();
        read.map_err(|source| DrillError::Evidence { key, source })
    }
}

/// What a state says that it had not said before.
fn news(left: &Left, said: &mut BTreeMap<StateName, String>) -> Option<TimelineEntry> {
    // A choice only passes a step's answer on.
    let is_step = left.state.kind() != Some(StateKind::Question) && left.output["step"].is_string();
    let because = left.output["because"].as_str().filter(|_| is_step)?;
    let before = said.insert(left.state.clone(), because.to_owned());
    let detail = format!("{}: {because}", left.state);
    let entry = TimelineEntry { at: left.at, event: Event::StepAnswered, detail, source: Actor::Run };
    (before.as_deref() != Some(because)).then_some(entry)
}

/// How a run ended: by one of the state machine's own ends, by a failure, or from outside.
fn ending(upkeep: Upkeep, end: &End) -> Ending {
    match (end.error.as_str(), upkeep.outcome_of(&end.error.as_str().into())) {
        ("SUCCEEDED", _) => Ending::Complete,
        ("ABORTED" | "TIMED_OUT", _) => Ending::BrokenOff,
        (_, Some(outcome)) => outcome.into(),
        (_, None) => Ending::Failed,
    }
}

impl Ended {
    /// The first component's part of a backup's manifest.
    pub(super) fn part(&self) -> Option<&Part> {
        match self.result.record.as_ref()? {
            Record::Backup(manifest) => manifest.parts.first().map(|checked| &checked.part),
            Record::Restore(_) | Record::Cleanup(_) => None,
        }
    }

    /// What that backup is.
    pub(super) fn taken(&self) -> Option<&Taken> {
        self.part()?.taken.as_ref()
    }

    /// The first component's turn in a restore.
    pub(super) fn restored(&self) -> Option<&RestorePart> {
        match self.result.record.as_ref()? {
            Record::Restore(record) => record.parts.first().map(|measured| &measured.part),
            Record::Backup(_) | Record::Cleanup(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_ends_and_the_engine_s_are_known() {
        let end = |error: &str| End {
            began_at: Timestamp::UNIX_EPOCH,
            at: Timestamp::UNIX_EPOCH,
            error: error.to_owned(),
            cause: String::new(),
        };
        for (error, expected) in [
            ("SUCCEEDED", Ending::Complete),
            ("BackupPartial", Ending::Partial),
            ("BackupFailed", Ending::Failed),
            ("BackupRefused", Ending::Refused),
            ("ABORTED", Ending::BrokenOff),
            ("TIMED_OUT", Ending::BrokenOff),
            ("CleanupPartial", Ending::Failed),
            ("States.Runtime", Ending::Failed),
        ] {
            assert_eq!(ending(Upkeep::Backup, &end(error)), expected, "{error}");
        }
    }

    #[test]
    fn a_step_that_says_the_same_again_is_told_once() {
        let left = |because: &str| Left {
            state: StateName::Snapshot,
            at: Timestamp::UNIX_EPOCH,
            output: serde_json::json!({ "step": "Pending", "because": because }),
        };
        let mut said = BTreeMap::new();
        let told: Vec<bool> =
            ["a", "a", "b", "a"].into_iter().map(|because| news(&left(because), &mut said).is_some()).collect();
        assert_eq!(told, [true, false, true, true]);
        let question = Left { state: StateName::IsTaken, ..left("c") };
        assert!(news(&question, &mut said).is_none(), "it only hands the answer on");
    }
}
