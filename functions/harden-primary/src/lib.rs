//! `HardenPrimary`: makes a promoted replica as safe as the primary was: automated backups, deletion protection, a snapshot.
//!
//! - in: [`HardenPrimary`], sample in `events/harden-primary.json`
//! - out: [`Step<Hardening>`]: `Done` once all is set and the snapshot is under way, `Pending` (ask again), `Refused` where
//!   another run has moved the primary since
//! - changes: the instance's retention and protection, one snapshot, its record; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use domain::{
    component::ActiveSide,
    failover::{
        hardening::{self, Hardening, Move},
        lease::Lease,
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    rds::Acceptance,
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{NewPrimary, World};

/// Whose new primary.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HardenPrimary {
    run: Run,
}

/// A change of the settings and a snapshot, and a look at what became of them.
const MOVES: usize = 3;

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    primary: &impl NewPrimary,
    event: Value,
) -> Result<Step<Hardening>, Failure> {
    let HardenPrimary { run } = edge::parse(event, "HardenPrimary")?;
    let pair = run.protected()?;
    let instance = &pair.replica.instance;
    let is_ours = |lease: &Lease| lease.generation == run.generation && lease.active == ActiveSide::Replica;
    if !object_store::read_lease(store, &run.plan.plan).await?.is_some_and(|(lease, _)| is_ours(&lease)) {
        let why = "another run has moved the primary since, or a person has: nothing was changed";
        return Ok(Step::refused(why, Value::Null));
    }
    let snapshot = hardening::snapshot_name(&run, pair);
    // A change that takes effect at once is followed by the next: each look costs a wait otherwise.
    for _ in 0..MOVES {
        let seen = primary.look(&run, pair, &snapshot).await?;
        let next = hardening::plan(&seen, &run, pair);
        info!(plan.name = %run.plan.plan, instance.id = %instance, ?seen, ?next, "planned the hardening");
        let moved = match next {
            Move::Wait(why) => return Ok(Step::pending(why, &seen)),
            Move::Modify(change) => primary.modify(&run, pair, change).await.map(|()| Acceptance::Begun),
            Move::Snapshot => primary.snapshot(&run, pair, &snapshot).await,
            Move::Done => {
                let hardening = Hardening::of(&run, pair, &seen);
                object_store::write_json(store, &hardening::key(&run), &hardening, Condition::Always).await?;
                return Ok(Step::done(hardening.because(), &seen, hardening));
            }
        };
        match moved {
            Ok(Acceptance::Begun) => {}
            Ok(Acceptance::Busy) => {
                return Ok(Step::pending(format!("RDS takes no snapshot of `{instance}` yet"), &seen));
            }
            Ok(Acceptance::NoRoom) => {
                let why = format!("{} has no room for a snapshot of `{instance}`", run.plan.regions.recovery);
                let remedy = "delete some, as `lifeboat cleanup` does, and take one by hand";
                return Ok(Step::refused(format!("{why}: {remedy}"), &seen));
            }
            // RDS's status lags behind: what it says is available may be changing already.
            Err(rejected @ Failure::AwsRejected { .. }) => return Ok(Step::pending(rejected.chain(), &seen)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Step::pending(format!("RDS was asked to change `{instance}`"), Value::Null))
}

#[cfg(test)]
mod tests;
