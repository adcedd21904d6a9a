//! `CloseBackup`: writes what a backup consists of, or what a restore of one showed, and says whether all is as it should be.
//!
//! - in: [`CloseBackup`] or [`CloseRestore`], samples in `events/close-backup.json` and `events/close-backup-restore.json`
//! - out: [`Step<Closed>`] or [`Step<ClosedRestore>`]: always `Done`
//! - changes: the manifest, where there is none or a poorer one, and the metric of each whole part; or the restore's
//!   record; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    backup::{BackupRun, Manifest, Part, Taken},
    failure::Failure,
    id::{PlanName, ScheduleName},
    restore::{RestorePart, RestoreRecord, RestoreRun},
    step::Step,
    upkeep::UpkeepOutcome,
};
use edge::{
    aws, clock,
    metrics::Metrics,
    shelf::{self, Bucket, Condition, Shelf},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let metrics = Metrics::from_env().await;
    edge::serve(|event| handle(&bucket, &metrics, clock::now(), event)).await
}

/// Who watches how old backups are, and how large.
trait Gauge {
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
    parts: Vec<Part>,
}

/// A restore that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRestore {
    restore: RestoreRun,
    parts: Vec<RestorePart>,
}

/// What was closed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    /// Whether it is whole.
    outcome: UpkeepOutcome,
    /// The manifest's key in the Region's bucket.
    manifest: String,
}

/// What was closed of a restore.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClosedRestore {
    /// Whether all is as it should be.
    outcome: UpkeepOutcome,
    /// The record's key in the Region's bucket.
    record: String,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Backup(Step<Closed>),
    Restore(Step<ClosedRestore>),
}

async fn handle(shelf: &impl Shelf, gauge: &impl Gauge, now: Timestamp, event: Value) -> Result<Answer, Failure> {
    if event.get("restore").is_some() {
        let ended = edge::parse(event, "CloseBackup")?;
        return close_restore(shelf, now, ended).await.map(Answer::Restore);
    }
    let ended = edge::parse(event, "CloseBackup")?;
    close_backup(shelf, gauge, now, ended).await.map(Answer::Backup)
}

async fn close_restore(
    shelf: &impl Shelf,
    now: Timestamp,
    ended: CloseRestore,
) -> Result<Step<ClosedRestore>, Failure> {
    let CloseRestore { restore, parts } = ended;
    let (key, record) = (restore.record_key(), RestoreRecord::assemble(&restore, parts, now));
    shelf::write_json(shelf, &key, &record, Condition::Always).await?;
    let because = record.summary();
    info!(plan.name = %record.plan, execution.name = record.execution.name(), outcome = ?record.outcome, because, "closed a restore");
    Ok(Step::done(because, Value::Null, ClosedRestore { outcome: record.outcome, record: key }))
}

