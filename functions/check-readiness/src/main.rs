//! `CheckReadiness`: looks whether the next failover would go through, by all that it needs.
//!
//! - in: [`CheckReadiness`], sample in `events/check-readiness.json`; from its schedule each half hour, or from `lifeboat readiness`
//! - out: [`Step<Readiness>`]: `Done`, whatever was found
//! - changes: the metric `NotReady` and `readiness/PLAN.json`; a write on the primary that is rolled back; it wakes functions
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use std::{future::Future, time::Duration};

use domain::{
    failure::Failure,
    id::{Generation, InstanceId, PlanName, Region},
    lease::Lease,
    plan::PostgresPair,
    readiness::{self, Readiness, Seen},
    run::Run,
    step::Step,
};
use edge::{
    aws,
    shelf::{
        self, Bucket, Condition, Shelf,
        claims::{self, Claimed},
    },
};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};
use world::World;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let world = World::from_env(bucket.clone()).await.map_err(|failure| failure.chain())?;
    edge::serve(|event| handle(&bucket, &world, event)).await
}

/// Whose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckReadiness {
    plan: PlanName,
    /// Whether nobody is told by the metric: a person who asks sees for themselves.
    #[serde(default)]
    quietly: bool,
}

/// Who can look at everything.
trait Looks {
    fn look(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Seen>;
    /// Publishes how much is not ready.
    fn tell(&self, plan: &PlanName, count: usize) -> impl Future<Output = Result<(), Failure>>;
    /// Waits until what was only a moment's trouble is over.
    fn rest(&self, pause: Duration) -> impl Future<Output = ()>;
}

/// How long after a first look that found something a second one is taken: nobody is called for a slip of the network.
const PAUSE: Duration = Duration::from_secs(20);

async fn handle(shelf: &impl Shelf, world: &impl Looks, event: Value) -> Result<Step<Readiness>, Failure> {
    let CheckReadiness { plan, quietly } = edge::parse(event, "CheckReadiness")?;
    let mut readiness = check(shelf, world, &plan).await?;
    if !readiness.ready && !quietly {
        world.rest(PAUSE).await;
        readiness = check(shelf, world, &plan).await?;
    }
    let lacking = readiness.findings.iter().filter(|finding| finding.state != readiness::State::Ready);
    let lacking: Vec<&str> = lacking.map(|finding| finding.because.as_str()).collect();
    let because = match lacking.as_slice() {
        [] => format!("all {} needs of plan `{plan}` are met", readiness.findings.len()),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    };
    info!(plan.name = %plan, ready = readiness.ready, because, "looked at readiness");
    if !quietly {
        shelf::write_json(shelf, &readiness::key(&plan), &readiness, Condition::Always).await?;
        world.tell(&plan, lacking.len()).await?;
    }
    Ok(Step::done(because, Value::Null, readiness))
}

async fn check(shelf: &impl Shelf, world: &impl Looks, plan: &PlanName) -> Result<Readiness, Failure> {
    let (plan, version) = shelf::read_plan(shelf, plan).await?;
    let lease = shelf::read_json::<Lease>(shelf, &shelf::lease_key(&plan.plan)).await?;
    let generation = lease.map_or(Generation::ZERO, |(lease, _)| lease.generation);
    let run = Run::supposed(plan, version, generation.next(), edge::clock::now())?;
    let pair = run.protected()?;
    let (seen, claims) = tokio::join!(world.look(&run, pair), claimed(shelf, &run));
    Ok(readiness::judge(&Seen { claims, ..seen }, &run, pair, edge::clock::now()))
}

/// The instances of the pair that another plan moves as well.
async fn claimed(shelf: &impl Shelf, run: &Run) -> Result<Vec<(InstanceId, PlanName)>, String> {
    let mut others = Vec::new();
    for (region, instance) in claims::sides(&run.plan) {
        let claimed: Result<Claimed, Failure> = claims::look(shelf, &run.plan.plan, region as &Region, instance).await;
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
