//! One invocation of a guard: two minutes of its watch.

use std::future::Future;

use domain::{
    failover::{
        fencing::{Target, Way},
        guard::{self, Guard, Kept, Met},
        lease::Lease,
    },
    plan::PairPlan,
    record::notice::{self, Notice},
    run::step::Step,
    watch::probe,
    words::{failure::Failure, id::PlanName, time_span::TimeSpan},
};
use edge::object_store::{self, Condition, ObjectStore};
use futures::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;
use serde_json::Value;
use tracing::info;

/// The world as a guard meets it.
pub trait World {
    /// Tries to shut the application out of the old primary's database.
    fn meet(&self, target: &Target) -> impl Future<Output = Met>;
    /// Tries to shut its network.
    fn shut_network(&self, target: &Target) -> impl Future<Output = Way>;
    /// Tells people. Who does not hear keeps nothing from being done.
    fn tell(&self, plan: Option<&PairPlan>, notice: &Notice) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// How often the end of a guard is tried to be written: a run may be closing at the same time.
const WRITES: usize = 5;

/// After so many looks that it resisted, people are told.
const RESISTS: u32 = 2;

/// Watches until the old primary refuses writes, or until `until`. Whom it keeps out is the guard's own word: the plan may
/// name another primary by now.
///
/// A look at its database begins each second, whatever became of the looks before: one that waits for a host that was gone
/// when it began must not delay the one that would meet it.
pub(crate) async fn watch(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PlanName,
    until: Timestamp,
) -> Result<Step<Kept>, Failure> {
    let mut looks: FuturesUnordered<LocalBoxFuture<'_, Seen>> = FuturesUnordered::new();
    let (mut network, mut is_asked) = (Way::Unreachable("it was not asked yet".into()), false);
    let mut newest = Ok(Met::Silent("it was not looked for yet".into()));
    let mut resisted = 0_u32;
    let mut next = world.now();
    loop {
        let seen = tokio::select! {
            biased;
            Some(seen) = looks.next() => seen,
            () = world.sleep_until(next) => {
                if next >= until {
                    let met = newest?;
                    let because = format!("the old primary is not shut yet: {met:?}; its network: {network:?}");
                    return Ok(Step::pending(because, &met));
                }
                looks.push(look(store, world, plan, Place::Database).boxed_local());
                if !is_asked && network != Way::Holds {
                    is_asked = true;
                    looks.push(look(store, world, plan, Place::Network).boxed_local());
                }
                let begun = world.now().max(next);
                next = probe::on_grid(probe::later(begun, TimeSpan::milliseconds(1)), guard::EVERY);
                continue;
            }
        };
        let (guard, met) = match seen {
            Seen::Database(guard, met) => (guard, met),
            Seen::Network(way) => {
                (network, is_asked) = (way, false);
                continue;
            }
            Seen::Unguarded => return Ok(Step::idle("no old primary is to be guarded")),
            Seen::Told => continue,
            // Nothing is touched without the lease; the next look asks for it again.
            Seen::Unread(failure) => {
                newest = Err(failure);
                continue;
            }
        };
        if let Met::Resists(why) = &met {
            resisted += 1;
            // Not by one look: others may be shutting it at the same moment. Beside the looks, which go on meanwhile.
            if resisted == RESISTS {
                looks.push(tell(store, world, plan, notice::resists(&guard, why)).boxed_local());
            }
        }
        if let Some(kept) = guard::conclude(&guard, plan, &met, network.clone(), world.now()) {
            // What was asked while its Region was away says nothing about it now.
            let network = match kept.network {
                Way::Holds => Way::Holds,
                network @ (Way::NoServer(_) | Way::Unreachable(_) | Way::Unproved(_) | Way::Resists(_)) => {
                    match look(store, world, plan, Place::Network).await {
                        Seen::Network(way) => way,
                        Seen::Database(..) | Seen::Unguarded | Seen::Unread(_) | Seen::Told => network,
                    }
                }
            };
            info!(plan.name = %plan, instance.id = %guard.target.side.instance, because = kept.because, "kept out");
            return conclude(store, world, plan, &guard, Kept { network, ..kept }).await;
        }
        newest = Ok(met);
    }
}

/// Where an old primary is shut.
#[derive(Clone, Copy)]
enum Place {
    Database,
    Network,
}

/// What a look came to.
enum Seen {
    /// Its database, and whose guard this is.
    Database(Box<Guard>, Met),
    /// Its network.
    Network(Way),
    /// Nobody is to be kept out.
    Unguarded,
    /// The lease could not be read.
    Unread(Failure),
    /// People were told.
    Told,
}

/// Tells people. Who does not hear keeps nothing from being done.
async fn tell(store: &impl ObjectStore, world: &impl World, plan: &PlanName, notice: Notice) -> Seen {
    let plan = object_store::read_pair(store, plan).await.ok().map(|(plan, _)| plan);
    world.tell(plan.as_ref(), &notice).await;
    Seen::Told
}

/// One look, each place by itself: a silent Region must not keep us from the database, nor a silent database from the
/// network. It begins with a look at the lease, so that a guard that was ended or taken over touches nothing any more.
async fn look(store: &impl ObjectStore, world: &impl World, plan: &PlanName, place: Place) -> Seen {
    let guard = match (guard_of(store, plan).await, place) {
        (Ok(read), _) => read.and_then(|(lease, _)| lease.guard),
        (Err(failure), Place::Database) => return Seen::Unread(failure),
        (Err(failure), Place::Network) => return Seen::Network(Way::Unreachable(failure.chain())),
    };
    match (guard, place) {
        (None, _) => Seen::Unguarded,
        (Some(guard), Place::Database) => {
            let met = world.meet(&guard.target).await;
            Seen::Database(Box::new(guard), met)
        }
        (Some(guard), Place::Network) => Seen::Network(world.shut_network(&guard.target).await),
    }
}

/// Writes the record first and then ends the guard: a guard that dies between is repeated, not forgotten.
async fn conclude(
    store: &impl ObjectStore,
    world: &impl World,
    plan: &PlanName,
    guard: &Guard,
    kept: Kept,
) -> Result<Step<Kept>, Failure> {
    let mut lost = Failure::Conflict(format!("{}: nobody gave way", object_store::lease_key(plan)));
    for _ in 0..WRITES {
        let read = guard_of(store, plan).await?;
        let Some((unguarded, etag)) = read.and_then(|(lease, etag)| Some((lease.unguarded(guard.generation)?, etag)))
        else {
            return Ok(Step::idle("another guard was faster"));
        };
        let key = guard::key(plan, guard.generation);
        object_store::write_json(store, &key, &kept, Condition::Always).await?;
        match object_store::write_json(store, &object_store::lease_key(plan), &unguarded, Condition::Unchanged(etag))
            .await
        {
            Ok(()) => {
                let plan = object_store::read_pair(store, plan).await.ok().map(|(plan, _)| plan);
                world.tell(plan.as_ref(), &notice::kept_out(&kept, &key)).await;
                return Ok(Step::done(kept.because.clone(), Value::Null, kept));
            }
            Err(conflict @ Failure::Conflict(_)) => lost = conflict,
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}

async fn guard_of(store: &impl ObjectStore, plan: &PlanName) -> Result<Option<(Lease, String)>, Failure> {
    object_store::read_json::<Lease>(store, &object_store::lease_key(plan)).await
}
