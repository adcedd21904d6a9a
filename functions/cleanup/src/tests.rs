use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use domain::{
    backup::{BackupRun, Found, Marks, Snapshot},
    cleanup::{DELETES_IN_A_TURN, Report},
    component::{SeenDatabase, SnapshotKind},
    failover::succession::Owner,
    restore::{self, SeenInstance},
    run::step::Outcome,
    words::id::{InstanceId, PlanName},
};
use edge::{object_store::fake::Memory, rds::Acceptance};
use jiff::ToSpan;

use super::*;

/// A Region's daily backups, of which some cannot be deleted.
struct Backups {
    snapshots: RefCell<Vec<Snapshot>>,
    /// What the other Region holds, or why it does not answer.
    elsewhere: RefCell<Result<Vec<Snapshot>, &'static str>>,
    /// What is seen of a snapshot after the listing, where that is something else.
    since: RefCell<BTreeMap<String, Result<Option<Snapshot>, &'static str>>>,
    stuck: BTreeSet<String>,
    restored: RefCell<Vec<SeenInstance>>,
    /// What is known of the runs that restored them.
    owner: Owner,
}

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

impl Backups {
    fn of(days: i64) -> Self {
        let event: Value = serde_json::from_str(include_str!("../../../events/snapshot.json")).unwrap();
        let run: BackupRun = serde_json::from_value(event["backup"].clone()).unwrap();
        let of = |day: i64| {
            let taken_at = now() - (24 * day).hours();
            let run = BackupRun { scheduled_at: taken_at, ..run.clone() };
            let component = "orders".parse().unwrap();
            let database = SeenDatabase {
                lsn: Some(domain::words::wal::Lsn(7)),
                database_time: taken_at,
                size_bytes: Some(7_500_000),
                version: Some("15.18".into()),
            };
            Snapshot {
                kind: SnapshotKind::Instance,
                name: run.snapshot_name(&component),
                arn: String::new(),
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
        };
        Self {
            snapshots: RefCell::new((0..days).map(of).collect()),
            elsewhere: RefCell::new(Ok(Vec::new())),
            since: RefCell::default(),
            stuck: BTreeSet::new(),
            restored: RefCell::default(),
            owner: Owner::Running,
        }
    }
}

impl BackupCatalog for Backups {
    async fn list(&self, region: &Region, _: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        if region.as_str() == "us-east-1" {
            return Ok(self.snapshots.borrow().clone());
        }
        self.elsewhere.borrow().clone().map_err(|why| Failure::AwsTransient { what: why.into(), source: None })
    }

    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        let named =
            |there: &[Snapshot]| there.iter().find(|there| (there.kind, there.name.as_str()) == (kind, name)).cloned();
        let snapshot = if region.as_str() == "us-east-1" {
            let since = self.since.borrow().get(name).cloned();
            since.unwrap_or_else(|| Ok(named(&self.snapshots.borrow())))
        } else {
            self.elsewhere.borrow().clone().map(|there| named(&there))
        };
        Found { region: region.clone(), snapshot: snapshot.map_err(str::to_owned) }
    }

    async fn delete(&self, _: &Region, kind: SnapshotKind, name: &str) -> Result<(), Failure> {
        if self.stuck.contains(name) {
            return Err(Failure::AwsRejected { what: format!("cannot delete `{name}`"), source: None });
        }
        self.snapshots.borrow_mut().retain(|snapshot| (snapshot.kind, snapshot.name.as_str()) != (kind, name));
        Ok(())
    }

    async fn restores(&self, _: &Region, _: &PlanName) -> Result<Vec<SeenInstance>, Failure> {
        Ok(self.restored.borrow().clone())
    }

    async fn restored(&self, _: &Region, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Ok(self.restored.borrow().iter().find(|seen| seen.instance == *instance).cloned())
    }

    async fn tear_down(&self, _: &Region, instance: &InstanceId) -> Result<Acceptance, Failure> {
        let mut restored = self.restored.borrow_mut();
        let seen = restored.iter_mut().find(|seen| seen.instance == *instance).unwrap();
        if seen.status == "creating" {
            return Ok(Acceptance::Busy);
        }
        seen.status = "deleting".into();
        Ok(Acceptance::Begun)
    }

    async fn owner(&self, _: &ExecutionArn, _: Timestamp) -> Owner {
        self.owner.clone()
    }

