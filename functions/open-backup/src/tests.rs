use domain::failover::succession::Owner;
use edge::{object_store::fake::Memory, states::fake::Says};

use super::*;

const SCHEDULED: &str = include_str!("../../../events/open-backup.json");
const VERIFICATION: &str = include_str!("../../../events/open-backup-verification.json");
const RESTORE: &str = include_str!("../../../events/open-backup-restore.json");
const BY_HAND: &str = include_str!("../../../events/open-backup-by-hand.json");

/// Nobody is at work.
const NOBODY: Says = Says(Owner::Running);

fn store() -> Memory {
    Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
}

async fn open(event: &str, change: impl FnOnce(&mut Value)) -> Result<Step<BackupRun>, Failure> {
    let mut event = serde_json::from_str(event).unwrap();
    change(&mut event);
    match handle(&store(), &NOBODY, "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await? {
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
    let told = handle(&store, &NOBODY, "us-west-2", "2026-11-21T02:00:09Z".parse().unwrap(), event).await.unwrap_err();
    assert_eq!(
        told.to_string(),
        "leases/lab.json cannot be read: the text ends too early (line 1, column 0). RUNBOOK.md, Correcting the lease"
    );
}

async fn open_restore(event: &str, change: impl FnOnce(&mut Value)) -> Result<RestoreRun, Failure> {
    let mut event = serde_json::from_str(event).unwrap();
    change(&mut event);
    match handle(&store(), &NOBODY, "us-west-2", "2026-11-21T06:00:09Z".parse().unwrap(), event).await? {
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
    let failure = handle(&store(), &NOBODY, "us-east-1", Timestamp::UNIX_EPOCH, event).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
}

const AT_WORK: &str = "at-work/lab/daily.json";

/// Opens a backup while another run of an hour before is said to be at work.
async fn beside(owner: Owner, overlap: &str) -> (Step<BackupRun>, Memory) {
    let plan = include_str!("../../../plans/lab.yaml");
    let plan = plan.replace("  - name: daily\n", &format!("  - name: daily\n    within: 1h\n    overlap: {overlap}\n"));
    let other = serde_json::json!({
        "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:other",
        "scheduledAt": "2026-11-21T01:00:00Z", "since": "2026-11-21T01:00:03Z",
    });
    let store = Memory::default().with("plans/lab.yaml", &plan).with(AT_WORK, &other.to_string());
    let event = serde_json::from_str(SCHEDULED).unwrap();
    let now = "2026-11-21T02:00:09Z".parse().unwrap();
    match handle(&store, &Says(owner), "us-west-2", now, event).await.unwrap() {
        Answer::Backup(step) => (*step, store),
        Answer::Restore(_) => panic!("a backup was asked for"),
    }
}

#[tokio::test]
async fn the_run_of_a_schedule_that_is_at_work_keeps_the_next_one_out() {
    let (step, store) = beside(Owner::Running, "skip").await;
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.because.contains("run `other`, for 2026-11-21T01:00:00Z, is still at work"), "{}", step.because);
    assert!(step.did.is_some(), "whom the plan tells is known");
    assert!(store.text(AT_WORK).unwrap().contains(":other"), "it is not said to be at work");
    let (step, store) = beside(Owner::Running, "wait").await;
    assert_eq!((step.step, step.did), (Outcome::Pending, None));
    assert!(store.text(AT_WORK).unwrap().contains(":other"));
}

#[tokio::test]
async fn a_run_says_that_it_is_at_work_once_none_is_and_says_so_once() {
    let (step, store) = beside(Owner::gone("ABORTED"), "skip").await;
    let run = step.did.unwrap();
    assert_eq!((step.step, run.until.to_string()), (Outcome::Done, "2026-11-21T03:00:09Z".to_owned()));
    let said = store.text(AT_WORK).unwrap();
    assert!(said.contains(run.execution.as_str()) && said.contains("02:00:09"), "{said}");
    let again = serde_json::from_str(SCHEDULED).unwrap();
    handle(&store, &NOBODY, "us-west-2", "2026-11-21T02:00:19Z".parse().unwrap(), again).await.unwrap();
    assert_eq!(store.text(AT_WORK).unwrap(), said, "asked again, it goes on");
}
