//! Amazon RDS, as far as the lab needs it, on real PostgreSQL servers.
//!
//! An endpoint speaks RDS's Query protocol. Behind it, a DB instance is a `postgres` process on an
//! address of its own, which stands for a host; a replica is a standby that streams from its
//! source; a snapshot is a base backup; a point in time is a base backup and the archived WAL.
//! What takes RDS minutes takes the time it takes here, through the same statuses.
//!
//! Regions are apart as on AWS: the Region of a request is that of its signature.

mod actions;
mod answer;
mod asking;
mod authority;
mod cluster;
mod copying;
mod damage;
pub(crate) mod descent;
mod disaster;
mod door;
mod endpoint;
mod estate;
mod fault;
mod folder;
mod installation;
mod instance;
mod inventory;
mod login;
mod name;
mod pid_file;
mod planned;
mod query;
mod secrets;
mod server;
mod settings;
mod snapshot;
mod watch;
mod window;
mod work;
mod xml;

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::manners::Manners;
use crate::process::{RunAs, Spawner};

use estate::Estate;
use installation::Installation;

pub use installation::PostgresError;
pub use instance::Status;
pub use name::Name;
pub use work::{Work, WorkKind};

/// Where and how the endpoint runs.
#[derive(Clone, Debug)]
pub struct RdsConfig {
    /// Where the endpoint listens.
    pub listen: SocketAddr,
    /// The folder for all data; what an earlier lab left there is removed.
    pub data: PathBuf,
    /// The address of the first instance; the others have those that follow, up to `.254`.
    pub first_host: Ipv4Addr,
    /// The folder of PostgreSQL's programs, version 14 or newer.
    pub postgres_bin: PathBuf,
    /// The user that PostgreSQL runs as, when not as ourselves.
    pub run_as: Option<RunAs>,
    /// The AWS account's number.
    pub account: String,
    /// What follows `<instance>.<region>.` in an instance's host name.
    pub dns_suffix: String,
    /// Where replicas find the host at an address: the address itself, or that of the link to it.
    pub replication: fn(Ipv4Addr) -> Ipv4Addr,
}

/// What did not work with the lab's RDS.
#[derive(Debug, thiserror::Error)]
pub enum RdsError {
    /// Another lab, or another program, has the port.
    #[error("{listen} is in use, so another lab has this slot; end it or take another slot")]
    InUse {
        /// Where the endpoint was to listen.
        listen: SocketAddr,
    },
    /// The endpoint cannot listen.
    #[error("cannot listen on {listen}")]
    Listen {
        /// Where the endpoint was to listen.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// PostgreSQL's user cannot reach its data.
    #[error(
        "PostgreSQL runs as another user, who may not pass the folder {}; run `chmod o+x {}`, or keep the lab's \
         data elsewhere", folder.display(), folder.display()
    )]
    OutOfReach {
        /// The folder that is closed to other users.
        folder: PathBuf,
    },
    /// The data folder cannot be made ready.
    #[error("cannot make the folder {} ready", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// PostgreSQL cannot be run.
    #[error("cannot use PostgreSQL in {}", bin.display())]
    Postgres {
        /// The folder of its programs.
        bin: PathBuf,
        /// What did not work.
        source: PostgresError,
    },
    /// There is no such instance.
    #[error("there is no DB instance {name}")]
    NoInstance {
        /// Its name.
        name: Name,
    },
    /// The instance is no replica.
    #[error("the DB instance {name} is no replica")]
    NoReplica {
        /// Its name.
        name: Name,
    },
    /// The instance is worked on already.
    #[error("the DB instance {name} is {status}: RDS begins other work only with an available one")]
    Busy {
        /// Its name.
        name: Name,
        /// What is done.
        status: Status,
    },
    /// The instance's host is alive.
    #[error("the host of the DB instance {name} is running")]
    Running {
        /// Its name.
        name: Name,
    },
    /// Something did not work on the instance's host.
    #[error("the host of the DB instance {name} did not do it")]
    Host {
        /// Its name.
        name: Name,
        /// What did not work.
        source: PostgresError,
    },
    /// There is no such snapshot, or it is not complete.
    #[error("there is no complete DB snapshot {name}")]
    NoSnapshot {
        /// Its name.
        name: Name,
    },
    /// A snapshot has nothing to damage.
    #[error("the DB snapshot {name} has no table of a user that has rows")]
    NoTable {
        /// Its name.
        name: Name,
    },
    /// A snapshot's files cannot be dealt with.
    #[error("cannot read or write the files of the DB snapshot {name}")]
    Snapshot {
        /// Its name.
        name: Name,
        /// What the system says.
        source: io::Error,
    },
    /// Not all servers could be stopped.
    #[error("could not stop every server")]
    ShutDown(#[source] PostgresError),
}

impl RdsError {
    fn host(name: &Name, source: PostgresError) -> Self {
        Self::Host { name: name.clone(), source }
    }
}

/// An instance as the lab sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    /// Its name.
    pub name: Name,
    /// What the API shows.
    pub status: Status,
    /// Why it is `failed`.
    pub trouble: Option<String>,
    /// The name that clients resolve.
    pub host_name: String,
    /// The address that stands for its host.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// The source, of a replica.
    pub source: Option<Name>,
    /// Whether its security groups let applications in.
    pub is_open: bool,
    /// What its processes said.
    pub log: PathBuf,
}

/// The running endpoint and its instances. When it is dropped, no request is answered any more,
/// and its servers end with the last clone of the spawner.
pub struct Rds {
    estate: Arc<Estate>,
    listen: SocketAddr,
    serving: JoinHandle<()>,
    watching: JoinHandle<()>,
}

