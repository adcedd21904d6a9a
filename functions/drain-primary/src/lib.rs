//! `DrainPrimary`: takes the application's writes away from a primary that works, and proves that its replica has
//! everything; `RehearseDrainPrimary` only looks. What it shut, `UndoFencePrimary` opens again.
//!
//! - in: [`DrainPrimary`], sample in `events/drain-primary.json`
//! - out: [`Step<Drained>`]: `Done` once the replica has replayed the log's end, `Pending` until then, `Refused` where the
//!   pair is not fit for it: then this ask changed nothing
//! - changes: the lease's word of what is shut, the application roles' login, their sessions, one message in the log; safe
//!   to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    component::{PostgresPair, Side},
    failover::{
        drain::{self, Drained, Seen},
        fencing::Target,
        run::Run,
    },
    run::step::Step,
    words::{failure::Failure, wal::Lsn},
};
use edge::{
    clock,
    postgres::{Postgres, Server},
    shelf::{self, Bucket, Shelf},
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

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

/// Both sides of the pair.
pub trait Pair {
    /// Looks at both sides.
    fn look(&self, pair: &PostgresPair) -> impl Future<Output = Seen>;
    /// Shuts the application out of the primary, and says where its log ends then.
    fn drain(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Lsn, Failure>>;
    /// How far the replica has replayed, after it was given a moment to reach `end`.
    fn replayed(&self, pair: &PostgresPair, end: Lsn) -> impl Future<Output = Result<Lsn, Failure>>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    shelf: &impl Shelf,
    owners: &impl Owners,
    world: &impl Pair,
    event: Value,
) -> Result<Step<Drained>, Failure> {
    let DrainPrimary { run, order } = edge::parse(event, "DrainPrimary")?;
    let pair = run.protected()?;
    shelf::held_lease(shelf, &run).await?;
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
    shelf::shut_in_lease(shelf, &run, &Target::primary(&run.plan, pair), false, clock::now()).await?;
    still_runs(owners, &run).await?;
    let end = world.drain(&run, pair).await?;
    let drained = Drained { lsn: end, replayed: world.replayed(pair, end).await?, at: clock::now() };
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?drained, "drained");
    let replica = &pair.replica.instance;
    Ok(if drained.is_replayed() {
        let because =
            format!("`{primary}` refuses the application, its log ends at {end}, and `{replica}` has all of it");
        Step::done(because, &seen, drained)
    } else {
        let because = format!(
            "`{primary}` refuses the application, its log ends at {end}; `{replica}` is at {}",
            drained.replayed
        );
        Step::under_way(because, &seen, drained)
    })
}

/// Both databases.
pub struct World {
    postgres: Postgres,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket).await? })
    }
}

/// How long each server may take for each question. Both work, and after the drain everyone waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the application's sessions may take to end.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

impl Pair for World {
    async fn look(&self, pair: &PostgresPair) -> Seen {
        // One after the other: the replica can be at the position that was read before.
        let primary = self.postgres.look(&server(pair, &pair.primary), PATIENCE).await;
        Seen { primary, replica: self.postgres.replica(&server(pair, &pair.replica), PATIENCE).await }
    }

    async fn drain(&self, run: &Run, pair: &PostgresPair) -> Result<Lsn, Failure> {
        self.postgres.drain(&server(pair, &pair.primary), &pair.application_roles, run, DRAIN_PATIENCE).await
    }

    async fn replayed(&self, pair: &PostgresPair, end: Lsn) -> Result<Lsn, Failure> {
        let replayed = self.postgres.replayed(&server(pair, &pair.replica), end, PATIENCE).await;
        replayed.map_err(|unasked| Failure::Database {
            what: format!("`{}` did not say how far it is", pair.replica.instance),
            source: Some(unasked.why.into()),
        })
    }
}

fn server<'a>(pair: &'a PostgresPair, side: &'a Side) -> Server<'a> {
    Server { side, database: &pair.database, login: &pair.login }
}

#[cfg(test)]
mod tests;
