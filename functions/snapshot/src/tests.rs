use std::{cell::RefCell, collections::BTreeMap};

use domain::{
    backup::{self, Found, Label, Quota, Source},
    component::{SeenDatabase, SnapshotKind},
    run::step::Outcome,
    words::id::{KmsKeyId, Region},
};
use edge::{object_store::fake::Memory, snapshots::Acceptance};
use jiff::{Timestamp, ToSpan};

use super::*;

/// An account's snapshots, by Region; a snapshot that was begun is available when it is looked for next.
struct Account {
    snapshots: RefCell<BTreeMap<(SnapshotKind, String), Result<backup::Snapshot, String>>>,
    calls: RefCell<Vec<String>>,
    quota: Quota,
    answers: Acceptance,
    now: Timestamp,
}

impl Default for Account {
    fn default() -> Self {
        let quota = Quota { used: 3, most: 100 };
        let now = run().opened_at;
        Self { snapshots: RefCell::default(), calls: RefCell::default(), quota, answers: Acceptance::Begun, now }
    }
}

impl Account {
    fn with(self, region: &str, snapshot: Result<backup::Snapshot, String>) -> Self {
        self.snapshots.borrow_mut().insert((SnapshotKind::Instance, region.to_owned()), snapshot);
        self
    }

    fn calls(&self) -> Vec<String> {
        self.calls.take()
    }

    fn begin(&self, region: &Region, kind: SnapshotKind, name: &str, call: &str) -> Acceptance {
        self.calls.borrow_mut().push(format!("{call} {region}"));
        if self.answers == Acceptance::Begun {
            let component = if kind == SnapshotKind::Cluster { "reports" } else { "orders" };
            let label = Ok(run().label(&component.parse().unwrap(), database()));
            let snapshot = backup::Snapshot { kind, label, ..snapshot(region.as_str(), name, "available") };
            self.snapshots.borrow_mut().insert((kind, region.to_string()), Ok(snapshot));
        }
        self.answers
    }
}

impl Snapshots for Account {
    async fn find(&self, region: &Region, kind: SnapshotKind, _: &str) -> Found {
        let snapshot = self.snapshots.borrow().get(&(kind, region.to_string())).cloned().transpose();
        Found { region: region.clone(), snapshot }
    }

    async fn quota(&self, _: &Region, _: SnapshotKind) -> Result<Quota, Failure> {
        Ok(self.quota)
    }

    async fn database(&self, _: &Source<'_>) -> Result<SeenDatabase, Failure> {
        Ok(database())
    }

    async fn take(&self, source: &Source<'_>, name: &str, _: &Label) -> Result<Acceptance, Failure> {
        Ok(self.begin(source.region, source.kind(), name, "take"))
    }

