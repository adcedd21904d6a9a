//! What every drill of backups has: runs that are ordered and followed, and a client that must not notice.

use aws_sdk_rds::types::{DbInstance, DbSnapshot, Tag};
use domain::{
    backup::whole_second,
    words::id::{ExecutionArn, PlanName, Region},
};
use jiff::{Timestamp, ToSpan};

use super::Drill;
use crate::{
    drill::{
        DrillError,
        clients::Clients,
        upkeep::{Ended, Order},
    },
    report::{Actor, Check, DrillResult, Ending, Event, HeldTo, Reading, RunResult},
    system::SystemError,
};

/// What the names of restored instances begin with.
const RESTORED: &str = "lifeboat-restore-";

impl Drill<'_> {
    /// From here on times are counted.
    pub(super) fn begun(&self) -> Timestamp {
        let at = Timestamp::now();
        self.observer.disaster(at);
        at
    }

    /// A different time for each `nth` backup of a drill, the oldest first.
    pub(super) fn scheduled(&self, nth: i64) -> Timestamp {
        whole_second(self.began_at) - (10 - nth).seconds()
    }

    /// Orders a run, and follows it to its end.
    pub(super) async fn ran(&mut self, name: &str, order: Order, expected: Ending) -> Result<Ended, DrillError> {
        let mut ended = self.ran_at_once(&[(name, order)], expected).await?;
        Ok(ended.remove(0))
    }

    /// Orders runs at once, and follows each to its end.
    pub(super) async fn ran_at_once(
        &mut self,
        orders: &[(&str, Order)],
        expected: Ending,
    ) -> Result<Vec<Ended>, DrillError> {
        let mut runs = Vec::new();
        for (name, order) in orders {
            runs.push(self.begin(name, order).await?);
        }
        let mut all = Vec::new();
        for ((name, order), run) in orders.iter().zip(&runs) {
            all.push(self.end(name, order, run, expected).await?);
        }
        Ok(all)
    }

    /// Orders a run.
    pub(super) async fn begin(&mut self, name: &str, order: &Order) -> Result<ExecutionArn, DrillError> {
        let run = self.lab.order(order).await?;
        self.happened(Timestamp::now(), Event::RunStarted, format!("{name}: `{}`", run.name()), Actor::Run);
        Ok(run)
    }

    /// Follows a run to its end.
    pub(super) async fn end(
        &mut self,
        name: &str,
        order: &Order,
        run: &ExecutionArn,
        expected: Ending,
    ) -> Result<Ended, DrillError> {
        let ended = self.lab.ordered(order, run, (name, expected), self.observer).await?;
        self.timeline.extend(ended.timeline.iter().cloned());
        self.turns.extend(ended.turns.iter().cloned());
        Ok(ended)
    }

    /// A backup for the `nth` time of this drill.
    pub(super) async fn backup(&mut self, name: &str, nth: i64, expected: Ending) -> Result<Ended, DrillError> {
        self.ran(name, Order::Backup(self.scheduled(nth)), expected).await
    }

    pub(super) fn rds(&self, region: &Region) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&self.lab.aws.gateway.sdk_config(region.as_str()))
    }

    /// The callers' snapshots of a Region.
    pub(super) async fn snapshots(&self, region: &Region) -> Result<Vec<DbSnapshot>, DrillError> {
        let found = self.rds(region).describe_db_snapshots().snapshot_type("manual").send().await;
        let found = found.map_err(|error| SystemError::Aws {
            doing: format!("list the snapshots of {region}"),
            why: edge::aws::shown(&error),
        })?;
        Ok(found.db_snapshots.unwrap_or_default())
    }

    /// A snapshot of this name in a Region.
    pub(super) async fn snapshot(&self, region: &Region, name: &str) -> Result<Option<DbSnapshot>, DrillError> {
        let all = self.snapshots(region).await?;
        Ok(all.into_iter().find(|snapshot| snapshot.db_snapshot_identifier() == Some(name)))
    }

    /// The plan's restored instances of both Regions.
    pub(super) async fn restores(&self) -> Result<Vec<String>, DrillError> {
        let regions = &self.plan().regions;
        let mut names = Vec::new();
        for region in [&regions.primary, &regions.recovery] {
            let found = self.rds(region).describe_db_instances().send().await;
            let found = found.map_err(|error| SystemError::Aws {
                doing: format!("list the instances of {region}"),
                why: edge::aws::shown(&error),
            })?;
            let own = found.db_instances().iter().filter(|instance| is_of(&self.plan().plan, instance));
            let all = own.filter_map(|instance| instance.db_instance_identifier());
            names.extend(all.filter(|name| name.starts_with(RESTORED)).map(str::to_owned));
        }
        Ok(names)
    }

    /// Notes something that was measured.
    pub(super) fn reading(&mut self, name: &str, unit: &str, value: u64) {
        self.readings.push(Reading { name: name.to_owned(), unit: unit.to_owned(), value });
    }

    /// Ends a drill: the client must not have noticed anything.
    pub(super) async fn undisturbed(
        &mut self,
        began_at: Timestamp,
        runs: Vec<RunResult>,
        clients: Clients,
    ) -> Result<DrillResult, DrillError> {
        let logs = clients.stop().await?;
        let held_to = HeldTo { rto: false, rpo: false };
        let mut result = self.result(began_at, runs, &logs, None, None, held_to).await?;
        let client = &result.client;
        let (failed, unanswered) = (client.attempts_failed, client.unknown_kept + client.unknown_gone);
        let (acknowledged, lost) = (client.rows_acknowledged, client.lost.rows.count);
        result.checks.push(Check {
            claim: "the client goes on writing: no write fails, none is lost".into(),
            holds: acknowledged > 0 && failed == 0 && unanswered == 0 && lost == 0,
            found: format!("{acknowledged} acknowledged, {failed} failed, {unanswered} unanswered, {lost} lost"),
        });
        Ok(result)
    }
}

/// Whether an instance is tagged as a plan's.
fn is_of(plan: &PlanName, instance: &DbInstance) -> bool {
    let key = domain::backup::tag("plan");
    let tagged = |tag: &Tag| tag.key() == Some(key.as_str()) && tag.value() == Some(plan.as_str());
    instance.tag_list().iter().any(tagged)
}

/// Whether a snapshot is tagged as verified.
pub(super) fn is_verified(snapshot: &DbSnapshot) -> bool {
    let verified = domain::backup::tag("verified-at");
    snapshot.tag_list().iter().any(|tag| tag.key() == Some(verified.as_str()))
}
