use std::cell::RefCell;

use domain::{
    backup::{Manifest, Part, Taken},
    words::id::{PlanName, ScheduleName},
};
use edge::object_store::fake::Memory;
use serde_json::json;

use super::*;

const KEY: &str = "backups/lab/daily/2026-11-21T020000Z.json";

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/close-backup.json")).unwrap()
}

/// The sizes of what is whole, the components of what is not, and how proofs went.
#[derive(Default)]
struct Scale(RefCell<Vec<u64>>, RefCell<Vec<String>>, RefCell<Vec<bool>>);

impl Gauge for Scale {
    async fn whole(&self, _: &PlanName, _: &ScheduleName, of: &Taken) -> Result<(), Failure> {
        self.0.borrow_mut().extend(of.database.size_bytes);
        Ok(())
    }

    async fn failed(&self, _: &PlanName, part: &Part) -> Result<(), Failure> {
        self.1.borrow_mut().push(part.component.to_string());
        Ok(())
    }

    async fn proved(&self, _: &PlanName, has_passed: bool) -> Result<(), Failure> {
        self.2.borrow_mut().push(has_passed);
        Ok(())
    }
}

async fn close(store: &Memory, event: Value) -> Closed {
    match handle(store, &Scale::default(), Timestamp::UNIX_EPOCH, event).await.unwrap() {
        Answer::Backup(step) => step.did.unwrap(),
        Answer::Restore(_) => panic!("it was a backup"),
    }
}

#[tokio::test]
async fn only_a_whole_backup_is_weighed_so_that_any_other_grows_too_old() {
    let mut partial = event();
    partial["backup"]["parts"][0]["taken"]["missing"] = json!([{ "region": "eu-west-1", "because": "no room" }]);
    for (event, sizes) in [(event(), vec![7_500_000]), (failed(), vec![]), (partial, vec![])] {
        let scale = Scale::default();
        handle(&Memory::default(), &scale, Timestamp::UNIX_EPOCH, event).await.unwrap();
        let lost: &[&str] = if sizes.is_empty() { &["orders"] } else { &[] };
        assert_eq!((scale.0.take(), scale.1.take()), (sizes, lost.iter().map(ToString::to_string).collect()));
    }
}

fn failed() -> Value {
    let mut event = event();
    event["backup"]["parts"][0]["taken"] = Value::Null;
    event
}

#[tokio::test]
async fn a_whole_backup_has_a_manifest_that_proves_itself() {
    let store = Memory::default();
    let closed = close(&store, event()).await;
    assert_eq!(closed, Closed { outcome: UpkeepOutcome::Complete, manifest: KEY.into() });
    let manifest: Manifest = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
    assert_eq!(manifest.damaged().count(), 0);
    assert!(manifest.retention.is_some(), "how long it is kept goes with it");
}

#[tokio::test]
async fn a_manifest_is_written_once_and_replaced_only_by_a_better_one() {
    let store = Memory::default();
    assert_eq!(close(&store, failed()).await.outcome, UpkeepOutcome::Failed);
    assert_eq!(close(&store, event()).await.outcome, UpkeepOutcome::Complete);
    let whole = store.text(KEY);
    assert_eq!(close(&store, failed()).await.outcome, UpkeepOutcome::Failed, "as this run saw it");
    assert_eq!(store.text(KEY), whole);
    // It was taken again: what the manifest says is not there any more.
    let mut anew = event();
    anew["backup"]["parts"][0]["taken"]["shot"]["lsn"] = json!("0/77");
    close(&store, anew).await;
    assert!(store.text(KEY).unwrap().contains("0/77"));
}

#[tokio::test]
async fn a_manifest_of_other_regions_is_replaced_for_the_plan_names_others_now() {
    let (store, mut fewer) = (Memory::default(), event());
    fewer["backup"]["parts"][0]["taken"]["places"].as_array_mut().unwrap().pop();
    let mut lacking = fewer.clone();
    lacking["backup"]["parts"][0]["taken"]["missing"] = json!([{ "region": "us-west-2", "because": "silent" }]);
    for (event, outcome, places) in [
        (fewer.clone(), UpkeepOutcome::Complete, 1),
        (event(), UpkeepOutcome::Complete, 2),
        (lacking.clone(), UpkeepOutcome::Partial, 2),
        (fewer, UpkeepOutcome::Complete, 1),
        (lacking, UpkeepOutcome::Partial, 1),
    ] {
        assert_eq!(close(&store, event).await.outcome, outcome);
        let manifest: Manifest = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
        assert_eq!(manifest.parts[0].part.taken.as_ref().unwrap().places.len(), places);
    }
}

#[tokio::test]
async fn a_manifest_that_cannot_be_trusted_is_replaced() {
    let whole = Memory::default();
    close(&whole, event()).await;
    let whole = whole.text(KEY).unwrap();
    let empty = r#""parts":[]}"#;
    let (before, _) = whole.split_once(r#""parts":"#).unwrap();
    for spoilt in [
        "garbage".to_owned(),
        whole.replace("7500000", "7500001"),
        whole.replace(r#""schedule":"daily""#, r#""schedule":"hourly""#),
        whole.replace(r#""version":1"#, r#""version":9"#),
        format!("{before}{empty}"),
    ] {
        assert_ne!(spoilt, whole);
        let store = Memory::default().with(KEY, &spoilt);
        assert_eq!(close(&store, event()).await.outcome, UpkeepOutcome::Complete);
        assert_eq!(store.text(KEY).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_restore_s_record_has_its_figures_and_its_outcome() {
    let proved: Value = serde_json::from_str(include_str!("../../../events/close-backup-restore.json")).unwrap();
    let mut wrong = proved.clone();
    wrong["restore"]["parts"][0]["verified"]["checks"][1]["finding"] =
        json!({ "failed": { "expected": "1", "got": "0" } });
    for (event, outcome) in [(proved, UpkeepOutcome::Complete), (wrong, UpkeepOutcome::Failed)] {
        let store = Memory::default();
        let answer = handle(&store, &Scale::default(), Timestamp::UNIX_EPOCH, event).await.unwrap();
        let Answer::Restore(step) = answer else { panic!("it was a restore") };
        let closed = step.did.unwrap();
        assert_eq!(closed.outcome, outcome);
        let record: RestoreRecord = serde_json::from_str(&store.text(&closed.record).unwrap()).unwrap();
        let part = &record.parts[0];
        assert_eq!((part.restore_seconds, part.recovery_point_seconds), (Some(3.4), Some(14_395.15)));
    }
}
