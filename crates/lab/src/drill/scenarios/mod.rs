//! The scenarios: what is done, and what must happen.

mod approval;
mod backed_up;
mod blip;
mod calls;
mod changed;
mod corrupt;
mod cut;
mod flapping;
mod interrupted;
mod killed;
mod lost;
mod meeting;
mod mistaken;
mod partial;
mod planned;
mod point_in_time;
mod quota;
mod restore_test;
mod result;
mod stopped;
mod switchover;
mod two_plans;
mod unfit;
mod unhealthy;
mod visited;

use std::{net::SocketAddr, time::Duration};

use domain::{
    failover::{guard::Kept, lease::Lease},
    plan::PairPlan,
    record::evidence::Evidence,
    watch::probe::later,
    words::{id::ExecutionArn, time_span::TimeSpan},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    DrillError, Drills, Observer, Scenario,
    clients::Clients,
    follow::{Runs, live},
};
use crate::{
    lab::Lab,
    network::Vantage,
    pager::Notice,
    report::{Actor, Check, DrillResult, Event, Reading, RunResult, TimelineEntry, Turn, turns_until},
    system::SystemError,
    workload::ClientTiming,
};

/// How long the old primary is tried after its return, and a client after a blip.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

pub(super) async fn run(
    drills: &Drills,
    scenario: Scenario,
    reproduce: &str,
    observer: &dyn Observer,
) -> Result<DrillResult, DrillError> {
    let mut drill = Drill {
        lab: drills.lab_of(scenario),
        neighbours: &drills.neighbours,
        number: drills.begun,
        lead: drills.lead,
        answer_after: drills.answer_after,
        scenario,
        observer,
        reproduce,
        began_at: Timestamp::now(),
        timeline: Vec::new(),
        checks: Vec::new(),
        turns: Vec::new(),
        readings: Vec::new(),
        grace: TimeSpan::seconds(0),
        guard: None,
    };
    match scenario {
        Scenario::RefusedThenFit => drill.refused_then_fit().await,
        Scenario::ReplicaBackingUp => drill.replica_backing_up().await,
        Scenario::StandbyTakesOver => drill.standby_takes_over().await,
        Scenario::ClassChanged => drill.class_changed().await,
        Scenario::PrimaryKilled => drill.primary_killed().await,
        Scenario::Blip => drill.blip().await,
        Scenario::ReplicaLagging => drill.replica_lagging().await,
        Scenario::Twice => drill.twice().await,
        Scenario::SecondFailover => drill.second_failover().await,
        Scenario::OrchestratorDied => drill.orchestrator_died().await,
        Scenario::StaleWriter => drill.stale_writer().await,
        Scenario::WrongRecord => drill.wrong_record().await,
        Scenario::Approval => drill.approval().await,
        Scenario::PromotedRefusesWrites => drill.promoted_refuses_writes().await,
        Scenario::HostLost => drill.host_lost().await,
        Scenario::RegionLost => drill.region_lost().await,
        Scenario::Partition => drill.partition().await,
        Scenario::Flapping => drill.flapping().await,
        Scenario::CutOff => drill.cut_off().await,
        Scenario::ReplicaStillStreaming => drill.replica_still_streaming().await,
        Scenario::AnswerLost => drill.answer_lost().await,
        Scenario::ApiThrottled => drill.api_throttled().await,
        Scenario::DnsRefused => drill.dns_refused().await,
        Scenario::WitnessSilent => drill.witness_silent().await,
        Scenario::Switchover => drill.switchover().await,
        Scenario::RestoreTest => drill.restore_test().await,
        Scenario::PointInTime => drill.point_in_time().await,
        Scenario::MistakeAndRegionLost => drill.mistake_and_region_lost().await,
        Scenario::CorruptBackup => drill.corrupt_backup().await,
        Scenario::QuotaFull => drill.quota_full().await,
        Scenario::PartialFailure => drill.partial_failure().await,
        Scenario::CopyInterrupted => drill.copy_interrupted().await,
        Scenario::TwoPlans => drill.two_plans().await,
        Scenario::ApplicationDown => drill.application_down().await,
        Scenario::SlowNetwork => drill.slow_network().await,
    }
}

struct Drill<'a> {
    lab: &'a Lab,
    /// Other plans on the same AWS, in a drill of several.
    neighbours: &'a [Lab],
    /// Which of the lab's drills this is.
    number: u32,
    /// How long the clients are at work before the disaster.
    lead: Duration,
    /// How long a person who approves takes.
    answer_after: TimeSpan,
    scenario: Scenario,
    observer: &'a dyn Observer,
    reproduce: &'a str,
    began_at: Timestamp,
    timeline: Vec<TimelineEntry>,
    checks: Vec<Check>,
    /// The turns of runs that left no evidence of a failover.
    turns: Vec<Turn>,
    /// What was measured.
    readings: Vec<Reading>,
    /// How long after its return the old primary may still take writes in sessions that are open.
    grace: TimeSpan,
    /// What the guard of the old primary left behind.
    guard: Option<Kept>,
}

