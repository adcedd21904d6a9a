//! Cleanup: what becomes of each of a plan's backups in a Region, and of what was restored of them, and why.
//!
//! A series is what one schedule made of one component in one Region; each is judged by its schedule's retention alone.
//! What is in no series of the plan, because the plan has changed or its tags cannot be read, stays.

mod sparing;
mod turn;

use std::collections::BTreeMap;

pub use sparing::{spare, spare_sources, still_goes};
pub use turn::{RegionTurn, because};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    backup::Snapshot,
    component::SnapshotKind,
    plan::Plan,
    restore::Stray,
    retention::{self, Decision, Entry, State},
    words::id::{ComponentName, ExecutionArn, InstanceId, Person, PlanName, Region, ScheduleName},
};

/// What starts a cleanup: EventBridge Scheduler, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupRequest {
    /// The plan.
    pub plan: PlanName,
    /// Whether to delete. A schedule does as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<bool>,
    /// Who asks, where a person does. Without a word on `apply`, nothing is deleted for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

impl CleanupRequest {
    /// Whether to delete: as the request says; else as the plan does, if nobody asks by hand.
    #[must_use]
    pub fn applies(&self, plan: &Plan) -> bool {
        let by_plan = self.by.is_none() && plan.cleanup.as_ref().is_some_and(|cleanup| cleanup.apply);
        self.apply.unwrap_or(by_plan)
    }
}

/// What `OpenCleanup` makes and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupRun {
    /// The execution.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: Plan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// Whether to delete.
    pub apply: bool,
    /// Who asked, where a person did.
    pub by: Option<Person>,
    /// Where, side by side.
    pub regions: Vec<Region>,
    /// When the run opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

impl CleanupRun {
    /// Where a Region's report is kept.
    #[must_use]
    pub fn report_key(&self, region: &Region) -> String {
        report_key(&self.plan.plan, &self.execution, region)
    }
}

/// Where the report of a cleanup of a Region is kept.
#[must_use]
pub fn report_key(plan: &PlanName, execution: &ExecutionArn, region: &Region) -> String {
    format!("reports/{plan}/cleanup/{}/{region}.json", execution.name())
}

/// The verdict on one backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    /// The snapshot.
    pub snapshot: String,
    /// Which kind it is of.
    #[serde(default = "of_an_instance")]
    pub kind: SnapshotKind,
    /// Of what; absent where its tags do not say.
    pub component: Option<ComponentName>,
    /// By which schedule; absent where its tags do not say.
    pub schedule: Option<ScheduleName>,
    /// When its data was taken.
    #[schemars(with = "Option<String>")]
    pub taken_at: Option<Timestamp>,
    /// The size of the database then, in bytes; absent where nobody could tell.
    pub size_bytes: Option<u64>,
    /// Whether a restore of it was tried and queried, and when.
    #[schemars(with = "Option<String>")]
    pub verified_at: Option<Timestamp>,
    /// Whether it stays.
    pub stays: bool,
    /// Every reason for which it stays, or why it goes.
    pub because: String,
}

/// What reports that name no kind are of.
fn of_an_instance() -> SnapshotKind {
    SnapshotKind::Instance
}

/// Judges every backup of the plan's in a Region, the newest first in each series.
#[must_use]
pub fn judge(plan: &Plan, snapshots: Vec<Snapshot>, now: Timestamp) -> Vec<Verdict> {
    let mut series: BTreeMap<(ComponentName, ScheduleName, SnapshotKind), Vec<Snapshot>> = BTreeMap::new();
    let mut strays = Vec::new();
    for snapshot in snapshots {
        match &snapshot.label {
            Ok(label) => {
                let key = (label.component.clone(), label.schedule.clone(), snapshot.kind);
                series.entry(key).or_default().push(snapshot);
            }
            Err(why) => strays.push(verdict(&snapshot, true, format!("it is in no series: {why}"))),
        }
    }
    let mut verdicts = Vec::new();
    for ((_, schedule, _), mut snapshots) in series {
        snapshots.sort_by(|a, b| b.taken_at.cmp(&a.taken_at).then_with(|| a.name.cmp(&b.name)));
        verdicts.extend(judge_series(plan, &schedule, &snapshots, now));
    }
    verdicts.extend(strays);
    verdicts
}

fn judge_series(plan: &Plan, schedule: &ScheduleName, snapshots: &[Snapshot], now: Timestamp) -> Vec<Verdict> {
    let stay = |why: String| snapshots.iter().map(|snapshot| verdict(snapshot, true, why.clone())).collect();
    let Some(backup) = plan.backup(schedule) else {
        return stay(format!("the plan has no schedule `{schedule}` any more: nothing says how long it is kept"));
    };
    let entries: Vec<Entry<&str>> = snapshots.iter().map(entry).collect();
    match retention::plan(&entries, &backup.retention, now) {
        Err(refused) => stay(refused.to_string()),
        Ok(decisions) => snapshots
            .iter()
            .zip(decisions)
            .map(|(snapshot, decision)| match decision {
                Decision::Keep(reasons) => verdict(snapshot, true, reasons.to_string()),
                Decision::Delete(because) => verdict(snapshot, false, because.to_string()),
            })
            .collect(),
    }
}

fn entry(snapshot: &Snapshot) -> Entry<&str> {
    // One that is available and does not say since when cannot be put into any order.
    let state = match (snapshot.state(), snapshot.taken_at) {
        (State::Available, None) => State::Unknown,
        (state, _) => state,
    };
    Entry {
        id: &snapshot.name,
        taken_at: snapshot.taken_at.unwrap_or(Timestamp::MIN),
        state,
        verified: snapshot.marks.verified_at.is_some(),
        held: snapshot.marks.hold.is_some(),
    }
}

