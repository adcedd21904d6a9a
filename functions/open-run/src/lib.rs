//! `OpenRun`: takes the plan's lease for this execution, or says who has it.
//!
//! - in: [`OpenRun`], samples in `events/open-run.json` (an alarm), `events/open-run-by-hand.json` (a person),
//!   `events/open-run-switchover.json` (a person, for a switchover) and `events/open-run-all.json` (a person, for several
//!   pairs); which of them is asked for is told by the execution's state machine
//! - out: [`Step<Run>`]: `Done` with the run that every later step is given, or `Refused` with the reason; of several pairs
//!   [`Step<Opened>`]: `Done` with the order of each
//! - changes: the plan's lease, and which plan moves each of its instances, on the condition that nobody else did; safe to
//!   repeat. Of several pairs nothing
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod claim;

use domain::{
    failover::{
        all::{Opened, OrderOfAll},
        request::FailoverRequest,
        run::{Run, RunKind},
        succession::{self, Taking},
    },
    run::step::Step,
    state_machine::StateMachine,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::Owners,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

/// What starts a run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenRun {
    execution: ExecutionArn,
    request: Value,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The run of one pair.
    Run(Box<Step<Run>>),
    /// The orders of several.
    All(Step<Opened>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    region: &str,
    now: Timestamp,
    event: Value,
) -> Result<Answer, Failure> {
    let open: OpenRun = edge::parse(event, "OpenRun")?;
    Ok(match StateMachine::of(&open.execution) {
        Some(StateMachine::FailoverAll) => Answer::All(all(store, region, open).await?),
        // Whoever calls a machine otherwise orders a failover with it.
        Some(StateMachine::Failover | StateMachine::Switchover) | None => {
            Answer::Run(Box::new(one(store, owners, region, now, open).await?))
        }
        Some(machine @ (StateMachine::Backup | StateMachine::VerifyBackup | StateMachine::Cleanup)) => {
            return Err(Failure::InvalidInput(format!("execution: `{}` opens no run here", machine.name())));
        }
    })
}

/// Opens an order for several pairs. Each pair's run takes its own lease later.
async fn all(store: &impl ObjectStore, region: &str, open: OpenRun) -> Result<Step<Opened>, Failure> {
    let order: OrderOfAll = edge::parse(open.request, "request")?;
    let (plan, _) = object_store::read_plan_here(store, &order.plan, region, "run").await?;
    let opened = order.open(&plan, &open.execution)?;
    info!(plan.name = %plan.plan, execution.name = open.execution.name(), pairs = opened.pairs.len(), "opened an order");
    let because = format!("{} pairs of plan `{}` are to be failed over", opened.pairs.len(), plan.plan);
    Ok(Step::done(because, Value::Null, opened))
}

async fn one(
    store: &impl ObjectStore,
    owners: &impl Owners,
    region: &str,
    now: Timestamp,
    OpenRun { execution, request }: OpenRun,
) -> Result<Step<Run>, Failure> {
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
