//! The whole lab: one machine with AWS on it, and the engine deployed to a plan's Regions.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use domain::{
    component::{Component, Credential},
    plan::Plan,
    words::id::Region,
};

use crate::{
    deploy::{DeployError, Package, Target},
    dns::{Dns, DnsConfig, DnsError, Instances},
    gateway::{FaultsError, Gateway, GatewayConfig, GatewayError},
    manners::{Manners, Way},
    network::{Network, Vantage},
    process::{RunAs, Spawner},
    programs::{Programs, ProgramsError},
    rds::{self, Name, Rds, RdsConfig, RdsError},
    setup::{self, Progress, SetupError},
    slot::{self, Slot, SlotError},
    system::{System, SystemError},
};

/// How long a replica takes at most to connect to its source anew.
const STREAMS_WITHIN: Duration = Duration::from_secs(10);

/// The lab's AWS account.
pub const ACCOUNT: &str = "000000000000";

/// The domain of database instances' endpoints.
pub const INSTANCE_DOMAIN: &str = "rds.lifeboat.test";

/// A lab that is up: ended by [`Machine::shut_down`], or else when it is dropped.
pub struct Machine {
    /// Its slot.
    pub slot: Slot,
    /// Its own folder.
    pub folder: PathBuf,
    /// AWS but for RDS.
    pub gateway: Gateway,
    /// RDS.
    pub rds: Arc<Rds>,
    /// The links to the instances' hosts.
    pub network: Network,
    /// The programs that are deployed on it.
    pub programs: Programs,
    dns: Dns,
    engine: Package,
    networks: Package,
    // The last to go: what it spawned ends with it.
    _spawner: Spawner,
}

