//! A primary that is out of reach, not dead: it returns, and must not go on.

use std::{net::Ipv4Addr, time::Duration};

use domain::{
    failover::guard::{self, Kept},
    plan::FailureClass,
    words::time_span::TimeSpan,
};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill, promoted_at};
use crate::{
    drill::{DrillError, clients::Clients, follow::Runs},
    gateway::{Fault, How, When},
    network::Vantage,
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::until,
};

/// How long the guard's record may take: a guard that is started again takes over within a minute.
const RECORD_PATIENCE: Duration = Duration::from_secs(120);

/// How long the old primary may go on after its return. Until then only its network is fenced, which does not end the
/// sessions that it has; the guard does, within two of its samples and the time that they take.
pub(super) const FENCED_WITHIN: TimeSpan = TimeSpan::seconds(2);

/// The same where its Region's endpoints were silent as well: its network could not be fenced, and a call that was made
/// before they came back is waited for.
pub(super) const REGION_FENCED_WITHIN: TimeSpan = TimeSpan::seconds(10);

/// What functions ask in the primary's Region. Route 53 is asked in a Region of its own.
const OF_A_REGION: [&str; 6] = ["rds", "s3", "lambda", "sns", "kms", "secretsmanager"];

impl Drill<'_> {
    pub(super) async fn host_lost(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let primary = self.lab.system.primary();
        let disaster_at = Timestamp::now();
        self.lab.aws.rds.pause(&primary).await?;
        self.observer.disaster(disaster_at);
        let detail = format!("SIGSTOP of every process of `{}`: no reset, no answer", primary.id);
        self.happened(disaster_at, Event::Paused, detail, Actor::Disaster);
        let run = self.failed_over(runs, &clients).await?;
        let returned_at = Timestamp::now();
        self.lab.aws.rds.resume(&primary).await?;
        self.happened(
            returned_at,
            Event::OldPrimaryBack,
            "SIGCONT: it goes on where it stopped".into(),
            Actor::Disaster,
        );
        let held_to = HeldTo { rto: true, rpo: true };
        self.returned(disaster_at, vec![run], clients, returned_at, FENCED_WITHIN, held_to).await
    }

    pub(super) async fn region_lost(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients_behind_links().await?;
        let host = self.primary_host()?;
        let disaster_at = self.lose_region(host).await?;
        let run = self.failed_over(runs, &clients).await?;
        let judgement = run.evidence.as_ref().and_then(|run| run.record.judgement.as_ref()?.did.as_ref());
        let class = judgement.map(|judgement| judgement.class);
        self.check("it is judged as a failure of the Region", class == Some(FailureClass::Region), &run.because);
        let returned_at = self.region_returns(host).await?;
        let held_to = HeldTo { rto: true, rpo: true };
        self.returned(disaster_at, vec![run], clients, returned_at, REGION_FENCED_WITHIN, held_to).await
    }

    /// The primary and every endpoint of its Region fall silent.
    pub(super) async fn lose_region(&mut self, host: Ipv4Addr) -> Result<Timestamp, DrillError> {
        let (primary, faults) = (self.lab.system.primary(), self.lab.aws.gateway.faults());
        let disaster_at = Timestamp::now();
        for service in OF_A_REGION {
            let silent = Fault::new(When::Before, How::Silent).of(service).in_region(&primary.region);
            faults.set(&silent).await?;
        }
        // A host that is stopped still accepts connections, and one that nobody reaches has a client beside it.
        self.cut(&Vantage::ALL, host)?;
        self.lab.aws.rds.pause(&primary).await?;
        self.observer.disaster(disaster_at);
        let detail = format!("`{}` and every endpoint of {}: no answer", primary.id, primary.region);
        self.happened(disaster_at, Event::Paused, detail, Actor::Disaster);
        Ok(disaster_at)
    }

    /// They come back.
    pub(super) async fn region_returns(&mut self, host: Ipv4Addr) -> Result<Timestamp, DrillError> {
        let primary = self.lab.system.primary();
        let returned_at = Timestamp::now();
        self.lab.aws.gateway.faults().heal().await?;
        self.lab.aws.rds.resume(&primary).await?;
        self.heal(host);
        self.happened(returned_at, Event::OldPrimaryBack, format!("{} is back", primary.region), Actor::Disaster);
        Ok(returned_at)
    }

    pub(super) async fn partition(&mut self) -> Result<DrillResult, DrillError> {
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients_behind_links().await?;
        let host = self.primary_host()?;
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        self.cut(&Vantage::ALL, host)?;
        let run = self.failed_over(runs, &clients).await?;
        let returned_at = self.heal(host);
        // What a host that nobody else reaches commits until the failover is lost.
        let held_to = HeldTo { rto: true, rpo: false };
        self.returned(disaster_at, vec![run], clients, returned_at, FENCED_WITHIN, held_to).await
    }

    /// Waits for the failover, and for the client that follows it.
    pub(super) async fn failed_over(&mut self, mut runs: Runs, clients: &Clients) -> Result<RunResult, DrillError> {
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        if promoted_at(&evidence).is_some() {
            clients.first_elsewhere().await?;
        }
        Ok(RunResult::of("automatic failover", Ending::Done, evidence))
    }

    /// Waits for what the guard leaves behind when the old primary refuses writes: where the two logs part. Where no run
    /// promoted, there is none.
    pub(super) async fn kept_out(&mut self, runs: &[RunResult]) -> Result<(), DrillError> {
        let moved = runs.iter().filter_map(|run| run.evidence.as_ref()).find(|run| promoted_at(run).is_some());
        let Some(generation) = moved.and_then(|run| run.generation) else { return Ok(()) };
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let key = guard::key(&system.plan.plan, generation);
        let text =
            until(RECORD_PATIENCE, &format!("the guard's record `{key}`"), async || system.object(aws, &key).await)
                .await?;
        let kept: Kept = serde_json::from_str(&text).map_err(|source| DrillError::Evidence { key, source })?;
        self.happened(kept.ended_at, Event::OldPrimaryFenced, kept.because.clone(), Actor::Run);
        self.check(
            "the guard recorded where the old primary's log parts from the new one's",
            kept.divergence.is_some(),
            &kept.because,
        );
        self.guard = Some(kept);
        Ok(())
    }

    /// Gives the clients that were left on the old primary time to go on there, and judges.
    pub(super) async fn returned(
        &mut self,
        disaster_at: Timestamp,
        runs: Vec<RunResult>,
        clients: Clients,
        returned_at: Timestamp,
        fenced_within: TimeSpan,
        held_to: HeldTo,
    ) -> Result<DrillResult, DrillError> {
        self.grace = fenced_within;
        tokio::time::sleep(fenced_within.duration() + AFTERWARDS).await;
        let logs = clients.stop().await?;
        self.kept_out(&runs).await?;
        let moved = runs.iter().find_map(|run| run.evidence.as_ref().and_then(promoted_at));
        let returned_at = moved.map(|_| returned_at);
        self.result(disaster_at, runs, &logs, moved, returned_at, held_to).await
    }
}
