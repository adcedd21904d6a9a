use std::collections::BTreeMap;

use jiff::ToSpan;

use super::*;
use crate::{
    component::{Cluster, ClusterEngine, Component, SeenCluster},
    run::outcome::UpkeepOutcome,
    words::{id::Region, wal::Lsn},
};

fn run() -> BackupRun {
    let text = include_str!("../../../../events/snapshot.json");
    let event: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(event["backup"].clone()).unwrap()
}

fn orders() -> ComponentName {
    "orders".parse().unwrap()
}

fn database() -> SeenDatabase {
    SeenDatabase {
        lsn: Some(Lsn(0x16_B374_D848)),
        database_time: "2026-11-21T02:00:00.25Z".parse().unwrap(),
        size_bytes: Some(7_500_000),
        version: Some("15.18".into()),
    }
}

/// The lab's pair on this side.
fn sides(active: ActiveSide) -> ActiveSides {
    ActiveSides::default().with("lab".parse().unwrap(), active)
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
        let run = BackupRun { active: sides(active), ..run() };
        let source = run.source(&orders()).unwrap();
        assert_eq!((source.of().to_string().as_str(), source.kind()), (instance, SnapshotKind::Instance));
        assert_eq!(source.region.as_str(), region);
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
    let label = run().label(&orders(), database());
    let tags: BTreeMap<String, String> = label.tags().into_iter().collect();
    for value in tags.values() {
        let plain = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        assert!(value.len() <= 256 && value.chars().all(plain), "{value}");
    }
    let name = run().snapshot_name(&orders());
    assert_eq!(Label::read(SnapshotKind::Instance, &name, &tags), Ok(label));
    for missing in ["plan", "lsn", "database-time", "size-bytes", "version"] {
        let mut other = tags.clone();
        other.remove(&tag(missing));
        assert_eq!(Label::read(SnapshotKind::Instance, &name, &other), Err(BadTags::Missing(missing)));
    }
    let mut other = tags;
    other.insert("lifeboat:lsn".into(), "soon".into());
    for kind in [SnapshotKind::Instance, SnapshotKind::Cluster] {
        assert!(Label::read(kind, &name, &other).unwrap_err().to_string().contains("lifeboat:lsn"));
    }
}

#[test]
fn a_copy_that_somebody_made_under_another_name_is_no_backup() {
    let mut tags: BTreeMap<String, String> = run().label(&orders(), database()).tags().into_iter().collect();
    for name in ["a-copy-before-migration", "lifeboat-lab-orders-daily-20261121t020001", "lifeboat-lab-a"] {
        let read = Label::read(SnapshotKind::Instance, name, &tags);
        assert_eq!(read, Err(BadTags::Another("lifeboat-lab-orders-daily-20261121t020000".into())));
    }
    // Proved is the original only; a hold, and what is its owner's, goes with it.
    for key in ["lifeboat:verified-at", "lifeboat:hold", "cost-centre", "aws:cloudformation:stack-name"] {
        tags.insert(key.into(), "x".into());
    }
    let carried: BTreeMap<String, String> = carried(&tags).into_iter().collect();
    let lost: Vec<&String> = tags.keys().filter(|key| !carried.contains_key(*key)).collect();
    assert_eq!(lost, ["aws:cloudformation:stack-name", "lifeboat:verified-at"]);
}

#[test]
fn what_has_the_name_of_this_backup_and_is_another_s_is_told() {
    let label = run().label(&orders(), database());
    assert_eq!(run().is_of(&orders(), &label), Ok(()));
    for other in [
        Label { component: reports(), ..label.clone() },
        Label { schedule: "hourly".parse().unwrap(), ..label.clone() },
        Label { plan: "other".parse().unwrap(), ..label.clone() },
        Label { scheduled_at: Timestamp::UNIX_EPOCH, ..label.clone() },
    ] {
        assert!(run().is_of(&orders(), &other).unwrap_err().starts_with("it is of `"), "{other:?}");
    }
}

#[test]
fn a_backup_that_is_taken_a_day_late_is_none_of_then() {
    let at = run().scheduled_at;
    assert_eq!(run().may_be_taken(at + 24.hours()), Ok(()));
    assert!(run().may_be_taken(at + 24.hours() + 1.second()).unwrap_err().contains("more than 1d"));
}

#[test]
fn a_pair_that_a_failover_leaves_is_backed_up_where_it_was() {
    let mut run = BackupRun { active: sides(ActiveSide::Replica), ..run() };
    let Component::PostgresPair(mut pair) = run.plan.components[0].clone() else { panic!("a pair") };
    pair.name = "customers".parse().unwrap();
    run.plan.backups[0].components.push(pair.name.clone());
    run.plan.components.push(Component::PostgresPair(pair));
    assert_eq!(run.source(&"customers".parse().unwrap()).unwrap().of().to_string(), "orders-primary");
    assert_eq!(run.source(&orders()).unwrap().of().to_string(), "orders-replica");
}

