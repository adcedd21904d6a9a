//! `JudgeFailover`: looks again, now, from here and from the witness, and decides.
//!
//! - in: [`JudgeFailover`], samples in `events/judge-failover.json` and `events/judge-failover-rehearse.json`
//! - out: [`Step<Judgement>`]: `Done` = fail over (`policy` says whether a person is asked first), `Pending` while the
//!   hold-down lasts, `Refused` with the reason
//! - changes: nothing; for a rehearsal the answer is [`Step<Rehearsal>`]
//! - fails with: `InvalidInput`, `Superseded`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, time::Duration};

use domain::{
    component::{ActiveSide, PostgresPair},
    failover::{
        approval,
        judgement::{self, ApiSeen, Decision, Fitness, Judgement, RecordSeen, Rehearsal, Seen, Witness},
        lease::Lease,
        run::Run,
        traffic,
    },
    run::step::Step,
    watch::{health::LookRequest, probe::Watch},
    words::{
        failure::Failure,
        id::{Generation, InstanceId, PlanName, Region},
    },
};
use edge::{
    clock,
    postgres::{Postgres, Server},
    rds::Rds,
    shelf::{self, Bucket, Shelf},
    witness,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};

/// What is judged: a run's failure, or what would be decided now.
#[derive(Debug)]
enum JudgeFailover {
    Run(Box<JudgeRun>),
    Rehearse(Rehearse),
}

/// A run's failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JudgeRun {
    run: Run,
    /// The answer of the person who was asked, as the state machine took it; absent before.
    #[serde(default)]
    approval: Option<Value>,
}

/// A plan whose primary may fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rehearse {
    rehearse: PlanName,
}

impl JudgeFailover {
    /// One of the two, told by its key, so that what is wrong with it is told as well.
    fn parse(event: Value) -> Result<Self, Failure> {
        if event.get("rehearse").is_some() {
            return edge::parse(event, "JudgeFailover").map(Self::Rehearse);
        }
        edge::parse(event, "JudgeFailover").map(|run| Self::Run(Box::new(run)))
    }
}

/// What the judge answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A run's failure.
    Judged(Step<Judgement>),
    /// What would be decided now.
    Rehearsed(Step<Rehearsal>),
}

/// Who can look at everything at once.
pub trait Looks {
    /// Looks at the pair, given what the probe's watch remembers.
    fn look(&self, run: &Run, pair: &PostgresPair, watch: Watch) -> impl Future<Output = Result<Seen, Failure>>;
}

/// Handles an event, as the head of this file says.
pub async fn handle(shelf: &impl Shelf, world: &impl Looks, event: Value) -> Result<Answer, Failure> {
    match JudgeFailover::parse(event)? {
        JudgeFailover::Run(run) => judge(shelf, world, *run).await.map(Answer::Judged),
        JudgeFailover::Rehearse(of) => rehearse(shelf, world, &of.rehearse, clock::now()).await.map(Answer::Rehearsed),
    }
}

/// Judges for a run that no alarm has started. Nothing is changed, and no lease is needed.
async fn rehearse(
    shelf: &impl Shelf,
    world: &impl Looks,
    plan: &PlanName,
    now: Timestamp,
) -> Result<Step<Rehearsal>, Failure> {
    let (plan, plan_version) = shelf::read_plan(shelf, plan).await?;
    let lease = shelf::read_json::<Lease>(shelf, &shelf::lease_key(&plan.plan)).await?.map(|(lease, _)| lease);
    let generation = lease.as_ref().map_or(Generation::ZERO, |lease| lease.generation);
    let run = Run::supposed(plan, plan_version, generation, now)?;
    let (seen, now) = (look(shelf, world, &run).await?, clock::now());
    let rehearsal = judgement::rehearse(seen.clone(), lease.as_ref(), &run, now);
    Ok(Step::done(rehearsal.because.clone(), &seen, rehearsal))
}

async fn look(shelf: &impl Shelf, world: &impl Looks, run: &Run) -> Result<Seen, Failure> {
    let pair = run.protected()?;
    let watch = shelf::read_json::<Watch>(shelf, &shelf::watch_key(&run.plan.plan)).await?;
    let watch = watch.map(|(watch, _)| watch).unwrap_or_default();
    // Where the log of another instance stood says nothing about this one's, and a streak that nobody continues is over.
    let watch = watch.of(ActiveSide::Primary, &pair.primary.instance).believed(clock::now(), &run.plan.probe);
    world.look(run, pair, watch).await
}

