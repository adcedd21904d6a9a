//! Snapshots of clusters in one Region. Aurora, DocumentDB and Neptune share these calls of RDS.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbClusterSnapshot;
use domain::{
    backup::{self, Label, Marks, Quota, Snapshot, Source},
    component::{SeenCluster, SnapshotKind},
    words::{
        failure::Failure,
        id::{ClusterId, KmsKeyId, PlanName},
    },
};
use jiff::Timestamp;

use super::{Acceptance, MOST_PAGES, Rds, gib, is, parsed, presigned, read_tags, too_many};
use crate::{
    aws, aws_failure, clock,
    snapshots::{Answer, SnapshotService},
};

impl Rds {
    /// Looks at a cluster.
    ///
    /// # Errors
    /// `NotFound` where there is none of that name.
    pub async fn cluster(&self, cluster: &ClusterId) -> Result<SeenCluster, Failure> {
        let answer = self.client.describe_db_clusters().db_cluster_identifier(cluster.as_str()).send().await;
        let answer = answer.map_err(|error| self.cluster_failure("look for", cluster, error))?;
        let found = answer.db_clusters().first().ok_or_else(|| self.no_cluster(cluster))?;
        Ok(SeenCluster {
            engine: found.engine().unwrap_or("unknown").to_owned(),
            version: found.engine_version().map(str::to_owned),
        })
    }

    fn no_cluster(&self, cluster: &ClusterId) -> Failure {
        Failure::NotFound(format!(
            "there is no DB cluster `{cluster}` in {}: correct the plan, or create it",
            self.region
        ))
    }

    fn cluster_failure<E>(&self, verb: &str, cluster: &ClusterId, error: aws_sdk_rds::error::SdkError<E>) -> Failure
    where
        E: std::error::Error + aws_sdk_rds::error::ProvideErrorMetadata + 'static,
    {
        if is(&error, "DBClusterNotFound") {
            return self.no_cluster(cluster);
        }
        aws_failure!(format!("cannot {verb} DB cluster `{cluster}` in {}", self.region), error)
    }
}

/// Snapshots of clusters.
#[derive(Debug, Clone)]
pub struct ClusterSnapshots(pub Rds);

impl SnapshotService for ClusterSnapshots {
    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Snapshot>> {
        Box::pin(self.found(name))
    }

    fn list<'a>(&'a self, plan: &'a PlanName) -> Answer<'a, Vec<Snapshot>> {
        Box::pin(self.all_of(plan))
    }

    fn take<'a>(&'a self, of: &'a Source<'a>, name: &'a str, tags: &'a [(String, String)]) -> Answer<'a, Acceptance> {
        Box::pin(async move { self.taken(&parsed(of.id)?, name, tags).await })
    }

    fn copy<'a>(&'a self, of: &'a Snapshot, key: Option<&'a KmsKeyId>) -> Answer<'a, Acceptance> {
        Box::pin(self.copied(of, key))
    }

    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.deleted(name))
    }

    fn quota(&self) -> Answer<'_, Quota> {
        Box::pin(self.0.quota("ManualClusterSnapshots"))
    }
}

impl ClusterSnapshots {
    async fn found(&self, name: &str) -> Result<Option<Snapshot>, Failure> {
        let Self(Rds { client, region }) = self;
        match client.describe_db_cluster_snapshots().db_cluster_snapshot_identifier(name).send().await {
            Ok(answer) => match answer.db_cluster_snapshots().first() {
                Some(found) => Ok(Some(read(found, self.tags_of(found).await?))),
                None => Ok(None),
            },
            Err(error) if is(&error, "DBClusterSnapshotNotFound") => Ok(None),
            Err(error) => Err(aws_failure!(format!("cannot look for cluster snapshot `{name}` in {region}"), error)),
        }
    }

    async fn taken(&self, cluster: &ClusterId, name: &str, tags: &[(String, String)]) -> Result<Acceptance, Failure> {
        let request = self
            .0
            .client
            .create_db_cluster_snapshot()
            .db_cluster_identifier(cluster.as_str())
            .db_cluster_snapshot_identifier(name)
            .set_tags(Some(super::tags(tags)));
        match request.send().await {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBClusterSnapshotAlreadyExists") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Acceptance::NoRoom),
            Err(error) if is(&error, "InvalidDBClusterState") => Ok(Acceptance::Busy),
            Err(error) => Err(self.0.cluster_failure("take a snapshot of", cluster, error)),
        }
    }

    /// A cluster's goes with the signed URL that DocumentDB asks for.
    async fn copied(&self, of: &Snapshot, key: Option<&KmsKeyId>) -> Result<Acceptance, Failure> {
        let Self(Rds { client, region }) = self;
        let is_elsewhere = presigned::region_of(of) != Some(region.as_str());
        let url = if is_elsewhere {
            let credentials = aws::credentials().await?;
            Some(presigned::copy_of(of, region, key, credentials, clock::now().into())?)
        } else {
            None
        };
        let request = client
            .copy_db_cluster_snapshot()
            .source_db_cluster_snapshot_identifier(&of.arn)
            .target_db_cluster_snapshot_identifier(&of.name)
            .set_kms_key_id(key.map(ToString::to_string))
            .set_pre_signed_url(url)
            .set_tags(Some(super::tags(&of.carried)));
        match request.send().await {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBClusterSnapshotAlreadyExists") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Acceptance::NoRoom),
            Err(error) if is(&error, "InvalidDBClusterSnapshotState") || is(&error, "InvalidDBClusterState") => {
                Ok(Acceptance::Busy)
            }
            Err(error) => Err(aws_failure!(format!("cannot copy cluster snapshot `{}` to {region}", of.arn), error)),
        }
    }

