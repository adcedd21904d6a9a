//! `CheckHealth`: looks at the health of a Region from another one, as often as the plan says, and tells it as metrics.
//!
//! - in: [`CheckHealth`], sample in `events/check-health.json`; from its schedule each minute
//! - out: [`Step<Judged>`]: `Done` with what the looks of ten minutes come to
//! - changes: what is remembered of the Region's looks, on a condition; the record of each time that it is not healthy; the metrics
//!   `Health…`; tells people; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod watch;
mod world;

use domain::{
    run::step::Step,
    watch::{probe, region::Judged},
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};
use edge::object_store::ObjectStore;
use serde::Deserialize;
use serde_json::Value;

pub use watch::Looks;
pub use world::World;

/// Whose Region is looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckHealth {
    plan: PlanName,
    region: Region,
}

/// Handles an event, as the head of this file says. `here` is the Region that looks.
pub async fn handle(
    store: &impl ObjectStore,
    world: &impl Looks,
    here: &str,
    event: Value,
) -> Result<Step<Judged>, Failure> {
    let CheckHealth { plan, region } = edge::parse(event, "CheckHealth")?;
    let here = here.parse::<Region>().map_err(|bad| Failure::InvalidInput(format!("AWS_REGION: {bad}")))?;
    // The schedule's next start comes within the minute after: until then this one looks.
    let until = probe::later(world.now(), probe::EVERY);
    watch::watch(store, world, (&here, &region), &plan, until).await
}

#[cfg(test)]
mod tests;
