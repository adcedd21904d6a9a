//! A backup's manifest: written where there is none, and kept where an earlier run's says all that this one would.

use std::future::Future;

use domain::{
    backup::{BackupRun, Manifest, Part, PartTurn, Taken},
    run::{outcome::UpkeepOutcome, step::Step},
    words::{
        failure::Failure,
        id::{PlanName, ScheduleName},
    },
};
use edge::{
    metrics::Metrics,
    object_store::{self, Condition, ObjectStore},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::{info, warn};

/// Who watches how old backups are, how large, and how many are lost.
pub trait Gauge {
    /// A part of a schedule's backup is whole.
    fn whole(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> impl Future<Output = Result<(), Failure>>;
    /// A part of a backup is not.
    fn failed(&self, plan: &PlanName, part: &Part) -> impl Future<Output = Result<(), Failure>>;
    /// A backup was to be proved.
    fn proved(&self, plan: &PlanName, has_passed: bool) -> impl Future<Output = Result<(), Failure>>;
}

impl Gauge for Metrics {
    async fn whole(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> Result<(), Failure> {
        self.whole_backup(plan, schedule, of).await
    }

    async fn failed(&self, plan: &PlanName, part: &Part) -> Result<(), Failure> {
        self.failed_backup(plan, part).await
    }

    async fn proved(&self, plan: &PlanName, has_passed: bool) -> Result<(), Failure> {
        self.proved_backup(plan, has_passed).await
    }
}

/// What was closed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// Whether it is whole.
    pub outcome: UpkeepOutcome,
    /// The manifest's key in the Region's bucket.
    pub manifest: String,
}

/// Closes a backup.
pub(crate) async fn close(
    store: &impl ObjectStore,
    gauge: &impl Gauge,
    now: Timestamp,
    backup: &BackupRun,
    parts: Vec<PartTurn>,
) -> Result<Step<Closed>, Failure> {
    let parts = parts.into_iter().map(Part::from).collect();
    let (key, ours) = (backup.manifest_key(), Manifest::assemble(backup, parts, now));
    let mut because = ours.summary();
    because.push_str(keep(store, &key, backup, &ours).await?);
    // What this run saw, whatever an earlier one wrote: what is gone since must grow too old.
    for part in ours.parts.iter().map(|checked| &checked.part) {
        match part.whole() {
            Some(taken) => gauge.whole(&backup.plan.plan, &backup.schedule, taken).await?,
            None => gauge.failed(&backup.plan.plan, part).await?,
        }
    }
    info!(plan.name = %backup.plan.plan, execution.name = backup.execution.name(), outcome = ?ours.outcome, because, "closed a backup");
    Ok(Step::done(because, Value::Null, Closed { outcome: ours.outcome, manifest: key }))
}

/// Writes the manifest, unless an earlier run's for the same time stays; what is to be added to why then.
async fn keep(
    store: &impl ObjectStore,
    key: &str,
    backup: &BackupRun,
    ours: &Manifest,
) -> Result<&'static str, Failure> {
    let condition = match object_store::read_json::<Manifest>(store, key).await {
        Ok(None) => Condition::Absent,
        // Another run for the same time may have found what this one did not.
        Ok(Some((theirs, _))) if theirs.is_sound(backup) && theirs.covers(ours) => {
            return Ok(if theirs.outcome == ours.outcome {
                ""
            } else {
                "; the manifest stays as an earlier run wrote it, which found more"
            });
        }
        Ok(Some((_, etag))) => Condition::Unchanged(etag),
        // What nobody can read is worth less than what this run saw.
        Err(Failure::InvalidInput(why)) => {
            warn!(plan.name = %backup.plan.plan, key, why, "the manifest cannot be read, and is written anew");
            Condition::Always
        }
        Err(failure) => return Err(failure),
    };
    object_store::write_json(store, key, ours, condition).await?;
    Ok("")
}
