//! A backup that is there and cannot be read, and copies that do not arrive.

use aws_sdk_rds::Client;
use rds_on_postgres::{Name, RdsError};
use tokio_postgres::error::SqlState;

use crate::lab::{ACCOUNT, Lab, PRIMARY, RECOVERY, available, describe, refusal, snapshot_available, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_found_when_its_tables_are_read_and_its_copy_is_whole() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    let snapshot = Name::new(PRIMARY, "orders-1");
    assert!(matches!(lab.rds.damage_snapshot(&snapshot), Err(RdsError::NoSnapshot { .. })));
    take(&here, "orders-empty").await;
    let empty = lab.rds.damage_snapshot(&Name::new(PRIMARY, "orders-empty"));
    assert!(matches!(empty, Err(RdsError::NoTable { .. })), "{empty:?}");

    let app = lab.login(&orders).await.unwrap();
    app.batch_execute("CREATE TABLE sale (id int PRIMARY KEY)").await.unwrap();
    app.batch_execute("INSERT INTO sale SELECT generate_series(1, 10000)").await.unwrap();
    take(&here, "orders-1").await;
    copy(&there, "orders-1", "orders-copy").await;
    snapshot_available(&there, "orders-copy").await;
    lab.rds.damage_snapshot(&snapshot).unwrap();

    snapshot_available(&here, "orders-1").await;
    restore(&here, "orders-1").await;
    restore(&there, "orders-copy").await;
    let damaged = lab.login(&Name::new(PRIMARY, "restored")).await.unwrap();
    let read = damaged.query_one("SELECT sum(id) FROM sale", &[]).await;
    let said = read.expect_err("the table is damaged");
    assert_eq!(said.code(), Some(&SqlState::DATA_CORRUPTED), "{said:?}");
    assert_eq!(SqlState::DATA_CORRUPTED.code(), "XX001");
    assert_eq!(lab.number(&Name::new(RECOVERY, "restored"), "SELECT count(*) FROM sale").await, 10000);
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_is_shown_and_can_be_deleted() {
    let lab = Lab::start().await;
    lab.create_orders().await;
    let here = lab.client(PRIMARY);
    take(&here, "orders-1").await;
    lab.lose_control_file(&Name::new(PRIMARY, "orders-1"));
    let restore = here.restore_db_instance_from_db_snapshot().db_snapshot_identifier("orders-1");
    restore.db_instance_identifier("restored").send().await.unwrap();
    let delete = || here.delete_db_instance().db_instance_identifier("restored").skip_final_snapshot(true).send();
    assert_eq!(refusal(delete().await), ("InvalidDBInstanceState".to_owned(), 400), "it is being created");
    until("the restore failed", async || {
        let now = describe(&here, "restored").await;
        assert_ne!(now.db_instance_status(), Some("available"));
        (now.db_instance_status() == Some("failed")).then_some(())
    })
    .await;
    let restored = Name::new(PRIMARY, "restored");
    let trouble = lab.rds.instance(&restored).and_then(|instance| instance.trouble).unwrap();
    assert!(trouble.contains("did not start"), "{trouble}");
    delete().await.unwrap();
    until("it is gone", async || lab.rds.instance(&restored).is_none().then_some(())).await;
    lab.end().await;
}

/// Bytes a second: an empty server's base backup has more than 20 MB, so that its copy takes seconds.
const SLOW: u64 = 4_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_copy_tells_how_far_it_is_and_can_be_broken_off() {
    let lab = Lab::start().await;
    lab.create_orders().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    take(&here, "orders-1").await;
    take(&here, "orders-2").await;

    lab.rds.slow_copies(Some(SLOW));
    copy(&there, "orders-1", "interrupted").await;
    until("it is under way", async || (progress(&there, "interrupted").await.1 > 0).then_some(())).await;
    lab.rds.interrupt_copies();
    assert_eq!(progress(&there, "interrupted").await.0, "failed");
    there.delete_db_snapshot().db_snapshot_identifier("interrupted").send().await.unwrap();

    copy(&there, "orders-1", "slow").await;
    copy(&there, "orders-2", "orphaned").await;
    let (status, percent) = until("both are under way", async || {
        let (slow, orphaned) = (progress(&there, "slow").await, progress(&there, "orphaned").await);
        (slow.1 > 0 && orphaned.1 > 0).then_some(slow)
    })
    .await;
    assert!(status == "creating" && percent < 100, "{status} {percent}");
    here.delete_db_snapshot().db_snapshot_identifier("orders-2").send().await.unwrap();
    assert_eq!(progress(&there, "orphaned").await.0, "failed", "its source is gone");
    let from_failed = there.restore_db_instance_from_db_snapshot().db_snapshot_identifier("orphaned");
    let from_failed = from_failed.db_instance_identifier("restored").send().await;
    assert_eq!(refusal(from_failed), ("InvalidDBSnapshotState".to_owned(), 400));

    lab.rds.slow_copies(None);
    snapshot_available(&there, "slow").await;
    assert_eq!(progress(&there, "slow").await, ("available".to_owned(), 100));
    assert_eq!(progress(&there, "orphaned").await.0, "failed", "it stays so");
    restore(&there, "slow").await;
    lab.rds.slow_copies(Some(0));
    copy(&there, "orders-1", "standing").await;
    lab.rds.limit_copies(1);
    let source = format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:orders-1");
    let one_more = |rds: &Client| {
        let copy = rds.copy_db_snapshot().source_db_snapshot_identifier(&source);
        copy.target_db_snapshot_identifier("one-more").send()
    };
    assert_eq!(refusal(one_more(&there).await), ("SnapshotQuotaExceeded".to_owned(), 400));
    one_more(&here).await.expect("one within its Region is none of them");
    lab.end().await;
}

/// The snapshot's status, and how many percent of it are there.
async fn progress(rds: &Client, id: &str) -> (String, i32) {
    let shown = rds.describe_db_snapshots().db_snapshot_identifier(id).send().await.unwrap();
    let [snapshot] = shown.db_snapshots() else { panic!("one snapshot") };
    (snapshot.status().unwrap().to_owned(), snapshot.percent_progress().unwrap())
}

async fn take(here: &Client, id: &str) {
    here.create_db_snapshot().db_instance_identifier("orders").db_snapshot_identifier(id).send().await.unwrap();
    snapshot_available(here, id).await;
    available(here, "orders").await;
}

/// Asks for a copy of a snapshot of the primary Region.
async fn copy(rds: &Client, source: &str, id: &str) {
    let source = format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:{source}");
    let copy = rds.copy_db_snapshot().source_db_snapshot_identifier(source).target_db_snapshot_identifier(id);
    copy.send().await.unwrap();
}

async fn restore(rds: &Client, snapshot: &str) {
    let restore = rds.restore_db_instance_from_db_snapshot().db_snapshot_identifier(snapshot);
    restore.db_instance_identifier("restored").send().await.unwrap();
    available(rds, "restored").await;
}
