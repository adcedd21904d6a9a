//! `FencePrimary`: makes the old primary refuse the application's writes; `UndoFencePrimary` takes that back.
//!
//! - in: [`FencePrimary`], sample in `events/fence-primary.json`
//! - out: [`Step<Fencing>`]: `Done`, also where nothing could be reached: then it says `fenced: false`
//! - changes: the primary's security groups, its application roles' login, their sessions; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    failure::Failure,
    fencing::{Direction, Fencing, NetworkSeen, Seen, Way},
    id::{SecurityGroupId, SqlName},
    plan::PostgresPair,
    run::Run,
    step::Step,
};
use edge::{
    aws,
    postgres::{Patience, Postgres, Server},
    rds::{Rds, set_network},
    shelf::{self, Bucket, Shelf},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let world = World { postgres: Postgres::from_env(bucket.clone()).await.map_err(|failure| failure.chain())? };
    edge::serve(|event| handle(&bucket, &world, event)).await
}

/// What is fenced, or opened again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FencePrimary {
    run: Run,
    undo: bool,
}

/// The old primary, as fencing reaches it.
trait OldPrimary {
    fn network(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = NetworkSeen>;
    fn set_groups(
        &self,
        run: &Run,
        pair: &PostgresPair,
        groups: &[SecurityGroupId],
    ) -> impl Future<Output = Result<(), Failure>>;
    fn shut_out(&self, run: &Run, pair: &PostgresPair, roles: &[SqlName]) -> impl Future<Output = Result<(), String>>;
    fn let_in(&self, pair: &PostgresPair, roles: &[SqlName]) -> impl Future<Output = Result<(), String>>;
}

async fn handle(shelf: &impl Shelf, old: &impl OldPrimary, event: Value) -> Result<Step<Fencing>, Failure> {
    let FencePrimary { run, undo } = edge::parse(event, "FencePrimary")?;
    let pair = run.protected()?;
    shelf::held_lease(shelf, &run).await?;
    let direction = if undo { Direction::Undo } else { Direction::Fence };
    let set = async |groups: &[SecurityGroupId]| old.set_groups(&run, pair, groups).await;
    let (seen, fencing) = match direction {
        // The database first: a session that is open writes on whatever becomes of the network.
        Direction::Fence => {
            let (network, database) =
                tokio::join!(old.network(&run, pair), old.shut_out(&run, pair, &pair.application_roles));
            let seen = Seen { network };
            let network = set_network(&seen, pair, direction, set).await;
            (seen, Fencing::of(network, way(database)))
        }
        Direction::Undo => {
            let seen = Seen { network: old.network(&run, pair).await };
            let network = set_network(&seen, pair, direction, set).await;
            let database = old.let_in(pair, &pair.application_roles).await;
            (seen, Fencing { fenced: false, network, database: way(database) })
        }
    };
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %pair.primary.instance, ?direction, ?fencing, "fenced");
    let because = match direction {
        Direction::Fence => fencing.because(pair.primary.instance.as_str()),
        Direction::Undo => match &fencing.network {
            Way::Holds => format!("`{}` may be reached again", pair.primary.instance),
            Way::Unreachable(why) => {
                return Err(Failure::AwsTransient {
                    what: format!("`{}` could not be opened again", pair.primary.instance),
                    source: Some(why.clone().into()),
                });
            }
        },
    };
    Ok(Step::done(because, &seen, fencing))
}

fn way(done: Result<(), String>) -> Way {
    done.map_or_else(Way::Unreachable, |()| Way::Holds)
}

struct World {
    postgres: Postgres,
}

/// How long the primary's Region may take to answer each call. If it needs longer, it is recorded as unreachable.
const FAR_PATIENCE: Duration = Duration::from_secs(2);

/// How long the old primary may take: it is dead in most runs, and everyone waits.
const DATABASE_PATIENCE: Duration = Duration::from_secs(1);

impl OldPrimary for World {
    async fn network(&self, run: &Run, pair: &PostgresPair) -> NetworkSeen {
        Rds::far(&run.plan.regions.primary, FAR_PATIENCE).await.network(&pair.primary.instance).await
    }

    async fn set_groups(&self, run: &Run, pair: &PostgresPair, groups: &[SecurityGroupId]) -> Result<(), Failure> {
        Rds::far(&run.plan.regions.primary, FAR_PATIENCE)
            .await
            .set_security_groups(&pair.primary.instance, groups)
            .await
    }

    async fn shut_out(&self, run: &Run, pair: &PostgresPair, roles: &[SqlName]) -> Result<(), String> {
        // One that loses packets costs no more than a sample of the probe: the guard goes on trying.
        let patience = Patience { login: run.plan.probe.timeout.duration(), whole: DATABASE_PATIENCE };
        self.postgres.shut_out(&server(pair), roles, patience).await
    }

    async fn let_in(&self, pair: &PostgresPair, roles: &[SqlName]) -> Result<(), String> {
        self.postgres.let_in(&server(pair), roles, DATABASE_PATIENCE).await
    }
}

fn server(pair: &PostgresPair) -> Server<'_> {
    Server { side: &pair.primary, database: &pair.database, login: &pair.login }
}

#[cfg(test)]
mod tests;
