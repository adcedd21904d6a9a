//! What is in a Region: its engine, the plan as it is there, and the plans beside it.

use aws_config::SdkConfig;
use domain::{
    component::{ActiveSide, Tls},
    failover::lease::Lease,
    plan::Plan,
    plan_file::{self, Other},
    synth::{Place, stack_name},
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};

use super::{
    AUTHORITIES, ObjectChange, RegionChanges, Tell,
    engine::{self, Engine},
    stack::Stacks,
};
use crate::object_store::{self, Bucket, Object, ObjectStore};

/// One of the plan's Regions.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) region: Region,
    pub(super) stacks: Stacks,
    pub(super) engine: Option<Engine>,
    /// The plan's object.
    pub(super) plan: Option<Object>,
    authorities: Option<Object>,
    /// The other plans of the Region, and this one as it was.
    pub(super) others: Vec<Other>,
    /// Those that cannot be read, and why.
    pub(super) unreadable: Vec<String>,
    /// Pairs that the plan does not name any more, and what keeps each from being left.
    pub(super) needed: Vec<(PlanName, String)>,
}

impl Site {
    /// The engine's bucket.
    pub(super) fn bucket(&self) -> Result<&Bucket, Failure> {
        let engine =
            self.engine.as_ref().ok_or_else(|| Failure::NotFound(format!("there is no engine in {}", self.region)))?;
        Ok(&engine.bucket)
    }

    pub(super) fn text_of_authorities(&self) -> Option<&str> {
        self.authorities.as_ref().map(|object| &*object.text)
    }

    /// Whether servers could not prove who they are from there: the functions of a primary's Region log in to nothing by
    /// themselves, but a failback does.
    pub(super) fn lacks_authorities(&self, plan: &Plan) -> bool {
        let mut logins = plan.components.iter().filter_map(|component| component.kind().login());
        let verifies = logins.any(|login| login.tls == Tls::VerifyFull);
        verifies && self.engine.is_some() && self.authorities.is_none()
    }
}

/// Where plans are.
const PLANS: &str = "plans/";

pub(super) async fn site(wanted: &Plan, place: Place, region: &Region, config: &SdkConfig) -> Result<Site, Failure> {
    let stacks = Stacks::of(config, region.clone());
    let engine = engine::look(stacks.client(), config, region.as_str()).await?;
    let mut site = Site {
        place,
        region: region.clone(),
        stacks,
        engine,
        plan: None,
        authorities: None,
        others: Vec::new(),
        unreadable: Vec::new(),
        needed: Vec::new(),
    };
    let Some(Engine { bucket, .. }) = &site.engine else { return Ok(site) };
    let key = object_store::plan_key(&wanted.plan);
    let (there, authorities, plans) = tokio::join!(bucket.get(&key), bucket.get(AUTHORITIES), bucket.list(PLANS));
    (site.plan, site.authorities) = (there?, authorities?);
    // What it was before: its first pair stays the first. One that nobody can read was in force nowhere.
    let at = format!("s3://{}/{key}", bucket.name());
    let earlier = site.plan.as_ref().and_then(|object| plan_file::read(&object.text, &at).ok());
    if let Some(earlier) = &earlier {
        site.needed = needed(bucket, earlier, wanted).await?;
    }
    site.others.extend(earlier.map(|plan| Other { plan, at }));
    for listed in plans?.into_iter().filter(|listed| listed.key != key && listed.key.ends_with(".yaml")) {
        let at = format!("s3://{}/{}", bucket.name(), listed.key);
        // Gone meanwhile, it is no neighbour.
        let Some(object) = bucket.get(&listed.key).await? else { continue };
        match plan_file::read(&object.text, &at) {
            Ok(plan) => site.others.push(Other { plan, at }),
            Err(error) => site.unreadable.push(format!("another plan cannot be read: {error}")),
        }
    }
    Ok(site)
}

/// The pairs of the plan as it was that it does not name any more, and whose watch and guard are still needed.
async fn needed(bucket: &Bucket, earlier: &Plan, wanted: &Plan) -> Result<Vec<(PlanName, String)>, Failure> {
    let mut needed = Vec::new();
    for pair in earlier.names_of_pairs().filter(|pair| wanted.pair_plan(pair).is_none()) {
        let lease = object_store::read_lease(bucket, &pair).await?.map(|(lease, _)| lease);
        let moved = |lease: &Lease| {
            (lease.active == ActiveSide::Replica).then(|| "it failed over, and was not protected again".to_owned())
        };
        let why = lease.as_ref().and_then(|lease| lease.at_work().or_else(|| moved(lease)));
        needed.extend(why.map(|why| (pair, why)));
    }
    Ok(needed)
}

/// A Region that has a plan and that it does not name any more.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) region: Region,
    /// Whether anything of the plan starts there.
    pub(super) has_stack: bool,
    bucket: Bucket,
}

impl Left {
    pub(super) fn changes(&self) -> RegionChanges {
        RegionChanges {
            region: self.region.to_string(),
            place: "left",
            plan: ObjectChange::Removed,
            plan_version: None,
            authorities: ObjectChange::Same,
            resources: Vec::new(),
            buckets: Vec::new(),
            points_in_time: Vec::new(),
        }
    }

    /// Takes the plan's object away.
    pub(super) async fn leave(&self, plan: &PlanName, tell: Tell<'_>) -> Result<(), Failure> {
        let key = object_store::plan_key(plan);
        tell(&format!("{}: taking {key} away", self.region));
        self.bucket.delete(&key).await
    }
}

/// Other Regions with an engine that have a plan of this name.
pub(super) async fn elsewhere(
    wanted: &Plan,
    sites: &[Site],
    config: impl AsyncFn(&Region) -> SdkConfig,
) -> Result<Vec<Left>, Failure> {
    let Some(engine) = sites.iter().find_map(|site| site.engine.as_ref()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for region in with_a_bucket(&engine.bucket, &engine.seen.account).await? {
        if sites.iter().any(|site| site.region == region) {
            continue;
        }
        let config = config(&region).await;
        let bucket = Bucket::named(&config, format!("lifeboat-{}-{region}", engine.seen.account));
        if bucket.get(&object_store::plan_key(&wanted.plan)).await?.is_some() {
            let has_stack = Stacks::of(&config, region.clone()).has(&stack_name(&wanted.plan)).await?;
            found.push(Left { region, has_stack, bucket });
        }
    }
    Ok(found)
}

/// The Regions that have a bucket of an engine's; artifacts' and strangers' are called otherwise.
async fn with_a_bucket(bucket: &Bucket, account: &str) -> Result<Vec<Region>, Failure> {
    let prefix = format!("lifeboat-{account}-");
    let names = bucket.siblings(&prefix).await?;
    Ok(names.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok()).collect())
}
