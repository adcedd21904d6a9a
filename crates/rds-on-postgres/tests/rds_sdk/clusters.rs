//! Clusters, their snapshots and the copies of these.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbCluster, DbClusterSnapshot, Tag};
use rds_on_postgres::Rds;
use tokio_postgres::NoTls;

use crate::lab::{ACCOUNT, Lab, PASSWORD, PRIMARY, RECOVERY, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_s_snapshots_are_taken_copied_counted_and_deleted_apart_from_those_of_instances() {
    let lab = Lab::start().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    only_aurora_postgresql_is_served(&here).await;
    let cluster = create(&here).await;
    write_rows(&lab.rds, &cluster).await;
    let snapshot = take(&here).await;
    copy(&there, &snapshot).await;
    count(&lab, &here).await;
    nothing_of_it_is_an_instance_s(&here).await;
    refuse(&here, &there).await;
    delete(&here, &there).await;
    lab.end().await;
}

async fn only_aurora_postgresql_is_served(here: &Client) {
    for engine in ["docdb", "neptune", "aurora-mysql", "postgres"] {
        let request = here.create_db_cluster().db_cluster_identifier("other").engine(engine).master_username("app");
        let error = request.master_user_password(PASSWORD).send().await.unwrap_err();
        assert!(format!("{error:?}").contains(&format!("Invalid value {engine} for Engine")), "{error:?}");
    }
}

async fn create(here: &Client) -> DbCluster {
    let request = here
        .create_db_cluster()
        .db_cluster_identifier("Reports")
        .engine("aurora-postgresql")
        .master_username("app")
        .master_user_password(PASSWORD)
        .database_name("reports");
    let made = request.clone().send().await.unwrap().db_cluster.unwrap();
    assert_eq!((made.status(), made.endpoint()), (Some("creating"), None));
    assert_eq!(refusal(request.send().await), ("DBClusterAlreadyExistsFault".to_owned(), 400));
    let early = here.create_db_cluster_snapshot().db_cluster_identifier("reports");
    let early = early.db_cluster_snapshot_identifier("early").send().await;
    assert_eq!(refusal(early), ("InvalidDBClusterStateFault".to_owned(), 400));
    until("the cluster is available", async || {
        let cluster = describe(here).await;
        assert_ne!(cluster.status(), Some("failed"));
        (cluster.status() == Some("available")).then_some(cluster)
    })
    .await
}

async fn describe(here: &Client) -> DbCluster {
    let found = here.describe_db_clusters().db_cluster_identifier("reports").send().await.unwrap();
    found.db_clusters().first().unwrap().clone()
}

/// By its endpoint's name, as an application would.
async fn write_rows(rds: &Rds, cluster: &DbCluster) {
    assert_eq!(cluster.db_cluster_arn(), Some(format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:cluster:reports").as_str()));
    assert_eq!(cluster.engine(), Some("aurora-postgresql"));
    let address = rds.address(cluster.endpoint().unwrap()).unwrap();
    let port = u16::try_from(cluster.port().unwrap()).unwrap();
    let mut config = tokio_postgres::Config::new();
    config.hostaddr(address.into()).port(port).user("app").password(PASSWORD).dbname("reports");
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE sale (id int); INSERT INTO sale VALUES (1)").await.unwrap();
}

async fn available(rds: &Client, id: &str) -> DbClusterSnapshot {
    until(&format!("{id} is available"), async || {
        let found = rds.describe_db_cluster_snapshots().db_cluster_snapshot_identifier(id).send().await.unwrap();
        let snapshot = found.db_cluster_snapshots().first().unwrap().clone();
        assert_ne!(snapshot.status(), Some("failed"));
        (snapshot.status() == Some("available")).then_some(snapshot)
    })
    .await
}

async fn take(here: &Client) -> DbClusterSnapshot {
    let tag = Tag::builder().key("system").value("shop & co").build();
    let request = here.create_db_cluster_snapshot().db_cluster_identifier("reports").tags(tag);
    let request = request.db_cluster_snapshot_identifier("reports-1");
    request.clone().send().await.unwrap();
    assert_eq!(refusal(request.send().await), ("DBClusterSnapshotAlreadyExistsFault".to_owned(), 400));
    let snapshot = available(here, "reports-1").await;
    assert_eq!((snapshot.percent_progress(), snapshot.db_cluster_identifier()), (Some(100), Some("reports")));
    assert!(snapshot.source_db_cluster_snapshot_arn().is_none());
    until("the cluster is available again", async || {
        (describe(here).await.status() == Some("available")).then_some(())
    })
    .await;
    snapshot
}

async fn copy(there: &Client, snapshot: &DbClusterSnapshot) {
    let source = snapshot.db_cluster_snapshot_arn().unwrap();
    assert_eq!(source, format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:cluster-snapshot:reports-1"));
    let request = there.copy_db_cluster_snapshot().source_db_cluster_snapshot_identifier(source).copy_tags(true);
    let request = request.target_db_cluster_snapshot_identifier("reports-copy");
    let signed = |target: &str| {
        format!(
            "https://rds.{PRIMARY}.amazonaws.com/?Action=CopyDBClusterSnapshot&DestinationRegion={RECOVERY}\
             &SourceDBClusterSnapshotIdentifier={source}&TargetDBClusterSnapshotIdentifier={target}&X-Amz-Signature=00"
        )
    };
    let of_another = request.clone().pre_signed_url(signed("another")).send().await;
    assert_eq!(refusal(of_another), ("InvalidParameterValue".to_owned(), 400));
    request.pre_signed_url(signed("reports-copy")).send().await.unwrap();
    let copy = available(there, "reports-copy").await;
    assert_eq!(copy.source_db_cluster_snapshot_arn(), Some(source));
    assert_eq!(copy.tag_list()[0].value(), Some("shop & co"));
    assert!(copy.snapshot_create_time() > snapshot.snapshot_create_time(), "its own");
    let arn = copy.db_cluster_snapshot_arn().unwrap();
    let tag = Tag::builder().key("held").value("yes").build();
    there.add_tags_to_resource().resource_name(arn).tags(tag).send().await.unwrap();
    let tags = there.list_tags_for_resource().resource_name(arn).send().await.unwrap();
    assert_eq!(tags.tag_list().len(), 2);
}

async fn count(lab: &Lab, here: &Client) {
    let quota = async |name: &str| {
        let told = here.describe_account_attributes().send().await.unwrap();
        let quota =
            told.account_quotas().iter().find(|quota| quota.account_quota_name() == Some(name)).unwrap().clone();
        (quota.used(), quota.max())
    };
    assert_eq!(quota("ManualClusterSnapshots").await, (Some(1), Some(100)));
    assert_eq!(quota("ManualSnapshots").await, (Some(0), Some(100)));
    lab.rds.limit_cluster_snapshots(1);
    let more = here.create_db_cluster_snapshot().db_cluster_identifier("reports");
    let more = more.db_cluster_snapshot_identifier("reports-2").send().await;
    assert_eq!(refusal(more), ("SnapshotQuotaExceeded".to_owned(), 400));
}

async fn nothing_of_it_is_an_instance_s(here: &Client) {
    assert!(here.describe_db_instances().send().await.unwrap().db_instances().is_empty());
    assert!(here.describe_db_snapshots().send().await.unwrap().db_snapshots().is_empty());
    let taken = here.create_db_snapshot().db_instance_identifier("reports").db_snapshot_identifier("x").send().await;
    assert_eq!(refusal(taken), ("DBInstanceNotFound".to_owned(), 404));
    let all = here.describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
    assert_eq!(all.db_cluster_snapshots().len(), 1, "of this Region");
}

async fn refuse(here: &Client, there: &Client) {
    let unknown = here.describe_db_clusters().db_cluster_identifier("other").send().await;
    assert_eq!(refusal(unknown), ("DBClusterNotFoundFault".to_owned(), 404));
    let elsewhere = there.describe_db_clusters().db_cluster_identifier("reports").send().await;
    assert_eq!(refusal(elsewhere), ("DBClusterNotFoundFault".to_owned(), 404));
    let unknown = here.describe_db_cluster_snapshots().db_cluster_snapshot_identifier("other").send().await;
    assert_eq!(refusal(unknown), ("DBClusterSnapshotNotFoundFault".to_owned(), 404));
    let long = here.create_db_cluster_snapshot().db_cluster_identifier("reports");
    let long = long.db_cluster_snapshot_identifier("s".repeat(64)).send().await;
    assert_eq!(refusal(long), ("InvalidParameterValue".to_owned(), 400));
}

async fn delete(here: &Client, there: &Client) {
    here.delete_db_cluster_snapshot().db_cluster_snapshot_identifier("reports-1").send().await.unwrap();
    let gone = here.delete_db_cluster_snapshot().db_cluster_snapshot_identifier("reports-1").send().await;
    assert_eq!(refusal(gone), ("DBClusterSnapshotNotFoundFault".to_owned(), 404));
    assert_eq!(available(there, "reports-copy").await.status(), Some("available"), "the copy stays");
}
