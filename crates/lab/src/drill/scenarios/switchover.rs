//! A primary that works hands over to its replica.

use domain::run::Kind;
use jiff::Timestamp;
use serde_json::json;

use super::{AFTERWARDS, Drill, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
};

impl Drill<'_> {
    pub(super) async fn switchover(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let mut runs = Runs::of(self.stage, Kind::Switchover).await?;
        let clients = self.clients().await?;
        let struck_at = Timestamp::now();
        self.audience.struck(struck_at);
        let why = "the provider works on the primary's Region tonight";
        self.happened(struck_at, Event::Ordered, format!("a switchover of `{}`: {why}", plan.plan), Actor::Disaster);
        let run = runs.start(&json!({ "plan": plan.plan, "by": "the drill", "why": why })).await?;
        let evidence = runs.follow(self.stage, &run, self.audience).await?;
        let moved = promoted_at(&evidence);
        if moved.is_some() {
            clients.first_elsewhere().await?;
            // The client that was left on the old primary, which is there all the time, goes on trying.
            tokio::time::sleep(AFTERWARDS).await;
        }
        let logs = clients.stop().await?;
        let run = RunResult::of("switchover", Ending::Done, evidence);
        self.result(struck_at, vec![run], &logs, moved, moved, HeldTo { rto: true, rpo: true }).await
    }
}
