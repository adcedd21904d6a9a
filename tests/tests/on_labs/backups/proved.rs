//! Backups as they are proved, restored, and found wanting.

use domain::{
    component::Side,
    plan_file,
    restore::{RestoreRecord, record_key},
    run::{outcome::UpkeepOutcome, verification::Finding},
    words::id::ExecutionArn,
};
use jiff::{Timestamp, ToSpan, Unit};
use lab::{
    gateway::{Caller, Fault, How, When},
    workload::orders::read_back,
};
use rds_on_postgres::Name;
use serde_json::{Value, json};
use tests::labs;

use super::world::{Ended, PATIENCE, Shown, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_proved_by_restoring_it_and_a_damaged_one_is_found() {
    let plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let (lab, _place) = labs::start(&plan, &Shown).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab: &lab, now: Timestamp::now().round(Unit::Second).unwrap() };
    world.nothing_is_proved_where_there_is_no_backup().await;
    world.back_up("first", world.at(2)).await.succeeded();
    world.a_test_proves_it_and_leaves_nothing_behind().await;
    world.a_restore_whose_answer_is_lost_is_asked_for_once().await;
    world.calls_that_fail_once_are_asked_again().await;
    world.an_integrity_check_restores_nothing().await;
    world.what_is_not_there_or_not_of_this_is_refused_and_nothing_is_made().await;
    world.a_restore_that_is_kept_stays_isolated_and_is_what_it_was().await;
    world.a_point_in_time_brings_back_what_was_deleted_by_mistake().await;
    world.a_damaged_backup_is_found_and_not_tagged().await;
    world.a_test_that_dies_leaves_an_instance_that_the_cleanup_finds().await;
    world.no_room_for_an_instance_is_told_before_it_is_asked_for().await;
    lab.shut_down().await;
}

