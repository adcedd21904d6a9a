//! `lifeboat status`: who is primary, replication, lease, last run and watch, and what a death now would lead to.

use std::process::ExitCode;

use clap::Args;
use domain::{
    evidence::{self, Evidence, RunOutcome},
    guard::{self, Kept},
    id::{Generation, InstanceId, PlanName},
    judgement::{Rehearsal, Would},
    lease::{ActiveSide, Lease, Phase},
    plan::{Plan, PostgresPair},
    probe::Watch,
    run::Kind,
};
use edge::{
    dns::Dns,
    shelf::{self, Bucket},
};
use serde::Serialize;

use crate::{engine::Engine, output::Output, refusal::Refusal};

/// Shows who is primary, replication, lease, last run, watch, and what a death now would lead to.
#[derive(Debug, Args)]
#[command(after_help = "\
It only looks: nothing is changed. The record is asked as a client would, with this machine's resolver (or the one in
LIFEBOAT_RESOLVER, as 192.0.2.1:53).

Examples:
  lifeboat status lab --region us-west-2
  lifeboat status lab --region us-west-2 --json")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// How many generations back the guard's record is looked for.
const MOST_GENERATIONS: u64 = 20;

/// What is true of a plan now, as far as it could be seen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    plan: PlanName,
    summary: String,
    region: String,
    lease: Option<Lease>,
    record: Record,
    last_run: Option<Evidence>,
    watch: Option<Watch>,
    /// What takes writes by the plan and the lease: it is what should be watched.
    active: Option<InstanceId>,
    /// What the judge says of a death now, or why it could not be asked.
    rehearsal: Result<Rehearsal, String>,
    /// What the guard of the last promotion left behind.
    kept: Option<Kept>,
}

