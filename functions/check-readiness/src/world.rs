//! What a failover needs, looked at where it is.

use std::time::Duration;

use domain::{
    backup::Quota,
    component::{ActiveSide, PostgresPair, SnapshotKind},
    failover::{judgement::Rehearsal, run::Run},
    readiness::{BucketLook, InstanceSeen, ReplicationTold, Seen},
    restore::Replicated,
    run::step::Step,
    watch::health::LookRequest,
    words::{
        failure::Failure,
        id::{HostName, InstanceId, PlanName, Region},
    },
};
use edge::{
    aws,
    bucket::{self, telling},
    component, function, judge, kms,
    metrics::Metrics,
    object_store::Bucket,
    patience,
    postgres::{Postgres, Server},
    rds::Rds,
    waking::Sleepers,
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{Claims, Looks};

/// AWS, the database and the name servers.
pub struct World {
    region: String,
    judge: String,
    postgres: Postgres,
    dns_switch: String,
    metrics: Metrics,
    sleepers: Sleepers,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something is not set.
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self {
            region: edge::config::region()?,
            judge: edge::config::judge_function()?,
            postgres: Postgres::from_env(bucket).await?,
            dns_switch: edge::config::dns_switch_function()?,
            metrics: Metrics::from_env().await,
            sleepers: Sleepers::from_env().await?,
        })
    }

    async fn rehearsal(&self, plan: &PlanName) -> Result<Rehearsal, String> {
        let step = judge::rehearse(&self.region, &self.judge, plan).await?;
        step.did.ok_or_else(|| format!("it answered: {}", step.because))
    }

    /// Rehearses the switch where it would be made: by its own function, which asks the zone's servers.
    async fn switch(&self, run: &Run) -> Result<Step<Value>, String> {
        let config = aws::config_for_the_far_side(&self.region, patience::SWITCH_REHEARSAL).await;
        function::ask(&config, &self.dns_switch, &json!({ "run": run, "rehearse": true })).await
    }

    async fn look_up(&self, name: &HostName) -> Result<HostName, String> {
        self.postgres.dns().alias_within(name, patience::READINESS).await
    }

    async fn functions(&self, run: &Run, pair: &PostgresPair) -> Vec<(String, Result<(), String>)> {
        let look = LookRequest::of(pair, &pair.primary, run.plan.probe.timeout);
        let witness = run.plan.regions.witness.as_ref().map(|region| (region, look));
        let called = self.sleepers.roll_call(&run.plan.plan, witness).await;
        called.unwrap_or_else(|failure| vec![("every function".into(), Err(failure.chain()))])
    }
}

impl Looks for World {
    async fn look(&self, run: &Run, pair: &PostgresPair, claims: Claims) -> Seen {
        let (primary, replica) = (Server::at(pair, &pair.primary), Server::at(pair, &pair.replica));
        let regions = &run.plan.regions;
        let record = &run.plan.traffic.record;
        let keys = run.plan.copy_keys().into_iter().map(|(region, key)| async {
            let seen = kms::look(&region, &key).await.map_err(|failure| failure.chain());
            (region, key, seen)
        });
        let (
            rehearsal,
            functions,
            primary_in,
            replica_in,
            at_primary,
            at_replica,
            quotas,
            keys,
            replicated,
            buckets,
            switch,
            name,
        ) = tokio::join!(
            self.rehearsal(&run.plan.plan),
            self.functions(run, pair),
            lets_in(&self.postgres, &primary),
            lets_in(&self.postgres, &replica),
            instance(&regions.primary, &pair.primary.instance),
            instance(&regions.recovery, &pair.replica.instance),
            quotas(&regions.recovery),
            join_all(keys),
            replicated(run, pair),
            join_all(run.plan.own_buckets().map(|of| bucket_of(run, of))),
            self.switch(run),
            self.look_up(&record.name),
        );
        // Last, because its log is something that the replica lacks for a moment.
        let write = self.postgres.rehearse_promotion(&primary, run, patience::READINESS).await;
        Seen {
            rehearsal,
            logins: vec![(pair.primary.instance.clone(), primary_in), (pair.replica.instance.clone(), replica_in)],
            write,
            primary: at_primary,
            replica: at_replica,
            quotas,
            keys,
            switch,
            name,
            functions,
            claims,
            replicated,
            buckets,
        }
    }

