//! `DrainPrimary`: takes the application's writes away from a primary that works, and proves that its replica has
//! everything; `RehearseDrainPrimary` only looks. What it shut, `UndoFencePrimary` opens again.
//!
//! - in: [`DrainPrimary`], sample in `events/drain-primary.json`
//! - out: [`Step<Drained>`]: `Done` once the replica has replayed the log's end, `Pending` until then, `Refused` where the
//!   pair is not fit for it: then this ask changed nothing
//! - changes: the lease's word of what is shut, the application roles' login, their sessions, one message in the log; safe
//!   to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use domain::{
    failover::{
        drain::{self, Drained},
        fencing::Target,
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    clock,
    object_store::{self, ObjectStore},
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{Pair, World};

/// What is drained, and how far to go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrainPrimary {
    run: Run,
    order: Order,
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// Only look whether it could be done.
    Rehearse,
    /// Do it.
    Drain,
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    world: &impl Pair,
    event: Value,
) -> Result<Step<Drained>, Failure> {
    let DrainPrimary { run, order } = edge::parse(event, "DrainPrimary")?;
    let pair = run.protected()?;
    object_store::held_lease(store, &run).await?;
    let primary = &pair.primary.instance;
    let seen = world.look(pair).await;
    let objection = drain::objection(&seen, &run.plan, pair);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %primary, ?order, ?seen, ?objection, "planned the drain");
    if let Some(why) = objection {
        return Ok(Step::refused(why, &seen));
    }
    if order == Order::Rehearse {
        return Ok(Step::settled(format!("`{primary}` is healthy, and its replica follows"), &seen));
    }
    // Written down first: the next run knows what there is to open again.
    object_store::shut_in_lease(store, &run, &Target::primary(&run.plan, pair), false, clock::now()).await?;
    still_runs(owners, &run).await?;
    let end = world.drain(&run, pair).await?;
    let drained = Drained { lsn: end, replayed: world.replayed(pair, end).await?, at: clock::now() };
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?drained, "drained");
    Ok(if drained.is_replayed() {
        Step::done(drained.because(pair), &seen, drained)
    } else {
        Step::under_way(drained.because(pair), &seen, drained)
    })
}

#[cfg(test)]
mod tests;
