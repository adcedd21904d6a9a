//! Backups as they are taken, completed, listed and cleared away.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aws_sdk_rds::types::DbSnapshot;
use domain::{
    backup::{Manifest, Taken},
    component::Side,
    plan_file,
    run::outcome::UpkeepOutcome,
    synth::Place,
};
use jiff::{Timestamp, Unit};
use lab::{
    deploy::{Package, Target},
    gateway::{Caller, Fault, How, When},
    workload::orders::read_back,
};
use rds_on_postgres::{Name, Status};
use serde_json::json;
use tests::labs;

use super::world::{PATIENCE, Shown, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_or_says_what_it_lacks_and_can_be_completed() {
    let mut plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    // Few enough that some of a test's backups go.
    plan.backups[0].retention = serde_json::from_value(json!({ "last": 2, "floor": 1 })).unwrap();
    let (lab, _place) = labs::start(&plan, &Shown).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab: &lab, now: Timestamp::now().round(Unit::Second).unwrap() };
    let whole = world.a_whole_one_is_in_each_region_with_its_manifest().await;
    world.the_same_time_again_takes_nothing_more(&whole).await;
    world.what_is_changed_later_is_not_in_it(&whole).await;
    world.a_full_quota_is_told_before_anything_is_asked_for().await;
    world.a_copy_waits_for_its_turn_and_nothing_goes_meanwhile().await;
    world.a_copy_that_is_denied_leaves_it_partial_until_it_is_completed().await;
    world.a_run_that_died_half_way_is_gone_on_with().await;
    world.a_wrong_request_begins_nothing().await;
    world.a_dry_run_deletes_nothing_and_names_what_would_go().await;
    world.a_region_that_is_denied_keeps_the_other_from_nothing().await;
    world.what_nothing_keeps_is_deleted_and_nothing_else().await;
    world.what_was_lost_is_copied_back_and_not_taken_anew().await;
    world.what_somebody_copied_takes_no_backups_place().await;
    world.what_is_gone_is_not_called_whole().await;
    world.a_schedule_of_the_plans_stack_starts_a_backup().await;
    lab.shut_down().await;
}

