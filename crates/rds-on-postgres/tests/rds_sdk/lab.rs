//! A lab's RDS for one test, on a slot of its own, with clients of both kinds.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_rds::Client;
use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::{DbInstance, DbSnapshot};
use processes::{RunAs, Spawner};
use rds_on_postgres::{Name, Rds, RdsConfig, RdsError, serve};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::NoTls;

pub(crate) const PRIMARY: &str = "eu-central-1";
pub(crate) const RECOVERY: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const PASSWORD: &str = "correct-horse";

/// How long anything here may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Labs at once: each has up to ten servers, and half a gigabyte of their files.
static PLACES: Semaphore = Semaphore::const_new(3);

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum LoginError {
    Silent,
    Refused(tokio_postgres::Error),
}

pub(crate) struct Lab {
    pub(crate) rds: Rds,
    folder: PathBuf,
    _place: SemaphorePermit<'static>,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        // An instance that shows `failed` says why on this side only.
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_test_writer();
        log.try_init().ok();
        let place = PLACES.acquire().await.unwrap();
        // Not the slot's: the lab that had it before may not have removed its own yet.
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let nth = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("rds-{}-{nth}", std::process::id()));
        for slot in (1..=99).rev() {
            match serve(config(slot, &folder), Spawner::start().unwrap()).await {
                Ok(rds) => return Self { rds, folder, _place: place },
                Err(RdsError::InUse { .. }) => {}
                Err(error) => panic!("{error}: {error:?}"),
            }
        }
        panic!("every slot is in use");
    }

    pub(crate) fn client(&self, region: &'static str) -> Client {
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new(region))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(format!("http://{}", self.rds.listen()))
            .build();
        Client::from_conf(config)
    }

    /// Makes `orders` in the primary Region, with a database of the same name.
    pub(crate) async fn create_orders(&self) -> Name {
        let name = Name::new(PRIMARY, "orders");
        let rds = self.client(PRIMARY);
        rds.create_db_instance()
            .db_instance_identifier("orders")
            .db_instance_class("db.t4g.micro")
            .engine("postgres")
            .master_username("app")
            .master_user_password(PASSWORD)
            .db_name("orders")
            .vpc_security_group_ids("sg-app")
            .send()
            .await
            .unwrap();
        available(&rds, "orders").await;
        name
    }

    /// Makes `orders-replica` in the recovery Region.
    pub(crate) async fn create_replica(&self) -> Name {
        let rds = self.client(RECOVERY);
        rds.create_db_instance_read_replica()
            .db_instance_identifier("orders-replica")
            .source_db_instance_identifier(format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:orders"))
            .send()
            .await
            .unwrap();
        available(&rds, "orders-replica").await;
        Name::new(RECOVERY, "orders-replica")
    }

    /// Logs in as the application would, by the instance's address.
    pub(crate) async fn login(&self, name: &Name) -> Result<tokio_postgres::Client, LoginError> {
        let instance = self.rds.instance(name).expect("the instance exists");
        let mut config = tokio_postgres::Config::new();
        config.hostaddr(instance.address.into()).port(instance.port).user("app").password(PASSWORD);
        config.dbname("orders");
        // A paused host's system accepts the connection; only the server never says a word.
        let connecting = tokio::time::timeout(Duration::from_secs(2), config.connect(NoTls));
        let (client, connection) = connecting.await.map_err(|_| LoginError::Silent)?.map_err(LoginError::Refused)?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What one query answers as one number.
    pub(crate) async fn number(&self, name: &Name, query: &str) -> i64 {
        self.login(name).await.unwrap().query_one(query, &[]).await.unwrap().get(0)
    }

    /// Removes a file of a snapshot, without which no server starts on it.
    pub(crate) fn lose_control_file(&self, snapshot: &Name) {
        let snapshots = self.folder.join("rds/regions").join(&snapshot.region).join("snapshots");
        let own = format!("{}-", snapshot.id);
        let found = std::fs::read_dir(snapshots).unwrap().map(|entry| entry.unwrap());
        let is_its = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&own);
        let folder = found.filter(is_its).map(|entry| entry.path()).find(|path| path.is_dir()).expect("its folder");
        std::fs::remove_file(folder.join("global/pg_control")).unwrap();
    }

    pub(crate) async fn end(self) {
        self.rds.shut_down().await.unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub(crate) fn config(slot: u8, folder: &Path) -> RdsConfig {
    RdsConfig {
        listen: SocketAddr::from((Ipv4Addr::new(127, 77, slot, 2), 4567)),
        data: folder.join("rds"),
        first_host: Ipv4Addr::new(127, 77, slot, 100),
        postgres_bin: postgres_bin(),
        run_as: RunAs::instead_of_root(c"postgres").unwrap(),
        account: ACCOUNT.to_owned(),
        dns_suffix: "rds.lifeboat.test".to_owned(),
        replication: std::convert::identity,
    }
}

/// The newest PostgreSQL of Debian's packages, or that of the search path.
fn postgres_bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.map(|version| version.path().join("bin"));
    let searched = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut found: Vec<PathBuf> = packaged.chain(searched).filter(|bin| bin.join("postgres").exists()).collect();
    found.sort();
    found.pop().expect("PostgreSQL's server is installed; on Debian: apt-get install postgresql")
}

/// Waits until the instance is available.
pub(crate) async fn available(rds: &Client, id: &str) -> DbInstance {
    status(rds, id, "available").await
}

pub(crate) async fn status(rds: &Client, id: &str, status: &str) -> DbInstance {
    until(&format!("{id} is {status}"), async || {
        let instance = describe(rds, id).await;
        let now = instance.db_instance_status().unwrap_or_default();
        assert_ne!(now, "failed", "{id} failed");
        (now == status).then_some(instance)
    })
    .await
}

/// Waits until the snapshot is available.
pub(crate) async fn snapshot_available(rds: &Client, id: &str) -> DbSnapshot {
    until(&format!("{id} is available"), async || {
        let found = rds.describe_db_snapshots().db_snapshot_identifier(id).send().await.unwrap();
        let snapshot = found.db_snapshots().first().expect("it was described").clone();
        assert_ne!(snapshot.status(), Some("failed"));
        (snapshot.status() == Some("available")).then_some(snapshot)
    })
    .await
}

pub(crate) async fn describe(rds: &Client, id: &str) -> DbInstance {
    let found = rds.describe_db_instances().db_instance_identifier(id).send().await.unwrap();
    found.db_instances().first().expect("it was described").clone()
}

/// Asks again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + WITHIN;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {} s: {what}", WITHIN.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The code of AWS's answer, and its HTTP status.
pub(crate) fn refusal<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> (String, u16) {
    let error = answer.err().expect("a refusal");
    let status = error.raw_response().map(|raw| raw.status().as_u16()).unwrap_or_default();
    (error.code().unwrap_or_default().to_owned(), status)
}