async fn close_backup(
    shelf: &impl Shelf,
    gauge: &impl Gauge,
    now: Timestamp,
    ended: CloseBackup,
) -> Result<Step<Closed>, Failure> {
    let CloseBackup { backup, parts } = ended;
    let key = backup.manifest_key();
    let ours = Manifest::assemble(&backup, parts, now);
    let manifest = match shelf::read_json::<Manifest>(shelf, &key).await? {
        // Another run for the same time may have found what this one did not, or the other way round.
        Some((theirs, etag)) if theirs.outcome > ours.outcome => {
            shelf::write_json(shelf, &key, &ours, Condition::Unchanged(etag)).await?;
            ours
        }
        Some((theirs, _)) => theirs,
        None => {
            shelf::write_json(shelf, &key, &ours, Condition::Absent).await?;
            ours
        }
    };
    for taken in manifest.parts.iter().filter_map(|checked| checked.part.whole()) {
        gauge.whole(&backup.plan.plan, &backup.schedule, taken).await?;
    }
    let because = manifest.summary();
    info!(plan.name = %backup.plan.plan, execution.name = backup.execution.name(), outcome = ?manifest.outcome, because, "closed a backup");
    Ok(Step::done(because, Value::Null, Closed { outcome: manifest.outcome, manifest: key }))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use edge::shelf::fake::Memory;
    use serde_json::json;

    use super::*;

    const KEY: &str = "backups/lab/daily/2026-11-21T020000Z.json";

    fn event() -> Value {
        serde_json::from_str(include_str!("../../../events/close-backup.json")).unwrap()
    }

    #[derive(Default)]
    struct Scale(RefCell<Vec<u64>>);

    impl Gauge for Scale {
        async fn whole(&self, _: &PlanName, _: &ScheduleName, of: &Taken) -> Result<(), Failure> {
            self.0.borrow_mut().extend(of.shot.size_bytes);
            Ok(())
        }
    }

    async fn close(shelf: &Memory, event: Value) -> Closed {
        match handle(shelf, &Scale::default(), Timestamp::UNIX_EPOCH, event).await.unwrap() {
            Answer::Backup(step) => step.did.unwrap(),
            Answer::Restore(_) => panic!("it was a backup"),
        }
    }

    #[tokio::test]
    async fn only_a_whole_backup_is_weighed_so_that_any_other_grows_too_old() {
        let mut partial = event();
        partial["parts"][0]["taken"]["missing"] = json!([{ "region": "eu-west-1", "because": "no room" }]);
        for (event, sizes) in [(event(), vec![7_500_000]), (failed(), vec![]), (partial, vec![])] {
            let scale = Scale::default();
            handle(&Memory::default(), &scale, Timestamp::UNIX_EPOCH, event).await.unwrap();
            assert_eq!(scale.0.take(), sizes);
        }
    }

    fn failed() -> Value {
        let mut event = event();
        event["parts"][0]["taken"] = Value::Null;
        event
    }

    #[tokio::test]
    async fn a_whole_backup_has_a_manifest_that_proves_itself() {
        let shelf = Memory::default();
        let closed = close(&shelf, event()).await;
        assert_eq!(closed, Closed { outcome: UpkeepOutcome::Complete, manifest: KEY.into() });
        let manifest: Manifest = serde_json::from_str(&shelf.text(KEY).unwrap()).unwrap();
        assert_eq!(manifest.damaged().count(), 0);
        assert!(manifest.retention.is_some(), "how long it is kept goes with it");
    }

    #[tokio::test]
    async fn a_manifest_is_written_once_and_replaced_only_by_a_better_one() {
        let shelf = Memory::default();
        assert_eq!(close(&shelf, failed()).await.outcome, UpkeepOutcome::Failed);
        assert_eq!(close(&shelf, event()).await.outcome, UpkeepOutcome::Complete);
        let whole = shelf.text(KEY);
        assert_eq!(close(&shelf, failed()).await.outcome, UpkeepOutcome::Complete, "as it is, not as this run saw it");
        assert_eq!(shelf.text(KEY), whole);
    }

    #[tokio::test]
    async fn a_restore_s_record_has_its_figures_and_its_outcome() {
        let proved: Value = serde_json::from_str(include_str!("../../../events/close-backup-restore.json")).unwrap();
        let mut wrong = proved.clone();
        wrong["parts"][0]["verified"]["checks"][1]["finding"] = json!({ "failed": { "expected": "1", "got": "0" } });
        for (event, outcome) in [(proved, UpkeepOutcome::Complete), (wrong, UpkeepOutcome::Failed)] {
            let shelf = Memory::default();
            let answer = handle(&shelf, &Scale::default(), Timestamp::UNIX_EPOCH, event).await.unwrap();
            let Answer::Restore(step) = answer else { panic!("it was a restore") };
            let closed = step.did.unwrap();
            assert_eq!(closed.outcome, outcome);
            let record: RestoreRecord = serde_json::from_str(&shelf.text(&closed.record).unwrap()).unwrap();
            let part = &record.parts[0];
            assert_eq!((part.restore_seconds, part.recovery_point_seconds), (Some(3.4), Some(14_395.15)));
        }
    }
}
