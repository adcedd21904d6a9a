//! What `plan apply` sets in a bucket. Every other rule stays as it is.

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    error::BuildError,
    types::{
        BucketLifecycleConfiguration, BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus,
        Destination, EncryptionConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule as Rule,
        LifecycleRuleFilter, Metrics, MetricsStatus, ReplicationConfiguration, ReplicationRule as Replication,
        ReplicationRuleFilter, ReplicationRuleStatus, SourceSelectionCriteria, SseKmsEncryptedObjects,
        SseKmsEncryptedObjectsStatus, Transition, TransitionStorageClass, VersioningConfiguration,
    },
};
use domain::{
    component::{Bucket, Lifecycle, SeenBucket, Setting, Stage},
    words::{
        failure::Failure,
        id::{BucketName, KmsKeyId, PlanName, RoleArn},
    },
};

use super::{client, lifecycle, lifecycle_rule, replication, replication_rule};
use crate::aws_failure;

/// Sets what differs in a bucket that was seen so. S3 takes all rules at once and has no condition: what it has is read
/// again right before, and what somebody changed meanwhile is not overwritten.
///
/// # Errors
/// `Conflict` where somebody changed it since it was seen; else as AWS answers.
pub async fn set(
    config: &SdkConfig,
    name: &BucketName,
    plan: &PlanName,
    setting: &Setting,
    seen: &SeenBucket,
) -> Result<(), Failure> {
    let to_set = Set { s3: client(config), name, id: Bucket::rule(plan), what: setting.name() };
    match setting {
        Setting::Versions => to_set.versions().await,
        Setting::Replication { to, role, key } => to_set.replication(to, role, key.as_ref(), seen).await,
        Setting::Lifecycle(wanted) => to_set.lifecycle(wanted.as_ref(), seen).await,
    }
}

struct Set<'a> {
    s3: Client,
    name: &'a BucketName,
    id: String,
    what: &'static str,
}

impl Set<'_> {
    fn doing(&self) -> String {
        format!("cannot set the {} of the bucket `{}`", self.what, self.name)
    }

    fn bad(&self, error: BuildError) -> Failure {
        Failure::InvalidInput(format!("{}: {error}", self.doing()))
    }

    fn conflict(&self) -> Failure {
        let Self { what, name, .. } = self;
        Failure::Conflict(format!(
            "the {what} of the bucket `{name}` was changed since it was shown: it stays as it is"
        ))
    }

    async fn versions(&self) -> Result<(), Failure> {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = self.s3.put_bucket_versioning().bucket(self.name.as_str()).versioning_configuration(enabled);
        put.send().await.map(drop).map_err(|error| aws_failure!(self.doing(), error))
    }

    async fn replication(
        &self,
        to: &BucketName,
        role: &RoleArn,
        key: Option<&KmsKeyId>,
        seen: &SeenBucket,
    ) -> Result<(), Failure> {
        let there = replication(&self.s3, self.name).await?;
        let is_as_seen = there.as_ref().map(ReplicationConfiguration::role) == seen.replication_role.as_deref()
            && there.iter().flat_map(|all| all.rules()).map(replication_rule).eq(seen.replication.iter().cloned());
        if !is_as_seen {
            return Err(self.conflict());
        }
        let rules = there.map(|all| all.rules).unwrap_or_default();
        let arn = Bucket::arn(role.partition(), to.as_str());
        let rules = with_our_replication(rules, &self.id, arn, key).map_err(|error| self.bad(error))?;
        let all = ReplicationConfiguration::builder().role(role.as_str()).set_rules(Some(rules)).build();
        let all = all.map_err(|error| self.bad(error))?;
        let put = self.s3.put_bucket_replication().bucket(self.name.as_str()).replication_configuration(all);
        put.send().await.map(drop).map_err(|error| aws_failure!(self.doing(), error))
    }

    /// Makes our rule say this, or takes it away.
    async fn lifecycle(&self, wanted: Option<&Lifecycle>, seen: &SeenBucket) -> Result<(), Failure> {
        let (mut all, small) = lifecycle(&self.s3, self.name).await?;
        if !all.iter().map(lifecycle_rule).eq(seen.lifecycle.iter().cloned()) {
            return Err(self.conflict());
        }
        all.retain(|rule| rule.id() != Some(self.id.as_str()));
        all.extend(wanted.map(|wanted| our_aging(wanted, &self.id)).transpose().map_err(|error| self.bad(error))?);
        if all.is_empty() {
            let deleted = self.s3.delete_bucket_lifecycle().bucket(self.name.as_str()).send().await;
            return deleted.map(drop).map_err(|error| aws_failure!(self.doing(), error));
        }
        let all = BucketLifecycleConfiguration::builder().set_rules(Some(all)).build();
        let all = all.map_err(|error| self.bad(error))?;
        let put = self.s3.put_bucket_lifecycle_configuration().bucket(self.name.as_str()).lifecycle_configuration(all);
        let put = put.set_transition_default_minimum_object_size(small).send().await;
        put.map(drop).map_err(|error| aws_failure!(self.doing(), error))
    }
}

