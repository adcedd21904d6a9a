//! The world is not as the plan says: somebody changed the record, or the replica takes no writes.

use domain::{
    component::ActiveSide,
    state_machine::StateName,
    words::{id::HostName, time_span::TimeSpan},
};
use edge::dns::Dns;
use jiff::Timestamp;

use super::{Drill, order, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::SystemError,
};

/// Where somebody pointed the name without telling anybody.
const ELSEWHERE: &str = "elsewhere.lifeboat.test";

/// Within which a person must be called.
const CALLED_WITHIN: TimeSpan = TimeSpan::seconds(60);

impl Drill<'_> {
    pub(super) async fn wrong_record(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let groups = system.security_groups(aws, &self.plan().regions.primary, &system.pair.primary).await?;
        system.point_to(aws, ELSEWHERE).await?;
        let edited = format!("`{}` leads to `{ELSEWHERE}` now", self.plan().traffic.record.name);
        self.happened(Timestamp::now(), Event::RecordEdited, edited, Actor::Disaster);
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        let says = evidence.because.contains(ELSEWHERE);
        self.check("the refusal says where the name leads", says, &evidence.because);
        let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
        self.check("no step that changes anything ran", nothing, "by the record's answers");
        let now = system.security_groups(aws, &self.plan().regions.primary, &system.pair.primary).await?;
        self.check("the old primary's security groups are as they were", now == groups, now.join(", "));
        let replica = aws.rds.ask(&system.replica(), "postgres", "select pg_is_in_recovery()").await;
        let replica = replica.ok().and_then(|rows| rows.first().and_then(|row| row.try_get::<_, bool>(0).ok()));
        self.check("the replica is a replica still", replica == Some(true), format!("in recovery: {replica:?}"));
        let leads = self.leads_to().await?;
        self.check("the record is as that somebody left it", leads == ELSEWHERE, leads);
        let lease = self.lease().await?;
        let free = lease.holder.is_none() && lease.active == ActiveSide::Primary;
        self.check("the lease is free, the primary is the active side", free, format!("active: {:?}", lease.active));
        let name = evidence.execution.name().to_owned();
        self.called("a person is told of the refusal", |told| {
            told.subject.contains("refused") && told.message.contains(&name)
        })
        .await?;
        aws.rds.restart_after_kill(&system.primary()).await?;
        system.point_to_primary(aws).await?;
        let mended_at = Timestamp::now();
        self.happened(mended_at, Event::Undone, "the record and the primary's host are back".into(), Actor::Disaster);
        let commit = clients.first_after(mended_at).await?;
        self.happened(commit.at, Event::FirstCommit, format!("row {} on {}", commit.id, commit.address), Actor::Client);
        let logs = clients.stop().await?;
        let run = RunResult::of("automatic failover", Ending::Refused, evidence);
        self.result(disaster_at, vec![run], &logs, None, None, HeldTo { rto: false, rpo: true }).await
    }

    pub(super) async fn promoted_refuses_writes(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        aws.rds.refuse_writes(&system.replica())?;
        let full = format!("`{}` will refuse writes once it is a primary, as with a full disk", system.replica().id);
        self.happened(Timestamp::now(), Event::WritesRefused, full, Actor::Disaster);
        let disaster_at = self.kill().await?;
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        let took = TimeSpan::between(disaster_at, evidence.ended_at);
        self.check("the run ends within a minute of the disaster", took <= CALLED_WITHIN, took.to_string());
        let stopped = evidence.record.error.as_ref().is_some_and(|error| error.state == StateName::PromoteReplica);
        self.check("it stopped at PromoteReplica, which did not say Done", stopped, &evidence.because);
        let says = evidence.because.contains("read-only");
        self.check("the reason says that no write was taken", says, &evidence.because);
        let leads = self.leads_to().await?;
        self.check("traffic was not moved", leads == system.pair.primary.endpoint.as_str(), leads);
        let lease = self.lease().await?;
        let active = lease.active == ActiveSide::Replica && evidence.active == ActiveSide::Replica;
        self.check("record and lease say that the replica was promoted", active, format!("active: {:?}", lease.active));
        let name = evidence.execution.name().to_owned();
        self.called("a person is called", |told| {
            told.subject.contains("NEEDS A PERSON") && told.message.contains(&name)
        })
        .await?;
        aws.rds.take_writes(&system.replica())?;
        self.happened(Timestamp::now(), Event::Undone, "the promoted side takes writes again".into(), Actor::Disaster);
        let finishing = runs.start(&order(self.plan(), "anna", "the new primary's disk was enlarged")).await?;
        let finished = runs.follow(self.lab, &finishing, self.observer).await?;
        let opened = finished.record.open_run.as_ref().map_or("nothing", |step| step.because.as_str()).to_owned();
        self.check("the next run says what it finishes", opened.contains(&name), opened);
        let moved = promoted_at(&finished);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![
            RunResult::of("automatic failover", Ending::NeedsAPerson, evidence),
            RunResult::of("a person's, once it is mended", Ending::Done, finished),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    /// Where the traffic's name leads, as the authoritative server answers it.
    pub(super) async fn leads_to(&self) -> Result<String, DrillError> {
        let name = &self.plan().traffic.record.name;
        let answer: Result<HostName, String> = Dns::asking(&[self.lab.aws.resolver()], false)?.alias(name).await;
        let failed = |why| SystemError::Aws { doing: format!("look `{name}` up"), why };
        Ok(answer.map_err(failed)?.to_string())
    }
}