    async fn tell(&self, plan: &PlanName, count: usize) -> Result<(), Failure> {
        self.metrics.not_ready(plan, count).await
    }

    #[expect(clippy::disallowed_methods, reason = "a second look within one invocation, so that a slip calls nobody")]
    async fn rest(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

async fn lets_in(postgres: &Postgres, server: &Server<'_>) -> Result<(), String> {
    postgres.prepare(server).await?;
    postgres.value(server, "select 1", patience::READINESS).await.map(drop).map_err(|unasked| unasked.why)
}

async fn instance(region: &Region, instance: &InstanceId) -> Result<InstanceSeen, String> {
    let seen =
        Rds::far(region, patience::READINESS).await.describe(instance).await.map_err(|failure| failure.chain())?;
    let security_groups = seen.security_groups.into_iter().map(|member| member.group).collect();
    Ok(InstanceSeen {
        status: seen.status,
        version: seen.version,
        multi_az: seen.multi_az,
        certificate_until: seen.certificate_until,
        security_groups,
        retention_days: seen.retention_days,
    })
}

/// What the recovery Region has of the primary's automated backups, where the plan has them replicated there.
async fn replicated(run: &Run, pair: &PostgresPair) -> Option<Result<Option<Replicated>, String>> {
    let (primary, recovery) = (&run.plan.regions.primary, &run.plan.regions.recovery);
    if !run.plan.replicates_points_to(&pair.name, recovery) {
        return None;
    }
    let rds = Rds::far(recovery, patience::READINESS).await;
    Some(rds.replicated(primary, &pair.primary.instance).await.map_err(|failure| failure.chain()))
}

async fn quotas(region: &Region) -> Vec<(Region, &'static str, Result<Quota, String>)> {
    let service = component::snapshots(SnapshotKind::Instance, region, patience::READINESS).await;
    let rds = Rds::far(region, patience::READINESS).await;
    let (snapshots, instances) = tokio::join!(service.quota(), rds.instance_quota());
    let told = |what, quota: Result<Quota, Failure>| (region.clone(), what, quota.map_err(|failure| failure.chain()));
    vec![told("manual snapshots", snapshots), told("DB instances", instances)]
}

/// Both sides of a bucket, and what S3 tells of its replication.
async fn bucket_of(run: &Run, of: &domain::component::Bucket) -> BucketLook {
    let far = |side| aws::config_for_the_far_side(run.plan.region_of(side).as_str(), patience::READINESS);
    let sides = join_all(of.sides().map(|(side, name)| async move {
        let seen = bucket::look(&far(side).await, name).await;
        (side, seen.map_err(|failure| failure.chain()))
    }))
    .await;
    let primary = sides.iter().find(|(side, _)| *side == ActiveSide::Primary);
    let seen = primary.and_then(|(_, seen)| seen.as_ref().ok()?.bucket());
    let rule = seen.zip(of.replica()).and_then(|(seen, to)| Some((seen.replicated_to(to.as_str()).ok()?, to)));
    // One whose metrics are off tells nothing.
    let told = match rule.filter(|(rule, _)| rule.metrics) {
        Some((rule, to)) => {
            let rule = telling::Rule { from: &of.primary, to, id: &rule.id };
            let (here, there) = tokio::join!(far(ActiveSide::Primary), far(ActiveSide::Replica));
            let (behind, failed) = tokio::join!(telling::behind(&there, rule), telling::failed(&here, rule));
            let (behind, failed) = (behind.map_err(|error| error.chain()), failed.map_err(|error| error.chain()));
            Some(ReplicationTold { behind, failed })
        }
        None => None,
    };
    BucketLook { component: of.name.clone(), sides, told }
}
