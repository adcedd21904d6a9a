//! `CloseBackup`: writes what a backup consists of, or what a restore of one showed, and says whether all is as it should be.
//!
//! - in: [`CloseBackup`] or [`CloseRestore`], samples in `events/close-backup.json` and `events/close-backup-restore.json`
//! - out: [`Step<Closed>`] or [`Step<ClosedRestore>`]: always `Done`
//! - changes: the manifest, where there is none, a poorer one or one that cannot be trusted, and the metric of each whole
//!   part; or the restore's record; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    backup::{BackupRun, Manifest, Part, PartTurn, Taken},
    restore::{RestorePart, RestoreRecord, RestoreRun, RestoreTurn},
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
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};

/// Who watches how old backups are, and how large.
pub trait Gauge {
    /// A part of a schedule's backup is whole.
    fn whole(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> impl Future<Output = Result<(), Failure>>;
}

impl Gauge for Metrics {
    async fn whole(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> Result<(), Failure> {
        self.whole_backup(plan, schedule, of).await
    }
}

/// A backup that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseBackup {
    backup: BackupRun,
    parts: Vec<PartTurn>,
}

/// A restore that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRestore {
    restore: RestoreRun,
    parts: Vec<RestoreTurn>,
}

/// What was closed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// Whether it is whole.
    outcome: UpkeepOutcome,
    /// The manifest's key in the Region's bucket.
    manifest: String,
}

/// What was closed of a restore.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedRestore {
    /// Whether all is as it should be.
    outcome: UpkeepOutcome,
    /// The record's key in the Region's bucket.
    record: String,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of a backup.
    Backup(Step<Closed>),
    /// Of a restore.
    Restore(Step<ClosedRestore>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    gauge: &impl Gauge,
    now: Timestamp,
    event: Value,
) -> Result<Answer, Failure> {
    if event.get("restore").is_some() {
        let ended = edge::parse(event, "CloseBackup")?;
        return close_restore(store, now, ended).await.map(Answer::Restore);
    }
    let ended = edge::parse(event, "CloseBackup")?;
    close_backup(store, gauge, now, ended).await.map(Answer::Backup)
}

async fn close_restore(
    store: &impl ObjectStore,
    now: Timestamp,
    ended: CloseRestore,
) -> Result<Step<ClosedRestore>, Failure> {
    let CloseRestore { restore, parts } = ended;
    let parts = parts.into_iter().map(RestorePart::from).collect();
    let (key, record) = (restore.record_key(), RestoreRecord::assemble(&restore, parts, now));
    object_store::write_json(store, &key, &record, Condition::Always).await?;
    let because = record.summary();
    info!(plan.name = %record.plan, execution.name = record.execution.name(), outcome = ?record.outcome, because, "closed a restore");
    Ok(Step::done(because, Value::Null, ClosedRestore { outcome: record.outcome, record: key }))
}

async fn close_backup(
    store: &impl ObjectStore,
    gauge: &impl Gauge,
    now: Timestamp,
    ended: CloseBackup,
) -> Result<Step<Closed>, Failure> {
    let CloseBackup { backup, parts } = ended;
    let parts = parts.into_iter().map(Part::from).collect();
    let key = backup.manifest_key();
    let ours = Manifest::assemble(&backup, parts, now);
    let mut because = ours.summary();
    match object_store::read_json::<Manifest>(store, &key).await {
        Ok(None) => object_store::write_json(store, &key, &ours, Condition::Absent).await?,
        // Another run for the same time may have found what this one did not.
        Ok(Some((theirs, _))) if theirs.is_sound(&backup) && theirs.covers(&ours) => {
            if theirs.outcome != ours.outcome {
                because.push_str("; the manifest stays as an earlier run wrote it, which found more");
            }
        }
        Ok(Some((_, etag))) => object_store::write_json(store, &key, &ours, Condition::Unchanged(etag)).await?,
        // What nobody can read is worth less than what this run saw.
        Err(Failure::InvalidInput(why)) => {
            warn!(plan.name = %backup.plan.plan, key, why, "the manifest cannot be read, and is written anew");
            object_store::write_json(store, &key, &ours, Condition::Always).await?;
        }
        Err(failure) => return Err(failure),
    }
    // What this run saw, whatever an earlier one wrote: what is gone since must grow too old.
    for taken in ours.parts.iter().filter_map(|checked| checked.part.whole()) {
        gauge.whole(&backup.plan.plan, &backup.schedule, taken).await?;
    }
    info!(plan.name = %backup.plan.plan, execution.name = backup.execution.name(), outcome = ?ours.outcome, because, "closed a backup");
    Ok(Step::done(because, Value::Null, Closed { outcome: ours.outcome, manifest: key }))
}

#[cfg(test)]
mod tests;
