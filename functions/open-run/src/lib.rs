//! `OpenRun`: takes the plan's lease for this execution, or says who has it.
//!
//! - in: [`OpenRun`], samples in `events/open-run.json` (an alarm), `events/open-run-by-hand.json` and `events/open-run-by-class.json` (a person),
//!   `events/open-run-switchover.json` (a person, for a switchover) and `events/open-run-all.json` (a person, for several
//!   pairs); which of them is asked for is told by the execution's state machine. `events/open-run-approval.json` is the word
//!   of a person who was asked: who gave it is looked at as who ordered a run is
//! - out: [`Step<Run>`]: `Done` with the run that every later step is given, or `Refused` with the reason; of several pairs
//!   [`Step<Opened>`]: `Done` with the order of each; of an approval [`Step<approval::Answer>`]: `Done`, or `Pending` where
//!   people are to be asked again
//! - changes: the plan's lease, and which plan moves each of its instances, on the condition that nobody else did; safe to
//!   repeat. Of several pairs what their own runs are held to
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod caller;
mod claim;

use domain::{
    failover::{
        all::{Opened, OrderOfAll},
        approval::{self, Given},
        caller::{Caller, Ordered, StandingOrder, allow},
        named,
        request::FailoverRequest,
        run::{Run, RunKind},
        succession::{self, Taking},
    },
    run::step::Step,
    state_machine::StateMachine,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{
    caller::Callers,
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

/// A person's word, as it was given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    run: Run,
    approval: Value,
}

/// Where the engine is, and what time it is.
type Here<'a> = (&'a str, Timestamp);

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A person's word, and who gave it.
    Approval(Step<approval::Answer>),
    /// The run of one pair.
    Run(Box<Step<Run>>),
    /// The orders of several.
    All(Step<Opened>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    callers: &impl Callers,
    here: Here<'_>,
    event: Value,
) -> Result<Answer, Failure> {
    if event.get("approval").is_some() {
        let given: Approval = edge::parse(event, "OpenRun")?;
        return approved(callers, here, given).await.map(Answer::Approval);
    }
    let open: OpenRun = edge::parse(event, "OpenRun")?;
    Ok(match StateMachine::of(&open.execution) {
        Some(StateMachine::FailoverAll) => Answer::All(all(store, callers, here, open).await?),
        // Whoever calls a machine otherwise orders a failover with it.
        Some(StateMachine::Failover | StateMachine::Switchover) | None => {
            Answer::Run(Box::new(one(store, owners, callers, here, open).await?))
        }
        Some(machine @ (StateMachine::Backup | StateMachine::VerifyBackup | StateMachine::Cleanup)) => {
            return Err(Failure::InvalidInput(format!("execution: `{}` opens no run here", machine.name())));
        }
    })
}

/// What is said of an approval of which nobody can tell that it was given by one who may.
const NOT_PROVED: &str = "approved, and not by anybody who may";

/// Whether whoever approved may, and who it was. One that proves nothing is as if it had not been given: people are asked
/// again, for as long as the plan gives them.
async fn approved(
    callers: &impl Callers,
    here: Here<'_>,
    Approval { run, approval }: Approval,
) -> Result<Step<approval::Answer>, Failure> {
    let not_proved = |why: &str| Ok(Step::pending(format!("{NOT_PROVED}: {why}"), &Value::Null));
    let given: Given = match edge::parse(approval.clone(), "approval") {
        Ok(given) => given,
        Err(failure) => return not_proved(&failure.chain()),
    };
    let (plan, execution) = (&run.plan.plan, &run.execution);
    let proof = given.proof.as_ref();
    let order = caller::Order { what: Ordered::Approval, plan, execution, words: &approval, proof };
    let who = match caller::of_patiently(callers, &run.plan, order, here).await {
        Ok(who) => who,
        Err(failure) => return not_proved(&failure.chain()),
    };
    match allow(&run.plan, execution.account(), who) {
        Ok(proved) => {
            let answer = given.proved(proved);
            Ok(Step::done(format!("approved by {}", answer.named()), Value::Null, answer))
        }
        Err(why) => not_proved(&why),
    }
}

/// Opens an order for several pairs. Each pair's run takes its own lease later.
async fn all(
    store: &impl ObjectStore,
    callers: &impl Callers,
    here: Here<'_>,
    OpenRun { execution, request }: OpenRun,
) -> Result<Step<Opened>, Failure> {
    let order: OrderOfAll = edge::parse(request.clone(), "request")?;
    let (plan, _) = object_store::read_plan_here(store, &order.plan, here.0, "run").await?;
    let proof = order.proof.clone();
    let as_it_came = caller::Order {
        what: Ordered::Run,
        plan: &plan.plan,
        execution: &execution,
        words: &request,
        proof: proof.as_ref(),
    };
    let who = caller::of(callers, &plan, as_it_came, here).await?;
    let proved =
        allow(&plan, execution.account(), who).map_err(|why| Failure::InvalidInput(format!("request.proof: {why}")))?;
    let opened = order.open(&plan, &execution)?;
    if let Some(by) = proved {
        for pair in &opened.pairs {
            let run = execution
                .beside(StateMachine::Failover.name(), &pair.run)
                .map_err(|bad| Failure::InvalidInput(format!("request: {bad}")))?;
            let standing = StandingOrder { of: execution.clone(), by: by.clone(), run, request: pair.request.clone() };
            caller::keep(store, &pair.run, &standing).await?;
        }
    }
    info!(plan.name = %plan.plan, execution.name = execution.name(), pairs = opened.pairs.len(), "opened an order");
    let because = format!("{} pairs of plan `{}` are to be failed over", opened.pairs.len(), plan.plan);
    Ok(Step::done(because, Value::Null, opened))
}

async fn one(
    store: &impl ObjectStore,
    owners: &impl Owners,
    callers: &impl Callers,
    (region, now): Here<'_>,
    OpenRun { execution, request: asked }: OpenRun,
) -> Result<Step<Run>, Failure> {
    let mut request = FailoverRequest::parse_for(RunKind::of(&execution), &asked)
        .map_err(|error| Failure::InvalidInput(format!("request: {error}")))?;
    let (plan, plan_version) = object_store::read_pair_here(store, &request.plan, region, "run").await?;
    if !request.trigger.is_automatic() {
        let proof = request.proof.as_ref();
        let order =
            caller::Order { what: Ordered::Run, plan: &request.plan, execution: &execution, words: &asked, proof };
        let who = match caller::of(callers, &plan, order, (region, now)).await? {
            // It may be part of an order for several.
            Caller::Unnamed => {
                caller::of_all(store, owners, &execution, &asked, now).await?.map_or(Caller::Unnamed, Caller::Proved)
            }
            known @ (Caller::Unproved(_) | Caller::Proved(_)) => known,
        };
        match allow(&plan, execution.account(), who) {
            Ok(proved) => request.trigger = request.trigger.proved(proved),
            Err(why) => return Ok(Step::refused(why, &Value::Null)),
        }
    }
    if let Some(class) = request.class
        && let Err(why) = named::answer(&plan, class)
    {
        return Ok(Step::refused(why, &Value::Null));
    }
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
