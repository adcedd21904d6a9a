use std::{cell::RefCell, collections::BTreeSet};

use domain::{
    backup::{BackupRun, Marks, Shot},
    step::Outcome,
};
use edge::shelf::fake::Memory;
use jiff::ToSpan;

use super::*;

/// A Region's daily backups, of which some cannot be deleted.
struct Estate {
    snapshots: RefCell<Vec<Snapshot>>,
    stuck: BTreeSet<String>,
}

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

impl Estate {
    fn of(days: i64) -> Self {
        let event: Value = serde_json::from_str(include_str!("../../../events/snapshot.json")).unwrap();
        let run: BackupRun = serde_json::from_value(event["backup"].clone()).unwrap();
        let of = |day: i64| {
            let taken_at = now() - (24 * day).hours();
            let run = BackupRun { scheduled_at: taken_at, ..run.clone() };
            let component = "orders".parse().unwrap();
            let shot = Shot {
                lsn: domain::wal::Lsn(7),
                database_time: taken_at,
                size_bytes: 7_500_000,
                version: "15.18".into(),
            };
            Snapshot {
                name: run.snapshot_name(&component),
                arn: String::new(),
                taken_at: Some(taken_at),
                status: "available".into(),
                percent: 100,
                allocated_gib: 20,
                encrypted: false,
                label: Ok(run.label(&component, shot)),
                marks: Marks { plan: Some("lab".into()), ..Marks::default() },
            }
        };
        Self { snapshots: RefCell::new((0..days).map(of).collect()), stuck: BTreeSet::new() }
    }
}

impl Snapshots for Estate {
    async fn list(&self, _: &Region, _: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        Ok(self.snapshots.borrow().clone())
    }

    async fn delete(&self, _: &Region, name: &str) -> Result<(), Failure> {
        if self.stuck.contains(name) {
            return Err(Failure::AwsRejected { what: format!("cannot delete `{name}`"), source: None });
        }
        self.snapshots.borrow_mut().retain(|snapshot| snapshot.name != name);
        Ok(())
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

async fn clean(shelf: &Memory, estate: &Estate, event: Value) -> Step<Cleaned> {
    match handle(shelf, estate, "us-west-2", event).await.unwrap() {
        Answer::Cleaned(step) => step,
        Answer::Opened(step) => panic!("{step:?}"),
    }
}

fn report(shelf: &Memory, key: &str) -> Report {
    serde_json::from_str(&shelf.text(key).unwrap()).unwrap()
}

#[tokio::test]
async fn what_nothing_keeps_goes_turn_by_turn_and_the_report_has_all_of_it() {
    let (shelf, estate) = (Memory::default(), Estate::of(100));
    let first = clean(&shelf, &estate, event()).await;
    assert_eq!(first.step, Outcome::Pending, "{}", first.because);
    let mut last = first;
    for _ in 0..10 {
        if last.step == Outcome::Done {
            break;
        }
        last = clean(&shelf, &estate, event()).await;
    }
    let told = last.did.unwrap();
    assert_eq!((told.there + told.deleted, told.going, told.failed), (100, 0, 0));
    assert_eq!(estate.snapshots.borrow().len(), told.there);
    let report = report(&shelf, &told.report);
    assert_eq!(report.deleted.len(), told.deleted);
    let reasons = report.verdicts.iter().chain(&report.deleted).map(|verdict| &verdict.because);
    assert!(reasons.into_iter().all(|because| !because.is_empty()), "every keep and every delete has its reason");
    let again = clean(&shelf, &estate, event()).await.did.unwrap();
    assert_eq!((again.there, again.deleted), (told.there, told.deleted), "there is nothing more to do");
}

#[tokio::test]
async fn what_was_deleted_by_a_turn_that_died_is_in_the_report() {
    let (shelf, estate) = (Memory::default(), Estate::of(45));
    let told = clean(&shelf, &estate, event()).await.did.unwrap();
    // As it was written before the first delete.
    let mut died = report(&shelf, &told.report);
    assert!(told.deleted > 1);
    died.verdicts.append(&mut died.deleted);
    let shelf = Memory::default().with(&told.report, &serde_json::to_string(&died).unwrap());
    let again = clean(&shelf, &estate, event()).await.did.unwrap();
    assert_eq!((again.deleted, report(&shelf, &told.report).deleted.len()), (told.deleted, told.deleted));
}

#[tokio::test]
async fn a_dry_run_names_what_would_go_and_deletes_nothing() {
    let (shelf, estate) = (Memory::default(), Estate::of(60));
    let step = clean(&shelf, &estate, reported_only()).await;
    let told = step.did.unwrap();
    assert!(step.step == Outcome::Done && told.going > 0 && told.deleted == 0, "{told:?}");
    assert_eq!(estate.snapshots.borrow().len(), 60);
    assert_eq!(report(&shelf, &told.report).going().count(), told.going);
}

#[tokio::test]
async fn one_that_cannot_be_deleted_is_named_and_keeps_none_of_the_others() {
    let dry = clean(&Memory::default(), &Estate::of(45), reported_only()).await.did.unwrap();
    let (shelf, mut estate) = (Memory::default(), Estate::of(45));
    estate.stuck = [estate.snapshots.borrow()[40].name.clone()].into();
    let step = clean(&shelf, &estate, event()).await;
    let told = step.did.unwrap();
    assert_eq!((step.step, told.failed, told.deleted), (Outcome::Done, 1, dry.going - 1));
    let report = report(&shelf, &told.report);
    assert!(estate.stuck.contains(&report.failed[0].snapshot));
    assert!(step.because.contains("1 could not be deleted"), "{}", step.because);
}

#[tokio::test]
async fn a_request_is_refused_before_anything_is_looked_at() {
    let shelf = Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let open: Value = serde_json::from_str(include_str!("../../../events/cleanup-open.json")).unwrap();
    for (pointer, value, says) in [
        ("plan", Value::from("other"), "no plan `other`"),
        ("apply", "yes".into(), "request: apply"),
        ("everything", true.into(), "everything"),
    ] {
        let mut event = open.clone();
        event["open"]["request"][pointer] = value;
        let failure = handle(&shelf, &Estate::of(0), "us-west-2", event).await.unwrap_err();
        assert!(failure.chain().contains(says), "{}", failure.chain());
    }
    let failure = handle(&shelf, &Estate::of(0), "us-east-1", open.clone()).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
    let Answer::Opened(step) = handle(&shelf, &Estate::of(0), "us-west-2", open).await.unwrap() else {
        panic!("not opened")
    };
    let run = step.did.unwrap();
    let regions: Vec<&str> = run.regions.iter().map(Region::as_str).collect();
    assert_eq!((run.apply, regions), (true, vec!["us-east-1", "us-west-2"]));
}
