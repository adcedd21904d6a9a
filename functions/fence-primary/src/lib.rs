//! `FencePrimary`: makes the old primary refuse the application's writes; `UndoFencePrimary` opens what was shut.
//!
//! - in: [`FencePrimary`], samples in `events/fence-primary.json` and `events/fence-primary-undo.json`
//! - out: [`Step<Fencing>`]: `Done`, also where nothing could be reached: then it says `fenced: false`; `Refused` where the
//!   primary answers and was not seen to refuse the application, or where an undo would open it beside a promoted replica
//! - changes: the lease's word of what is shut, the primary's security groups, its application roles' login, their
//!   sessions; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod old_primary;
mod undo;

use domain::{
    failover::{
        fencing::{self, DatabaseMove, Fencing, NetworkMove, Seen, Target},
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    clock,
    object_store::{self, ObjectStore},
    postgres::ShutOut,
    states::{Owners, still_runs},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use old_primary::{OldPrimary, World};

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

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    old: &impl OldPrimary,
    event: Value,
) -> Result<Step<Fencing>, Failure> {
    let FencePrimary { run, answers, undo, fencing } = edge::parse(event, "FencePrimary")?;
    if undo {
        return undo::open(store, owners, old, &run, fencing.as_ref(), clock::now()).await;
    }
    let target = Target::primary(&run.plan, run.protected()?);
    // Written down first: whoever comes next knows what there is to open again.
    object_store::shut_in_lease(store, &run, &target, true, clock::now()).await?;
    still_runs(owners, &run).await?;
    let fencing = fence(old, &run, &target).await;
    let instance = &target.side.instance;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?fencing, "fenced");
    Ok(match fencing.objection(instance, answers) {
        Some(why) => Step { did: Some(fencing), ..Step::refused(why, Value::Null) },
        None => Step::done(fencing.because(instance), Value::Null, fencing),
    })
}

/// Looks at both ways together: a silent Region must not keep us from the database, nor a silent database from the network.
/// What can be shut is shut then, the database first.
async fn fence(old: &impl OldPrimary, run: &Run, target: &Target) -> Fencing {
    let (network, database) = tokio::join!(old.network(target), old.database(run, target));
    let seen = Seen { network, database };
    let fence = fencing::plan(&seen, &target.side);
    info!(plan.name = %run.plan.plan, instance.id = %target.side.instance, ?seen, ?fence, "planned the fence");
    let (roles_asked, ShutOut { way: database, ends_at }) = match fence.database {
        DatabaseMove::ShutOut => (true, old.shut_out(target).await),
        DatabaseMove::Leave(way) => (false, ShutOut { way, ends_at: None }),
    };
    let network = match fence.network {
        NetworkMove::Set(groups) => old.set_groups(target, &groups).await,
        NetworkMove::Leave(way) => way,
    };
    Fencing::of(network, database, roles_asked, ends_at)
}

#[cfg(test)]
mod tests;