    async fn all_of(&self, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        let Self(Rds { client, region }) = self;
        let what = || format!("cannot list the cluster snapshots in {region}");
        let (mut found, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let request = client.describe_db_cluster_snapshots().snapshot_type("manual").set_marker(marker);
            let page = request.send().await.map_err(|error| aws_failure!(what(), error))?;
            for snapshot in page.db_cluster_snapshots() {
                let snapshot = read(snapshot, self.tags_of(snapshot).await?);
                found.extend((snapshot.marks.plan.as_deref() == Some(plan.as_str())).then_some(snapshot));
            }
            marker = page.marker;
            if marker.is_none() {
                return Ok(found);
            }
        }
        Err(too_many(what()))
    }

    async fn deleted(&self, name: &str) -> Result<(), Failure> {
        let Self(Rds { client, region }) = self;
        match client.delete_db_cluster_snapshot().db_cluster_snapshot_identifier(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "DBClusterSnapshotNotFound") => Ok(()),
            Err(error) => Err(aws_failure!(format!("cannot delete cluster snapshot `{name}` in {region}"), error)),
        }
    }

    /// A snapshot's tags. The models of DocumentDB and Neptune show none with a snapshot, so that one that is called as
    /// ours are and shows none is asked for them.
    async fn tags_of(&self, found: &DbClusterSnapshot) -> Result<BTreeMap<String, String>, Failure> {
        let Self(Rds { client, region }) = self;
        let name = found.db_cluster_snapshot_identifier().unwrap_or_default();
        let shown = read_tags(found.tag_list());
        let Some(arn) = found.db_cluster_snapshot_arn().filter(|_| shown.is_empty() && name.starts_with(OURS)) else {
            return Ok(shown);
        };
        match client.list_tags_for_resource().resource_name(arn).send().await {
            Ok(answer) => Ok(read_tags(answer.tag_list())),
            // It was deleted in between.
            Err(error) if is(&error, "DBClusterSnapshotNotFound") || is(&error, "DBSnapshotNotFound") => Ok(shown),
            Err(error) => {
                Err(aws_failure!(format!("cannot list the tags of cluster snapshot `{name}` in {region}"), error))
            }
        }
    }
}

/// What the names of our snapshots begin with: roles may read the tags of no other.
const OURS: &str = "lifeboat-";

fn read(found: &DbClusterSnapshot, tags: BTreeMap<String, String>) -> Snapshot {
    let label = Label::read(SnapshotKind::Cluster, found.db_cluster_snapshot_identifier().unwrap_or_default(), &tags);
    // RDS keeps no original's time with a copy; its label has the time just before the original was asked for.
    let is_copy = found.source_db_cluster_snapshot_arn().is_some_and(|source| !source.is_empty());
    let taken_at = match &label {
        Ok(label) if is_copy => Some(label.database.database_time),
        Err(_) if is_copy => None,
        Ok(_) | Err(_) => found.snapshot_create_time().and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok()),
    };
    Snapshot {
        kind: SnapshotKind::Cluster,
        name: found.db_cluster_snapshot_identifier().unwrap_or_default().to_owned(),
        arn: found.db_cluster_snapshot_arn().unwrap_or_default().to_owned(),
        taken_at,
        status: found.status().unwrap_or("unknown").to_owned(),
        percent: found.percent_progress().and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0),
        allocated_gib: gib(found.allocated_storage()),
        encrypted: found.storage_encrypted().unwrap_or(false),
        of: found.db_cluster_identifier().map(|id| SnapshotKind::Cluster.of(id)),
        label: label.map_err(|error| error.to_string()),
        carried: backup::carried(&tags),
        marks: Marks::read(&tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::primitives::DateTime;

    use super::*;

    fn tags() -> BTreeMap<String, String> {
        let tags = [
            ("plan", "lab"),
            ("component", "reports"),
            ("schedule", "daily"),
            ("scheduled-at", "2026-11-21T02:00:00Z"),
            ("database-time", "2026-11-21T02:00:04Z"),
        ];
        tags.into_iter().map(|(key, value)| (domain::backup::tag(key), value.to_owned())).collect()
    }

    fn found() -> aws_sdk_rds::types::builders::DbClusterSnapshotBuilder {
        let at: Timestamp = "2026-11-21T02:00:05Z".parse().unwrap();
        let found =
            DbClusterSnapshot::builder().db_cluster_snapshot_identifier("lifeboat-lab-reports-daily-20261121t020000");
        found.snapshot_create_time(DateTime::from_secs(at.as_second())).allocated_storage(0)
    }

    #[test]
    fn a_copy_is_as_old_as_its_original() {
        let taken = |found: DbClusterSnapshot, tags| read(&found, tags).taken_at.map(|at| at.to_string());
        let copy = || found().source_db_cluster_snapshot_arn("arn:aws:rds:us-east-1:000000000000:cluster-snapshot:x");
        assert_eq!(taken(found().build(), tags()).as_deref(), Some("2026-11-21T02:00:05Z"));
        assert_eq!(taken(copy().build(), tags()).as_deref(), Some("2026-11-21T02:00:04Z"));
        assert_eq!(taken(copy().build(), BTreeMap::new()), None, "whose age is not known is in no order");
        let original = found().source_db_cluster_snapshot_arn("");
        assert_eq!(taken(original.build(), tags()).as_deref(), Some("2026-11-21T02:00:05Z"));
    }

    #[test]
    fn what_rds_does_not_know_is_unknown_and_not_zero() {
        let snapshot = read(&found().build(), tags());
        assert_eq!((snapshot.allocated_gib, snapshot.label.unwrap().database.size_bytes), (None, None));
        assert_eq!(read(&found().allocated_storage(7).build(), tags()).allocated_gib, Some(7));
    }
}