fn verdict(snapshot: &Snapshot, stays: bool, because: String) -> Verdict {
    let label = snapshot.label.as_ref().ok();
    Verdict {
        snapshot: snapshot.name.clone(),
        kind: snapshot.kind,
        component: label.map(|label| label.component.clone()),
        schedule: label.map(|label| label.schedule.clone()),
        taken_at: snapshot.taken_at,
        size_bytes: label.and_then(|label| label.database.size_bytes),
        verified_at: snapshot.marks.verified_at,
        stays,
        because,
    }
}

impl Verdict {
    fn is_of(&self, kind: SnapshotKind, snapshot: &str) -> bool {
        self.kind == kind && self.snapshot == snapshot
    }

    /// It stays this time, although by the rules it would go.
    fn stay(&mut self, why: &str) {
        self.stays = true;
        self.because = format!("{why}; else: {}", self.because);
    }
}

/// What a cleanup of a Region found and did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// This format's version.
    pub version: u32,
    /// The plan.
    pub plan: PlanName,
    /// The version of the plan's object.
    pub plan_version: String,
    /// Who did it.
    pub execution: ExecutionArn,
    /// The Region.
    pub region: Region,
    /// Whether what goes was to be deleted, or only named.
    pub apply: bool,
    /// When it was written last.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Every backup that is there, and the verdict on it.
    pub verdicts: Vec<Verdict>,
    /// What was deleted, as it was judged before.
    pub deleted: Vec<Verdict>,
    /// Restored instances that are there, and what becomes of each.
    pub restores: Vec<Stray>,
    /// Restored instances that RDS was asked to delete.
    pub torn_down: Vec<Stray>,
    /// What could not be deleted, and why.
    pub failed: Vec<NotDeleted>,
}

/// What should have gone and is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotDeleted {
    /// The snapshot, or the restored instance.
    pub name: String,
    /// Why.
    pub because: String,
}

/// The report's format that is written.
const VERSION: u32 = 1;

impl Report {
    /// A report of what is there now. By what the same run reported `before` it knows what it has deleted, also where it
    /// died before it could say so.
    #[must_use]
    pub fn of(
        run: &CleanupRun,
        region: &Region,
        (verdicts, restores): (Vec<Verdict>, Vec<Stray>),
        before: Option<Self>,
        now: Timestamp,
    ) -> Self {
        let is_there = |gone: &Verdict| verdicts.iter().any(|verdict| verdict.is_of(gone.kind, &gone.snapshot));
        let stands = |gone: &Stray| restores.iter().any(|stray| stray.instance == gone.instance);
        let (deleted, torn_down, failed) = before.map_or_else(Default::default, |before| {
            let failed =
                before.failed.into_iter().filter(|failed| verdicts.iter().any(|there| there.snapshot == failed.name));
            let failed: Vec<NotDeleted> = failed.collect();
            let gone = before.verdicts.into_iter().filter(|verdict| !verdict.stays && !is_there(verdict));
            let down = before.restores.into_iter().filter(|stray| !stray.stays && !stands(stray));
            let deleted = before.deleted.into_iter().chain(gone).collect();
            (deleted, before.torn_down.into_iter().chain(down).collect(), failed)
        });
        Self {
            version: VERSION,
            plan: run.plan.plan.clone(),
            plan_version: run.plan_version.clone(),
            execution: run.execution.clone(),
            region: region.clone(),
            apply: run.apply,
            at: now,
            verdicts,
            deleted,
            restores,
            torn_down,
            failed,
        }
    }

    /// What is still to go.
    pub fn going(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.stays)
    }

    /// What is still to go and was not tried by this run: one that cannot be deleted keeps no other.
    pub fn untried(&self) -> impl Iterator<Item = &Verdict> {
        self.going().filter(|verdict| self.failed.iter().all(|failed| failed.name != verdict.snapshot))
    }

    /// Notes that a backup was deleted.
    pub fn gone(&mut self, kind: SnapshotKind, snapshot: &str) {
        if let Some(index) = self.verdicts.iter().position(|verdict| verdict.is_of(kind, snapshot)) {
            self.deleted.push(self.verdicts.remove(index));
        }
    }

    /// Notes that a backup stays this time after all.
    pub fn spared(&mut self, kind: SnapshotKind, snapshot: &str, why: &str) {
        if let Some(verdict) = self.verdicts.iter_mut().find(|verdict| verdict.is_of(kind, snapshot)) {
            verdict.stay(why);
        }
    }

    /// The restored instances that are still to go.
    pub fn strays(&self) -> impl Iterator<Item = &Stray> {
        self.restores.iter().filter(|stray| !stray.stays)
    }

    /// Notes that RDS deletes a restored instance.
    pub fn torn_down(&mut self, instance: &InstanceId) {
        if let Some(index) = self.restores.iter().position(|stray| stray.instance == *instance) {
            self.torn_down.push(self.restores.remove(index));
        }
    }

    /// In one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let (there, going) = (self.verdicts.len(), self.going().count());
        let told = |count: usize, what: &str| match count {
            0 => String::new(),
            count => format!(", {count} restored instances {what}"),
        };
        let Self { region, .. } = self;
        let failed = match self.failed.len() {
            0 => String::new(),
            count => format!(", {count} could not be deleted: {}", self.failed[0].because),
        };
        if self.apply {
            let strays = told(self.torn_down.len(), "torn down");
            format!("{region}: {} deleted, {there} there{strays}{failed}", self.deleted.len())
        } else {
            let strays = told(self.strays().count(), "as well");
            format!("{region}: {going} of {there} would be deleted{strays}")
        }
    }
}

#[cfg(test)]
mod tests;