/// Where the traffic's record points.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    name: String,
    target: Option<String>,
    side: Option<ActiveSide>,
    because: Option<String>,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let engine = Engine::of(Kind::Failover.machine(), self.region.as_deref()).await?;
        let (plan, _) = shelf::read_plan(&engine.bucket, &self.plan).await?;
        let lease = read::<Lease>(&engine.bucket, &shelf::lease_key(&self.plan)).await?;
        let last_run = match lease.as_ref().and_then(|lease| lease.last.as_ref()) {
            Some(last) => read(&engine.bucket, &evidence::key(Some(&self.plan), &last.execution)).await?,
            None => None,
        };
        let watch = read(&engine.bucket, &shelf::watch_key(&self.plan)).await?;
        let (record, rehearsal) = tokio::join!(look_up(&plan), engine.rehearse(&self.plan));
        let rehearsal =
            rehearsal.and_then(|step| step.did.ok_or_else(|| format!("the judge answered: {}", step.because)));
        let kept = match lease.as_ref() {
            Some(lease) if lease.active == ActiveSide::Replica => kept(&engine.bucket, &self.plan, lease).await?,
            Some(_) | None => None,
        };
        let side = lease.as_ref().map(|lease| lease.active).unwrap_or_default();
        let active = plan.traffic_pair().map(|pair| side.of(pair).instance.clone());
        let (record, summary, region) = (record?, plan.summary, engine.region);
        let status =
            Status { plan: self.plan, summary, region, lease, record, last_run, watch, active, rehearsal, kept };
        if self.json {
            output.json(&status)?;
        } else {
            status.lines().iter().for_each(|line| output.line(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn read<T: serde::de::DeserializeOwned>(bucket: &Bucket, key: &str) -> Result<Option<T>, Refusal> {
    Ok(shelf::read_json(bucket, key).await?.map(|(value, _)| value))
}

/// What the guard of the newest promotion left behind: runs that changed nothing may have had generations since.
async fn kept(bucket: &Bucket, plan: &PlanName, lease: &Lease) -> Result<Option<Kept>, Refusal> {
    for back in 0..MOST_GENERATIONS.min(lease.generation.0) {
        let generation = Generation(lease.generation.0 - back);
        if let Some(kept) = read(bucket, &guard::key(plan, generation)).await? {
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

async fn look_up(plan: &Plan) -> Result<Record, Refusal> {
    let name = &plan.traffic.record.name;
    let (target, because) = match Dns::from_env()?.alias(name).await {
        Ok(target) => (Some(target.to_string()), None),
        Err(why) => (None, Some(why)),
    };
    let side = plan.traffic_pair().zip(target.as_deref()).and_then(|(pair, target)| side_of(pair, target));
    Ok(Record { name: name.to_string(), target, side, because })
}

fn side_of(pair: &PostgresPair, target: &str) -> Option<ActiveSide> {
    match target {
        _ if target == pair.primary.endpoint.as_str() => Some(ActiveSide::Primary),
        _ if target == pair.replica.endpoint.as_str() => Some(ActiveSide::Replica),
        _ => None,
    }
}

impl Status {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {} (looked at from {})", self.plan, self.summary, self.region)];
        let mut tell = |name: &str, text: String| lines.push(format!("  {name:<10} {text}"));
        tell("primary", self.primary());
        tell("traffic", self.traffic());
        if let Some(old) = self.old_primary() {
            tell("old side", old);
        }
        tell("replica", self.replication());
        tell("lease", self.holder());
        tell("last run", self.last());
        tell("watch", self.watched());
        tell("if it died", self.rehearsed());
        lines
    }

    fn old_primary(&self) -> Option<String> {
        let lease = self.lease.as_ref()?;
        if let Some(guard) = &lease.guard {
            return Some(format!(
                "NOT seen to refuse writes yet: guarded since {} (generation {})",
                guard.since, guard.generation
            ));
        }
        match (&self.kept, lease.active) {
            (Some(kept), _) if kept.taken_over.is_some() => Some(format!("NOT guarded: {}", kept.because)),
            (Some(kept), _) => Some(format!("fenced: {}", kept.because)),
            (None, ActiveSide::Replica) => Some("refuses writes, as the last run's record says".into()),
            (None, ActiveSide::Primary) => None,
        }
    }

    fn replication(&self) -> String {
        match &self.rehearsal {
            Ok(rehearsal) => rehearsal.replication.clone(),
            Err(why) => format!("unknown: the judge could not be asked: {why}"),
        }
    }

    fn rehearsed(&self) -> String {
        match &self.rehearsal {
            Ok(Rehearsal { verdict, because, .. }) => match verdict {
                Would::FailOver => format!("it would fail over by itself: {because}"),
                Would::AskAPerson => format!("a person would be asked: {because}"),
                Would::Refuse => format!("NO failover: {because}"),
            },
            Err(why) => format!("unknown: the judge could not be asked: {why}"),
        }
    }

    fn primary(&self) -> String {
        match &self.lease {
            None => "the plan's primary; no run has ever been opened".into(),
            Some(Lease { active: ActiveSide::Primary, generation, .. }) => {
                format!("the plan's primary, generation {generation}")
            }
            Some(Lease { active: ActiveSide::Replica, generation, .. }) => {
                format!(
                    "the plan's replica, promoted; generation {generation}. Restore replication: a second failover is refused until then"
                )
            }
        }
    }

    fn traffic(&self) -> String {
        let Record { name, target, side, because } = &self.record;
        let active = self.lease.as_ref().map_or(ActiveSide::Primary, |lease| lease.active);
        match (target, side) {
            (Some(target), Some(side)) if *side == active => format!("{name} -> {target}, where the primary is"),
            (Some(target), Some(_)) => {
                format!("{name} -> {target}, NOT where the primary is: RUNBOOK.md, DNS switch by hand")
            }
            (Some(target), None) => format!("{name} -> {target}, which is neither side of the plan"),
            (None, _) => because.clone().unwrap_or_else(|| format!("{name} points nowhere")),
        }
    }

    fn holder(&self) -> String {
        let Some(lease) = &self.lease else { return "free".into() };
        let Some(holder) = &lease.holder else {
            return match &lease.unfinished {
                None => "free".into(),
                Some(left) => format!(
                    "free, but run `{}` stopped past its point of no return: `lifeboat failover` finishes it",
                    left.execution.name()
                ),
            };
        };
        let phase = match holder.phase {
            Phase::Opened => "before the point of no return",
            Phase::Promoting => "past the point of no return",
        };
        format!("held by run `{}` since {}, {phase}", holder.execution.name(), holder.since)
    }

    fn last(&self) -> String {
        let Some(last) = self.lease.as_ref().and_then(|lease| lease.last.as_ref()) else { return "none".into() };
        let outcome = match last.outcome {
            RunOutcome::Done => "done",
            RunOutcome::Refused => "refused",
            RunOutcome::Undone => "undone",
            RunOutcome::NeedsAPerson => "NEEDS A PERSON",
        };
        let because = self.last_run.as_ref().map_or("its evidence is missing", |evidence| evidence.because.as_str());
        format!("`{}` at {}: {outcome}: {because}", last.execution.name(), last.at)
    }

    fn watched(&self) -> String {
        let Some(watch) = &self.watch else { return "no sample yet".into() };
        if let (Some(watched), Some(active)) = (&watch.instance, &self.active)
            && watched != active
        {
            return format!(
                "NOT ONE SAMPLE of `{active}` could tell yet, `{watched}` was watched before. A new plan is taken up within \
                 72 s, a failover at once; after that, look at the endpoint"
            );
        }
        let seen = watch
            .last_seen
            .map_or("never seen to answer".into(), |seen| format!("last answered at {} ({})", seen.at, seen.lsn));
        match &watch.failing {
            Some(streak) => {
                format!("FAILING since {}, {} in a row: {}; {seen}", streak.since, streak.failures, streak.because)
            }
            None => format!("healthy; {seen}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        id::Generation,
        lease::{Ended, Holder},
    };
    use jiff::Timestamp;

    use super::*;

    const LAB: &str = include_str!("../../../plans/lab.yaml");

    /// The status of the lab's plan after a failover whose DNS switch did not come through.
    fn half_way() -> Status {
        let plan = domain::plan::read(LAB, "plans/lab.yaml").unwrap();
        let pair = plan.traffic_pair().unwrap();
        let target = pair.primary.endpoint.to_string();
        let side = side_of(pair, &target);
        let active = Some(pair.primary.instance.clone());
        let execution: domain::id::ExecutionArn =
            "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
        let last = Ended {
            execution,
            generation: Generation(1),
            outcome: RunOutcome::NeedsAPerson,
            at: Timestamp::UNIX_EPOCH,
            declined: false,
        };
        let generation = Generation(1);
        Status {
            plan: plan.plan.clone(),
            summary: plan.summary,
            region: "us-west-2".into(),
            lease: Some(Lease {
                plan: plan.plan,
                generation,
                holder: None,
                active: ActiveSide::Replica,
                last: Some(last),
                unfinished: None,
                shut: None,
                guard: None,
            }),
            record: Record { name: plan.traffic.record.name.to_string(), target: Some(target), side, because: None },
            last_run: None,
            watch: None,
            active,
            rehearsal: Err("access denied".into()),
            kept: None,
        }
    }

    #[test]
    fn an_old_primary_that_nobody_saw_refuse_writes_stands_out() {
        let (mut status, plan) = (half_way(), domain::plan::read(LAB, "plans/lab.yaml").unwrap());
        let position = domain::wal::ReplicaPosition {
            received: domain::wal::Lsn(1),
            replayed: domain::wal::Lsn(1),
            replayed_commit_at: None,
        };
        status.lease.as_mut().unwrap().guard = Some(guard::Guard {
            generation: Generation(1),
            since: Timestamp::UNIX_EPOCH,
            position: Some(position),
            target: domain::fencing::Target::primary(&plan, plan.traffic_pair().unwrap()),
            settles_at: None,
        });
        let lines = status.lines().join("\n");
        assert!(lines.contains("NOT seen to refuse writes") && lines.contains("access denied"), "{lines}");
    }

    #[test]
    fn traffic_that_does_not_follow_the_primary_stands_out() {
        let lines = half_way().lines().join("\n");
        for expected in
            ["the plan's replica, promoted", "NOT where the primary is", "lease      free", "NEEDS A PERSON"]
        {
            assert!(lines.contains(expected), "{expected} in {lines}");
        }
    }

    #[test]
    fn the_watch_of_an_instance_that_the_plan_no_longer_names_is_not_called_healthy() {
        let mut status = half_way();
        let watch = |instance: &str| Watch { instance: Some(instance.parse().unwrap()), ..Watch::default() };
        status.watch = Some(watch("orders-primary"));
        assert!(status.watched().starts_with("healthy"), "{}", status.watched());
        status.watch = Some(watch("orders-before"));
        assert!(status.watched().starts_with("NOT ONE SAMPLE of `orders-primary`"), "{}", status.watched());
    }

    #[test]
    fn a_holder_is_told_with_how_far_it_is() {
        let mut status = half_way();
        let lease = status.lease.as_mut().unwrap();
        let execution = lease.last.take().unwrap().execution;
        let since = Timestamp::UNIX_EPOCH;
        lease.holder = Some(Holder { execution, phase: Phase::Promoting, since, asked: None });
        assert!(status.holder().contains("`alarm-1`") && status.holder().contains("past the point of no return"));
        assert_eq!(status.last(), "none");
    }

    #[test]
    fn a_run_that_is_to_be_finished_is_told_with_what_finishes_it() {
        let mut status = half_way();
        let lease = status.lease.as_mut().unwrap();
        let execution = lease.last.as_ref().unwrap().execution.clone();
        let since = Timestamp::UNIX_EPOCH;
        lease.unfinished = Some(Holder { execution, phase: Phase::Promoting, since, asked: None });
        assert!(status.holder().contains("`lifeboat failover` finishes it"), "{}", status.holder());
    }

    #[test]
    fn a_record_that_is_neither_side_is_not_taken_for_one() {
        let plan = domain::plan::read(LAB, "plans/lab.yaml").unwrap();
        let pair = plan.traffic_pair().unwrap();
        assert_eq!(side_of(pair, pair.replica.endpoint.as_str()), Some(ActiveSide::Replica));
        assert_eq!(side_of(pair, "elsewhere.example"), None);
    }
}
