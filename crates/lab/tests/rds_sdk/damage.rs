//! A backup that is there and cannot be read, and copies that do not arrive.

use aws_sdk_rds::Client;
use lab::rds::{Name, RdsError};
use tokio_postgres::error::SqlState;

use crate::lab::{ACCOUNT, Lab, PRIMARY, RECOVERY, available, snapshot_available};

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
