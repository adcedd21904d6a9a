//! Rows that were deleted by mistake, and then the primary's Region is gone: what is left of the time before is what was
//! replicated of its automated backups.

use std::time::Duration;

use domain::{
    backup::whole_second,
    plan::Plan,
    restore::{Purpose, Restored, Wanted},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Drill,
    lost::REGION_FENCED_WITHIN,
    point_in_time::{Known, MISTAKE, known},
};
use crate::{
    drill::{
        DrillError,
        follow::Runs,
        upkeep::{Ended, Order},
    },
    protection,
    report::{Actor, DrillResult, Ending, Event, HeldTo},
    system::{SystemError, until},
    workload::orders,
};

/// How long the first base backup and the log may take to the other Region.
const CROSSED_WITHIN: Duration = Duration::from_secs(60);

/// How old the newest time in the other Region may be when the first one goes: the lab's RDS looks every two seconds.
const MOST_BEHIND: Duration = Duration::from_secs(15);

impl Drill<'_> {
    pub(super) async fn mistake_and_region_lost(&mut self) -> Result<DrillResult, DrillError> {
        let (lab, plan) = (self.lab, self.plan());
        self.observer.step("having the automated backups replicated, as `lifeboat plan apply` does");
        let with_points = with_points(&lab.system.whole)?;
        let applied = protection::apply(&lab.aws, &with_points).await;
        applied.map_err(|error| unusable(&lab.system.whole, domain::words::failure::chain(&error)))?;
        let result = self.mistaken_and_lost().await;
        // Also after an error: the next run must read the plan as it was.
        lab.aws.gateway.faults().heal().await?;
        lab.system.replan(&lab.aws, plan).await?;
        result
    }

    async fn mistaken_and_lost(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients_behind_links().await?;
        let host = self.primary_host()?;
        let primary = self.primary().await?;
        let known = known(&primary).await?;
        let mistake: Vec<i64> = known.before.iter().take(MISTAKE).copied().collect();
        let deleted = orders::delete(&primary, &mistake).await.map_err(SystemError::from)?;
        let told = format!("{deleted} orders, in a statement without the right condition");
        self.happened(Timestamp::now(), Event::RowsDeleted, told, Actor::Disaster);
        self.crossed(known.wanted).await?;
        let last = orders::read_back(&primary, 0).await.map_err(SystemError::from)?;
        let disaster_at = self.lose_region(host).await?;
        let failover = self.failed_over(runs, &clients).await?;
        let newest = self.newest_point().await?.map(whole_second);
        let order = Order::Restore(Purpose::Keep, Wanted::Time(known.wanted));
        let before = self.ran("restore to the second before the mistake", order, Ending::Complete).await?;
        self.rows_are_back(&before, &known, &mistake).await?;
        let mut results = vec![failover, before.result];
        if let Some(newest) = newest {
            let order = Order::Restore(Purpose::Keep, Wanted::Time(newest));
            let latest = self.ran("restore to the newest time that is there", order, Ending::Complete).await?;
            self.lost_until(&latest, newest, &last, disaster_at).await?;
            results.push(latest.result);
        }
        let returned_at = self.region_returns(host).await?;
        let held_to = HeldTo { rto: true, rpo: true };
        self.returned(disaster_at, results, clients, returned_at, REGION_FENCED_WITHIN, held_to).await
    }

    /// The newest time that the recovery Region can restore by itself.
    async fn newest_point(&self) -> Result<Option<Timestamp>, DrillError> {
        let (pair, regions) = (&self.lab.system.pair, &self.plan().regions);
        let config = self.lab.aws.gateway.sdk_config(regions.recovery.as_str());
        let rds = edge::rds::Rds::with(&config, &regions.recovery);
        let found = rds.replicated(&regions.primary, &pair.primary.instance).await?;
        Ok(found.and_then(|found| found.window).map(|window| window.latest))
    }

    /// Waits until the other Region's automated backups reach a time.
    async fn crossed(&self, time: Timestamp) -> Result<(), DrillError> {
        until(CROSSED_WITHIN, "the second that is wanted back, in the other Region", async || {
            let newest =
                self.newest_point().await.map_err(|error| unusable(&self.lab.system.whole, error.to_string()))?;
            Ok(newest.is_some_and(|newest| newest >= time).then_some(()))
        })
        .await?;
        Ok(())
    }

    /// Checks what was restored against what was there, and copies the rows back to the new primary.
    async fn rows_are_back(&mut self, run: &Ended, known: &Known, mistake: &[i64]) -> Result<(), DrillError> {
        let Some(restored) = run.restored().and_then(|part| part.restored.clone()) else { return Ok(()) };
        let recovery = &self.plan().regions.recovery;
        let there = restored.region == *recovery;
        self.check("it is restored in the recovery Region", there, restored.region.to_string());
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        self.same(known, &restored, &system.pair.replica).await?;
        let primary = system.owner_session(aws, recovery, &system.pair.replica).await?;
        self.put_back(&primary, &restored, mistake, known).await?;
        self.took("restore of the second before the mistake, from asking for it to finding it available", &restored);
        self.let_go(&restored).await
    }

    /// What would have been lost with the Region, had there been no replica.
    async fn lost_until(
        &mut self,
        run: &Ended,
        newest: Timestamp,
        last: &[i64],
        disaster_at: Timestamp,
    ) -> Result<(), DrillError> {
        let Some(restored) = run.restored().and_then(|part| part.restored.clone()) else { return Ok(()) };
        let session = self.restored(&restored).await?;
        let there = orders::read_back(&session, 0).await.map_err(SystemError::from)?;
        let lost = last.iter().filter(|id| there.binary_search(id).is_err()).count();
        let behind = disaster_at.duration_since(newest).unsigned_abs();
        let found = format!("{:.1} s, and {lost} of {} rows", behind.as_secs_f64(), last.len());
        self.check("what only the replicated backups would have lost is little", behind <= MOST_BEHIND, found);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.reading("rows that the newest time in the other Region lacks", "", count(lost));
        let milliseconds = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
        self.reading("the newest time in the other Region, before the Region was lost", "ms", milliseconds);
        self.took("restore of the newest time, from asking for it to finding it available", &restored);
        self.let_go(&restored).await
    }

    fn took(&mut self, name: &str, restored: &Restored) {
        let took = restored.available_at.duration_since(restored.asked_at).unsigned_abs();
        self.reading(name, "ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }
}

/// The same plan, whose pairs' automated backups are replicated to the recovery Region.
fn with_points(plan: &Plan) -> Result<Plan, SystemError> {
    let mut written = json!(plan);
    let names: Vec<&str> =
        plan.components.iter().filter_map(|known| known.kind().restores()).map(|pair| pair.name.as_str()).collect();
    let log = json!({
        "name": "log",
        "schedule": "continuous",
        "components": names,
        "copies": [{ "region": plan.regions.recovery }],
        "verification": { "encrypted": false },
    });
    let components = written["components"].as_array_mut().into_iter().flatten();
    for component in components.filter(|component| names.iter().any(|name| component["name"] == *name)) {
        component["pointInTime"] = json!("7d");
    }
    if let Some(backups) = written["backups"].as_array_mut() {
        backups.push(log);
    }
    serde_json::from_value(written).map_err(|error| unusable(plan, error.to_string()))
}

fn unusable(plan: &Plan, why: String) -> SystemError {
    SystemError::Plan { plan: plan.plan.to_string(), why }
}
