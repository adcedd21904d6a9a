use jiff::ToSpan;

use super::{sparing::still_goes, *};
use crate::{
    backup::{BackupRun, Found, Marks},
    component::SeenDatabase,
};

fn plan() -> Plan {
    crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

fn run() -> BackupRun {
    let text = include_str!("../../../../events/snapshot.json");
    let event: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(event["backup"].clone()).unwrap()
}

/// The daily backup of so many days ago.
fn daily(days: i64) -> Snapshot {
    let taken_at: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
    let taken_at = taken_at - (24 * days).hours();
    let run = BackupRun { scheduled_at: taken_at, ..run() };
    let component = "orders".parse().unwrap();
    let database = SeenDatabase {
        lsn: Some(crate::words::wal::Lsn(7)),
        database_time: taken_at,
        size_bytes: Some(7_500_000),
        version: Some("15.18".into()),
    };
    Snapshot {
        kind: SnapshotKind::Instance,
        name: run.snapshot_name(&component),
        arn: "arn".into(),
        taken_at: Some(taken_at),
        status: "available".into(),
        percent: 100,
        allocated_gib: Some(20),
        encrypted: false,
        of: None,
        carried: Vec::new(),
        label: Ok(run.label(&component, database)),
        marks: Marks { plan: Some("lab".into()), ..Marks::default() },
    }
}

fn going(snapshots: Vec<Snapshot>) -> Vec<String> {
    let verdicts = judge(&plan(), snapshots, now());
    verdicts.into_iter().filter(|verdict| !verdict.stays).map(|verdict| verdict.snapshot).collect()
}

#[test]
fn each_series_is_judged_by_its_own_schedule_and_every_verdict_has_its_reason() {
    let snapshots: Vec<Snapshot> = (0..40).map(daily).collect();
    let verdicts = judge(&plan(), snapshots.clone(), now());
    assert_eq!(verdicts.len(), 40);
    assert!(verdicts.iter().all(|verdict| !verdict.because.is_empty()));
    assert_eq!(verdicts[0].because, "the floor, within, daily, weekly, monthly, yearly");
    // 30 days, and of the ten before their one Sunday; the last of October is among the 30.
    assert_eq!(going(snapshots).len(), 9);
}

#[test]
fn a_cluster_and_an_instance_of_one_name_are_two_series() {
    let mut snapshots: Vec<Snapshot> = (0..40).map(daily).collect();
    let mut clusters: Vec<Snapshot> = (0..40).map(daily).collect();
    for snapshot in &mut clusters {
        snapshot.kind = SnapshotKind::Cluster;
        let Ok(label) = &mut snapshot.label else { panic!("it has a label") };
        label.database = SeenDatabase { lsn: None, size_bytes: None, version: None, ..label.database.clone() };
    }
    snapshots.append(&mut clusters);
    let verdicts = judge(&plan(), snapshots, now());
    for kind in [SnapshotKind::Instance, SnapshotKind::Cluster] {
        let of_it: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.kind == kind).collect();
        assert_eq!((of_it.len(), of_it.iter().filter(|verdict| !verdict.stays).count()), (40, 9));
        assert!(
            of_it.iter().all(|verdict| verdict.size_bytes.is_some() == (kind == SnapshotKind::Instance)),
            "never zero"
        );
    }
}

#[test]
fn a_verdict_that_was_written_before_there_were_clusters_is_of_an_instance() {
    let mut written = serde_json::to_value(&judge(&plan(), vec![daily(0)], now())[0]).unwrap();
    assert!(written.as_object_mut().unwrap().remove("kind").is_some());
    assert_eq!(serde_json::from_value::<Verdict>(written).unwrap().kind, SnapshotKind::Instance);
}

#[test]
fn what_is_in_no_series_of_the_plan_stays() {
    let mut other = daily(400);
    if let Ok(label) = &mut other.label {
        label.schedule = "weekly".parse().unwrap();
    }
    let unread = Snapshot { label: Err("it has no tag `lifeboat:schedule`".into()), ..daily(500) };
    let verdicts = judge(&plan(), vec![other, unread], now());
    assert!(verdicts.iter().all(|verdict| verdict.stays));
    assert!(verdicts[0].because.contains("no schedule `weekly` any more"), "{}", verdicts[0].because);
    assert!(verdicts[1].because.contains("lifeboat:schedule"), "{}", verdicts[1].because);
}

#[test]
fn a_hold_a_verification_and_an_unknown_age_keep() {
    let mut snapshots: Vec<Snapshot> = (0..60).map(daily).collect();
    snapshots[50].marks.hold = Some("case 7".into());
    snapshots[51].marks.verified_at = Some(now());
    snapshots[52].taken_at = None;
    let kept = [50, 51, 52].map(|index: usize| snapshots[index].name.clone());
    let going = going(snapshots);
    assert!(kept.iter().all(|name| !going.contains(name)), "{going:?}");
    assert!(going.contains(&daily(54).name));
}

#[test]
fn nothing_is_deleted_by_hand_unless_it_is_said() {
    let plan = plan();
    let request = |apply, by: Option<&str>| CleanupRequest {
        plan: "lab".parse().unwrap(),
        apply,
        by: by.map(|by| by.parse().unwrap()),
    };
    for (apply, by, applies) in
        [(None, None, true), (None, Some("anna"), false), (Some(true), Some("anna"), true), (Some(false), None, false)]
    {
        assert_eq!(request(apply, by).applies(&plan), applies, "{apply:?} {by:?}");
    }
    let reported = Plan {
        cleanup: plan.cleanup.clone().map(|cleanup| crate::plan::Cleanup { apply: false, ..cleanup }),
        ..plan.clone()
    };
    assert!(!request(None, None).applies(&reported));
    assert!(!request(None, None).applies(&Plan { cleanup: None, ..plan }), "a plan that does not say deletes nothing");
}

#[test]
fn a_copy_that_was_asked_for_since_the_listing_keeps_its_source() {
    let verdicts = judge(&plan(), (0..40).map(daily).collect(), now());
    let verdict = verdicts.iter().find(|verdict| !verdict.stays).unwrap();
    let listed = (0..40).map(daily).find(|snapshot| snapshot.name == verdict.snapshot).unwrap();
    let copy = |status: &str| Snapshot { status: status.into(), ..listed.clone() };
    let seen_in = |region: &str, snapshot| Found { region: region.parse().unwrap(), snapshot };
    for (there, says) in [
        (seen_in("us-west-2", Ok(None)), None),
        (seen_in("us-west-2", Ok(Some(copy("available")))), None),
        (seen_in("us-west-2", Ok(Some(copy("failed")))), None),
        (seen_in("us-west-2", Ok(Some(copy("pending")))), Some("its copy in us-west-2 is pending")),
        (seen_in("us-west-2", Err("silent".into())), Some("to us-west-2 is not known: silent")),
        (seen_in("eu-west-1", Err("silent".into())), None),
    ] {
        let answer = still_goes(verdict, &plan(), &listed, std::slice::from_ref(&there));
        let holds = says.map_or(answer == Ok(()), |says| answer.as_ref().is_err_and(|why| why.contains(says)));
        assert!(holds, "{there:?}: {answer:?}");
    }
}
