use std::collections::BTreeMap;

use super::*;
use crate::{id::Region, upkeep::UpkeepOutcome, wal::Lsn};

fn run() -> BackupRun {
    let text = include_str!("../../../../events/snapshot.json");
    let event: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(event["backup"].clone()).unwrap()
}

fn orders() -> ComponentName {
    "orders".parse().unwrap()
}

fn shot() -> Shot {
    Shot {
        lsn: Lsn(0x16_B374_D848),
        database_time: "2026-11-21T02:00:00.25Z".parse().unwrap(),
        size_bytes: 7_500_000,
        version: "15.18".into(),
    }
}

#[test]
fn a_snapshots_name_is_one_that_rds_takes_and_the_same_for_each_try() {
    let name = run().snapshot_name(&orders());
    assert_eq!(name, "lifeboat-lab-orders-daily-20261121t020000");
    let longest = BackupRun { schedule: "s".repeat(20).parse().unwrap(), ..run() };
    assert!(longest.snapshot_name(&"c".repeat(40).parse().unwrap()).len() <= 255 - 40, "a plan's name has room");
}

#[test]
fn the_side_that_takes_writes_is_backed_up_and_copied_to_the_other_regions() {
    for (active, instance, region, copies) in [
        (ActiveSide::Primary, "orders-primary", "us-east-1", vec!["us-west-2"]),
        (ActiveSide::Replica, "orders-replica", "us-west-2", vec!["us-east-1"]),
    ] {
        let run = BackupRun { active, ..run() };
        let source = run.source(&orders()).unwrap();
        assert_eq!((source.side.instance.as_str(), source.region.as_str()), (instance, region));
        let named: Vec<&str> = source.destinations().map(|copy| copy.region.as_str()).collect();
        assert_eq!(named, copies);
    }
}

#[test]
fn what_the_plan_does_not_back_up_is_refused_by_name() {
    let error = run().source(&"customers".parse().unwrap()).unwrap_err().chain();
    assert!(error.contains("`customers`") && error.contains("`daily`"), "{error}");
    let other = BackupRun { schedule: "hourly".parse().unwrap(), ..run() };
    assert!(other.source(&orders()).unwrap_err().chain().contains("`hourly`"));
}

#[test]
fn a_label_is_read_back_from_its_tags() {
    let label = run().label(&orders(), shot());
    let tags: BTreeMap<String, String> = label.tags().into_iter().collect();
    for value in tags.values() {
        let plain = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        assert!(value.len() <= 256 && value.chars().all(plain), "{value}");
    }
    assert_eq!(Label::read(&tags), Ok(label));
    let mut other = tags.clone();
    other.remove("lifeboat:plan");
    assert_eq!(Label::read(&other), Err(BadTags::Missing("plan")));
    other = tags;
    other.insert("lifeboat:lsn".into(), "soon".into());
    assert!(Label::read(&other).unwrap_err().to_string().contains("lifeboat:lsn"));
}

fn found(status: &str) -> Found {
    let snapshot = Snapshot {
        name: "lifeboat-x".into(),
        taken_at: None,
        marks: Marks::default(),
        arn: "arn:aws:rds:us-east-1:000000000000:snapshot:lifeboat-x".into(),
        status: status.into(),
        percent: 40,
        allocated_gib: 20,
        encrypted: true,
        label: Ok(run().label(&orders(), shot())),
    };
    Found { region: region(), snapshot: Ok(Some(snapshot)) }
}

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

#[test]
fn what_is_there_is_not_made_again_and_what_is_not_finished_is_waited_for() {
    assert_eq!(plan(&Found { region: region(), snapshot: Ok(None) }), Move::Make);
    assert!(matches!(plan(&found("available")), Move::Done(..)));
    for status in ["creating", "copying", "deleting", "a word of next year"] {
        assert!(matches!(plan(&found(status)), Move::Wait(_)), "{status}");
    }
    assert!(matches!(plan(&found("failed")), Move::Refuse(_)));
    let silent = Found { region: region(), snapshot: Err("timed out".into()) };
    assert!(matches!(plan(&silent), Move::Wait(why) if why.contains("timed out")));
}

#[test]
fn a_snapshot_of_this_name_that_is_not_ours_is_left_alone() {
    let mut theirs = found("available");
    if let Ok(Some(snapshot)) = &mut theirs.snapshot {
        snapshot.label = Err("it has no tag `lifeboat:plan`".into());
    }
    assert!(matches!(plan(&theirs), Move::Refuse(why) if why.contains("lifeboat:plan")));
}

#[test]
fn the_quota_is_full_at_its_limit_and_not_below() {
    assert!(room(&region(), Quota { used: 99, most: 100 }).is_ok());
    for used in [100, 101] {
        let why = room(&region(), Quota { used, most: 100 }).unwrap_err();
        assert!(why.contains("us-east-1") && why.contains("cleanup"), "{why}");
    }
}

fn part(missing: usize) -> Part {
    let place = |region: &str| Stored {
        region: region.parse().unwrap(),
        arn: format!("arn:aws:rds:{region}:000000000000:snapshot:x"),
        allocated_gib: 20,
        encrypted: true,
    };
    let lost = Missing { region: "us-west-2".parse().unwrap(), because: "its quota is full".into() };
    let taken = Taken {
        component: orders(),
        instance: "orders-primary".parse().unwrap(),
        snapshot: "x".into(),
        shot: shot(),
        places: vec![place("us-east-1")],
        missing: vec![lost; missing],
    };
    Part { component: orders(), taken: Some(taken), because: "as it is".into() }
}

fn none() -> Part {
    Part { component: "customers".parse().unwrap(), taken: None, because: "its database does not answer".into() }
}

#[test]
fn one_failed_component_makes_a_backup_partial_and_is_named() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    for (parts, outcome, says) in [
        (vec![part(0)], UpkeepOutcome::Complete, "1 of 1"),
        (vec![part(0), none()], UpkeepOutcome::Partial, "customers: its database does not answer"),
        (vec![part(1)], UpkeepOutcome::Partial, "orders: as it is"),
        (vec![none()], UpkeepOutcome::Failed, "customers"),
        (vec![], UpkeepOutcome::Failed, ""),
    ] {
        let manifest = Manifest::assemble(&run(), parts, now);
        assert_eq!(manifest.outcome, outcome);
        assert!(manifest.summary().contains(says), "{}", manifest.summary());
    }
}

#[test]
fn a_manifest_that_was_changed_says_which_part() {
    let manifest = Manifest::assemble(&run(), vec![part(0), none()], jiff::Timestamp::UNIX_EPOCH);
    let text = serde_json::to_string(&manifest).unwrap();
    let read: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(read.damaged().count(), 0, "as it was written");
    let changed: Manifest = serde_json::from_str(&text.replace("7500000", "7500001")).unwrap();
    assert_eq!(changed.damaged().map(ComponentName::as_str).collect::<Vec<_>>(), ["orders"]);
}
