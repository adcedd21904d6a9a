//! A plan's backups in each Region, and what was restored of them, as RDS shows them.

use std::future::Future;

use domain::{
    backup::{Found, Snapshot},
    component::SnapshotKind,
    failover::succession::Owner,
    restore::SeenInstance,
    words::{
        failure::Failure,
        id::{ExecutionArn, InstanceId, PlanName, Region},
    },
};
use edge::{
    clock, component,
    patience::BACKUP_REGION,
    rds::{Acceptance, Rds},
    states::States,
};
use jiff::Timestamp;

/// A plan's backups in each Region, and what was restored of them.
pub trait BackupCatalog {
    /// The plan's snapshots.
    fn list(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<Snapshot>, Failure>>;
    /// A snapshot by its name.
    fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Found>;
    /// Deletes a snapshot.
    fn delete(&self, region: &Region, kind: SnapshotKind, name: &str) -> impl Future<Output = Result<(), Failure>>;
    /// The instances that were restored for the plan.
    fn restores(&self, region: &Region, plan: &PlanName) -> impl Future<Output = Result<Vec<SeenInstance>, Failure>>;
    /// An instance that was restored.
    fn restored(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<SeenInstance>, Failure>>;
    /// Deletes an instance.
    fn tear_down(&self, region: &Region, instance: &InstanceId) -> impl Future<Output = Result<Acceptance, Failure>>;
    /// What is known of the execution that restored one.
    fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> impl Future<Output = Owner>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// Each Region's RDS, and Step Functions.
pub struct World;

impl BackupCatalog for World {
    async fn list(&self, region: &Region, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        component::snapshots_of(plan, region, BACKUP_REGION).await
    }

    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        component::find(kind, region, BACKUP_REGION, name).await
    }

    async fn delete(&self, region: &Region, kind: SnapshotKind, name: &str) -> Result<(), Failure> {
        component::snapshots(kind, region, BACKUP_REGION).await.delete(name).await
    }

    async fn restores(&self, region: &Region, plan: &PlanName) -> Result<Vec<SeenInstance>, Failure> {
        Rds::far(region, BACKUP_REGION).await.restored_of(plan).await
    }

    async fn restored(&self, region: &Region, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Rds::far(region, BACKUP_REGION).await.restored(instance).await
    }

    async fn tear_down(&self, region: &Region, instance: &InstanceId) -> Result<Acceptance, Failure> {
        Rds::far(region, BACKUP_REGION).await.tear_down(instance).await
    }

    async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        States::from_env().await.owner(execution, began).await
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}
