//! A primary that works hands over to its replica.

use std::time::Duration;

use domain::{failover::run::RunKind, words::wal::Lsn};
use jiff::Timestamp;
use serde_json::json;

use super::{AFTERWARDS, Drill, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, Check, DrillResult, Ending, Event, HeldTo, RunResult},
};

/// How long the client may wait, beyond what AWS adds: what a switchover promises.
const LONGEST_WAIT: Duration = Duration::from_millis(1_500);

impl Drill<'_> {
    pub(super) async fn switchover(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let mut runs = Runs::of(self.lab, RunKind::Switchover).await?;
        let clients = self.clients().await?;
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        let why = "the provider works on the primary's Region tonight";
        self.happened(disaster_at, Event::Ordered, format!("a switchover of `{}`: {why}", plan.plan), Actor::Disaster);
        let run = runs.start(&json!({ "plan": plan.plan, "by": "the drill", "why": why })).await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        let moved = promoted_at(&evidence);
        if moved.is_some() {
            clients.first_elsewhere().await?;
            // The old primary is up all the time, and the client that was left on it goes on trying.
            tokio::time::sleep(AFTERWARDS).await;
        }
        let logs = clients.stop().await?;
        let run = RunResult::of("switchover", Ending::Done, evidence);
        let held_to = HeldTo { rto: true, rpo: true };
        let mut result = self.result(disaster_at, vec![run], &logs, moved, moved, held_to).await?;
        let checks = checks(&result, LONGEST_WAIT + self.lab.manners().adds_to_an_outage());
        result.checks.extend(checks);
        Ok(result)
    }
}

/// What a failover is not held to.
fn checks(result: &DrillResult, longest_wait: Duration) -> Vec<Check> {
    let (lost, outage) = (result.client.lost.rows.count, result.client.outage.as_ref());
    let waited = outage.filter(|outage| outage.first_after.is_some()).map(|outage| outage.milliseconds);
    let record = result.runs.first().and_then(|run| run.evidence.as_ref()).map(|evidence| &evidence.record);
    let end = record.and_then(|record| record.drain.as_ref()?.did).map(|drained| drained.lsn);
    let replayed = record.and_then(|record| record.promotion.as_ref()?.did.as_ref()?.position).map(|at| at.replayed);
    let shown = |lsn: Option<Lsn>| lsn.map_or("unknown".to_owned(), |lsn| lsn.to_string());
    vec![
        Check { claim: "no acknowledged row is lost".into(), holds: lost == 0, found: format!("{lost} rows") },
        Check {
            claim: format!("the client waits {} ms at most", longest_wait.as_millis()),
            holds: waited.is_some_and(|waited| u128::from(waited) <= longest_wait.as_millis()),
            found: waited.map_or("it was not served again".into(), |waited| format!("{waited} ms")),
        },
        Check {
            claim: "the replica had the old primary's whole log when it was promoted".into(),
            holds: end.is_some() && replayed >= end,
            found: format!("the log ends at {}, replayed up to {}", shown(end), shown(replayed)),
        },
    ]
}
