//! `PromoteReplica`: makes the replica the primary, or says why not. The point of no return.
//!
//! - in: [`PromoteReplica`], samples in `events/promote-replica.json` and `events/promote-replica-switchover.json`
//! - out: [`Step<Promotion>`]: `Done` once a write has committed, `Pending` (ask again), or `Refused`: nothing was promoted
//! - changes: the lease's phase, then `rds:PromoteReadReplica` once, then one row; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `Database`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    component::PostgresPair,
    failover::{
        drain::Drained,
        fencing::{Fencing, Target},
        guard::Guard,
        judgement::{Judgement, ReplicaSeen},
        lease::{self, Asked, Holder, Lease, Phase},
        loss::Loss,
        promotion::{self, Before, Grounds, Instance, Move, Promotion, Seen, Server as ServerSeen},
        run::{Kind, Run},
    },
    run::step::Step,
    watch::probe::later,
    words::{failure::Failure, span::Span, wal::Lsn},
};
use edge::{
    clock,
    postgres::{Postgres, Server, Written},
    rds::{Promoting, Rds},
    shelf::{self, Condition, Shelf},
    states::{Owners, still_runs},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

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
        // Where its log ended once the application was shut out is better than any look before.
        let ends_at = self.fencing.as_ref().and_then(|fencing| fencing.ends_at);
        match (&self.judgement, &self.drain) {
            (Some(judgement), None) if ends_at.is_some() => Ok(Grounds::Failed {
                // The fence itself writes to a quiet primary's log.
                last_seen: ends_at.map(|end| end.after(judgement.last_seen)),
                since: ends_at.map_or(self.run.opened_at, |ended| ended.at),
                dead_since: ends_at.map(|ended| ended.at),
            }),
            (Some(judgement), None) => Ok(Grounds::Failed {
                last_seen: judgement.last_seen,
                since: judgement.failing_since,
                dead_since: judgement.dead_since,
            }),
            (None, Some(drain)) => Ok(Grounds::Drained(drain.lsn)),
            // Whatever it has would do.
            (None, None) if self.rehearse => Ok(Grounds::Drained(Lsn(0))),
            (None, None) | (Some(_), Some(_)) => {
                Err(Failure::InvalidInput("PromoteReplica: expected either `judgement` or `drain`".into()))
            }
        }
    }

    /// Whether a person accepts a loss above the budget: with the order, or with the approval.
    fn consented(&self) -> bool {
        self.run.consent.is_some() || self.judgement.as_ref().is_some_and(|judgement| judgement.consent.is_some())
    }
}

