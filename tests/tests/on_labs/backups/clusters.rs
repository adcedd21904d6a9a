//! A cluster backed up beside the pair: taken, copied, looked at, and cleared away by the same retention.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbClusterSnapshot;
use domain::{
    backup::{Manifest, Taken, tag},
    component::SnapshotKind,
    plan_file,
    run::{outcome::UpkeepOutcome, verification::Finding},
    words::id::Region,
};
use jiff::{Timestamp, Unit};
use lab::gateway::{Caller, Fault, How, When};
use serde_json::json;
use tests::labs;

use super::world::{Shown, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_backed_up_beside_the_pair_and_neither_hides_the_other() {
    let mut plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let cluster =
        json!({ "kind": "cluster", "name": "reports", "engine": "aurora-postgresql", "primary": "reports-main" });
    plan.components.push(serde_json::from_value(cluster).unwrap());
    plan.backups[0].components.push("reports".parse().unwrap());
    // Few enough that some of a test's backups go.
    plan.backups[0].retention = serde_json::from_value(json!({ "last": 2, "floor": 1 })).unwrap();
    let (lab, _place) = labs::start(&plan, &Shown).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab: &lab, now: Timestamp::now().round(Unit::Second).unwrap() };
    world.both_are_taken_side_by_side_and_copied().await;
    world.the_same_time_again_takes_no_other_of_the_cluster().await;
    world.a_cluster_that_fails_does_not_hide_the_pair().await;
    world.a_pair_that_fails_does_not_hide_the_cluster().await;
    world.a_clusters_backup_is_looked_at_and_not_restored().await;
    world.what_no_retention_keeps_is_deleted_of_both_kinds().await;
    lab.shut_down().await;
}

