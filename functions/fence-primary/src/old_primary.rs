//! The old primary, as fencing reaches it: by RDS, and by its own database.

use std::{cell::RefCell, future::Future};

use domain::{
    failover::{
        fencing::{DatabaseSeen, Direction, NetworkSeen, Target, Way},
        run::Run,
    },
    words::{failure::Failure, id::SecurityGroupId},
};
use edge::{
    object_store::Bucket,
    patience::{FAILED_REGION, FENCE, UNDO_FENCE},
    postgres::{Inside, Patience, Postgres, Server, ShutOut},
    rds::{Rds, set_groups, set_network},
};

/// The old primary, as fencing reaches it.
pub trait OldPrimary {
    /// Its security groups.
    fn network(&self, target: &Target) -> impl Future<Output = NetworkSeen>;
    /// Whether its database takes writes. One that does is left open for [`Self::shut_out`].
    fn database(&self, run: &Run, target: &Target) -> impl Future<Output = DatabaseSeen>;
    /// Takes the application's roles away, and ends its sessions, in a database that was seen to take writes.
    fn shut_out(&self, target: &Target) -> impl Future<Output = ShutOut>;
    /// Replaces its security groups, to shut its network.
    fn set_groups(&self, target: &Target, groups: &[SecurityGroupId]) -> impl Future<Output = Way>;
    /// Opens its network again.
    fn open_network(&self, target: &Target) -> impl Future<Output = Way>;
    /// Gives the application's roles back.
    fn let_in(&self, target: &Target) -> impl Future<Output = Way>;
}

/// RDS in the old primary's Region, and its database.
pub struct World {
    /// Its logins.
    pub postgres: Postgres,
    /// The session that the look left open.
    inside: RefCell<Option<Inside>>,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket).await?, inside: RefCell::default() })
    }

    async fn rds(target: &Target) -> Rds {
        Rds::far(&target.region, FAILED_REGION).await
    }
}

impl OldPrimary for World {
    async fn network(&self, target: &Target) -> NetworkSeen {
        Self::rds(target).await.network(&target.side.instance).await
    }

    async fn database(&self, run: &Run, target: &Target) -> DatabaseSeen {
        // One that loses packets costs no more than a sample of the probe: the guard goes on trying.
        let patience = Patience { login: run.plan.probe.timeout.duration(), whole: FENCE };
        let (seen, inside) = self.postgres.look_inside(&Server::of(target), patience).await;
        self.inside.replace(inside);
        seen
    }

    async fn shut_out(&self, target: &Target) -> ShutOut {
        let Some(inside) = self.inside.take() else {
            return ShutOut { way: Way::Unproved("nobody was let in to shut it".into()), ends_at: None };
        };
        self.postgres.shut_out(&Server::of(target), inside, &target.application_roles, FENCE).await
    }

    async fn set_groups(&self, target: &Target, groups: &[SecurityGroupId]) -> Way {
        set_groups(&Self::rds(target).await, &target.side, groups, Direction::Fence).await
    }

    async fn open_network(&self, target: &Target) -> Way {
        set_network(&Self::rds(target).await, &target.side, Direction::Undo).await
    }

    async fn let_in(&self, target: &Target) -> Way {
        self.postgres.let_in(&Server::of(target), &target.application_roles, UNDO_FENCE).await
    }
}
