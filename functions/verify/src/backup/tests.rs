use domain::{
    backup::{BackupRun, Marks, Part, PartTurn},
    component::SeenDatabase,
    run::step::Outcome,
    words::wal::Lsn,
};
use edge::object_store::fake::Memory;

use super::*;

/// Regions that hold the same backups, or do not answer.
struct Regions {
    snapshots: Vec<Snapshot>,
    elsewhere: Result<(), String>,
    window: Option<Window>,
    replicated: Option<Replicated>,
}

impl Backups for Regions {
    async fn list(&self, _: &Region, _: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        Ok(self.snapshots.clone())
    }

    async fn find(&self, region: &Region, _: SnapshotKind, name: &str) -> Found {
        let found = || self.snapshots.iter().find(|snapshot| snapshot.name == name).cloned();
        Found { region: region.clone(), snapshot: self.elsewhere.clone().map(|()| found()) }
    }

    async fn window(&self, _: &Region, instance: &InstanceId) -> Result<Option<Window>, Failure> {
        assert_eq!(instance.as_str(), "orders-primary", "the one that takes writes");
        Ok(self.window)
    }

    async fn replicated(
        &self,
        region: &Region,
        from: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Replicated>, Failure> {
        assert_eq!((region.as_str(), from.as_str(), instance.as_str()), ("us-west-2", "us-east-1", "orders-primary"));
        Ok(self.replicated.clone())
    }
}

fn now() -> Timestamp {
    "2026-11-21T06:00:00Z".parse().unwrap()
}

fn parts(event: &Value) -> Vec<Part> {
    let turns: Vec<PartTurn> = serde_json::from_value(event["backup"]["parts"].clone()).unwrap();
    turns.into_iter().map(Part::from).collect()
}

/// The backup that the sample manifest is of, as RDS shows it.
fn regions() -> Regions {
    let event: Value = serde_json::from_str(include_str!("../../../../events/close-backup.json")).unwrap();
    let run: BackupRun = serde_json::from_value(event["backup"]["backup"].clone()).unwrap();
    let taken = parts(&event).remove(0).taken.unwrap();
    let database: SeenDatabase = taken.database.clone();
    let snapshot = Snapshot {
        kind: SnapshotKind::Instance,
        name: taken.snapshot,
        arn: taken.places[0].arn.clone(),
        taken_at: Some(database.database_time),
        status: "available".into(),
        percent: 100,
        allocated_gib: Some(20),
        encrypted: false,
        of: None,
        carried: Vec::new(),
        label: Ok(run.label(&"orders".parse().unwrap(), database)),
        marks: Marks { plan: Some("lab".into()), ..Marks::default() },
    };
    Regions { snapshots: vec![snapshot], elsewhere: Ok(()), window: None, replicated: None }
}

fn store() -> Memory {
    let event: Value = serde_json::from_str(include_str!("../../../../events/close-backup.json")).unwrap();
    let run: BackupRun = serde_json::from_value(event["backup"]["backup"].clone()).unwrap();
    let manifest = Manifest::assemble(&run, parts(&event), now());
    Memory::default().with(&run.manifest_key(), &serde_json::to_string(&manifest).unwrap())
}

async fn examined(
    regions: &Regions,
    store: &Memory,
    change: impl FnOnce(&mut Value),
) -> Result<Step<Examined>, Failure> {
    let mut event: Value = serde_json::from_str(include_str!("../../../../events/verify-backup.json")).unwrap();
    change(&mut event["backup"]);
    verify(regions, store, serde_json::from_value(event["backup"].clone()).unwrap(), now()).await
}

#[tokio::test]
async fn a_whole_backup_is_found_and_chosen() {
    let step = examined(&regions(), &store(), |_| ()).await.unwrap();
    assert_eq!(step.step, Outcome::Done, "{}", step.because);
    let examined = step.did.unwrap();
    assert!(verification::sum_up(&examined.checks) == Verification::Passed, "{:#?}", examined.checks);
    assert!(examined.chosen.unwrap().lsn.unwrap() > Lsn(0));
}

#[tokio::test]
async fn a_fault_is_told_and_what_can_be_restored_is_chosen_all_the_same() {
    let step = examined(&regions(), &Memory::default(), |_| ()).await.unwrap();
    assert!(step.because.contains("the backup was not finished"), "{}", step.because);
    assert!(step.did.unwrap().chosen.is_some());
    let none = Regions { snapshots: Vec::new(), ..regions() };
    let step = examined(&none, &store(), |_| ()).await.unwrap();
    assert!((step.step, step.did.unwrap().chosen) == (Outcome::Done, None), "{}", step.because);
}

#[tokio::test]
async fn a_manifest_that_nobody_wrote_so_is_a_fault_of_the_backup_and_no_error() {
    let event: Value = serde_json::from_str(include_str!("../../../../events/close-backup.json")).unwrap();
    let key = serde_json::from_value::<BackupRun>(event["backup"]["backup"].clone()).unwrap().manifest_key();
    let mut many: Value = serde_json::from_str(&store().text(&key).unwrap()).unwrap();
    let places = many.pointer_mut("/parts/0/part/taken/places").unwrap().as_array_mut().unwrap();
    *places = vec![places[0].clone(); MOST_PLACES + 1];
    let deep = "[".repeat(100_000);
    for (text, says) in [
        ("", key.clone()),
        ("null", key.clone()),
        ("{\"version\": 1}", key.clone()),
        (deep.as_str(), key.clone()),
        (&many.to_string(), "more than 50 places".to_owned()),
    ] {
        let step = examined(&regions(), &Memory::default().with(&key, text), |_| ()).await.unwrap();
        assert_eq!(step.step, Outcome::Done);
        assert!(step.because.contains(&says), "{}", step.because);
        let examined = step.did.unwrap();
        assert!(examined.chosen.is_some(), "the snapshot may be good all the same");
        assert!(examined.checks.iter().all(|check| !check.name.ends_with("as well")), "nowhere else is asked");
    }
}

#[tokio::test]
async fn a_region_that_is_silent_is_asked_again() {
    let silent = Regions { elsewhere: Err("timed out".into()), ..regions() };
    assert_eq!(examined(&silent, &store(), |_| ()).await.unwrap().step, Outcome::Pending);
}

#[tokio::test]
async fn a_point_in_time_is_looked_for_at_the_instance_that_takes_writes() {
    let window =
        Window { earliest: "2026-11-20T00:00:00Z".parse().unwrap(), latest: "2026-11-21T05:59:00Z".parse().unwrap() };
    let backed_up = Regions { window: Some(window), ..regions() };
    let wanting = |time: &'static str| {
        move |event: &mut Value| {
            event["restore"]["wanted"] = serde_json::json!({ "time": time });
            event["restore"]["region"] = "us-east-1".into();
        }
    };
    let step = examined(&backed_up, &store(), wanting("2026-11-21T05:00:00Z")).await.unwrap();
    assert_eq!(step.did.unwrap().chosen.unwrap().data_until.to_string(), "2026-11-21T05:00:00Z");
    for (regions, says) in [(&backed_up, "reach from"), (&regions(), "no automated backups")] {
        let why = examined(regions, &store(), wanting("2026-11-21T05:59:30Z")).await.unwrap_err();
        assert!(why.name() == "NotFound" && why.chain().contains(says), "{}", why.chain());
    }
}

