//! Which plan moves an instance. Kept beside the leases, on a condition.

use domain::{
    plan::PairPlan,
    words::{
        failure::Failure,
        id::{InstanceId, PlanName, Region},
    },
};
use serde::{Deserialize, Serialize};

use super::{Condition, ObjectStore, read_json, read_pair, write_json};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Claim {
    plan: PlanName,
}

/// Who has claimed an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The plan that asks.
    Ours,
    /// Another plan, which still names it.
    Theirs(PlanName),
    /// Nobody, or a plan that is gone or no longer names it; on this condition it may be claimed.
    Nobody(Condition),
}

/// Where an instance's claim is kept.
fn key(region: &Region, instance: &InstanceId) -> String {
    format!("leases/instances/{region}/{instance}.json")
}

/// Who has claimed an instance, as a plan sees it.
///
/// # Errors
/// As the store answers.
pub async fn look(
    store: &impl ObjectStore,
    plan: &PlanName,
    region: &Region,
    instance: &InstanceId,
) -> Result<Claimed, Failure> {
    Ok(match read_json::<Claim>(store, &key(region, instance)).await? {
        Some((claim, _)) if claim.plan == *plan => Claimed::Ours,
        Some((claim, _)) if names(store, &claim.plan, plan, region, instance).await? => Claimed::Theirs(claim.plan),
        Some((_, etag)) => Claimed::Nobody(Condition::Unchanged(etag)),
        None => Claimed::Nobody(Condition::Absent),
    })
}

/// Claims an instance for a plan.
///
/// # Errors
/// As the store answers; `Conflict` where somebody else claims at the same time.
pub async fn write(
    store: &impl ObjectStore,
    plan: &PlanName,
    region: &Region,
    instance: &InstanceId,
    condition: Condition,
) -> Result<(), Failure> {
    write_json(store, &key(region, instance), &Claim { plan: plan.clone() }, condition).await
}

/// Both sides of the pair that a plan's runs move, each in its Region.
pub fn sides(plan: &PairPlan) -> impl Iterator<Item = (&Region, &InstanceId)> {
    plan.pair().into_iter().flat_map(|pair| {
        [(&plan.regions.primary, &pair.primary.instance), (&plan.regions.recovery, &pair.replica.instance)]
    })
}

/// Whether a plan that is in this bucket still names an instance of a Region as one that its runs move. One that is gone,
/// or that nobody can read, opens no run.
async fn names(
    store: &impl ObjectStore,
    plan: &PlanName,
    asks: &PlanName,
    region: &Region,
    instance: &InstanceId,
) -> Result<bool, Failure> {
    match read_pair(store, plan).await {
        // A further pair that has become the first: its earlier name means the plan that asks.
        Ok((plan, _)) if plan.plan == *asks => Ok(false),
        Ok((plan, _)) => Ok(sides(&plan).any(|side| side == (region, instance))),
        Err(Failure::NotFound(_) | Failure::InvalidInput(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
