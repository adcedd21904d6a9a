//! Each Region's snapshots, and the databases that they are of.

use std::future::Future;

use domain::{
    backup::{Found, Label, Quota, Snapshot, Source},
    component::{SeenDatabase, SnapshotKind},
    words::{
        failure::Failure,
        id::{KmsKeyId, Region},
    },
};
use edge::{
    clock, component,
    object_store::Bucket,
    patience::{BACKUP_REGION, DATABASE},
    postgres::Postgres,
    snapshots::Acceptance,
};
use jiff::Timestamp;

/// Each Region's snapshots, and what they are of.
pub trait Snapshots {
    /// A snapshot by its name.
    fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Found>;
    /// How many snapshots there may be.
    fn quota(&self, region: &Region, kind: SnapshotKind) -> impl Future<Output = Result<Quota, Failure>>;
    /// What is known of what is backed up, just before.
    fn database(&self, source: &Source<'_>) -> impl Future<Output = Result<SeenDatabase, Failure>>;
    /// Asks for a snapshot.
    fn take(&self, source: &Source<'_>, name: &str, label: &Label)
    -> impl Future<Output = Result<Acceptance, Failure>>;
    /// Asks for a copy.
    fn copy(
        &self,
        of: &Snapshot,
        to: &Region,
        key: Option<&KmsKeyId>,
    ) -> impl Future<Output = Result<Acceptance, Failure>>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// Each Region's snapshots, and the databases.
pub struct World {
    postgres: Postgres,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket).await? })
    }
}

impl Snapshots for World {
    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        component::find(kind, region, BACKUP_REGION, name).await
    }

    async fn quota(&self, region: &Region, kind: SnapshotKind) -> Result<Quota, Failure> {
        component::snapshots(kind, region, BACKUP_REGION).await.quota().await
    }

    async fn database(&self, source: &Source<'_>) -> Result<SeenDatabase, Failure> {
        component::look(source, &self.postgres, DATABASE, BACKUP_REGION).await
    }

    async fn take(&self, source: &Source<'_>, name: &str, label: &Label) -> Result<Acceptance, Failure> {
        let service = component::snapshots(source.kind(), source.region, BACKUP_REGION).await;
        service.take(source, name, &label.tags()).await
    }

    async fn copy(&self, of: &Snapshot, to: &Region, key: Option<&KmsKeyId>) -> Result<Acceptance, Failure> {
        component::snapshots(of.kind, to, BACKUP_REGION).await.copy(of, key).await
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}
