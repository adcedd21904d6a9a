//! The judge, asked by others than a run's state machine.

use domain::{failover::judgement::Rehearsal, run::step::Step, words::id::PlanName};
use serde::Serialize;

use crate::{aws, function, patience::JUDGE};

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
    let (config, request) = (aws::config_for_the_far_side(region, JUDGE).await, Rehearse { rehearse: plan });
    let asked = function::ask(&config, judge, &request);
    let answer = tokio::time::timeout(JUDGE, asked).await;
    answer.map_err(|_| format!("no answer within {} s", JUDGE.as_secs()))?
}
