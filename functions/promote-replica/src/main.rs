//! `PromoteReplica`: makes the replica the primary, or says why not. The point of no return.
//!
//! - in: [`PromoteReplica`], samples in `events/promote-replica.json` and `events/promote-replica-switchover.json`
//! - out: [`Step<Promotion>`]: `Done` once a write has committed, `Pending` (ask again), or `Refused`: nothing was promoted
//! - changes: the lease's phase, then `rds:PromoteReadReplica` once, then one row; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    drain::Drained,
    failure::Failure,
    judgement::{Judgement, Loss, ReplicaSeen},
    lease::{Holder, Lease, Phase},
    plan::PostgresPair,
    promotion::{self, Asked, Grounds, Instance, Move, Promotion, Seen, Server as ServerSeen},
    run::Run,
    step::Step,
    wal::Lsn,
};
use edge::{
    aws, clock,
    postgres::{Postgres, Server, Written},
    rds::Rds,
    shelf::{self, Bucket, Condition, Shelf},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let world = World { postgres: Postgres::from_env(bucket.clone()).await.map_err(|failure| failure.chain())? };
    edge::serve(|event| handle(&bucket, &world, event)).await
}

/// What is promoted, and on what grounds: a failover's judgement, or a switchover's drain. A rehearsal needs none, and
/// changes nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoteReplica {
    run: Run,
    #[serde(default)]
    judgement: Option<Judgement>,
    #[serde(default)]
    drain: Option<Drained>,
    #[serde(default)]
    rehearse: bool,
}

impl PromoteReplica {
    fn grounds(&self) -> Result<Grounds, Failure> {
        match (&self.judgement, &self.drain) {
            (Some(judgement), None) => {
                Ok(Grounds::Failed { last_seen: judgement.last_seen, since: judgement.failing_since })
            }
            (None, Some(drain)) => Ok(Grounds::Drained(drain.lsn)),
            // Whatever it has would do.
            (None, None) if self.rehearse => Ok(Grounds::Drained(Lsn(0))),
            (None, None) | (Some(_), Some(_)) => {
                Err(Failure::InvalidInput("PromoteReplica: expected either `judgement` or `drain`".into()))
            }
        }
    }
}

