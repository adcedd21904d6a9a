//! The judge, asked by others than a run's state machine.

use std::time::Duration;

use domain::{failover::judgement::Rehearsal, run::step::Step, words::id::PlanName};
use serde::Serialize;

use crate::{aws, function};

/// How long the judge may take, who waits for other Regions and for a plan's longest time-out.
const PATIENCE: Duration = Duration::from_secs(20);

/// The judge's way of being asked what a run would come to.
#[derive(Serialize)]
struct Rehearse<'a> {
    rehearse: &'a PlanName,
}

/// Asks what a run of this plan would come to now.
///
/// # Errors
/// Says why there is no answer.
pub async fn rehearse(region: &str, judge: &str, plan: &PlanName) -> Result<Step<Rehearsal>, String> {
    let (config, request) = (aws::config_for_the_far_side(region, PATIENCE).await, Rehearse { rehearse: plan });
    let asked = function::ask(&config, judge, &request);
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}
