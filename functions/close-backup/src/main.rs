//! `CloseBackup`: writes what the backup consists of, and says whether it is whole.
//!
//! - in: [`CloseBackup`], sample in `events/close-backup.json`
//! - out: [`Step<Closed>`]: always `Done`
//! - changes: the manifest, where there is none or a poorer one; the metric of each whole part; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    backup::{BackupRun, Manifest, Part, Taken},
    failure::Failure,
    id::{PlanName, ScheduleName},
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

/// Who watches how old and how large backups are.
trait Gauge {
    fn size(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> impl Future<Output = Result<(), Failure>>;
}

impl Gauge for Metrics {
    async fn size(&self, plan: &PlanName, schedule: &ScheduleName, of: &Taken) -> Result<(), Failure> {
        self.backup_size(plan, schedule, of).await
    }
}

/// A backup that ended, part by part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseBackup {
    backup: BackupRun,
    parts: Vec<Part>,
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

async fn handle(shelf: &impl Shelf, gauge: &impl Gauge, now: Timestamp, event: Value) -> Result<Step<Closed>, Failure> {
    let CloseBackup { backup, parts } = edge::parse(event, "CloseBackup")?;
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
        gauge.size(&backup.plan.plan, &backup.schedule, taken).await?;
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
        async fn size(&self, _: &PlanName, _: &ScheduleName, of: &Taken) -> Result<(), Failure> {
            self.0.borrow_mut().push(of.shot.size_bytes);
            Ok(())
        }
    }

    async fn close(shelf: &Memory, event: Value) -> Closed {
        handle(shelf, &Scale::default(), Timestamp::UNIX_EPOCH, event).await.unwrap().did.unwrap()
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
}
