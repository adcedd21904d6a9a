//! Which of a plan's pairs a command is about.

use domain::{plan::PairPlan, words::id::PlanName};
use edge::object_store;

use crate::{engine::Engine, refusal::Refusal};

/// The plan of the pair that a name means. A plan's own name means its first pair.
pub(crate) async fn named(engine: &Engine, name: &PlanName) -> Result<PairPlan, Refusal> {
    Ok(object_store::read_pair(&engine.bucket, name).await?.0)
}

/// The same pair's own name. Where the plan cannot be read, the name as it was given: a person who answers a run, or takes an
/// old primary over, has it from a notice.
pub(crate) async fn name(engine: &Engine, given: &PlanName) -> PlanName {
    named(engine, given).await.map_or_else(|_| given.clone(), |pair| pair.plan)
}
