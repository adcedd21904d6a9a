//! The evidence's object, which is written once.

use domain::{
    record::evidence::{self, Evidence},
    words::failure::Failure,
};
use edge::object_store::{self, Condition, ObjectStore};
use tracing::warn;

/// What became of evidence where there was none.
pub(crate) const WRITTEN: &str = "written";

/// Writes the evidence where there is none. What a run left when it was closed before is kept and given back, whatever
/// it is closed with now; what is not of this run stays as well, and the evidence is written beside it.
pub(crate) async fn keep(
    store: &impl ObjectStore,
    evidence: Evidence,
) -> Result<(String, Evidence, &'static str), Failure> {
    let key = evidence::key(evidence.plan.as_ref(), &evidence.execution);
    let beside = evidence::key_beside(&evidence);
    for key in [key.clone(), beside.clone()] {
        match object_store::write_json(store, &key, &evidence, Condition::Absent).await {
            Ok(()) => return Ok((key, evidence, WRITTEN)),
            Err(Failure::Conflict(_)) => {}
            Err(failure) => return Err(failure),
        }
        match object_store::read_json::<Evidence>(store, &key).await {
            Ok(Some((left, _))) if left.is_of_the_run_of(&evidence) => return Ok((key, left, "was written before")),
            Ok(Some((other, _))) => warn!(key, execution.name = %other.execution, "another run's evidence is there"),
            Ok(None) => return Err(Failure::Conflict(format!("{key}: it was there and is gone"))),
            Err(Failure::InvalidInput(why)) => warn!(key, why, "what is there is no evidence"),
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::InvalidInput(format!(
        "`{key}` and `{beside}` hold what is not this run's evidence: move them away, and close the run again"
    )))
}
