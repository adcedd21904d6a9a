//! Snapshots, their copies, and what is restored from them and from the archive.

use aws_sdk_rds::Client;
use aws_sdk_rds::error::SdkError;
use aws_sdk_rds::operation::restore_db_instance_to_point_in_time::{
    RestoreDBInstanceToPointInTimeError as NotRestored, RestoreDbInstanceToPointInTimeOutput as Restored,
};
use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::Tag;
use rds_on_postgres::Name;

use crate::lab::{ACCOUNT, Lab, PRIMARY, RECOVERY, available, describe, refusal, snapshot_available, status, until};

#[tokio::test(flavor = "multi_thread")]
async fn rows_survive_in_snapshots_copies_and_points_in_time() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    let app = lab.login(&orders).await.unwrap();
    app.batch_execute("CREATE TABLE sale (id int); INSERT INTO sale VALUES (1)").await.unwrap();

    copy_to_recovery(&here, &there).await;
    app.batch_execute("INSERT INTO sale VALUES (2)").await.unwrap();
    let between = database_time(&app).await;
    app.batch_execute("DELETE FROM sale").await.unwrap();

    let after = database_time(&app).await;
    let first = earliest(&here).await;

    restore_copy(&there).await;
    restore_point(&here, "orders-point", between).await;
    restore_point(&here, "orders-after", after).await;
    ask_for_point(&here, "orders-first", first).await.unwrap();
    let copy = Name::new(RECOVERY, "orders-restored");
    available(&there, "orders-restored").await;
    assert_eq!(lab.number(&copy, "SELECT count(*) FROM sale").await, 1);
    let point = Name::new(PRIMARY, "orders-point");
    available(&here, "orders-point").await;
    assert_eq!(lab.number(&point, "SELECT count(*) FROM sale").await, 2, "before the deletion");
    let after = Name::new(PRIMARY, "orders-after");
    available(&here, "orders-after").await;
    assert_eq!(lab.number(&after, "SELECT count(*) FROM sale").await, 0, "nothing was committed since");

    let first = Name::new(PRIMARY, "orders-first");
    available(&here, "orders-first").await;
    assert_eq!(lab.number(&first, "SELECT count(*) FROM pg_tables WHERE tablename = 'sale'").await, 0, "not yet");

    stop_start_reboot(&here, &lab, &point).await;
    delete(&here, &there).await;
    lab.end().await;
}

