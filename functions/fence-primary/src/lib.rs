//! `FencePrimary`: makes the old primary refuse the application's writes; `UndoFencePrimary` opens what was shut.
//!
//! - in: [`FencePrimary`], samples in `events/fence-primary.json` and `events/fence-primary-undo.json`
//! - out: [`Step<Fencing>`]: `Done`, also where nothing could be reached: then it says `fenced: false`; `Refused` where the
//!   primary answers and was not seen to refuse the application, or where an undo would open it beside a promoted replica
//! - changes: the lease's word of what is shut, the primary's security groups, its application roles' login, their
//!   sessions; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod undo;

use std::{future::Future, time::Duration};

use domain::{
    failover::{
        fencing::{Direction, Fencing, Target, Way},
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    clock,
    postgres::{Patience, Postgres, Server, ShutOut},
    rds::{Rds, set_network},
    shelf::{self, Shelf},
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// What is fenced, or opened again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FencePrimary {
    run: Run,
    /// Whether the primary answered when it was judged: then it must be seen to refuse the application.
    #[serde(default)]
    answers: bool,
    undo: bool,
    /// What this run's own fence came to, for its undo; absent where it came to no answer.
    #[serde(default)]
    fencing: Option<Fencing>,
}

/// The old primary, as fencing reaches it.
pub trait OldPrimary {
    /// Shuts its network, or opens it.
    fn set_network(&self, target: &Target, direction: Direction) -> impl Future<Output = Way>;
    /// Takes the application's roles away, and ends its sessions.
    fn shut_out(&self, run: &Run, target: &Target) -> impl Future<Output = ShutOut>;
    /// Gives the application's roles back.
    fn let_in(&self, target: &Target) -> impl Future<Output = Way>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    shelf: &impl Shelf,
    owners: &impl Owners,
    old: &impl OldPrimary,
    event: Value,
) -> Result<Step<Fencing>, Failure> {
    let FencePrimary { run, answers, undo, fencing } = edge::parse(event, "FencePrimary")?;
    if undo {
        return undo::open(shelf, owners, old, &run, fencing.as_ref(), clock::now()).await;
    }
    let target = Target::primary(&run.plan, run.protected()?);
    // Written down first: the next run knows what there is to open again.
    shelf::shut_in_lease(shelf, &run, &target, true, clock::now()).await?;
    still_runs(owners, &run).await?;
    // Side by side: a silent Region must not keep us from the database, nor a silent database from the network.
    let (network, shut_out) = tokio::join!(old.set_network(&target, Direction::Fence), old.shut_out(&run, &target));
    let fencing = Fencing::of(network, shut_out.way, shut_out.asked, shut_out.ends_at);
    let instance = &target.side.instance;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?fencing, "fenced");
    Ok(match fencing.objection(instance, answers) {
        Some(why) => Step { did: Some(fencing), ..Step::refused(why, Value::Null) },
        None => Step::done(fencing.because(instance), Value::Null, fencing),
    })
}

/// RDS, and the database.
pub struct World {
    /// Its logins.
    pub postgres: Postgres,
}

/// How long the primary's Region may take to answer each call. If it needs longer, it is recorded as unreachable.
const FAR_PATIENCE: Duration = Duration::from_secs(2);

/// How long the old primary may take: it is dead in most runs, and everyone waits.
const DATABASE_PATIENCE: Duration = Duration::from_secs(1);

/// How long one that is to be opened again may take: clients are served only once it has.
const OPENING_PATIENCE: Duration = Duration::from_secs(3);

impl OldPrimary for World {
    async fn set_network(&self, target: &Target, direction: Direction) -> Way {
        set_network(&Rds::far(&target.region, FAR_PATIENCE).await, &target.side, direction).await
    }

    async fn shut_out(&self, run: &Run, target: &Target) -> ShutOut {
        // One that loses packets costs no more than a sample of the probe: the guard goes on trying.
        let patience = Patience { login: run.plan.probe.timeout.duration(), whole: DATABASE_PATIENCE };
        self.postgres.shut_out(&Server::of(target), &target.application_roles, patience).await
    }

    async fn let_in(&self, target: &Target) -> Way {
        self.postgres.let_in(&Server::of(target), &target.application_roles, OPENING_PATIENCE).await
    }
}

#[cfg(test)]
mod tests;
