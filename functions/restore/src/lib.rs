//! `Restore`: makes a backup, or a point in time, into an instance of its own, isolated from everyone but Lifeboat.
//!
//! - in: [`Request`], sample in `events/restore.json`
//! - out: [`Step<Restored>`]: `Done` once it can be asked, `Pending` (ask again), or `Refused` with the reason
//! - changes: `rds:RestoreDBInstanceFromDBSnapshot` or `rds:RestoreDBInstanceToPointInTime`, once; never an instance that
//!   is there already; safe to repeat
//! - fails with: `InvalidInput`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod world;

use domain::{
    restore::{self, Chosen, Creation, Move, RestoreRun, Restored},
    run::step::Step,
    words::{failure::Failure, id::ComponentName},
};
use edge::rds::Acceptance;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{Instances, World};

/// What is restored, and for which run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    restore: RestoreRun,
    component: ComponentName,
    chosen: Chosen,
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
            let has = match target.like.instance {
                Some(instance) => world.settings(&run.region, instance).await?,
                // Nothing of the plan runs there.
                None => None,
            };
            let creation = match Creation::plan(&run, target.pair, target.like, has, &chosen, now) {
                Ok(creation) => creation,
                Err(why) => return Ok(Step::refused(why, Value::Null)),
            };
            let because = match world.restore(&run.region, &creation).await? {
                Acceptance::Begun => format!("RDS makes `{instance}` of {}", chosen.origin.name()),
                Acceptance::Busy => format!("RDS does not restore {} yet: it is changing", chosen.origin.name()),
                Acceptance::NoRoom => format!("RDS has no room for another instance in {} yet", run.region),
            };
            Ok(Step::pending(because, &creation))
        }
    }
}

#[cfg(test)]
mod tests;
