//! `JudgeFailover`: looks again, now, from here and from the witness, and decides.
//!
//! - in: [`JudgeFailover`], samples in `events/judge-failover.json`, `events/judge-failover-order.json` (a person's order,
//!   before a run of it opens) and `events/judge-failover-rehearse.json`
//! - out: [`Step<Judgement>`]: `Done` = fail over (`policy` says whether a person is asked first), `Pending` while the
//!   hold-down lasts, `Refused` with the reason
//! - changes: nothing; for a rehearsal the answer is [`Step<Rehearsal>`]
//! - fails with: `InvalidInput`, `Superseded`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use domain::{
    component::ActiveSide,
    failover::{
        approval,
        judgement::{self, Decision, Judgement, Rehearsal, Seen},
        named,
        request::FailoverRequest,
        run::{Run, RunKind},
        succession::{self, Owner},
    },
    run::step::Step,
    watch::{
        probe::Watch,
        region::{self, Judged, RegionHealth},
    },
    words::{
        failure::Failure,
        id::{Generation, PlanName},
    },
};
use edge::{
    clock,
    object_store::{self, ObjectStore},
    patience::RESOLVER,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};

pub use world::{Looks, World};

/// What is judged: a run's failure, or what would be decided now.
#[derive(Debug)]
enum JudgeFailover {
    Run(Box<JudgeRun>),
    Order(Order),
    Rehearse(Rehearse),
}

/// A run's failure.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JudgeRun {
    run: Run,
    /// The answer of the person who was asked, as the state machine took it; absent before.
    #[serde(default)]
    approval: Option<Value>,
    /// Since when RDS of neither Region answers, as the look before this one says.
    #[serde(default)]
    silent_since: Option<Timestamp>,
}

/// A person's order, as the run of it will be given it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order: Value,
    /// Since when it is judged: the run that follows opens later.
    since: Timestamp,
}

/// A plan whose primary may fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rehearse {
    rehearse: PlanName,
}

impl JudgeFailover {
    /// One of the three, told by its key, so that what is wrong with it is told as well.
    fn parse(event: Value) -> Result<Self, Failure> {
        if event.get("rehearse").is_some() {
            return edge::parse(event, "JudgeFailover").map(Self::Rehearse);
        }
        if event.get("order").is_some() {
            return edge::parse(event, "JudgeFailover").map(Self::Order);
        }
        edge::parse(event, "JudgeFailover").map(|run| Self::Run(Box::new(run)))
    }
}

/// What the judge answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A run's failure.
    Judged(Step<Judgement>),
    /// What would be decided now.
    Rehearsed(Step<Rehearsal>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, world: &impl Looks, event: Value) -> Result<Answer, Failure> {
    match JudgeFailover::parse(event)? {
        JudgeFailover::Run(run) => judge(store, world, *run).await.map(Answer::Judged),
        JudgeFailover::Order(order) => before(store, world, order).await.map(Answer::Judged),
        JudgeFailover::Rehearse(of) => rehearse(store, world, &of.rehearse, clock::now()).await.map(Answer::Rehearsed),
    }
}

/// Judges for a run that no alarm has started. Nothing is changed, and no lease is needed.
async fn rehearse(
    store: &impl ObjectStore,
    world: &impl Looks,
    plan: &PlanName,
    now: Timestamp,
) -> Result<Step<Rehearsal>, Failure> {
    let (plan, plan_version) = object_store::read_pair(store, plan).await?;
    let lease = object_store::read_lease(store, &plan.plan).await?.map(|(lease, _)| lease);
    let generation = lease.as_ref().map_or(Generation::ZERO, |lease| lease.generation);
    let run = Run::supposed(plan, plan_version, generation, now)?;
    let (seen, now) = (look(store, world, &run).await?, clock::now());
    let rehearsal = judgement::rehearse(seen.clone(), lease.as_ref(), &run, now);
    Ok(Step::done(rehearsal.because.clone(), &seen, rehearsal))
}