async fn judge(shelf: &impl Shelf, world: &impl Looks, request: JudgeRun) -> Result<Step<Judgement>, Failure> {
    let JudgeRun { run, approval } = request;
    let approved =
        approval.map(|answer| edge::parse::<approval::Answer>(answer, "JudgeFailover: approval")).transpose()?;
    shelf::held_lease(shelf, &run).await?;
    let seen = look(shelf, world, &run).await?;
    let decision = judgement::decide(&seen, &run, approved.as_ref(), clock::now());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), ?seen, ?decision, "judged");
    Ok(match decision {
        Decision::Go(judgement) => {
            let because = format!(
                "a failure of class {} since {}; may lose {}",
                judgement.class, judgement.failing_since, judgement.loss
            );
            Step::done(because, &seen, judgement)
        }
        Decision::Hold(why) => Step::pending(why, &seen),
        Decision::Refuse(why) => Step::refused(why, &seen),
    })
}

/// RDS, the databases, the name servers, and the witness.
pub struct World {
    /// The Region's bucket.
    pub bucket: Bucket,
    /// The databases' logins.
    pub postgres: Postgres,
    witness_function: String,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is missing.
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        let (postgres, witness_function) =
            (Postgres::from_env(bucket.clone()).await?, edge::config::witness_function()?);
        Ok(Self { bucket, postgres, witness_function })
    }
}

/// How long another Region's API may take. A Region that needs longer does not help now.
const FAR_PATIENCE: Duration = Duration::from_secs(2);

/// The probe's way of being asked to look.
#[derive(Serialize)]
struct Look<'a> {
    look: &'a LookRequest,
}

impl Looks for World {
    /// Everything is looked at side by side: the slowest look is the wait.
    async fn look(&self, run: &Run, pair: &PostgresPair, watch: Watch) -> Result<Seen, Failure> {
        let timeout = run.plan.probe.timeout.duration();
        let server = |side| Server { side, database: &pair.database, login: &pair.login };
        let (primary, replica) = (server(&pair.primary), server(&pair.replica));
        self.postgres.ready(&replica).await?;
        let (roles, plan) = (&pair.application_roles, &run.plan.plan);
        let (recovery, witness, (replica, fitness), api, replica_api, record, moved) = tokio::join!(
            self.postgres.look(&primary, timeout),
            self.ask_witness(run, pair),
            // The replica is near and must be asked well: a slow answer is better than none.
            self.postgres.replica_fit_for(&replica, roles, plan, timeout.max(FAR_PATIENCE)),
            api(&run.plan.regions.primary, &pair.primary.instance),
            api(&run.plan.regions.recovery, &pair.replica.instance),
            self.record(run, timeout),
            self.moved(run, timeout),
        );
        // Where RDS does not say how the replica is, the promotion will see.
        let replica_status = match replica_api {
            ApiSeen::Status(status) => Some(status),
            ApiSeen::Silent(why) => {
                warn!(instance.id = %pair.replica.instance, why, "RDS does not say how the replica is");
                None
            }
        };
        let fitness = Fitness { moved, replica_status, ..fitness };
        Ok(Seen { recovery, witness, replica, api, record, fitness, watch })
    }
}

impl World {
    async fn ask_witness(&self, run: &Run, pair: &PostgresPair) -> Witness {
        let Some(region) = &run.plan.regions.witness else { return Witness::NotPlanned };
        let timeout = run.plan.probe.timeout;
        let request = LookRequest {
            side: pair.primary.clone(),
            database: pair.database.clone(),
            login: pair.login.clone(),
            timeout,
        };
        witness::look(region, &self.witness_function, &Look { look: &request }, timeout.duration() + FAR_PATIENCE).await
    }

    /// The generation that moved the traffic's name last, where that can be told in time.
    async fn moved(&self, run: &Run, timeout: Duration) -> Option<Generation> {
        let name = traffic::generation_name(&run.plan.traffic.record.name);
        let text = tokio::time::timeout(timeout, self.postgres.dns().text(&name)).await.ok()?.ok()??;
        traffic::generation_in(&text)
    }

    async fn record(&self, run: &Run, timeout: Duration) -> RecordSeen {
        match tokio::time::timeout(timeout, self.postgres.dns().alias(&run.plan.traffic.record.name)).await {
            Ok(Ok(name)) => RecordSeen::Names(name),
            Ok(Err(why)) => RecordSeen::Unknown(why),
            Err(_) => RecordSeen::Unknown(format!("no answer within {} ms", timeout.as_millis())),
        }
    }
}

async fn api(region: &Region, instance: &InstanceId) -> ApiSeen {
    match Rds::far(region, FAR_PATIENCE).await.describe(instance).await {
        Ok(instance) => ApiSeen::Status(instance.status),
        Err(failure) => ApiSeen::Silent(failure.chain()),
    }
}

#[cfg(test)]
mod tests;
