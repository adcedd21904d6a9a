//! A primary that dies: at once, or while its replica is behind.

use domain::{failover::approval::Decision, plan::Policy, record::evidence::Evidence, words::time_span::TimeSpan};
use jiff::Timestamp;
use serde_json::json;

use super::{Drill, later, promoted_at};
use crate::{
    drill::{DrillError, clients::Clients, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
};

impl Drill<'_> {
    pub(super) async fn primary_killed(&mut self) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let visitors = self.visitors().await?;
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        if self.plan().failover.policy.database == Policy::Approval {
            self.answer(&run, Decision::Approve, "the drill", "the primary was killed").await?;
        }
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        self.visitors_moved(&visitors, disaster_at, &evidence).await;
        self.recovered(disaster_at, clients, evidence).await
    }

    /// After an automatic failover: the client is served again and the old primary returns, both within the objectives.
    pub(super) async fn recovered(
        &mut self,
        disaster_at: Timestamp,
        clients: Clients,
        evidence: Evidence,
    ) -> Result<DrillResult, DrillError> {
        let moved = promoted_at(&evidence);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let run = RunResult::of("automatic failover", Ending::Done, evidence);
        self.result(disaster_at, vec![run], &logs, moved, returned_at, HeldTo { rto: true, rpo: true }).await
    }

    pub(super) async fn replica_lagging(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        aws.rds.hold_back_replay(&system.replica())?;
        let held_at = Timestamp::now();
        let budget = plan.failover.data_loss_budget.time;
        self.happened(
            held_at,
            Event::ReplayHeld,
            format!("`{}` no longer gets its source's log; the budget is {budget}", system.replica().id),
            Actor::Disaster,
        );
        // Until the client has committed for longer than the budget.
        let beyond = later(held_at, budget + TimeSpan::seconds(1));
        clients.first_after(beyond).await?;
        let disaster_at = self.kill().await?;
        let refused = runs.next().await?;
        let refused = runs.follow(self.lab, &refused, self.observer).await?;
        let input = json!({
            "plan": plan.plan, "by": "the drill", "why": "the replica is behind, and the shop must open",
            "consent": { "by": "the drill", "why": "what the replica lacks is given up" },
        });
        let consented = runs.start(&input).await?;
        self.happened(
            Timestamp::now(),
            Event::Approved,
            "a run with a named consent to the loss".into(),
            Actor::Disaster,
        );
        let consented = runs.follow(self.lab, &consented, self.observer).await?;
        let moved = promoted_at(&consented);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![
            RunResult::of("automatic failover", Ending::Refused, refused),
            RunResult::of("with a named consent", Ending::Done, consented),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: false }).await
    }
}
