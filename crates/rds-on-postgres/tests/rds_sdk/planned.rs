//! What RDS, or who planned it, does to an instance: what is shown meanwhile, what is refused, and who is served.

use std::time::Duration;

use rds_on_postgres::{Name, PromotionTiming, RdsError, Timing};

use crate::lab::{Lab, PRIMARY, RECOVERY, available, describe, refusal, status, until};

/// How long nobody is served here.
const AWAY: Duration = Duration::from_millis(600);

/// What AWS takes minutes for, in seconds.
const AWS: Timing = Timing {
    status_lag: Duration::from_millis(167),
    groups_apply: Duration::from_millis(500),
    promotion: Some(PromotionTiming {
        begins: Duration::from_millis(750),
        reboots: Duration::from_millis(750),
        first_backup: Duration::from_secs(3),
    }),
};

#[tokio::test(flavor = "multi_thread")]
async fn aws_promotes_no_replica_that_it_backs_up() {
    let lab = Lab::start().await;
    lab.create_orders().await;
    let replica = lab.create_replica().await;
    let rds = lab.client(RECOVERY);
    let promote = || rds.promote_read_replica().db_instance_identifier("orders-replica").send();
    lab.rds.set_timing(AWS);
    lab.rds.back_up(&replica, AWAY).unwrap();
    let shown = describe(&rds, "orders-replica").await;
    assert_eq!(shown.db_instance_status(), Some("available"), "what is shown lags behind");
    assert_eq!(refusal(promote().await), ("InvalidDBInstanceState".to_owned(), 400));
    status(&rds, "orders-replica", "backing-up").await;
    assert_eq!(refusal(promote().await), ("InvalidDBInstanceState".to_owned(), 400));
    assert!(matches!(lab.rds.back_up(&replica, AWAY), Err(RdsError::Busy { .. })), "one work at a time");
    available(&rds, "orders-replica").await;
    promote().await.unwrap();

    until("it is a primary", async || lab.rds.instance(&replica).is_some_and(|now| now.source.is_none()).then_some(()))
        .await;
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_work_is_shown_and_the_same_endpoint_serves_again_by_itself() {
    let lab = Lab::start().await;
    let orders = lab.create_orders().await;
    let rds = lab.client(PRIMARY);
    lab.rds.let_standby_take_over(&orders, AWAY).unwrap();
    status(&rds, "orders", "rebooting").await;
    until("nobody is served", async || lab.login(&orders).await.is_err().then_some(())).await;
    available(&rds, "orders").await;
    lab.login(&orders).await.unwrap();

    lab.rds.change_class(&orders, "db.m7g.large", AWAY, AWAY).unwrap();
    status(&rds, "orders", "modifying").await;
    lab.login(&orders).await.expect("it serves on at first");
    status(&rds, "orders", "configuring-enhanced-monitoring").await;
    assert!(lab.login(&orders).await.is_err(), "nobody is served");
    let changed = available(&rds, "orders").await;
    assert_eq!(changed.db_instance_class(), Some("db.m7g.large"));
    lab.login(&orders).await.unwrap();
    let nobody = Name::new(PRIMARY, "nobody");
    assert!(matches!(lab.rds.let_standby_take_over(&nobody, AWAY), Err(RdsError::NoInstance { .. })));
    lab.end().await;
}