#[tokio::test]
async fn a_point_in_time_of_a_region_that_is_gone_is_in_the_other_one() {
    let window =
        Window { earliest: "2026-11-20T00:00:00Z".parse().unwrap(), latest: "2026-11-21T05:55:00Z".parse().unwrap() };
    let arn = "arn:aws:rds:us-west-2:000000000000:auto-backup:ab-1".to_owned();
    let replicated =
        |window| Some(Replicated { arn: arn.clone(), status: "replicating".into(), retention_days: 7, window });
    let asks = |event: &mut Value| {
        event["restore"]["wanted"] = "latestTime".into();
        event["restore"]["purpose"] = "keep".into();
        event["restore"]["region"] = "us-west-2".into();
        let log = serde_json::json!({
            "name": "log", "schedule": "continuous", "components": ["orders"], "copies": [{"region": "us-west-2"}]
        });
        event["restore"]["plan"]["backups"].as_array_mut().unwrap().push(log);
        event["restore"]["plan"]["components"][0]["pointInTime"] = "7d".into();
    };
    let there = Regions { replicated: replicated(Some(window)), ..regions() };
    let chosen = examined(&there, &store(), asks).await.unwrap().did.unwrap().chosen.unwrap();
    let restore::Origin::PointInTime { replicated: of, time: None, .. } = chosen.origin else { panic!("{chosen:?}") };
    assert_eq!((of, chosen.data_until), (Some(arn.clone()), window.latest));
    for nothing in [None, replicated(None)] {
        let none = Regions { replicated: nothing, ..regions() };
        let failure = examined(&none, &store(), asks).await.unwrap_err();
        assert!(failure.chain().contains("start it with lifeboat plan apply"), "{}", failure.chain());
    }
}
