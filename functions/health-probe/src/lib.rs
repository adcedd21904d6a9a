//! `HealthProbe`: watches the side that takes writes for a window of samples, or looks at one once for a judge elsewhere.
//!
//! - in: [`HealthProbe`], samples in `events/health-probe.json` (the schedule's) and `events/health-probe-look.json` (a judge's);
//!   or a message of the queue, with a window that has napped
//! - out: for a watch [`Step<Watched>`], for a look [`domain::watch::health::Look`]
//! - changes: the metric `ConsecutiveFailures`, the watch's memory, a record of each blip; wakes the functions of a failover
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod claiming;
mod handover;
mod nap;
mod progress;
mod relief;
mod sampling;
mod telling;
mod window;
mod world;

use domain::{
    component::{ActiveSide, PostgresPair},
    failover::judgement::ReplicaSeen,
    plan::PairPlan,
    watch::health::{Look, LookRequest},
    words::{failure::Failure, id::PlanName, time_span::TimeSpan, wal::LastSeen},
};
use edge::{
    metrics::Metrics,
    object_store::Bucket,
    postgres::{Held, Postgres, Server},
    queue::Queue,
    waking::Sleepers,
};
use jiff::Timestamp;

pub use progress::Progress;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use sampling::Watched;
pub use world::World;

/// What the probe is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum HealthProbe {
    /// The schedule's: watch until the next start takes over.
    Watch {
        /// The plan.
        plan: PlanName,
        /// The schedule's own time.
        scheduled_at: Timestamp,
    },
    /// The queue's: go on with a window that has napped.
    Resume(Box<Progress>),
    /// A judge's: look, once.
    Look(Box<LookRequest>),
}

/// What the probe answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// What a window came to.
    Watched(domain::run::step::Step<Watched>),
    /// What a look saw.
    Look(Look),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl edge::object_store::ObjectStore,
    probe: &impl World,
    event: Value,
) -> Result<Answer, Failure> {
    let is_message = event.get("Records").is_some();
    match edge::parse(edge::message(event)?, "HealthProbe")? {
        HealthProbe::Watch { .. } | HealthProbe::Look(_) if is_message => {
            Err(Failure::InvalidInput("Records[0].body: a message only has a window gone on with, as `resume`".into()))
        }
        HealthProbe::Watch { plan, scheduled_at } => {
            window::watch(store, probe, &plan, scheduled_at).await.map(Answer::Watched)
        }
        HealthProbe::Resume(progress) => window::resume(store, probe, *progress).await.map(Answer::Watched),
        HealthProbe::Look(request) => Ok(Answer::Look(probe.look_once(&request).await)),
    }
}

/// The database, CloudWatch, the queue, and the functions of a failover.
pub struct Probe {
    postgres: Postgres,
    held: Held,
    metrics: Metrics,
    naps: Option<Queue>,
    sleepers: Sleepers,
}

impl Probe {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is missing.
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        let (postgres, sleepers) = (Postgres::from_env(bucket).await?, Sleepers::from_env().await?);
        let (metrics, naps) = (Metrics::from_env().await, Queue::of_naps().await);
        Ok(Self { postgres, held: Held::default(), metrics, naps, sleepers })
    }
}

impl World for Probe {
    fn claimant(&self) -> String {
        edge::invocation::unique()
    }

    async fn prepare(&self, pair: &PostgresPair) -> Result<(), String> {
        self.postgres.prepare(&server(pair, ActiveSide::Primary)).await
    }

    async fn look(&self, plan: &PairPlan, pair: &PostgresPair, side: ActiveSide) -> Look {
        let probe = &plan.probe;
        let (within, whole) = (probe.timeout.duration(), probe.longest_look().duration());
        self.postgres.look_again(&self.held, &server(pair, side), within, whole).await
    }

    fn hang_up(&self) {
        self.held.hang_up();
    }

    async fn look_once(&self, request: &LookRequest) -> Look {
        let server = Server { side: &request.side, database: &request.database, login: &request.login };
        // The credential and the certificate are ours: reading them must not count against the primary.
        if let Err(why) = self.postgres.prepare(&server).await {
            tracing::info!(why, "could not prepare the look");
        }
        self.postgres.look(&server, request.timeout.duration()).await
    }

    async fn publish(&self, plan: &PlanName, counts: &[(Timestamp, u32)]) -> Result<(), Failure> {
        self.metrics.consecutive_failures(plan, counts).await
    }

    async fn publish_lag(
        &self,
        plan: &PairPlan,
        pair: &PostgresPair,
        side: ActiveSide,
        written: LastSeen,
    ) -> Result<(), Failure> {
        let other = server(pair, side.other());
        match self.postgres.replica(&other, plan.probe.timeout.duration()).await {
            ReplicaSeen::Replica { position, .. } => {
                let bytes = position.replayed.bytes_until(written.lsn);
                tracing::info!(plan.name = %plan.plan, "{} is {bytes} bytes behind", other.side.instance);
                self.metrics.replication_lag(&plan.plan, written.at, bytes).await
            }
            ReplicaSeen::Primary => {
                tracing::info!(plan.name = %plan.plan, "{} is no replica", other.side.instance);
                Ok(())
            }
            ReplicaSeen::Silent(why) => {
                tracing::warn!(plan.name = %plan.plan, why, "nobody knows how far the replica is behind");
                Ok(())
            }
        }
    }

    async fn rouse(&self, progress: &Progress, after: TimeSpan) -> Result<(), Failure> {
        let Some(naps) = &self.naps else {
            return Err(Failure::InvalidInput("LIFEBOAT_NAPS names no queue that would wake the probe".into()));
        };
        naps.send(&HealthProbe::Resume(Box::new(progress.clone())), after).await
    }

    async fn wake(&self, plan: &PairPlan, pair: &PostgresPair, side: ActiveSide) {
        let look = LookRequest::of(pair, side.of(pair), plan.probe.timeout);
        self.sleepers.wake(&plan.plan, plan.regions.witness.as_ref().map(|region| (region, look))).await;
    }

    fn now(&self) -> Timestamp {
        edge::clock::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "EventBridge starts the probe once a minute at most: it samples inside its window"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        let left = TimeSpan::between(self.now(), at);
        tokio::time::sleep(left.duration()).await;
    }
}

fn server(pair: &PostgresPair, side: ActiveSide) -> Server<'_> {
    Server::at(pair, side.of(pair))
}

#[cfg(test)]
mod tests;
