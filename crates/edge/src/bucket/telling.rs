//! What S3 tells CloudWatch of a rule of replication, where its metrics are on.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html>

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Datapoint, Dimension, Statistic},
};
use domain::words::{failure::Failure, id::BucketName, time_span::TimeSpan};

use crate::{aws_failure, clock};

/// S3 tells each minute how far behind it is, whether there is anything to replicate or not. As far back as from one look to
/// the next, so that nothing between them goes unseen.
const OF_LATE: TimeSpan = TimeSpan::seconds(30 * 60);

/// What failed is told in the minute in which it failed, and in no other. A person has a day to see to it.
const A_DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// A rule that replicates one bucket to another.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// The bucket whose objects it is for.
    pub from: &'a BucketName,
    /// The bucket that they come to.
    pub to: &'a BucketName,
    /// The rule's id.
    pub id: &'a str,
}

/// How far behind the rule was at most of late; nothing where S3 has told nothing. It tells that in the Region of the bucket
/// that is replicated to.
///
/// # Errors
/// As AWS answers.
pub async fn behind(config: &SdkConfig, rule: Rule<'_>) -> Result<Option<TimeSpan>, Failure> {
    let told = rule.told(config, "ReplicationLatency", OF_LATE, Duration::from_secs(60), Statistic::Maximum).await?;
    let seconds = told.iter().filter_map(Datapoint::maximum).max_by(f64::total_cmp);
    Ok(seconds.map(|seconds| TimeSpan::seconds(seconds.max(0.0).ceil() as u64)))
}

/// How many objects, deletions and tags the rule failed to replicate within a day. S3 tells that in the Region of the bucket
/// that they are in, and only where any failed.
///
/// # Errors
/// As AWS answers.
pub async fn failed(config: &SdkConfig, rule: Rule<'_>) -> Result<u64, Failure> {
    let hour = Duration::from_secs(3_600);
    let told = rule.told(config, "OperationsFailedReplication", A_DAY, hour, Statistic::Sum).await?;
    Ok(told.iter().filter_map(Datapoint::sum).sum::<f64>().max(0.0).ceil() as u64)
}

impl Rule<'_> {
    async fn told(
        self,
        config: &SdkConfig,
        metric: &str,
        back: TimeSpan,
        each: Duration,
        statistic: Statistic,
    ) -> Result<Vec<Datapoint>, Failure> {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let now = clock::now();
        let since = now.checked_sub(back.duration()).unwrap_or(now);
        let asked = Client::new(config)
            .get_metric_statistics()
            .namespace("AWS/S3")
            .metric_name(metric)
            .dimensions(dimension("SourceBucket", self.from.as_str()))
            .dimensions(dimension("DestinationBucket", self.to.as_str()))
            .dimensions(dimension("RuleId", self.id))
            .start_time(DateTime::from_millis(since.as_millisecond()))
            .end_time(DateTime::from_millis(now.as_millisecond()))
            .period(i32::try_from(each.as_secs()).unwrap_or(i32::MAX))
            .statistics(statistic)
            .send()
            .await;
        let told = asked.map_err(|error| aws_failure!(format!("cannot read {metric} of `{}`", self.to), error))?;
        Ok(told.datapoints.unwrap_or_default())
    }
}
