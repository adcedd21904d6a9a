//! Two PostgreSQL servers, a primary and its replica, each at an address of its own, with TLS.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use domain::id::SqlName;
use lab::workload::{Access, Password};
use processes::RunAs;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_postgres::{Client, NoTls};

pub(crate) const OLD_HOST: &str = "orders-primary.us-east-1.rds.lifeboat.test";
pub(crate) const NEW_HOST: &str = "orders-replica.us-west-2.rds.lifeboat.test";
const PORT: u16 = 5432;

/// A folder of this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("lifeboat-workload-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The pair. Dropped, both servers are stopped and their files removed.
pub(crate) struct Pair {
    folder: PathBuf,
    net: u8,
    ca_pem: String,
}

impl Drop for Pair {
    fn drop(&mut self) {
        for server in ["old", "new"] {
            let _ = self.pg_ctl(server).args(["stop", "-m", "immediate"]).output();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Pair {
    /// Makes and starts both. `name` tells pairs of one test process apart.
    pub(crate) async fn start(name: &str) -> Self {
        let folder = folder(name);
        let net = u8::try_from((std::process::id() + u32::try_from(name.len()).unwrap()) % 250).unwrap();
        let (ca, issuer) = authority();
        let pair = Self { folder, net, ca_pem: ca };
        own(&pair.folder);
        run(pair.command("initdb").args(["-A", "trust", "-U", "owner", "--no-sync", "-D"]).arg(pair.data("old")));
        let hba = "local all all trust\nhost all owner all trust\nhost replication owner all trust\nhostssl all all all scram-sha-256\n";
        std::fs::write(pair.data("old").join("pg_hba.conf"), hba).unwrap();
        pair.configure("old", pair.old(), OLD_HOST, &issuer);
        pair.start_old().await;
        pair.owner_of(pair.old(), "postgres").await.batch_execute("create database orders").await.unwrap();
        run(pair
            .command("pg_basebackup")
            .args(["-h", &pair.old().to_string(), "-U", "owner", "-R", "-C", "-S", "replica", "-c", "fast", "-D"])
            .arg(pair.data("new")));
        pair.configure("new", pair.successor(), NEW_HOST, &issuer);
        run(pair.pg_ctl("new").args(["start", "-w", "-l"]).arg(pair.folder.join("new.log")));
        pair
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn port(&self) -> u16 {
        PORT
    }

    pub(crate) fn old(&self) -> IpAddr {
        [127, 78, self.net, 1].into()
    }

    pub(crate) fn successor(&self) -> IpAddr {
        [127, 78, self.net, 2].into()
    }

    pub(crate) fn hosts(&self) -> Vec<(&'static str, IpAddr)> {
        vec![(OLD_HOST, self.old()), (NEW_HOST, self.successor())]
    }

    pub(crate) fn role(&self) -> SqlName {
        "shop".parse().unwrap()
    }

    pub(crate) fn application(&self) -> Access {
        Access {
            user: "shop".to_owned(),
            password: Password::new(r"it's \ a secret"),
            database: "orders".to_owned(),
            trusted_pem: Some(self.ca_pem.clone()),
        }
    }

    pub(crate) async fn owner(&self, address: IpAddr) -> Client {
        self.owner_of(address, "orders").await
    }

    async fn owner_of(&self, address: IpAddr, database: &str) -> Client {
        let config = format!("host={address} port={PORT} user=owner dbname={database} sslmode=disable");
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) async fn start_old(&self) {
        run(self.pg_ctl("old").args(["start", "-w", "-l"]).arg(self.folder.join("old.log")));
    }

    /// Kills the old primary and all its processes.
    pub(crate) fn kill_old(&self) {
        run(self.pg_ctl("old").args(["stop", "-m", "immediate"]));
    }

    pub(crate) async fn promote(&self) {
        run(self.pg_ctl("new").arg("promote"));
        let new = self.owner(self.successor()).await;
        for _ in 0..100 {
            let row = new.query_one("select pg_is_in_recovery()", &[]).await.unwrap();
            if !row.get::<_, bool>(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the replica was not promoted");
    }

    fn configure(&self, server: &str, address: IpAddr, host: &str, issuer: &Issuer<'static, KeyPair>) {
        let data = self.data(server);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
        std::fs::write(data.join("server.crt"), certificate.pem()).unwrap();
        std::fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
        run(Command::new("chmod").arg("600").arg(data.join("server.key")));
        let settings = format!(
            "listen_addresses='{address}'\nport={PORT}\nunix_socket_directories=''\nssl=on\nfsync=off\nwal_retrieve_retry_interval='100ms'\n"
        );
        std::fs::write(data.join("postgresql.conf"), settings).unwrap();
        own(&data);
    }

    fn data(&self, server: &str) -> PathBuf {
        self.folder.join(server)
    }

    fn pg_ctl(&self, server: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data(server));
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(installed(program));
        command.current_dir(&self.folder);
        if let Some(postgres) = RunAs::instead_of_root(c"postgres").unwrap() {
            postgres.apply(&mut command);
        }
        command
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

/// Gives the folder and what is in it to the user that PostgreSQL runs as.
fn own(folder: &Path) {
    if let Some(postgres) = RunAs::instead_of_root(c"postgres").unwrap() {
        run(Command::new("chown").arg("-R").arg(format!("{}:{}", postgres.uid, postgres.gid)).arg(folder));
    }
}

/// PostgreSQL's newest installed program of this name.
fn installed(program: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(program))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(program))
}

fn run(command: &mut Command) {
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
