//! Which backup is meant, or which point in time.

use jiff::{Timestamp, tz::TimeZone};

use super::{Chosen, Origin, PointSource, RestoreRun, Wanted};
use crate::{
    backup::{Label, Snapshot, whole_second},
    retention::State,
    words::{failure::Failure, id::ComponentName},
};

/// How many of those that there are an error names.
const NAMED: usize = 5;

/// The backup that is wanted, among those of the plan in the Region. `None` where the latest is wanted and there is none.
///
/// # Errors
/// `NotFound` where the one that was named is not there, and which are; `InvalidInput` where it is of something else,
/// or the run of no such component.
pub fn choose<'s>(
    run: &RestoreRun,
    component: &ComponentName,
    snapshots: &'s [Snapshot],
) -> Result<Option<&'s Snapshot>, Failure> {
    let kind = run.component(component)?.kind().snapshots();
    let of_its_kind = || snapshots.iter().filter(|snapshot| Some(snapshot.kind) == kind);
    let mut ours: Vec<(&Snapshot, &Label)> = of_its_kind()
        .filter_map(|snapshot| Some((snapshot, snapshot.label.as_ref().ok()?)))
        .filter(|(_, label)| label.component == *component)
        .filter(|(_, label)| run.schedule.as_ref().is_none_or(|schedule| label.schedule == *schedule))
        .collect();
    ours.sort_by(|(a, _), (b, _)| b.taken_at.cmp(&a.taken_at).then_with(|| a.name.cmp(&b.name)));
    // One of the future is by a clock that was wrong: it is not the newest.
    let is_there = |snapshot: &Snapshot| {
        snapshot.state() == State::Available && snapshot.taken_at.is_some_and(|at| at <= run.opened_at)
    };
    let missing = |what: String, there: Vec<String>| {
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        Err(Failure::NotFound(format!(
            "plan `{}` has no {what} of `{component}` in {}; the newest there: {there}",
            run.plan.plan, run.region
        )))
    };
    match &run.wanted {
        Wanted::Latest | Wanted::LatestTime | Wanted::Time(_) => {
            Ok(ours.iter().map(|(snapshot, _)| *snapshot).find(|snapshot| is_there(snapshot)))
        }
        Wanted::Date(date) => {
            let day = |label: &Label| label.scheduled_at.to_zoned(TimeZone::UTC).date();
            let of_the_day = ours.iter().find(|(snapshot, label)| day(label) == *date && is_there(snapshot));
            match of_the_day {
                Some((snapshot, _)) => Ok(Some(snapshot)),
                None => {
                    let mut days: Vec<String> = ours.iter().map(|(_, label)| day(label).to_string()).collect();
                    days.dedup();
                    days.truncate(NAMED);
                    missing(format!("backup of {date} (UTC)"), days)
                }
            }
        }
        Wanted::ScheduledAt(at) => {
            match ours.iter().find(|(snapshot, label)| label.scheduled_at == *at && is_there(snapshot)) {
                Some((snapshot, _)) => Ok(Some(snapshot)),
                None => {
                    let times = ours.iter().take(NAMED).map(|(_, label)| label.scheduled_at.to_string()).collect();
                    missing(format!("backup that was scheduled for {at}"), times)
                }
            }
        }
        Wanted::Backup(name) => match of_its_kind().find(|snapshot| snapshot.name == name.as_str()) {
            None => {
                let there = ours.iter().take(NAMED).map(|(snapshot, _)| snapshot.name.clone()).collect();
                missing(format!("backup `{name}`"), there)
            }
            Some(snapshot) => match &snapshot.label {
                Err(why) => {
                    Err(Failure::InvalidInput(format!("`{name}` is no backup that can be restored by its plan: {why}")))
                }
                Ok(label) if label.component != *component => Err(Failure::InvalidInput(format!(
                    "`{name}` is a backup of `{}`, not of `{component}`",
                    label.component
                ))),
                Ok(label) if run.schedule.as_ref().is_some_and(|schedule| label.schedule != *schedule) => {
                    Err(Failure::InvalidInput(format!("`{name}` was made by schedule `{}`", label.schedule)))
                }
                Ok(_) => Ok(Some(snapshot)),
            },
        },
    }
}

/// Between which times an instance's automated backups can be restored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after.
    pub latest: Timestamp,
}

/// An instance's automated backups as another Region has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicated {
    /// Their ARN in that Region.
    pub arn: String,
    /// As RDS writes it: `replicating` while what is new comes there.
    pub status: String,
    /// For how many days they are kept.
    pub retention_days: u8,
    /// Between which times can be restored to; absent until the first of them is there.
    pub window: Option<Window>,
}

/// The point in time that is wanted, looked at before anything is asked for: of the first source that reaches so far.
///
/// # Errors
/// `NotFound` where there are no automated backups, or none that reach so far.
pub fn point_in_time<'r>(
    wanted: &Wanted,
    sources: &[(PointSource<'r>, Option<Window>, Option<String>)],
) -> Result<Chosen, Failure> {
    let mut refused = None;
    for (source, window, replicated) in sources {
        match point_of(wanted, *source, *window, replicated.as_ref()) {
            Ok(chosen) => return Ok(chosen),
            Err(failure) => refused = refused.or(Some(failure)),
        }
    }
    Err(refused.unwrap_or_else(|| Failure::InvalidInput("component: it has no points in time".to_owned())))
}

fn point_of(
    wanted: &Wanted,
    PointSource { instance, from }: PointSource<'_>,
    window: Option<Window>,
    replicated: Option<&String>,
) -> Result<Chosen, Failure> {
    let Some(window) = window else {
        return Err(Failure::NotFound(match from {
            Some(from) => format!(
                "nothing of the automated backups of `{instance}` in {from} is replicated: start it with lifeboat plan apply"
            ),
            None => format!(
                "`{instance}` has no automated backups: its backup retention is 0, or its first one is not complete"
            ),
        }));
    };
    let (data_until, time) = match wanted {
        Wanted::Time(time) => {
            // RDS restores to whole seconds. What happened within the second is not wanted: that may be the mistake.
            let time = whole_second(*time);
            if time < window.earliest || time > window.latest {
                let what = format!("`{instance}` cannot be restored to {time}");
                let window = format!("{} to {}", window.earliest, window.latest);
                return Err(Failure::NotFound(format!(
                    "{what}: its automated backups reach from {window}; what was before a failover is in the old primary's (RUNBOOK, \"Restoring by hand\")"
                )));
            }
            (time, Some(time))
        }
        Wanted::Latest | Wanted::Date(_) | Wanted::ScheduledAt(_) | Wanted::Backup(_) | Wanted::LatestTime => {
            (window.latest, None)
        }
    };
    let origin = Origin::PointInTime { instance: instance.clone(), time, replicated: replicated.cloned() };
    Ok(Chosen { origin, data_until, lsn: None })
}
