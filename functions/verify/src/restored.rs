//! What was restored of a backup: whether it answers as it must. Then, and only then, the backup is verified.

use std::future::Future;

use domain::{
    component::{PostgresPair, Side},
    plan::SqlCheck,
    restore::{self, Examined, Origin, Purpose, RestoreRun, Restored, Verified},
    run::{
        step::Step,
        verification::{self, Finding, Verification},
    },
    words::{
        failure::Failure,
        id::{ComponentName, Region},
        wal::Lsn,
    },
};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use crate::checks::{answer, timed, together};

/// Which component's, and for which run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    restore: RestoreRun,
    component: ComponentName,
    examined: Examined,
    restored: Restored,
}

/// The restored database, and the backup that it was made of.
pub trait Database {
    /// Where its log is, if it takes writes.
    fn position(&self, pair: &PostgresPair, side: &Side) -> impl Future<Output = Result<Lsn, String>>;
    /// Asks one of the plan's queries.
    fn check(&self, pair: &PostgresPair, side: &Side, check: &SqlCheck) -> impl Future<Output = Finding>;
    /// Marks the backup as verified.
    fn mark(&self, region: &Region, arn: &str, at: Timestamp) -> impl Future<Output = Result<(), Failure>>;
}

pub(crate) async fn verify(world: &impl Database, request: Request, now: Timestamp) -> Result<Step<Verified>, Failure> {
    let Request { restore: run, component, examined, restored } = request;
    let pair = run.target(&component)?.pair;
    let side = restored.as_side();
    let chosen =
        examined.chosen.as_ref().ok_or_else(|| Failure::InvalidInput("restored.examined.chosen: is null".into()))?;
    let name = if chosen.lsn.is_some() { "its log reaches where the backup's did" } else { "it answers as a primary" };
    let position = timed(name, async {
        let got = world.position(pair, &side).await;
        restore::reaches(chosen.lsn.unwrap_or(Lsn(0)), got)
    });
    let (asks, side): (Vec<_>, _) = (run.checks(&component).collect(), &side);
    let checks = together(position, asks.iter().map(|check| timed(&check.name, world.check(pair, side, check)))).await;
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %restored.instance, ?checks, "verified a restore");
    let passed = |checks| verification::sum_up(checks) == Verification::Passed;
    let mut verified = Verified { checks, tagged: false };
    if let (true, Origin::Snapshot { arn, .. }) =
        (run.purpose == Purpose::Test && passed(&verified.checks), &chosen.origin)
        && passed(&examined.checks)
    {
        world.mark(&run.region, arn, now).await?;
        verified.tagged = true;
    }
    let step = answer(&verified.checks, verified.clone());
    // What was wrong with the backup before it was restored is wrong still.
    let because = match verification::sum_up(&examined.checks) {
        Verification::Passed => step.because,
        Verification::Failed(why) | Verification::Unanswered(why) => format!("{why}; restored: {}", step.because),
    };
    // What failed is told check by check, too.
    Ok(Step { because, did: Some(verified), ..step })
}

#[cfg(test)]
mod tests;