impl World<'_> {
    async fn a_whole_one_is_in_each_region_with_its_manifest(&self) -> Taken {
        let ended = self.back_up("whole", self.at(1)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.how_many().await, [1, 1]);
        let manifest = self.manifest(self.at(1)).await.unwrap();
        assert_eq!((manifest.outcome, manifest.damaged().count()), (UpkeepOutcome::Complete, 0));
        let taken = manifest.parts[0].part.taken.clone().unwrap();
        assert_eq!((taken.of.to_string().as_str(), taken.places.len()), ("orders-primary", 2));
        assert!(taken.database.size_bytes > Some(1_000_000), "{:?}", taken.database);
        let regions = &self.lab.system.plan.regions;
        for region in [&regions.primary, &regions.recovery] {
            let found = self.snapshots(region).await;
            let tag = |key: &str| {
                found[0]
                    .tag_list()
                    .iter()
                    .find(|tag| tag.key() == Some(key))
                    .and_then(|tag| tag.value())
                    .map(str::to_owned)
            };
            assert_eq!(found[0].db_snapshot_identifier(), Some(taken.snapshot.as_str()));
            assert_eq!(tag("lifeboat:lsn"), taken.database.lsn.map(|lsn| lsn.to_string()), "in {region} as well");
        }
        taken
    }

    async fn the_same_time_again_takes_nothing_more(&self, whole: &Taken) {
        let ended = self.back_up("whole-again", self.at(1)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.how_many().await, [1, 1]);
        let manifest = self.manifest(self.at(1)).await.unwrap();
        assert_eq!(manifest.parts[0].part.taken.as_ref(), Some(whole));
    }

    /// Deletes rows, restores the recovery Region's copy by RDS itself, and counts.
    async fn what_is_changed_later_is_not_in_it(&self, whole: &Taken) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let regions = &system.plan.regions;
        let primary = system.owner_session(aws, &regions.primary, &system.pair.primary).await.unwrap();
        let before = read_back(&primary, 0).await.unwrap().len();
        primary.batch_execute("delete from orders where id <= 10").await.unwrap();
        assert_eq!(read_back(&primary, 0).await.unwrap().len(), before - 10);
        let rds = self.rds(&regions.recovery);
        let restore = rds.restore_db_instance_from_db_snapshot().db_snapshot_identifier(&whole.snapshot);
        restore.db_instance_identifier("restored").send().await.unwrap();
        let restored = Side { instance: "restored".parse().unwrap(), ..system.pair.replica.clone() };
        let name = Name::new(regions.recovery.as_str(), "restored");
        let began = Instant::now();
        while aws.rds.instance(&name).is_none_or(|found| found.status != Status::Available) {
            assert!(began.elapsed() < PATIENCE, "the restored instance is not available");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let restored = system.owner_session(aws, &regions.recovery, &restored).await.unwrap();
        assert_eq!(read_back(&restored, 0).await.unwrap().len(), before);
    }

    async fn a_full_quota_is_told_before_anything_is_asked_for(&self) {
        let before = self.how_many().await;
        self.lab.aws.rds.limit_snapshots(1);
        let began = Timestamp::now();
        let ended = self.back_up("no-room", self.at(2)).await;
        assert_eq!(ended.end, "BackupFailed");
        assert!(ended.cause.contains("us-east-1 has 1 manual snapshots of 1"), "{}", ended.cause);
        let told =
            self.lab.pager.notice(began, "a failed backup", |told| told.subject.contains("FAILED")).await.unwrap();
        assert!(told.message.contains("1 manual snapshots of 1") && told.message.contains("--at"), "{}", told.message);
        assert_eq!(self.how_many().await, before);
        assert_eq!(self.manifest(self.at(2)).await.unwrap().outcome, UpkeepOutcome::Failed);
        let (ended, reports) = self.clean("full", &json!({ "plan": "lab" })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert!(
            reports.iter().all(|report| report.deleted.is_empty()),
            "the last one makes room for none: {reports:#?}"
        );
        self.lab.aws.rds.limit_snapshots(100);
    }

    /// The same backup, with room for it and none for its copy.
    async fn a_copy_waits_for_its_turn_and_nothing_goes_meanwhile(&self) {
        let (rds, faults) = (&self.lab.aws.rds, self.lab.aws.gateway.faults());
        let before = self.how_many().await;
        rds.limit_copies(0);
        faults.forget_calls().await.unwrap();
        let request = json!({ "plan": "lab", "schedule": "daily", "scheduledAt": self.at(2) });
        let execution = self.start("no-turn", &request).await;
        let began = Instant::now();
        while !faults.calls().await.unwrap().iter().any(|call| call.operation == "CopyDBSnapshot") {
            assert!(began.elapsed() < PATIENCE, "no copy was asked for");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (ended, reports) = self.clean("no-turn", &json!({ "plan": "lab" })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert!(reports.iter().all(|report| report.deleted.is_empty()), "{reports:#?}");
        assert_eq!(self.how_many().await, [before[0] + 1, before[1]], "taken, and not copied yet");
        rds.limit_copies(20);
        let ended = self.end(&execution).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.how_many().await, before.map(|count| count + 1));
    }

    async fn a_copy_that_is_denied_leaves_it_partial_until_it_is_completed(&self) {
        let faults = self.lab.aws.gateway.faults();
        let fault = Fault::new(When::Before, How::Denied).by(Caller::Function("lifeboat-snapshot".into()));
        faults.set(&fault.of("rds").operation("CopyDBSnapshot")).await.unwrap();
        let ended = self.back_up("no-copy", self.at(3)).await;
        assert_eq!(ended.end, "BackupPartial");
        assert!(ended.cause.contains("orders: cannot copy snapshot"), "{}", ended.cause);
        let taken = self.manifest(self.at(3)).await.unwrap().parts.remove(0).part.taken.unwrap();
        assert_eq!((taken.places.len(), taken.missing[0].region.as_str()), (1, "us-west-2"));
        faults.heal().await.unwrap();
        let ended = self.back_up("with-copy", self.at(3)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let manifest = self.manifest(self.at(3)).await.unwrap();
        assert_eq!(manifest.outcome, UpkeepOutcome::Complete, "the better manifest replaces the poorer one");
        assert_eq!(
            manifest.parts[0].part.taken.as_ref().unwrap().database,
            taken.database,
            "what was there was not taken anew"
        );
    }

    async fn a_run_that_died_half_way_is_gone_on_with(&self) {
        let before = self.how_many().await;
        let faults = self.lab.aws.gateway.faults();
        let fault = Fault::new(When::After, How::Killed).by(Caller::Function("lifeboat-snapshot".into())).first(1);
        faults.set(&fault.of("rds").operation("CreateDBSnapshot")).await.unwrap();
        let began = Timestamp::now();
        let request = json!({ "plan": "lab", "schedule": "daily", "scheduledAt": self.at(4) });
        let execution = self.start("dies", &request).await;
        while self.how_many().await[0] == before[0] {
            assert!(Timestamp::now().duration_since(began).as_secs() < 60, "no snapshot was asked for");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.states().stop_execution().execution_arn(&execution).send().await.unwrap();
        let told = self.lab.pager.notice(began, "a backup that died", |told| told.subject.contains("ABORTED")).await;
        assert!(told.unwrap().subject.contains("backup"), "told as what it was");
        faults.heal().await.unwrap();
        let ended = self.back_up("goes-on", self.at(4)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.how_many().await, before.map(|count| count + 1), "taken once");
    }

    async fn a_wrong_request_begins_nothing(&self) {
        let before = self.how_many().await;
        for (name, request, says) in [
            ("no-schedule", json!({ "plan": "lab", "schedule": "hourly" }), "it has: daily"),
            ("no-plan", json!({ "plan": "other", "schedule": "daily" }), "no plan `other`"),
            ("no-object", json!("lab"), "request"),
            ("nothing", json!({}), "is missing"),
        ] {
            let ended = self.end(&self.start(name, &request).await).await;
            assert_eq!(ended.end, "BackupRefused", "{name}: {}", ended.cause);
            assert!(ended.cause.contains(says), "{name}: {}", ended.cause);
        }
        assert_eq!(self.how_many().await, before);
    }

    async fn a_dry_run_deletes_nothing_and_names_what_would_go(&self) {
        for minutes in 5..8 {
            self.back_up(&format!("one-more-{minutes}"), self.at(minutes)).await.succeeded();
        }
        let before = self.how_many().await;
        let (ended, reports) = self.clean("dry", &json!({ "plan": "lab", "apply": false })).await;
        assert_eq!((ended.end.as_str(), reports.len()), ("SUCCEEDED", 2), "{}", ended.cause);
        for (report, there) in reports.iter().zip(before) {
            assert_eq!((report.verdicts.len(), report.deleted.len()), (there, 0), "{}", report.region);
            assert_eq!(report.going().count(), there - 2, "{:#?}", report.verdicts);
        }
        assert_eq!(self.how_many().await, before);
    }

    async fn a_region_that_is_denied_keeps_the_other_from_nothing(&self) {
        let faults = self.lab.aws.gateway.faults();
        let fault = Fault::new(When::Before, How::Denied).by(Caller::Function("lifeboat-cleanup".into()));
        faults.set(&fault.of("rds").operation("DescribeDBSnapshots").in_region("us-east-1")).await.unwrap();
        let began = Timestamp::now();
        let (ended, reports) = self.clean("denied", &json!({ "plan": "lab", "apply": false })).await;
        assert_eq!(ended.end, "CleanupPartial");
        assert!(ended.cause.contains("us-east-1") && ended.cause.contains("us-west-2: "), "{}", ended.cause);
        assert_eq!(reports.iter().map(|report| report.region.as_str()).collect::<Vec<_>>(), ["us-west-2"]);
        let told = self.lab.pager.notice(began, "an incomplete cleanup", |told| told.subject.contains("cleanup")).await;
        assert!(told.unwrap().subject.contains("INCOMPLETE"));
        faults.heal().await.unwrap();
    }

    /// One on hold, one verified, one that no schedule made: they stay, with the newest two.
    async fn what_nothing_keeps_is_deleted_and_nothing_else(&self) {
        let region = &self.lab.system.plan.regions.primary;
        let rds = self.rds(region);
        let strange =
            rds.create_db_snapshot().db_instance_identifier("orders-primary").db_snapshot_identifier("theirs");
        strange.send().await.unwrap();
        let mut ours = self.snapshots(region).await;
        ours.retain(|snapshot| snapshot.db_snapshot_identifier() != Some("theirs"));
        ours.sort_by_key(|snapshot| snapshot.snapshot_create_time().copied());
        for (snapshot, key, value) in
            [(&ours[0], "lifeboat:hold", "case 7"), (&ours[1], "lifeboat:verified-at", "2026-11-21T02:00:00Z")]
        {
            let tag = aws_sdk_rds::types::Tag::builder().key(key).value(value).build();
            let arn = snapshot.db_snapshot_arn().unwrap();
            rds.add_tags_to_resource().resource_name(arn).tags(tag).send().await.unwrap();
        }
        let named = |snapshot: &DbSnapshot| snapshot.db_snapshot_identifier().unwrap_or_default().to_owned();
        let newest = &ours[ours.len() - 2..];
        let mut expected: Vec<String> = ours[..2].iter().chain(newest).map(named).chain(["theirs".into()]).collect();
        expected.sort();

        let (ended, reports) = self.clean("apply", &json!({ "plan": "lab" })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let mut left: Vec<String> = self.snapshots(region).await.iter().map(named).collect();
        left.sort();
        assert_eq!(left, expected, "{:#?}", reports[0].verdicts);
        assert_eq!(reports[0].deleted.len(), ours.len() - 4);
        assert_eq!(
            (reports[1].verdicts.len(), self.how_many().await[1]),
            (2, 2),
            "in the other Region nothing is held"
        );

        let (ended, reports) = self.clean("again", &json!({ "plan": "lab", "apply": true, "by": "anna" })).await;
        assert_eq!((ended.end.as_str(), reports[0].deleted.len()), ("SUCCEEDED", 0), "there is nothing more to do");
    }

    async fn what_was_lost_is_copied_back_and_not_taken_anew(&self) {
        self.back_up("fresh", self.at(8)).await.succeeded();
        let (before, regions) = (self.how_many().await, &self.lab.system.plan.regions);
        let taken = self.manifest(self.at(8)).await.unwrap().parts[0].part.taken.clone().unwrap();
        let lost = self.rds(&regions.primary).delete_db_snapshot().db_snapshot_identifier(&taken.snapshot);
        lost.send().await.unwrap();
        let ended = self.back_up("copied-back", self.at(8)).await;
        assert_eq!((ended.end.as_str(), self.how_many().await), ("SUCCEEDED", before), "{}", ended.cause);
        let back = self.snapshots(&regions.primary).await;
        let back = back.iter().find(|found| found.db_snapshot_identifier() == Some(&taken.snapshot)).unwrap();
        assert!(back.source_db_snapshot_identifier().is_some_and(|source| source.contains("us-west-2")), "{back:?}");
    }

    /// Under names that come before ours, and with all our tags.
    async fn what_somebody_copied_takes_no_backups_place(&self) {
        let region = &self.lab.system.plan.regions.recovery;
        let (rds, before) = (self.rds(region), self.snapshots(region).await);
        for (mine, of) in ["a-copy-of-mine", "lifeboat-lab-a-copy"].iter().zip(before.iter().rev()) {
            let copy = rds.copy_db_snapshot().copy_tags(true).target_db_snapshot_identifier(*mine);
            copy.source_db_snapshot_identifier(of.db_snapshot_arn().unwrap()).send().await.unwrap();
        }
        let (ended, reports) = self.clean("copied", &json!({ "plan": "lab" })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let strange = reports[1].verdicts.iter().filter(|verdict| verdict.because.contains("its tags are those of"));
        assert_eq!(strange.filter(|verdict| verdict.stays).count(), 2, "{:#?}", reports[1]);
        let ours = reports[1].verdicts.iter().filter(|verdict| verdict.component.is_some() && verdict.stays);
        assert_eq!(ours.count(), 2, "the newest two are kept: {:#?}", reports[1]);
    }

    async fn what_is_gone_is_not_called_whole(&self) {
        let taken = self.manifest(self.at(8)).await.unwrap().parts[0].part.taken.clone().unwrap();
        let regions = &self.lab.system.plan.regions;
        for region in [&regions.primary, &regions.recovery] {
            let delete = self.rds(region).delete_db_snapshot().db_snapshot_identifier(&taken.snapshot).send().await;
            // The cleanup may have taken it in one.
            let there = self.snapshots(region).await;
            assert!(there.iter().all(|found| found.db_snapshot_identifier() != Some(&taken.snapshot)), "{delete:?}");
        }
        let strange = self.rds(&regions.primary);
        let strange = strange.create_db_snapshot().db_instance_identifier("orders-primary");
        strange.db_snapshot_identifier(&taken.snapshot).send().await.unwrap();
        let ended = self.back_up("gone", self.at(8)).await;
        assert_eq!(ended.end, "BackupFailed", "whatever the manifest says: {}", ended.cause);
        assert!(ended.cause.contains("is not a backup of ours"), "{}", ended.cause);
    }

    /// Deploys the plan's own stack, with a schedule that is due at once.
    async fn a_schedule_of_the_plans_stack_starts_a_backup(&self) {
        let (aws, mut plan) = (&self.lab.aws, self.lab.system.whole.clone());
        plan.backups[0].schedule = "rate(1 minute)".parse().unwrap();
        let file = aws.folder.join("schedules.json");
        std::fs::write(&file, format!("{:#}", domain::synth::synth(&plan, Place::Recovery).unwrap())).unwrap();
        let package = Package::gather(&file, &aws.folder, &|name| panic!("{name}: it has no function")).unwrap();
        let target = Target {
            region: plan.regions.recovery.to_string(),
            stack: domain::synth::stack_name(&plan.plan),
            parameters: BTreeMap::new(),
        };
        let before = self.manifests().await.len();
        package.deploy(&aws.gateway, &[target]).await.unwrap();
        let began = Instant::now();
        while self.manifests().await.len() == before {
            assert!(began.elapsed() < PATIENCE, "the schedule started no backup");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let manifests = self.manifests().await;
        let newest = manifests.iter().max().unwrap();
        let text = self.lab.system.object(aws, newest).await.unwrap().unwrap();
        let manifest: Manifest = serde_json::from_str(&text).unwrap();
        assert!(manifest.scheduled_at >= self.now, "for the schedule's own time: {newest}");
    }
}