impl<'a> Drill<'a> {
    fn plan(&self) -> &'a PairPlan {
        &self.lab.system.plan
    }

    async fn clients(&self) -> Result<Clients, DrillError> {
        self.observer.step("starting the clients");
        self.at_work(self.lab.aws.resolver(), ClientTiming::of(self.plan())).await
    }

    /// Clients that wait long for a session and an answer: where nothing is done to the primary they may notice how long one took,
    /// which is measured, but no refusal.
    async fn patient_clients(&self) -> Result<Clients, DrillError> {
        self.observer.step("starting the clients");
        self.at_work(self.lab.aws.resolver(), ClientTiming::of(self.plan()).patient()).await
    }

    /// Clients of which the first one reaches hosts only over links that can be cut.
    async fn clients_behind_links(&self) -> Result<Clients, DrillError> {
        self.observer.step("starting the clients");
        self.at_work(self.lab.aws.resolver_of(Vantage::Public), ClientTiming::of(self.plan())).await
    }

    /// Clients that have been at work for the drill's lead.
    async fn at_work(&self, resolver: SocketAddr, timing: ClientTiming) -> Result<Clients, DrillError> {
        let clients = Clients::start(self.lab, self.number, resolver, timing).await?;
        tokio::time::sleep(self.lead).await;
        Ok(clients)
    }

    async fn kill(&mut self) -> Result<Timestamp, DrillError> {
        let primary = self.lab.system.primary();
        let disaster_at = Timestamp::now();
        self.lab.aws.rds.kill(&primary).await?;
        self.observer.disaster(disaster_at);
        self.happened(
            disaster_at,
            Event::Killed,
            format!("SIGKILL of `{}` and all its processes", primary.id),
            Actor::Disaster,
        );
        Ok(disaster_at)
    }

    /// After a failover: waits for the client's first commit, then brings the old primary back, which must be fenced.
    /// Without a promotion it is brought back too, so that its rows can be read.
    async fn afterwards(
        &mut self,
        clients: &Clients,
        moved: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, DrillError> {
        if moved.is_none() {
            self.lab.aws.rds.restart_after_kill(&self.lab.system.primary()).await?;
            return Ok(None);
        }
        let commit = clients.first_elsewhere().await?;
        tracing::debug!(commit.id, "the client has found the new primary");
        self.lab.aws.rds.restart_after_kill(&self.lab.system.primary()).await?;
        let returned_at = Timestamp::now();
        self.happened(
            returned_at,
            Event::OldPrimaryBack,
            "its host was started again, with its old data".into(),
            Actor::Disaster,
        );
        tokio::time::sleep(AFTERWARDS).await;
        Ok(Some(returned_at))
    }

    /// Says what must be true, whether it is, and what was found.
    fn check(&mut self, claim: impl Into<String>, holds: bool, found: impl Into<String>) {
        self.checks.push(Check { claim: claim.into(), holds, found: found.into() });
    }

    /// The plan's lease as it is now.
    async fn lease(&self) -> Result<Lease, DrillError> {
        let lease = self.lab.system.lease(&self.lab.aws).await?;
        Ok(lease.ok_or_else(|| SystemError::Plan {
            plan: self.plan().plan.to_string(),
            why: "no run has ever taken its lease".into(),
        })?)
    }

    /// Checks that a person was called since the drill began, by a notice that is `wanted`.
    async fn called(&mut self, claim: &str, wanted: impl Fn(&Notice) -> bool) -> Result<(), DrillError> {
        match self.lab.pager.notice(self.began_at, claim, wanted).await {
            Ok(told) => {
                self.happened(told.at, Event::PersonCalled, told.subject.clone(), Actor::Run);
                self.check(claim, true, told.subject);
            }
            Err(late @ SystemError::Late { .. }) => self.check(claim, false, late.to_string()),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Stops a run from outside, and keeps what it had done until then.
    async fn stop(&mut self, runs: &Runs, run: &ExecutionArn, name: &str) -> Result<RunResult, DrillError> {
        let history = runs.stop(self.lab, run, "the drill").await?;
        let at = Timestamp::now();
        for entry in live(run, &history.visits) {
            self.happened(entry.at, entry.event, entry.detail, entry.source);
        }
        let state = history.visits.last().map_or("no state", |moment| moment.state.as_str());
        let because = format!("stopped from outside in {state}");
        self.happened(at, Event::RunStopped, format!("{name}, in {state}: `{}`", run.name()), Actor::Disaster);
        self.turns.extend(turns_until(&history.visits, at));
        Ok(RunResult::broken_off(name, run, history.transitions, because))
    }

    fn happened(&mut self, at: Timestamp, event: Event, detail: String, source: Actor) {
        let entry = TimelineEntry { at, event, detail, source };
        self.observer.happened(&entry);
        self.timeline.push(entry);
    }
}

/// A person's request for a failover, as `lifeboat failover` makes it.
fn order(plan: &PairPlan, by: &str, why: &str) -> Value {
    json!({ "plan": plan.plan, "by": by, "why": why })
}

/// When the promoted replica had committed its first write.
fn promoted_at(evidence: &Evidence) -> Option<Timestamp> {
    evidence.record.promotion.as_ref().and_then(|step| step.did.as_ref()).map(|promotion| promotion.written_at)
}
