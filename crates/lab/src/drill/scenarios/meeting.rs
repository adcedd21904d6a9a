//! Runs that meet: several at once, and one after the other before there is anything to fail over to again.

use std::time::Duration;

use domain::{record::evidence::Evidence, run::outcome::RunOutcome, watch::probe::Watch};
use edge::object_store;
use jiff::Timestamp;

use super::{Drill, order, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::until,
};

/// How long the watch may take to count a failure.
const WATCH_PATIENCE: Duration = Duration::from_secs(60);

impl Drill<'_> {
    pub(super) async fn twice(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let mut runs = Runs::so_far(self.lab).await?;
        let before = self.lab.system.lease(&self.lab.aws).await?.map_or(0, |lease| lease.generation.0);
        let clients = self.clients().await?;
        let disaster_at = self.kill().await?;
        // One failure before the alarm, so that its run meets those of the two people.
        self.failing(plan.probe.failures_in_a_row - 1).await?;
        let orders = [order(plan, "anna", "the shop is down"), order(plan, "ben", "orders fail since a minute")];
        let mut started = runs.start_at_once(&orders).await?;
        started.push(runs.next().await?);
        let mut ended = Vec::new();
        for (name, run) in ["by anna", "by ben", "by the alarm"].into_iter().zip(&started) {
            ended.push((name, runs.follow(self.lab, run, self.observer).await?));
        }
        let held: Vec<&Evidence> = ended
            .iter()
            .map(|(_, evidence)| evidence)
            .filter(|evidence| evidence.outcome == RunOutcome::Done)
            .collect();
        let winner = held.first().map(|evidence| evidence.execution.clone());
        self.check("one of the three runs goes through", held.len() == 1, format!("{} ended as done", held.len()));
        for (name, evidence) in &ended {
            let Some(winner) = winner.as_ref().filter(|winner| **winner != evidence.execution) else { continue };
            let names_it = evidence.because.contains(winner.name());
            self.check(format!("the run {name} names the one that has the lease"), names_it, &evidence.because);
        }
        let after = self.lease().await?.generation.0;
        self.check("the generation was raised once", after == before + 1, format!("from {before} to {after}"));
        let moved = ended.iter().find_map(|(_, evidence)| promoted_at(evidence));
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let expected = |evidence: &Evidence| {
            if Some(&evidence.execution) == winner.as_ref() { Ending::Done } else { Ending::Refused }
        };
        let mut results: Vec<RunResult> =
            ended.into_iter().map(|(name, evidence)| RunResult::of(name, expected(&evidence), evidence)).collect();
        // The run that went through is shown last.
        results.sort_by_key(|run| run.expected == Ending::Done);
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: true, rpo: true }).await
    }

    pub(super) async fn second_failover(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let disaster_at = self.kill().await?;
        let first = runs.next().await?;
        let first = runs.follow(self.lab, &first, self.observer).await?;
        let moved = promoted_at(&first);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        aws.rds.kill(&system.replica()).await?;
        let killed = format!("SIGKILL of `{}`, the primary now", system.replica().id);
        self.happened(Timestamp::now(), Event::Killed, killed, Actor::Disaster);
        let second = runs.start(&order(plan, "anna", "the new primary is down as well")).await?;
        let second = runs.follow(self.lab, &second, self.observer).await?;
        aws.rds.restart_after_kill(&system.replica()).await?;
        self.happened(Timestamp::now(), Event::Undone, "its host was started again".into(), Actor::Disaster);
        for (claim, part) in [
            ("the refusal says what a replica is missing of", system.pair.replica.instance.as_str()),
            ("the refusal says in which Region it is missing", plan.regions.primary.as_str()),
            ("the refusal names the run that failed over", first.execution.name()),
            ("the refusal says how to restore it", "RUNBOOK.md"),
        ] {
            self.check(claim, second.because.contains(part), &second.because);
        }
        let lease = self.lease().await?;
        let same = Some(lease.generation) == first.generation && lease.holder.is_none();
        self.check("the refused run changed nothing of the lease", same, format!("generation {}", lease.generation));
        self.called("a person is told of the refusal, with the plan's name", |told| {
            told.subject.contains(&format!("{} refused", plan.plan)) && told.message.contains(second.execution.name())
        })
        .await?;
        let results = vec![
            RunResult::of("automatic failover", Ending::Done, first),
            RunResult::of("another one before replication is back", Ending::Refused, second),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: true, rpo: true }).await
    }

    /// Waits until the watch has counted this many failures in a row.
    async fn failing(&self, count: u32) -> Result<(), DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let key = object_store::watch_key(&self.plan().plan);
        until(WATCH_PATIENCE, "a failure that the watch counts", async || {
            let watch = system.object(aws, &key).await?.and_then(|text| serde_json::from_str::<Watch>(&text).ok());
            Ok(watch.and_then(|watch| watch.failing).filter(|streak| streak.failures >= count).map(drop))
        })
        .await?;
        Ok(())
    }
}
