//! A plan put onto a lab: its networks, its engine in every Region, and the system that it protects.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    component::{Bucket, SnapshotKind},
    plan::{PairPlan, Plan, Traffic},
    synth::Place,
    words::{
        failure::Failure,
        id::{Region, ZoneId},
    },
};
use edge::rollout::{self, Wanted};
use futures::future::try_join_all;

use crate::{
    deploy::{DeployError, Target},
    gateway::ACCOUNT,
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
    /// The plan.
    #[error("the plan cannot be applied")]
    Apply(#[from] Failure),
    /// What the plan protects.
    #[error("the system that the plan protects cannot be made")]
    System(#[from] SystemError),
}

/// Makes the system that `plan` protects, deploys the engine to its Regions, applies the plan, and waits until the primary
/// is watched.
///
/// # Errors
/// [`ProtectionError`].
pub async fn protect(
    aws: &LocalAws,
    plan: &Plan,
    data: Option<&str>,
    progress: &dyn Progress,
) -> Result<Vec<System>, ProtectionError> {
    progress.step("making the networks and the hosted zone");
    let plan = with_ids(aws, plan).await?;
    progress.step("deploying the engine to its Regions; creating the primary, its replica and their data");
    let plans = [&plan];
    let (deployed, created) = tokio::join!(deploy_engines(aws, &plans), create(aws, &plan, data));
    deployed?;
    let systems = created?;
    progress.step("applying the plan and starting to watch");
    try_join_all(systems.iter().map(|system| system.open(aws))).await?;
    apply(aws, &plan).await?;
    try_join_all(systems.iter().map(|system| system.watch(aws))).await?;
    Ok(systems)
}

/// Does the same for more plans, beside one that is protected already.
///
/// # Errors
/// [`ProtectionError`].
pub async fn protect_beside(
    aws: &LocalAws,
    first: &Plan,
    plans: &[Plan],
    progress: &dyn Progress,
) -> Result<Vec<System>, ProtectionError> {
    progress.step("letting the engine reach the systems of more plans; creating them");
    let plans = try_join_all(plans.iter().map(|plan| with_ids(aws, plan))).await?;
    let all: Vec<&Plan> = std::iter::once(first).chain(&plans).collect();
    let create = try_join_all(plans.iter().map(|plan| create(aws, plan, None)));
    let (deployed, created) = tokio::join!(deploy_engines(aws, &all), create);
    deployed?;
    let systems: Vec<System> = created?.into_iter().flatten().collect();
    progress.step("applying these plans and starting to watch");
    try_join_all(systems.iter().map(|system| system.open(aws))).await?;
    for plan in &plans {
        apply(aws, plan).await?;
    }
    try_join_all(systems.iter().map(|system| system.watch(aws))).await?;
    Ok(systems)
}

/// Lets the engine reach what a changed plan names, and applies the plan: what a person does who changes an instance.
///
/// # Errors
/// [`ProtectionError`].
pub async fn reapply(aws: &LocalAws, plan: &Plan) -> Result<(), ProtectionError> {
    deploy_engines(aws, &[plan]).await?;
    apply(aws, plan).await
}

/// Takes a plan out of its Regions.
///
/// # Errors
/// [`ProtectionError`].
pub async fn withdraw(aws: &LocalAws, plan: &Plan) -> Result<(), ProtectionError> {
    for (_, region) in Place::of(plan) {
        let config = aws.gateway.sdk_config(region.as_str());
        if let Some(bucket) = rollout::bucket(region, &config).await? {
            rollout::remove(&plan.plan, region, &config, &bucket, &|_| {}).await?;
        }
    }
    Ok(())
}

/// Applies a plan to its Regions, as `lifeboat plan apply` does when somebody has said yes.
///
/// # Errors
/// [`ProtectionError`].
pub async fn apply(aws: &LocalAws, plan: &Plan) -> Result<(), ProtectionError> {
    let unusable = |why: String| SystemError::Plan { plan: plan.plan.to_string(), why };
    let text = serde_json::to_string(plan).map_err(|error| unusable(error.to_string()))?;
    let authorities = aws.rds.ca_pem();
    let wanted = Wanted { plan, text: &text, authorities: Some(&authorities) };
    let looked = rollout::look(wanted, async |region: &Region| aws.gateway.sdk_config(region.as_str())).await?;
    let against = looked.findings().into_iter().map(|finding| finding.to_string());
    if let Some(why) = against.chain(looked.obstacles().into_iter().map(|(what, _)| what)).next() {
        return Err(unusable(why).into());
    }
    Ok(looked.propose().await?.carry_out(&|step| tracing::debug!(step, "applying the plan")).await?)
}

async fn with_ids(aws: &LocalAws, plan: &Plan) -> Result<Plan, ProtectionError> {
    let side = |region: &str| Target {
        region: region.to_owned(),
        stack: format!("lab-network-{}", plan.plan),
        parameters: BTreeMap::new(),
    };
    let targets: Vec<Target> = plan.restore_regions().into_iter().map(|region| side(region.as_str())).collect();
    let pairs: Vec<PairPlan> = plan.pairs().collect();
    let zones = try_join_all(pairs.iter().map(|pair| System::zone(aws, pair)));
    let (networks, zones) = tokio::join!(aws.networks.deploy(&aws.gateway, &targets), zones);
    let mut plan = System::with_ids(plan.clone(), &networks?, zones?)?;
    System::ask_caches(aws, &mut plan)?;
    System::place_names(aws, &mut plan).await?;
    Ok(plan)
}

/// The system of each of a plan's pairs.
async fn create(aws: &LocalAws, plan: &Plan, data: Option<&str>) -> Result<Vec<System>, SystemError> {
    try_join_all(plan.pairs().map(|pair| System::create(aws, plan, pair, data))).await
}

/// Deploys the engine to each Region of these plans. The first that names a Region says from where its functions look.
async fn deploy_engines(aws: &LocalAws, plans: &[&Plan]) -> Result<(), DeployError> {
    let mut places: Vec<(&Region, Place)> = Vec::new();
    for (place, region) in plans.iter().flat_map(|plan| Place::of(plan)) {
        match places.iter_mut().find(|(there, _)| *there == region) {
            // Whatever acts in a Region needs more of an engine than a witness does.
            Some((_, there)) if *there == Place::Witness => *there = place,
            Some(_) => {}
            None => places.push((region, place)),
        }
    }
    let targets: Vec<Target> = places.into_iter().map(|(region, place)| engine_in(aws, plans, region, place)).collect();
    aws.engine.deploy(&aws.gateway, &targets).await.map(drop)
}

fn engine_in(aws: &LocalAws, plans: &[&Plan], region: &Region, place: Place) -> Target {
    let (vantage, place) = match place {
        Place::Recovery => (Vantage::Recovery, "system"),
        Place::Primary => (Vantage::Primary, "system"),
        Place::Witness => (Vantage::Witness, "witness"),
    };
    let resolver = aws.resolver_of(vantage).to_string();
    // Without this parameter, functions find them by the names in the zone, and ask on port 53.
    let addresses = || aws.dns().name_servers().iter().map(|server| server.address().to_string());
    let name_servers = aws.dns().hidden().map(|_| ("NameServers", addresses().collect::<Vec<_>>().join(",")));
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let named = |kind: SnapshotKind| {
        let arns = |plan: &Plan| {
            plan.identifiers(kind.noun()).map(|id| kind.arn("aws", "*", ACCOUNT, &id)).collect::<Vec<_>>()
        };
        (kind.list(), listed(plans.iter().copied().flat_map(arns)))
    };
    let zones = |plan: &Plan| plan.traffic.iter().flat_map(Traffic::names).map(|(zone, _)| zone).collect::<Vec<_>>();
    let zone = |zone: ZoneId| format!("arn:aws:route53:::hostedzone/{zone}");
    // AWS puts a hyphen and six letters behind a secret's name in its ARN.
    let secret = |name: &str| format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{name}-??????");
    let buckets = |plan: &Plan| plan.identifiers(Bucket::NOUN).map(|id| Bucket::arn("aws", &id)).collect::<Vec<_>>();
    let all = || plans.iter().copied();
    let parameters = [
        ("Place", place.to_owned()),
        ("HostedZones", listed(all().flat_map(zones).map(zone))),
        (Bucket::LIST, listed(all().flat_map(buckets))),
        ("Secrets", listed(all().flat_map(secrets).map(secret))),
        ("Resolver", resolver),
        ("Architecture", architecture.to_owned()),
        ("Operators", format!("arn:aws:iam::{ACCOUNT}:role/lab-on-call")),
    ];
    let parameters = parameters.into_iter().chain(SnapshotKind::ALL.map(named)).chain(name_servers);
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).collect();
    // A role is named after its stack, and roles are global to the account.
    Target { region: region.to_string(), stack: format!("lifeboat-{region}"), parameters }
}

/// Each once, as a parameter takes a list.
fn listed(arns: impl Iterator<Item = String>) -> String {
    arns.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",")
}

/// The secrets that the functions' roles may read.
fn secrets(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.components.iter().filter_map(|component| Some(component.kind().login()?.secret()?.as_str()))
}
