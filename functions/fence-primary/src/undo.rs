//! Opening a primary again that a run shut, and proving it.

use domain::{
    failover::{
        fencing::{Fencing, Way, still_shut},
        lease,
        run::Run,
    },
    run::step::Step,
    watch::probe::later,
    words::failure::Failure,
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::{Owners, still_runs},
};
use jiff::Timestamp;
use serde_json::Value;
use tracing::info;

use crate::old_primary::OldPrimary;

/// Opens what the lease says is shut: what this run shut, or what it took over. Done once each way that was taken was
/// seen open, and the lease says so.
pub(crate) async fn open(
    store: &impl ObjectStore,
    owners: &impl Owners,
    old: &impl OldPrimary,
    run: &Run,
    fencing: Option<&Fencing>,
    now: Timestamp,
) -> Result<Step<Fencing>, Failure> {
    let (lease, etag) = object_store::held_lease(store, run).await?;
    if lease.is_past_the_point_of_no_return() {
        let why = "a promotion was asked for: nothing is opened beside a replica that may take writes";
        return Ok(Step::refused(why, Value::Null));
    }
    let Some(shut) = &lease.shut else {
        return Ok(Step::settled("nothing was shut: the lease would say so", Value::Null));
    };
    // Every other run had ended when this one took the lease; a step of theirs may still be at it, whoever shut it first.
    let under_way_until = later(run.opened_at, lease::STEP_OUTLIVES_RUN_BY);
    if shut.execution != run.execution && now < under_way_until {
        return Err(Failure::AwsTransient {
            what: format!("a step of an earlier run may still be shutting `{}`", shut.target.side.instance),
            source: Some(format!("what it began is waited for until {under_way_until}").into()),
        });
    }
    still_runs(owners, run).await?;
    // Only the run that began it can know that it never reached the database.
    let ours = shut.generation == run.generation;
    let roles_asked = !ours || fencing.is_none_or(|fencing| fencing.roles_asked);
    let (target, network_asked) = (shut.target.clone(), shut.network);
    let instance = &target.side.instance;
    let network = async { if network_asked { old.open_network(&target).await } else { untouched() } };
    let (network, database) = tokio::join!(network, old.let_in(&target));
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?network, ?database, "opened");
    if let Some(why) = still_shut(&network, &database, network_asked, roles_asked) {
        return Err(Failure::AwsTransient {
            what: format!("`{instance}` was not seen open again"),
            source: Some(why.into()),
        });
    }
    // Only a newer run can have written here: its generation then stops this one.
    let opened = lease.opened();
    object_store::write_json(store, &object_store::lease_key(&run.plan.plan), &opened, Condition::Unchanged(etag))
        .await?;
    let opened = Fencing { fenced: false, network, database, roles_asked: false, ends_at: None };
    Ok(Step::done(format!("`{instance}` was seen open to the application again"), Value::Null, opened))
}

fn untouched() -> Way {
    Way::Unreachable("it was not asked for".into())
}