/// The same rules with ours, which replicates every object to the bucket of this ARN and tells how far behind that is. What somebody
/// added to ours stays, as the key that replicas are encrypted by where the plan names none.
pub(super) fn with_our_replication(
    mut rules: Vec<Replication>,
    id: &str,
    arn: String,
    key: Option<&KmsKeyId>,
) -> Result<Vec<Replication>, BuildError> {
    let metrics = Metrics::builder().status(MetricsStatus::Enabled).build()?;
    let markers = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Enabled).build();
    let everything = ReplicationRuleFilter::builder().prefix("").build();
    // No two rules may have the same.
    let highest = rules.iter().filter_map(Replication::priority).max();
    let priority = highest.unwrap_or_default().saturating_add(1);
    let Some(ours) = rules.iter_mut().find(|rule| rule.id() == Some(id)) else {
        let ours = Replication::builder().id(id).priority(priority).status(ReplicationRuleStatus::Enabled);
        let ours = ours.filter(everything).delete_marker_replication(markers);
        let mut ours = ours.destination(Destination::builder().bucket(arn).metrics(metrics).build()?).build()?;
        key.map(|key| encrypt(&mut ours, key)).transpose()?;
        rules.push(ours);
        return Ok(rules);
    };
    ours.status = ReplicationRuleStatus::Enabled;
    ours.filter = Some(everything);
    #[expect(deprecated, reason = "S3 takes none beside a filter")]
    ours.prefix.take();
    ours.delete_marker_replication = Some(markers);
    match &mut ours.destination {
        Some(destination) => {
            destination.bucket = arn;
            let tells = |metrics: &Metrics| *metrics.status() == MetricsStatus::Enabled;
            destination.metrics = destination.metrics.take().filter(tells).or(Some(metrics));
        }
        none => *none = Some(Destination::builder().bucket(arn).metrics(metrics).build()?),
    }
    key.map(|key| encrypt(ours, key)).transpose()?;
    Ok(rules)
}

/// Has it replicate what a KMS key encrypts too, and encrypt the replicas with this key.
fn encrypt(rule: &mut Replication, key: &KmsKeyId) -> Result<(), BuildError> {
    let encrypted = SseKmsEncryptedObjects::builder().status(SseKmsEncryptedObjectsStatus::Enabled).build()?;
    let criteria = rule.source_selection_criteria.get_or_insert_with(|| SourceSelectionCriteria::builder().build());
    criteria.sse_kms_encrypted_objects = Some(encrypted);
    if let Some(destination) = &mut rule.destination {
        let key = EncryptionConfiguration::builder().replica_kms_key_id(key.as_str()).build();
        destination.encryption_configuration = Some(key);
    }
    Ok(())
}

/// Our rule of a lifecycle.
pub(super) fn our_aging(wanted: &Lifecycle, id: &str) -> Result<Rule, BuildError> {
    let mut rule = Rule::builder()
        .id(id)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build());
    for stage in Stage::ALL {
        let Some(days) = wanted.days(stage) else { continue };
        rule = match stage.class() {
            Some(class) => {
                let class = TransitionStorageClass::from(class);
                rule.transitions(Transition::builder().days(days).storage_class(class).build())
            }
            None => rule.expiration(LifecycleExpiration::builder().days(days).build()),
        };
    }
    rule.build()
}
