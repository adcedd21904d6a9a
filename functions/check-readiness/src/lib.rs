//! `CheckReadiness`: checks everything that the next failover needs.
//!
//! - in: [`CheckReadiness`], sample in `events/check-readiness.json`; from its schedule each half hour, or from `lifeboat readiness`
//! - out: [`Step<Readiness>`]: `Done`, whatever was found; `Refused` while a run moves the primary
//! - changes: the metric `NotReady`; a write on the primary that is rolled back; it wakes functions
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use std::{future::Future, time::Duration};

use domain::{
    component::{ActiveSide, PostgresPair},
    failover::{lease::Lease, run::Run},
    readiness::{self, Readiness, Seen},
    run::step::Step,
    words::{
        failure::Failure,
        id::{Generation, InstanceId, PlanName},
    },
};
use edge::object_store::{
    self, ObjectStore,
    claims::{self, Claimed},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

pub use world::World;

/// Which plan to check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckReadiness {
    plan: PlanName,
    /// Publish no metric: a person asked, and sees the answer.
    #[serde(default)]
    quietly: bool,
}

/// Instances that another plan moves as well.
type Claims = Result<Vec<(InstanceId, PlanName)>, String>;

/// Who can look at everything.
pub trait Looks {
    /// Looks at everything that the next failover of this pair needs.
    fn look(&self, run: &Run, pair: &PostgresPair, claims: Claims) -> impl Future<Output = Seen>;
    /// Publishes how much is not ready.
    fn tell(&self, plan: &PlanName, count: usize) -> impl Future<Output = Result<(), Failure>>;
    /// Waits until what was only a moment's trouble is over.
    fn rest(&self, pause: Duration) -> impl Future<Output = ()>;
}

/// How long after a first look that found something a second one is taken: nobody is called for a slip of the network.
const PAUSE: Duration = Duration::from_secs(20);

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, world: &impl Looks, event: Value) -> Result<Step<Readiness>, Failure> {
    let CheckReadiness { plan, quietly } = edge::parse(event, "CheckReadiness")?;
    let mut readiness = check(store, world, &plan).await?;
    if readiness.as_ref().is_ok_and(|readiness| !readiness.ready) && !quietly {
        world.rest(PAUSE).await;
        readiness = check(store, world, &plan).await?;
    }
    let readiness = match readiness {
        Ok(readiness) => readiness,
        Err(at_work) => return Ok(Step::refused(at_work, Value::Null)),
    };
    let lacking: Vec<&str> = readiness.lacking().map(|finding| finding.because.as_str()).collect();
    let because = match lacking.as_slice() {
        [] => format!("plan `{plan}` is ready: {} things were looked at", readiness.findings.len()),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    };
    info!(plan.name = %plan, ready = readiness.ready, because, "looked at readiness");
    if !quietly {
        world.tell(&plan, lacking.len()).await?;
    }
    Ok(Step::done(because, Value::Null, readiness))
}

/// Looks at everything; while a run moves the primary at nothing, which says why.
async fn check(
    store: &impl ObjectStore,
    world: &impl Looks,
    plan: &PlanName,
) -> Result<Result<Readiness, String>, Failure> {
    let (plan, version) = object_store::read_pair(store, plan).await?;
    let lease =
        object_store::read_json::<Lease>(store, &object_store::lease_key(&plan.plan)).await?.map(|(lease, _)| lease);
    // What a run shuts must not be opened by a write of ours, not even one that is rolled back.
    if let Some(lease) = lease.as_ref().filter(|lease| lease.holder.is_some() || lease.shut.is_some()) {
        let run = lease.holder.as_ref().map_or("an earlier run", |holder| holder.execution.name());
        return Ok(Err(format!("{run} moves the primary of plan `{}`: nothing is looked at meanwhile", plan.plan)));
    }
    let now = edge::clock::now();
    if lease.as_ref().is_some_and(|lease| lease.active == ActiveSide::Replica) {
        return Ok(Ok(readiness::unprotected(plan.plan, now)));
    }
    let generation = lease.map_or(Generation::ZERO, |lease| lease.generation);
    let run = Run::supposed(plan, version, generation.next(), now)?;
    let pair = run.protected()?;
    let seen = world.look(&run, pair, claimed(store, &run).await).await;
    Ok(Ok(readiness::assess(&seen, &run, pair, edge::clock::now())))
}

/// The instances of the pair that another plan moves as well.
async fn claimed(store: &impl ObjectStore, run: &Run) -> Claims {
    let mut others = Vec::new();
    for (region, instance) in claims::sides(&run.plan) {
        let claimed = claims::look(store, &run.plan.plan, region, instance).await;
        match claimed.map_err(|failure| failure.chain())? {
            Claimed::Theirs(plan) => others.push((instance.clone(), plan)),
            Claimed::Ours | Claimed::Nobody(_) => {}
        }
    }
    if let [(instance, plan), ..] = others.as_slice() {
        warn!(instance.id = %instance, other = %plan, "two plans move one instance");
    }
    Ok(others)
}

#[cfg(test)]
mod tests;
