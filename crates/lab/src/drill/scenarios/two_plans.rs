//! Several plans on one lab: each is failed over, and none touches what is another's.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    component::ActiveSide,
    failover::{lease::Lease, run::Trigger},
    record::evidence::Evidence,
    run::outcome::RunOutcome,
    words::{id::ExecutionArn, time_span::TimeSpan},
};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill, order, promoted_at};
use crate::{
    drill::{DrillError, Observer, clients::Clients, follow::Runs},
    lab::Lab,
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult, TimelineEntry},
    setup::Progress,
    workload::ClientTiming,
};

/// How far apart the primaries may die.
const AT_ONCE: TimeSpan = TimeSpan::seconds(1);

/// How long alarms and rules are watched for what they must not do: an alarm is evaluated each second.
const SETTLES: Duration = Duration::from_secs(3);

/// How long an alarm of whole minutes takes to come to rest.
const ALARM_RESTS: Duration = Duration::from_secs(130);

/// One of the other plans, from its clients' first commits to its run's end.
struct Neighbour<'a> {
    lab: &'a Lab,
    runs: Runs,
    clients: Clients,
    killed_at: Timestamp,
}

/// What became of it.
struct Outcome {
    run: ExecutionArn,
    evidence: Evidence,
}

/// Hears nothing: a neighbour's run is told of in the checks.
struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: &str) {}
}

impl Observer for Quiet {
    fn disaster(&self, _: Timestamp) {}
    fn happened(&self, _: &TimelineEntry) {}
}

