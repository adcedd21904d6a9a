//! One minute of a guard's watch.

use std::future::Future;

use domain::{
    failure::Failure,
    fencing::{Target, Way},
    guard::{self, Guard, Kept, Met},
    id::PlanName,
    incident::{self, Notice},
    lease::Lease,
    plan::Plan,
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
    fn meet(&self, target: &Target) -> impl Future<Output = Met>;
    /// Tries to shut its network.
    fn shut_network(&self, target: &Target) -> impl Future<Output = Way>;
    /// Tells people. Who does not hear keeps nothing from being done.
    fn tell(&self, plan: Option<&Plan>, notice: &Notice) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// How often the end of a guard is tried to be written: a run may be closing at the same time.
const WRITES: usize = 5;

/// Watches until the old primary refuses writes, or until `until`. Whom it keeps out is the guard's own word: the plan may
/// name another primary by now. Each look at it begins with a look at the lease, so that a guard that was ended or taken
/// over touches nothing any more.
pub(crate) async fn watch(
    shelf: &impl Shelf,
    world: &impl World,
    plan: &PlanName,
    until: Timestamp,
) -> Result<Step<Kept>, Failure> {
    let mut network = Way::Unreachable("it was not asked yet".into());
    let mut is_told = false;
    loop {
        let Some(guard) = guard_of(shelf, plan).await?.and_then(|(lease, _)| lease.guard) else {
            return Ok(Step::idle("no old primary is to be guarded"));
        };
        let target = &guard.target;
        let shut_network = async { if network == Way::Holds { Way::Holds } else { world.shut_network(target).await } };
        // Side by side: a silent Region must not keep us from the database, nor a silent database from the network.
        let (met, shut) = tokio::join!(world.meet(target), shut_network);
        network = shut;
        if let (Met::Resists(why), false) = (&met, is_told) {
            let plan = shelf::read_plan(shelf, plan).await.ok().map(|(plan, _)| plan);
            world.tell(plan.as_ref(), &incident::resists(&guard, why)).await;
            is_told = true;
        }
        let now = world.now();
        if let Some(kept) = guard::conclude(&guard, plan, &met, network.clone(), now) {
            info!(plan.name = %plan, instance.id = %target.side.instance, because = kept.because, "kept out");
            return conclude(shelf, world, plan, &guard, kept).await;
        }
        let next = probe::on_grid(probe::later(now, guard::EVERY), guard::EVERY);
        if next >= until {
            let because = format!("`{}` is not shut yet: {met:?}; its network: {network:?}", target.side.instance);
            return Ok(Step::pending(because, &met));
        }
        world.sleep_until(next).await;
    }
}

/// Writes the record first and then ends the guard: a guard that dies between is repeated, not forgotten.
async fn conclude(
    shelf: &impl Shelf,
    world: &impl World,
    plan: &PlanName,
    guard: &Guard,
    kept: Kept,
) -> Result<Step<Kept>, Failure> {
    let mut lost = Failure::Conflict(format!("{}: nobody gave way", shelf::lease_key(plan)));
    for _ in 0..WRITES {
        let read = guard_of(shelf, plan).await?;
        let Some((unguarded, etag)) = read.and_then(|(lease, etag)| Some((lease.unguarded(guard.generation)?, etag)))
        else {
            return Ok(Step::idle("another guard was faster"));
        };
        let key = guard::key(plan, guard.generation);
        shelf::write_json(shelf, &key, &kept, Condition::Always).await?;
        match shelf::write_json(shelf, &shelf::lease_key(plan), &unguarded, Condition::Unchanged(etag)).await {
            Ok(()) => {
                let plan = shelf::read_plan(shelf, plan).await.ok().map(|(plan, _)| plan);
                world.tell(plan.as_ref(), &incident::kept_out(&kept, &key)).await;
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
