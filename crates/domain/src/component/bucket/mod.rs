//! A bucket of S3 that a plan protects by its replica in the other Region.

mod change;
mod check;
mod lifecycle;
mod seen;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActiveSide, Complaint, Identity, Kind, SideRegions};
use crate::words::id::{BucketName, ComponentName, KmsKeyId, RoleArn, TierName};

pub use change::{Change, Setting};
pub use lifecycle::{Lifecycle, Stage};
pub use seen::{LifecycleRule, Named, ReplicationRule, SeenBucket};

/// A bucket of S3, and the one in the recovery Region that S3 replicates it to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bucket {
    /// The component's name.
    pub name: ComponentName,
    /// The tier whose promises it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// The bucket in the primary Region.
    pub primary: BucketName,
    /// The bucket in the recovery Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<BucketName>,
    /// Whether S3 replicates the one to the other.
    #[serde(default)]
    pub replicated: bool,
    /// The role that S3 assumes to replicate it. With it `plan apply` sets versions on both sides, and the rule; without it they
    /// are looked at, and not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_role: Option<RoleArn>,
    /// The KMS key of the recovery Region that replicas of encrypted objects are encrypted with, by its ARN: S3 replicates no
    /// object that a KMS key encrypts without one. Set with `replicationRole`, else looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_key: Option<KmsKeyId>,
    /// How it keeps its objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
}

/// How a bucket keeps its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Store {
    /// What becomes of objects as they grow old, on both sides. `plan apply` sets it.
    pub lifecycle: Lifecycle,
}

impl Bucket {
    /// What one is called in sentences, and of which there is one by a name.
    pub const NOUN: &'static str = "bucket";

    /// The engine's parameter that lists whose settings its roles may read.
    pub const LIST: &'static str = "Buckets";

    /// The ARN of a bucket: its name alone says which.
    #[must_use]
    pub fn arn(partition: &str, name: &str) -> String {
        format!("arn:{partition}:s3:::{name}")
    }

    /// The buckets that it is, with their sides.
    pub fn sides(&self) -> impl Iterator<Item = (ActiveSide, &BucketName)> {
        let recovery = self.recovery.as_ref().map(|name| (ActiveSide::Replica, name));
        std::iter::once((ActiveSide::Primary, &self.primary)).chain(recovery)
    }

    /// What the plan says of its objects' age.
    #[must_use]
    pub fn lifecycle(&self) -> Option<&Lifecycle> {
        self.store.as_ref().map(|store| &store.lifecycle)
    }

    /// The bucket that S3 is to replicate it to.
    #[must_use]
    pub fn replica(&self) -> Option<&BucketName> {
        self.recovery.as_ref().filter(|_| self.replicated)
    }
}

impl Kind for Bucket {
    fn name(&self) -> &ComponentName {
        &self.name
    }

    fn tier(&self) -> Option<&TierName> {
        self.tier.as_ref()
    }

    fn noun(&self) -> &'static str {
        Self::NOUN
    }

    fn check(&self, regions: SideRegions<'_>) -> Vec<Complaint> {
        check::check(self, regions)
    }

    fn identities(&self) -> Vec<Identity> {
        let identity = |(side, name): (ActiveSide, &BucketName)| {
            let field = match side {
                ActiveSide::Primary => "primary",
                ActiveSide::Replica => "recovery",
            };
            Identity { field, side, noun: Self::NOUN, id: name.to_string() }
        };
        self.sides().map(identity).collect()
    }

    fn replicates(&self) -> bool {
        self.replica().is_some()
    }

    fn bucket(&self) -> Option<&Bucket> {
        Some(self)
    }
}
