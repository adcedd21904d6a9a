//! Replicas, the death of a host, promotion, and fencing by security groups.

use std::time::Instant;

use crate::lab::{Lab, LoginError, PRIMARY, RECOVERY, available, describe, until};

use aws_sdk_rds::Client;
use rds_on_postgres::Name;

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_in_another_region_takes_over_and_the_old_primary_returns_fenced() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let replica = lab.create_replica().await;
    let app = lab.login(&orders).await.unwrap();
    app.batch_execute("CREATE TABLE sale (id int); INSERT INTO sale SELECT generate_series(1, 1000)").await.unwrap();
    until("the rows reached the replica", async || has_rows(&lab, &replica, 1000).await.then_some(())).await;
    let seen = describe(&lab.client(RECOVERY), "orders-replica").await;
    assert_eq!(
        seen.read_replica_source_db_instance_identifier(),
        Some("arn:aws:rds:eu-central-1:000000000000:db:orders")
    );
    assert_eq!(seen.status_infos()[0].status(), Some("replicating"));

    lab.rds.kill(&orders).await.unwrap();
    assert!(lab.login(&orders).await.is_err(), "the host is dead");
    let dead = describe(&lab.client(PRIMARY), "orders").await;
    assert_eq!(dead.db_instance_status(), Some("available"), "the service does not know yet");

    let took = promote(&lab.client(RECOVERY), &lab, &replica).await;
    eprintln!("promotion, from the request to the first write: {} ms", took.as_millis());
    fence(&lab.client(PRIMARY)).await;

    lab.rds.restart_after_kill(&orders).await.unwrap();
    let Err(LoginError::Refused(refused)) = lab.login(&orders).await else { panic!("the old primary is not fenced") };
    let said = refused.as_db_error().expect("the server's own word").message();
    assert!(said.starts_with("pg_hba.conf rejects connection"), "{said}");
    assert_eq!(lab.number(&replica, "SELECT count(*) FROM sale").await, 1001);
    let promoted = available(&lab.client(RECOVERY), "orders-replica").await;
    assert_eq!(promoted.read_replica_source_db_instance_identifier(), None);
    assert_eq!(promoted.backup_retention_period(), Some(3));

    open(&lab.client(PRIMARY)).await;
    assert_eq!(lab.number(&orders, "SELECT count(*) FROM sale").await, 1000);
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_security_group_and_a_paused_host_goes_on() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let session = lab.login(&orders).await.unwrap();
    fence(&lab.client(PRIMARY)).await;
    session.batch_execute("CREATE TABLE sale (id int)").await.unwrap();
    assert!(lab.login(&orders).await.is_err(), "a new session is refused");
    open(&lab.client(PRIMARY)).await;

    lab.rds.pause(&orders).await.unwrap();
    assert!(matches!(lab.login(&orders).await, Err(LoginError::Silent)), "a paused host does not answer");
    lab.rds.resume(&orders).await.unwrap();
    session.batch_execute("INSERT INTO sale VALUES (1)").await.unwrap();
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_held_back_falls_behind_and_catches_up_when_let() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let replica = lab.create_replica().await;
    let app = lab.login(&orders).await.unwrap();
    app.batch_execute("CREATE TABLE sale (id int); INSERT INTO sale VALUES (1)").await.unwrap();
    until("the row reached the replica", async || has_rows(&lab, &replica, 1).await.then_some(())).await;

    lab.rds.hold_back_replay(&replica).unwrap();
    let streams = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'";
    until("the stream is cut", async || (lab.number(&replica, streams).await == 0).then_some(())).await;
    app.batch_execute("INSERT INTO sale VALUES (2)").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(has_rows(&lab, &replica, 1).await, "the second row has not arrived");
    lab.rds.let_replay(&replica).unwrap();
    until("the replica caught up", async || has_rows(&lab, &replica, 2).await.then_some(())).await;

    let rds = lab.client(RECOVERY);
    rds.delete_db_instance().db_instance_identifier("orders-replica").skip_final_snapshot(true).send().await.unwrap();
    let slots = "SELECT count(*) FROM pg_replication_slots";
    until("the slot is dropped", async || (lab.number(&orders, slots).await == 0).then_some(())).await;
    until("the replica is gone", async || lab.rds.instance(&replica).is_none().then_some(())).await;
    assert!(lab.rds.hold_back_replay(&orders).is_err(), "a primary has no stream to cut");
    lab.end().await;
}

/// Promotes the replica and writes a row there. Answers the time from the request to the commit.
async fn promote(rds: &Client, lab: &Lab, replica: &Name) -> std::time::Duration {
    let session = lab.login(replica).await.unwrap();
    let asked = Instant::now();
    let request = rds.promote_read_replica().db_instance_identifier("orders-replica").backup_retention_period(3);
    request.send().await.unwrap();
    until("a row is committed", async || session.execute("INSERT INTO sale VALUES (0)", &[]).await.ok()).await;
    asked.elapsed()
}

async fn has_rows(lab: &Lab, name: &Name, rows: i64) -> bool {
    let Ok(session) = lab.login(name).await else { return false };
    session.query_one("SELECT count(*) FROM sale", &[]).await.is_ok_and(|row| row.get::<_, i64>(0) == rows)
}

/// Replaces the security group by one that lets nobody in.
async fn fence(rds: &Client) {
    set_groups(rds, "sg-closed", "sg-closed,sg-other").await;
}

async fn open(rds: &Client) {
    set_groups(rds, "sg-app", "sg-closed").await;
}

async fn set_groups(rds: &Client, group: &str, closed: &'static str) {
    let request = rds.modify_db_instance().db_instance_identifier("orders").vpc_security_group_ids(group);
    let with_header = request.customize().mutate_request(move |request| {
        request.headers_mut().insert("x-lab-closed-groups", closed);
    });
    with_header.send().await.unwrap();
}
