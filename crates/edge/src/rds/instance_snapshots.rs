//! Snapshots of DB instances in one Region.

use aws_sdk_rds::types::DbSnapshot;
use domain::{
    backup::{self, Label, Marks, Quota, Snapshot, Source},
    component::SnapshotKind,
    words::{
        failure::Failure,
        id::{InstanceId, KmsKeyId, PlanName},
    },
};
use jiff::Timestamp;

use super::{Acceptance, MOST_PAGES, Rds, gib, is, parsed, read_tags, too_many};
use crate::{
    aws_failure,
    snapshots::{Answer, SnapshotService},
};

impl Rds {
    /// Looks for an instance's snapshot by its name.
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

    /// Asks for a snapshot of an instance. One that is there already is what was asked for.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn take_snapshot(
        &self,
        instance: &InstanceId,
        name: &str,
        tags: &[(String, String)],
    ) -> Result<Acceptance, Failure> {
        let request = self
            .client
            .create_db_snapshot()
            .db_instance_identifier(instance.as_str())
            .db_snapshot_identifier(name)
            .set_tags(Some(super::tags(tags)));
        match request.send().await {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBSnapshotAlreadyExists") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Acceptance::NoRoom),
            Err(error) if is(&error, "InvalidDBInstanceState") => Ok(Acceptance::Busy),
            Err(error) => Err(self.failure("take a snapshot of", instance, error)),
        }
    }
}

/// Snapshots of DB instances.
#[derive(Debug, Clone)]
pub struct InstanceSnapshots(pub Rds);

impl SnapshotService for InstanceSnapshots {
    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Snapshot>> {
        Box::pin(self.0.snapshot(name))
    }

    fn list<'a>(&'a self, plan: &'a PlanName) -> Answer<'a, Vec<Snapshot>> {
        Box::pin(self.all_of(plan))
    }

    fn take<'a>(&'a self, of: &'a Source<'a>, name: &'a str, tags: &'a [(String, String)]) -> Answer<'a, Acceptance> {
        Box::pin(async move { self.0.take_snapshot(&parsed(of.id)?, name, tags).await })
    }

    fn copy<'a>(&'a self, of: &'a Snapshot, key: Option<&'a KmsKeyId>) -> Answer<'a, Acceptance> {
        Box::pin(self.copied(of, key))
    }

    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.deleted(name))
    }

    fn quota(&self) -> Answer<'_, Quota> {
        Box::pin(self.0.quota("ManualSnapshots"))
    }
}

impl InstanceSnapshots {
    async fn all_of(&self, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        let Self(Rds { client, region }) = self;
        let what = || format!("cannot list the snapshots in {region}");
        let (mut found, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = client.describe_db_snapshots().snapshot_type("manual").set_marker(marker).send().await;
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

    /// An instance's goes without a signed URL, which only GovCloud would need for an encrypted one.
    async fn copied(&self, of: &Snapshot, key: Option<&KmsKeyId>) -> Result<Acceptance, Failure> {
        let Self(Rds { client, region }) = self;
        let request = client
            .copy_db_snapshot()
            .source_db_snapshot_identifier(&of.arn)
            .target_db_snapshot_identifier(&of.name)
            .set_kms_key_id(key.map(ToString::to_string))
            .set_tags(Some(super::tags(&of.carried)));
        match request.send().await {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBSnapshotAlreadyExists") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "SnapshotQuotaExceeded") => Ok(Acceptance::NoRoom),
            Err(error) if is(&error, "InvalidDBSnapshotState") => Ok(Acceptance::Busy),
            Err(error) => Err(aws_failure!(format!("cannot copy snapshot `{}` to {region}", of.arn), error)),
        }
    }

    async fn deleted(&self, name: &str) -> Result<(), Failure> {
        let Self(Rds { client, region }) = self;
        match client.delete_db_snapshot().db_snapshot_identifier(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "DBSnapshotNotFound") => Ok(()),
            Err(error) => Err(aws_failure!(format!("cannot delete snapshot `{name}` in {region}"), error)),
        }
    }
}

fn read(found: &DbSnapshot) -> Snapshot {
    let tags = read_tags(found.tag_list());
    Snapshot {
        kind: SnapshotKind::Instance,
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
        of: found.db_instance_identifier().map(|id| SnapshotKind::Instance.of(id)),
        label: Label::read(SnapshotKind::Instance, found.db_snapshot_identifier().unwrap_or_default(), &tags)
            .map_err(|error| error.to_string()),
        carried: backup::carried(&tags),
    }
}