/// The replica.
trait Replica {
    fn look(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Seen, Failure>>;
    fn promote(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<(), Failure>>;
    fn write(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Written, Failure>>;
}

async fn handle(shelf: &impl Shelf, replica: &impl Replica, event: Value) -> Result<Step<Promotion>, Failure> {
    let request: PromoteReplica = edge::parse(event, "PromoteReplica")?;
    let grounds = request.grounds()?;
    let PromoteReplica { run, rehearse, .. } = request;
    let pair = run.protected()?;
    let (held, seen) = tokio::join!(shelf::held_lease(shelf, &run), replica.look(&run, pair));
    let ((lease, etag), seen) = (held?, seen?);
    // Asked by this run, or by the one that it finishes.
    let promoting = |holder: &&Holder| holder.phase == Phase::Promoting;
    let ours = lease.holder.as_ref().filter(promoting);
    let asked = ours.or(run.taken_over.as_ref().filter(promoting)).and_then(|holder| holder.asked.clone());
    let next = promotion::plan(&seen, &run, &grounds, asked.is_some());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %pair.replica.instance, ?seen, ?next, "planned the promotion");
    if rehearse {
        return Ok(rehearsed(&next, &seen, pair));
    }
    match next {
        Move::Refuse(why) => Ok(Step::refused(why, &seen)),
        Move::Wait(why) => Ok(Step::pending(why, &seen)),
        Move::Promote { loss, position } => {
            if ours.is_none() {
                let asked = Asked { at: clock::now(), position, loss };
                let promoting = match grounds {
                    Grounds::Failed { .. } => lease.promoting(asked),
                    Grounds::Drained(_) => lease.promoting_drained(asked),
                };
                pass_the_point_of_no_return(shelf, &run, &promoting, etag).await?;
            }
            match replica.promote(&run, pair).await {
                Ok(()) => Ok(Step::pending(format!("RDS was asked to promote `{}`", pair.replica.instance), &seen)),
                // Where an answer was lost the SDK asks again, and is told that what it asks for is under way already.
                Err(rejected @ Failure::AwsRejected { .. }) => {
                    let now = replica.look(&run, pair).await?;
                    if now.api.is_replica && now.api.status == seen.api.status {
                        return Err(rejected);
                    }
                    Ok(Step::pending(format!("the promotion is under way: {}", rejected.chain()), &now))
                }
                Err(failure) => Err(failure),
            }
        }
        Move::Confirm => {
            let written = replica.write(&run, pair).await?;
            let because = format!(
                "`{}` is the primary: a write committed on timeline {} at {}",
                pair.replica.instance, written.timeline, written.lsn
            );
            let promotion = Promotion {
                instance: pair.replica.instance.clone(),
                position: asked.as_ref().map(|asked| asked.position),
                loss: asked.as_ref().map_or(Loss::Promoted, |asked| asked.loss.clone()),
                asked_at: asked.map(|asked| asked.at),
                timeline: written.timeline,
                written_at_lsn: written.lsn,
                written_at: written.at,
            };
            Ok(Step::done(because, &seen, promotion))
        }
    }
}

/// What a rehearsal answers: only a replica that RDS would promote now will do.
fn rehearsed(next: &Move, seen: &Seen, pair: &PostgresPair) -> Step<Promotion> {
    let replica = &pair.replica.instance;
    match next {
        Move::Promote { .. } => {
            Step::settled(format!("`{replica}` is an available replica, and could be promoted now"), seen)
        }
        Move::Confirm => Step::refused(format!("`{replica}` is a primary already"), seen),
        Move::Wait(why) | Move::Refuse(why) => Step::refused(format!("`{replica}` cannot be promoted: {why}"), seen),
    }
}

/// Writes down, on the condition that nobody else wrote, that from here it goes only forward. It also proves at the
/// last moment that no newer generation has begun.
async fn pass_the_point_of_no_return(
    shelf: &impl Shelf,
    run: &Run,
    promoting: &Lease,
    etag: String,
) -> Result<(), Failure> {
    shelf::write_json(shelf, &shelf::lease_key(&run.plan.plan), promoting, Condition::Unchanged(etag)).await
}

struct World {
    postgres: Postgres,
}

/// How long the server may take for each question. It is near, and everyone waits.
const PATIENCE: Duration = Duration::from_secs(2);

impl Replica for World {
    async fn look(&self, run: &Run, pair: &PostgresPair) -> Result<Seen, Failure> {
        let rds = Rds::here(&run.plan.regions.recovery).await;
        let server = server(pair);
        self.postgres.ready(&server).await?;
        let (api, server) =
            tokio::join!(rds.describe(&pair.replica.instance), self.postgres.replica(&server, PATIENCE));
        let api = api?;
        let server = match server {
            ReplicaSeen::Replica { position, .. } => ServerSeen::InRecovery(position),
            ReplicaSeen::Primary => ServerSeen::Writable,
            ReplicaSeen::Silent(why) => ServerSeen::Silent(why),
        };
        Ok(Seen { api: Instance { status: api.status, is_replica: api.is_replica }, server })
    }

    async fn promote(&self, run: &Run, pair: &PostgresPair) -> Result<(), Failure> {
        Rds::here(&run.plan.regions.recovery)
            .await
            .promote(&pair.replica.instance, promotion::retention_days(&run.plan))
            .await
    }

    async fn write(&self, run: &Run, pair: &PostgresPair) -> Result<Written, Failure> {
        self.postgres.write_promotion(&server(pair), run, PATIENCE).await
    }
}

fn server(pair: &PostgresPair) -> Server<'_> {
    Server { side: &pair.replica, database: &pair.database, login: &pair.login }
}

#[cfg(test)]
mod tests;
