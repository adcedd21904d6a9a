//! Planned work: on the replica just when it is needed, and on a primary that is away while it is worked on.

use std::time::Duration;

use domain::{state_machine::StateName, words::id::ExecutionArn};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill, promoted_at};

use rds_on_postgres::{Name, Status};

use crate::{
    drill::{DrillError, clients::Clients, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::until,
};

/// The class that the primary is moved to.
const CLASS: &str = "db.m7g.large";

/// How long work may overrun: a server's start and what it has to replay.
const RETURNS_WITHIN: Duration = Duration::from_secs(30);

/// The most runs of a failover that waits for a backup: the alarm's, and the one that starts by itself after it.
const MOST_RUNS: usize = 2;

impl Drill<'_> {
    pub(super) async fn replica_backing_up(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let lasts = self.lab.manners().backup();
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let began_at = Timestamp::now();
        aws.rds.back_up(&system.replica(), lasts)?;
        self.work_began(began_at, &format!("RDS backs `{}` up for {} ms", system.replica().id, lasts.as_millis()));
        let ends_at = began_at + lasts;
        let disaster_at = self.kill().await?;
        let (mut results, mut waited) = (Vec::new(), false);
        let last = loop {
            let run = runs.next().await?;
            let evidence = runs.follow(self.lab, &run, self.observer).await?;
            waited |= judged(&runs, &run, "backing-up").await?;
            // If the backup outlasts the run's patience, the run is refused and the next one starts by itself.
            let is_last = promoted_at(&evidence).is_some() || results.len() + 1 == MOST_RUNS;
            let name = if results.is_empty() { "automatic failover" } else { "started again" };
            let expected = if is_last { Ending::Done } else { Ending::Refused };
            results.push(RunResult::of(name, expected, evidence.clone()));
            if is_last {
                break evidence;
            }
        };
        self.check("the judge waits for the backup", waited, "by its answers");
        let shut_at =
            last.timeline.iter().find(|moment| moment.state == StateName::FencePrimary).map(|moment| moment.entered_at);
        self.check(
            "nothing is shut before the backup is done",
            shut_at.is_some_and(|at| at >= ends_at),
            shut_at
                .map_or("nothing was".to_owned(), |at| format!("the backup ended at {ends_at}, it was shut at {at}")),
        );
        let moved = promoted_at(&last);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    pub(super) async fn standby_takes_over(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let primary = self.lab.system.primary();
        let away = self.lab.manners().standby_takes_over();
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        self.lab.aws.rds.let_standby_take_over(&primary, away)?;
        let what = format!("`{}`'s standby takes over, and nobody is served for {} ms", primary.id, away.as_millis());
        self.work_began(disaster_at, &what);
        self.back_by_itself(disaster_at, runs, clients, Duration::ZERO, away).await
    }

    pub(super) async fn class_changed(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let (primary, manners) = (self.lab.system.primary(), self.lab.manners());
        let (begins, away) = (manners.class_change_begins(), manners.class_change_restarts());
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        self.lab.aws.rds.change_class(&primary, CLASS, begins, away)?;
        let what = format!("`{}` becomes a {CLASS}, and nobody is served for {} ms", primary.id, away.as_millis());
        self.work_began(disaster_at, &what);
        self.back_by_itself(disaster_at, runs, clients, begins, away).await
    }

    /// Waits for the work's end, for the client, and for whatever run began: nothing may be moved.
    async fn back_by_itself(
        &mut self,
        disaster_at: Timestamp,
        mut runs: Runs,
        clients: Clients,
        begins: Duration,
        away: Duration,
    ) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let status = |name: &Name| aws.rds.instance(name).map(|instance| instance.status);
        let (primary, limit) = (system.primary(), begins + away + RETURNS_WITHIN);
        until(limit, "the end of the work", async || Ok((status(&primary) == Some(Status::Available)).then_some(())))
            .await?;
        let back_at = Timestamp::now();
        self.happened(back_at, Event::WorkEnded, format!("`{}` is available again", primary.id), Actor::Disaster);
        let commit = clients.first_after(back_at).await?;
        self.happened(commit.at, Event::FirstCommit, format!("row {} on {}", commit.id, commit.address), Actor::Client);
        // By then, a run that the outage starts has begun.
        tokio::time::sleep(self.plan().detection().duration() + AFTERWARDS).await;
        let (mut results, mut work_is_seen) = (Vec::new(), false);
        for _ in runs.new_ones().await? {
            let run = runs.next().await?;
            let evidence = runs.follow(self.lab, &run, self.observer).await?;
            work_is_seen |= judged(&runs, &run, "RDS says that").await?;
            let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
            self.check("the run shut and promoted nothing", nothing, &evidence.because);
            results.push(RunResult::of("automatic failover", Ending::Refused, evidence));
        }
        if results.is_empty() {
            let because = "no sample too many failed, so that no alarm rose";
            results.push(RunResult::not_started("no failover", Ending::NotStarted, because));
        }
        // An outage of half that may be over before the judge looks.
        if away >= self.plan().detection().duration() * 2 {
            self.check("the judge holds because RDS is at work", work_is_seen, "by its answers");
        }
        let is_replica = aws.rds.instance(&system.replica()).is_some_and(|instance| instance.source.is_some());
        self.check("the replica is one still", is_replica, "by RDS's word");
        let logs = clients.stop().await?;
        self.result(disaster_at, results, &logs, None, None, HeldTo { rto: false, rpo: true }).await
    }

    fn work_began(&mut self, at: Timestamp, what: &str) {
        self.happened(at, Event::WorkBegan, what.to_owned(), Actor::Disaster);
    }
}

/// Whether the judge gave this as a reason in any of its answers.
async fn judged(runs: &Runs, run: &ExecutionArn, reason: &str) -> Result<bool, DrillError> {
    let left = runs.outputs(run).await?;
    let says = |because: Option<&str>| because.is_some_and(|because| because.contains(reason));
    Ok(left.iter().any(|left| left.state == StateName::JudgeFailover && says(left.output["because"].as_str())))
}
