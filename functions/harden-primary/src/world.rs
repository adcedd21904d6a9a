//! The new primary, as RDS reaches it.

use std::future::Future;

use domain::{
    backup::tag,
    component::PostgresPair,
    failover::{
        hardening::{Change, Seen},
        run::Run,
    },
    words::failure::Failure,
};
use edge::rds::{Acceptance, Rds};

/// The new primary, as RDS reaches it.
pub trait NewPrimary {
    /// How it is set, and how far its snapshot is.
    fn look(&self, run: &Run, pair: &PostgresPair, snapshot: &str) -> impl Future<Output = Result<Seen, Failure>>;
    /// Changes its settings.
    fn modify(&self, run: &Run, pair: &PostgresPair, change: Change) -> impl Future<Output = Result<(), Failure>>;
    /// Asks for a snapshot of it.
    fn snapshot(&self, run: &Run, pair: &PostgresPair, name: &str)
    -> impl Future<Output = Result<Acceptance, Failure>>;
}

/// RDS.
pub struct World;

impl NewPrimary for World {
    async fn look(&self, run: &Run, pair: &PostgresPair, snapshot: &str) -> Result<Seen, Failure> {
        let rds = Rds::here(&run.plan.regions.recovery).await;
        let (instance, snapshot) = tokio::join!(rds.describe(&pair.replica.instance), rds.snapshot(snapshot));
        let instance = instance?;
        Ok(Seen {
            status: instance.status,
            retention_days: instance.retention_days,
            deletion_protection: instance.deletion_protection,
            snapshot: snapshot?.map(|snapshot| snapshot.status),
        })
    }

    async fn modify(&self, run: &Run, pair: &PostgresPair, change: Change) -> Result<(), Failure> {
        Rds::here(&run.plan.regions.recovery).await.harden(&pair.replica.instance, change).await
    }

    async fn snapshot(&self, run: &Run, pair: &PostgresPair, name: &str) -> Result<Acceptance, Failure> {
        let tags = [
            ("plan", run.plan.plan.whole().to_string()),
            ("component", pair.name.to_string()),
            ("generation", run.generation.to_string()),
        ]
        .map(|(key, value)| (tag(key), value));
        let instance = &pair.replica.instance;
        Rds::here(&run.plan.regions.recovery).await.take_snapshot(instance, name, &tags).await
    }
}
