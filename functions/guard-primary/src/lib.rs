//! `GuardPrimary`: keeps an old primary out: fences it when it returns, and says what it holds that the new one lacks.
//!
//! - in: [`GuardPrimary`], sample in `events/guard-primary.json`; from the schedule each minute, and from a failover at once
//! - out: [`Step<Kept>`]: `Done` when there is nothing (more) to guard, `Pending` when the next one has begun and it is still silent
//! - changes: the old primary's roles, sessions and security group; the guard's record; the lease's guard; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod watch;

use domain::{
    failover::{
        fencing::{Direction, Target, Way},
        guard::{Kept, Met},
    },
    plan::PairPlan,
    record::notice::Notice,
    run::step::Step,
    watch::probe,
    words::{failure::Failure, id::PlanName, time_span::TimeSpan},
};
use edge::{
    object_store::{Bucket, ObjectStore},
    patience,
    postgres::{Patience, Postgres, Server},
    rds::{Rds, set_network},
    sns::{self, Sns},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use watch::World;

/// Whose old primary.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardPrimary {
    plan: PlanName,
}

/// Handles an event, as the head of this file says.
pub async fn handle(store: &impl ObjectStore, world: &impl World, event: Value) -> Result<Step<Kept>, Failure> {
    let GuardPrimary { plan } = edge::parse(event, "GuardPrimary")?;
    // Until after the schedule's next one began, anywhere within its minute.
    let until = probe::later(world.now(), probe::EVERY + probe::LATEST_START);
    watch::watch(store, world, &plan, until).await
}

/// RDS, the database, and people's topics.
pub struct Watcher {
    /// Its logins.
    pub postgres: Postgres,
    sns: Sns,
    topic: String,
}

impl Watcher {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is missing.
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        let (postgres, topic) = (Postgres::from_env(bucket).await?, edge::config::topic()?);
        Ok(Self { postgres, sns: Sns::from_env().await, topic })
    }
}

impl World for Watcher {
    async fn meet(&self, target: &Target) -> Met {
        let patience = Patience { login: patience::GUARD_LOGIN, whole: patience::GUARD };
        self.postgres.keep_out(&Server::of(target), &target.application_roles, patience).await
    }

    async fn shut_network(&self, target: &Target) -> Way {
        set_network(&Rds::far(&target.region, patience::FAILED_REGION).await, &target.side, Direction::Fence).await
    }

    async fn tell(&self, plan: Option<&PairPlan>, notice: &Notice) {
        let of_the_plan = plan.map(|plan| plan.notifications.topics.as_slice()).unwrap_or_default();
        let topics = std::iter::once(self.topic.as_str()).chain(of_the_plan.iter().map(String::as_str));
        // Each topic that did not hear is logged; there is nobody else to tell.
        drop(sns::to_each(topics, async |topic| self.sns.publish(topic, notice).await).await);
    }

    fn now(&self) -> Timestamp {
        edge::clock::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "EventBridge starts the guard once a minute at most: it looks until the next one has begun"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(TimeSpan::between(self.now(), at).duration()).await;
    }
}

#[cfg(test)]
mod tests;