    async fn copy(&self, of: &backup::Snapshot, to: &Region, _: Option<&KmsKeyId>) -> Result<Acceptance, Failure> {
        Ok(self.begin(to, of.kind, &of.name, "copy"))
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/snapshot.json")).unwrap()
}

fn run() -> BackupRun {
    serde_json::from_value(event()["backup"].clone()).unwrap()
}

fn database() -> SeenDatabase {
    SeenDatabase {
        lsn: Some(domain::words::wal::Lsn(7)),
        database_time: "2026-11-21T02:00:04.25Z".parse().unwrap(),
        size_bytes: Some(7_500_000),
        version: Some("15.18".into()),
    }
}

fn snapshot(region: &str, name: &str, status: &str) -> backup::Snapshot {
    backup::Snapshot {
        kind: SnapshotKind::Instance,
        name: name.to_owned(),
        taken_at: None,
        marks: backup::Marks::default(),
        arn: format!("arn:aws:rds:{region}:000000000000:snapshot:{name}"),
        status: status.into(),
        percent: 50,
        allocated_gib: Some(20),
        encrypted: false,
        of: None,
        carried: Vec::new(),
        label: Ok(run().label(&"orders".parse().unwrap(), database())),
    }
}

async fn ask(account: &Account) -> Step<Taken> {
    handle(&Memory::default(), account, event()).await.unwrap()
}

#[tokio::test]
async fn it_is_taken_once_copied_once_and_then_found() {
    let account = Account::default();
    for (call, outcome) in [
        ("take us-east-1", Outcome::Pending),
        ("copy us-west-2", Outcome::Pending),
        ("", Outcome::Done),
        ("", Outcome::Done),
    ] {
        let step = ask(&account).await;
        assert_eq!((account.calls().join(","), step.step), (call.to_owned(), outcome), "{}", step.because);
    }
    let taken = ask(&account).await.did.unwrap();
    let regions: Vec<&str> = taken.places.iter().map(|place| place.region.as_str()).collect();
    assert_eq!(regions, ["us-east-1", "us-west-2"]);
    assert_eq!((taken.missing.len(), taken.database), (0, database()), "as its tags say, not as the database is now");
}

/// The sample, of a plan that has a cluster as well.
fn of_a_cluster() -> Value {
    let mut event = event();
    let plan = &mut event["backup"]["plan"];
    let cluster = serde_json::json!({"kind": "cluster", "name": "reports", "engine": "docdb", "primary": "reports"});
    plan["components"].as_array_mut().unwrap().push(cluster);
    plan["backups"][0]["components"].as_array_mut().unwrap().push("reports".into());
    event["component"] = "reports".into();
    event
}

#[tokio::test]
async fn a_cluster_s_is_taken_beside_an_instance_s_of_the_same_name() {
    let account = Account::default()
        .with("us-east-1", Ok(snapshot("us-east-1", "x", "available")))
        .with("us-west-2", Ok(snapshot("us-west-2", "x", "available")));
    for call in ["take us-east-1", "copy us-west-2", ""] {
        let step = handle(&Memory::default(), &account, of_a_cluster()).await.unwrap();
        assert_eq!(account.calls().join(","), call, "{}", step.because);
    }
    let taken = handle(&Memory::default(), &account, of_a_cluster()).await.unwrap().did.unwrap();
    assert_eq!((taken.of, taken.places.len()), (SnapshotKind::Cluster.of("reports"), 2));
}

#[tokio::test]
async fn a_full_quota_of_cluster_snapshots_is_told_as_such() {
    let account = Account { quota: Quota { used: 100, most: 100 }, ..Account::default() };
    let step = handle(&Memory::default(), &account, of_a_cluster()).await.unwrap();
    assert_eq!((step.step, account.calls().len()), (Outcome::Refused, 0));
    assert!(step.because.contains("100 manual cluster snapshots"), "{}", step.because);
}

#[tokio::test]
async fn what_was_taken_elsewhere_before_a_failover_is_copied_and_not_taken_anew() {
    let account = Account::default().with("us-west-2", Ok(snapshot("us-west-2", "x", "available")));
    let late = Account { now: run().scheduled_at + 48.hours(), ..account };
    let mut event = event();
    event["backup"]["until"] = serde_json::json!(late.now + 1.hours());
    let ask = async || handle(&Memory::default(), &late, event.clone()).await.unwrap();
    assert_eq!(ask().await.step, Outcome::Pending);
    assert_eq!(late.calls(), ["copy us-east-1"], "what was taken is copied however late");
    let step = ask().await;
    assert_eq!((step.step, step.did.unwrap().places.len()), (Outcome::Done, 2));
}

#[tokio::test]
async fn one_that_is_being_made_elsewhere_is_waited_for() {
    let account = Account::default().with("us-west-2", Ok(snapshot("us-west-2", "x", "creating")));
    assert_eq!((ask(&account).await.step, account.calls().len()), (Outcome::Pending, 0));
}

#[tokio::test]
async fn the_side_that_takes_writes_now_is_backed_up_and_none_while_it_is_moved() {
    let holder = |phase: &str| {
        let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a";
        serde_json::json!({ "execution": execution, "phase": phase, "since": run().opened_at })
    };
    let (none, promoting) = (Value::Null, holder("promoting"));
    for (active, holder, unfinished, calls, says) in [
        ("primary", &none, &none, &["take us-east-1"][..], "RDS takes"),
        ("primary", &holder("opened"), &none, &["take us-east-1"], "RDS takes"),
        ("replica", &none, &none, &["take us-west-2"], "of `orders-replica`"),
        ("replica", &none, &promoting, &["take us-west-2"], "of `orders-replica`"),
        ("primary", &promoting, &none, &[], "`a` is moving the primary"),
        ("primary", &none, &promoting, &[], "which side takes writes is not known"),
    ] {
        let lease = serde_json::json!({
            "plan": "lab", "generation": 1, "holder": holder, "active": active, "last": null, "unfinished": unfinished,
        });
        let store = Memory::default().with("leases/lab.json", &lease.to_string());
        let account = Account::default();
        let step = handle(&store, &account, event()).await.unwrap();
        assert_eq!(
            (step.step, account.calls().as_slice()),
            (Outcome::Pending, calls.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice())
        );
        assert!(step.because.contains(says), "{}", step.because);
    }
}

#[tokio::test]
async fn a_plan_that_copies_to_one_side_only_is_looked_for_on_both() {
    let mut event = event();
    event["backup"]["plan"]["backups"][0]["copies"] = serde_json::json!([{ "region": "us-west-2" }]);
    event["backup"]["active"]["lab"] = "replica".into();
    let account = Account::default().with("us-east-1", Ok(snapshot("us-east-1", "x", "available")));
    handle(&Memory::default(), &account, event).await.unwrap();
    assert_eq!(account.calls(), ["copy us-west-2"], "and not taken anew");
}

#[tokio::test]
async fn one_elsewhere_that_is_silent_or_no_backup_keeps_none_from_being_taken() {
    for elsewhere in [Err("timed out".to_owned()), Ok(snapshot("us-west-2", "x", "failed"))] {
        let account = Account::default().with("us-west-2", elsewhere);
        assert_eq!(ask(&account).await.step, Outcome::Pending);
        assert_eq!(account.calls(), ["take us-east-1"]);
    }
}

#[tokio::test]
async fn other_data_by_the_same_name_is_no_copy() {
    let mut other = snapshot("us-west-2", "x", "available");
    let database = SeenDatabase { lsn: Some(domain::words::wal::Lsn(6)), ..database() };
    other.label = Ok(run().label(&"orders".parse().unwrap(), database));
    let account =
        Account::default().with("us-east-1", Ok(snapshot("us-east-1", "x", "available"))).with("us-west-2", Ok(other));
    let step = ask(&account).await;
    let taken = step.did.unwrap();
    assert_eq!((taken.places.len(), taken.missing.len()), (1, 1));
    assert!(step.because.contains("log at 0/6, not data of"), "{}", step.because);
}

#[tokio::test]
async fn another_series_backup_of_the_same_name_is_not_taken_for_this_one() {
    let mut other = snapshot("us-east-1", "x", "available");
    other.label = Ok(run().label(&"orders-db".parse().unwrap(), database()));
    let account = Account::default().with("us-east-1", Ok(other));
    let step = ask(&account).await;
    assert_eq!((step.step, account.calls().len()), (Outcome::Refused, 0));
    assert!(step.because.contains("it is of `orders-db`"), "{}", step.because);
}

#[tokio::test]
async fn none_is_taken_a_day_late() {
    let account = Account { now: run().scheduled_at + 25.hours(), ..Account::default() };
    let step = ask(&account).await;
    assert_eq!((step.step, account.calls().len()), (Outcome::Refused, 0));
    assert!(step.because.contains("a backup taken now is not one of that time"), "{}", step.because);
}

#[tokio::test]
async fn what_is_being_made_is_waited_for() {
    let account = Account::default().with("us-east-1", Ok(snapshot("us-east-1", "x", "creating")));
    let step = ask(&account).await;
    assert_eq!((step.step, account.calls().len()), (Outcome::Pending, 0));
    assert!(step.because.contains("50 percent"), "{}", step.because);
}

#[tokio::test]
async fn what_is_not_there_once_the_run_s_time_is_over_is_lacking_and_nothing_is_begun_any_more() {
    for (there, taken, says) in [
        (vec![("us-east-1", "available"), ("us-west-2", "copying")], Some((1, 1)), "us-west-2: copying, 50 percent"),
        (vec![("us-east-1", "available"), ("us-west-2", "available")], Some((2, 0)), "is in us-east-1, us-west-2"),
        (vec![("us-east-1", "creating")], None, "us-east-1: creating, 50 percent"),
        (vec![], None, "it was not begun"),
    ] {
        let with =
            |account: Account, (region, status): &(&str, &str)| account.with(region, Ok(snapshot(region, "x", status)));
        let account = there.iter().fold(Account { now: run().until, ..Account::default() }, with);
        let step = ask(&account).await;
        assert!(step.because.contains(says), "{}", step.because);
        let is_whole = taken == Some((2, 0));
        assert_eq!(step.step, if is_whole { Outcome::Done } else { Outcome::Refused });
        assert_eq!(step.because.starts_with("not finished within 26h: "), !is_whole, "{}", step.because);
        assert_eq!(step.did.map(|taken| (taken.places.len(), taken.missing.len())), taken);
        assert_eq!(account.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_full_quota_is_looked_at_before_the_call() {
    let account = Account { quota: Quota { used: 100, most: 100 }, ..Account::default() };
    let step = ask(&account).await;
    assert_eq!((step.step, account.calls().len()), (Outcome::Refused, 0));
    assert!(step.because.contains("100 manual snapshots"), "{}", step.because);
}

#[tokio::test]
async fn a_busy_instance_and_a_quota_that_another_took_are_asked_again() {
    for answers in [Acceptance::Busy, Acceptance::NoRoom] {
        let account = Account { answers, ..Account::default() };
        for _ in 0..2 {
            assert_eq!(ask(&account).await.step, Outcome::Pending, "{answers:?}");
        }
        assert_eq!(account.calls(), ["take us-east-1", "take us-east-1"]);
    }
}

#[tokio::test]
async fn a_copy_that_cannot_be_had_is_named_and_what_there_is_counts() {
    let account = Account::default()
        .with("us-east-1", Ok(snapshot("us-east-1", "x", "available")))
        .with("us-west-2", Ok(snapshot("us-west-2", "x", "failed")));
    let step = ask(&account).await;
    let taken = step.did.unwrap();
    assert_eq!((step.step, taken.places.len()), (Outcome::Done, 1));
    assert_eq!(taken.missing[0].region.as_str(), "us-west-2");
}

#[tokio::test]
async fn a_silent_destination_is_asked_again_and_what_there_is_is_told() {
    let account = Account::default()
        .with("us-east-1", Ok(snapshot("us-east-1", "x", "available")))
        .with("us-west-2", Err("timed out".into()));
    let step = ask(&account).await;
    assert_eq!((step.step, step.did.unwrap().places.len()), (Outcome::Pending, 1));
    assert!(step.because.contains("timed out"), "{}", step.because);
}

#[tokio::test]
async fn another_component_is_refused_by_name() {
    let mut other = event();
    other["component"] = "customers".into();
    assert_eq!(handle(&Memory::default(), &Account::default(), other).await.unwrap_err().name(), "InvalidInput");
}