async fn copy_to_recovery(here: &Client, there: &Client) {
    let tag = Tag::builder().key("system").value("shop & co").build();
    let create = here.create_db_snapshot().db_instance_identifier("orders").db_snapshot_identifier("orders-1");
    create.tags(tag).send().await.unwrap();
    let snapshot = snapshot_available(here, "orders-1").await;
    assert_eq!(snapshot.percent_progress(), Some(100));
    let source = snapshot.db_snapshot_arn().unwrap();
    assert_eq!(source, format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:orders-1"));
    let copy = there.copy_db_snapshot().source_db_snapshot_identifier(source).copy_tags(true);
    copy.target_db_snapshot_identifier("orders-copy").send().await.unwrap();
    let copy = snapshot_available(there, "orders-copy").await;
    assert_eq!(copy.source_region(), Some(PRIMARY));
    assert_eq!(copy.tag_list()[0].value(), Some("shop & co"));
    assert_eq!(copy.original_snapshot_create_time(), snapshot.snapshot_create_time());
}

async fn restore_copy(there: &Client) {
    let restore = there.restore_db_instance_from_db_snapshot().db_snapshot_identifier("orders-copy");
    restore.db_instance_identifier("orders-restored").send().await.unwrap();
}

async fn restore_point(here: &Client, target: &str, point: DateTime) {
    let ask = |time: DateTime| ask_for_point(here, target, time);
    let tomorrow = DateTime::from_secs(point.secs() + 86_400);
    let yesterday = DateTime::from_secs(point.secs() - 86_400);
    for beyond in [tomorrow, yesterday] {
        assert_eq!(refusal(ask(beyond).await), ("InvalidParameterValue".to_owned(), 400));
    }
    until("the archive reaches the point", async || {
        let latest = describe(here, "orders").await.latest_restorable_time().copied();
        latest.filter(|latest| *latest >= point)
    })
    .await;
    ask(point).await.unwrap();
}

async fn ask_for_point(here: &Client, target: &str, time: DateTime) -> Result<Restored, SdkError<NotRestored>> {
    let request = here.restore_db_instance_to_point_in_time().source_db_instance_identifier("orders");
    request.target_db_instance_identifier(target).restore_time(time).send().await
}

/// The earliest time that `orders` can be restored to, as its automated backup shows it.
async fn earliest(here: &Client) -> DateTime {
    let orders = describe(here, "orders").await;
    let shown = here.describe_db_instance_automated_backups().dbi_resource_id(orders.dbi_resource_id().unwrap());
    let shown = shown.send().await.unwrap();
    let [backup] = shown.db_instance_automated_backups() else { panic!("one automated backup") };
    assert_eq!((backup.db_instance_identifier(), backup.region()), (Some("orders"), Some(PRIMARY)));
    assert_eq!((backup.status(), backup.backup_retention_period()), (Some("active"), Some(1)));
    let window = backup.restore_window().unwrap();
    assert!(window.latest_time() >= window.earliest_time());
    assert!(window.latest_time() <= describe(here, "orders").await.latest_restorable_time());
    *window.earliest_time().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_keeps_no_automated_backups_takes_none() {
    let lab = Lab::start().await;
    lab.create_orders().await;
    let here = lab.client(PRIMARY);
    here.create_db_snapshot().db_instance_identifier("orders").db_snapshot_identifier("orders-1").send().await.unwrap();
    snapshot_available(&here, "orders-1").await;
    let restore = here.restore_db_instance_from_db_snapshot().db_snapshot_identifier("orders-1");
    restore.db_instance_identifier("bare").backup_retention_period(0).send().await.unwrap();
    until("bare serves", async || {
        let now = describe(&here, "bare").await;
        assert_ne!(now.db_instance_status(), Some("backing-up"));
        (now.db_instance_status() == Some("available")).then_some(())
    })
    .await;
    let taken = here.describe_db_snapshots().db_instance_identifier("bare").send().await.unwrap();
    assert!(taken.db_snapshots().is_empty());
    let backup = here.describe_db_instance_automated_backups().db_instance_identifier("bare").send().await;
    assert_eq!(refusal(backup), ("DBInstanceAutomatedBackupNotFound".to_owned(), 404));
    let all = here.describe_db_instance_automated_backups().send().await.unwrap();
    assert_eq!(all.db_instance_automated_backups().len(), 1, "that of orders");
    let by_arn = here.describe_db_instance_automated_backups().db_instance_automated_backups_arn("arn").send().await;
    assert_eq!(refusal(by_arn), ("InvalidParameterValue".to_owned(), 400));
    lab.end().await;
}

async fn stop_start_reboot(here: &Client, lab: &Lab, point: &Name) {
    here.stop_db_instance().db_instance_identifier("orders-point").send().await.unwrap();
    status(here, "orders-point", "stopped").await;
    assert!(lab.login(point).await.is_err());
    let again = here.stop_db_instance().db_instance_identifier("orders-point").send().await;
    assert_eq!(refusal(again), ("InvalidDBInstanceState".to_owned(), 400));
    here.start_db_instance().db_instance_identifier("orders-point").send().await.unwrap();
    available(here, "orders-point").await;
    here.reboot_db_instance().db_instance_identifier("orders-point").send().await.unwrap();
    available(here, "orders-point").await;
    assert_eq!(lab.number(point, "SELECT count(*) FROM sale").await, 2);
}

async fn delete(here: &Client, there: &Client) {
    let automated =
        || here.describe_db_snapshots().db_instance_identifier("orders-point").snapshot_type("automated").send();
    assert_eq!(automated().await.unwrap().db_snapshots().len(), 1);
    let last = here.delete_db_instance().db_instance_identifier("orders-point");
    last.final_db_snapshot_identifier("orders-last").send().await.unwrap();
    until("the instance is gone", async || {
        here.describe_db_instances().db_instance_identifier("orders-point").send().await.err()
    })
    .await;
    snapshot_available(here, "orders-last").await;
    assert!(automated().await.unwrap().db_snapshots().is_empty(), "they go with their instance");
    there.delete_db_snapshot().db_snapshot_identifier("orders-copy").send().await.unwrap();
    let gone = there.describe_db_snapshots().db_snapshot_identifier("orders-copy").send().await;
    assert_eq!(refusal(gone), ("DBSnapshotNotFound".to_owned(), 404));
}

/// The time by the database's clock, to the millisecond as the API writes it, past all commits.
async fn database_time(app: &tokio_postgres::Client) -> DateTime {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_sleep(0.005)";
    DateTime::from_millis(app.query_one(query, &[]).await.unwrap().get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_in_time_is_restored_in_the_other_region_once_the_first_is_gone() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    let arn = format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:orders");
    let start = || there.start_db_instance_automated_backups_replication().source_db_instance_arn(&arn);
    start().backup_retention_period(3).send().await.unwrap();
    let twice = start().send().await;
    assert_eq!(refusal(twice), ("InvalidDBInstanceAutomatedBackupState".to_owned(), 400));

    let app = lab.login(&orders).await.unwrap();
    app.batch_execute("CREATE TABLE sale (id int); INSERT INTO sale VALUES (1)").await.unwrap();
    let between = database_time(&app).await;
    app.batch_execute("DELETE FROM sale").await.unwrap();
    let after = database_time(&app).await;
    until("the other Region has what was archived", async || {
        replicated(&there).await.1.filter(|latest| *latest >= after)
    })
    .await;
    let to = describe(&here, "orders").await;
    let to = to.db_instance_automated_backups_replications()[0].db_instance_automated_backups_arn().map(str::to_owned);
    lab.rds.kill(&orders).await.unwrap();

    let (name, latest) = replicated(&there).await;
    assert_eq!((to.as_ref(), latest.is_some()), (Some(&name), true), "its own Region names the same");
    let restore = |target: &str| {
        let request = there.restore_db_instance_to_point_in_time().source_db_instance_automated_backups_arn(&name);
        request.target_db_instance_identifier(target)
    };
    restore("orders-between").restore_time(between).send().await.unwrap();
    restore("orders-latest").use_latest_restorable_time(true).send().await.unwrap();
    for (instance, rows) in [("orders-between", 1), ("orders-latest", 0)] {
        available(&there, instance).await;
        let restored = Name::new(RECOVERY, instance);
        assert_eq!(lab.number(&restored, "SELECT count(*) FROM sale").await, rows, "{instance}");
    }

    there.stop_db_instance_automated_backups_replication().source_db_instance_arn(&arn).send().await.unwrap();
    there.delete_db_instance_automated_backup().db_instance_automated_backups_arn(&name).send().await.unwrap();
    let left = there.describe_db_instance_automated_backups().db_instance_automated_backups_arn(&name).send().await;
    assert_eq!(refusal(left).0, "DBInstanceAutomatedBackupNotFound");
    lab.end().await;
}

/// What the other Region has of `orders`: its ARN, and up to when it reaches.
async fn replicated(there: &Client) -> (String, Option<DateTime>) {
    let shown = there.describe_db_instance_automated_backups().send().await.unwrap();
    let of = shown.db_instance_automated_backups().iter().find(|of| of.region() == Some(PRIMARY)).unwrap();
    assert_eq!((of.db_instance_identifier(), of.backup_retention_period()), (Some("orders"), Some(3)));
    let latest = of.restore_window().and_then(|window| window.latest_time().copied());
    assert_eq!(of.status(), Some(if latest.is_some() { "replicating" } else { "creating" }));
    (of.db_instance_automated_backups_arn().unwrap().to_owned(), latest)
}