    fn now(&self) -> Timestamp {
        now()
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/cleanup.json")).unwrap()
}

fn reported_only() -> Value {
    let mut event = event();
    event["region"]["cleanup"]["apply"] = false.into();
    event
}

async fn clean(store: &Memory, catalog: &Backups, event: Value) -> Step<Cleaned> {
    match handle(store, catalog, "us-west-2", event).await.unwrap() {
        Answer::Cleaned(step) => step,
        Answer::Opened(_) | Answer::TornDown(_) => panic!("the Region was not cleaned"),
    }
}

async fn cleaned_with(catalog: &Backups, event: Value) -> (Step<Cleaned>, Report) {
    let store = Memory::default();
    let step = clean(&store, catalog, event).await;
    let report = report(&store, &step.did.as_ref().unwrap().report);
    (step, report)
}

fn report(store: &Memory, key: &str) -> Report {
    serde_json::from_str(&store.text(key).unwrap()).unwrap()
}

#[tokio::test]
async fn what_nothing_keeps_goes_turn_by_turn_and_the_report_has_all_of_it() {
    let (store, catalog) = (Memory::default(), Backups::of(100));
    let first = clean(&store, &catalog, event()).await;
    assert_eq!(first.step, Outcome::Pending, "{}", first.because);
    let mut last = first;
    for _ in 0..10 {
        if last.step == Outcome::Done {
            break;
        }
        last = clean(&store, &catalog, event()).await;
    }
    let told = last.did.unwrap();
    assert_eq!((told.there + told.deleted, told.going, told.failed), (100, 0, 0));
    assert_eq!(catalog.snapshots.borrow().len(), told.there);
    let report = report(&store, &told.report);
    assert_eq!(report.deleted.len(), told.deleted);
    let reasons = report.verdicts.iter().chain(&report.deleted).map(|verdict| &verdict.because);
    assert!(reasons.into_iter().all(|because| !because.is_empty()), "every keep and every delete has its reason");
    let again = clean(&store, &catalog, event()).await.did.unwrap();
    assert_eq!((again.there, again.deleted), (told.there, told.deleted), "there is nothing more to do");
}

#[tokio::test]
async fn what_was_deleted_by_a_turn_that_died_is_in_the_report() {
    let (store, catalog) = (Memory::default(), Backups::of(45));
    let told = clean(&store, &catalog, event()).await.did.unwrap();
    // As it was written before the first delete.
    let mut died = report(&store, &told.report);
    assert!(told.deleted > 1);
    died.verdicts.append(&mut died.deleted);
    let store = Memory::default().with(&told.report, &serde_json::to_string(&died).unwrap());
    let again = clean(&store, &catalog, event()).await.did.unwrap();
    assert_eq!((again.deleted, report(&store, &told.report).deleted.len()), (told.deleted, told.deleted));
}

#[tokio::test]
async fn a_dry_run_names_what_would_go_and_deletes_nothing() {
    let (store, catalog) = (Memory::default(), Backups::of(60));
    let step = clean(&store, &catalog, reported_only()).await;
    let told = step.did.unwrap();
    assert!(step.step == Outcome::Done && told.going > 0 && told.deleted == 0, "{told:?}");
    assert_eq!(catalog.snapshots.borrow().len(), 60);
    assert_eq!(report(&store, &told.report).going().count(), told.going);
}

#[tokio::test]
async fn one_that_cannot_be_deleted_is_named_and_keeps_none_of_the_others() {
    let dry = clean(&Memory::default(), &Backups::of(45), reported_only()).await.did.unwrap();
    let (store, mut catalog) = (Memory::default(), Backups::of(45));
    catalog.stuck = [catalog.snapshots.borrow()[40].name.clone()].into();
    let step = clean(&store, &catalog, event()).await;
    let told = step.did.unwrap();
    assert_eq!((step.step, told.failed, told.deleted), (Outcome::Done, 1, dry.going - 1));
    let report = report(&store, &told.report);
    assert!(catalog.stuck.contains(&report.failed[0].name));
    assert!(step.because.contains("1 could not be deleted"), "{}", step.because);
}

#[tokio::test]
async fn however_many_cannot_be_deleted_each_other_one_is_tried() {
    let (store, mut catalog) = (Memory::default(), Backups::of(120));
    let (dry, would_go) = cleaned_with(&catalog, reported_only()).await;
    let dry = dry.did.unwrap();
    assert!(dry.going > 2 * DELETES_IN_A_TURN, "{dry:?}");
    let going: Vec<String> = would_go.going().map(|gone| gone.snapshot.clone()).collect();
    catalog.stuck = going.into_iter().take(DELETES_IN_A_TURN + 1).collect();
    let mut step = clean(&store, &catalog, event()).await;
    for _ in 0..10 {
        if step.step == Outcome::Done {
            break;
        }
        step = clean(&store, &catalog, event()).await;
    }
    let told = step.did.unwrap();
    assert_eq!(
        (step.step, told.failed, told.deleted),
        (Outcome::Done, catalog.stuck.len(), dry.going - catalog.stuck.len())
    );
    assert!(report(&store, &told.report).failed.iter().all(|failed| !failed.because.is_empty()));
}

/// The backups that would go of so many days.
async fn would_go(days: i64) -> Vec<Snapshot> {
    let catalog = Backups::of(days);
    let (_, report) = cleaned_with(&catalog, reported_only()).await;
    let goes = |snapshot: &Snapshot| report.going().any(|verdict| verdict.snapshot == snapshot.name);
    catalog.snapshots.take().into_iter().filter(goes).collect()
}

#[tokio::test]
async fn what_was_held_or_verified_since_it_was_listed_stays() {
    let going = would_go(40).await;
    let change = |index: usize, change: fn(&mut Snapshot)| {
        let mut changed = going[index].clone();
        change(&mut changed);
        (changed.name.clone(), Ok(Some(changed)))
    };
    let catalog = Backups::of(40);
    *catalog.since.borrow_mut() = [
        change(0, |held| held.marks.hold = Some("case 7".into())),
        change(1, |verified| verified.marks.verified_at = Some(now())),
        change(2, |nobodys| nobodys.label = Err("it has no tag `lifeboat:schedule`".into())),
        change(3, |younger| younger.taken_at = Some(now())),
        change(4, |other| other.marks.plan = Some("other".into())),
        change(5, |copied| copied.status = "copying".into()),
        (going[6].name.clone(), Ok(None)),
        (going[7].name.clone(), Err("throttled")),
    ]
    .into();
    let (step, report) = cleaned_with(&catalog, event()).await;
    let told = step.did.unwrap();
    let there: Vec<String> = catalog.snapshots.borrow().iter().map(|snapshot| snapshot.name.clone()).collect();
    for (index, says) in ["legal hold", "`case 7`"].map(|says| (0, says)).into_iter().chain([
        (1, "verified since"),
        (2, "tags were changed"),
        (3, "another one was made"),
        (4, "tags were changed"),
        (5, "copying"),
    ]) {
        let verdict = report.verdicts.iter().find(|verdict| verdict.snapshot == going[index].name).unwrap();
        assert!(verdict.stays && verdict.because.contains(says), "{index}: {}", verdict.because);
        assert!(verdict.because.contains("; else: "), "by the rules it would have gone: {}", verdict.because);
        assert!(there.contains(&going[index].name));
    }
    assert_eq!((told.failed, told.deleted), (1, going.len() - 7), "one is gone already");
    assert!(report.failed[0].because.contains("throttled") && there.contains(&going[7].name));
}

#[tokio::test]
async fn a_source_stays_while_it_is_being_copied_and_goes_once_the_copy_is_there() {
    let going = would_go(40).await;
    for (status, stays) in [("copying", true), ("creating", true), ("in-no-known-state", true), ("available", false)] {
        let catalog = Backups::of(40);
        *catalog.elsewhere.borrow_mut() = Ok(vec![Snapshot { status: status.into(), ..going[0].clone() }]);
        let (step, report) = cleaned_with(&catalog, event()).await;
        let there = catalog.snapshots.borrow().iter().any(|snapshot| snapshot.name == going[0].name);
        assert_eq!((step.step, there), (Outcome::Done, stays), "{status}");
        assert_eq!(report.deleted.len(), going.len() - usize::from(stays));
        if stays {
            let verdict = report.verdicts.iter().find(|verdict| verdict.snapshot == going[0].name).unwrap();
            assert!(verdict.because.starts_with(&format!("its copy in us-west-2 is {status}")), "{}", verdict.because);
        }
    }
}

#[tokio::test]
async fn what_may_be_on_its_way_to_a_region_that_is_silent_stays() {
    let catalog = Backups::of(40);
    *catalog.elsewhere.borrow_mut() = Err("us-west-2 does not answer");
    let (step, report) = cleaned_with(&catalog, event()).await;
    assert_eq!((step.step, report.deleted.len(), catalog.snapshots.borrow().len()), (Outcome::Done, 0, 40));
    assert!(report.verdicts.iter().any(|verdict| verdict.because.contains("copied to us-west-2 is not known")));
    // Where the plan copies nothing to, nothing is on its way.
    let (catalog, mut event) = (Backups::of(40), event());
    *catalog.elsewhere.borrow_mut() = Err("us-west-2 does not answer");
    event["region"]["cleanup"]["plan"]["backups"][0]["copies"] = serde_json::json!([{ "region": "us-east-1" }]);
    let (_, report) = cleaned_with(&catalog, event).await;
    assert!(!report.deleted.is_empty());
}

#[tokio::test]
async fn a_report_that_nobody_can_read_is_not_written_over_and_nothing_is_deleted() {
    let (_, report) = cleaned_with(&Backups::of(1), reported_only()).await;
    let key = domain::cleanup::report_key(&report.plan, &report.execution, &report.region);
    for text in ["", "[]", "{\"version\": 99}"] {
        let (store, catalog) = (Memory::default().with(&key, text), Backups::of(45));
        let failure = handle(&store, &catalog, "us-west-2", event()).await.err().unwrap();
        assert!(failure.name() == "InvalidInput" && failure.chain().contains(&key), "{}", failure.chain());
        assert_eq!((store.text(&key).as_deref(), catalog.snapshots.borrow().len()), (Some(text), 45));
    }
}

#[tokio::test]
async fn what_goes_of_a_cluster_is_deleted_as_a_cluster_s_and_an_instance_s_of_its_name_stays() {
    let catalog = Backups::of(40);
    for snapshot in catalog.snapshots.borrow_mut().iter_mut() {
        snapshot.kind = SnapshotKind::Cluster;
    }
    let names: BTreeSet<String> = catalog.snapshots.borrow().iter().map(|snapshot| snapshot.name.clone()).collect();
    let mut newest = Backups::of(3).snapshots.take();
    catalog.snapshots.borrow_mut().append(&mut newest);
    let (_, report) = cleaned_with(&catalog, event()).await;
    assert!(!report.deleted.is_empty() && report.deleted.iter().all(|verdict| verdict.kind == SnapshotKind::Cluster));
    let left = catalog.snapshots.borrow();
    assert_eq!(left.iter().filter(|snapshot| snapshot.kind == SnapshotKind::Instance).count(), 3);
    assert!(left.iter().all(|snapshot| names.contains(&snapshot.name)), "of the same names");
    assert_eq!(left.len(), 43 - report.deleted.len());
}

#[tokio::test]
async fn a_request_is_refused_before_anything_is_looked_at() {
    let store = Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let open: Value = serde_json::from_str(include_str!("../../../events/cleanup-open.json")).unwrap();
    for (pointer, value, says) in [
        ("plan", Value::from("other"), "no plan `other`"),
        ("apply", "yes".into(), "request: apply"),
        ("everything", true.into(), "everything"),
    ] {
        let mut event = open.clone();
        event["open"]["request"][pointer] = value;
        let failure = handle(&store, &Backups::of(0), "us-west-2", event).await.unwrap_err();
        assert!(failure.chain().contains(says), "{}", failure.chain());
    }
    let failure = handle(&store, &Backups::of(0), "us-east-1", open.clone()).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
    let Answer::Opened(step) = handle(&store, &Backups::of(0), "us-west-2", open).await.unwrap() else {
        panic!("not opened")
    };
    let run = step.did.unwrap();
    let regions: Vec<&str> = run.regions.iter().map(Region::as_str).collect();
    assert_eq!((run.apply, regions), (true, vec!["us-east-1", "us-west-2"]));
}

fn test_of_orders() -> Value {
    serde_json::from_str(include_str!("../../../events/cleanup-restored.json")).unwrap()
}

/// What the sample's run restored, as RDS shows it.
fn restored(status: &str, purpose: &str) -> SeenInstance {
    let run: RestoreRun = serde_json::from_value(test_of_orders()["restored"]["restore"].clone()).unwrap();
    let component: ComponentName = "orders".parse().unwrap();
    let chosen = restore::Chosen {
        origin: restore::Origin::PointInTime {
            instance: "orders-primary".parse().unwrap(),
            time: None,
            replicated: None,
        },
        data_until: now(),
        lsn: None,
    };
    let run = RestoreRun { purpose: serde_json::from_value(purpose.into()).unwrap(), ..run };
    SeenInstance {
        instance: run.instance(&component).unwrap(),
        status: status.into(),
        endpoint: None,
        provenance: Ok(restore::Provenance::of(&run, &component, &chosen, now())),
    }
}

async fn answered(catalog: &Backups, event: Value) -> Step<()> {
    match handle(&Memory::default(), catalog, "us-west-2", event).await.unwrap() {
        Answer::TornDown(step) => step,
        Answer::Opened(_) | Answer::Cleaned(_) => panic!("it was not a teardown"),
    }
}

#[tokio::test]
async fn a_test_s_instance_is_deleted_once_and_waited_for() {
    let catalog = Backups::of(0);
    for status in ["creating", "available", "deleting"] {
        *catalog.restored.borrow_mut() = vec![restored(status, "test")];
        assert_eq!(answered(&catalog, test_of_orders()).await.step, Outcome::Pending, "{status}");
        assert_eq!(catalog.restored.borrow()[0].status == "creating", status == "creating");
    }
    catalog.restored.borrow_mut().clear();
    assert_eq!(answered(&catalog, test_of_orders()).await.step, Outcome::Done, "it is gone");
}

#[tokio::test]
async fn what_this_test_did_not_make_is_not_deleted() {
    let kept = restored("available", "keep");
    let strange = SeenInstance { provenance: Err("it has no tag `lifeboat:plan`".into()), ..kept.clone() };
    for seen in [kept, strange] {
        let catalog = Backups { restored: RefCell::new(vec![seen]), ..Backups::of(0) };
        assert_eq!(answered(&catalog, test_of_orders()).await.step, Outcome::Refused);
        assert_eq!(catalog.restored.borrow()[0].status, "available");
    }
}

#[tokio::test]
async fn an_instance_that_a_dead_test_left_goes_and_no_other_does() {
    let gone = || Owner::gone("ABORTED");
    for (purpose, owner, goes) in [
        ("test", gone(), true),
        ("test", Owner::Running, false),
        ("test", Owner::Unknown("throttled".into()), false),
        ("keep", gone(), false),
    ] {
        let restored = RefCell::new(vec![restored("available", purpose)]);
        let catalog = Backups { restored, owner, ..Backups::of(1) };
        let (step, report) = cleaned_with(&catalog, event()).await;
        assert_eq!((step.step, report.torn_down.len()), (Outcome::Done, usize::from(goes)), "{purpose}: {report:#?}");
        assert_eq!(catalog.restored.borrow()[0].status == "deleting", goes);
        let (_, again) = cleaned_with(&catalog, event()).await;
        assert_eq!(again.restores.len(), usize::from(!goes), "one that is being deleted is no stray");
    }
}

#[tokio::test]
async fn a_dry_run_leaves_strays_and_names_them() {
    let restored = RefCell::new(vec![restored("available", "test")]);
    let catalog = Backups { restored, owner: Owner::gone("ABORTED"), ..Backups::of(1) };
    let (step, report) = cleaned_with(&catalog, reported_only()).await;
    assert_eq!((report.strays().count(), report.torn_down.len()), (1, 0));
    assert!(step.because.contains("1 restored instances as well"), "{}", step.because);
    assert_eq!(catalog.restored.borrow()[0].status, "available");
}

#[tokio::test]
async fn what_a_restore_is_being_made_of_is_spared() {
    let catalog = Backups::of(40);
    let (_, dry) = cleaned_with(&catalog, reported_only()).await;
    let going = dry.going().next().unwrap().snapshot.clone();
    for (status, spared) in [("creating", true), ("available", false)] {
        let mut of_it = restored(status, "test");
        of_it.provenance.as_mut().unwrap().from.clone_from(&going);
        *catalog.restored.borrow_mut() = vec![of_it];
        let (_, report) = cleaned_with(&catalog, reported_only()).await;
        assert_eq!(report.going().all(|verdict| verdict.snapshot != going), spared, "{status}");
    }
}
