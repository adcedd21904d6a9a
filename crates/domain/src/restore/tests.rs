use jiff::ToSpan;
use serde_json::{Value, json};

use super::*;
use crate::{
    backup::{BackupRun, Found, Manifest, Marks, Part, Quota, Snapshot, Stored, Taken},
    component::{SeenDatabase, SnapshotKind},
    failover::succession::Owner,
    run::{
        outcome::UpkeepOutcome,
        verification::{Checked, Finding},
    },
    words::{
        failure::Failure,
        id::{ComponentName, Region},
    },
};

fn event(name: &str) -> Value {
    let text = match name {
        "restore" => include_str!("../../../../events/restore.json"),
        "snapshot" => include_str!("../../../../events/snapshot.json"),
        "close" => include_str!("../../../../events/close-backup-restore.json"),
        other => panic!("{other}"),
    };
    serde_json::from_str(text).unwrap()
}

fn run() -> RestoreRun {
    serde_json::from_value(event("restore")["restore"].clone()).unwrap()
}

fn wanting(wanted: Wanted) -> RestoreRun {
    RestoreRun { wanted, ..run() }
}

fn backup_run() -> BackupRun {
    serde_json::from_value(event("snapshot")["backup"].clone()).unwrap()
}

fn orders() -> ComponentName {
    "orders".parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The daily backup of a day, as RDS shows it.
fn snapshot(day: &str, status: &str) -> Snapshot {
    let scheduled_at = time(&format!("{day}T02:00:00Z"));
    let run = BackupRun { scheduled_at, ..backup_run() };
    let database = SeenDatabase {
        lsn: Some(Lsn(0x01C2_F3A8)),
        database_time: scheduled_at + 5.seconds(),
        size_bytes: Some(7_500_000),
        version: Some("15.18".into()),
    };
    Snapshot {
        kind: SnapshotKind::Instance,
        name: run.snapshot_name(&orders()),
        arn: "arn:aws:rds:us-west-2:000000000000:snapshot:x".into(),
        taken_at: Some(scheduled_at + 7.seconds()),
        status: status.into(),
        percent: 100,
        allocated_gib: Some(20),
        encrypted: false,
        of: None,
        carried: Vec::new(),
        label: Ok(run.label(&orders(), database)),
        marks: Marks { plan: Some("lab".into()), ..Marks::default() },
    }
}

fn three() -> Vec<Snapshot> {
    vec![snapshot("2026-11-19", "available"), snapshot("2026-11-21", "creating"), snapshot("2026-11-20", "available")]
}

fn chosen_day(run: &RestoreRun, snapshots: &[Snapshot]) -> Result<Option<String>, Failure> {
    choose(run, &orders(), snapshots).map(|found| found.map(|found| found.name.clone()))
}

#[test]
fn the_latest_is_the_newest_that_is_available_and_not_of_the_future() {
    let mut snapshots = three();
    let day = |day: &str| Some(format!("lifeboat-lab-orders-daily-{day}t020000"));
    assert_eq!(chosen_day(&run(), &snapshots).unwrap(), day("20261120"));
    snapshots.push(snapshot("2030-01-01", "available"));
    assert_eq!(chosen_day(&run(), &snapshots).unwrap(), day("20261120"), "a clock that was wrong anchors nothing");
    snapshots.reverse();
    assert_eq!(chosen_day(&run(), &snapshots).unwrap(), day("20261120"), "in any order");
    assert_eq!(chosen_day(&run(), &[]).unwrap(), None);
}

#[test]
fn a_day_is_met_or_the_days_that_there_are_are_named() {
    let on = |day: &str| wanting(Wanted::Date(day.parse().unwrap()));
    assert!(chosen_day(&on("2026-11-19"), &three()).unwrap().unwrap().contains("20261119"));
    for missing in ["2026-11-21", "2020-01-01"] {
        let why = chosen_day(&on(missing), &three()).unwrap_err();
        assert_eq!(why.name(), "NotFound");
        assert!(why.chain().contains("2026-11-20, 2026-11-19"), "{}", why.chain());
    }
}

#[test]
fn the_backup_of_a_moment_is_that_one_or_the_moments_that_there_are_are_named() {
    let at = |text: &str| chosen_day(&wanting(Wanted::ScheduledAt(time(text))), &three());
    let name = at("2026-11-19T02:00:00Z").unwrap();
    assert_eq!(name.as_deref(), Some("lifeboat-lab-orders-daily-20261119t020000"));
    for (missing, why) in [("2026-11-19T02:00:01Z", "no such time"), ("2026-11-21T02:00:00Z", "it is being made")] {
        let told = at(missing).unwrap_err();
        assert!(told.name() == "NotFound" && told.chain().contains("2026-11-20T02:00:00Z"), "{why}: {}", told.chain());
    }
}

#[test]
fn a_name_is_of_this_component_and_schedule_or_refused() {
    let named = |name: &str| wanting(Wanted::Backup(name.parse().unwrap()));
    let snapshots = three();
    assert_eq!(chosen_day(&named(&snapshots[0].name), &snapshots).unwrap(), Some(snapshots[0].name.clone()));
    let why = chosen_day(&named("lifeboat-lab-orders-daily-20200101t020000"), &snapshots).unwrap_err();
    assert!(why.chain().contains("the newest there: lifeboat-lab-orders-daily-20261121t020000"), "{}", why.chain());
    let mut others = three();
    if let Ok(label) = &mut others[0].label {
        label.component = "customers".parse().unwrap();
    }
    others[1].label = Err("it has no tag `lifeboat:lsn`".into());
    if let Ok(label) = &mut others[2].label {
        label.schedule = "hourly".parse().unwrap();
    }
    for (index, says) in [(0, "of `customers`, not of `orders`"), (1, "lifeboat:lsn"), (2, "by schedule `hourly`")] {
        let why = chosen_day(&named(&others[index].name), &others).unwrap_err();
        assert_eq!(why.name(), "InvalidInput");
        assert!(why.chain().contains(says), "{}", why.chain());
    }
}

#[test]
fn a_point_in_time_is_within_the_window_to_the_second() {
    let instance: InstanceId = "orders-primary".parse().unwrap();
    let window = Window { earliest: time("2026-11-20T00:00:00.5Z"), latest: time("2026-11-21T05:59:30.5Z") };
    let source = PointSource { instance: &instance, from: None };
    let at = |text: &str| point_in_time(&Wanted::Time(time(text)), &[(source, Some(window), None)]);
    for (text, reached) in [
        ("2026-11-20T00:00:01Z", Some("2026-11-20T00:00:01Z")),
        ("2026-11-21T05:59:30.999Z", Some("2026-11-21T05:59:30Z")),
        ("2026-11-20T00:00:00Z", None),
        ("2026-11-21T05:59:31Z", None),
    ] {
        let found = at(text).map(|chosen| chosen.data_until);
        assert_eq!(found.as_ref().ok().copied(), reached.map(time), "{text}");
        if let Err(why) = found {
            assert!(why.chain().contains("reach from 2026-11-20T00:00:00.5Z to"), "{}", why.chain());
        }
    }
    let latest = point_in_time(&Wanted::LatestTime, &[(source, Some(window), None)]).unwrap();
    assert_eq!(latest.data_until, window.latest);
    let none = point_in_time(&Wanted::LatestTime, &[(source, None, None)]).unwrap_err();
    assert!(none.chain().contains("no automated backups"), "{}", none.chain());
}

#[test]
fn what_was_before_a_failover_is_in_what_was_replicated_of_the_primary_before_it() {
    let (new, old): (InstanceId, InstanceId) = ("orders-replica".parse().unwrap(), "orders-primary".parse().unwrap());
    let from: Region = "us-east-1".parse().unwrap();
    let window = |earliest: &str, latest: &str| Some(Window { earliest: time(earliest), latest: time(latest) });
    let sources = [
        (PointSource { instance: &new, from: None }, window("2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"), None),
        (
            PointSource { instance: &old, from: Some(&from) },
            window("2026-11-20T00:00:00Z", "2026-11-21T05:55:00Z"),
            Some("arn:aws:rds:us-west-2:000000000000:auto-backup:ab-1".to_owned()),
        ),
    ];
    for (at, of) in [
        ("2026-11-21T06:30:00Z", Some("orders-replica at 2026-11-21T06:30:00Z")),
        ("2026-11-21T05:00:00Z", Some("orders-primary at 2026-11-21T05:00:00Z, as replicated")),
        ("2026-11-21T05:57:00Z", None),
    ] {
        let chosen = point_in_time(&Wanted::Time(time(at)), &sources).ok();
        assert_eq!(chosen.map(|chosen| chosen.origin.name()).as_deref(), of, "{at}");
    }
    let latest = point_in_time(&Wanted::LatestTime, &sources).unwrap();
    assert_eq!(latest.origin.name(), "orders-replica at its latest time");
}

fn whole(snapshot: &Snapshot) -> Manifest {
    let label = snapshot.label.as_ref().unwrap();
    let taken = Taken {
        component: orders(),
        of: SnapshotKind::Instance.of("orders-primary"),
        snapshot: snapshot.name.clone(),
        database: label.database.clone(),
        places: vec![Stored {
            region: "us-west-2".parse().unwrap(),
            arn: snapshot.arn.clone(),
            allocated_gib: Some(20),
            encrypted: false,
        }],
        missing: Vec::new(),
    };
    let part = Part { component: orders(), taken: Some(taken), because: "as it is".into() };
    Manifest::assemble(
        &BackupRun { scheduled_at: label.scheduled_at, ..backup_run() },
        vec![part],
        time("2026-11-21T02:01:00Z"),
    )
}

fn set(manifest: Option<Manifest>, copy: Result<Option<Snapshot>, String>) -> Set {
    let elsewhere = vec![Found { region: "us-east-1".parse().unwrap(), snapshot: copy }];
    Set { manifest: Ok(manifest), elsewhere }
}

/// What is not passed, by name.
fn faults(examined: &Examined) -> Vec<&str> {
    let wrong = examined.checks.iter().filter(|check| check.finding != Finding::Passed);
    wrong.map(|check| check.name.as_str()).collect()
}

const NOW: &str = "2026-11-21T06:00:00Z";

#[test]
fn a_backup_is_looked_at_from_all_sides() {
    let good = snapshot("2026-11-21", "available");
    let copy = || Ok(Some(good.clone()));
    let examined =
        |run: &RestoreRun, snapshot: &Snapshot, set: &Set| examine(run, &orders(), Some((snapshot, set)), time(NOW));
    let all = examined(&run(), &good, &set(Some(whole(&good)), copy()));
    assert_eq!((faults(&all), all.checks.len()), (vec![], 5));
    assert!(all.chosen.is_some());

    let making = Snapshot { status: "creating".into(), ..good.clone() };
    let half = examined(&run(), &making, &set(Some(whole(&good)), copy()));
    assert_eq!((faults(&half), &half.chosen), (vec!["it is available"], &None));

    let mut strict = run();
    strict.plan.backups[0].verification = None;
    assert_eq!(
        faults(&examined(&strict, &good, &set(Some(whole(&good)), copy()))),
        ["it is encrypted"],
        "unless told otherwise"
    );

    let mut changed = whole(&good);
    changed.parts[0].part.because = "something else".into();
    let mut other = whole(&good);
    other.parts.clear();
    for manifest in [None, Some(changed), Some(other), Some(whole(&snapshot("2026-11-20", "available")))] {
        assert_eq!(faults(&examined(&run(), &good, &set(manifest, copy()))), ["its manifest is whole"]);
    }
    for (copy, unanswered) in [(Ok(None), false), (Ok(Some(making.clone())), true), (Err("timed out".to_owned()), true)]
    {
        let found = examined(&run(), &good, &set(Some(whole(&good)), copy));
        assert_eq!(faults(&found), ["it is in us-east-1 as well"]);
        assert_eq!(found.checks.iter().any(|check| matches!(check.finding, Finding::Unanswered(_))), unanswered);
    }
    let mut small = good.clone();
    if let Ok(label) = &mut small.label {
        label.database.size_bytes = Some(999_999);
    }
    let as_small = set(Some(whole(&small)), Ok(Some(small.clone())));
    assert_eq!(faults(&examined(&run(), &small, &as_small)), ["it is large enough"]);
    // Taken again under the same name since the manifest was written, or since it was copied.
    assert_eq!(faults(&examined(&run(), &small, &set(Some(whole(&small)), copy())))[0], "it is in us-east-1 as well");
    let before = set(Some(whole(&good)), Ok(Some(small.clone())));
    assert_eq!(faults(&examined(&run(), &small, &before))[0], "its manifest is whole");
    for change in [
        |manifest: &mut Manifest| manifest.version = 9,
        |manifest: &mut Manifest| manifest.plan = "other".parse().unwrap(),
        |manifest: &mut Manifest| manifest.schedule = "hourly".parse().unwrap(),
        |manifest: &mut Manifest| manifest.scheduled_at = time(NOW),
    ] {
        let mut another = whole(&good);
        change(&mut another);
        assert_eq!(faults(&examined(&run(), &good, &set(Some(another), copy()))), ["its manifest is whole"]);
    }

    let old = snapshot("2026-11-20", "available");
    let aged = set(Some(whole(&old)), Ok(Some(old.clone())));
    assert_eq!(faults(&examined(&run(), &old, &aged)), ["it is new enough"]);
    let meant = wanting(Wanted::Date("2026-11-20".parse().unwrap()));
    assert_eq!(faults(&examined(&meant, &old, &aged)), [""; 0], "one that was named is meant to be old");

    let none = examine(&run(), &orders(), None, time(NOW));
    assert_eq!((faults(&none), &none.chosen), (vec!["there is a backup"], &None));
}

#[test]
fn an_instance_s_name_is_its_run_s_own_and_one_that_rds_takes() {
    let name = run().instance(&orders()).unwrap();
    assert!(name.as_str().starts_with("lifeboat-restore-orders-"), "{name}");
    assert_eq!(name, run().instance(&orders()).unwrap());
    let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-verify-backup:another".parse().unwrap();
    assert_ne!(RestoreRun { execution, ..run() }.instance(&orders()).unwrap(), name);
    let long: ComponentName = format!("{}-{}", "a".repeat(23), "b".repeat(16)).parse().unwrap();
    assert!(run().instance(&long).is_ok());
}

fn provenance(purpose: Purpose) -> Provenance {
    let run = RestoreRun { purpose, ..run() };
    let chosen: Chosen = serde_json::from_value(event("restore")["chosen"].clone()).unwrap();
    Provenance::of(&run, &orders(), &chosen, time(NOW))
}

fn seen(status: &str, provenance: Result<Provenance, String>) -> SeenInstance {
    let endpoint = (status == "available").then(|| ("restored.example.com".parse().unwrap(), 5432));
    SeenInstance { instance: run().instance(&orders()).unwrap(), status: status.into(), endpoint, provenance }
}

#[test]
fn whose_an_instance_is_is_read_back_from_its_tags() {
    for purpose in [Purpose::Test, Purpose::Keep] {
        let ours = provenance(purpose);
        let tags = ours.tags().into_iter().collect();
        let name = run().instance(&orders()).unwrap();
        for other in ["orders-primary", "reporting", "lifeboat-restore-orders-0123456789"] {
            let read = Provenance::read(&other.parse().unwrap(), &tags);
            assert_eq!(read, Err(format!("its tags are those of `{name}`")), "copied from it");
        }
        assert_eq!(Provenance::read(&name, &tags), Ok(ours));
    }
    let none = std::collections::BTreeMap::new();
    assert!(Provenance::read(&run().instance(&orders()).unwrap(), &none).unwrap_err().contains("lifeboat:purpose"));
}

#[test]
fn every_status_leads_on_or_ends() {
    let run = run();
    let like = run.target(&orders()).unwrap().like;
    assert_eq!(next(&run, like, None, time(NOW)), Move::Create);
    let next = |status: &str| next(&run, like, Some(&seen(status, Ok(provenance(Purpose::Test)))), time(NOW));
    assert!(matches!(next("available"), Move::Done(_)));
    for status in ["creating", "backing-up", "modifying", "a word of next year"] {
        assert!(matches!(next(status), Move::Wait(_)), "{status}");
    }
    for status in ["failed", "restore-error", "incompatible-parameters", "storage-full", "deleting"] {
        assert!(matches!(next(status), Move::Refuse(_)), "{status}");
    }
    let early = SeenInstance { endpoint: None, ..seen("available", Ok(provenance(Purpose::Test))) };
    assert!(matches!(super::next(&run, like, Some(&early), time(NOW)), Move::Wait(_)));
}

#[test]
fn a_quota_is_full_at_its_limit_and_not_below() {
    let region = "us-west-2".parse().unwrap();
    assert!(room(&region, Quota { used: 39, most: 40 }).is_ok());
    assert!(room(&region, Quota { used: 40, most: 40 }).unwrap_err().contains("40 DB instances of 40"));
}

#[test]
fn only_a_test_s_own_instance_is_torn_down() {
    let torn = |seen: Option<SeenInstance>| tear_down(&run(), &orders(), seen.as_ref());
    assert_eq!(torn(None), Teardown::Gone);
    let ours = || provenance(Purpose::Test);
    assert_eq!(torn(Some(seen("available", Ok(ours())))), Teardown::Delete);
    assert_eq!(torn(Some(seen("failed", Ok(ours())))), Teardown::Delete);
    assert!(matches!(torn(Some(seen("deleting", Ok(ours())))), Teardown::Wait(_)));
    let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-verify-backup:another".parse().unwrap();
    for strange in [
        Ok(provenance(Purpose::Keep)),
        Ok(Provenance { execution, ..ours() }),
        Ok(Provenance { component: "customers".parse().unwrap(), ..ours() }),
        Err("it has no tag `lifeboat:plan`".into()),
    ] {
        assert!(matches!(torn(Some(seen("available", strange))), Teardown::Refuse(_)));
    }
}

#[test]
fn a_stray_goes_only_when_its_test_is_known_to_be_over() {
    let name = || run().instance(&orders()).unwrap();
    let gone = Owner::gone("ABORTED");
    assert!(!stray(name(), &provenance(Purpose::Test), &gone).stays);
    assert!(stray(name(), &provenance(Purpose::Keep), &gone).stays);
    for owner in [Owner::Running, Owner::Unknown("throttled".into())] {
        assert!(stray(name(), &provenance(Purpose::Test), &owner).stays);
    }
}

fn turn() -> Value {
    event("close")["restore"]["parts"][0].clone()
}

fn part() -> RestorePart {
    RestoreTurn::into(serde_json::from_value(turn()).unwrap())
}

#[test]
fn a_turn_says_why_by_its_last_step_and_what_became_of_the_instance() {
    let because = |word: Value, tear_down: Value| {
        let mut turn = turn();
        (turn["word"], turn["tearDown"]) = (word, tear_down);
        RestorePart::from(serde_json::from_value::<RestoreTurn>(turn).unwrap()).because
    };
    let answer =
        |state: &str, because: &str| json!({ "state": state, "answer": { "step": "Done", "because": because } });
    let error = |state: &str| json!({ "state": state, "error": { "Error": "AwsDenied", "Cause": "no" } });
    let passed = || answer("VerifyRestored", "all 4 checks passed");
    for (word, tear_down, says) in [
        (passed(), json!(null), "all 4 checks passed"),
        (error("Restore"), json!(null), "Restore ended with AwsDenied: no"),
        (json!(null), json!(null), "its turn ended before its first answer"),
        (passed(), answer("TearDown", "deleting"), "all 4 checks passed; the instance is still there: deleting"),
        (
            passed(),
            error("TearDown"),
            "all 4 checks passed; the instance could not be torn down: TearDown ended with AwsDenied: no",
        ),
    ] {
        assert_eq!(because(word, tear_down), says);
    }
}

#[test]
fn an_outcome_says_what_was_proved() {
    let passed =
        || Checked { name: "a".into(), finding: Finding::Passed, took_milliseconds: 1, at: time(NOW), resolver: None };
    let wrong = || Checked { finding: Finding::Failed { expected: "1".into(), got: "0".into() }, ..passed() };
    let doubtful = |checks| RestorePart { examined: Some(Examined { checks, ..part().examined.unwrap() }), ..part() };
    let answered = |checks| RestorePart { verified: Some(Verified { checks, tagged: false }), ..part() };
    let refused = || RestorePart { refused: true, examined: None, restored: None, verified: None, ..part() };
    let left = || RestorePart { left: true, ..part() };
    let unrestored = || RestorePart { restored: None, verified: None, ..part() };
    use UpkeepOutcome::{Complete, Failed, Partial, Refused};
    for (purpose, parts, outcome) in [
        (Purpose::Test, vec![part()], Complete),
        (Purpose::Test, vec![left()], Partial),
        (Purpose::Test, vec![part(), answered(vec![wrong()])], Partial),
        (Purpose::Test, vec![answered(vec![passed(), wrong()])], Failed),
        (Purpose::Test, vec![doubtful(vec![wrong()])], Failed),
        (Purpose::Test, vec![unrestored()], Failed),
        (Purpose::Test, vec![refused()], Refused),
        (Purpose::Test, vec![refused(), part()], Partial),
        (Purpose::Test, vec![], Failed),
        (Purpose::Integrity, vec![unrestored()], Complete),
        (Purpose::Integrity, vec![doubtful(vec![wrong()])], Failed),
        (Purpose::Keep, vec![doubtful(vec![wrong()])], Complete),
        (Purpose::Keep, vec![left()], Complete),
        (Purpose::Keep, vec![answered(vec![wrong()])], Failed),
    ] {
        let record = RestoreRecord::assemble(&RestoreRun { purpose, ..run() }, parts.clone(), time(NOW));
        assert_eq!(record.outcome, outcome, "{purpose:?} {parts:#?}");
        assert_eq!(record.summary().is_empty(), parts.is_empty());
    }
}

#[test]
fn a_log_that_ends_before_the_backup_s_did_is_another_s() {
    assert_eq!(reaches(Lsn(7), Ok(Lsn(7))), Finding::Passed);
    assert!(matches!(reaches(Lsn(7), Ok(Lsn(6))), Finding::Failed { .. }));
    assert!(matches!(reaches(Lsn(7), Err("refused".into())), Finding::Unanswered(_)));
}
