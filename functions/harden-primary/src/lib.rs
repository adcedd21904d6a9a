//! `HardenPrimary`: makes a promoted replica as safe as the primary was: automated backups, deletion protection, a snapshot.
//!
//! - in: [`HardenPrimary`], sample in `events/harden-primary.json`
//! - out: [`Step<Hardening>`]: `Done` once all is set and the snapshot is under way, `Pending` (ask again), `Refused` where
//!   another run has moved the primary since
//! - changes: the instance's retention and protection, one snapshot, its record; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    backup::tag,
    component::{ActiveSide, PostgresPair},
    failover::{
        hardening::{self, Change, Hardening, Move, Seen},
        lease::Lease,
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    rds::{Asked, Rds},
    shelf::{self, Condition, Shelf},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// Whose new primary.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HardenPrimary {
    run: Run,
}

/// The new primary, as RDS reaches it.
pub trait NewPrimary {
    /// How it is set, and how far its snapshot is.
    fn look(&self, run: &Run, pair: &PostgresPair, snapshot: &str) -> impl Future<Output = Result<Seen, Failure>>;
    /// Changes its settings.
    fn modify(&self, run: &Run, pair: &PostgresPair, change: Change) -> impl Future<Output = Result<(), Failure>>;
    /// Asks for a snapshot of it.
    fn snapshot(&self, run: &Run, pair: &PostgresPair, name: &str) -> impl Future<Output = Result<Asked, Failure>>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(shelf: &impl Shelf, primary: &impl NewPrimary, event: Value) -> Result<Step<Hardening>, Failure> {
    let HardenPrimary { run } = edge::parse(event, "HardenPrimary")?;
    let pair = run.protected()?;
    let lease = shelf::read_json::<Lease>(shelf, &shelf::lease_key(&run.plan.plan)).await?;
    let is_ours = |lease: &Lease| lease.generation == run.generation && lease.active == ActiveSide::Replica;
    if !lease.is_some_and(|(lease, _)| is_ours(&lease)) {
        return Ok(Step::refused(
            "another run has moved the primary since, or a person has: nothing was changed",
            Value::Null,
        ));
    }
    let snapshot = hardening::snapshot_name(&run, pair);
    // A change that takes effect at once is followed by the next: each look costs a wait otherwise.
    for _ in 0..MOVES {
        let seen = primary.look(&run, pair, &snapshot).await?;
        let next = hardening::plan(&seen, &run, pair);
        info!(plan.name = %run.plan.plan, instance.id = %pair.replica.instance, ?seen, ?next, "planned the hardening");
        let moved = match next {
            Move::Wait(why) => return Ok(Step::pending(why, &seen)),
            Move::Modify(change) => primary.modify(&run, pair, change).await,
            Move::Snapshot => match primary.snapshot(&run, pair, &snapshot).await {
                Ok(Asked::NoRoom) => {
                    let region = &run.plan.regions.recovery;
                    let why = format!("{region} has no room for a snapshot of `{}`", pair.replica.instance);
                    return Ok(Step::refused(
                        format!("{why}: delete some, as `lifeboat cleanup` does, and take one by hand"),
                        &seen,
                    ));
                }
                Ok(Asked::Begun) => Ok(()),
                Ok(Asked::Busy) => {
                    return Ok(Step::pending(
                        format!("RDS takes no snapshot of `{}` yet", pair.replica.instance),
                        &seen,
                    ));
                }
                Err(failure) => Err(failure),
            },
            Move::Done => return done(shelf, &run, pair, seen, snapshot).await,
        };
        match moved {
            Ok(()) => {}
            // RDS's status lags behind: what it says is available may be changing already.
            Err(rejected @ Failure::AwsRejected { .. }) => return Ok(Step::pending(rejected.chain(), &seen)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Step::pending(format!("RDS was asked to change `{}`", pair.replica.instance), Value::Null))
}

/// A change of the settings and a snapshot, and a look at what became of them.
const MOVES: usize = 3;

async fn done(
    shelf: &impl Shelf,
    run: &Run,
    pair: &PostgresPair,
    seen: Seen,
    snapshot: String,
) -> Result<Step<Hardening>, Failure> {
    let hardening = Hardening {
        instance: pair.replica.instance.clone(),
        generation: run.generation,
        retention_days: seen.retention_days,
        deletion_protection: seen.deletion_protection,
        snapshot,
    };
    shelf::write_json(shelf, &hardening::key(run), &hardening, Condition::Always).await?;
    let because = format!(
        "`{}` keeps backups for {} days, {}, and snapshot `{}` is under way",
        hardening.instance,
        hardening.retention_days,
        if hardening.deletion_protection { "cannot be deleted" } else { "can be deleted" },
        hardening.snapshot
    );
    Ok(Step::done(because, &seen, hardening))
}

/// RDS.
pub struct World;

impl NewPrimary for World {
    async fn look(&self, run: &Run, pair: &PostgresPair, snapshot: &str) -> Result<Seen, Failure> {
        let rds = Rds::here(&run.plan.regions.recovery).await;
        let (instance, snapshot) = tokio::join!(rds.describe(&pair.replica.instance), rds.snapshot(snapshot));
        let instance = instance?;
        Ok(Seen {
            status: instance.status,
            retention_days: instance.retention_days,
            deletion_protection: instance.deletion_protection,
            snapshot: snapshot?.map(|snapshot| snapshot.status),
        })
    }

    async fn modify(&self, run: &Run, pair: &PostgresPair, change: Change) -> Result<(), Failure> {
        Rds::here(&run.plan.regions.recovery).await.harden(&pair.replica.instance, change).await
    }

    async fn snapshot(&self, run: &Run, pair: &PostgresPair, name: &str) -> Result<Asked, Failure> {
        let tags = [
            ("plan", run.plan.plan.to_string()),
            ("component", pair.name.to_string()),
            ("generation", run.generation.to_string()),
        ]
        .map(|(key, value)| (tag(key), value));
        let instance = &pair.replica.instance;
        Rds::here(&run.plan.regions.recovery).await.take_snapshot(instance, name, &tags).await
    }
}

#[cfg(test)]
mod tests;
