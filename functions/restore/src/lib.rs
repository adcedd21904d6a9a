//! `Restore`: makes a backup, or a point in time, into an instance of its own, isolated from everyone but Lifeboat.
//!
//! - in: [`Request`], sample in `events/restore.json`
//! - out: [`Step<Restored>`]: `Done` once it can be asked, `Pending` (ask again), or `Refused` with the reason
//! - changes: `rds:RestoreDBInstanceFromDBSnapshot` or `rds:RestoreDBInstanceToPointInTime`, once; never an instance that
//!   is there already; safe to repeat
//! - fails with: `InvalidInput`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    backup::Quota,
    restore::{self, Chosen, Creation, Move, RestoreRun, Restored, SeenInstance, Settings},
    run::step::Step,
    words::{
        failure::Failure,
        id::{ComponentName, InstanceId, Region},
    },
};
use edge::rds::{Asked, Rds};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// What is restored, and for which run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    restore: RestoreRun,
    component: ComponentName,
    chosen: Chosen,
}

/// A Region's instances.
pub trait Instances {
    /// An instance that was restored.
    fn find(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<SeenInstance>, Failure>>;
    /// How the plan's instance is set there, where there is one.
    fn settings(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<Settings>, Failure>>;
    /// How many instances there may be.
    fn quota(&self, region: &Region) -> impl Future<Output = Result<Quota, Failure>>;
    /// Asks for an instance.
    fn restore(&self, region: &Region, creation: &Creation) -> impl Future<Output = Result<Asked, Failure>>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(world: &impl Instances, now: Timestamp, event: Value) -> Result<Step<Restored>, Failure> {
    let Request { restore: run, component, chosen } = edge::parse(event, "Restore")?;
    let target = run.target(&component)?;
    let instance = run.instance(&component)?;
    let seen = world.find(&run.region, &instance).await?;
    let next = restore::next(&run, target.like, seen.as_ref(), now);
    info!(plan.name = %run.plan.plan, component.name = %component, instance.id = %instance, ?seen, ?next, "planned the restore");
    match next {
        Move::Wait(why) => Ok(Step::pending(why, &seen)),
        Move::Refuse(why) => Ok(Step::refused(why, &seen)),
        Move::Done(restored) => {
            Ok(Step::done(format!("`{instance}` is there, made of {}", chosen.origin.name()), &seen, *restored))
        }
        Move::Create => {
            if let Err(full) = restore::room(&run.region, world.quota(&run.region).await?) {
                return Ok(Step::refused(full, Value::Null));
            }
            let has = world.settings(&run.region, &target.like.instance).await?;
            let creation = match Creation::plan(&run, target.pair, target.like, has, &chosen, now) {
                Ok(creation) => creation,
                Err(why) => return Ok(Step::refused(why, Value::Null)),
            };
            let because = match world.restore(&run.region, &creation).await? {
                Asked::Begun => format!("RDS makes `{instance}` of {}", chosen.origin.name()),
                Asked::Busy => format!("RDS does not restore {} yet: it is changing", chosen.origin.name()),
                Asked::NoRoom => format!("RDS has no room for another instance in {} yet", run.region),
            };
            Ok(Step::pending(because, &creation))
        }
    }
}

/// How long a Region may take to answer each call.
const REGION_PATIENCE: Duration = Duration::from_secs(6);

/// Each Region's RDS.
pub struct World;

impl World {
    async fn rds(region: &Region) -> Rds {
        Rds::far(region, REGION_PATIENCE).await
    }
}

impl Instances for World {
    async fn find(&self, region: &Region, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Self::rds(region).await.restored(instance).await
    }

    async fn settings(&self, region: &Region, instance: &InstanceId) -> Result<Option<Settings>, Failure> {
        Self::rds(region).await.settings(instance).await
    }

    async fn quota(&self, region: &Region) -> Result<Quota, Failure> {
        Self::rds(region).await.instance_quota().await
    }

    async fn restore(&self, region: &Region, creation: &Creation) -> Result<Asked, Failure> {
        Self::rds(region).await.restore(creation).await
    }
}

#[cfg(test)]
mod tests;
