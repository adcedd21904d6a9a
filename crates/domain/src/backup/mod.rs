//! A backup: one snapshot of each component that its schedule names, copied to the Regions that it names.
//!
//! A backup's name is made of its plan, component, schedule and the time that it was scheduled for: to take it twice is
//! to take it once. What a restore needs to know of it goes with it as tags, into every Region.

mod copies;
mod manifest;
mod name;
mod overlap;
mod proof;
mod request;
mod snapshot;
mod source;
mod tags;

pub use copies::{CopyMove, CopyState, plan_copy, same_data};
pub use manifest::{Checked, LONGEST_REASON_CHARS, Manifest, Missing, Part, PartTurn, Stored, Taken};
pub use overlap::{AtWork, Turn, at_work_key, turn};
pub use proof::Proof;
pub use request::BackupRequest;
pub use snapshot::{Found, Move, Quota, Snapshot, plan, room};
pub use source::Source;
pub use tags::{BadTags, Label, Marks, carried, tag};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::{ActiveSide, ActiveSides, SeenDatabase, SnapshotKind},
    plan::Plan,
    run::step::{Outcome, Step},
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, Person, PlanName, ScheduleName},
        time_span::TimeSpan,
        wording,
    },
};

/// How late a backup may be taken: as long as EventBridge Scheduler goes on trying. What was taken is copied at any time.
const LATEST: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// What `OpenBackup` makes and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupRun {
    /// The execution.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: Plan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// Which of its schedules.
    pub schedule: ScheduleName,
    /// What it backs up, side by side.
    pub components: Vec<ComponentName>,
    /// The time that it is for.
    #[schemars(with = "String")]
    pub scheduled_at: Timestamp,
    /// Who asked, where a person did.
    pub by: Option<Person>,
    /// Which side takes writes: that one is backed up, and of a cluster that one that is there.
    pub active: ActiveSides,
    /// When the run opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When its time is over: what is not there by then it lacks.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// What looks at it once it is whole, where the plan says so.
    pub proof: Option<Proof>,
}

/// Where a backup's manifest is kept.
#[must_use]
pub fn manifest_key(plan: &PlanName, schedule: &ScheduleName, scheduled_at: Timestamp) -> String {
    format!("backups/{plan}/{schedule}/{}.json", scheduled_at.strftime("%Y-%m-%dT%H%M%SZ"))
}

/// The second that a time is in. The times of backups are parts of names, which have whole seconds.
#[must_use]
pub fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Whether a backup that is taken now is one of the time that it was scheduled for.
///
/// # Errors
/// A sentence for people.
pub fn may_be_taken(scheduled_at: Timestamp, now: Timestamp) -> Result<(), String> {
    let late = TimeSpan::between(scheduled_at, now);
    if late <= LATEST {
        return Ok(());
    }
    Err(format!(
        "{scheduled_at} is {} ago, more than {LATEST}: a backup taken now is not one of that time",
        late.roughly()
    ))
}

impl BackupRun {
    /// What a component's backup is made of.
    ///
    /// # Errors
    /// `InvalidInput` where the plan has no such schedule, or the schedule no such component.
    pub fn source(&self, component: &ComponentName) -> Result<Source<'_>, Failure> {
        let backup = self
            .plan
            .backup(&self.schedule)
            .ok_or_else(|| Failure::InvalidInput(format!("backup.schedule: the plan has no `{}`", self.schedule)))?;
        let found = backup.components.iter().find(|named| *named == component);
        let Some(component) = found.and_then(|named| self.plan.component(named)) else {
            let why = format!("component: schedule `{}` backs up no `{component}`", self.schedule);
            return Err(Failure::InvalidInput(why));
        };
        let known = component.kind();
        let backed_up = known.backed_up(self.plan.active_of(component, &self.active));
        let Some((kind, (side, id))) = known.snapshots().zip(backed_up) else {
            let why = format!("component: `{}` is a {}, which no schedule backs up", known.name(), known.noun());
            return Err(Failure::InvalidInput(why));
        };
        let sides = [&self.plan.regions.primary, &self.plan.regions.recovery];
        Ok(Source { component, kind, side, id, region: self.plan.region_of(side), copies: &backup.copies, sides })
    }

    /// Whether what is backed up of a component depends on which side takes writes.
    #[must_use]
    pub fn follows(&self, component: &ComponentName) -> bool {
        let [primary, replica] = [ActiveSide::Primary, ActiveSide::Replica];
        let known = self.plan.component(component);
        known.is_some_and(|known| self.plan.backed_up_on(known, primary) != self.plan.backed_up_on(known, replica))
    }

    /// The snapshot's name: the same for each try and in each Region.
    #[must_use]
    pub fn snapshot_name(&self, component: &ComponentName) -> String {
        let known = self.plan.component(component);
        let kind = known.and_then(|known| known.kind().snapshots()).unwrap_or(SnapshotKind::Instance);
        name::snapshot_name(kind, &self.plan.plan, component, &self.schedule, self.scheduled_at)
    }

    /// Whether a snapshot of this backup's name is of this backup: two series may come to one name.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn is_of(&self, component: &ComponentName, label: &Label) -> Result<(), String> {
        let is_ours = label.plan == self.plan.plan
            && label.component == *component
            && label.schedule == self.schedule
            && label.scheduled_at == self.scheduled_at;
        if is_ours {
            return Ok(());
        }
        let Label { plan, component, schedule, scheduled_at, .. } = label;
        Err(format!("it is of `{component}` of plan `{plan}`, by schedule `{schedule}` of {scheduled_at}"))
    }

    /// Whether a backup that is taken now is one of the time that it was scheduled for.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn may_be_taken(&self, now: Timestamp) -> Result<(), String> {
        may_be_taken(self.scheduled_at, now)
    }

    /// Whether its time is over: it begins nothing any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// What a step of a component came to. Once the run's time is over, what is still on its way is not waited for.
    #[must_use]
    pub fn or_over(&self, step: Step<Taken>, now: Timestamp) -> Step<Taken> {
        if step.step != Outcome::Pending || !self.is_over(now) {
            return step;
        }
        let because = format!("not finished within {}: {}", self.longest_run(), step.because);
        Step { step: Outcome::Refused, because: wording::start_of(&because, LONGEST_REASON_CHARS), ..step }
    }

    /// Where the manifest is kept.
    #[must_use]
    pub fn manifest_key(&self) -> String {
        manifest_key(&self.plan.plan, &self.schedule, self.scheduled_at)
    }

    /// What its snapshot is to be labelled with; what was seen of the database comes on top.
    #[must_use]
    pub fn label(&self, component: &ComponentName, seen: SeenDatabase) -> Label {
        Label {
            plan: self.plan.plan.clone(),
            component: component.clone(),
            schedule: self.schedule.clone(),
            scheduled_at: self.scheduled_at,
            database: seen,
        }
    }
}

#[cfg(test)]
mod tests;
