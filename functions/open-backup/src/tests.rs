use edge::object_store::fake::Memory;

use super::*;

const SCHEDULED: &str = include_str!("../../../events/open-backup.json");
const VERIFICATION: &str = include_str!("../../../events/open-backup-verification.json");
const RESTORE: &str = include_str!("../../../events/open-backup-restore.json");
const BY_HAND: &str = include_str!("../../../events/open-backup-by-hand.json");

fn store() -> Memory {
    Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
}

async fn open(event: &str, change: impl FnOnce(&mut Value)) -> Result<Step<BackupRun>, Failure> {
    let mut event = serde_json::from_str(event).unwrap();
    change(&mut event);
    match handle(&store(), "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await? {
        Answer::Backup(step) => Ok(*step),
        Answer::Restore(_) => panic!("a backup was asked for"),
    }
}

#[tokio::test]
async fn a_schedule_says_for_which_time_and_a_person_means_now() {
    for (event, at) in [(SCHEDULED, "2026-11-21T02:00:00Z"), (BY_HAND, "2026-11-21T02:00:03Z")] {
        let run = open(event, |_| ()).await.unwrap().did.unwrap();
        assert_eq!(run.scheduled_at.to_string(), at);
        assert_eq!((run.schedule.as_str(), run.plan_version.as_str()), ("daily", "1"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_before_anything_is_begun() {
    for (pointer, value, says) in [
        ("schedule", Value::from("hourly"), "no schedule `hourly`; it has: daily"),
        ("plan", "other".into(), "no plan `other`"),
        ("plan", "No Plan".into(), "request: plan"),
        ("scheduledAt", "2030-01-01T00:00:00Z".into(), "in the future"),
        ("surprise", true.into(), "surprise"),
    ] {
        let failure = open(SCHEDULED, |event| event["request"][pointer] = value).await.unwrap_err();
        assert!(failure.chain().contains(says), "{}", failure.chain());
    }
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_is_told_with_what_mends_it() {
    let store = store().with("leases/lab.json", "");
    let event = serde_json::from_str(SCHEDULED).unwrap();
    let told = handle(&store, "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await.unwrap_err();
    assert_eq!(
        told.to_string(),
        "leases/lab.json cannot be read: the text ends too early (line 1, column 0). RUNBOOK.md, Correcting the lease"
    );
}

async fn open_restore(event: &str, change: impl FnOnce(&mut Value)) -> Result<RestoreRun, Failure> {
    let mut event = serde_json::from_str(event).unwrap();
    change(&mut event);
    match handle(&store(), "us-west-2", "2026-11-21T06:00:09Z".parse().unwrap(), event).await? {
        Answer::Restore(step) => Ok(step.did.unwrap()),
        Answer::Backup(_) => panic!("a restore was asked for"),
    }
}

#[tokio::test]
async fn a_restore_goes_to_the_recovery_region_and_a_point_in_time_to_where_the_primary_is() {
    let test = open_restore(VERIFICATION, |_| ()).await.unwrap();
    assert_eq!((test.region.as_str(), test.components.len()), ("us-west-2", 1));
    let kept = open_restore(RESTORE, |_| ()).await.unwrap();
    assert_eq!(kept.region.as_str(), "us-east-1");
}

#[tokio::test]
async fn what_is_wrong_with_a_restore_is_named_before_anything_is_made() {
    for (event, pointer, value, says) in [
        (VERIFICATION, "schedule", Value::from("hourly"), "no schedule `hourly`; it has: daily"),
        (VERIFICATION, "schedule", Value::Null, "name a schedule of the plan, or a component"),
        (VERIFICATION, "component", "customers".into(), "schedule `daily` backs up no `customers`"),
        (VERIFICATION, "region", "eu-west-1".into(), "no side in eu-west-1: name us-east-1 or us-west-2"),
        (VERIFICATION, "purpose", "replace".into(), "purpose"),
        (VERIFICATION, "wanted", "oldest".into(), "wanted"),
        (VERIFICATION, "wanted", serde_json::json!({ "backup": "Not--A Name" }), "wanted"),
        (RESTORE, "component", "customers".into(), "no component `customers`"),
        (RESTORE, "region", "us-west-2".into(), "restored where the primary is, in us-east-1"),
        (RESTORE, "purpose", "integrity".into(), "no backup that could be looked at"),
        (RESTORE, "wanted", serde_json::json!({ "time": "2026-11-21T06:00:10Z" }), "in the future"),
    ] {
        let failure = open_restore(event, |event| event["request"][pointer] = value).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
        assert!(failure.chain().contains(says), "{}", failure.chain());
    }
}

#[tokio::test]
async fn another_region_refuses() {
    let event = serde_json::from_str(SCHEDULED).unwrap();
    let failure = handle(&store(), "us-east-1", Timestamp::UNIX_EPOCH, event).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
}
