//! A Region's instances, as RDS shows them.

use std::future::Future;

use domain::{
    backup::Quota,
    restore::{Creation, SeenInstance, Settings},
    words::{
        failure::Failure,
        id::{InstanceId, Region},
    },
};
use edge::{
    patience::RESTORE_REGION,
    rds::{Acceptance, Rds},
};

/// A Region's instances.
pub trait Instances {
    /// An instance that was restored.
    fn find(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<SeenInstance>, Failure>>;
    /// How the plan's instance is set there, where there is one.
    fn settings(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<Option<Settings>, Failure>>;
    /// How many instances there may be.
    fn quota(&self, region: &Region) -> impl Future<Output = Result<Quota, Failure>>;
    /// Asks for an instance.
    fn restore(&self, region: &Region, creation: &Creation) -> impl Future<Output = Result<Acceptance, Failure>>;
}

/// Each Region's RDS.
pub struct World;

impl World {
    async fn rds(region: &Region) -> Rds {
        Rds::far(region, RESTORE_REGION).await
    }
}

impl Instances for World {
    async fn find(&self, region: &Region, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Self::rds(region).await.restored(instance).await
    }

    async fn settings(&self, region: &Region, instance: &InstanceId) -> Result<Option<Settings>, Failure> {
        Self::rds(region).await.settings(instance).await
    }

    async fn quota(&self, region: &Region) -> Result<Quota, Failure> {
        Self::rds(region).await.instance_quota().await
    }

    async fn restore(&self, region: &Region, creation: &Creation) -> Result<Acceptance, Failure> {
        Self::rds(region).await.restore(creation).await
    }
}
