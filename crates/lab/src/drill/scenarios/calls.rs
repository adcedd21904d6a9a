//! AWS's own calls fail: an answer is lost, calls are throttled, edits are refused, a Region is silent.

use domain::{
    component::ActiveSide,
    failover::{approval::Decision, judgement::Signal},
    plan::FailureClass,
    record::evidence::Evidence,
    state_machine::StateName,
    watch::health::{Vantage, Verdict},
};
use jiff::Timestamp;

use super::{Drill, order, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    gateway::{Caller, Fault, How, When},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
};

/// The services that a failover cannot do without, and how each fails.
const SERVICES: [(&str, How); 5] = [
    ("rds", How::Throttled),
    ("s3", How::Throttled),
    ("route53", How::Broken),
    ("cloudwatch", How::Throttled),
    ("lambda", How::Broken),
];

impl Drill<'_> {
    pub(super) async fn answer_lost(&mut self) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let fault = Fault::new(When::After, How::Broken).of("rds").operation("PromoteReadReplica").first(1);
        self.spoil(&[fault], "the answer to PromoteReadReplica will be lost").await?;
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        self.healed(1).await?;
        let promotion = evidence.record.promotion.as_ref().and_then(|step| step.did.as_ref());
        let timeline = promotion.map_or(0, |promotion| promotion.timeline);
        self.check("it was promoted once", timeline == 2, format!("timeline {timeline}, 1 before"));
        self.recovered(disaster_at, clients, evidence).await
    }

    pub(super) async fn api_throttled(&mut self) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let faults = SERVICES.map(|(service, how)| Fault::new(When::Before, how).of(service).first_of_each(1));
        let told = SERVICES.map(|(service, how)| format!("{service}: {how:?}")).join(", ");
        let told = format!("the first call of each kind fails: {told}");
        self.spoil(&faults, &told).await?;
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        // Reading and writing the lease, looking at and moving the replica and the record, invoking each function.
        self.healed(20).await?;
        self.recovered(disaster_at, clients, evidence).await
    }

    pub(super) async fn dns_refused(&mut self) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let fault = Fault::new(When::Before, How::Denied).of("route53").operation("ChangeResourceRecordSets");
        self.spoil(&[fault], "Route 53 refuses every edit").await?;
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        let stopped = runs.follow(self.lab, &run, self.observer).await?;
        let at = stopped.record.error.as_ref().map(|error| &error.state);
        self.check(
            "it stopped at DnsSwitch, past the point of no return",
            at == Some(&StateName::DnsSwitch),
            &stopped.because,
        );
        let lease = self.lease().await?;
        let active = lease.active == ActiveSide::Replica && stopped.active == ActiveSide::Replica;
        self.check("record and lease say that the replica was promoted", active, format!("active: {:?}", lease.active));
        let system = &self.lab.system;
        let (plan, region) = (&system.plan.plan, &system.plan.regions.recovery);
        let command = format!("lifeboat failover --plan {plan} --region {region} --by YOU --why REASON");
        let primary = format!("`{}` is the primary and has committed a write", system.pair.replica.instance);
        let traffic = format!("`{}` was not moved by this run", system.plan.traffic.record.name);
        self.called("a person is told what is true and the one command that finishes it", |told| {
            [&command, &primary, &traffic].iter().all(|part| told.message.contains(part.as_str()))
        })
        .await?;
        self.healed(1).await?;
        let finishing = runs.start(&order(self.plan(), "anna", "the role may edit the zone again")).await?;
        let finished = runs.follow(self.lab, &finishing, self.observer).await?;
        let timeline = |evidence: &Evidence| {
            evidence.record.promotion.as_ref().and_then(|step| step.did.as_ref()).map(|promotion| promotion.timeline)
        };
        let (first, second) = (timeline(&stopped), timeline(&finished));
        let same = first.is_some() && first == second;
        self.check("it was promoted once, by the first run", same, format!("timelines: {first:?}, {second:?}"));
        let moved = promoted_at(&stopped);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![
            RunResult::of("automatic failover", Ending::NeedsAPerson, stopped),
            RunResult::of("the command that finishes it", Ending::Done, finished),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    pub(super) async fn witness_silent(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let judge = Caller::Function("lifeboat-judge-failover".into());
        let fault = Fault::new(When::Before, How::Silent).of("lambda").operation("Invoke").by(judge);
        self.spoil(&[fault], "the witness Region does not answer").await?;
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        self.answer(&run, Decision::Deny, "anna", "the status page says that the Region is well").await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        self.healed(1).await?;
        let judged = evidence.record.judgement.as_ref().and_then(|step| step.did.as_ref());
        let class = judged.map(|judgement| judgement.class);
        let unknown = class == Some(FailureClass::Unknown);
        self.check("the class of the failure is unknown", unknown, format!("{class:?}"));
        let missing = |signal: &&Signal| signal.vantage == Vantage::Witness && signal.verdict == Verdict::Unknown;
        let said = judged.and_then(|judgement| judgement.signals.iter().find(missing)).map(|signal| &signal.because);
        let said = said.map_or("nothing", String::as_str).to_owned();
        self.check("the record says that the witness's signal is missing", said.contains("silent"), said);
        let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
        self.check("no step that changes anything ran", nothing, "by the record's answers");
        aws.rds.restart_after_kill(&system.primary()).await?;
        let back_at = Timestamp::now();
        self.happened(back_at, Event::Undone, "the primary's host is back".into(), Actor::Disaster);
        let commit = clients.first_after(back_at).await?;
        self.happened(commit.at, Event::FirstCommit, format!("row {} on {}", commit.id, commit.address), Actor::Client);
        let logs = clients.stop().await?;
        let run = RunResult::of("automatic failover", Ending::Refused, evidence);
        self.result(disaster_at, vec![run], &logs, None, None, HeldTo { rto: false, rpo: true }).await
    }

    /// Puts faults in force, in the place of any others.
    pub(super) async fn spoil(&mut self, faults: &[Fault], told: &str) -> Result<(), DrillError> {
        let gateway = self.lab.aws.gateway.faults();
        gateway.heal().await?;
        for fault in faults {
            gateway.set(fault).await?;
        }
        self.happened(Timestamp::now(), Event::CallsSpoiled, told.to_owned(), Actor::Disaster);
        Ok(())
    }

    /// Ends the faults. They must have spoiled at least so many calls, or nothing was rehearsed.
    pub(super) async fn healed(&mut self, least: u32) -> Result<(), DrillError> {
        let gateway = self.lab.aws.gateway.faults();
        let spoiled: u32 = gateway.in_force().await?.iter().map(|fault| fault.spoiled).sum();
        gateway.heal().await?;
        self.check("the calls were spoiled", spoiled >= least, format!("{spoiled} calls, {least} are the least"));
        self.happened(Timestamp::now(), Event::Undone, "AWS answers every call again".into(), Actor::Disaster);
        Ok(())
    }
}
