//! `Cleanup`: judges a Region's backups by the plan's retention, deletes what nothing keeps, and says why of each.
//!
//! - in: [`Cleanup`], samples in `events/cleanup-open.json` (the request), `events/cleanup.json` (one Region) and
//!   `events/cleanup-restored.json` (what a test restored)
//! - out: for the request [`Step<CleanupRun>`]; for a Region [`Step<Cleaned>`]: `Done`, or `Pending` where more is to go; for
//!   what a test restored [`Step<()>`]: `Done` once it is gone, `Pending`, or `Refused` where it is not the test's
//! - changes: snapshots that are tagged as the plan's and that no rule keeps, each looked at again right before it is
//!   deleted, and instances that a test of the plan's restored and left, if the run applies; the instance of a test that
//!   is over; a report; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod region;
mod restored;
mod world;

use domain::{
    cleanup::{CleanupRequest, CleanupRun},
    restore::RestoreRun,
    run::step::Step,
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, Region},
    },
};
use edge::object_store::{self, ObjectStore};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use region::Cleaned;
pub use world::{BackupCatalog, World};

/// What a cleanup begins with, and what it is of one Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Cleanup {
    /// Reads the request and pins the plan.
    Open(Open),
    /// Cleans one Region.
    Region(Box<OneRegion>),
    /// Tears down what a test restored.
    Restored(Box<OneRestored>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    execution: ExecutionArn,
    request: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRegion {
    cleanup: CleanupRun,
    region: Region,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRestored {
    restore: RestoreRun,
    component: ComponentName,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The run that every later step is given.
    Opened(Box<Step<CleanupRun>>),
    /// What was done in a Region.
    Cleaned(Step<Cleaned>),
    /// What a test restored is gone.
    TornDown(Step<()>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    catalog: &impl BackupCatalog,
    here: &str,
    event: Value,
) -> Result<Answer, Failure> {
    match edge::parse(event, "Cleanup")? {
        Cleanup::Open(open) => {
            opened(store, here, catalog.now(), open).await.map(|step| Answer::Opened(Box::new(step)))
        }
        Cleanup::Region(of) => region::clean(store, catalog, &of.cleanup, &of.region).await.map(Answer::Cleaned),
        Cleanup::Restored(of) => restored::tear_down(catalog, &of.restore, &of.component).await.map(Answer::TornDown),
    }
}

async fn opened(store: &impl ObjectStore, here: &str, now: Timestamp, open: Open) -> Result<Step<CleanupRun>, Failure> {
    let request: CleanupRequest = edge::parse(open.request, "request")?;
    let plan = object_store::read_plan_here(store, &request.plan, here, "cleanup").await?;
    let run = request.open(plan, open.execution, now);
    Ok(Step::done(run.summary(), Value::Null, run))
}

#[cfg(test)]
mod tests;