impl World<'_> {
    pub(super) async fn prove(&self, name: &str, request: &Value) -> (Ended, Option<RestoreRecord>) {
        let execution: ExecutionArn = self.start_a("verify-backup", name, request).await.parse().unwrap();
        let ended = self.end(execution.as_str()).await;
        let key = record_key(&self.lab.system.plan.plan, &execution);
        let text = self.lab.system.object(&self.lab.aws, &key).await.unwrap();
        (ended, text.map(|text| serde_json::from_str(&text).unwrap()))
    }

    fn test() -> Value {
        json!({ "plan": "lab", "schedule": "daily", "purpose": "test", "wanted": "latest" })
    }

    /// The restored instances of both Regions.
    async fn restores(&self) -> Vec<String> {
        let regions = &self.lab.system.plan.regions;
        let mut names = Vec::new();
        for region in [&regions.primary, &regions.recovery] {
            let rds = self.rds(region);
            let there = rds.describe_db_instances().send().await.unwrap();
            let all = there.db_instances().iter().filter_map(|instance| instance.db_instance_identifier());
            names.extend(all.filter(|name| name.starts_with("lifeboat-restore-")).map(str::to_owned));
        }
        names
    }

    async fn verified(&self) -> usize {
        let snapshots = self.snapshots(&self.lab.system.plan.regions.recovery).await;
        let tagged = |key: Option<&str>| key == Some("lifeboat:verified-at");
        snapshots.iter().filter(|snapshot| snapshot.tag_list().iter().any(|tag| tagged(tag.key()))).count()
    }

    async fn nothing_is_proved_where_there_is_no_backup(&self) {
        let began = Timestamp::now();
        let (ended, record) = self.prove("none", &Self::test()).await;
        assert_eq!(ended.end, "VerifyBackupFailed", "{}", ended.cause);
        assert!(ended.cause.contains("`there is a backup` expected one that is available"), "{}", ended.cause);
        assert_eq!(record.unwrap().outcome, UpkeepOutcome::Failed);
        let told = self.lab.pager.notice(began, "a failed test", |told| told.subject.contains("restore test")).await;
        assert!(told.unwrap().subject.contains("FAILED"));
    }

    async fn a_test_proves_it_and_leaves_nothing_behind(&self) {
        let (ended, record) = self.prove("test", &Self::test()).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let record = record.unwrap();
        let part = &record.parts[0];
        let verified = part.part.verified.as_ref().unwrap();
        assert!(verified.tagged && verified.checks.len() == 4, "{verified:?}");
        assert!(part.restore_seconds.is_some_and(|took| took > 0.1), "{:?}", part.restore_seconds);
        assert!(part.recovery_point_seconds.is_some_and(|lost| lost > 0.1), "{:?}", part.recovery_point_seconds);
        assert_eq!((self.restores().await.len(), self.verified().await), (0, 1));
    }

    async fn calls_that_fail_once_are_asked_again(&self) {
        let faults = self.lab.aws.gateway.faults();
        let spoilt = [("rds", How::Throttled), ("s3", How::Throttled), ("lambda", How::Broken)];
        for (service, how) in spoilt {
            faults.set(&Fault::new(When::Before, how).of(service).first_of_each(1)).await.unwrap();
        }
        let (ended, record) = self.prove("throttled", &Self::test()).await;
        let spoiled: u32 = faults.in_force().await.unwrap().iter().map(|fault| fault.spoiled).sum();
        assert!(spoiled >= 8, "{spoiled} calls failed");
        faults.heal().await.unwrap();
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert!(record.unwrap().parts[0].part.verified.as_ref().unwrap().tagged);
        assert_eq!(self.restores().await.len(), 0);
    }

    async fn an_integrity_check_restores_nothing(&self) {
        let request = json!({ "plan": "lab", "schedule": "daily", "purpose": "integrity", "wanted": "latest" });
        let (ended, record) = self.prove("integrity", &request).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let part = record.unwrap().parts.remove(0).part;
        assert!(part.restored.is_none() && part.examined.is_some_and(|examined| examined.checks.len() == 5));
        let key = domain::backup::manifest_key(&"lab".parse().unwrap(), &"daily".parse().unwrap(), self.at(2));
        let whole = self.lab.system.object(&self.lab.aws, &key).await.unwrap().unwrap();
        self.lab
            .system
            .put_object(&self.lab.aws, &key, &whole.replace("\"encrypted\":false", "\"encrypted\":true"))
            .await
            .unwrap();
        let (ended, _) = self.prove("changed", &request).await;
        assert_eq!(ended.end, "VerifyBackupFailed");
        assert!(ended.cause.contains("the part of orders is not what its checksum says"), "{}", ended.cause);
        self.lab.system.put_object(&self.lab.aws, &key, &whole).await.unwrap();
    }

    async fn what_is_not_there_or_not_of_this_is_refused_and_nothing_is_made(&self) {
        let began = Timestamp::now();
        for (name, wanted, says) in [
            (
                "unknown",
                json!({ "backup": "lifeboat-lab-orders-daily-20200101t000000" }),
                "no backup `lifeboat-lab-orders-daily-20200101t000000`",
            ),
            ("no-day", json!({ "date": "2020-01-01" }), "no backup of 2020-01-01"),
            ("too-early", json!({ "time": "2020-01-01T00:00:00Z" }), "cannot be restored to 2020-01-01T00:00:00Z"),
            ("too-late", json!({ "time": began + 1.hour() }), "is in the future"),
        ] {
            let request =
                json!({ "plan": "lab", "component": "orders", "purpose": "keep", "wanted": wanted, "by": "anna" });
            let (ended, _) = self.prove(name, &request).await;
            assert_eq!(ended.end, "VerifyBackupRefused", "{name}: {}", ended.cause);
            assert!(ended.cause.contains(says), "{name}: {}", ended.cause);
        }
        assert_eq!(self.restores().await.len(), 0);
    }

    /// What a restored instance's database holds.
    async fn ids(&self, record: &RestoreRecord) -> Vec<i64> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let restored = record.parts[0].part.restored.as_ref().unwrap();
        let pair = &system.pair;
        let like = if restored.region == system.plan.regions.primary { &pair.primary } else { &pair.replica };
        assert_eq!(restored.security_group, like.fence_security_group, "isolated");
        let side = Side { instance: restored.instance.clone(), ..like.clone() };
        let session = system.owner_session(aws, &restored.region, &side).await.unwrap();
        read_back(&session, 0).await.unwrap()
    }

    async fn primary_ids(&self) -> Vec<i64> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let session = system.owner_session(aws, &system.plan.regions.primary, &system.pair.primary).await.unwrap();
        read_back(&session, 0).await.unwrap()
    }

    async fn delete_some(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let session = system.owner_session(aws, &system.plan.regions.primary, &system.pair.primary).await.unwrap();
        session.batch_execute("delete from orders where id <= 10").await.unwrap();
    }

    async fn let_go(&self, record: &RestoreRecord) {
        let restored = record.parts[0].part.restored.as_ref().unwrap();
        let rds = self.rds(&restored.region);
        let name = restored.instance.as_str();
        rds.modify_db_instance().db_instance_identifier(name).deletion_protection(false).send().await.unwrap();
        rds.delete_db_instance().db_instance_identifier(name).skip_final_snapshot(true).send().await.unwrap();
    }

    async fn a_restore_that_is_kept_stays_isolated_and_is_what_it_was(&self) {
        let before = self.primary_ids().await;
        let region = &self.lab.system.plan.regions.recovery;
        let rds = self.rds(region);
        // What RDS would not carry over by itself.
        let groups = rds.modify_db_instance().db_instance_identifier("orders-replica").apply_immediately(true);
        groups.db_parameter_group_name("orders-15").option_group_name("orders").send().await.unwrap();
        let day = self.at(2).to_zoned(jiff::tz::TimeZone::UTC).date();
        let request =
            json!({ "plan": "lab", "schedule": "daily", "purpose": "keep", "wanted": { "date": day }, "by": "anna" });
        let (ended, record) = self.prove("keep", &request).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let record = record.unwrap();
        assert_eq!(self.ids(&record).await, before);
        let name = record.parts[0].part.restored.as_ref().unwrap().instance.as_str();
        let there = rds.describe_db_instances().db_instance_identifier(name).send().await.unwrap();
        let there = &there.db_instances()[0];
        assert_eq!(there.db_parameter_groups()[0].db_parameter_group_name(), Some("orders-15"));
        assert_eq!(there.option_group_memberships()[0].option_group_name(), Some("orders"));
        assert_eq!((there.deletion_protection(), there.backup_retention_period()), (Some(true), Some(7)));
        // No cleanup takes it.
        let (cleaned, reports) = self.clean("kept", &json!({ "plan": "lab" })).await;
        assert_eq!(cleaned.end, "SUCCEEDED", "{}", cleaned.cause);
        assert!(reports[1].restores[0].stays, "{:?}", reports[1].restores);
        self.let_go(&record).await;
    }

    async fn a_point_in_time_brings_back_what_was_deleted_by_mistake(&self) {
        let before = self.primary_ids().await;
        // A whole second lies between what is wanted back and the mistake.
        let wanted = Timestamp::now()
            .round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil))
            .unwrap();
        while Timestamp::now() < wanted + 1.second() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.delete_some().await;
        assert_eq!(self.primary_ids().await.len(), before.len() - 10);
        self.archived(wanted).await;
        let request = json!({ "plan": "lab", "component": "orders", "purpose": "keep", "wanted": { "time": wanted }, "by": "anna" });
        let (ended, record) = self.prove("mistake", &request).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let record = record.unwrap();
        assert_eq!(self.ids(&record).await, before);
        self.let_go(&record).await;
    }

    /// Waits until the automated backups reach a time.
    async fn archived(&self, time: Timestamp) {
        let region = &self.lab.system.plan.regions.primary;
        let rds = self.rds(region);
        let began = std::time::Instant::now();
        loop {
            let told = rds.describe_db_instances().db_instance_identifier("orders-primary").send().await.unwrap();
            let latest = told.db_instances()[0].latest_restorable_time().map(|at| at.as_nanos());
            if latest.is_some_and(|latest| latest >= time.as_nanosecond()) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the log up to {time} is not archived");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn a_damaged_backup_is_found_and_not_tagged(&self) {
        self.back_up("second", self.at(1)).await.succeeded();
        let region = self.lab.system.plan.regions.recovery.as_str();
        let manifest = self.manifest(self.at(1)).await.unwrap();
        let name = manifest.parts[0].part.taken.as_ref().unwrap().snapshot.clone();
        self.lab.aws.rds.damage_snapshot(&Name::new(region, &name)).unwrap();
        let before = self.verified().await;
        let (ended, record) = self.prove("damaged", &Self::test()).await;
        assert_eq!(ended.end, "VerifyBackupFailed", "{}", ended.cause);
        let part = record.unwrap().parts.remove(0).part;
        let verified = part.verified.unwrap();
        let failed = verified
            .checks
            .iter()
            .filter(|check| matches!(&check.finding, Finding::Failed { got, .. } if got.contains("XX001")));
        assert!(failed.count() >= 1 && !verified.tagged, "{:?}", verified.checks);
        assert_eq!((self.verified().await, self.restores().await.len()), (before, 0));
    }

    async fn a_test_that_dies_leaves_an_instance_that_the_cleanup_finds(&self) {
        let execution = self.start_a("verify-backup", "dies", &Self::test()).await;
        let began = std::time::Instant::now();
        while self.restores().await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "nothing was restored");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let (_, reports) = self.clean("while-it-runs", &json!({ "plan": "lab" })).await;
        assert!(reports.iter().flat_map(|report| &report.restores).all(|stray| stray.stays), "{reports:#?}");
        self.states().stop_execution().execution_arn(&execution).send().await.unwrap();
        let (dry, reports) = self.clean("dry-stray", &json!({ "plan": "lab", "apply": false })).await;
        assert_eq!((dry.end.as_str(), reports[1].strays().count()), ("SUCCEEDED", 1), "{:#?}", reports[1].restores);
        let mut last = Vec::new();
        for turn in 0..20 {
            last = self.clean(&format!("stray-{turn}"), &json!({ "plan": "lab" })).await.1;
            if !last[1].torn_down.is_empty() {
                break;
            }
        }
        assert_eq!(last[1].torn_down.len(), 1, "{:#?}", last[1]);
        while !self.restores().await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "it is still there");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn no_room_for_an_instance_is_told_before_it_is_asked_for(&self) {
        let (began, before) = (Timestamp::now(), (self.how_many().await, self.verified().await));
        self.lab.aws.rds.limit_instances(1);
        let (ended, _) = self.prove("no-room", &Self::test()).await;
        assert_eq!(ended.end, "VerifyBackupFailed");
        assert!(ended.cause.contains("us-west-2 has 1 DB instances of 1"), "{}", ended.cause);
        let told = self.lab.pager.notice(began, "a proof without room", |told| told.subject.contains("FAILED")).await;
        let message = told.unwrap().message;
        assert!(message.contains("delete one, or have the quota raised"), "{message}");
        assert_eq!((self.how_many().await, self.verified().await), before, "no backup goes, nor what is known of it");
        self.lab.aws.rds.limit_instances(40);
    }

    async fn a_restore_whose_answer_is_lost_is_asked_for_once(&self) {
        let faults = self.lab.aws.gateway.faults();
        let fault = Fault::new(When::After, How::Killed).by(Caller::Function("lifeboat-restore".into())).first(1);
        faults.set(&fault.of("rds").operation("RestoreDBInstanceFromDBSnapshot")).await.unwrap();
        let (ended, record) = self.prove("killed", &Self::test()).await;
        faults.heal().await.unwrap();
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert!(record.unwrap().parts[0].part.verified.as_ref().unwrap().tagged);
        assert_eq!(self.restores().await.len(), 0, "asked for once, and torn down");
    }
}
