//! What the judge looks at, where it is.

use std::{future::Future, time::Duration};

use domain::{
    component::PostgresPair,
    failover::{
        judgement::{ApiSeen, Fitness, RecordSeen, Seen, Witness},
        run::Run,
        succession::Owner,
        traffic,
    },
    watch::{health::LookRequest, probe::Watch},
    words::{
        failure::Failure,
        id::{ExecutionArn, Generation, InstanceId, Region},
    },
};
use edge::{
    object_store::Bucket,
    patience::{AWS_TRY, FAILED_REGION},
    postgres::{Postgres, Server},
    rds::Rds,
    states::States,
    witness,
};
use jiff::Timestamp;
use tracing::warn;

/// Who can look at everything at once.
pub trait Looks {
    /// Looks at the pair, given what the probe's watch remembers.
    fn look(&self, run: &Run, pair: &PostgresPair, watch: Watch) -> impl Future<Output = Result<Seen, Failure>>;
    /// What is known of the execution that holds a lease since then.
    fn owner(&self, execution: &ExecutionArn, since: Timestamp) -> impl Future<Output = Owner>;
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

impl Looks for World {
    async fn owner(&self, execution: &ExecutionArn, since: Timestamp) -> Owner {
        // Only an order asks: a failover's own judge begins without this client.
        States::from_env().await.owner(execution, since).await
    }

    /// Everything is looked at side by side: the slowest look is the wait.
    async fn look(&self, run: &Run, pair: &PostgresPair, watch: Watch) -> Result<Seen, Failure> {
        let timeout = run.plan.probe.timeout.duration();
        let (primary, replica) = (Server::at(pair, &pair.primary), Server::at(pair, &pair.replica));
        self.postgres.ready(&replica).await?;
        let (roles, plan) = (&pair.application_roles, &run.plan.plan);
        let (recovery, witness, (replica, fitness), api, replica_api, record, moved) = tokio::join!(
            self.postgres.look(&primary, timeout),
            self.ask_witness(run, pair),
            // The replica is near and must be asked well: a slow answer is better than none.
            self.postgres.replica_fit_for(&replica, roles, plan, timeout.max(FAILED_REGION)),
            api(&run.plan.regions.primary, &pair.primary.instance, FAILED_REGION),
            // Its silence would mean that this Region is lost as well: it is given time.
            api(&run.plan.regions.recovery, &pair.replica.instance, AWS_TRY),
            self.record(run, timeout),
            self.moved(run, timeout),
        );
        if let ApiSeen::Untold(why) | ApiSeen::Silent(why) = &replica_api {
            warn!(instance.id = %pair.replica.instance, why, "RDS does not say how the replica is");
        }
        let fitness = Fitness { moved, replica_api, ..fitness };
        Ok(Seen { recovery, witness, replica, api, record, fitness, watch, health: None, silent_since: None })
    }
}

impl World {
    async fn ask_witness(&self, run: &Run, pair: &PostgresPair) -> Witness {
        let Some(region) = &run.plan.regions.witness else { return Witness::NotPlanned };
        let timeout = run.plan.probe.timeout;
        let request = LookRequest::of(pair, &pair.primary, timeout);
        witness::look(region, &self.witness_function, &request, timeout.duration() + FAILED_REGION).await
    }

    /// The generation that moved the traffic's name last, where that can be told in time.
    async fn moved(&self, run: &Run, timeout: Duration) -> Option<Generation> {
        let name = traffic::generation_name(&run.plan.traffic.record.name);
        let text = tokio::time::timeout(timeout, self.postgres.dns().text(&name)).await.ok()?.ok()??;
        traffic::generation_in(&text)
    }

    async fn record(&self, run: &Run, timeout: Duration) -> RecordSeen {
        let told = self.postgres.dns().alias_within(&run.plan.traffic.record.name, timeout).await;
        told.map_or_else(RecordSeen::Unknown, RecordSeen::Names)
    }
}

async fn api(region: &Region, instance: &InstanceId, patience: Duration) -> ApiSeen {
    Rds::far(region, patience).await.status(instance).await
}