/// The replica.
pub trait Replica {
    /// How RDS shows it, and what its server says.
    fn look(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Seen, Failure>>;
    /// Asks RDS to promote it.
    fn promote(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Promoting, Failure>>;
    /// Commits a row on it.
    fn write(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Written, Failure>>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    shelf: &impl Shelf,
    owners: &impl Owners,
    replica: &impl Replica,
    event: Value,
) -> Result<Step<Promotion>, Failure> {
    let request: PromoteReplica = edge::parse(event, "PromoteReplica")?;
    let (grounds, consented) = (request.grounds()?, request.consented());
    let PromoteReplica { run, rehearse, judgement, .. } = request;
    let pair = run.protected()?;
    let (held, seen) = tokio::join!(shelf::held_lease(shelf, &run), replica.look(&run, pair));
    let ((lease, etag), seen) = (held?, seen?);
    // Asked by this run, or by the one that it finishes.
    let promoting = |holder: &&Holder| holder.phase == Phase::Promoting;
    let ours = lease.holder.as_ref().filter(promoting);
    let asked = ours.or(run.taken_over.as_ref().filter(promoting)).and_then(|holder| holder.asked.clone());
    let before = match (ours, &asked) {
        (Some(_), _) => Before::ByUs,
        (None, Some(_)) => Before::ByAnother,
        (None, None) => Before::Never,
    };
    // The run that asked first knows since when: this one may have seen the primary fail again.
    let unserved_since = match &asked {
        Some(asked) => asked.unserved_since.or_else(|| drained_before(&run)),
        None => judgement.and_then(|judgement| judgement.unserved_since(&run.plan.probe)),
    };
    let next = promotion::plan(&seen, &run, &grounds, before, consented, clock::now());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %pair.replica.instance, ?seen, ?next, "planned the promotion");
    if rehearse {
        return Ok(rehearsed(&next, &seen, pair));
    }
    // A drained primary was seen to refuse the application already: nobody needs to wait for it.
    let is_guarded = matches!(grounds, Grounds::Failed { .. });
    match next {
        Move::Refuse(why) => Ok(Step::refused(why, &seen)),
        Move::Wait(why) => Ok(Step::pending(why, &seen)),
        Move::Promote { loss, position } => {
            if ours.is_none() {
                let asked = Asked { at: clock::now(), position: Some(position), loss, unserved_since };
                let guard = is_guarded.then(|| guard(&run, pair, &asked));
                let promoting = lease.promoting(asked, guard);
                pass_the_point_of_no_return(shelf, owners, &run, &promoting, etag).await?;
            }
            match replica.promote(&run, pair).await {
                Ok(Promoting::Begun) => {
                    Ok(Step::pending(format!("RDS was asked to promote `{}`", pair.replica.instance), &seen))
                }
                // RDS shows what it does some time after: not for minutes.
                Ok(Promoting::Busy) if ours.is_some_and(|holder| has_waited(holder, clock::now())) => {
                    Err(Failure::AwsRejected {
                        what: format!("RDS shows `{}` as {}", pair.replica.instance, seen.api.status),
                        source: Some(format!("it promotes it not, {LAGS_BEHIND} after it was asked").into()),
                    })
                }
                Ok(Promoting::Busy) => Ok(Step::pending(
                    format!("`{}` is changing, and RDS promotes it only once that is over", pair.replica.instance),
                    &seen,
                )),
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
            let asked = match asked {
                Some(asked) => asked,
                None => {
                    // Somebody else promoted it since it was judged. There is no way back from that either: the old
                    // primary is guarded, and what is lost is not known.
                    let because = format!("`{}` was promoted by none of our runs", pair.replica.instance);
                    let loss = Loss::Unknown { because };
                    let asked = Asked { at: clock::now(), position: None, loss, unserved_since };
                    let promoting = lease.promoting(asked.clone(), Some(guard(&run, pair, &asked)));
                    pass_the_point_of_no_return(shelf, owners, &run, &promoting, etag).await?;
                    asked
                }
            };
            let written = replica.write(&run, pair).await?;
            let because = format!(
                "`{}` is the primary: a write committed on timeline {} at {}",
                pair.replica.instance, written.timeline, written.lsn
            );
            let promotion = Promotion {
                instance: pair.replica.instance.clone(),
                position: asked.position,
                loss: asked.loss,
                asked_at: Some(asked.at),
                timeline: written.timeline,
                written_at_lsn: written.lsn,
                written_at: written.at,
            };
            Ok(Step::done(because, &seen, promotion))
        }
    }
}

/// Since when a switchover had drained the primary that this run goes on to replace.
fn drained_before(run: &Run) -> Option<Timestamp> {
    let holder = run.taken_over.as_ref().filter(|holder| Kind::of(&holder.execution) == Kind::Switchover);
    holder.map(|holder| holder.since)
}

/// How long RDS may refuse to change what it shows as available.
const LAGS_BEHIND: Span = Span::seconds(180);

fn has_waited(holder: &Holder, now: Timestamp) -> bool {
    holder.asked.as_ref().is_some_and(|asked| Span::between(asked.at, now) > LAGS_BEHIND)
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

/// Who keeps the old primary out from now on.
fn guard(run: &Run, pair: &PostgresPair, asked: &Asked) -> Guard {
    Guard {
        generation: run.generation,
        since: asked.at,
        position: asked.position,
        target: Target::primary(&run.plan, pair),
        settles_at: run.taken_over.as_ref().map(|_| later(asked.at, lease::STEP_OUTLIVES_RUN_BY)),
    }
}

/// How long a run's word that it still runs is good for: where the write that follows it took longer, it is asked again.
const STILL_FRESH: Duration = Duration::from_secs(1);

/// Writes down, on the condition that nobody else wrote, that from here it goes only forward. It also proves at the
/// last moment that no newer generation has begun, and that nobody stopped this run.
async fn pass_the_point_of_no_return(
    shelf: &impl Shelf,
    owners: &impl Owners,
    run: &Run,
    promoting: &Lease,
    etag: String,
) -> Result<(), Failure> {
    still_runs(owners, run).await?;
    let asked = tokio::time::Instant::now();
    shelf::write_json(shelf, &shelf::lease_key(&run.plan.plan), promoting, Condition::Unchanged(etag)).await?;
    if asked.elapsed() > STILL_FRESH { still_runs(owners, run).await } else { Ok(()) }
}

/// RDS, and the replica's server.
pub struct World {
    /// Its logins.
    pub postgres: Postgres,
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

    async fn promote(&self, run: &Run, pair: &PostgresPair) -> Result<Promoting, Failure> {
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
