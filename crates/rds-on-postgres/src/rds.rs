//! The running service, for its owner.

mod asking;
mod disaster;
mod planned;

use std::collections::{BTreeMap, BTreeSet};
use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use processes::{RunAs, Spawner};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::api::endpoint;
use crate::error::RdsError;
use crate::postgres::folder;
use crate::postgres::ingress::Ingress;
use crate::postgres::installation::Installation;
use crate::postgres::server::Server;
use crate::resources::instance::Status;
use crate::resources::name::Name;
use crate::service::{CLUSTER_PART, Service};
use crate::timing::Timing;
use crate::work::Work;

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

/// The hosts that there are, as they come and go.
pub type Hosts = watch::Receiver<BTreeSet<SocketAddrV4>>;

/// The running endpoint and its instances. When it is dropped, no request is answered any more,
/// and its servers end with the last clone of the spawner.
pub struct Rds {
    service: Arc<Service>,
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
    let service = Arc::new(Service::new(
        config.account,
        config.dns_suffix,
        data,
        config.first_host,
        config.replication,
        installation,
    ));
    let serving = axum::serve(listener, endpoint::router(Arc::clone(&service))).into_future();
    let serving = tokio::spawn(async move {
        if let Err(error) = serving.await {
            error!(%error, "the RDS endpoint ended");
        }
    });
    let watching = tokio::spawn(crate::watch::keep_watch(Arc::clone(&service)));
    Ok(Rds { service, listen, serving, watching })
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
    /// Changes how long things take from now on. What is under way goes on as it began.
    pub fn set_timing(&self, timing: Timing) {
        self.service.set_timing(timing);
    }

    /// The replicas whose stream flows, each with the process that receives it: a new connection has a new process.
    pub async fn receivers(&self) -> BTreeMap<Name, i32> {
        let replicas: Vec<(Name, Arc<Server>)> = {
            let inventory = self.service.inventory();
            let replicas = inventory.instances.values().filter(|instance| instance.source.is_some());
            replicas.map(|replica| (replica.name.clone(), Arc::clone(&replica.server))).collect()
        };
        let mut receivers = BTreeMap::new();
        for (name, server) in replicas {
            if let Some(process) = crate::watch::receiver(&server).await {
                receivers.insert(name, process);
            }
        }
        receivers
    }

    /// The Region of the instance whose host is at an address.
    #[must_use]
    pub fn region_at(&self, address: Ipv4Addr) -> Option<String> {
        let inventory = self.service.inventory();
        let found = inventory.instances.values().find(|instance| instance.server.address == address);
        found.map(|instance| instance.name.region.clone())
    }

    /// The work that was begun since, and has ended, in the order in which it ended.
    #[must_use]
    pub fn works_since(&self, at: Timestamp) -> Vec<Work> {
        self.service.works.since(at)
    }

    /// Where the endpoint listens.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The certificate of the authority that signed the servers' certificates, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.service.installation.authority.pem()
    }

    /// The address of the instance or the cluster whose host name it is, in any case and with or without the
    /// final dot. It has one from its creation to its removal, whatever happens to it.
    #[must_use]
    pub fn address(&self, host_name: &str) -> Option<Ipv4Addr> {
        let host_name = host_name.strip_suffix('.').unwrap_or(host_name).to_ascii_lowercase();
        let own = host_name.strip_suffix(&self.service.dns_suffix)?.strip_suffix('.')?;
        let (id, region) = own.split_once('.')?;
        if let Some(region) = region.strip_prefix(CLUSTER_PART).and_then(|rest| rest.strip_prefix('.')) {
            let inventory = self.service.inventory();
            return Some(inventory.clusters.get(&Name::new(region, id))?.server.address);
        }
        self.instance(&Name::new(region, id)).map(|instance| instance.address)
    }

    /// The instance, if there is one.
    #[must_use]
    pub fn instance(&self, name: &Name) -> Option<InstanceView> {
        let inventory = self.service.inventory();
        let instance = inventory.instances.get(name)?;
        Some(InstanceView {
            name: name.clone(),
            status: instance.status,
            trouble: instance.trouble.clone(),
            host_name: instance.server.host_name.clone(),
            address: instance.server.address,
            port: instance.server.port,
            source: instance.source.clone(),
            is_open: instance.server.ingress() == Ingress::Everybody,
            log: instance.server.log(),
        })
    }

    /// The hosts of all instances, as they come and go.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        self.service.hosts.subscribe()
    }

    /// Ends the endpoint and stops every server. Nothing serves from then on.
    ///
    /// # Errors
    /// When a server could not be stopped; the others are.
    pub async fn shut_down(&self) -> Result<(), RdsError> {
        self.watching.abort();
        let ended = self.service.end().await.map_err(RdsError::ShutDown);
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