#[test]
fn data_that_was_taken_anew_is_no_copy() {
    let snapshot = |database: SeenDatabase| {
        let Ok(Some(found)) = found("available").snapshot else { panic!("it is there") };
        Snapshot { label: Ok(run().label(&orders(), database)), ..found }
    };
    assert_eq!(same_data(&snapshot(database()), &snapshot(database())), Ok(()));
    let anew = SeenDatabase { lsn: Some(Lsn(0x17_0000_0000)), ..database() };
    let why = same_data(&snapshot(database()), &snapshot(anew)).unwrap_err();
    assert_eq!(
        why,
        "data of 2026-11-21T02:00:00.25Z, log at 17/0, not data of 2026-11-21T02:00:00.25Z, log at 16/B374D848"
    );
}

/// The sample's run, of a plan that has a cluster as well.
fn with_cluster(recovery: Option<&str>) -> BackupRun {
    let mut run = run();
    let cluster = Cluster {
        name: reports(),
        tier: None,
        engine: ClusterEngine::Neptune,
        primary: "reports-1".parse().unwrap(),
        recovery: recovery.map(|id| id.parse().unwrap()),
    };
    run.plan.components.push(Component::Cluster(cluster));
    run.plan.backups[0].components.push(reports());
    run
}

fn reports() -> ComponentName {
    "reports".parse().unwrap()
}

/// What is known of a cluster.
fn unasked() -> SeenDatabase {
    SeenDatabase { lsn: None, size_bytes: None, version: None, ..database() }
}

#[test]
fn a_cluster_is_backed_up_where_it_is_and_where_its_secondary_is_after_a_failover() {
    for (active, recovery, cluster, region) in [
        (ActiveSide::Primary, Some("reports-2"), "reports-1", "us-east-1"),
        (ActiveSide::Replica, Some("reports-2"), "reports-2", "us-west-2"),
        (ActiveSide::Replica, None, "reports-1", "us-east-1"),
    ] {
        let run = BackupRun { active: sides(active), ..with_cluster(recovery) };
        let source = run.source(&reports()).unwrap();
        assert_eq!((source.of(), source.kind()), (SnapshotKind::Cluster.of(cluster), SnapshotKind::Cluster));
        assert_eq!(source.region.as_str(), region);
        assert!(source.destinations().all(|copy| copy.region.as_str() != region));
    }
}

#[test]
fn a_cluster_s_snapshot_has_a_name_of_at_most_63_characters_that_is_no_others() {
    let run = with_cluster(None);
    assert_eq!(run.snapshot_name(&reports()), "lifeboat-lab-reports-daily-20261121t020000", "as an instance's");
    let mut names = std::collections::BTreeSet::new();
    for (plan, component, schedule) in [(30, 5, 1), (31, 5, 1), (40, 40, 20), (40, 40, 19), (40, 39, 20), (25, 40, 20)]
    {
        let mut run = run.clone();
        let component: ComponentName = "c".repeat(component).parse().unwrap();
        run.plan.plan = "p".repeat(plan).parse().unwrap();
        run.schedule = "s".repeat(schedule).parse().unwrap();
        let Some(Component::Cluster(cluster)) = run.plan.components.last_mut() else { panic!("a cluster") };
        cluster.name = component.clone();
        let name = run.snapshot_name(&component);
        assert!(name.len() <= 63 && name.ends_with("-20261121t020000") && name.starts_with("lifeboat-ppp"), "{name}");
        assert!(name.parse::<crate::words::id::SnapshotName>().is_ok(), "{name}");
        assert_eq!(name, run.snapshot_name(&component));
        let whole = format!("lifeboat-{}-{component}-{}-20261121t020000", run.plan.plan, run.schedule);
        assert_eq!(name == whole, whole.len() <= 63, "{name}");
        assert!(names.insert(name), "another's");
    }
}

