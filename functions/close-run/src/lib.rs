//! `CloseRun`: writes the evidence and releases the lease. Every path of the state machine ends through it.
//!
//! - in: [`Closing`], sample in `events/close-run.json`
//! - out: [`Step<Closed>`]: always `Done`
//! - changes: the evidence's object, which is written once and never again; the plan's lease; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    failover::{approval::Reply, lease::Lease, run::Run, starter},
    record::{
        evidence::{self, Closed, Closing, Evidence, StateVisit},
        standing,
    },
    run::step::Step,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{
    object_store::{self, Condition, ObjectStore},
    states::{History, States},
};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{info, warn};

/// Who knows what an execution has been through.
pub trait Chronicle {
    /// Its states so far.
    fn history(&self, execution: &ExecutionArn) -> impl Future<Output = Result<History, Failure>>;
}

impl Chronicle for States {
    async fn history(&self, execution: &ExecutionArn) -> Result<History, Failure> {
        States::history(self, execution).await
    }
}

/// How long the engine may take to tell the history, all pages and tries of it: half of what the function has.
const HISTORY_PATIENCE: Duration = Duration::from_secs(15);

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    chronicle: &impl Chronicle,
    now: Timestamp,
    event: Value,
) -> Result<Step<Closed>, Failure> {
    let closing: Closing = edge::parse(event, "CloseRun")?;
    if let Some(run) = closing.run.as_ref().filter(|run| run.execution != closing.execution) {
        let other = run.execution.name();
        return Err(Failure::InvalidInput(format!("run.execution: `{other}` is not the execution that is closed")));
    }
    let history = told(chronicle, &closing.execution, HISTORY_PATIENCE).await;
    let run = closing.run.clone();
    let active = evidence::active_side(&closing, held(store, closing.run.as_ref()).await?.as_ref());
    let (key, evidence, kept) = keep(store, evidence::assemble(closing, history, active, now)).await?;
    let released = match &run {
        Some(run) => release(store, run, &evidence, now).await?,
        None => "never held a lease".into(),
    };
    let next = next(store, &evidence).await;
    info!(execution.name = evidence.execution.name(), outcome = ?evidence.outcome, because = evidence.because, kept, released, "closed");
    Ok(Step::done(format!("evidence {kept}; {released}"), Value::Null, closed(key, &evidence, run.as_ref(), next)))
}

/// The execution's states. A run is closed without them: its evidence and its lease wait for nobody.
async fn told(
    chronicle: &impl Chronicle,
    execution: &ExecutionArn,
    patience: Duration,
) -> Result<(Vec<StateVisit>, u64), String> {
    let why = match tokio::time::timeout(patience, chronicle.history(execution)).await {
        Ok(Ok(History { visits, transitions })) => return Ok((visits, transitions)),
        Ok(Err(failure)) => failure.chain(),
        Err(_) => format!("the history of {execution} was not told within {} s", patience.as_secs()),
    };
    warn!(execution.name = execution.name(), why, "the evidence has no timeline");
    Err(why)
}

/// Writes the evidence where there is none. What a run left when it was closed before is kept and given back, whatever
/// it is closed with now; what is not of this run stays as well, and the evidence is written beside it.
async fn keep(store: &impl ObjectStore, evidence: Evidence) -> Result<(String, Evidence, &'static str), Failure> {
    let key = evidence::key(evidence.plan.as_ref(), &evidence.execution);
    let beside = evidence::key_beside(&evidence);
    for key in [key.clone(), beside.clone()] {
        match object_store::write_json(store, &key, &evidence, Condition::Absent).await {
            Ok(()) => return Ok((key, evidence, "written")),
            Err(Failure::Conflict(_)) => {}
            Err(failure) => return Err(failure),
        }
        match object_store::read_json::<Evidence>(store, &key).await {
            Ok(Some((left, _))) if left.is_of_the_run_of(&evidence) => return Ok((key, left, "was written before")),
            Ok(Some((other, _))) => warn!(key, execution.name = %other.execution, "another run's evidence is there"),
            Ok(None) => return Err(Failure::Conflict(format!("{key}: it was there and is gone"))),
            Err(Failure::InvalidInput(why)) => warn!(key, why, "what is there is no evidence"),
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::InvalidInput(format!(
        "`{key}` and `{beside}` hold what is not this run's evidence: move them away, and close the run again"
    )))
}

/// What starts the next run, by the lease as it is now: also a run that never held it may end beside what another one left.
async fn next(store: &impl ObjectStore, evidence: &Evidence) -> Option<String> {
    let plan = evidence.plan.as_ref()?;
    let lease = match object_store::read_json::<Lease>(store, &object_store::lease_key(plan)).await {
        Ok(lease) => lease.map(|(lease, _)| lease),
        Err(failure) => {
            warn!(plan.name = %plan, why = failure.chain(), "what starts the next run is not told");
            return None;
        }
    };
    let by = evidence.record.approval.as_ref().and_then(Reply::by);
    let by = by.filter(|_| evidence.is_declined());
    starter::next(&evidence.execution, plan, evidence.outcome, lease.as_ref(), by)
}

fn closed(key: String, evidence: &Evidence, run: Option<&Run>, next: Option<String>) -> Closed {
    let objective = evidence.objective.as_ref();
    Closed {
        evidence: key,
        because: evidence.because.clone(),
        plan: evidence.plan.clone(),
        trigger: evidence.trigger.clone(),
        standing: run.and_then(|run| standing::standing(&evidence.record, run)),
        next,
        rto_seconds: objective.and_then(|objective| objective.rto_measured_seconds),
        rpo_seconds: objective.and_then(|objective| objective.rpo_measured_seconds),
        met: objective.and_then(|objective| objective.met),
        transitions: evidence.transitions,
    }
}

/// The lease, where the run holds it. If it is another's, or not a lease, the run's record has to do. Where it does not
/// come just now nobody knows: then the run is closed once it does.
async fn held(store: &impl ObjectStore, run: Option<&Run>) -> Result<Option<Lease>, Failure> {
    let Some(run) = run else { return Ok(None) };
    match object_store::held_lease(store, run).await {
        Ok((lease, _)) => Ok(Some(lease)),
        Err(Failure::Superseded(_) | Failure::InvalidInput(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Releases the lease, if the run still holds it. Another's lease is left alone.
async fn release(store: &impl ObjectStore, run: &Run, evidence: &Evidence, now: Timestamp) -> Result<String, Failure> {
    let key = object_store::lease_key(&run.plan.plan);
    let Some((lease, etag)) = object_store::read_json::<Lease>(store, &key).await? else {
        return Ok("the lease is gone".into());
    };
    match &lease.holder {
        Some(holder) if holder.execution == run.execution => {
            let released = lease.released(evidence.outcome, evidence.active, now);
            let released = if evidence.is_declined() { released.declined() } else { released };
            object_store::write_json(store, &key, &released, Condition::Unchanged(etag)).await?;
            Ok(format!("lease of generation {} released", lease.generation))
        }
        Some(holder) => Ok(format!("the lease is held by `{}`", holder.execution.name())),
        None => Ok("the lease was released already".into()),
    }
}

#[cfg(test)]
mod tests;
