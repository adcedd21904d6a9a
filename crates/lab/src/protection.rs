//! A plan put onto a lab: its networks, its engine in every Region, and the system that it protects.

use std::collections::BTreeMap;

use domain::{component::SnapshotKind, plan::Plan, words::id::Region};

use crate::{
    deploy::{DeployError, Target},
    local_aws::LocalAws,
    network::Vantage,
    setup::Progress,
    system::{System, SystemError},
};

/// Why a plan is not protected.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    /// The engine.
    #[error("the engine cannot be deployed")]
    Deploy(#[from] DeployError),
    /// What the plan protects.
    #[error("the system that the plan protects cannot be made")]
    System(#[from] SystemError),
}

/// Makes the system that `plan` protects, deploys the engine to its Regions, and waits until the primary is watched.
///
/// # Errors
/// [`ProtectionError`].
pub async fn protect(aws: &LocalAws, plan: &Plan, progress: &dyn Progress) -> Result<System, ProtectionError> {
    progress.step("making the networks and the hosted zone");
    let plan = with_ids(aws, plan).await?;
    progress.step("deploying the engine to its Regions; creating the primary, its replica and their data");
    let (deployed, created) = tokio::join!(deploy_engine(aws, &plan), System::create(aws, plan.clone()));
    deployed?;
    let system = created?;
    progress.step("uploading the plan and starting to watch");
    system.open(aws).await?;
    system.watch(aws).await?;
    Ok(system)
}

async fn with_ids(aws: &LocalAws, plan: &Plan) -> Result<Plan, ProtectionError> {
    let side = |region: &str| Target {
        region: region.to_owned(),
        stack: format!("lab-network-{}", plan.plan),
        parameters: BTreeMap::new(),
    };
    let targets = [side(plan.regions.primary.as_str()), side(plan.regions.recovery.as_str())];
    let (networks, zone) = tokio::join!(aws.networks.deploy(&aws.gateway, &targets), System::zone(aws, plan));
    Ok(System::with_ids(plan.clone(), &networks?, zone?)?)
}

async fn deploy_engine(aws: &LocalAws, plan: &Plan) -> Result<(), DeployError> {
    let mut places = vec![
        (&plan.regions.recovery, "recovery", Vantage::Recovery),
        (&plan.regions.primary, "primary", Vantage::Primary),
    ];
    places.extend(plan.regions.witness.iter().map(|region| (region, "witness", Vantage::Witness)));
    let engine = |(region, place, vantage): (&Region, _, _)| engine_in(aws, plan, region.as_str(), place, vantage);
    let targets: Vec<Target> = places.into_iter().map(engine).collect();
    aws.engine.deploy(&aws.gateway, &targets).await.map(drop)
}

fn engine_in(aws: &LocalAws, plan: &Plan, region: &str, place: &str, vantage: Vantage) -> Target {
    let resolver = aws.resolver_of(vantage).to_string();
    // Without this parameter, functions find them by the names in the zone, and ask on port 53.
    let addresses = || aws.dns().name_servers().iter().map(|server| server.address().to_string());
    let name_servers = aws.dns().hidden().map(|_| ("NameServers", addresses().collect::<Vec<_>>().join(",")));
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    // The functions' roles may read this plan's secret and no other.
    let secret = plan.traffic_pair().and_then(|pair| pair.login.secret());
    let secret = secret.map(|secret| ("SecretPrefix", secret.as_str()));
    // What they may reach, and what they may back up.
    let named = |kind: SnapshotKind| pattern(plan.identifiers(kind.noun()));
    let parameters = [
        ("Plan", plan.plan.as_str()),
        ("Place", place),
        ("ProbeFailuresInARow", &plan.probe.failures_in_a_row.to_string()),
        ("HostedZone", plan.traffic.record.zone.as_str()),
        ("InstancePattern", &named(SnapshotKind::Instance)),
        ("ClusterPattern", &named(SnapshotKind::Cluster)),
        ("Resolver", &resolver),
        ("Architecture", architecture),
    ];
    let parameters = parameters.into_iter().chain(secret).map(|(name, value)| (name, value.to_owned()));
    let parameters = parameters.chain(name_servers).map(|(name, value)| (name.to_owned(), value)).collect();
    // A role is named after its stack, and roles are global to the account.
    Target { region: region.to_owned(), stack: format!("lifeboat-{region}"), parameters }
}

/// The longest common prefix of these names, followed by `*`; empty when there are no names.
fn pattern(names: impl Iterator<Item = String>) -> String {
    let common = |one: String, other: String| {
        let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
        same.map(|(letter, _)| letter).collect()
    };
    names.reduce(common).map(|begins| format!("{begins}*")).unwrap_or_default()
}
