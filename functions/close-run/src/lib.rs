//! `CloseRun`: writes the evidence and releases the lease. Every path of the state machine ends through it.
//!
//! - in: [`Closing`], sample in `events/close-run.json`
//! - out: [`Step<Closed>`]: always `Done`
//! - changes: the evidence's object, which is written once and never again; the plan's lease; the metrics of what the run
//!   measured; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod archive;
mod chronicle;
mod gauge;
mod lease;

use domain::{
    record::{
        evidence::{self, Closed, Closing},
        standing,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::object_store::ObjectStore;
use jiff::Timestamp;
use serde_json::Value;
use tracing::info;

pub use chronicle::Chronicle;
use chronicle::{HISTORY_PATIENCE, told};
pub use gauge::Gauge;

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    chronicle: &impl Chronicle,
    gauge: &impl Gauge,
    now: Timestamp,
    event: Value,
) -> Result<Step<Closed>, Failure> {
    let closing: Closing = edge::parse(event, "CloseRun")?;
    closing.check()?;
    let history = told(chronicle, &closing.execution, HISTORY_PATIENCE).await;
    let run = closing.run.clone();
    let active = evidence::active_side(&closing, lease::held(store, run.as_ref()).await?.as_ref());
    let (key, evidence, kept) = archive::keep(store, evidence::assemble(closing, history, active, now)).await?;
    let released = match &run {
        Some(run) => lease::release(store, run, &evidence, now).await?,
        None => "never held a lease".into(),
    };
    // Written before, and closed again, it is in CloudWatch already.
    if kept == archive::WRITTEN {
        gauge::tell(gauge, &evidence).await;
    }
    let next = lease::next(store, &evidence).await;
    let standing = run.and_then(|run| standing::standing(&evidence.record, &run));
    info!(execution.name = evidence.execution.name(), outcome = ?evidence.outcome, because = evidence.because, kept, released, "closed");
    Ok(Step::done(format!("evidence {kept}; {released}"), Value::Null, Closed::of(key, &evidence, standing, next)))
}

#[cfg(test)]
mod tests;
