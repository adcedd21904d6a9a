//! What the endpoint runs: the inventory, the machine's PostgreSQL, and the work under way.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::fault::{Code, Fault};
use crate::postgres::error::{PostgresError, chain};
use crate::postgres::folder;
use crate::postgres::installation::Installation;
use crate::postgres::login::{identifier, literal};
use crate::postgres::secrets::random_hex;
use crate::postgres::server::Server;
use crate::postgres::settings::{Role, Upstream};
use crate::postgres::slots;
use crate::resources::copying::Pace;
use crate::resources::instance::{Instance, Origin, Pending, Status, Stream, Traits};
use crate::resources::inventory::Inventory;
use crate::resources::name::Name;
use crate::resources::tags::Tags;
use crate::timing::Timing;
use crate::work::Works;

/// Everything behind the endpoint.
pub(crate) struct Service {
    pub(crate) account: String,
    pub(crate) dns_suffix: String,
    /// Holds a folder for each Region, with its instances and snapshots.
    pub(crate) data: PathBuf,
    pub(crate) first_host: Ipv4Addr,
    pub(crate) installation: Arc<Installation>,
    /// The hosts of all instances.
    pub(crate) hosts: watch::Sender<BTreeSet<SocketAddrV4>>,
    /// How fast snapshots are copied.
    pub(crate) copy_pace: Pace,
    /// How long everything took.
    pub(crate) works: Works,
    timing: Mutex<Timing>,
    replication: fn(Ipv4Addr) -> Ipv4Addr,
    inventory: Mutex<Inventory>,
    /// `None` once the service has ended: then no work begins.
    work: Mutex<Option<JoinSet<()>>>,
}

/// What tells a cluster's host name from an instance's.
pub(crate) const CLUSTER_PART: &str = "cluster-lab";

/// An instance that is about to be.
pub(crate) struct NewInstance {
    pub(crate) name: Name,
    pub(crate) origin: Origin,
    pub(crate) traits: Traits,
    pub(crate) source: Option<Name>,
    pub(crate) tags: Tags,
    pub(crate) role: Role,
}

