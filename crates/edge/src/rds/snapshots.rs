//! Snapshots in one Region: those of instances, and what is the same for those of clusters.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DbSnapshot, Tag};
use domain::{
    backup::{self, Found, Kind, Label, Marks, Of, Quota, Snapshot},
    words::{
        failure::Failure,
        id::{InstanceId, KmsKeyId, PlanName},
    },
};
use jiff::Timestamp;

use super::{Asked, MOST_PAGES, Rds, is};
use crate::aws_failure;

impl Rds {
    /// Looks for a snapshot by its name.
    ///
    /// # Errors
    /// As AWS answers; that there is none is no error.
    pub async fn snapshot(&self, name: &str) -> Result<Option<Snapshot>, Failure> {
        match self.client.describe_db_snapshots().db_snapshot_identifier(name).send().await {
            Ok(answer) => Ok(answer.db_snapshots().first().map(read)),
            Err(error) if is(&error, "DBSnapshotNotFound") => Ok(None),
            Err(error) => Err(aws_failure!(format!("cannot look for snapshot `{name}` in {}", self.region), error)),
        }
    }

    /// A backup's snapshot, of either kind: a Region that does not answer is an answer too.
    pub async fn find(&self, kind: Kind, name: &str) -> Found {
        let snapshot = match kind {
            Kind::Instance => self.snapshot(name).await,
            Kind::Cluster => self.cluster_snapshot(name).await,
        };
        Found { region: self.region.clone(), snapshot: snapshot.map_err(|failure| failure.chain()) }
    }

