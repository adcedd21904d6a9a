//! Cleanup: what becomes of each of a plan's backups in a Region, and of what was restored of them, and why.
//!
//! A series is what one schedule made of one component in one Region; each is judged by its schedule's retention alone.
//! What is in no series of the plan, because the plan has changed or its tags cannot be read, stays.

mod report;
mod run;
mod sparing;
mod turn;

use std::collections::BTreeMap;

pub use report::{DELETES_IN_A_TURN, Deletions, NotDeleted, Report};
pub use run::{CleanupRequest, CleanupRun, report_key};
pub use sparing::{LastLook, last_look, spare, spare_sources};
pub use turn::{RegionTurn, because};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    backup::Snapshot,
    component::SnapshotKind,
    plan::Plan,
    retention::{self, Decision, Entry, State},
    words::id::{ComponentName, ScheduleName},
};

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
    let Some(rules) = &backup.retention else {
        return stay(format!("`{schedule}` is continuous now: nothing says how long its snapshots are kept"));
    };
    let entries: Vec<Entry<&str>> = snapshots.iter().map(entry).collect();
    match retention::plan(&entries, rules, now) {
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

#[cfg(test)]
mod tests;
