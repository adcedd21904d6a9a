//! One minute of a guard's watch.

use std::future::Future;

use domain::{
    failure::Failure,
    fencing::Way,
    guard::{self, Guard, Kept, Met},
    id::PlanName,
    incident::{self, Notice},
    lease::Lease,
    plan::{Plan, PostgresPair},
    probe,
    step::Step,
};
use edge::shelf::{self, Condition, Shelf};
use jiff::Timestamp;
use serde_json::Value;
use tracing::info;

/// The world as a guard meets it.
pub(crate) trait World {
    /// Tries to shut the application out of the old primary's database.
    fn meet(&self, plan: &Plan, pair: &PostgresPair) -> impl Future<Output = Met>;
    /// Tries to shut its network.
    fn shut_network(&self, plan: &Plan, pair: &PostgresPair) -> impl Future<Output = Way>;
    /// Tells people. Who does not hear keeps nothing from being done.
    fn tell(&self, plan: &Plan, notice: &Notice) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// How often the end of a guard is tried to be written: a run may be closing at the same time.
const WRITES: usize = 5;

/// Watches until the old primary refuses writes, or until `until`.
pub(crate) async fn watch(
    shelf: &impl Shelf,
    world: &impl World,
    plan: &PlanName,
    until: Timestamp,
) -> Result<Step<Kept>, Failure> {
    let Some(guard) = guard_of(shelf, plan).await?.and_then(|(lease, _)| lease.guard) else {
        return Ok(Step::idle("no old primary is to be guarded"));
    };
    let (plan, _) = shelf::read_plan(shelf, plan).await?;
    let pair =
        plan.traffic_pair().ok_or_else(|| Failure::InvalidInput("traffic.component: names no component".into()))?;
    // Side by side: a silent Region must not keep us from the database, nor a silent database from the network.
    let (mut met, mut network) = tokio::join!(world.meet(&plan, pair), world.shut_network(&plan, pair));
    loop {
        let now = world.now();
        let next = probe::on_grid(probe::later(now, plan.probe.interval), plan.probe.interval);
        if matches!(met, Met::Silent(_)) && next < until {
            world.sleep_until(next).await;
            met = world.meet(&plan, pair).await;
            continue;
        }
        if network != Way::Holds {
            network = world.shut_network(&plan, pair).await;
        }
        let because = format!("`{}` is still silent: {met:?}; its network: {network:?}", pair.primary.instance);
        let Some(kept) = guard::conclude(&guard, &plan.plan, &pair.primary.instance, &met, network, now) else {
            return Ok(Step::pending(because, &met));
        };
        info!(plan.name = %plan.plan, instance.id = %pair.primary.instance, because = kept.because, "kept out");
        return conclude(shelf, world, &plan, &guard, kept).await;
    }
}

/// Writes the record first and then ends the guard: a guard that dies between is repeated, not forgotten.
async fn conclude(
    shelf: &impl Shelf,
    world: &impl World,
    plan: &Plan,
    guard: &Guard,
    kept: Kept,
) -> Result<Step<Kept>, Failure> {
    let mut lost = Failure::Conflict(format!("{}: nobody gave way", shelf::lease_key(&plan.plan)));
    for _ in 0..WRITES {
        let read = guard_of(shelf, &plan.plan).await?;
        let Some((unguarded, etag)) = read.and_then(|(lease, etag)| Some((lease.unguarded(guard.generation)?, etag)))
        else {
            return Ok(Step::idle("another guard was faster"));
        };
        let key = guard::key(&plan.plan, guard.generation);
        shelf::write_json(shelf, &key, &kept, Condition::Always).await?;
        match shelf::write_json(shelf, &shelf::lease_key(&plan.plan), &unguarded, Condition::Unchanged(etag)).await {
            Ok(()) => {
                world.tell(plan, &incident::kept_out(&kept, &key)).await;
                return Ok(Step::done(kept.because.clone(), Value::Null, kept));
            }
            Err(conflict @ Failure::Conflict(_)) => lost = conflict,
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}

async fn guard_of(shelf: &impl Shelf, plan: &PlanName) -> Result<Option<(Lease, String)>, Failure> {
    shelf::read_json::<Lease>(shelf, &shelf::lease_key(plan)).await
}