/// Why there is no lab.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
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
    /// DNS.
    #[error("the lab's DNS is not there")]
    Dns(#[from] DnsError),
    /// The engine.
    #[error("the engine cannot be deployed")]
    Deploy(#[from] DeployError),
    /// What the plan protects.
    #[error("the system that the plan protects cannot be made")]
    System(#[from] SystemError),
}

impl Machine {
    /// Makes the machine ready and starts the lab's services, in `slot` or the first free one.
    ///
    /// # Errors
    /// [`MachineError`]; nothing is left running then.
    pub async fn start(slot: Option<Slot>, progress: &dyn Progress) -> Result<Self, MachineError> {
        let root = Programs::root()?;
        let base = root.join("target").join("lab");
        let tools = setup::prepare(&base, progress)?;
        progress.step("building the functions");
        let programs = Programs::build(&root)?;
        let spawner = Spawner::start()?;
        let held = slot::take(slot)?;
        let slot = held.slot;
        let folder = base.join(slot.to_string());
        progress.step("starting AWS, RDS and DNS on loopback addresses");
        std::fs::create_dir_all(&folder)?;
        // From here the endpoint's own listener holds the slot.
        drop(held.listener);
        let rds = Arc::new(
            rds::serve(
                RdsConfig {
                    listen: slot.rds(),
                    data: folder.join("rds"),
                    first_host: slot.first_host(),
                    postgres_bin: tools.postgres_bin,
                    run_as: RunAs::for_postgres()?,
                    account: ACCOUNT.to_owned(),
                    dns_suffix: INSTANCE_DOMAIN.to_owned(),
                    replication: |host| Vantage::Replication.sees(host),
                },
                spawner.clone(),
            )
            .await?,
        );
        let config =
            GatewayConfig { listen: slot.gateway(), rds: slot.rds(), folder: folder.clone(), python: tools.python };
        let gateway = Gateway::start(config, &spawner).await?;
        let links = Network::start(rds.hosts());
        let dns = Dns::serve(DnsConfig {
            listen: slot.dns(),
            name_servers: slot.name_servers(),
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
        let engine = Package::gather(&programs.engine(), &|name| programs.bootstrap(name))?;
        let networks = Package::gather(&programs.root.join("crates/lab/templates/network.yaml"), &|name| {
            programs.bootstrap(name)
        })?;
        Ok(Self { slot, folder, gateway, rds, network: links, programs, dns, engine, networks, _spawner: spawner })
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

    /// Where a vantage resolves them: there every host is behind a link.
    #[must_use]
    pub fn resolver_of(&self, vantage: Vantage) -> SocketAddr {
        vantage.sees_at(self.resolver())
    }

    /// Makes the system that `plan` protects, deploys the engine to its Regions, and waits until the primary is watched.
    ///
    /// # Errors
    /// [`MachineError`].
    pub async fn protect(&self, plan: &Plan, progress: &dyn Progress) -> Result<System, MachineError> {
        progress.step("making the networks and the hosted zone");
        let plan = self.with_ids(plan).await?;
        progress.step("deploying the engine to its Regions; creating the primary, its replica and their data");
        let (deployed, created) = tokio::join!(self.deploy_engine(&plan), System::create(self, plan.clone()));
        deployed?;
        let system = created?;
        progress.step("uploading the plan and starting to watch");
        system.open(self).await?;
        system.watch(self).await?;
        Ok(system)
    }

    /// Behaves so from now on, towards the engine of this plan.
    ///
    /// # Errors
    /// Where the gateway does not answer.
    pub async fn mind(&self, manners: Manners, plan: &Plan) -> Result<(), FaultsError> {
        let before = self.rds.receivers().await;
        self.rds.mind(manners);
        self.gateway.faults().start_schedules_within(manners.starts_within().as_secs()).await?;
        let (primary, rds) = (plan.regions.primary.to_string(), Arc::clone(&self.rds));
        self.network.lead(Arc::new(move |vantage, host| {
            let is_at_home = rds.region_at(host).is_some_and(|region| region == primary);
            match (vantage, is_at_home) {
                (Vantage::Witness, _) => manners.from_the_witness(),
                (Vantage::Recovery | Vantage::Replication, true) | (Vantage::Primary, false) => manners.far(),
                (Vantage::Recovery | Vantage::Replication, false) | (Vantage::Primary, true) | (Vantage::Public, _) => {
                    Way::default()
                }
            }
        }));
        // Every link is a new one. A replica whose stream does not flow again is the drill's to find.
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

    async fn with_ids(&self, plan: &Plan) -> Result<Plan, MachineError> {
        let side = |region: &str| Target {
            region: region.to_owned(),
            stack: format!("lab-network-{}", plan.plan),
            parameters: BTreeMap::new(),
        };
        let targets = [side(plan.regions.primary.as_str()), side(plan.regions.recovery.as_str())];
        let (networks, zone) = tokio::join!(self.networks.deploy(&self.gateway, &targets), System::zone(self, plan));
        Ok(System::with_ids(plan.clone(), &networks?, zone?)?)
    }

    async fn deploy_engine(&self, plan: &Plan) -> Result<(), MachineError> {
        let mut places = vec![
            (&plan.regions.recovery, "recovery", Vantage::Recovery),
            (&plan.regions.primary, "primary", Vantage::Primary),
        ];
        places.extend(plan.regions.witness.iter().map(|region| (region, "witness", Vantage::Witness)));
        let engine = |(region, place, vantage): (&Region, _, _)| self.engine_in(plan, region.as_str(), place, vantage);
        let targets: Vec<Target> = places.into_iter().map(engine).collect();
        self.engine.deploy(&self.gateway, &targets).await?;
        Ok(())
    }

    fn engine_in(&self, plan: &Plan, region: &str, place: &str, vantage: Vantage) -> Target {
        let resolver = self.resolver_of(vantage).to_string();
        // Told nothing, they find them by the zone's own names, and ask on port 53.
        let addresses = || self.dns.name_servers().iter().map(|server| server.address().to_string());
        let name_servers = self.dns.hidden().map(|_| ("NameServers", addresses().collect::<Vec<_>>().join(",")));
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        // The functions' roles may read this plan's secret and no other.
        let secret = plan.traffic_pair().and_then(|pair| match &pair.login.from {
            Credential::SecretsManager { secret } => Some(("SecretPrefix", secret.as_str())),
            Credential::IamToken { .. } => None,
        });
        let parameters = [
            ("Plan", plan.plan.as_str()),
            ("Place", place),
            ("ProbeFailuresInARow", &plan.probe.failures_in_a_row.to_string()),
            ("HostedZone", plan.traffic.record.zone.as_str()),
            ("InstancePattern", &pattern(instances(plan))),
            ("ClusterPattern", &pattern(clusters(plan))),
            ("Resolver", &resolver),
            ("Architecture", architecture),
        ];
        let parameters = parameters.into_iter().chain(secret).map(|(name, value)| (name, value.to_owned()));
        let parameters = parameters.chain(name_servers).map(|(name, value)| (name.to_owned(), value)).collect();
        // A role is named after its stack, and roles are the account's, not the Region's.
        Target { region: region.to_owned(), stack: format!("lifeboat-{region}"), parameters }
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

/// What all of these names begin with, and anything after it; empty of no names.
fn pattern<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let common = |one: &'a str, other: &str| {
        let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
        &one[..same.map(|(letter, _)| letter.len_utf8()).sum()]
    };
    names.reduce(common).map(|begins| format!("{begins}*")).unwrap_or_default()
}

/// The instances that the functions' roles may reach.
fn instances(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.components.iter().flat_map(|component| match component {
        Component::PostgresPair(pair) => vec![pair.primary.instance.as_str(), pair.replica.instance.as_str()],
        Component::Cluster(_) => Vec::new(),
    })
}

/// The clusters that they may back up.
fn clusters(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.components.iter().flat_map(|component| match component {
        Component::Cluster(cluster) => std::iter::once(cluster.primary.as_str())
            .chain(cluster.recovery.as_ref().map(|recovery| recovery.as_str()))
            .collect(),
        Component::PostgresPair(_) => Vec::new(),
    })
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
