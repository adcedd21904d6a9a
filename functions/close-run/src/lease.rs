//! The plan's lease when its run ends: looked at, released, and asked what comes next.

use domain::{
    failover::{lease::Lease, run::Run, starter},
    record::evidence::Evidence,
    words::failure::Failure,
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use tracing::warn;

/// The lease, where the run holds it. If it is another's, or not a lease, the run's record has to do. Where it does not
/// come just now nobody knows: then the run is closed once it does.
pub(crate) async fn held(store: &impl ObjectStore, run: Option<&Run>) -> Result<Option<Lease>, Failure> {
    let Some(run) = run else { return Ok(None) };
    match object_store::held_lease(store, run).await {
        Ok((lease, _)) => Ok(Some(lease)),
        Err(Failure::Superseded(_) | Failure::InvalidInput(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Releases the lease, if the run still holds it. Another's lease is left alone.
pub(crate) async fn release(
    store: &impl ObjectStore,
    run: &Run,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<String, Failure> {
    let key = object_store::lease_key(&run.plan.plan);
    let Some((lease, etag)) = object_store::read_json::<Lease>(store, &key).await? else {
        return Ok("the lease is gone".into());
    };
    match lease.release(&run.execution, evidence.outcome, evidence.active, evidence.is_declined(), now) {
        Ok(released) => {
            object_store::write_json(store, &key, &released, Condition::Unchanged(etag)).await?;
            Ok(format!("lease of generation {} released", lease.generation))
        }
        Err(why) => Ok(why),
    }
}

/// What starts the next run, by the lease as it is now: also a run that never held it may end beside what another one left.
pub(crate) async fn next(store: &impl ObjectStore, evidence: &Evidence) -> Option<String> {
    let plan = evidence.plan.as_ref()?;
    let lease = match object_store::read_json::<Lease>(store, &object_store::lease_key(plan)).await {
        Ok(lease) => lease.map(|(lease, _)| lease),
        Err(failure) => {
            warn!(plan.name = %plan, why = failure.chain(), "what starts the next run is not told");
            return None;
        }
    };
    starter::next(&evidence.execution, plan, evidence.outcome, lease.as_ref(), evidence.declined_by())
}
