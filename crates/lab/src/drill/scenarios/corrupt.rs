//! A backup whose files are damaged.

use domain::{
    plan::PairPlan,
    restore::{Purpose, Wanted},
    run::verification::Finding,
};
use jiff::Timestamp;
use serde_json::json;

use super::{Drill, backed_up::is_verified};

use rds_on_postgres::Name;

use crate::{
    drill::{
        DrillError,
        upkeep::{Ended, Order},
    },
    report::{Actor, DrillResult, Ending, Event},
    system::SystemError,
};

impl Drill<'_> {
    pub(super) async fn corrupt_backup(&mut self) -> Result<DrillResult, DrillError> {
        let (lab, plan) = (self.lab, self.plan());
        let result = self.damaged().await;
        // Also after an error: the next run must read the plan as it was.
        lab.system.replan(&lab.aws, plan).await?;
        result
    }

    async fn damaged(&mut self) -> Result<DrillResult, DrillError> {
        let (lab, recovery) = (self.lab, &self.plan().regions.recovery);
        let clients = self.patient_clients().await?;
        let began_at = self.begun();
        let old = self.two_backups(["a backup", "another backup"], 0).await?;
        let order = Order::Restore(Purpose::Test, Wanted::Latest);
        let sound = self.ran("a restore test", order.clone(), Ending::Complete).await?;
        let verified = of(&sound);
        let new = self.two_backups(["a newer backup", "the newest backup"], 2).await?;
        let newest = self.newest().await?;
        lab.aws.rds.damage_snapshot(&Name::new(recovery.as_str(), &newest))?;
        let told = format!("{newest} in {recovery}: RDS shows it as available");
        self.happened(Timestamp::now(), Event::BackupDamaged, told, Actor::Disaster);

        let found = self.ran("a restore test of the damaged one", order, Ending::Failed).await?;
        self.found_out(&found, &newest).await?;
        // Few enough that some of the backups are deleted.
        lab.system.replan(&lab.aws, &keeping_few(self.plan())?).await?;
        let cleanup = self.ran("a cleanup", Order::Cleanup, Ending::Complete).await?;
        self.kept(&verified, &new).await?;
        let runs = old.into_iter().chain([sound]).chain(new).chain([found, cleanup]).map(|ended| ended.result);
        self.undisturbed(began_at, runs.collect(), clients).await
    }

    async fn two_backups(&mut self, names: [&str; 2], nth: i64) -> Result<Vec<Ended>, DrillError> {
        let orders = [0, 1].map(|more| Order::Backup(self.scheduled(nth + more)));
        let [first, second] = orders;
        self.ran_at_once(&[(names[0], first), (names[1], second)], Ending::Complete).await
    }

    /// The newest snapshot of the recovery Region: the one that a test of the latest restores.
    async fn newest(&self) -> Result<String, DrillError> {
        let all = self.snapshots(&self.plan().regions.recovery).await?;
        let newest = all.iter().max_by_key(|snapshot| snapshot.original_snapshot_create_time().copied());
        let name = newest.and_then(|snapshot| snapshot.db_snapshot_identifier()).map(str::to_owned);
        Ok(name.ok_or_else(|| SystemError::Plan {
            plan: self.plan().plan.to_string(),
            why: "none of its backups is there".into(),
        })?)
    }

    async fn found_out(&mut self, test: &Ended, damaged: &str) -> Result<(), DrillError> {
        let of = of(test);
        self.check("the test restored the damaged backup", of == damaged, of);
        let verified = test.restored().and_then(|part| part.verified.as_ref());
        let unreadable = |finding: &Finding| matches!(finding, Finding::Failed { got, .. } if got.contains("XX001"));
        let checks = verified.map(|verified| verified.checks.as_slice()).unwrap_or_default();
        let failed: Vec<&str> =
            checks.iter().filter(|check| unreadable(&check.finding)).map(|check| check.name.as_str()).collect();
        let told = format!("{} with XX001: {}", failed.len(), failed.join(", "));
        self.check("it found pages that cannot be read", !failed.is_empty(), told);
        let copy = self.snapshot(&self.plan().regions.recovery, damaged).await?;
        let tagged = verified.is_none_or(|verified| verified.tagged) || copy.as_ref().is_none_or(is_verified);
        self.check("it is not tagged as verified", !tagged, format!("tagged: {tagged}"));
        let left = self.restores().await?.len();
        self.check("nothing is left behind", left == 0, format!("{left} restored instances"));
        self.called("a person is told, and which backup it is", |told| {
            told.subject.contains("restore test") && told.subject.contains("FAILED") && told.message.contains(damaged)
        })
        .await
    }

    /// Checks that the cleanup deleted something, and nothing that it must keep.
    async fn kept(&mut self, verified: &str, newest: &[Ended]) -> Result<(), DrillError> {
        let recovery = &self.plan().regions.recovery;
        let left = self.snapshots(recovery).await?;
        let names: Vec<&str> = left.iter().filter_map(|snapshot| snapshot.db_snapshot_identifier()).collect();
        let still =
            left.iter().any(|snapshot| snapshot.db_snapshot_identifier() == Some(verified) && is_verified(snapshot));
        let claim = "the cleanup leaves the newest verified backup, and it is verified still";
        self.check(claim, still, format!("{verified} of {} that are left", names.len()));
        let floor = newest.iter().filter_map(|ended| ended.taken()).map(|taken| taken.snapshot.as_str());
        let there = floor.filter(|name| names.contains(name)).count();
        let claim = "it leaves those that the floor keeps, the damaged one among them";
        self.check(claim, there == newest.len(), format!("{there} of {}", newest.len()));
        let most = newest.len() + 1;
        self.check("it deletes the others", names.len() == most, format!("{} are left", names.len()));
        Ok(())
    }
}

/// The backup that a test restored.
fn of(test: &Ended) -> String {
    let chosen = test.restored().and_then(|part| part.examined.as_ref()?.chosen.as_ref());
    chosen.map_or_else(|| "none".to_owned(), |chosen| chosen.origin.name())
}

/// The same plan, whose retention keeps the last one and a floor of two.
fn keeping_few(plan: &PairPlan) -> Result<PairPlan, SystemError> {
    let mut plan = plan.clone();
    let few = serde_json::from_value(json!({ "last": 1, "floor": 2 }));
    let few = few.map_err(|error| SystemError::Plan { plan: plan.plan.to_string(), why: error.to_string() })?;
    if let Some(backup) = plan.backups.first_mut() {
        backup.retention = few;
    }
    Ok(plan)
}
