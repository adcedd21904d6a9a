//! Looking at a Region for a minute. EventBridge starts the function once a minute, and health may be looked at more often.

use std::future::Future;

use domain::{
    component::ActiveSide,
    plan::{Health, Plan},
    record::notice::{self, Notice},
    run::step::Step,
    watch::region::{self, Episode, Judged, News, Recorded, RegionHealth, RegionLook},
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{info, warn};

/// The world as it is looked at.
pub trait Looks {
    /// Looks at a side of the plan's pairs, once.
    fn look(&self, plan: &Plan, health: &Health, side: ActiveSide) -> impl Future<Output = RegionLook>;
    /// Tells what was seen of a Region as metrics.
    fn publish(&self, plan: &PlanName, region: &Region, judged: &Judged) -> impl Future<Output = Result<(), Failure>>;
    /// Tells people.
    fn tell(&self, plan: &Plan, notice: &Notice) -> impl Future<Output = Result<(), Failure>>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// Looks from `here` at `region`, as often as it is due until then.
pub(crate) async fn watch(
    store: &impl ObjectStore,
    world: &impl Looks,
    (here, of): (&Region, &Region),
    plan: &PlanName,
    until: Timestamp,
) -> Result<Step<Judged>, Failure> {
    let (plan, _) = object_store::read_plan(store, plan).await?;
    let Some(health) = &plan.health else {
        return Ok(Step::idle(format!("plan `{}` says nothing of health", plan.plan)));
    };
    let side = plan.side_in(of).ok_or_else(|| {
        let (primary, recovery) = (&plan.regions.primary, &plan.regions.recovery);
        Failure::InvalidInput(format!("region: plan `{}` runs in {primary} and {recovery}, not in {of}", plan.plan))
    })?;
    loop {
        let (seen, condition) = remembered(store, &plan.plan, (here, of)).await?;
        let due = seen.due_at(health, world.now());
        if due >= until {
            let judged = region::judge(&seen, health, world.now());
            return Ok(Step::done(judged.because.clone(), Value::Null, judged));
        }
        world.sleep_until(due).await;
        let mut seen = seen.with(world.look(&plan, health, side).await);
        let judged = region::judge(&seen, health, world.now());
        info!(plan.name = %plan.plan, region = %of, ?judged, "looked at a Region");
        let (episode, news) = Episode::next(seen.episode.clone(), &judged, health, world.now());
        match announce(store, world, &plan, (here, of), episode.as_ref(), &news).await {
            Ok(()) => seen.episode = episode,
            // Nobody has heard of it: the next look tells it.
            Err(failure) => {
                warn!(plan.name = %plan.plan, why = failure.chain(), "could not tell people of a Region's health")
            }
        }
        match object_store::write_json(store, &object_store::health_key(&plan.plan, of), &seen, condition).await {
            Ok(()) => {}
            // Two starts of one minute have met: the other one goes on.
            Err(Failure::Conflict(_)) => {
                return Ok(Step::done("another one looks", Value::Null, judged));
            }
            Err(failure) => return Err(failure),
        }
        if let Err(failure) = world.publish(&plan.plan, of, &judged).await {
            warn!(plan.name = %plan.plan, why = failure.chain(), "could not tell what was seen");
        }
    }
}

/// Keeps what is new of an episode on record, and tells people. The record is first: the notice names it.
async fn announce(
    store: &impl ObjectStore,
    world: &impl Looks,
    plan: &Plan,
    (here, of): (&Region, &Region),
    episode: Option<&Episode>,
    news: &News,
) -> Result<(), Failure> {
    let Some(episode) = episode else { return Ok(()) };
    let key = region::key(&plan.plan, of, episode);
    let (region, seen_from) = (of.clone(), here.clone());
    let recorded = Recorded { plan: plan.plan.clone(), region, seen_from, episode: episode.clone() };
    let notice = match news {
        News::None => return Ok(()),
        News::Unhealthy(pointed) => notice::unhealthy(plan, &recorded, pointed, &key),
        News::Over => notice::healthy_again(plan, &recorded, &key),
    };
    object_store::write_json(store, &key, &recorded, Condition::Always).await?;
    world.tell(plan, &notice).await
}

/// What is remembered of a Region's looks. What cannot be read, or was seen from elsewhere, is begun anew: it is ten minutes' worth.
async fn remembered(
    store: &impl ObjectStore,
    plan: &PlanName,
    (here, of): (&Region, &Region),
) -> Result<(RegionHealth, Condition), Failure> {
    let anew = || RegionHealth::new(of.clone(), here.clone());
    let key = object_store::health_key(plan, of);
    let Some(object) = store.get(&key).await? else { return Ok((anew(), Condition::Absent)) };
    let seen = serde_json::from_str::<RegionHealth>(&object.text);
    let seen = seen.inspect_err(|error| warn!(key, why = %error, "what was remembered is lost")).ok();
    let seen = seen.filter(|seen| seen.region == *of && seen.seen_from == *here);
    Ok((seen.unwrap_or_else(anew), Condition::Unchanged(object.etag)))
}
