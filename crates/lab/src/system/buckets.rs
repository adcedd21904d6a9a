//! A plan's buckets: made on each side, replicated by the lab's S3, which tells CloudWatch how far behind it is.

use std::{sync::Arc, time::Duration};

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination, Metrics,
    MetricsStatus, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus,
    VersioningConfiguration,
};
use domain::{component::Bucket, words::id::BucketName};
use tokio::task::JoinHandle;

use super::{System, SystemError};
use crate::{deploy, gateway::ACCOUNT, local_aws::LocalAws};

/// The rule of whoever owns the buckets.
const OWNERS: &str = "all";

/// How often S3 tells how far behind it is.
const EACH: Duration = Duration::from_secs(60);

/// S3, which tells each minute how far it is behind with replicating a bucket. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Telling(JoinHandle<()>);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Every object to this bucket.
fn replication(to: &BucketName) -> Result<ReplicationConfiguration, aws_sdk_s3::error::BuildError> {
    let metrics = Metrics::builder().status(MetricsStatus::Enabled).build()?;
    let to = Destination::builder().bucket(Bucket::arn("aws", to.as_str())).metrics(metrics).build()?;
    let markers = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Enabled).build();
    let rule = ReplicationRule::builder()
        .id(OWNERS)
        .priority(1)
        .status(ReplicationRuleStatus::Enabled)
        .filter(ReplicationRuleFilter::builder().prefix("").build())
        .delete_marker_replication(markers)
        .destination(to)
        .build()?;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/replication");
    ReplicationConfiguration::builder().role(role).rules(rule).build()
}

impl System {
    /// Creates a bucket on each side that it has. Where the plan names a role, `plan apply` does the rest; else they have
    /// versions, and the one is replicated to the other.
    pub(super) async fn create_buckets(
        &self,
        aws: &LocalAws,
        of: &Bucket,
    ) -> Result<Option<Arc<Telling>>, SystemError> {
        let refused = |doing: &str, name: &BucketName, why: String| SystemError::Aws {
            doing: format!("{doing} the bucket `{name}`"),
            why,
        };
        for (side, name) in of.sides() {
            let region = self.plan.region_of(side);
            let s3 = aws.gateway.s3(region.as_str());
            let made = deploy::make_bucket(&s3, name.as_str(), region.as_str()).await;
            made.map_err(|why| refused("make", name, why))?;
            if of.replication_role.is_none() {
                let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
                let set = s3.put_bucket_versioning().bucket(name.as_str()).versioning_configuration(enabled);
                set.send().await.map_err(|error| refused("set the versions of", name, edge::aws::shown(&error)))?;
            }
        }
        let Some(to) = of.replica() else { return Ok(None) };
        if of.replication_role.is_some() {
            return Ok(Some(Arc::new(self.tell(aws, of, to, Bucket::rule(&self.plan.plan)))));
        }
        let failed = |why: String| refused("replicate", &of.primary, why);
        let rules = replication(to).map_err(|error| failed(error.to_string()))?;
        let s3 = aws.gateway.s3(self.plan.regions.primary.as_str());
        let set = s3.put_bucket_replication().bucket(of.primary.as_str()).replication_configuration(rules).send().await;
        set.map_err(|error| failed(edge::aws::shown(&error)))?;
        Ok(Some(Arc::new(self.tell(aws, of, to, OWNERS.to_owned()))))
    }

    /// Tells CloudWatch what S3 does, in the Region that is replicated to. The lab's S3 replicates what is written before it
    /// answers, so that it is never behind.
    fn tell(&self, aws: &LocalAws, of: &Bucket, to: &BucketName, rule: String) -> Telling {
        let config = aws.gateway.sdk_config(self.plan.regions.recovery.as_str());
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let behind = MetricDatum::builder()
            .metric_name("ReplicationLatency")
            .dimensions(dimension("SourceBucket", of.primary.as_str()))
            .dimensions(dimension("DestinationBucket", to.as_str()))
            .dimensions(dimension("RuleId", &rule))
            .unit(StandardUnit::Seconds)
            .value(0.0)
            .build();
        Telling(tokio::spawn(async move {
            let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
            let mut minutes = tokio::time::interval(EACH);
            loop {
                minutes.tick().await;
                let told = cloudwatch.put_metric_data().namespace("AWS/S3").metric_data(behind.clone()).send().await;
                if let Err(error) = told {
                    tracing::debug!(rule, error = edge::aws::shown(&error), "S3 could not tell how far behind it is");
                }
            }
        }))
    }
}
