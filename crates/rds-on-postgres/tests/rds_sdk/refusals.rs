//! What is refused, with AWS's codes; what is listed; and what a client may rely on.

use std::sync::Arc;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::Filter;
use processes::Spawner;
use rds_on_postgres::{RdsError, serve};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::lab::{ACCOUNT, Lab, PASSWORD, PRIMARY, RECOVERY, available, config, describe, refusal, snapshot_available};

fn code(code: &str, status: u16) -> (String, u16) {
    (code.to_owned(), status)
}

/// The account's quotas are told, and kept: by each action that makes an instance, and in each Region by itself.
async fn quotas(lab: &Lab, rds: &Client, elsewhere: &Client) {
    assert_eq!(quota(rds, "DBInstances").await, (1, 40));
    assert_eq!(quota(elsewhere, "DBInstances").await, (0, 40));
    let full = code("InstanceQuotaExceeded", 400);
    let restore = || {
        let point = rds.restore_db_instance_to_point_in_time().source_db_instance_identifier("orders");
        point.target_db_instance_identifier("one-more").use_latest_restorable_time(true).send()
    };
    let replica = |rds: &Client| {
        let replica = rds.create_db_instance_read_replica().db_instance_identifier("one-more");
        replica.source_db_instance_identifier(format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:orders")).send()
    };
    lab.rds.limit_instances(1);
    assert_eq!(refusal(restore().await), full);
    assert_eq!(refusal(replica(rds).await), full);
    replica(elsewhere).await.unwrap();
    let deletion = elsewhere.delete_db_instance().db_instance_identifier("one-more").skip_final_snapshot(true);
    assert_eq!(refusal(deletion.clone().send().await), code("InvalidDBInstanceState", 400), "it is being created");
    available(elsewhere, "one-more").await;
    deletion.send().await.unwrap();
    lab.rds.limit_instances(40);

    let (used, most) = quota(rds, "ManualSnapshots").await;
    assert_eq!(most, 100);
    lab.rds.limit_snapshots(usize::try_from(used).unwrap());
    let one_more = rds.create_db_snapshot().db_instance_identifier("orders").db_snapshot_identifier("one-more");
    assert_eq!(refusal(one_more.send().await), code("SnapshotQuotaExceeded", 400));
    lab.rds.limit_snapshots(100);
}

/// How much of a quota is used, and how much there is.
async fn quota(rds: &Client, name: &str) -> (i64, i64) {
    let told = rds.describe_account_attributes().send().await.unwrap();
    let quota = told.account_quotas().iter().find(|quota| quota.account_quota_name() == Some(name)).cloned().unwrap();
    (quota.used().unwrap(), quota.max().unwrap())
}

/// Tells which keys the Region has, as the gateway does.
macro_rules! with_keys {
    ($request:expr, $keys:expr) => {
        $request
            .customize()
            .mutate_request(|request| {
                request.headers_mut().insert("x-lab-kms-keys", $keys);
            })
            .send()
            .await
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_made_copied_and_restored_with_a_key_that_the_region_has_and_no_other() {
    let lab = Lab::start().await;
    let rds = &lab.client(PRIMARY);
    let creation = || {
        let creation = rds.create_db_instance().db_instance_identifier("sealed").db_instance_class("db.t4g.micro");
        let creation = creation.engine("postgres").master_username("app").master_user_password(PASSWORD);
        creation.storage_encrypted(true).kms_key_id("alias/sealing")
    };
    let no_key = code("KMSKeyNotAccessibleFault", 400);
    assert_eq!(refusal(with_keys!(creation(), "alias/another")), no_key);
    with_keys!(creation(), "alias/sealing").unwrap();
    available(rds, "sealed").await;
    let snapshot = rds.create_db_snapshot().db_instance_identifier("sealed").db_snapshot_identifier("sealed-1");
    snapshot.send().await.unwrap();
    snapshot_available(rds, "sealed-1").await;
    let restore = || {
        let restore = rds.restore_db_instance_from_db_snapshot().db_snapshot_identifier("sealed-1");
        restore.db_instance_identifier("unsealed")
    };
    assert_eq!(refusal(with_keys!(restore(), "alias/another")), no_key, "its key is gone, or disabled");
    let copy =
        || rds.copy_db_snapshot().source_db_snapshot_identifier("sealed-1").target_db_snapshot_identifier("sealed-2");
    assert_eq!(refusal(with_keys!(copy().kms_key_id("alias/gone"), "alias/sealing")), no_key);
    with_keys!(restore(), "alias/sealing").unwrap();
    available(rds, "unsealed").await;
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_refuses_what_rds_refuses() {
    let lab = Lab::start().await;
    let rds = lab.client(PRIMARY);
    bad_creations(&rds).await;
    let orders = lab.create_orders().await;
    bad_requests(&rds, &lab.client(RECOVERY)).await;
    protection(&rds).await;
    listing(&rds).await;
    quotas(&lab, &rds, &lab.client(RECOVERY)).await;
    master_user(&lab).await;
    tls(&lab).await;
    assert_eq!(lab.rds.address("ORDERS.eu-central-1.rds.lifeboat.test."), lab.rds.instance(&orders).map(|i| i.address));
    assert_eq!(lab.rds.address("orders.eu-west-1.rds.lifeboat.test"), None);
    let slot = lab.rds.listen();
    let std::net::IpAddr::V4(address) = slot.ip() else { panic!("an IPv4 address") };
    let second = serve(config(address.octets()[2], &std::env::temp_dir()), Spawner::start().unwrap()).await;
    assert!(matches!(second, Err(RdsError::InUse { .. })), "one lab a slot");
    lab.end().await;
}

async fn bad_creations(rds: &Client) {
    let create = |id: &str, engine: &str, password: &str| {
        rds.create_db_instance()
            .db_instance_identifier(id)
            .db_instance_class("db.t4g.micro")
            .engine(engine)
            .master_username("app")
            .master_user_password(password)
            .send()
    };
    let invalid = code("InvalidParameterValue", 400);
    assert_eq!(refusal(create("1-orders", "postgres", PASSWORD).await), invalid);
    assert_eq!(refusal(create("../orders", "postgres", PASSWORD).await), invalid);
    assert_eq!(refusal(create("orders", "oracle-ee", PASSWORD).await), invalid);
    assert_eq!(refusal(create("orders", "postgres", "short").await), invalid);
    let incomplete = rds.create_db_instance().db_instance_identifier("orders").engine("postgres").send().await;
    assert_eq!(refusal(incomplete), code("MissingParameter", 400));
    let unserved = rds.describe_db_proxies().send().await;
    assert_eq!(refusal(unserved), code("InvalidAction", 400));
}

async fn bad_requests(rds: &Client, elsewhere: &Client) {
    let taken = rds
        .create_db_instance()
        .db_instance_identifier("Orders")
        .db_instance_class("db.t4g.micro")
        .engine("postgres")
        .master_username("app")
        .master_user_password(PASSWORD);
    assert_eq!(refusal(taken.send().await), code("DBInstanceAlreadyExists", 400));
    let not_found = code("DBInstanceNotFound", 404);
    assert_eq!(refusal(elsewhere.describe_db_instances().db_instance_identifier("orders").send().await), not_found);
    assert_eq!(refusal(elsewhere.stop_db_instance().db_instance_identifier("orders").send().await), not_found);
    let primary = rds.promote_read_replica().db_instance_identifier("orders").send().await;
    assert_eq!(refusal(primary), code("InvalidDBInstanceState", 400));
    let no_snapshot =
        rds.restore_db_instance_from_db_snapshot().db_instance_identifier("x").db_snapshot_identifier("none");
    assert_eq!(refusal(no_snapshot.send().await), code("DBSnapshotNotFound", 404));
    let foreign_key =
        rds.copy_db_snapshot().source_db_snapshot_identifier("none").target_db_snapshot_identifier("copy");
    assert_eq!(refusal(foreign_key.send().await), code("DBSnapshotNotFound", 404));
    let unserved = rds.modify_db_instance().db_instance_identifier("orders").new_db_instance_identifier("sales");
    assert_eq!(refusal(unserved.send().await), code("InvalidParameterValue", 400));
    let huge = rds.describe_db_instances().db_instance_identifier("x".repeat(300_000)).send().await;
    assert_eq!(refusal(huge), code("RequestEntityTooLarge", 413));
}

async fn protection(rds: &Client) {
    let protect = |on| rds.modify_db_instance().db_instance_identifier("orders").deletion_protection(on).send();
    protect(true).await.unwrap();
    let delete = rds.delete_db_instance().db_instance_identifier("orders").skip_final_snapshot(true).send().await;
    assert_eq!(refusal(delete), code("InvalidParameterCombination", 400));
    protect(false).await.unwrap();
    let undecided = rds.delete_db_instance().db_instance_identifier("orders").send().await;
    assert_eq!(refusal(undecided), code("InvalidParameterCombination", 400));

    let later = rds.modify_db_instance().db_instance_identifier("orders").db_instance_class("db.m7g.large");
    later.send().await.unwrap();
    let waiting = describe(rds, "orders").await;
    assert_eq!(waiting.db_instance_class(), Some("db.t4g.micro"));
    assert_eq!(waiting.pending_modified_values().unwrap().db_instance_class(), Some("db.m7g.large"));
    let now = rds.modify_db_instance().db_instance_identifier("orders").apply_immediately(true);
    now.backup_retention_period(7).send().await.unwrap();
    let changed = available(rds, "orders").await;
    assert_eq!(changed.db_instance_class(), Some("db.m7g.large"));
    assert_eq!(changed.backup_retention_period(), Some(7));
}

async fn listing(rds: &Client) {
    let by = |name: &str, value: &str| {
        let filter = Filter::builder().name(name).values(value).build();
        rds.describe_db_instances().filters(filter).send()
    };
    assert_eq!(by("db-instance-id", "orders").await.unwrap().db_instances().len(), 1);
    assert_eq!(by("db-instance-id", "other").await.unwrap().db_instances().len(), 0);
    assert_eq!(refusal(by("color", "blue").await), code("InvalidParameterValue", 400));
    let few = rds.describe_db_instances().max_records(19).send().await;
    assert_eq!(refusal(few), code("InvalidParameterValue", 400));
}

/// The master user is no superuser, may end sessions, and its new password counts.
async fn master_user(lab: &Lab) {
    let orders = rds_on_postgres::Name::new(PRIMARY, "orders");
    let session = lab.login(&orders).await.unwrap();
    let row =
        session.query_one("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'app'", &[]).await.unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, bool>(1)), (false, true));
    session.batch_execute("CREATE ROLE clerk LOGIN; ALTER ROLE clerk NOLOGIN; CHECKPOINT").await.unwrap();
    assert!(session.batch_execute("ALTER SYSTEM SET fsync = on").await.is_err());

    let rds = lab.client(PRIMARY);
    let modify = |password: &str| {
        rds.modify_db_instance().db_instance_identifier("orders").master_user_password(password).send()
    };
    modify("battery-staple").await.unwrap();
    available(&rds, "orders").await;
    assert!(lab.login(&orders).await.is_err(), "the old password is refused");
    modify(PASSWORD).await.unwrap();
    available(&rds, "orders").await;
    lab.login(&orders).await.unwrap();
}

/// A client that verifies finds the endpoint's name in a certificate of the lab's authority.
async fn tls(lab: &Lab) {
    let orders = lab.rds.instance(&rds_on_postgres::Name::new(PRIMARY, "orders")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(lab.rds.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls.with_root_certificates(roots).with_no_client_auth());
    let mut config = tokio_postgres::Config::new();
    config.host(&orders.host_name).hostaddr(orders.address.into()).port(orders.port).dbname("orders");
    config.user("app").password(PASSWORD).ssl_mode(tokio_postgres::config::SslMode::Require);
    let (client, connection) = config.connect(tls).await.unwrap();
    tokio::spawn(connection);
    let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}