/// Starts the endpoint, which serves in the background from then on.
///
/// The bound port is what tells labs apart, so it is taken before anything is touched.
///
/// # Errors
/// When the port is in use, or PostgreSQL or its data folder cannot be used.
pub async fn serve(config: RdsConfig, spawner: Spawner) -> Result<Rds, RdsError> {
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            RdsError::InUse { listen }
        } else {
            RdsError::Listen { listen, source }
        }
    })?;
    let listen = listener.local_addr().map_err(|source| RdsError::Listen { listen, source })?;
    let data = make_ready(&config.data, config.run_as)?;
    let installation = Installation::prepare(&config.postgres_bin, config.run_as, spawner, &data)
        .map_err(|source| RdsError::Postgres { bin: config.postgres_bin, source })?;
    info!(%listen, postgres.version = installation.version, "serving RDS");
    let estate = Arc::new(Estate::new(
        config.account,
        config.dns_suffix,
        data,
        config.first_host,
        config.replication,
        installation,
    ));
    let serving = axum::serve(listener, endpoint::router(Arc::clone(&estate))).into_future();
    let serving = tokio::spawn(async move {
        if let Err(error) = serving.await {
            error!(%error, "the RDS endpoint ended");
        }
    });
    let watching = tokio::spawn(watch::keep_watch(Arc::clone(&estate)));
    Ok(Rds { estate, listen, serving, watching })
}

/// Makes the data folder, without what an earlier lab left in it. PostgreSQL needs its whole path.
fn make_ready(data: &Path, run_as: Option<RunAs>) -> Result<PathBuf, RdsError> {
    let failed = |source| RdsError::Folder { folder: data.to_owned(), source };
    let data = std::path::absolute(data).map_err(failed)?;
    if let Some(user) = run_as
        && let Some(closed) = folder::closed_to(user, &data)
    {
        return Err(RdsError::OutOfReach { folder: closed.to_owned() });
    }
    folder::remove(&data.join("regions")).map_err(failed)?;
    if let Some(parent) = data.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    folder::make(&data, run_as).map_err(failed)?;
    Ok(data)
}

impl Rds {
    /// Behaves so from now on.
    pub fn mind(&self, manners: Manners) {
        self.estate.mind(manners);
    }

    /// The replicas whose stream flows, each with the process that receives it: another one receives another connection.
    pub async fn receivers(&self) -> std::collections::BTreeMap<Name, i32> {
        let replicas: Vec<(Name, Arc<server::Server>)> = {
            let inventory = self.estate.inventory();
            let replicas = inventory.instances.values().filter(|instance| instance.source.is_some());
            replicas.map(|replica| (replica.name.clone(), Arc::clone(&replica.server))).collect()
        };
        let mut receivers = std::collections::BTreeMap::new();
        for (name, server) in replicas {
            if let Some(process) = watch::receiver(&server).await {
                receivers.insert(name, process);
            }
        }
        receivers
    }

    /// The Region of the instance whose host is at an address.
    #[must_use]
    pub fn region_at(&self, address: Ipv4Addr) -> Option<String> {
        let inventory = self.estate.inventory();
        let found = inventory.instances.values().find(|instance| instance.server.address == address);
        found.map(|instance| instance.name.region.clone())
    }

    /// Where the endpoint listens.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The certificate of the authority that signed the servers' certificates, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.estate.installation.authority.pem()
    }

    /// The address of the instance or the cluster whose host name it is, in any case and with or without the
    /// final dot. It has one from its creation to its removal, whatever happens to it.
    #[must_use]
    pub fn address(&self, host_name: &str) -> Option<Ipv4Addr> {
        let host_name = host_name.strip_suffix('.').unwrap_or(host_name).to_ascii_lowercase();
        let own = host_name.strip_suffix(&self.estate.dns_suffix)?.strip_suffix('.')?;
        let (id, region) = own.split_once('.')?;
        if let Some(region) = region.strip_prefix(estate::CLUSTER_PART).and_then(|rest| rest.strip_prefix('.')) {
            let inventory = self.estate.inventory();
            return Some(inventory.clusters.get(&Name::new(region, id))?.server.address);
        }
        self.instance(&Name::new(region, id)).map(|instance| instance.address)
    }

    /// The instance, if there is one.
    #[must_use]
    pub fn instance(&self, name: &Name) -> Option<InstanceView> {
        let inventory = self.estate.inventory();
        let instance = inventory.instances.get(name)?;
        Some(InstanceView {
            name: name.clone(),
            status: instance.status,
            trouble: instance.trouble.clone(),
            host_name: instance.server.host_name.clone(),
            address: instance.server.address,
            port: instance.server.port,
            source: instance.source.clone(),
            is_open: instance.server.door() == door::Door::Open,
            log: instance.server.log(),
        })
    }

    /// The hosts of all instances, as they come and go.
    #[must_use]
    pub fn hosts(&self) -> crate::network::Hosts {
        self.estate.hosts.subscribe()
    }

    /// Ends the endpoint and stops every server. Nothing serves from then on.
    ///
    /// # Errors
    /// When a server could not be stopped; the others are.
    pub async fn shut_down(&self) -> Result<(), RdsError> {
        self.watching.abort();
        let ended = self.estate.end().await.map_err(RdsError::ShutDown);
        // Last, because whoever can bind the port takes the servers' addresses and folders for its own.
        self.serving.abort();
        ended
    }
}

impl Drop for Rds {
    fn drop(&mut self) {
        self.watching.abort();
        self.serving.abort();
    }
}