/// Judges a person's order before its run opens. Nothing is changed, and no lease is held.
async fn before(
    store: &impl ObjectStore,
    world: &impl Looks,
    Order { order, since }: Order,
) -> Result<Step<Judgement>, Failure> {
    let order = FailoverRequest::parse_for(RunKind::Failover, &order)
        .map_err(|error| Failure::InvalidInput(format!("JudgeFailover: order: {error}")))?;
    let (plan, plan_version) = object_store::read_pair(store, &order.plan).await?;
    if let Some(class) = order.class
        && let Err(why) = named::answer(&plan, class)
    {
        return Ok(Step::refused(why, &Value::Null));
    }
    let lease = object_store::read_lease(store, &plan.plan).await?.map(|(lease, _)| lease);
    let holder = lease.as_ref().and_then(|lease| lease.holder.as_ref());
    let owner = match holder {
        Some(holder) => Some(world.owner(&holder.execution, holder.since).await),
        None => None,
    };
    if let (Some(holder), Some(Owner::Running)) = (holder, &owner) {
        let (run, plan) = (holder.execution.name(), &plan.plan);
        let why = format!(
            "run `{run}` of `{plan}` is at work: let it end, or answer it where it asks (lifeboat status {plan})"
        );
        return Ok(Step::pending(why, &lease));
    }
    let run = match succession::suppose(order, (plan, plan_version), (lease.as_ref(), owner.as_ref()), since)? {
        Ok(run) => run,
        Err(why) => return Ok(Step::refused(why, &lease)),
    };
    let seen = look(store, world, &run).await?;
    Ok(told(judgement::decide(&seen, &run, None, clock::now()), &seen))
}

fn told(decision: Decision, seen: &Seen) -> Step<Judgement> {
    match decision {
        Decision::Go(judgement) => Step::done(judgement.because(), seen, judgement),
        Decision::Hold(why) => Step::pending(why, seen),
        Decision::Refuse(why) => Step::refused(why, seen),
    }
}

async fn look(store: &impl ObjectStore, world: &impl Looks, run: &Run) -> Result<Seen, Failure> {
    let pair = run.protected()?;
    let watch = object_store::read_json::<Watch>(store, &object_store::watch_key(&run.plan.plan)).await?;
    let watch = watch.map(|(watch, _)| watch).unwrap_or_default();
    // Where the log of another instance stood says nothing about this one's, and a streak that nobody continues is over.
    let watch = watch.of(ActiveSide::Primary, &pair.primary.instance).believed(clock::now(), &run.plan.probe);
    let (seen, health) = tokio::join!(world.look(run, pair, watch), health(store, run));
    Ok(Seen { health, ..seen? })
}

/// How healthy the primary's Region was when it was last looked at: for the record. No judgement waits for it.
async fn health(store: &impl ObjectStore, run: &Run) -> Option<Judged> {
    let health = run.plan.health.as_ref()?;
    let key = object_store::health_key(&run.plan.plan.whole(), &run.plan.regions.primary);
    match tokio::time::timeout(RESOLVER, object_store::read_json::<RegionHealth>(store, &key)).await {
        Ok(Ok(seen)) => seen.map(|(seen, _)| region::judge(&seen, health, clock::now())),
        Ok(Err(failure)) => {
            warn!(key, why = failure.chain(), "could not read the Region's health");
            None
        }
        Err(_) => {
            warn!(key, "could not read the Region's health in time");
            None
        }
    }
}

async fn judge(store: &impl ObjectStore, world: &impl Looks, request: JudgeRun) -> Result<Step<Judgement>, Failure> {
    let JudgeRun { run, approval, silent_since } = request;
    let approved =
        approval.map(|answer| edge::parse::<approval::Answer>(answer, "JudgeFailover: approval")).transpose()?;
    object_store::held_lease(store, &run).await?;
    let seen = look(store, world, &run).await?.after(silent_since, clock::now());
    let decision = judgement::decide(&seen, &run, approved.as_ref(), clock::now());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?seen, ?decision, "judged");
    Ok(told(decision, &seen))
}

#[cfg(test)]
mod tests;
