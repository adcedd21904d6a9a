//! AWS on this machine: its services, RDS, DNS, and the network between its Regions and its database hosts.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{plan::PairPlan, words::id::PlanName};
use processes::{RunAs, Spawner};
use rds_on_postgres::{Name, Rds, RdsConfig, RdsError};

use crate::{
    application::{Authority, AuthorityError},
    databases::{Databases, Storage},
    deploy::{DeployError, Package},
    dns::{Dns, DnsConfig, DnsError, Instances},
    gateway::{ACCOUNT, FaultsError, Gateway, GatewayConfig, GatewayError},
    leftovers,
    manners::Manners,
    network::{LinkQuality, Network, Vantage},
    programs::{Programs, ProgramsError},
    setup::{self, Progress, SetupError},
    slot::{self, Held, Slot, SlotError},
};

/// How long a replica takes at most to connect to its source anew.
const STREAMS_WITHIN: Duration = Duration::from_secs(10);

/// The domain of database instances' endpoints.
pub const INSTANCE_DOMAIN: &str = "rds.lifeboat.test";

/// AWS on this machine, up: ended by [`LocalAws::shut_down`], or else when it is dropped.
pub struct LocalAws {
    /// The lab's slot.
    pub slot: Slot,
    /// The lab's own folder.
    pub folder: PathBuf,
    /// AWS without RDS.
    pub gateway: Gateway,
    /// RDS.
    pub rds: Arc<Rds>,
    /// The links to the instances' hosts.
    pub network: Network,
    /// The programs that are deployed on it.
    pub programs: Programs,
    /// Who signs the applications' certificates.
    pub(crate) authority: Authority,
    /// The addresses of each pair's application, on its primary's and its recovery's side.
    applications: Mutex<BTreeMap<PlanName, [Ipv4Addr; 2]>>,
    dns: Dns,
    pub(crate) engine: Package,
    pub(crate) networks: Package,
    // What it spawned ends with it.
    _spawner: Spawner,
    // Once no server runs on them any more.
    _databases: Databases,
    // Dropped last: whoever takes the slot takes its folders.
    _held: Held,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum LocalAwsError {
    /// The machine could not be made ready.
    #[error("the machine is not ready for a lab")]
    Setup(#[from] SetupError),
    /// The functions could not be built.
    #[error("there are no functions to deploy")]
    Programs(#[from] ProgramsError),
    /// No slot.
    #[error("there is no place for another lab")]
    Slot(#[from] SlotError),
    /// No processes.
    #[error("no process can be started")]
    Spawn(#[from] std::io::Error),
    /// RDS.
    #[error("the lab's RDS is not there")]
    Rds(#[from] RdsError),
    /// AWS.
    #[error("the lab's AWS is not there")]
    Gateway(#[from] GatewayError),
    /// No certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// DNS.
    #[error("the lab's DNS is not there")]
    Dns(#[from] DnsError),
    /// The engine.
    #[error("the engine cannot be deployed")]
    Deploy(#[from] DeployError),
}

impl LocalAws {
    /// Makes the machine ready and starts AWS's services on it, in `slot` or the first free one.
    ///
    /// # Errors
    /// [`LocalAwsError`]; nothing is left running then.
    pub(crate) async fn start(
        slot: Option<Slot>,
        storage: Storage,
        progress: &dyn Progress,
    ) -> Result<Self, LocalAwsError> {
        let root = Programs::root()?;
        let base = launch::programs::labs(&root);
        let tools = setup::prepare(&base, progress)?;
        let programs = Programs::build(&root, progress).await?;
        let spawner = Spawner::start()?;
        let held = slot::take(slot)?;
        let slot = held.slot;
        let folder = base.join(slot.to_string());
        progress.step("starting AWS, RDS and DNS on loopback addresses");
        std::fs::create_dir_all(&folder)?;
        let databases = Databases::of(&folder, slot, storage)?;
        let rds = Arc::new(
            rds_on_postgres::serve(
                RdsConfig {
                    listen: slot.rds(),
                    data: databases.folder.clone(),
                    first_host: slot.first_host(),
                    postgres_bin: tools.postgres_bin,
                    run_as: RunAs::instead_of_root(c"postgres")?,
                    account: ACCOUNT.to_owned(),
                    dns_suffix: INSTANCE_DOMAIN.to_owned(),
                    replication: |host| Vantage::Replication.sees(host),
                },
                spawner.clone(),
            )
            .await?,
        );
        let authority = Authority::make(&folder)?;
        let config = GatewayConfig {
            listen: slot.gateway(),
            rds: slot.rds(),
            folder: folder.clone(),
            python: tools.python,
            authorities: authority.file().to_owned(),
        };
        let gateway = Gateway::start(config, &spawner).await?;
        let links = Network::start(rds.hosts());
        let dns = Dns::serve(DnsConfig {
            listen: slot.dns(),
            name_servers: slot.name_servers(),
            caches: slot.caches(),
            zones_file: gateway.zones_file().to_owned(),
            instance_domain: INSTANCE_DOMAIN.to_owned(),
            instances: addresses(&rds, |host| host),
            views: views(slot, &rds),
        })
        .await?;
        if let Some(why) = dns.hidden() {
            progress
                .step(&format!("the name servers are not on port 53, so functions are told their addresses: {why}"));
        }
        let code = folder.join("code");
        leftovers::clear(&code)?;
        let gather = |template: &Path| Package::gather(template, &code, &|name| programs.bootstrap(name));
        let engine = gather(&programs.engine())?;
        let networks = gather(&programs.root.join("crates/lab/templates/network.yaml"))?;
        Ok(Self {
            slot,
            folder,
            gateway,
            rds,
            network: links,
            programs,
            authority,
            applications: Mutex::default(),
            dns,
            engine,
            networks,
            _spawner: spawner,
            _databases: databases,
            _held: held,
        })
    }

    /// The addresses of a pair's application, on its primary's and its recovery's side: the same however often it is asked.
    pub(crate) fn addresses_of_the_application(&self, pair: &PlanName) -> Option<[Ipv4Addr; 2]> {
        let mut taken = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(addresses) = taken.get(pair) {
            return Some(*addresses);
        }
        let next = u8::try_from(taken.len() * 2).ok()?;
        let addresses = [self.slot.application(next)?, self.slot.application(next + 1)?];
        taken.insert(pair.clone(), addresses);
        Some(addresses)
    }

    /// Its resolvers and its zones' name servers.
    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Where the lab's names are resolved.
    #[must_use]
    pub fn resolver(&self) -> SocketAddr {
        self.dns.address()
    }

    /// The resolver of a vantage: every host that it answers is behind a link.
    #[must_use]
    pub fn resolver_of(&self, vantage: Vantage) -> SocketAddr {
        vantage.sees_at(self.resolver())
    }

    /// Behaves like this from now on, towards the engine of this plan.
    ///
    /// # Errors
    /// Where the gateway does not answer.
    pub async fn set_manners(&self, manners: Manners, plan: &PairPlan) -> Result<(), FaultsError> {
        let before = self.rds.receivers().await;
        self.rds.set_timing(manners.rds());
        self.gateway.faults().start_schedules_within(manners.starts_within().as_secs()).await?;
        let (primary, rds) = (plan.regions.primary.to_string(), Arc::clone(&self.rds));
        self.network.set_quality(Arc::new(move |vantage, host| {
            let is_at_home = rds.region_at(host).is_some_and(|region| region == primary);
            match (vantage, is_at_home) {
                (Vantage::Witness, _) => manners.from_the_witness(),
                (Vantage::Recovery | Vantage::Replication, true) | (Vantage::Primary, false) => manners.far(),
                (Vantage::Recovery | Vantage::Replication, false) | (Vantage::Primary, true) | (Vantage::Public, _) => {
                    LinkQuality::default()
                }
            }
        }));
        // Every link is new, so every replica reconnects. One whose stream does not flow again is for the drill to find.
        let deadline = tokio::time::Instant::now() + STREAMS_WITHIN;
        loop {
            let now = self.rds.receivers().await;
            let flows = |(name, process): (&Name, &i32)| now.get(name).is_some_and(|newer| newer != process);
            if before.iter().all(flows) || tokio::time::Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends everything in order.
    pub async fn shut_down(self) {
        self.gateway.stop().await;
        drop(self.dns);
        if let Err(error) = self.rds.shut_down().await {
            tracing::warn!(%error, "not every server could be stopped; they end with this process");
        }
    }
}

/// The other resolvers: every vantage that looks names up has one of its own.
fn views(slot: Slot, rds: &Arc<Rds>) -> Vec<(SocketAddr, Instances)> {
    let view = |vantage: Vantage| (vantage.sees_at(slot.dns()), addresses(rds, move |host| vantage.sees(host)));
    Vantage::LOOKING_UP.into_iter().map(view).collect()
}

/// The instances, each at the address that `seen` makes of its host's.
fn addresses(rds: &Arc<Rds>, seen: impl Fn(Ipv4Addr) -> Ipv4Addr + Send + Sync + 'static) -> Instances {
    let rds = Arc::clone(rds);
    Arc::new(move |name| rds.address(name).map(&seen))
}
