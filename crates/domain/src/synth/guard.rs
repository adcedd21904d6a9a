//! What keeps an old primary out.

use super::{Resources, engine::Export, rule};
use crate::plan::PairPlan;

pub(super) fn add(plan: &PairPlan, resources: &mut Resources) {
    // A promotion leaves a guard in the lease; without one, each start reads the lease and ends.
    let says = "Looks each minute whether an old primary must be kept out.";
    let guard = ("guard-primary", Export::GuardPrimary);
    resources.add(
        "GuardSchedule",
        rule::every(&plan.plan, &rule::name(&plan.plan, "guard"), says, rule::EACH_MINUTE, guard),
    );
}
