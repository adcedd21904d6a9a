//! `PromoteReplica`: makes the replica the primary, or says why not. The point of no return.
//!
//! - in: [`PromoteReplica`], samples in `events/promote-replica.json` and `events/promote-replica-switchover.json`
//! - out: [`Step<Promotion>`]: `Done` once a write has committed, `Pending` (ask again), or `Refused`: nothing was promoted
//! - changes: the lease's phase, then `rds:PromoteReadReplica` once, then one row; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod point_of_no_return;
mod world;

use domain::{
    component::PostgresPair,
    failover::{
        drain::Drained,
        fencing::Fencing,
        judgement::Judgement,
        lease::RequestedPromotion,
        promotion::{self, Asking, Grounds, Move, Promotion, Seen},
        run::Run,
    },
    run::step::Step,
    words::failure::Failure,
};
use edge::{
    clock,
    object_store::{self, ObjectStore},
    rds::Promoting,
    states::Owners,
};
use point_of_no_return::PointOfNoReturn;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

pub use world::{Replica, World};

/// What is promoted, and on what grounds: a failover's judgement and what its fence saw, or a switchover's drain. A
/// rehearsal needs none, and changes nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoteReplica {
    run: Run,
    #[serde(default)]
    judgement: Option<Judgement>,
    #[serde(default)]
    fencing: Option<Fencing>,
    #[serde(default)]
    drain: Option<Drained>,
    #[serde(default)]
    rehearse: bool,
}

impl PromoteReplica {
    fn grounds(&self) -> Result<Grounds, Failure> {
        let (judgement, drain) = (self.judgement.as_ref(), self.drain.as_ref());
        if self.rehearse && judgement.is_none() && drain.is_none() {
            return Ok(Grounds::REHEARSED);
        }
        Grounds::of(judgement, self.fencing.as_ref(), drain)
    }

    /// Whether a person accepts a loss above the budget: with the order, or with the approval.
    fn consented(&self) -> bool {
        self.run.consent.is_some() || self.judgement.as_ref().is_some_and(|judgement| judgement.consent.is_some())
    }
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    owners: &impl Owners,
    replica: &impl Replica,
    event: Value,
) -> Result<Step<Promotion>, Failure> {
    let request: PromoteReplica = edge::parse(event, "PromoteReplica")?;
    let (grounds, consented) = (request.grounds()?, request.consented());
    let PromoteReplica { run, rehearse, judgement, .. } = request;
    let pair = run.protected()?;
    let instance = &pair.replica.instance;
    let (held, seen) = tokio::join!(object_store::held_lease(store, &run), replica.look(&run, pair));
    let ((lease, etag), seen) = (held?, seen?);
    let asking = Asking::of(&lease, &run);
    let next = promotion::plan(&seen, &run, &grounds, asking.before, consented, clock::now());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?seen, ?next, "planned the promotion");
    if rehearse {
        return Ok(match next.rehearsed(instance) {
            Ok(could) => Step::settled(could, &seen),
            Err(why) => Step::refused(why, &seen),
        });
    }
    let unserved_since = asking.unserved_since(&run, judgement.as_ref());
    let before_it = PointOfNoReturn { store, owners, run: &run, pair, lease: &lease, etag };
    match next {
        Move::Refuse(why) => Ok(Step::refused(why, &seen)),
        Move::Wait(why) => Ok(Step::pending(why, &seen)),
        Move::Promote { loss, position } => {
            if !asking.is_ours() {
                let asked = RequestedPromotion { at: clock::now(), position: Some(position), loss, unserved_since };
                before_it.pass(&asked, grounds.leave_a_guard()).await?;
            }
            promote(replica, &run, pair, &asking, &seen).await
        }
        Move::Confirm => {
            let asked = match asking.asked {
                Some(asked) => asked,
                None => {
                    let asked = promotion::promoted_by_nobody(instance, unserved_since, clock::now());
                    before_it.pass(&asked, true).await?;
                    asked
                }
            };
            let promotion = Promotion::proved(instance, asked, replica.write(&run, pair).await?);
            Ok(Step::done(promotion.because(), &seen, promotion))
        }
    }
}

/// Asks RDS for the promotion.
async fn promote(
    replica: &impl Replica,
    run: &Run,
    pair: &PostgresPair,
    asking: &Asking,
    seen: &Seen,
) -> Result<Step<Promotion>, Failure> {
    let instance = &pair.replica.instance;
    match replica.promote(run, pair).await {
        Ok(Promoting::Begun) => Ok(Step::pending(format!("RDS was asked to promote `{instance}`"), seen)),
        Ok(Promoting::Busy) => Ok(Step::pending(asking.busy(instance, seen, clock::now())?, seen)),
        // Where an answer was lost the SDK asks again, and is told that what it asks for is under way already.
        Err(rejected @ Failure::AwsRejected { .. }) => {
            let now = replica.look(run, pair).await?;
            if now.api.is_replica && now.api.status == seen.api.status {
                return Err(rejected);
            }
            Ok(Step::pending(format!("the promotion is under way: {}", rejected.chain()), &now))
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests;