#[test]
fn a_cluster_of_another_engine_than_the_plans_is_not_taken() {
    let run = with_cluster(None);
    let Component::Cluster(cluster) = run.source(&reports()).unwrap().component else { panic!("a cluster") };
    let seen = |engine: &str| SeenCluster { engine: engine.into(), version: Some("1.3.4.0".into()) };
    let database = seen("neptune").database(cluster, jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((database.lsn, database.size_bytes, database.version.as_deref()), (None, None, Some("1.3.4.0")));
    let error = seen("docdb").database(cluster, jiff::Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.name(), "InvalidInput");
    assert!(error.chain().contains("neptune by the plan, and docdb by RDS"), "{}", error.chain());
}

#[test]
fn what_is_not_known_of_a_cluster_has_no_tag_and_stays_unknown() {
    let label = run().label(&reports(), unasked());
    let tags: BTreeMap<String, String> = label.tags().into_iter().collect();
    let names: Vec<&str> = tags.keys().map(String::as_str).collect();
    assert_eq!(names, ["component", "database-time", "plan", "schedule", "scheduled-at"].map(tag));
    let name = "lifeboat-lab-reports-daily-20261121t020000";
    assert_eq!(Label::read(SnapshotKind::Cluster, name, &tags), Ok(label));
    assert_eq!(Label::read(SnapshotKind::Instance, name, &tags), Err(BadTags::Missing("lsn")));
}

fn found(status: &str) -> Found {
    let snapshot = Snapshot {
        kind: SnapshotKind::Instance,
        name: "lifeboat-x".into(),
        taken_at: None,
        marks: Marks::default(),
        arn: "arn:aws:rds:us-east-1:000000000000:snapshot:lifeboat-x".into(),
        status: status.into(),
        percent: 40,
        allocated_gib: Some(20),
        encrypted: true,
        of: None,
        carried: Vec::new(),
        label: Ok(run().label(&orders(), database())),
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
    for (kind, says) in [
        (SnapshotKind::Instance, "100 manual snapshots of"),
        (SnapshotKind::Cluster, "100 manual cluster snapshots of"),
    ] {
        assert!(room(&region(), kind, Quota { used: 99, most: 100 }).is_ok());
        let why = room(&region(), kind, Quota { used: 100, most: 100 }).unwrap_err();
        assert!(why.contains("us-east-1") && why.contains("cleanup") && why.contains(says), "{why}");
        assert!(room(&region(), kind, Quota { used: 101, most: 100 }).is_err());
    }
}

fn part(missing: usize) -> Part {
    let place = |region: &str| Stored {
        region: region.parse().unwrap(),
        arn: format!("arn:aws:rds:{region}:000000000000:snapshot:x"),
        allocated_gib: Some(20),
        encrypted: true,
    };
    let lost = Missing { region: "us-west-2".parse().unwrap(), because: "its quota is full".into() };
    let taken = Taken {
        component: orders(),
        of: SnapshotKind::Instance.of("orders-primary"),
        snapshot: "x".into(),
        database: database(),
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

/// A part as it was written before there were clusters, with its checksum.
const WRITTEN_BEFORE: &str = r#"{"sha256":"SUM","part":{"component":"orders","taken":{"component":"orders","instance":"orders-primary","snapshot":"x","shot":{"lsn":"16/B374D848","databaseTime":"2026-11-21T02:00:00.25Z","sizeBytes":7500000,"version":"15.18"},"places":[{"region":"us-east-1","arn":"arn:aws:rds:us-east-1:000000000000:snapshot:x","allocatedGib":20,"encrypted":true}],"missing":[]},"because":"as it is"}}"#;

#[test]
fn a_part_that_was_written_before_there_were_clusters_is_read_and_whole() {
    let checked: Checked = serde_json::from_str(WRITTEN_BEFORE).unwrap();
    assert_eq!(checked.part, part(0));
    let now = Manifest::assemble(&run(), vec![part(0)], jiff::Timestamp::UNIX_EPOCH).parts.remove(0);
    let text = WRITTEN_BEFORE.replace("SUM", &now.sha256);
    assert_eq!(serde_json::to_string(&now).unwrap(), text, "to the letter, so that its checksum holds");
}

#[test]
fn a_clusters_part_says_what_it_is_of_and_nothing_that_is_not_known() {
    let mut part = part(0);
    let taken = part.taken.as_mut().unwrap();
    taken.of = SnapshotKind::Cluster.of("reports-1");
    taken.database = unasked();
    taken.places[0].allocated_gib = None;
    let text = serde_json::to_value(&part).unwrap();
    let taken = &text["taken"];
    assert_eq!((&taken["cluster"], &taken["instance"]), (&"reports-1".into(), &serde_json::Value::Null));
    assert_eq!(taken["shot"], serde_json::json!({ "databaseTime": "2026-11-21T02:00:00.25Z" }));
    assert!(taken["places"][0].get("allocatedGib").is_none());
    assert_eq!(serde_json::from_value::<Part>(text.clone()).unwrap(), part);
    for (field, value) in [("instance", "orders-primary".into()), ("cluster", serde_json::Value::Null)] {
        let mut wrong = text.clone();
        wrong["taken"][field] = value;
        assert!(serde_json::from_value::<Part>(wrong).unwrap_err().to_string().contains("of one"), "{field}");
    }
}