impl Service {
    pub(crate) fn new(
        account: String,
        dns_suffix: String,
        data: PathBuf,
        first_host: Ipv4Addr,
        replication: fn(Ipv4Addr) -> Ipv4Addr,
        installation: Installation,
    ) -> Self {
        Self {
            account,
            dns_suffix,
            data,
            first_host,
            installation: Arc::new(installation),
            hosts: watch::Sender::default(),
            copy_pace: Pace::default(),
            works: Works::default(),
            timing: Mutex::default(),
            replication,
            inventory: Mutex::default(),
            work: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// The inventory, for as long as the guard lives; never across a wait.
    pub(crate) fn inventory(&self) -> MutexGuard<'_, Inventory> {
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long things take now.
    pub(crate) fn timing(&self) -> Timing {
        *self.timing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how long things take from now on. What is under way goes on as it began.
    pub(crate) fn set_timing(&self, timing: Timing) {
        *self.timing.lock().unwrap_or_else(PoisonError::into_inner) = timing;
    }

    /// The server of an instance.
    pub(crate) fn server(&self, name: &Name) -> Option<Arc<Server>> {
        self.inventory().instances.get(name).map(|instance| Arc::clone(&instance.server))
    }

    /// The name that clients resolve.
    pub(crate) fn host_name(&self, name: &Name) -> String {
        format!("{}.{}.{}", name.id, name.region, self.dns_suffix)
    }

    /// The name by which clients reach a cluster's writer; on AWS, an account's own letters follow `cluster-`.
    pub(crate) fn cluster_host_name(&self, name: &Name) -> String {
        format!("{}.{CLUSTER_PART}.{}.{}", name.id, name.region, self.dns_suffix)
    }

    /// A folder of its own for a snapshot: an identifier may be used again while the old one's
    /// folder is still being removed.
    pub(crate) fn snapshot_folder(&self, name: &Name) -> Result<PathBuf, Fault> {
        let own = format!("{}-{}", name.id.replace(':', "_"), random(4)?);
        Ok(self.data.join("regions").join(&name.region).join("snapshots").join(own))
    }

    /// Enters a new instance, `creating`, and answers its server.
    pub(crate) fn enter(&self, inventory: &mut Inventory, new: NewInstance) -> Result<Arc<Server>, Fault> {
        let NewInstance { name, origin, traits, source, tags, role } = new;
        inventory.admits_instance(&name)?;
        let at = SocketAddrV4::new(inventory.free_address(self.first_host)?, origin.port);
        let folder = self.data.join("regions").join(&name.region).join("instances").join(&origin.resource_id);
        let installation = Arc::clone(&self.installation);
        let server = Arc::new(Server::new(installation, &name.id, self.host_name(&name), at, folder, role));
        let instance = Instance {
            name: name.clone(),
            status: Status::Creating,
            lagging: None,
            arriving: None,
            trouble: None,
            server: Arc::clone(&server),
            origin,
            traits,
            pending: Pending::default(),
            tags,
            created: None,
            source,
            stream: Stream::Unseen,
            restorable_to: None,
        };
        inventory.set_ingress(&instance);
        info!(instance.id = %name, address = %at, "creating a DB instance");
        inventory.instances.insert(name, instance);
        self.announce_hosts(inventory);
        Ok(server)
    }

    /// Tells which hosts there are now.
    pub(crate) fn announce_hosts(&self, inventory: &Inventory) {
        self.hosts.send_replace(inventory.servers().map(|server| server.at()).collect());
    }

    /// Does `work` for the instance in the background. When it fails the instance shows `failed`.
    pub(crate) fn carry_out<W>(self: &Arc<Self>, name: &Name, work: W)
    where
        W: Future<Output = Result<(), PostgresError>> + Send + 'static,
    {
        let (service, name) = (Arc::clone(self), name.clone());
        self.in_background(async move {
            let Err(failure) = work.await else { return };
            let trouble = chain(&failure);
            error!(instance.id = %name, error = %trouble, "the DB instance failed");
            if let Ok(instance) = service.inventory().instance_mut(&name) {
                instance.status = Status::Failed;
                instance.trouble = Some(trouble);
            }
        });
    }

    /// Does `work` until it is done or the service ends.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_mut() {
            while running.try_join_next().is_some() {}
            running.spawn(work);
        }
    }

    /// Where `replica` reads the stream of `source`.
    pub(crate) fn upstream(&self, source: &Server, slot: String) -> Upstream {
        let address = (self.replication)(source.address);
        Upstream { host_name: source.host_name.clone(), address, port: source.port, slot, cut: false }
    }

    /// Drops the slots that no replica of `source` reads any more. A source that does not answer
    /// keeps them until it is started again.
    pub(crate) async fn release_slots(&self, source: &Name) {
        let (server, used) = {
            let inventory = self.inventory();
            let Ok(instance) = inventory.instance(source) else { return };
            let used: BTreeSet<String> =
                inventory.replicas_of(source).map(|replica| slots::slot_of(&replica.origin.resource_id)).collect();
            (Arc::clone(&instance.server), used)
        };
        if !server.is_running().await {
            return;
        }
        if let Err(error) = slots::drop_except(&server, &used).await {
            warn!(instance.id = %source, error = chain(&error), "could not drop the slots of former replicas");
        }
    }

    /// Starts the server of an instance that exists, and puts in order what changed meanwhile.
    pub(crate) async fn revive(&self, name: &Name, server: &Server) -> Result<(), PostgresError> {
        server.start().await?;
        if let Ok(instance) = self.inventory().instance_mut(name) {
            instance.pending.parameters = false;
        }
        self.release_slots(name).await;
        self.apply_password(name, server).await
    }

    /// Sets a password that was asked for. A server that does not run keeps it pending.
    pub(crate) async fn apply_password(&self, name: &Name, server: &Server) -> Result<(), PostgresError> {
        let asked =
            self.inventory().instance(name).ok().and_then(|instance| {
                Some((instance.origin.master_username.clone(), instance.pending.password.clone()?))
            });
        let Some((user, password)) = asked else { return Ok(()) };
        if !server.is_running().await {
            return Ok(());
        }
        let statement = format!("ALTER ROLE {} PASSWORD {}", identifier(&user), literal(&password.verifier()));
        server.login("postgres").await?.execute(&statement).await?;
        if let Ok(instance) = self.inventory().instance_mut(name) {
            instance.pending.password = None;
        }
        Ok(())
    }

    /// Marks the instance as serving since now.
    pub(crate) fn begin_serving(&self, name: &Name) {
        if let Ok(instance) = self.inventory().instance_mut(name) {
            instance.created.get_or_insert_with(Timestamp::now);
        }
    }

    /// Ends all work and stops all servers.
    pub(crate) async fn end(&self) -> Result<(), PostgresError> {
        let running = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut running) = running {
            running.shutdown().await;
        }
        let servers: Vec<Arc<Server>> = self.inventory().servers().map(Arc::clone).collect();
        let stopped = futures::future::join_all(servers.iter().map(|server| server.stop()));
        stopped.await.into_iter().collect()
    }

    /// Removes a folder that nothing refers to any more.
    pub(crate) async fn discard(&self, path: PathBuf) {
        let shown = path.display().to_string();
        let removed = tokio::task::spawn_blocking(move || folder::remove(&path)).await;
        if let Err(error) = removed.map_err(std::io::Error::other).and_then(|removed| removed) {
            warn!(path = shown, %error, "could not remove a folder");
        }
    }
}

/// An identifier that is never used again, as RDS gives to each instance.
pub(crate) fn new_resource_id() -> Result<String, Fault> {
    Ok(format!("db-{}", random(13)?.to_ascii_uppercase()))
}

/// Random bytes in hexadecimal, or the fault of a machine that has none.
pub(crate) fn random(bytes: usize) -> Result<String, Fault> {
    random_hex(bytes).map_err(|error| Fault::new(Code::InternalFailure, format!("No randomness: {error}.")))
}