impl World<'_> {
    async fn of_clusters(&self, region: &Region) -> Vec<DbClusterSnapshot> {
        let rds = self.rds(region);
        let found = rds.describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
        found.db_cluster_snapshots.unwrap_or_default()
    }

    /// How many there are of instances and of clusters, in the primary Region and in the recovery Region.
    async fn of_both(&self) -> [[usize; 2]; 2] {
        let regions = &self.lab.system.plan.regions;
        let mut counts = [[0; 2]; 2];
        for (count, region) in counts.iter_mut().zip([&regions.primary, &regions.recovery]) {
            *count = [self.snapshots(region).await.len(), self.of_clusters(region).await.len()];
        }
        counts
    }

    async fn both_are_taken_side_by_side_and_copied(&self) {
        let ended = self.back_up("both", self.at(1)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.of_both().await, [[1, 1], [1, 1]]);
        let manifest = self.manifest(self.at(1)).await.unwrap();
        assert_eq!((manifest.outcome, manifest.damaged().count()), (UpkeepOutcome::Complete, 0));
        let taken = part(&manifest, "reports").unwrap();
        assert_eq!(taken.of, SnapshotKind::Cluster.of("reports-main"));
        assert_eq!((taken.database.lsn, taken.database.size_bytes, taken.places.len()), (None, None, 2));
        let regions = &self.lab.system.plan.regions;
        for region in [&regions.primary, &regions.recovery] {
            let found = self.of_clusters(region).await.remove(0);
            assert_eq!(found.db_cluster_snapshot_identifier(), Some(taken.snapshot.as_str()));
            let tags: BTreeMap<&str, &str> =
                found.tag_list().iter().filter_map(|tag| Some((tag.key()?, tag.value()?))).collect();
            assert_eq!(tags.get(tag("component").as_str()), Some(&"reports"), "in {region}");
            assert_eq!(
                tags.get(tag("database-time").as_str()),
                Some(&taken.database.database_time.to_string().as_str())
            );
            assert!(!tags.contains_key(tag("size-bytes").as_str()), "what is not known has no tag");
        }
    }

    async fn the_same_time_again_takes_no_other_of_the_cluster(&self) {
        let before = self.manifest(self.at(1)).await.unwrap();
        let ended = self.back_up("both-again", self.at(1)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.of_both().await, [[1, 1], [1, 1]]);
        assert_eq!(part(&self.manifest(self.at(1)).await.unwrap(), "reports"), part(&before, "reports"));
    }

    async fn a_cluster_that_fails_does_not_hide_the_pair(&self) {
        self.lab.aws.rds.limit_cluster_snapshots(1);
        let ended = self.back_up("no-room", self.at(2)).await;
        assert_eq!(ended.end, "BackupPartial");
        assert!(
            ended.cause.contains("reports: us-east-1 has 1 manual cluster snapshots of 1"),
            "looked at before it is asked for: {}",
            ended.cause
        );
        let manifest = self.manifest(self.at(2)).await.unwrap();
        assert!(part(&manifest, "orders").is_some() && part(&manifest, "reports").is_none());
        self.lab.aws.rds.limit_cluster_snapshots(100);
        let ended = self.back_up("room", self.at(2)).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert_eq!(self.of_both().await, [[2, 2], [2, 2]]);
    }

    async fn a_pair_that_fails_does_not_hide_the_cluster(&self) {
        let faults = self.lab.aws.gateway.faults();
        let fault = Fault::new(When::Before, How::Denied).by(Caller::Function("lifeboat-snapshot".into()));
        faults.set(&fault.of("rds").operation("CreateDBSnapshot")).await.unwrap();
        let ended = self.back_up("denied", self.at(3)).await;
        faults.heal().await.unwrap();
        assert_eq!(ended.end, "BackupPartial");
        assert!(ended.cause.contains("orders: ") && !ended.cause.contains("reports: "), "{}", ended.cause);
        let manifest = self.manifest(self.at(3)).await.unwrap();
        assert!(part(&manifest, "orders").is_none() && part(&manifest, "reports").is_some());
        self.back_up("allowed", self.at(3)).await.succeeded();
    }

    async fn a_clusters_backup_is_looked_at_and_not_restored(&self) {
        let request = |purpose: &str| {
            json!({
                "plan": "lab", "schedule": "daily", "component": "reports", "purpose": purpose, "wanted": "latest",
            })
        };
        let (ended, record) = self.prove("look", &request("integrity")).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let examined = record.unwrap().parts.remove(0).part.examined.unwrap();
        assert!(examined.checks.iter().all(|check| check.finding == Finding::Passed), "{:?}", examined.checks);
        assert!(examined.chosen.unwrap().lsn.is_none());
        let (ended, _) = self.prove("restore", &request("test")).await;
        assert_eq!(ended.end, "VerifyBackupRefused");
        assert!(ended.cause.contains("restoring a cluster is not supported yet: `reports`"), "{}", ended.cause);
        let all = json!({ "plan": "lab", "schedule": "daily", "purpose": "test", "wanted": "latest" });
        let (ended, record) = self.prove("schedule", &all).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        let record = record.unwrap();
        let proved: Vec<&str> = record.parts.iter().map(|part| part.part.component.as_str()).collect();
        assert_eq!((proved, record.left_out.as_slice()), (vec!["orders"], &["reports".parse().unwrap()][..]));
        assert!(record.summary().contains("reports: left out"), "{}", record.summary());
    }

    /// The newest two of each kind stay, in each Region, and what no schedule made.
    async fn what_no_retention_keeps_is_deleted_of_both_kinds(&self) {
        let region = &self.lab.system.plan.regions.primary;
        let rds = self.rds(region);
        let theirs = rds.create_db_cluster_snapshot().db_cluster_identifier("reports-main");
        theirs.db_cluster_snapshot_identifier("theirs").send().await.unwrap();
        assert_eq!(self.of_both().await, [[3, 4], [3, 3]]);
        let (ended, reports) = self.clean("dry", &json!({ "plan": "lab", "apply": false })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        assert!(reports.iter().all(|report| report.going().count() == 2), "one of each kind");
        assert_eq!(self.of_both().await, [[3, 4], [3, 3]], "a dry run deletes nothing");
        let (ended, reports) = self.clean("both", &json!({ "plan": "lab" })).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        for report in &reports {
            let mut kinds: Vec<SnapshotKind> = report.deleted.iter().map(|verdict| verdict.kind).collect();
            kinds.sort();
            assert_eq!(kinds, [SnapshotKind::Instance, SnapshotKind::Cluster], "{}", report.region);
            // A copy's own time would say nothing: the first that was taken is the oldest in each Region.
            let first = self.at(1).strftime("%Y%m%dt%H%M%S").to_string();
            assert!(report.deleted.iter().all(|verdict| verdict.snapshot.ends_with(&first)), "{:#?}", report.deleted);
        }
        assert_eq!(self.of_both().await, [[2, 3], [2, 2]]);
    }
}

fn part(manifest: &Manifest, component: &str) -> Option<Taken> {
    manifest.part(&component.parse().unwrap()).and_then(|part| part.taken.clone())
}
