//! Buckets that plans protect: how S3 has them. What is set in them is in the file beside it.

mod setting;
#[cfg(feature = "cloudwatch")]
pub mod telling;

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    error::SdkError,
    types::{
        BucketLocationConstraint, BucketVersioningStatus, DeleteMarkerReplicationStatus, ExpirationStatus,
        LifecycleRule as Rule, MetricsStatus, ReplicationConfiguration, ReplicationRule as Replication,
        ReplicationRuleStatus, ServerSideEncryption, SseKmsEncryptedObjectsStatus, TransitionDefaultMinimumObjectSize,
        TransitionStorageClass,
    },
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::{
    component::{Lifecycle, LifecycleRule, Named, ReplicationRule, SeenBucket, Stage},
    words::{failure::Failure, id::BucketName},
};

use crate::{aws, aws_failure};

pub use setting::set;

/// The codes by which S3 says that there is no such thing.
const NO_BUCKET: &str = "NoSuchBucket";
const NO_LIFECYCLE: &str = "NoSuchLifecycleConfiguration";
const NO_ENCRYPTION: &str = "ServerSideEncryptionConfigurationNotFoundError";
const NO_REPLICATION: &str = "ReplicationConfigurationNotFoundError";

/// Where S3 says that a bucket is that it is asked for in another Region.
const IN_REGION: &str = "x-amz-bucket-region";

/// Where buckets are that are in none: S3's first Region, and the name of its second before it had one.
const FIRST_REGION: &str = "us-east-1";
const SECOND_REGION: &str = "eu-west-1";

/// S3 in a Region. The bucket is in the path, as for our own.
fn client(config: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

/// How S3 has a bucket, asked in the Region that it is to be in.
///
/// # Errors
/// As AWS answers: of a part nothing is concluded.
pub async fn look(config: &SdkConfig, name: &BucketName) -> Result<Named, Failure> {
    let s3 = client(config);
    let doing = || format!("cannot look at the bucket `{name}`");
    let asked = config.region().map(ToString::to_string).unwrap_or_default();
    // Side by side: whoever looks has little time for a Region that is silent.
    let (location, versioning, by_kms, replication, lifecycle) = tokio::join!(
        s3.get_bucket_location().bucket(name.as_str()).send(),
        s3.get_bucket_versioning().bucket(name.as_str()).send(),
        by_kms(&s3, name),
        replication(&s3, name),
        lifecycle(&s3, name),
    );
    let location = match location {
        Ok(location) => location,
        Err(error) if aws::code(&error).as_deref() == Some(NO_BUCKET) => return Ok(Named::Nothing),
        Err(error) => {
            return match elsewhere(&error, &asked) {
                Some(region) => Ok(Named::Elsewhere(region)),
                None => Err(aws_failure!(doing(), error)),
            };
        }
    };
    let region = match location.location_constraint().map(BucketLocationConstraint::as_str) {
        None | Some("") => FIRST_REGION,
        Some("EU") => SECOND_REGION,
        Some(region) => region,
    };
    if region != asked {
        return Ok(Named::Elsewhere(region.to_owned()));
    }
    let versioning = versioning.map_err(|error| aws_failure!(doing(), error))?;
    let (by_kms, replication) = (by_kms?, replication?);
    Ok(Named::Bucket(SeenBucket {
        versioned: versioning.status() == Some(&BucketVersioningStatus::Enabled),
        lifecycle: lifecycle?.0.iter().map(lifecycle_rule).collect(),
        by_kms,
        replication_role: replication.as_ref().map(|all| all.role().to_owned()),
        replication: replication.iter().flat_map(|all| all.rules()).map(replication_rule).collect(),
    }))
}

/// In which other Region a bucket is, by the answer of one that does not have it.
fn elsewhere<E>(error: &SdkError<E, HttpResponse>, asked: &str) -> Option<String> {
    let region = error.raw_response()?.headers().get(IN_REGION)?;
    (region != asked).then(|| region.to_owned())
}

/// A bucket's lifecycle, and what S3 takes for small objects with it.
async fn lifecycle(
    s3: &Client,
    name: &BucketName,
) -> Result<(Vec<Rule>, Option<TransitionDefaultMinimumObjectSize>), Failure> {
    match s3.get_bucket_lifecycle_configuration().bucket(name.as_str()).send().await {
        Ok(told) => Ok((told.rules.unwrap_or_default(), told.transition_default_minimum_object_size)),
        Err(error) if aws::code(&error).as_deref() == Some(NO_LIFECYCLE) => Ok((Vec::new(), None)),
        Err(error) => Err(aws_failure!(format!("cannot read the lifecycle of the bucket `{name}`"), error)),
    }
}

/// Whether a bucket encrypts by a KMS key what is written to it.
async fn by_kms(s3: &Client, name: &BucketName) -> Result<bool, Failure> {
    let told = match s3.get_bucket_encryption().bucket(name.as_str()).send().await {
        Ok(told) => told.server_side_encryption_configuration,
        Err(error) if aws::code(&error).as_deref() == Some(NO_ENCRYPTION) => None,
        Err(error) => return Err(aws_failure!(format!("cannot read the encryption of the bucket `{name}`"), error)),
    };
    let rules = told.iter().flat_map(|told| told.rules());
    let mut algorithms = rules.filter_map(|rule| rule.apply_server_side_encryption_by_default());
    Ok(algorithms
        .any(|by| [ServerSideEncryption::AwsKms, ServerSideEncryption::AwsKmsDsse].contains(by.sse_algorithm())))
}

/// What a bucket is replicated by, if it is.
async fn replication(s3: &Client, name: &BucketName) -> Result<Option<ReplicationConfiguration>, Failure> {
    match s3.get_bucket_replication().bucket(name.as_str()).send().await {
        Ok(told) => Ok(told.replication_configuration),
        Err(error) if aws::code(&error).as_deref() == Some(NO_REPLICATION) => Ok(None),
        Err(error) => Err(aws_failure!(format!("cannot read the replication of the bucket `{name}`"), error)),
    }
}

/// A rule as far as a plan can say it.
fn lifecycle_rule(rule: &Rule) -> LifecycleRule {
    let (mut lifecycle, mut exact) = (Lifecycle::default(), true);
    for transition in rule.transitions() {
        let class = transition.storage_class().map(TransitionStorageClass::as_str);
        let stage = Stage::ALL.into_iter().find(|stage| stage.class().is_some() && stage.class() == class);
        match stage.zip(transition.days()) {
            Some((stage, days)) => lifecycle = lifecycle.with(stage, days),
            None => exact = false,
        }
    }
    let expiration = rule.expiration();
    if let Some(days) = expiration.and_then(|expiration| expiration.days()) {
        lifecycle = lifecycle.with(Stage::Expire, days);
    }
    exact &= expiration.is_none_or(|expiration| expiration.date().is_none());
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        whole: is_for_all(rule),
        exact,
        more: rule.noncurrent_version_expiration().is_some()
            || !rule.noncurrent_version_transitions().is_empty()
            || rule.abort_incomplete_multipart_upload().is_some()
            || expiration.is_some_and(|expiration| expiration.expired_object_delete_marker() == Some(true)),
        lifecycle,
    }
}

