//! `OpenRun`: takes the plan's lease for this execution, or says who has it.
//!
//! - in: [`OpenRun`], samples in `events/open-run.json` (an alarm), `events/open-run-by-hand.json` (a person) and
//!   `events/open-run-switchover.json` (a person, for a switchover)
//! - out: [`Step<Run>`]: `Done` with the run that every later step is given, or `Refused` with the reason
//! - changes: the plan's lease, and which plan moves each of its instances, on the condition that nobody else did; safe to
//!   repeat
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod claim;

use domain::{
    failover::{
        request::FailoverRequest,
        run::{Run, RunKind},
        succession::{self, Taking},
    },
    run::step::Step,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::Owners,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// What starts a run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenRun {
    execution: ExecutionArn,
    request: Value,
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    region: &str,
    now: Timestamp,
    event: Value,
) -> Result<Step<Run>, Failure> {
    let OpenRun { execution, request } = edge::parse(event, "OpenRun")?;
    let request = FailoverRequest::parse_for(RunKind::of(&execution), &request)
        .map_err(|error| Failure::InvalidInput(format!("request: {error}")))?;
    let (plan, plan_version) = object_store::read_pair_here(store, &request.plan, region, "run").await?;
    let current = object_store::read_lease(store, &plan.plan).await?;
    let (lease, etag) = current.map_or((None, None), |(lease, etag)| (Some(lease), Some(etag)));
    let owner = match lease.as_ref().and_then(|lease| lease.holder.as_ref()) {
        Some(holder) if holder.execution != execution => Some(owners.owner(&holder.execution, holder.since).await),
        _ => None,
    };
    let taking = succession::take(lease.as_ref(), owner.as_ref(), &plan, &execution, now);
    info!(plan.name = %plan.plan, execution.name = execution.name(), ?taking, "planned the lease");
    let (lease, taken_over) = match taking {
        Taking::Refuse(why) if succession::waits(&request.trigger, owner.as_ref()) => {
            return Ok(Step::pending(why, &lease));
        }
        Taking::Refuse(why) => return Ok(Step::refused(why, &lease)),
        Taking::Ours { lease, taken_over } => (lease, taken_over),
        Taking::Take { lease: taken, taken_over } => {
            if let Err(why) = claim::claim(store, &plan).await? {
                return Ok(Step::refused(why, &lease));
            }
            let condition = etag.map_or(Condition::Absent, Condition::Unchanged);
            object_store::write_json(store, &object_store::lease_key(&plan.plan), &taken, condition).await?;
            (taken, taken_over)
        }
    };
    let because = succession::because(&lease, taken_over.as_ref());
    let run = request.open(execution, (plan, plan_version), &lease, taken_over, now);
    Ok(Step::done(because, &lease, run))
}

#[cfg(test)]
mod tests;
