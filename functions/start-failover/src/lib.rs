//! `StartFailover`: starts a failover again, where one came to nothing and its reason has passed, or where one left something
//! to open or to finish.
//!
//! - in: [`StartFailover`], sample in `events/start-failover.json`; from its schedule each minute
//! - out: [`Step<Vec<Start>>`]: `Done` with what was started, or where nothing is wrong; `Pending` when the next one has begun and
//!   something is; `Refused` where only a person may start one
//! - changes: `states:StartExecution`, by a name that is used once; the starter's memory; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod watch;

use domain::{
    failover::{judgement::Rehearsal, starter::Start, succession::Owner},
    run::step::Step,
    watch::probe,
    words::{
        failure::Failure,
        id::{ExecutionArn, PlanName},
        time_span::TimeSpan,
    },
};
use edge::{
    judge,
    object_store::ObjectStore,
    states::{self, States},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use watch::World;

/// Whose failover.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartFailover {
    plan: PlanName,
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    world: &impl World,
    region: &str,
    event: Value,
) -> Result<Step<Vec<Start>>, Failure> {
    let StartFailover { plan } = edge::parse(event, "StartFailover")?;
    // Until after the schedule's next one began, anywhere within its minute.
    let until = probe::later(world.now(), probe::EVERY + probe::LATEST_START);
    watch::watch(store, world, region, &plan, until).await
}

/// Step Functions, and the judge.
pub struct Engine {
    region: String,
    states: States,
    judge: String,
    machine: String,
}

impl Engine {
    /// As the environment says, with clients as `aws` says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is missing.
    pub fn from_env(aws: &edge::aws::SdkConfig, region: &str) -> Result<Self, Failure> {
        let (judge, machine) = (edge::config::judge_function()?, edge::config::failover_machine()?);
        Ok(Self { region: region.to_owned(), states: States::with(aws), judge, machine })
    }
}

impl World for Engine {
    async fn judge(&self, plan: &PlanName) -> Result<Rehearsal, String> {
        let step = judge::rehearse(&self.region, &self.judge, plan).await?;
        step.did.ok_or_else(|| format!("it answered: {}", step.because))
    }

    async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        self.states.owner(execution, began).await
    }

    fn execution(&self, name: &str) -> Result<ExecutionArn, Failure> {
        states::execution(&self.machine, name)
    }

    async fn start(&self, name: &str, input: &str) -> Result<(), Failure> {
        self.states.start(&self.machine, name, input).await
    }

    fn now(&self) -> Timestamp {
        edge::clock::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "EventBridge starts the starter once a minute at most: it looks until the next one has begun"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(TimeSpan::between(self.now(), at).duration()).await;
    }
}

#[cfg(test)]
mod tests;
