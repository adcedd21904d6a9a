//! Which of a plan's pairs a command is about.

use domain::{plan::PairPlan, words::id::PlanName};
use edge::object_store;

use crate::{engine::Engine, refusal::Refusal};

/// The plan of the pair that a name means. A plan's own name means its first pair.
pub(crate) async fn named(engine: &Engine, name: &PlanName) -> Result<PairPlan, Refusal> {
    Ok(object_store::read_pair(&engine.bucket, name).await?.0)
}