/// Whether a prefix leaves no object out.
fn is_empty(prefix: Option<&str>) -> bool {
    prefix.is_none_or(str::is_empty)
}

#[expect(deprecated, reason = "rules that were written before there were filters have a prefix of their own")]
fn is_for_all(rule: &Rule) -> bool {
    let of_the_filter = rule.filter().is_none_or(|filter| {
        let sized = filter.object_size_greater_than().or(filter.object_size_less_than());
        is_empty(filter.prefix()) && filter.tag().is_none() && filter.and().is_none() && sized.is_none()
    });
    is_empty(rule.prefix()) && of_the_filter
}

#[expect(deprecated, reason = "rules that were written before there were filters have a prefix of their own")]
fn replication_rule(rule: &Replication) -> ReplicationRule {
    let of_the_filter = rule
        .filter()
        .is_none_or(|filter| is_empty(filter.prefix()) && filter.tag().is_none() && filter.and().is_none());
    let to = rule.destination();
    let arn = to.map(|to| to.bucket()).unwrap_or_default();
    let markers = rule.delete_marker_replication();
    let metrics = to.and_then(|to| to.metrics()).is_some_and(|metrics| *metrics.status() == MetricsStatus::Enabled);
    let encrypted = rule.source_selection_criteria().and_then(|criteria| criteria.sse_kms_encrypted_objects());
    let is_selected = encrypted.is_some_and(|of| *of.status() == SseKmsEncryptedObjectsStatus::Enabled);
    let key = to.and_then(|to| to.encryption_configuration()?.replica_kms_key_id()).filter(|_| is_selected);
    ReplicationRule {
        id: rule.id().unwrap_or_default().to_owned(),
        // arn:aws:s3:::NAME
        to: arn.rsplit(':').next().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ReplicationRuleStatus::Enabled,
        whole: is_empty(rule.prefix()) && of_the_filter,
        metrics,
        markers: markers.is_some_and(|markers| markers.status() == Some(&DeleteMarkerReplicationStatus::Enabled)),
        key: key.map(str::to_owned),
        filtered: rule.filter().is_some(),
    }
}

#[cfg(test)]
mod tests;
