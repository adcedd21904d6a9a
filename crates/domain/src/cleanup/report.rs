//! What a cleanup of a Region found, has done and is still to do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Verdict, run::CleanupRun};
use crate::{
    component::SnapshotKind,
    restore::Stray,
    words::id::{ExecutionArn, InstanceId, PlanName, Region},
};

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

/// How many are deleted before the state machine is told how far it is.
pub const DELETES_IN_A_TURN: usize = 20;

/// What one turn of a cleanup deletes: nothing where the run only reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletions {
    /// Backups, each to be looked at once more.
    pub backups: Vec<Verdict>,
    /// Instances that tests restored and left.
    pub instances: Vec<InstanceId>,
    /// Whether nothing that can be deleted is left for another turn.
    pub is_last: bool,
}

impl Deletions {
    /// Whether there is nothing to delete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.backups.is_empty() && self.instances.is_empty()
    }
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
    fn untried(&self) -> impl Iterator<Item = &Verdict> {
        self.going().filter(|verdict| self.failed.iter().all(|failed| failed.name != verdict.snapshot))
    }

    /// What this turn deletes.
    #[must_use]
    pub fn deletions(&self) -> Deletions {
        if !self.apply {
            return Deletions { backups: Vec::new(), instances: Vec::new(), is_last: true };
        }
        Deletions {
            backups: self.untried().take(DELETES_IN_A_TURN).cloned().collect(),
            instances: self.strays().map(|stray| stray.instance.clone()).collect(),
            is_last: self.untried().count() <= DELETES_IN_A_TURN,
        }
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

    /// Notes that a backup or a restored instance could not be deleted.
    pub fn not_deleted(&mut self, name: &str, because: String) {
        self.failed.push(NotDeleted { name: name.to_owned(), because });
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