    /// Asks for a snapshot. One that is there already is what was asked for.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn take_snapshot(
        &self,
        instance: &InstanceId,
        name: &str,
        tags: &[(String, String)],
    ) -> Result<Asked, Failure> {
        let request = self
            .client
            .create_db_snapshot()
            .db_instance_identifier(instance.as_str())
            .db_snapshot_identifier(name)
            .set_tags(Some(super::tags(tags)));
        match request.send().await {
            Ok(_) => Ok(Asked::Begun),
            Err(error) if is(&error, "DBSnapshotAlreadyExists") => Ok(Asked::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Asked::NoRoom),
            Err(error) if is(&error, "InvalidDBInstanceState") => Ok(Asked::Busy),
            Err(error) => Err(self.failure("take a snapshot of", instance, error)),
        }
    }

    /// Asks for a copy, in this Region, of another Region's snapshot, with the tags that it carries. A cluster's
    /// goes with the signed URL that DocumentDB asks for; an instance's has none, which only GovCloud would need for an
    /// encrypted one.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn copy_snapshot(&self, of: &Snapshot, key: Option<&KmsKeyId>) -> Result<Asked, Failure> {
        match of.kind {
            Kind::Instance => self.copy_instance_snapshot(of, key).await,
            Kind::Cluster => self.copy_cluster_snapshot(of, key).await,
        }
    }

    async fn copy_instance_snapshot(&self, of: &Snapshot, key: Option<&KmsKeyId>) -> Result<Asked, Failure> {
        let request = self
            .client
            .copy_db_snapshot()
            .source_db_snapshot_identifier(&of.arn)
            .target_db_snapshot_identifier(&of.name)
            .set_kms_key_id(key.map(ToString::to_string))
            .set_tags(Some(super::tags(&of.carried)));
        match request.send().await {
            Ok(_) => Ok(Asked::Begun),
            Err(error) if is(&error, "DBSnapshotAlreadyExists") => Ok(Asked::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Asked::NoRoom),
            Err(error) if is(&error, "InvalidDBSnapshotState") => Ok(Asked::Busy),
            Err(error) => Err(aws_failure!(format!("cannot copy snapshot `{}` to {}", of.arn, self.region), error)),
        }
    }

    /// Every snapshot that is tagged as this plan's, of instances and of clusters.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where there are more than can be looked through: of a part nothing is concluded.
    pub async fn snapshots_of(&self, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        let mut found = self.instance_snapshots_of(plan).await?;
        found.extend(self.cluster_snapshots_of(plan).await?);
        Ok(found)
    }

    async fn instance_snapshots_of(&self, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        let what = || format!("cannot list the snapshots in {}", self.region);
        let (mut found, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.client.describe_db_snapshots().snapshot_type("manual").set_marker(marker).send().await;
            let page = page.map_err(|error| aws_failure!(what(), error))?;
            let ours = page.db_snapshots().iter().map(read);
            found.extend(ours.filter(|snapshot| snapshot.marks.plan.as_deref() == Some(plan.as_str())));
            marker = page.marker;
            if marker.is_none() {
                return Ok(found);
            }
        }
        Err(too_many(what()))
    }

    /// Deletes a snapshot. One that is gone is as it should be.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_snapshot(&self, kind: Kind, name: &str) -> Result<(), Failure> {
        match kind {
            Kind::Instance => self.delete_instance_snapshot(name).await,
            Kind::Cluster => self.delete_cluster_snapshot(name).await,
        }
    }

    async fn delete_instance_snapshot(&self, name: &str) -> Result<(), Failure> {
        match self.client.delete_db_snapshot().db_snapshot_identifier(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "DBSnapshotNotFound") => Ok(()),
            Err(error) => Err(aws_failure!(format!("cannot delete snapshot `{name}` in {}", self.region), error)),
        }
    }

    /// How many manual snapshots of a kind the account has in the Region, and may have.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where it does not say.
    pub async fn snapshot_quota(&self, kind: Kind) -> Result<Quota, Failure> {
        self.quota(match kind {
            Kind::Instance => "ManualSnapshots",
            Kind::Cluster => "ManualClusterSnapshots",
        })
        .await
    }

    /// The same for DB instances.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where it does not say.
    pub async fn instance_quota(&self) -> Result<Quota, Failure> {
        self.quota("DBInstances").await
    }

    async fn quota(&self, name: &str) -> Result<Quota, Failure> {
        let what = || format!("cannot read the account's RDS quotas in {}", self.region);
        let answer = self.client.describe_account_attributes().send().await;
        let answer = answer.map_err(|error| aws_failure!(what(), error))?;
        let named = answer.account_quotas().iter().find(|quota| quota.account_quota_name() == Some(name));
        let number = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        let quota = named.and_then(|quota| Some(Quota { used: number(quota.used())?, most: number(quota.max())? }));
        quota.ok_or_else(|| Failure::AwsRejected {
            what: what(),
            source: Some(format!("its answer names no `{name}`").into()),
        })
    }
}

/// Of a part nothing is concluded.
pub(super) fn too_many(what: String) -> Failure {
    Failure::AwsRejected { what, source: Some(format!("there are more than {MOST_PAGES} pages of them").into()) }
}

pub(super) fn read_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

/// RDS writes no size, or none at all, of what it does not know.
pub(super) fn gib(size: Option<i32>) -> Option<u32> {
    size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0)
}

fn read(found: &DbSnapshot) -> Snapshot {
    let tags = read_tags(found.tag_list());
    Snapshot {
        kind: Kind::Instance,
        name: found.db_snapshot_identifier().unwrap_or_default().to_owned(),
        taken_at: found
            .original_snapshot_create_time()
            .or(found.snapshot_create_time())
            .and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok()),
        marks: Marks::read(&tags),
        arn: found.db_snapshot_arn().unwrap_or_default().to_owned(),
        status: found.status().unwrap_or("unknown").to_owned(),
        percent: found.percent_progress().and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0),
        allocated_gib: gib(found.allocated_storage()),
        encrypted: found.encrypted().unwrap_or(false),
        of: found.db_instance_identifier().and_then(|id| id.parse().ok()).map(Of::Instance),
        label: Label::read(Kind::Instance, found.db_snapshot_identifier().unwrap_or_default(), &tags)
            .map_err(|error| error.to_string()),
        carried: backup::carried(&tags),
    }
}
