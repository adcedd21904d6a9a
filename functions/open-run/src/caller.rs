//! Who gave an order, and whether they may.

use domain::{
    failover::{
        caller::{self, Caller, Ordered, Proof, StandingOrder},
        succession::Owner,
    },
    plan::Plan,
    words::{
        failure::Failure,
        id::{CallerArn, ExecutionArn, PlanName},
    },
};
use edge::{
    caller::Callers,
    object_store::{self, Condition, ObjectStore},
    states::Owners,
};
use jiff::Timestamp;
use serde_json::Value;
use tracing::warn;

/// An order as it came.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) what: Ordered,
    pub(crate) plan: &'a PlanName,
    pub(crate) execution: &'a ExecutionArn,
    pub(crate) words: &'a Value,
    pub(crate) proof: Option<&'a Proof>,
}

/// What is known of who gave an order.
///
/// # Errors
/// As STS answers, where the plan says who may: nobody is taken for somebody else.
pub(crate) async fn of<T>(
    callers: &impl Callers,
    plan: &Plan<T>,
    order: Order<'_>,
    (region, now): (&str, Timestamp),
) -> Result<Caller, Failure> {
    let Some(proof) = order.proof else { return Ok(Caller::Unnamed) };
    if let Err(why) = proof.check(region, now) {
        return Ok(Caller::Unproved(why));
    }
    let bound = caller::bound_to(order.what, order.plan, order.execution, order.words);
    match callers.ask(proof, &bound).await {
        Err(failure) if plan.failover.may_order.is_none() => {
            warn!(plan.name = %order.plan, error = failure.chain(), "who gave the order is not on record; everybody may");
            Ok(Caller::Unproved(failure.chain()))
        }
        said => said,
    }
}

/// How often STS is asked: a person would have to answer again for one answer that was lost.
const TRIES: u32 = 3;

/// The same of an answer that is given once: what may go well the next time is asked again at once.
///
/// # Errors
/// As the last of them.
pub(crate) async fn of_patiently<T>(
    callers: &impl Callers,
    plan: &Plan<T>,
    order: Order<'_>,
    here: (&str, Timestamp),
) -> Result<Caller, Failure> {
    for _ in 1..TRIES {
        match of(callers, plan, order, here).await {
            Err(failure @ Failure::AwsTransient { .. }) => {
                warn!(plan.name = %order.plan, why = failure.chain(), "could not ask yet who approved");
            }
            said => return said,
        }
    }
    of(callers, plan, order, here).await
}

/// Keeps what its pairs' runs are held to, which begin when the proof of the order is void.
///
/// # Errors
/// As the store answers.
pub(crate) async fn keep(store: &impl ObjectStore, run: &str, standing: &StandingOrder) -> Result<(), Failure> {
    object_store::write_json(store, &object_store::order_key(run), standing, Condition::Always).await
}

/// Who gave the order for several pairs that this run is part of, for as long as that one is carried out.
///
/// # Errors
/// As the store answers.
pub(crate) async fn of_all(
    store: &impl ObjectStore,
    owners: &impl Owners,
    execution: &ExecutionArn,
    request: &Value,
    now: Timestamp,
) -> Result<Option<CallerArn>, Failure> {
    let kept = object_store::read_json::<StandingOrder>(store, &object_store::order_key(execution.name())).await?;
    let Some((standing, _)) = kept.filter(|(standing, _)| standing.is_for(execution, request)) else { return Ok(None) };
    match owners.owner(&standing.of, now).await {
        Owner::Running => Ok(Some(standing.by)),
        // Nobody knows is not nobody: the step is asked again.
        Owner::Unknown(why) => Err(Failure::AwsTransient {
            what: format!("whether the order `{}` is still carried out is not told: {why}", standing.of.name()),
            source: None,
        }),
        Owner::Gone { .. } => Ok(None),
    }
}
