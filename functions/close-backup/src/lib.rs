//! `CloseBackup`: writes what a backup consists of, or what a restore of one showed, and says whether all is as it should be.
//!
//! - in: [`CloseBackup`], samples in `events/close-backup.json` and `events/close-backup-restore.json`
//! - out: [`Step<Closed>`] or [`Step<ClosedRestore>`]: always `Done`
//! - changes: the manifest, where there is none, a poorer one or one that cannot be trusted, and the metric of each part;
//!   or the restore's record, and the metric of a proof; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod manifest;

use domain::{
    backup::{BackupRun, PartTurn},
    restore::{RestorePart, RestoreRecord, RestoreRun, RestoreTurn},
    run::{outcome::UpkeepOutcome, step::Step},
    words::failure::Failure,
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

pub use manifest::{Closed, Gauge};

/// What ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum CloseBackup {
    /// A backup.
    Backup(Box<BackupTurns>),
    /// A restore of one.
    Restore(Box<RestoreTurns>),
}

/// A backup that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupTurns {
    backup: BackupRun,
    parts: Vec<PartTurn>,
}

/// A restore that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreTurns {
    restore: RestoreRun,
    parts: Vec<RestoreTurn>,
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
    match edge::parse(event, "CloseBackup")? {
        CloseBackup::Backup(ended) => {
            manifest::close(store, gauge, now, &ended.backup, ended.parts).await.map(Answer::Backup)
        }
        CloseBackup::Restore(ended) => close_restore(store, gauge, now, *ended).await.map(Answer::Restore),
    }
}

async fn close_restore(
    store: &impl ObjectStore,
    gauge: &impl Gauge,
    now: Timestamp,
    ended: RestoreTurns,
) -> Result<Step<ClosedRestore>, Failure> {
    let RestoreTurns { restore, parts } = ended;
    let parts = parts.into_iter().map(RestorePart::from).collect();
    let (key, record) = (restore.record_key(), RestoreRecord::assemble(&restore, parts, now));
    object_store::write_json(store, &key, &record, Condition::Always).await?;
    if record.is_a_proof() {
        gauge.proved(&record.plan, record.outcome == UpkeepOutcome::Complete).await?;
    }
    let because = record.summary();
    info!(plan.name = %record.plan, execution.name = record.execution.name(), outcome = ?record.outcome, because, "closed a restore");
    Ok(Step::done(because, Value::Null, ClosedRestore { outcome: record.outcome, record: key }))
}

#[cfg(test)]
mod tests;