impl Drill<'_> {
    pub(super) async fn two_plans(&mut self) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let mut neighbours = Vec::new();
        for lab in self.neighbours {
            let clients =
                Clients::start(lab, self.number, lab.aws.resolver(), ClientTiming::of(&lab.system.plan)).await?;
            neighbours.push(Neighbour {
                lab,
                runs: Runs::so_far(lab).await?,
                clients,
                killed_at: Timestamp::UNIX_EPOCH,
            });
        }
        let disaster_at = self.kill().await?;
        for neighbour in &mut neighbours {
            let primary = neighbour.lab.system.primary();
            neighbour.killed_at = Timestamp::now();
            neighbour.lab.aws.rds.kill(&primary).await?;
            let detail = format!("SIGKILL of `{}` in {} and all its processes", primary.id, primary.region);
            self.happened(neighbour.killed_at, Event::Killed, detail, Actor::Disaster);
        }
        let last = neighbours.iter().map(|neighbour| neighbour.killed_at).max().unwrap_or(disaster_at);
        let apart = TimeSpan::between(disaster_at, last);
        self.check(format!("all primaries die within {AT_ONCE}"), apart <= AT_ONCE, format!("{apart} apart"));

        let own = async {
            let run = runs.next().await?;
            let evidence = runs.follow(self.lab, &run, self.observer).await?;
            Ok(Outcome { run, evidence })
        };
        let theirs = futures::future::try_join_all(neighbours.iter_mut().map(Neighbour::followed));
        let (own, theirs): (Outcome, Vec<Outcome>) = futures::future::try_join(own, theirs).await?;
        let moved = promoted_at(&own.evidence);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        for (neighbour, outcome) in neighbours.into_iter().zip(&theirs) {
            self.recovered_beside(neighbour, outcome).await?;
        }
        self.of_its_own(&own, &theirs).await?;
        self.alarms_are_its_own(&theirs).await?;
        let run = RunResult::of("automatic failover", Ending::Done, own.evidence);
        self.result(disaster_at, vec![run], &logs, moved, returned_at, HeldTo { rto: true, rpo: true }).await
    }

    /// A neighbour is served again within its objectives, and its old primary refuses what comes late.
    async fn recovered_beside(&mut self, neighbour: Neighbour<'_>, outcome: &Outcome) -> Result<(), DrillError> {
        let Neighbour { lab, clients, killed_at, .. } = neighbour;
        let plan = lab.system.plan.plan.clone();
        let evidence = &outcome.evidence;
        let done = evidence.outcome == RunOutcome::Done;
        self.check(format!("plan `{plan}` is failed over"), done, &evidence.because);
        let moved = promoted_at(evidence);
        let returned_at = bring_back(lab, &clients, moved).await?;
        let logs = clients.stop().await?;
        let client = logs.measure(lab, self.number, killed_at, moved, killed_at).await?;
        let objectives = &lab.system.plan.objectives;
        let outage = client.outage.as_ref().map_or(u64::MAX, |outage| outage.milliseconds);
        let within = TimeSpan::milliseconds(outage) <= objectives.rto
            && TimeSpan::milliseconds(client.lost.milliseconds) <= objectives.rpo;
        let told = format!(
            "{outage} ms, {} rows lost, {} after the promotion",
            client.lost.rows.count, client.split_brain.count
        );
        let served = within && client.split_brain.count == 0;
        self.check(format!("plan `{plan}`'s clients are served again within its objectives"), served, told);
        let (tried, acknowledged) = logs.tried_on_the_old(returned_at);
        let told = format!("{acknowledged} of {tried} attempts to write to it were acknowledged");
        self.check(format!("plan `{plan}`'s old primary is fenced"), tried > 0 && acknowledged == 0, told);
        Ok(())
    }

    /// Trigger, lease, evidence and record of each plan are its own, and it had one run.
    async fn of_its_own(&mut self, own: &Outcome, theirs: &[Outcome]) -> Result<(), DrillError> {
        let labs: Vec<&Lab> = std::iter::once(self.lab).chain(self.neighbours).collect();
        let all: Vec<&Outcome> = std::iter::once(own).chain(theirs).collect();
        for (lab, Outcome { run, evidence }) in labs.iter().zip(&all) {
            let plan = lab.system.plan.plan.clone();
            let alarm = match &evidence.trigger {
                Some(Trigger::Alarm { alarm, .. }) => alarm.clone(),
                other => format!("{other:?}"),
            };
            let by_its_own = alarm == format!("lifeboat-{plan}-primary-down");
            self.check(format!("plan `{plan}` is failed over by its own alarm"), by_its_own, alarm);
            let lease = lab.system.lease(&lab.aws).await?;
            let is_its_own = lease.as_ref().is_some_and(|lease| {
                let last = lease.last.as_ref().map(|last| &last.execution);
                lease.plan == plan && last == Some(run) && lease.holder.is_none() && lease.active == ActiveSide::Replica
            });
            self.check(format!("plan `{plan}`'s lease tells of its own run"), is_its_own, told_of(lease.as_ref()));
            let mut keys = lab.system.keys(&lab.aws, "evidence/").await?;
            keys.retain(|key| key.contains(run.name()));
            let is_its_own = !keys.is_empty() && keys.iter().all(|key| key.starts_with(&format!("evidence/{plan}/")));
            self.check(format!("plan `{plan}`'s evidence is kept as its own"), is_its_own, keys.join(", "));
            let names_it =
                |notice: &crate::pager::Notice| notice.subject == format!("Lifeboat: {plan} has failed over");
            let told = lab.pager.notice(self.began_at, "the end's notice", names_it).await;
            let heard = told.as_ref().map_or_else(ToString::to_string, |told| told.subject.clone());
            self.check(format!("the people of plan `{plan}` are told"), told.is_ok(), heard);
        }
        let runs: BTreeSet<&ExecutionArn> = all.iter().map(|outcome| &outcome.run).collect();
        self.check("each plan has a run of its own", runs.len() == all.len(), format!("{} runs", runs.len()));
        Ok(())
    }

    /// Only the alarms of their own primaries rose; and a run that ends badly is counted for its own plan alone.
    async fn alarms_are_its_own(&mut self, theirs: &[Outcome]) -> Result<(), DrillError> {
        let labs: Vec<&Lab> = std::iter::once(self.lab).chain(self.neighbours).collect();
        tokio::time::sleep(SETTLES).await;
        for lab in &labs {
            let (plan, rose) = (&lab.system.plan.plan, lab.system.alarms_since(&lab.aws, self.began_at).await?);
            let only = rose == BTreeSet::from([format!("lifeboat-{plan}-primary-down")]);
            self.check(format!("no other alarm of plan `{plan}` rises"), only, format!("{rose:?}"));
        }
        let Some((lab, _)) = self.neighbours.iter().zip(theirs).next() else { return Ok(()) };
        let plan = lab.system.plan.clone();
        let alarm = format!("lifeboat-{}-run-ended-badly", plan.plan);
        // A drill of a minute ago may have raised it: it watches whole minutes.
        lab.system.rests(&lab.aws, &alarm, ALARM_RESTS).await?;
        let began = Timestamp::now();
        let mut runs = Runs::so_far(lab).await?;
        let run = runs.start(&order(&plan, "the drill", "once more, before replication is back")).await?;
        let refused = runs.follow(lab, &run, &Quiet).await?;
        let is_refused = refused.outcome == RunOutcome::Refused;
        self.check(format!("a second failover of plan `{}` is refused", plan.plan), is_refused, &refused.because);
        tokio::time::sleep(SETTLES).await;
        for of in labs {
            let rose = of.system.alarms_since(&of.aws, began).await?;
            let expected = BTreeSet::from_iter((of.system.plan.plan == plan.plan).then(|| alarm.clone()));
            let claim = format!("that refusal raises its own alarm and none of plan `{}`", of.system.plan.plan);
            self.check(claim, rose == expected, format!("{rose:?}"));
        }
        Ok(())
    }
}

impl Neighbour<'_> {
    /// Its run, from its beginning by itself to its end.
    async fn followed(&mut self) -> Result<Outcome, DrillError> {
        let run = self.runs.next().await?;
        let evidence = self.runs.follow(self.lab, &run, &Quiet).await?;
        Ok(Outcome { run, evidence })
    }
}

/// A lease in a few words.
fn told_of(lease: Option<&Lease>) -> String {
    lease.map_or_else(
        || "there is none".to_owned(),
        |lease| {
            let last = lease.last.as_ref().map_or("no run", |last| last.execution.name());
            format!("plan `{}`, generation {}, last `{last}`", lease.plan, lease.generation)
        },
    )
}

/// The old primary comes back once the clients have found the new one, and is tried for a while.
async fn bring_back(lab: &Lab, clients: &Clients, moved: Option<Timestamp>) -> Result<Timestamp, DrillError> {
    if moved.is_some() {
        clients.first_elsewhere().await?;
    }
    lab.aws.rds.restart_after_kill(&lab.system.primary()).await?;
    let returned_at = Timestamp::now();
    tokio::time::sleep(AFTERWARDS).await;
    Ok(returned_at)
}
